"""``pip install`` without its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    Word,
    base_name,
    insert_after,
    replace,
    split_reference,
)
from dockopt_transforms.packages._cleanup import assigned, mounted
from dockopt_transforms.packages._releases import outdated_release

FLAG = "--no-cache-dir"
_PIP_INSTALL = re.compile(r"\bpip[0-9.]*(?:[\"',\s]+)install\b")
EFFECTS = Effects(files_removed=("/root/.cache/pip/**", "/home/*/.cache/pip/**"))
_VERBS = frozenset(("install", "wheel", "download"))
_CACHES = ("~/.cache/pip",)
# Images that bring a pip of their own, on whatever Debian or Ubuntu.
_OWN_PIP = frozenset(("python", "pypy", "conda", "miniconda", "miniconda3", "anaconda", "anaconda3"))
_NEWER_PIP = ("get-pip", "easy_install", "ensurepip", "conda")


class PipNoCacheDir(Transform):
    """Add ``--no-cache-dir`` to ``pip install``.

    What:
        Adds the flag right after the verb of ``install``, ``wheel`` and ``download``, for ``pip``, ``pip3``,
        ``pip3.12``, ``python -m pip`` and ``conda run pip``; ``--no-cache``, which pip takes for it, is spelled out.

    Why:
        pip keeps every wheel it downloads or builds below ``~/.cache/pip``. No later step of an image
        reads it, so it only adds its size to the layer.

    Safety:
        Safe: the same packages are installed; only the cache directory is not written.

    Refuses:
        cache-disabled: PIP_NO_CACHE_DIR is set (any value turns the cache off), or ``pip config`` does it
        cache-mount: the RUN mounts a cache where pip keeps its own, which makes the cache worth having
        cache-configured: the call or the environment names a cache directory, so somebody wants it
        json-form: the JSON form runs a program without a shell, or with one whose script is a string
        onbuild: the call is in a trigger, which runs in images built on this one
        old-pip: Debian's or Ubuntu's own pip from before 2015, which does not know the flag

    References:
        https://pip.pypa.io/en/stable/topics/caching/
        https://pip.pypa.io/en/stable/news/#v6-0 (the flag's release)
        hadolint DL3042
    """

    id = "pip-no-cache-dir"
    phase = Phase.PACKAGES
    local = True
    aliases = ("DL3042",)
    mentions = ("pip",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Edit]]] = {}
        for view, call, verb in _calls(facts):
            refusal = _refusal(facts, view, call)
            if refusal is not None:
                yield refusal
                continue
            short = call.option("--no-cache")
            edit = replace(short.word, FLAG) if short is not None else insert_after(verb, FLAG)
            by_view.setdefault(view.instruction.id, (view, []))[1].append(edit)
        for view, edits in by_view.values():
            yield _proposal(view, edits)
        yield from _elsewhere(document)


def _elsewhere(document: Document) -> Iterator[Refusal]:
    """The calls in RUNs whose script nobody edits."""
    for node in document.instructions:
        inner = node.inner if node.name == "ONBUILD" else node
        if inner is None or inner.name != "RUN" or (inner is node and node.json is None):
            continue
        if _PIP_INSTALL.search(inner.rest) and "--no-cache-dir" not in inner.rest:
            if inner is node:
                yield Refusal(node, "json-form", "the JSON form is left as it is")
            else:
                yield Refusal(node, "onbuild", "a trigger runs in images built on this one")


def _calls(facts: Facts) -> Iterator[tuple[ScriptView, Invocation, Word]]:
    """The calls without the flag, and the word that is their verb."""
    for view, call in facts.invocations("pip"):
        if call.verb in _VERBS and call.verb_word is not None and not call.option("--no-cache-dir"):
            yield view, call, call.verb_word
    for view, call in facts.invocations("conda"):
        if call.verb != "run" or "--no-cache-dir" in call.command.values or len(call.operands) < 2:
            continue
        name, verb = call.operands[0].value or "", call.operands[1]
        if base_name(name).rstrip("0123456789.") == "pip" and verb.value == "install":
            yield view, call, verb


def _refusal(facts: Facts, view: ScriptView, call: Invocation) -> Refusal | None:
    node = view.instruction
    if call.option("--cache-dir"):
        return Refusal(node, "cache-configured", "the call names its own --cache-dir")
    env, own = facts.state(node).env, assigned(call)
    # pip ignores a variable set to nothing; any other value turns the cache off, "off" and "0" too.
    if "PIP_NO_CACHE_DIR" in own or env.get("PIP_NO_CACHE_DIR", "") != "":
        return Refusal(node, "cache-disabled", "PIP_NO_CACHE_DIR is set already")
    if "PIP_CACHE_DIR" in own or "PIP_CACHE_DIR" in env:
        return Refusal(node, "cache-configured", "PIP_CACHE_DIR names a cache directory that is wanted")
    if mounted(node, _CACHES):
        return Refusal(node, "cache-mount", "the RUN has a cache mount, which keeps the cache out of the image")
    if facts.mentions("no-cache-dir", "cache-dir") and _configured(facts, view, call):
        return Refusal(node, "cache-disabled", "pip's configuration is set up here already")
    if _old_pip(facts, view, call):
        return Refusal(node, "old-pip", "this release's own pip is older than the flag (pip 6.0)")
    return None


def _before(facts: Facts, view: ScriptView, call: Invocation) -> Iterator[tuple[ScriptView, int]]:
    """The scripts that ran before a call in the stages it builds on, and up to which offset."""
    stages = {stage.index for stage in view.stage.chain}
    for other in facts.scripts:
        if other.instruction is view.instruction:
            yield other, call.command.start
            return
        if other.stage.index in stages:
            yield other, len(other.script.text)


def _configured(facts: Facts, view: ScriptView, call: Invocation) -> bool:
    """Whether ``pip config`` or a pip.conf written here speaks of the cache."""
    for other, end in _before(facts, view, call):
        text = other.script.text[:end]
        if "cache-dir" in text and ("pip.conf" in text or ".config/pip" in text):
            return True
        for earlier in other.invocations:
            named = any("cache-dir" in word.text for word in earlier.operands)
            if earlier.manager.name == "pip" and earlier.verb == "config" and earlier.command.start < end and named:
                return True
    return False


def _old_pip(facts: Facts, view: ScriptView, call: Invocation) -> bool:
    reference = view.stage.root.base or ""
    name = base_name(split_reference(reference)[0])
    if name in _OWN_PIP or not outdated_release(reference):
        return False
    for other, end in _before(facts, view, call):
        text = other.script.text[:end]
        if any(word in text for word in _NEWER_PIP):
            return False
        for earlier in other.invocations:
            if earlier.manager.name == "pip" and earlier.verb == "install" and earlier.command.start < end:
                upgraded = earlier.option("-U", "--upgrade") is not None
                if any(_is_pip(word, upgraded) for word in earlier.operands):
                    return False
    return True


def _is_pip(word: Word, upgraded: bool) -> bool:
    text = word.value or ""
    return (text == "pip" and upgraded) or text.startswith(("pip==", "pip>", "pip~"))


def _proposal(view: ScriptView, edits: list[Edit]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, edits)

    return Proposal(view.instruction, "add --no-cache-dir to pip", edit, effects=EFFECTS)
