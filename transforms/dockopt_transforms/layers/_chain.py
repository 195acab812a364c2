"""Sequences of RUN instructions, and the text of several as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from dockopt.api import (
    Comment,
    Document,
    Facts,
    Instruction,
    Node,
    ScriptView,
    parse_script,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.layers._leaks import Obstacle

# Comments that tools look for above an instruction, or above one line of it.
_TOOLS = tuple(
    word_set(
        "hadolint dockopt tally shellcheck renovate trivy checkov kics snyk nosemgrep nosec dockle semgrep region "
        "endregion {{ {%"
    )
)
_WRITABLE = frozenset(("rw", "readwrite", "rw=true", "readwrite=true"))
_DIRECTIVES = ("check", "escape", "syntax")
_KEYWORDS = word_set(
    "FROM RUN COPY ADD ENV ARG USER WORKDIR CMD ENTRYPOINT EXPOSE VOLUME LABEL SHELL HEALTHCHECK ONBUILD"
)


def for_a_tool(comment: str) -> bool:
    """Whether a comment is there for a linter, an update bot or another tool to read."""
    text = comment.lstrip("#").lstrip().lower()
    name, equals, _ = text.partition("=")
    return text.startswith(_TOOLS) or (bool(equals) and name.rstrip() in _DIRECTIVES)


def commented_out(comment: str) -> bool:
    """Whether a comment is an instruction that was put out of use."""
    keyword, _, rest = comment.lstrip("#").lstrip().partition(" ")
    return keyword in _KEYWORDS and bool(rest.strip())


class Member:
    """A RUN of a sequence. ``between`` are the nodes that stand between it and the RUN before."""

    def __init__(self, node: Instruction, between: list[Node], above: list[Comment], facts: Facts) -> None:
        self.node = node
        self.between = between
        self.view: ScriptView | None = facts.script(node)
        self.wrapped = False
        marked = [comment.text.strip() for comment in above]
        commented = "#" in node.text and not node.seamless
        self.pragma = (bool(marked) or commented) and any(map(for_a_tool, (*marked, *node.comments)))
        #: the comment lines between it and the RUN before, and between its keyword and its first command
        self.comments = [other.text.strip() for other in between if isinstance(other, Comment)]
        if commented:
            start = self.body_start
            self.comments.extend(
                node.text[line.content_start : line.content_end].strip()
                for line in node.lines
                if line.comment and line.start < start
            )
        self.unfit = self._unfit()  #: why this RUN joins no other

    @property
    def script(self) -> ScriptView:
        """The script of a member that has one."""
        assert self.view is not None
        return self.view

    @property
    def flags(self) -> list[str]:
        """The builder's flags, in the order they are written."""
        return [flag.text for flag in self.node.flags]

    @property
    def lines(self) -> int:
        """How many lines it takes in a chain."""
        items = len(self.view.script.items) if self.view is not None else 1
        node = self.node
        lines = node.text.rstrip("\n").count("\n") + 1 if node.seamless else len(node.lines)
        return max(lines, items) + len(self.comments)

    @property
    def body_start(self) -> int:
        """Where the script starts in the instruction's text."""
        return self.node.raw_offset(self.node.args_start, after=True)

    @property
    def body_end(self) -> int:
        """Where its last command ends; a ``;`` behind that is left out, since ``; &&`` is no shell."""
        return self.node.raw_offset(self.node.args_start + self.script.script.items[-1].end)

    def _unfit(self) -> Obstacle | None:
        if self.view is None:
            return Obstacle("json-form", "the JSON form runs a program without a shell")
        script = self.view.script
        if self.node.heredocs or script.has_heredoc:
            return Obstacle("heredoc", "a heredoc is a script of its own")
        if self.view.opaque is not None or not script.items:
            return Obstacle("opaque-script", self.view.opaque or "there is no command in it")
        if self.pragma:
            return Obstacle("suppression", "a comment for a linter or another tool belongs to one of them alone")
        if script.comments:
            return Obstacle("trailing-comment", "a # comment behind a command would swallow what follows")
        if script.end_operator and self.node.comment_between(
            self.node.args_start + script.items[-1].end, self.node.args_end
        ):
            return Obstacle("trailing-comment", "a comment stands between the last command and its semicolon")
        for flag in self.node.flags:
            value = flag.value or ""
            if flag.name == "mount" and ("type=tmpfs" in value or not _WRITABLE.isdisjoint(value.split(","))):
                return Obstacle("scratch-mount", "what is written to the mount is gone after its RUN")
        return None

    def keeps_apart(self) -> Obstacle | None:
        """Why the comments above this RUN keep it apart from the RUN before."""
        for text in self.comments:
            if for_a_tool(text):
                return Obstacle("suppression", "a comment for a linter or another tool belongs to one of them alone")
            if commented_out(text):
                return Obstacle("commented-out", "an instruction that is commented out stands between them")
        return None


