"""Package lists do not belong in an image."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
)
from dockopt_transforms.packages import _apt
from dockopt_transforms.packages._apt import CLEANUP, LIKELY, LISTS, LISTS_REMOVED, MAYBE, SURE, Use
from dockopt_transforms.packages._cleanup import unread

_CACHES = ("/var/cache/apt/archives", "/var/cache/apt")


class AptCleanLists(Transform):
    """Remove apt's package lists in the RUN that fetched them.

    What:
        Adds ``rm -rf /var/lib/apt/lists/*`` after the last use of apt in a RUN that updates the lists, joined so
        that a failure before it still fails the build. A later RUN that does nothing but remove lists
        which are gone by then is dropped, and so is a removal between two updates of one RUN that
        ends with another: merged RUNs have them.

    Why:
        The lists take some 20 to 60 MB, are out of date the next day, and a removal in a later RUN does not
        make the layer that holds them smaller.

    Safety:
        Safe: no later step of the file reads the lists. Unsafe where a later step runs a script that might
        install packages and cannot be read.

    Refuses:
        later-install: a later RUN of the stage, or of a stage built from it, needs the lists without an update of its own
        later-script: a later RUN calls a script whose name says that it installs something
        cache-mount: the RUN mounts something over the lists, so they stay out of the layer
        no-place: the last use of apt stands where no command can be added after it
        exec-form: the RUN is in JSON form, which has no shell
        opaque-script: the script is not one that dockopt reads
        other-removal: the lists are removed by another pattern than the usual one, which a linter may not know

    References:
        https://docs.docker.com/build/building/best-practices/#apt-get
        hadolint DL3009
        binnacle aptGetInstallThenRemoveAptLists
    """

    id = "apt-clean-lists"
    phase = Phase.PACKAGES
    safety = "unsafe"
    aliases = ("DL3009", "aptGetInstallThenRemoveAptLists")
    after = ("apt-to-apt-get", "apt-join-update", "apt-no-install-recommends")
    scripts = True
    mentions = ("apt",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from unread(facts, _apt.INSTALL)
        for stage in facts.stages.all:
            if stage.windows:
                continue
            for node in stage.instructions:
                if node.name != "RUN" or "apt" not in node.text:
                    continue
                view = facts.script(node)
                if view is None:
                    if _leaves_lists(_apt.node_uses(facts, node)):
                        yield Refusal(node, "exec-form", "a RUN in JSON form runs one command without a shell")
                elif view.opaque is None:
                    yield from _for_run(document, facts, view)


def _leaves_lists(uses: tuple[Use, ...]) -> bool:
    filled = False
    for use in uses:
        if use.kind == "update":
            filled = True
        elif use.kind == "clean":
            filled = False
    return filled


def _for_run(document: Document, facts: Facts, view: ScriptView) -> Iterator[Proposal | Refusal]:
    node = view.instruction
    uses = _apt.uses_of(view.script)
    if not _leaves_lists(uses):
        if _only_cleans(facts, view, uses):
            yield _drop(view)
        elif any(_by_pattern(use) for use in uses):
            yield Refusal(node, "other-removal", "the RUN removes the lists already, by a pattern of its own")
        else:
            again = _redundant(view, uses)
            if again is not None:
                yield again
        return
    if _apt.lists_mount(node):
        yield Refusal(node, "cache-mount", "the RUN mounts something over the lists, so no layer holds them")
        return
    need = _apt.later_need(facts, view.stage, node)
    where = f"line {need.node.start_line}" if need.node is not None else ""
    if need.level == SURE:
        yield Refusal(node, "later-install", f"{where} needs the lists and has no update of its own")
        return
    if need.level == LIKELY:
        yield Refusal(node, "later-script", f"{where} runs a script that may install packages with these lists")
        return
    if all(use.kind == "update" for use in uses) and len(uses) == len(view.script.commands):
        return  # nothing but an update that nobody needs: apt-join-update drops it
    last = [use for use in uses if use.kind != "clean"][-1]
    text = next((use.call.privilege for use in reversed(uses) if use.call is not None), "") + CLEANUP
    item = last.command.item
    change = _apt.append_command(facts, document, view, item, text)
    if change is None:
        yield Refusal(node, "no-place", "the last use of apt stands where no command can be added after it")
        return

    def edit(editor: Editor) -> None:
        editor.script(view, [change])

    yield Proposal(
        node,
        f"remove {LISTS}/* after the last use of apt",
        edit,
        safety=Safety.UNSAFE if need.level == MAYBE else Safety.SAFE,
        effects=LISTS_REMOVED,
        evidence=(f"{where}: runs something that cannot be read",) if need.level == MAYBE else (),
    )


def _only_cleans(facts: Facts, view: ScriptView, uses: tuple[Use, ...]) -> bool:
    """Whether a RUN removes apt's lists and caches only, and there are none."""
    if not uses or any(item.operator not in ("", "&&", ";") for item in view.script.items):
        return False
    if view.script.comments or len(uses) != len(view.script.commands) or view.heredoc is not None:
        return False
    if not any(use.kind == "clean" for use in uses):
        return False
    image = facts.base_image(view.stage)
    # docker-clean, which the official images carry, leaves nothing in apt's caches.
    tidy = image is not None and image.family in ("debian", "ubuntu") and not facts.mentions("docker-clean")
    for use in uses:
        if not use.command.top or use.command.redirects:
            return False
        if use.call is not None:
            if use.call.verb not in ("clean", "autoclean", "distclean") or not tidy:
                return False
        elif not _rm_of_lists(use, _CACHES if tidy else ()):
            return False
    return _apt.lists_before(facts)[view.instruction.id].state == "empty"


def _rm_of_lists(use: Use, caches: tuple[str, ...]) -> bool:
    places = ("-", LISTS, *(f"{cache}/*" for cache in caches))
    return use.command.name == "rm" and all(
        value is not None and value.startswith(places) for value in use.command.values[1:]
    )


def _redundant(view: ScriptView, uses: tuple[Use, ...]) -> Proposal | None:
    """Drop a removal of the lists alone after which the RUN fetches and removes them again.

    Not where the update comes right behind it: lists that do not fit together are then removed on purpose.
    """
    if not view.script.and_list or view.heredoc is not None:
        return None
    for index in range(1, len(uses) - 2):
        use, following = uses[index], uses[index + 1]
        if (
            use.kind == "clean"
            and following.kind == "update"
            and use.command.top
            and not use.command.redirects
            and (following.call is None or following.command.item > use.command.item + 1)
            and _rm_of_lists(use, ())
            and any(other.kind == "update" for other in uses[:index])
        ):
            cut = _apt.drop_items(view, use.command.item, use.command.item)
            if cut is not None:
                return _edit(view, cut)
    return None


def _edit(view: ScriptView, cut: Edit) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [cut])

    return Proposal(view.instruction, "drop a removal of apt lists that another follows", edit)


def _by_pattern(use: Use) -> bool:
    """Whether lists are removed by a pattern for their names, such as ``/var/lib/apt/lists/*_*``."""
    return use.kind == "clean" and any(
        value is not None and value.startswith(f"{LISTS}/*") and value != f"{LISTS}/*" for value in use.command.values
    )


def _drop(view: ScriptView) -> Proposal:
    def edit(editor: Editor) -> None:
        _apt.remove_run(editor, view)

    return Proposal(
        view.instruction, "drop a RUN that removes apt lists which are gone already", edit, effects=Effects(layers=-1)
    )
