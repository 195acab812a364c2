"""``pip install`` without its cache."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    insert_after,
)

EFFECTS = Effects(files_removed=("/root/.cache/pip/**", "/home/*/.cache/pip/**"))


class PipNoCacheDir(Transform):
    """Add ``--no-cache-dir`` to ``pip install``.

    What:
        Adds the flag right after the verb, for ``pip``, ``pip3``, ``pip3.12`` and ``python -m pip``.

    Why:
        pip keeps every wheel it downloads or builds below ``~/.cache/pip``. No later step of an image
        reads it, so it only adds its size to the layer.

    Safety:
        Safe: the same packages are installed; only the cache directory is not written.

    Refuses:
        cache-disabled: PIP_NO_CACHE_DIR is set, or pip's configuration already turns the cache off
        cache-mount: the RUN mounts a cache where pip keeps its own, which makes the cache worth having
        cache-configured: the call or the environment names a cache directory, so somebody wants it

    References:
        https://pip.pypa.io/en/stable/topics/caching/
        hadolint DL3042
    """

    id = "pip-no-cache-dir"
    phase = Phase.PACKAGES
    aliases = ("DL3042",)
    mentions = ("pip",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Invocation]]] = {}
        for view, call in facts.invocations("pip"):
            if call.action != "install" or call.verb_word is None or call.option("--no-cache-dir", "--no-cache"):
                continue
            refusal = _refusal(facts, view, call)
            if refusal is not None:
                yield refusal
                continue
            by_view.setdefault(view.instruction.id, (view, []))[1].append(call)
        for view, calls in by_view.values():
            yield _proposal(view, calls)


def _refusal(facts: Facts, view: ScriptView, call: Invocation) -> Refusal | None:
    node = view.instruction
    if call.option("--cache-dir"):
        return Refusal(node, "cache-configured", "the call names its own --cache-dir")
    own = {word.text.partition("=")[0] for word in (*call.command.assignments, *call.wrappers) if "=" in word.text}
    env = facts.state(node).env
    if "PIP_NO_CACHE_DIR" in env or "PIP_NO_CACHE_DIR" in own:
        return Refusal(node, "cache-disabled", "PIP_NO_CACHE_DIR is set already")
    if "PIP_CACHE_DIR" in env or "PIP_CACHE_DIR" in own:
        return Refusal(node, "cache-configured", "PIP_CACHE_DIR names a cache directory that is wanted")
    for flag in node.flags:
        if flag.name == "mount" and "type=cache" in (flag.value or ""):
            return Refusal(node, "cache-mount", "the RUN has a cache mount, which keeps the cache out of the image")
    return None


def _proposal(view: ScriptView, calls: list[Invocation]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(call.verb_word, "--no-cache-dir") for call in calls if call.verb_word])

    return Proposal(view.instruction, "add --no-cache-dir to pip install", edit, effects=EFFECTS)