def sequences(document: Document, facts: Facts) -> Iterator[list[Member]]:
    """The runs of two or more RUN instructions with nothing but comments and blank lines between them."""
    found: list[tuple[Instruction, list[Node]]] = []
    between: list[Node] = []
    for node in document.nodes:
        if not isinstance(node, Instruction):
            between.append(node)
            continue
        if node.name == "RUN":
            found.append((node, between))
        else:
            if len(found) > 1:
                yield _members(found, facts)
            found = []
        between = []
    if len(found) > 1:
        yield _members(found, facts)


def _members(found: list[tuple[Instruction, list[Node]]], facts: Facts) -> list[Member]:
    return [Member(node, before if index else [], above(before), facts) for index, (node, before) in enumerate(found)]


def above(between: list[Node]) -> list[Comment]:
    """The comment lines right above an instruction, with no blank line between."""
    found: list[Comment] = []
    for node in reversed(between):
        if not isinstance(node, Comment):
            break
        found.append(node)
    return found


def chain(document: Document, members: list[Member]) -> str:
    """The text of one RUN that does what all members did, one after the other."""
    joint = _joint(document, members)
    first, last = members[0], members[-1]
    out = [first.node.text[: first.body_start], _body(first, joint)]
    for member in members[1:]:
        out.append(joint.before(member.comments))
        out.append(_body(member, joint))
    return "".join(out) + last.node.eol


class _Joint(NamedTuple):
    """What stands between two commands on lines of their own."""

    leading: bool  #: the operator starts the line rather than ends it
    indent: str
    escape: str
    eol: str

    def before(self, comments: Iterable[str] = ()) -> str:
        lines = "".join(f"{self.indent}{comment}{self.eol}" for comment in comments)
        if self.leading:
            return f" {self.escape}{self.eol}{lines}{self.indent}&& "
        return f" && {self.escape}{self.eol}{lines}{self.indent}"


def _joint(document: Document, members: list[Member]) -> _Joint:
    """The style of the first member that has a list over several lines, else of the file's last such RUN."""
    found = next((style for member in members if (style := _style(member.node, member.script)) is not None), None)
    if found is None:
        nodes = (node for node in reversed(document.instructions) if node.name == "RUN" and len(node.lines) > 1)
        styles = (_style(node, None) for node in nodes if node.json is None and not node.heredocs)
        found = next((style for style in styles if style is not None), None)
    if found is None:
        indent = document.indent
        found = (False, indent if indent == "\t" or 2 <= len(indent) <= 4 else "    ")
    return _Joint(*found, document.escape, document.eol)


def _style(node: Instruction, view: ScriptView | None) -> tuple[bool, str] | None:
    """Whether operators lead, and the indent of the line the second command stands on; None for a one-line list."""
    script = view.script if view is not None else parse_script(node.rest)
    if script.error:
        return None
    base = node.args_start
    for item in script.items[1:]:
        if item.operator != "&&":
            continue
        at = node.raw_offset(base + item.start, after=True)
        operator = node.raw_offset(base + item.operator_start, after=True)
        line = next(line for line in node.lines if line.start <= at < line.end)
        if line is node.lines[0]:
            continue
        lead = node.text[line.content_start : min(at, operator) if operator >= line.start else at]
        if not lead.strip():
            return operator >= line.start, lead
    return None


def _body(member: Member, joint: _Joint) -> str:
    node, script = member.node, member.script.script
    start, end = member.body_start, member.body_end
    text = node.text[start:end]
    if member.wrapped:
        # "((" would open an arithmetic expression.
        return f"( {text})" if text.startswith("(") else f"({text})"
    if "\n" in text or len(script.items) < 2:
        return text
    base = node.args_start
    out: list[str] = []
    pos = start
    for before, item in pairwise(script.items):
        out.append(node.text[pos : node.raw_offset(base + before.end)])
        out.append(joint.before())
        pos = node.raw_offset(base + item.start)
    return "".join(out) + node.text[pos:end]
