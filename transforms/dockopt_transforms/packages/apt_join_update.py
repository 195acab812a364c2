"""``apt-get update`` belongs in the RUN that installs."""

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
    Safety,
    ScriptView,
    Transform,
    base_name,
    reads_status,
    unwrap,
)
from dockopt_transforms.packages import _apt
from dockopt_transforms.packages._apt import LIKELY, LISTS_REMOVED, MAYBE, SURE, WIDTH, Lists, Use
from dockopt_transforms.packages._errexit import ends_script, holds

_OPENERS = ("then", "do", "else", "{", "(", "&&", ";")
_PLAIN = frozenset(("if_statement", "elif_clause", "else_clause", "compound_statement", "subshell", "do_group"))
_SOURCE_PACKAGE = re.compile(r"repo|release|apt|source|keyring|archive|mirror")
_NO_SOURCES = frozenset(("lsb-release", "apt-utils", "apt-transport-https", "debian-archive-keyring", "ubuntu-keyring"))
_KEEP_SOURCES = frozenset(
    ("rm", "mkdir", "echo", "cp", "mv", "ln", "curl", "wget", "tar", "unzip", "chmod", "chown", "true")
)


class AptJoinUpdate(Transform):
    """Give each apt install the update it needs, in its own RUN.

    What:
        Puts ``apt-get update``, with the options the file uses for it, before an install that relies on an
        earlier RUN's; drops an update whose lists no step reads any more, with its RUN where nothing else is
        left in it; and drops a second update in one RUN where no package source changed since the first.

    Why:
        A RUN that only updates is cached by its text: months later the install beside it asks the archive
        for packages that are gone, and the build fails or gets old ones.

    Safety:
        Safe: the install sees the same archive, minutes later. Unsafe where the lists came from a base image
        nobody knows, where package sources were replaced since the last update, or where a script in
        between might have used the lists.

    Refuses:
        sources-change: a RUN adds a package source after the last update, which might not be usable yet
        no-network: the RUN has no network, so it cannot update
        no-place: the install stands where no command can be put before it
        later-script: a later RUN calls a script whose name says that it installs something with these lists
        exec-form: the RUN is in JSON form, which has no shell

    References:
        https://docs.docker.com/build/building/best-practices/#apt-get
        binnacle aptGetUpdatePrecedesInstall
    """

    id = "apt-join-update"
    phase = Phase.PACKAGES
    aliases = ("aptGetUpdatePrecedesInstall",)
    after = ("apt-to-apt-get",)
    scripts = True
    mentions = ("apt",)
    safety = "unsafe"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        if not facts.mentions("apt-get", "apt ", "aptitude", 'apt"'):
            return
        for stage in facts.stages.all:
            if stage.windows:
                continue
            for node in stage.instructions:
                if node.name != "RUN" or "apt" not in node.text:
                    continue
                view = facts.script(node)
                if view is None:
                    uses = _apt.node_uses(facts, node)
                    if any(use.kind == "read" and use.call is not None for use in uses[:1]):
                        yield Refusal(node, "exec-form", "a RUN in JSON form runs one command without a shell")
                elif view.opaque is None:
                    yield from _for_run(document, facts, view)


def _for_run(document: Document, facts: Facts, view: ScriptView) -> Iterator[Proposal | Refusal]:
    uses = _apt.uses_of(view.script)
    needy = _needy(uses)
    if needy is not None:
        lists = _apt.lists_before(facts)[view.instruction.id]
        result = _add(document, facts, view, needy, lists)
        if result is not None:
            yield result
        return
    again = _repeated(view, uses)
    if again is not None:
        yield again
        return
    idle = _idle(uses)
    if idle is not None:
        yield from _drop(facts, view, uses, idle)


def _needy(uses: tuple[Use, ...]) -> Use | None:
    """The first install of a RUN, where it has no update before it."""
    for use in uses:
        if use.kind == "update":
            return None
        if use.kind == "read" and use.call is not None and use.call.option("--print-uris", "-s", "--simulate") is None:
            return use
    return None


