"""What the cache cleaners share: find the calls that fill a cache, and clean it where it was filled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from dockopt.api import (
    Command,
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Invocation,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    base_name,
    command_indent,
    delete_item,
    insert_item,
    insert_line,
    program,
    reads_status,
    unwrap,
)
from dockopt_transforms.packages._errexit import holds, may_follow, may_hold

_REPOSITORY_WORDS = (".repo", "release", "config", "://", "rpm ", "addrepo", "registry")
_CERTAIN = frozenset(("pipeline", "subshell", "compound_statement"))


class Scope(NamedTuple):
    """One script and the calls of one manager in it."""

    view: ScriptView
    calls: tuple[Invocation, ...]


def by_script(calls: list[tuple[ScriptView, Invocation]]) -> list[Scope]:
    """Calls grouped by the script they stand in, in order."""
    found: dict[int, tuple[ScriptView, list[Invocation]]] = {}
    for view, call in calls:
        found.setdefault(view.instruction.id, (view, []))[1].append(call)
    return [Scope(view, tuple(own)) for view, own in found.values()]


def unread(facts: Facts, pattern: re.Pattern[str]) -> Iterator[Refusal]:
    """A refusal for each script that cannot be read in whose text a pattern finds a call."""
    for view in facts.scripts:
        if view.opaque is not None and not view.stage.windows and pattern.search(view.script.text):
            yield Refusal(view.instruction, "opaque-script", view.opaque)


def mount_targets(node: Instruction) -> list[str]:
    """Where a RUN mounts a cache or a tmpfs: what is written there never reaches the layer."""
    found: list[str] = []
    for flag in node.flags:
        if flag.name != "mount" or not flag.value:
            continue
        parts = dict(part.partition("=")[::2] for part in flag.value.split(","))
        if parts.get("type") in ("cache", "tmpfs"):
            target = parts.get("target") or parts.get("dst") or parts.get("destination") or ""
            found.append(target.strip("\"'"))
    return found


def mounted(node: Instruction, caches: tuple[str, ...]) -> bool:
    """Whether a cache or tmpfs mount of a RUN lies on one of these directories, above or below it.

    ``~`` in a cache stands for any home. A target with a variable in it may lie anywhere.
    """
    return any(
        "$" in target or any(_covers(target.rstrip("/"), cache) for cache in caches) for target in mount_targets(node)
    )


def _covers(target: str, cache: str) -> bool:
    if not cache.startswith("~"):
        return target == cache or cache.startswith(target + "/") or target.startswith(cache + "/")
    inner = cache[1:]
    if target + "/" in ("/", "/root/", "/home/") or (target.startswith("/home/") and target.count("/") == 2):
        return True
    if inner in target:
        return True
    parts = inner.strip("/").split("/")
    return any(target.endswith("/" + "/".join(parts[:count])) for count in range(1, len(parts) + 1))


def assigned(call: Invocation) -> set[str]:
    """The names of the variables set for this one call."""
    words = (*call.command.assignments, *call.wrappers)
    return {word.text.partition("=")[0] for word in words if "=" in word.text}


def append(facts: Facts, document: Document, view: ScriptView, index: int, text: str) -> Edit | None:
    """The edit that runs ``text`` after an element of the top-level list has succeeded.

    What fails the RUN, and what ``set -e`` looks at, stays as it is. None where there is no place.
    """
    script, node = view.script, view.instruction
    items = script.items
    while index + 1 < len(items) and items[index + 1].operator == "||":
        index += 1
    item = items[index]
    following = items[index + 1].operator if index + 1 < len(items) else ""
    if following == "&" or (not following and script.end_operator == "&") or item.end > view.editable_end:
        return None
    if not may_follow(facts, view, index):
        return None
    chained = item.operator in ("&&", "||")
    if following in (";", "\n") and chained and may_hold(facts, view):
        # A command that fails inside a longer and-list would no longer end the script.
        return None
    asked = reads_status(script, index + 1)
    if following == "\n" and not chained and not asked:
        return insert_line(document, script, item, text)
    if not following and view.heredoc is not None and not chained and holds(facts, view, index):
        return insert_line(document, script, item, text)  # else its success would hide that the last command failed
    if view.heredoc is not None:
        joint = "; " if following == ";" and not chained and not asked else " && "
        return (item.end, item.end, joint + text)
    if following == ";" and not chained and not asked:
        edit = insert_item(document, node, script, index, text, heredoc=False)
        if document.eol not in edit[2]:
            return (item.end, item.end, f"; {text}")
        return (item.end, item.end, f"; {document.escape}{document.eol}{command_indent(document, node)}{text}")
    return insert_item(document, node, script, index, text, heredoc=False)


def certain(view: ScriptView, command: Command) -> bool:
    """Whether a command runs whenever the script gets to its element of the top-level list at all."""
    if any(kind not in _CERTAIN for kind in command.within):
        return False
    script = view.script
    index = command.item
    if command.within and "||" in script.text[script.items[index].start : command.start]:
        return False
    while script.items[index].operator == "&&":
        index -= 1
    return script.items[index].operator != "||"


def removes(command: Command, paths: tuple[str, ...]) -> bool:
    """Whether a command is an ``rm`` or ``find`` of one of these directories, or of what is in it."""
    if program(command) not in ("rm", "find"):
        return False
    index = unwrap(command)
    return any(_same_place(word.text.strip("\"'"), path) for word in command.words[index + 1 :] for path in paths)


def _same_place(operand: str, path: str) -> bool:
    if path.startswith("~"):
        inner = path[1:]
        return inner in operand + "/" or operand.rstrip("/*").endswith(inner)
    return (
        operand == path
        or operand.startswith(path + "/")
        or operand.rstrip("/*") == path
        or (operand.endswith("/*") and path.startswith(operand[:-1]) and operand.count("/") > 2)
    )


def later_scripts(facts: Facts, view: ScriptView) -> Iterator[ScriptView]:
    """The scripts that run on top of this one's layer: later in its stage, and in stages built from it."""
    own = view.stage
    stages = {own.index, *(stage.index for stage in facts.stages.descendants(own))}
    passed = False
    for other in facts.scripts:
        if other.instruction is view.instruction:
            passed = True
        elif passed and other.stage.index in stages:
            yield other


