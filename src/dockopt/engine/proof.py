"""The proof of a change: what must hold between a document before and after, whatever was done.

Nothing here trusts a transform. A miss names what it is about, and the engine rolls the change back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dockopt.engine.model import Effects
from dockopt.facts.facts import Facts
from dockopt.facts.packages import base_name, installed, read_call, unwrap
from dockopt.shell.script import Script
from dockopt.syntax.document import OVERLONG, Document, overlong, read, read_fragment
from dockopt.syntax.nodes import Comment, Directive, Instruction, Node
from dockopt.syntax.words import SPACE, same_value

_CLEANERS = frozenset(("rm", "find"))


def prove(before: Facts, after: Facts, effects: Effects) -> str | None:
    """None where the change holds, else one sentence saying what it broke."""
    change = Change(before.document, after.document)
    return (
        _rereads(change)
        or _accepted(change)
        or _comments(before, after, change)
        or _scripts(before, after)
        or _commands(before, after, change, effects)
        or _packages(before, after, effects)
        or _config(before, after, effects)
        or _second_reader(change)
    )


class Change:
    """Where two documents differ. A node that is in both is the same lines of the file, since nodes never change."""

    def __init__(self, before: Document, after: Document) -> None:
        self.before = before
        self.after = after
        kept = set(before.nodes).intersection(after.nodes)
        self.gone = [node for node in before.nodes if node not in kept]
        self.made = [node for node in after.nodes if node not in kept]
        self._kept = kept
        self.stretches = self.near(after)  #: what is new, with what follows it

    @property
    def starts_alike(self) -> bool:
        """Whether parser directives end where they ended: at the first line that is none."""
        for one, other in zip(self.before.nodes, self.after.nodes, strict=False):
            if one is not other:
                return False
            if not isinstance(one, Directive):
                return True
        return False

    @property
    def ends_alike(self) -> bool:
        """Whether the last node was the last before, or is new. The end of the file may have cut an instruction."""
        return self.before.nodes[-1] is self.after.nodes[-1] or self.before.nodes[-1] not in self._kept

    def near(self, document: Document) -> list[list[Node]]:
        """What one of the two has and the other has not, each stretch with the instruction behind it.

        That one might be swallowed; what stands before has ended. Parser directives behind are left out: below the
        top of a file they would be comments.
        """
        found: list[list[Node]] = []
        reach = False  # whether the last node belongs to a stretch that goes on
        for node in document.nodes:
            new = node not in self._kept
            if new and not reach:
                found.append([])
            reach = new or (reach and not isinstance(node, Directive))
            if reach:
                found[-1].append(node)
                reach = new or not isinstance(node, Instruction)
        return found


def _rereads(change: Change) -> str | None:
    """The text must read to the very document the edits made.

    Lines that nobody touched read as they did: reading knows nothing of what stands before an instruction, but
    for the directives, nor of what follows it, but for the end of the file. So it is enough to read what is new
    together with the instruction behind, unless one of the two has changed.
    """
    document = change.after
    if change.starts_alike and change.ends_alike:
        for stretch in change.stretches:
            again = read_fragment("".join([node.text for node in stretch]), document.escape, (1, 1))
            missed = _unlike(again, stretch)
            if missed is not None:
                return missed
        return None
    whole = read(document.text[len(document.bom) :], bom=document.bom)
    missed = _unlike(whole.nodes, document.nodes)
    if missed is None and whole.escape != document.escape:
        return "the escape directive is no longer read"
    return missed


def _unlike(found: Sequence[Node], expected: Sequence[Node]) -> str | None:
    if len(found) != len(expected):
        return "the new text does not read back as the same nodes"
    for one, other in zip(found, expected, strict=True):
        if one.text != other.text or type(one) is not type(other):
            return f"the new text does not read back as the same nodes, first at {other.text.strip()[:60]!r}"
    return None


def _accepted(change: Change) -> str | None:
    for node in change.made:
        error = node.error if isinstance(node, Instruction) else None
        if error is None and overlong(node.text):
            error = OVERLONG
        if error is not None:
            return f"BuildKit would reject the result: {error}"
    problems = change.after.problems
    return f"BuildKit would reject the result: {problems[0].message}" if problems else None


def _all_comments(nodes: Iterable[Node], facts: Facts) -> Counter[str]:
    """Every comment: between instructions, inside their continuations, and behind the commands of scripts."""
    found: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, Comment):
            found[node.text.strip()] += 1
        elif "#" in node.text and isinstance(node, Instruction):
            found.update(node.comments)
            view = facts.script(node)
            if view is not None:
                for start, end in view.script.comments:
                    found[view.script.text[start:end].strip()] += 1
    return found


def _comments(before: Facts, after: Facts, change: Change) -> str | None:
    if "#" not in before.document.text:
        return None
    missing = _all_comments(change.gone, before) - _all_comments(change.made, after)
    if missing:
        return f"a comment would be lost: {next(iter(missing))!r}"
    return None


def _scripts(before: Facts, after: Facts) -> str | None:
    broken = sum(view.script.error for view in after.scripts)
    if broken > sum(view.script.error for view in before.scripts):
        return "a shell script no longer parses"
    return None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])) for pattern in patterns)


def _programs(nodes: Iterable[Node], facts: Facts) -> Counter[str]:
    """What the scripts of instructions call, and how often; an assignment by itself counts as ``NAME=``.

    Package managers are left out, since what they install is compared, and what only cleans up.
    """
    found: Counter[str] = Counter()
    for node in nodes:
        view = facts.script(node) if isinstance(node, Instruction) else None
        for command in view.commands if view is not None else ():
            index = unwrap(command)
            if index == 0 and command.name is not None:  # nearly every one: no need of its other words
                name = command.name
            elif not command.words:
                found.update(f"{word.text.partition('=')[0]}=" for word in command.assignments)
                continue
            elif index < len(command.words):
                word = command.words[index]
                name = word.text if word.value is None else word.value
            else:
                continue
            if read_call(command) is None:
                found[base_name(name)] += 1
    return found


def _commands(before: Facts, after: Facts, change: Change, effects: Effects) -> str | None:
    """Every command must still be called, as often as it was."""
    missing = _programs(change.gone, before)
    if missing:
        missing -= _programs(change.made, after)
    for name in missing:
        if name not in _CLEANERS and not _matches(name, effects.commands_removed):
            return f"{name} would no longer be called"
    return None


def _packages(before: Facts, after: Facts, effects: Effects) -> str | None:
    # A text that is read twice is one script: what stays tells of nothing that came or went.
    old, new = ({view.script for view in facts.scripts if view.opaque is None} for facts in (before, after))
    gone, made = _installed(old - new), _installed(new - old)
    if gone == made:
        return None
    kept = _installed(old & new)
    for package in sorted(gone - made - kept):
        if not _matches(package, effects.packages_removed):
            return f"{package} would no longer be installed"
    for package in sorted(made - gone - kept):
        if not _matches(package, effects.packages_added):
            return f"{package} would be installed besides"
    return None


def _installed(scripts: Iterable[Script]) -> set[str]:
    return {package for script in scripts for package in installed(script.text)}


def _same(one: str | None, other: str | None, escape: str) -> bool:
    """Whether two entries of a configuration are equal. After ``?`` stands a word only the build can expand."""
    if one == other or one is None or other is None:
        return one == other
    return one[:1] == other[:1] == "?" and same_value(one[1:], other[1:], escape)


def _config(before: Facts, after: Facts, effects: Effects) -> str | None:
    old, new = before.stages.all, after.stages.all
    pairs = list(zip(old, new, strict=True)) if len(old) == len(new) else [(old[-1], new[-1])]
    for one, other in pairs:
        left, right = before.config(one), after.config(other)
        if left == right:
            continue
        for key in sorted(left.keys() | right.keys()):
            if not _same(left.get(key), right.get(key), after.document.escape) and not _matches(key, effects.config):
                where = "the final image" if other.final else f"stage {other.name or other.index}"
                return f"{key} of {where} would change from {left.get(key)!r} to {right.get(key)!r}"
    return None


def _second_reader(change: Change) -> str | None:
    """dockerfile-parse must see the same instructions, wherever its subset of the grammar reaches.

    It is given what is new, with the instruction behind. Where it does not agree on what stood there
    before either, its objection says nothing about the change.
    """
    objection = _disagreement(change, change.after)
    return objection if objection is None or _disagreement(change, change.before) is None else None


def _beyond_it(node: Instruction) -> bool:
    """Whether an instruction is one of those that dockerfile-parse is known to read otherwise than BuildKit."""
    if node.seamless:
        first = node.text[: node.text.index("\n")]
        return first.lstrip(SPACE) == node.keyword + node.escape  # it takes the escape for part of the keyword
    lines = node.lines
    if len(lines) > 1:
        head = lines[0]
        bare = node.text[head.content_start : head.content_end].strip() == node.keyword
        if bare and node.text.startswith(node.keyword + node.escape, head.content_end - len(node.keyword)):
            return True
        if any(line.logical < 0 and not line.comment for line in lines):
            return True  # it ends an instruction at a blank line inside the continuation
    # It drops an instruction whose continuation the end of the file cuts off.
    last = next(line for line in reversed(lines) if line.logical >= 0)
    return not node.heredocs and node.text.startswith(node.escape, last.content_end)


def _disagreement(change: Change, document: Document) -> str | None:
    stretches = change.stretches if document is change.after else change.near(document)
    # It is known to pass over comments between instructions, at no small cost: they are not given to it.
    nodes = [node for stretch in stretches for node in stretch if isinstance(node, Instruction)]
    text = "".join([node.text for node in nodes])
    if document.bom or document.escape != "\\" or "<<" in text:
        return None
    expected: list[tuple[str, str]] = []
    for node in nodes:
        if _beyond_it(node):
            return None
        expected.append((node.name, " ".join(node.line[node.keyword_start + len(node.keyword) :].split())))
    from io import BytesIO

    from dockerfile_parse import DockerfileParser

    parser = DockerfileParser(fileobj=BytesIO(text.encode("utf-8", "replace")))
    found = [
        (item["instruction"], " ".join(item["value"].split()))
        for item in parser.structure
        if item["instruction"] != "COMMENT"
    ]
    if found != [(name, value.encode("utf-8", "replace").decode()) for name, value in expected]:
        for one, other in zip(found, expected, strict=False):
            if one != other:
                return f"a second reader sees {one[0]} {one[1][:60]!r} where dockopt wrote {other[0]} {other[1][:60]!r}"
        return f"a second reader counts {len(found)} instructions, dockopt {len(expected)}"
    return None