def _add(document: Document, facts: Facts, view: ScriptView, use: Use, lists: Lists) -> Proposal | Refusal | None:
    node = view.instruction
    call = use.call
    if call is None:
        return None
    local = bool(call.operands) and all(
        word.text.startswith(("./", "/")) or ".deb" in word.text for word in call.operands
    )
    if lists.state == "empty" and (local or call.action == "upgrade" or call.option("-f", "--fix-broken")):
        return None  # without lists it does what it can with what is there; with lists it would do more
    network = node.flag("network")
    if network is not None and network.value == "none":
        return Refusal(node, "no-network", "the RUN has no network, so it cannot update the lists")
    if lists.added is not None:
        reason = f"line {lists.added.start_line} adds a package source that no update has read yet"
        return Refusal(node, "sources-change", reason)
    edits = _insertion(document, facts, view, use, _update_text(use, lists.update))
    if edits is None:
        return Refusal(node, "no-place", "the install stands where no command can be put before it")

    def edit(editor: Editor) -> None:
        editor.script(view, [edits])

    safe = lists.replaced is None and (lists.update is not None or lists.state == "empty")
    evidence: tuple[str, ...] = ()
    if lists.replaced is not None:
        evidence = (f"line {lists.replaced.start_line}: replaces package sources after the last update",)
    elif not safe:
        evidence = ("nothing in the file updates the lists, so the base image's own may be what is meant",)
    return Proposal(
        node,
        "give this install its own apt-get update",
        edit,
        safety=Safety.SAFE if safe else Safety.UNSAFE,
        evidence=evidence,
    )


def _update_text(use: Use, last: Use | None) -> str:
    """The update to write: as the file writes it elsewhere, with this call's own ``sudo``."""
    call = use.call
    own = call.privilege if call is not None else ""
    if last is not None and last.call is not None and not last.command.within:
        command = last.command
        start = last.call.executable.start
        source = _text_of(last)
        text = source[start - command.start : command.outer_end - command.start]
        if "\n" not in text and "$" not in text and not command.assignments:
            return own + " ".join(text.split()) if "'" not in text and '"' not in text else own + text
    name = base_name(call.executable.value or "") if call is not None else "apt-get"
    return f"{own}{name} update"


def _text_of(use: Use) -> str:
    """The command as it is written, put together from its words and redirections."""
    command = use.command
    parts = sorted(
        [*((w.start, w.end, w.text) for w in command.words), *((r.start, r.end, r.text) for r in command.redirects)]
    )
    out: list[str] = []
    position = command.start
    for start, end, text in parts:
        out.append(" " * (start - position))
        out.append(text)
        position = end
    return "".join(out)


def _insertion(document: Document, facts: Facts, view: ScriptView, use: Use, text: str) -> Edit | None:
    command, script = use.command, view.script
    if any(kind in ("function_definition", "command_substitution", "process_substitution") for kind in command.within):
        return None
    if command.within and set(command.within) <= _PLAIN:
        before = script.text[: command.start].rstrip()
        if before.endswith(_OPENERS) and not before.endswith((";;", "||")):
            strict = holds(facts, view, command.item) and not before.endswith("&&")
            return (command.start, command.start, f"{text}; " if strict else f"{text} && ")
    index = command.item
    while script.items[index].operator == "||":
        index -= 1
    item = script.items[index]
    if item.start > view.editable_end or item.kind == "negated_command" or reads_status(script, index):
        return None
    if item.operator != "&&" and holds(facts, view, index):
        if view.heredoc is not None and item.operator in ("\n", ""):
            line_start = script.text.rfind("\n", 0, item.start) + 1
            indent = script.text[line_start : item.start]
            return (item.start, item.start, f"{text}{document.eol}{indent if not indent.strip() else ''}")
        return (item.start, item.start, f"{text}; ")
    return (item.start, item.start, text + _and(document, view, text))


def _and(document: Document, view: ScriptView, text: str) -> str:
    node = view.instruction
    if view.heredoc is not None or len(node.lines) > 1 or len(node.line) + len(text) + 4 <= WIDTH:
        return " && "
    from dockopt.api import operator_break

    return operator_break(document, node)