def started(facts: Facts, view: ScriptView) -> Iterator[Instruction]:
    """The CMD, ENTRYPOINT and HEALTHCHECK of the images this script's layer is part of."""
    own = view.stage
    for stage in (own, *facts.stages.descendants(own)):
        for node in stage.instructions:
            if node.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
                yield node


class Cleaner(Transform):
    """Clean one manager's cache in the RUN that filled it. Subclasses say which and how.

    Those of tools that build are of the phase LAYERS, behind ``split-stages``: the stage it makes for the build ships
    nothing, so nothing there needs cleaning.
    """

    scripts = True
    manager: ClassVar[str]
    caches: ClassVar[tuple[str, ...]]  #: where the cache is; ``~`` for any home
    variables: ClassVar[tuple[str, ...]] = ()  #: environment variables that move the cache
    cache_flags: ClassVar[tuple[str, ...]] = ()  #: flags of a call that move the cache
    clean: ClassVar[str]  #: the arguments of the cleaning call, or the whole command where it is no call of its own
    fills_verbs: ClassVar[frozenset[str]] = frozenset(("install", "upgrade"))
    repositories: ClassVar[bool] = False  #: the cache holds an index of repositories that a script may change
    in_place: ClassVar[bool] = False  #: the cleaning call must run in the directory of the call it follows

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "manager" in vars(cls):
            cls.managers = (cls.manager,)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        open_stages: set[int] = set()
        filled: set[int] = set()
        for view, calls in by_script(facts.invocations(self.manager)):
            if not facts.stages.ships(view.stage):
                continue
            fills = [call for call in calls if self.fills(call)]
            if not fills:
                if view.stage.index in filled - open_stages and self._only_cleans(view):
                    yield self._drop(view)
                continue
            filled.add(view.stage.index)
            if self._cleaned(view, fills[-1]):
                redundant = self._redundant(view, fills)
                if redundant is not None:
                    yield redundant
                continue
            result = self._clean(document, facts, view, calls, fills)
            open_stages.add(view.stage.index)
            yield result

    def fills(self, call: Invocation) -> bool:
        """Whether a call leaves something in the cache."""
        return call.action in self.fills_verbs

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        """Whether a command (and the call it is read as) empties the cache."""
        return (call is not None and call.manager.name == self.manager and call.action == "clean") or removes(
            command, self.caches
        )

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        """The command that cleans after ``call``."""
        return f"{call.privilege}{call.executable.text} {self.clean}"

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        """Why this manager's cache is to stay, beyond what holds for all."""
        return None

    def _cleaned(self, view: ScriptView, last: Invocation) -> bool:
        by_command = {call.command.start: call for call in view.invocations}
        return any(
            command.start > last.command.start and self.cleans(command, by_command.get(command.start))
            for command in view.commands
        )

    def _redundant(self, view: ScriptView, fills: list[Invocation]) -> Proposal | None:
        """Drop a clean between two installs where another follows: merged RUNs have them.

        Not where the script may have changed the repositories: a stale index is then emptied on purpose.
        """
        script = view.script
        if not script.and_list:
            return None
        for call in view.invocations:
            at = call.command
            if not (at.top and self.cleans(at, call) and fills[0].command.start < at.start < fills[-1].command.start):
                continue
            upcoming = next(fill.command for fill in fills if fill.command.start > at.start)
            if self.repositories and any(word in script.text[: upcoming.end] for word in _REPOSITORY_WORDS):
                return None
            cut = delete_item(script, at.item, view.instruction if view.heredoc is None else None)
            if cut is not None:
                return _edit(view, f"drop a clean of {self.manager}'s cache that another follows", cut)
        return None

    def _only_cleans(self, view: ScriptView) -> bool:
        script = view.script
        by_command = {call.command.start: call for call in view.invocations}
        return (
            script.and_list
            and not view.instruction.flags
            and all(
                command.top
                and not command.redirects
                and self.cleans(command, by_command.get(command.start))
                and self._only_caches(command, by_command.get(command.start))
                for command in script.commands
            )
        )

    def _only_caches(self, command: Command, call: Invocation | None) -> bool:
        if call is not None:
            return True
        index = unwrap(command)
        operands = [word for word in command.words[index + 1 :] if not word.text.startswith("-")]
        return base_name(command.words[index].text) == "rm" and all(
            any(_same_place(word.text, path) for path in self.caches) for word in operands
        )

    def _drop(self, view: ScriptView) -> Proposal:
        def edit(editor: Editor) -> None:
            editor.remove(view.instruction)

        return Proposal(
            view.instruction,
            f"drop a layer that cleans {self.manager}'s cache again",
            edit,
            effects=Effects(layers=-1, files_added=self._globs()),
        )

    def _globs(self) -> tuple[str, ...]:
        return tuple(f"{cache.replace('~', home)}/**" for cache in self.caches for home in _homes(cache))

    def _clean(
        self,
        document: Document,
        facts: Facts,
        view: ScriptView,
        calls: tuple[Invocation, ...],
        fills: list[Invocation],
    ) -> Proposal | Refusal:
        node = view.instruction
        if mounted(node, self.caches):
            return Refusal(node, "cache-mount", "a mount keeps the cache out of the layer already")
        if any(call.option(*self.cache_flags) for call in fills):
            return Refusal(node, "cache-configured", "the call names a cache directory of its own")
        env = facts.state(node).env
        for name in self.variables:
            if name in env or any(name in assigned(call) for call in fills):
                return Refusal(node, "cache-configured", f"{name} names a cache directory")
        refusal = self.objection(facts, view, fills)
        if refusal is not None:
            return refusal
        return self._at_end(document, facts, view, [call for call in calls if call.action != "clean"], fills)

    def _at_end(
        self, document: Document, facts: Facts, view: ScriptView, uses: list[Invocation], fills: list[Invocation]
    ) -> Proposal | Refusal:
        node, last = view.instruction, uses[-1]
        sure = [call for call in fills if certain(view, call.command)]
        if not sure or any("function_definition" in call.command.within for call in uses):
            return Refusal(node, "conditional-use", f"whether {self.manager} runs at all is decided in the script")
        if self.in_place and any(kind != "pipeline" for kind in last.command.within):
            return Refusal(node, "conditional-use", "the call runs in a subshell with a directory of its own")
        edit_at = append(facts, document, view, last.command.item, self.text(facts, view, sure[-1]))
        if edit_at is None:
            return Refusal(node, "no-place", "nothing can be put behind the call without changing what fails the RUN")

        def edit(editor: Editor) -> None:
            editor.script(view, [edit_at])

        return Proposal(
            node,
            f"clean {self.manager}'s cache in the RUN that fills it",
            edit,
            safety=Safety(self.safety),
            effects=Effects(files_removed=self._globs()),
        )


def _edit(view: ScriptView, message: str, cut: Edit) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [cut])

    return Proposal(view.instruction, message, edit)


def _homes(cache: str) -> tuple[str, ...]:
    return ("/root", "/home/*") if cache.startswith("~") else ("",)