def _repeated(view: ScriptView, uses: tuple[Use, ...]) -> Proposal | None:
    """A second update in one ``&&`` chain, where the first one's lists still hold."""
    script = view.script
    if sum(use.kind == "update" for use in uses) < 2:
        return None
    if view.heredoc is not None or any(item.operator not in ("", "&&") for item in script.items):
        return None
    held: int | None = None
    by_item = {use.command.item: use for use in uses if use.command.top}
    drop: list[int] = []
    cleans: list[int] = []
    for index, item in enumerate(script.items):
        use = by_item.get(index)
        if use is not None and use.kind == "update" and item.kind == "command":
            if not _writes_nothing(use):
                held = None
            elif held is not None:
                drop.extend([*cleans, index])
            elif use.call is not None:
                held = index
            cleans = []
        elif use is not None and use.kind == "clean" and len(script.commands_of(index)) == 1:
            if _only_lists(use):
                cleans.append(index)
            else:
                held, cleans = None, []
        elif not (_keeps_sources(view, index) if use is None or use.call is None else _brings_no_source(use.call)):
            held, cleans = None, []
    if not drop:
        return None
    edits = [edit for first, last in _runs(drop) if (edit := _apt.drop_items(view, first, last)) is not None]

    def edit_(editor: Editor) -> None:
        editor.script(view, edits)

    return Proposal(view.instruction, "drop a second apt-get update with nothing new to read", edit_)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Neighbouring numbers as first and last."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _writes_nothing(use: Use) -> bool:
    """Whether the output of a command goes to no file."""
    return all(redirect.text.endswith(("/dev/null", "&1")) for redirect in use.command.redirects)


def _only_lists(use: Use) -> bool:
    index = unwrap(use.command)
    name, operands = use.command.values[index], use.command.values[index + 1 :]
    return name == "rm" and all(value is not None and value.startswith(("-", _apt.LISTS)) for value in operands)


def _brings_no_source(call: Invocation) -> bool:
    """Whether no package of an install looks like one that adds a source, as local ones and ``…-repo`` do."""
    if call.action != "install":
        return True
    for word in call.operands:
        if word.value is None or "/" in word.value or word.value.endswith(".deb"):
            return False
        if _SOURCE_PACKAGE.search(word.value) and word.value not in _NO_SOURCES:
            return False
    return True


def _keeps_sources(view: ScriptView, index: int) -> bool:
    """Whether an element is sure to leave apt's sources, keys and packages as they are."""
    item = view.script.items[index]
    text = view.script.text[item.start : item.end]
    return "/etc/apt" not in text and all(command.name in _KEEP_SOURCES for command in view.script.commands_of(index))


def _idle(uses: tuple[Use, ...]) -> Use | None:
    """The last update of a RUN, where nothing after it in the RUN reads the lists."""
    found: Use | None = None
    for use in uses:
        if use.kind == "update":
            found = use
        elif use.kind in ("read", "clean"):
            found = None
    return found


def _drop(facts: Facts, view: ScriptView, uses: tuple[Use, ...], use: Use) -> Iterator[Proposal | Refusal]:
    node, command, script = view.instruction, use.command, view.script
    if use.call is None or not command.top or _apt.lists_mount(node):
        return
    need = _apt.later_need(facts, view.stage, node)
    if need.level == SURE:
        return  # that step gets its own update first
    if need.level == LIKELY:
        where = need.node.start_line if need.node is not None else 0
        yield Refusal(node, "later-script", f"line {where} runs a script that may install packages with these lists")
        return
    index = command.item
    ends = bool(index) and index + 1 == len(script.items)
    if ends and script.items[index].operator != "&&" and not ends_script(facts, view, index - 1):
        return  # without it the RUN would end with another command's status
    alone = len(script.items) == 1
    deletion = None if alone else _apt.drop_items(view, command.item, command.item)
    if not alone and (deletion is None or script.items[command.item].kind != "command"):
        return

    def edit(editor: Editor) -> None:
        if deletion is None:
            _apt.remove_run(editor, view)
        else:
            editor.script(view, [deletion])

    yield Proposal(
        node,
        "drop an apt-get update whose lists no later step reads",
        edit,
        safety=Safety.UNSAFE if need.level == MAYBE else Safety.SAFE,
        effects=Effects(files_removed=LISTS_REMOVED.files_removed, layers=-1 if alone else 0),
        evidence=(f"line {need.node.start_line}: runs something that cannot be read",)
        if need.level == MAYBE and need.node is not None
        else (),
    )
