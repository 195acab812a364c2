"""A POSIX shell script as commands and an and-or list, with every span into the text it was read from.

tree-sitter-bash reads it; this module keeps what transforms need and forgets the tree. Scripts are
cached by their text: a file's scripts are read once, however many transforms look at them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from dockopt.shell import pieces

if TYPE_CHECKING:
    from tree_sitter import Node as TreeNode
    from tree_sitter import Parser


class Word(NamedTuple):
    """One word of a simple command."""

    start: int
    end: int
    text: str  #: as written
    value: str | None  #: after quote removal; None where an expansion decides

    @property
    def quoted(self) -> bool:
        return self.value != self.text

    @property
    def glob(self) -> bool:
        """Whether an unquoted ``*``, ``?`` or ``[`` may make several words of it."""
        return self.value == self.text and any(ch in self.text for ch in "*?[")


class Redirect(NamedTuple):
    start: int
    end: int
    text: str


UNREAD = object()


class Command:
    """A simple command (or ``export``, ``[ … ]``, ``unset``), wherever in the script it stands.

    ``start`` and ``end`` span assignments, name and arguments; ``outer_end`` also what follows of its
    redirections. ``within`` names the constructs around it from the outside in, POSIX's or
    tree-sitter's names: ``pipeline``, ``subshell``, ``if_statement``, ``for_statement``,
    ``command_substitution`` …; it is empty for a command of the top-level and-or list.
    """

    __slots__ = (
        "_source",
        "_text",
        "_words",
        "assignments",
        "call",
        "end",
        "item",
        "kind",
        "name",
        "outer_end",
        "program",
        "redirects",
        "start",
        "unwrapped",
        "within",
    )

    def __init__(
        self,
        kind: str,
        start: int,
        end: int,
        outer_end: int,
        words: tuple[Word, ...] | None,
        assignments: tuple[Word, ...],
        redirects: tuple[Redirect, ...],
        within: tuple[str, ...],
        item: int,
        text: str = "",
        name: str | None = None,
    ) -> None:
        """``words`` may be None for a command that is nothing but plain words of ``text``, the script's, and ``name``
        the first of them."""
        self.kind = kind
        self.start = start
        self.end = end
        self.outer_end = outer_end
        self._words = words
        self._text = text
        self._source: Command | None = None
        #: the command's name after quote removal, None where an expansion decides or there is none
        self.name = name if words is None else words[0].value if words else None
        self.assignments = assignments
        self.redirects = redirects
        self.within = within
        self.item = item
        self.unwrapped: int | None = None  #: kept by the facts: which word names what really runs
        self.program: object = UNREAD  #: kept by the facts: the name of what really runs
        self.call: object = UNREAD  #: kept by the facts: what it is as a package manager's call

    def moved(self, by: int, within: tuple[str, ...], item: int, text: str) -> Command:
        """The same command in a longer ``text``, further on by so many characters."""
        made = _new_command(Command)
        made.kind = self.kind
        made.start = self.start + by
        made.end = self.end + by
        made.outer_end = self.outer_end + by
        made._words = None
        made._source = None if self._text else self
        made._text = text if self._text else ""
        made.name = self.name
        made.assignments = self.assignments and tuple(
            [Word(start + by, end + by, text, value) for start, end, text, value in self.assignments]
        )
        made.redirects = self.redirects and tuple(
            [Redirect(start + by, end + by, text) for start, end, text in self.redirects]
        )
        made.within = within
        made.item = item
        made.unwrapped = self.unwrapped
        made.program = self.program
        made.call = None if self.call is None else UNREAD  # a call knows its command; what is none stays none
        return made

    @property
    def words(self) -> tuple[Word, ...]:
        """The command's name and arguments."""
        words = self._words
        if words is None:
            if self._source is not None:
                by = self.start - self._source.start
                found = [
                    _new(Word, (start + by, end + by, text, value)) for start, end, text, value in self._source.words
                ]
            else:
                found = [
                    _new(Word, (match.start(), match.end(), word, word[1:-1] if word[0] in "\"'" else word))
                    for match in _SIMPLE_WORD.finditer(self._text, self.start, self.end)
                    if (word := match[0])
                ]
            words = self._words = tuple(found)
        return words

    @property
    def args(self) -> tuple[Word, ...]:
        return self.words[1:]

    def add_words(self, words: Iterable[Word]) -> None:
        """Words the grammar hung elsewhere: those behind a redirection."""
        self._words = (*self.words, *words)
        self.name = self._words[0].value if self._words else None
        self.unwrapped = None
        self.program = self.call = UNREAD

    @property
    def values(self) -> tuple[str | None, ...]:
        return tuple([word.value for word in self.words])

    @property
    def top(self) -> bool:
        """Whether it is itself an element of the top-level and-or list."""
        return not self.within

    def __repr__(self) -> str:
        return f"Command({' '.join(word.text for word in self.words)!r})"


class Item(NamedTuple):
    """An element of the top-level list: a command, pipeline or compound command."""

    start: int
    end: int
    kind: str  #: ``command``, ``pipeline``, ``subshell``, ``if_statement`` …
    operator: str  #: what stands before it: ``""`` for the first, else ``&&``, ``||``, ``;``, ``&`` or a newline
    operator_start: int
    operator_end: int


class Script:
    """A shell script. ``error`` scripts are opaque: nobody may edit inside them."""

    __slots__ = ("commands", "comments", "end_operator", "error", "has_heredoc", "items", "known", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.error = False
        self.commands: tuple[Command, ...] = ()
        self.items: tuple[Item, ...] = ()
        self.comments: tuple[tuple[int, int], ...] = ()
        self.has_heredoc = False
        self.end_operator = ""  #: ``;`` or ``&`` after the last item
        #: What readers have worked out of its commands. It lives and dies with them: kept by the text, it would go on
        #: naming the commands of a script that is long forgotten, and no command of its successor.
        self.known: dict[str, object] = {}

    @property
    def and_list(self) -> bool:
        """Whether the script is one command or commands joined by ``&&`` alone, with nothing else in it."""
        return (
            bool(self.items)
            and not self.error
            and not self.comments
            and not self.has_heredoc
            and not self.end_operator
            and all(item.operator in ("", "&&") for item in self.items)
        )

    def commands_of(self, item: int) -> list[Command]:
        return [command for command in self.commands if command.item == item]


@lru_cache(maxsize=4096)
def parse_script(text: str) -> Script:
    """Read a script; the same text gives the same object."""
    return (_from_pieces(text) if text.isascii() else None) or read_script(text)


def read_script(text: str) -> Script:
    """Read a script as a whole."""
    script = Script(text)
    data = text.encode("utf-8", "surrogateescape")
    tree = _parser().parse(data)
    root = tree.root_node
    if root.has_error:
        script.error = True
        return script
    _Builder(script, data).build(root)
    return script


def _from_pieces(text: str) -> Script | None:
    """The script put together from its commands; None where they are not all plain."""
    commands: list[Command] = []
    items: list[Item] = []
    operator, start, end = "", 0, 0
    for match in pieces.cut(text):
        piece = _piece(match[1])
        if piece is None:
            return None
        by = match.start(1)
        following = match[2] or ""
        if operator == "|":
            before = items[-1]
            items[-1] = Item(before.start, by + piece.length, "pipeline", *before[3:])
        else:
            kind = "pipeline" if following == "|" else piece.kind
            items.append(_new(Item, (by, by + piece.length, kind, operator, start, end)))
        within = _PIPELINE if operator == "|" or following == "|" else ()
        commands.append(piece.at(by, within, len(items) - 1, text))
        operator = following
        start, end = match.span(2)
    if not commands or operator not in ("", ";"):
        return None
    script = Script(text)
    script.commands = tuple(commands)
    script.items = tuple(items)
    script.end_operator = operator
    return script


class _Piece:
    """A plain command read by itself, and the kind of element it is."""

    __slots__ = ("_command", "_last", "kind", "length")

    def __init__(self, command: Command, kind: str) -> None:
        self._command = self._last = command
        self.kind = kind
        self.length = command.outer_end

    def at(self, start: int, within: tuple[str, ...], item: int, text: str) -> Command:
        """The command at its place in a script.

        An edit leaves most commands where they are: those, with all that is known of them, are kept.
        """
        last = self._last
        if last.start != start or last.item != item or last.within != within:
            last = self._last = self._command.moved(start, within, item, text)
        return last


@lru_cache(maxsize=8192)
def _piece(text: str) -> _Piece | None:
    """A plain command; None where it is no such thing after all."""
    if pieces.reserved(text):
        return None
    simple = _SIMPLE.match(text)
    if simple is not None and simple.end() == len(text) and simple[1] not in _OWN_KINDS:
        end = len(text)
        return _Piece(Command("command", 0, end, end, None, (), (), (), 0, text, simple[1]), "command")
    command = _plain_command(text)
    if command is not None:
        return _Piece(command, "command")
    script = read_script(text)
    if script.error or len(script.commands) != 1 or script.commands[0].within:
        return None
    return _Piece(script.commands[0], script.items[0].kind)


def _plain_command(text: str) -> Command | None:
    """A plain command as the grammar reads it; None where it has nodes of its own for it, or words behind redirections."""
    assignments: list[Word] = []
    words: list[Word] = []
    redirects: list[Redirect] = []
    for match in pieces.tokens(text):
        token, (start, end) = match[0], match.span()
        if match[1] is not None:
            redirects.append(Redirect(start, end, token))
        elif redirects:
            return None
        elif not words and pieces.is_assignment(token):
            assignments.append(Word(start, end, token, token if _PLAIN.match(token) else None))
        else:
            words.append(Word(start, end, token, pieces.value(token)))
    if not words or words[0].text in _OWN_KINDS:
        return None
    end = words[-1].end
    return Command("command", 0, end, len(text), tuple(words), tuple(assignments), tuple(redirects), (), 0)


_PARSER: Parser | None = None


def _parser() -> Parser:
    global _PARSER
    if _PARSER is None:
        from tree_sitter import Language, Parser

        _PARSER = Parser(Language(_grammar()))
    return _PARSER


def _grammar() -> Any:
    """tree-sitter-bash's language pointer.

    The package's ``__init__`` imports ``importlib.resources`` for highlight queries nobody here wants,
    an eighth of the time a single file may take; its extension module is loaded without it.
    """
    from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, PathFinder
    from importlib.util import module_from_spec, spec_from_file_location

    package = PathFinder.find_spec("tree_sitter_bash")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for suffix in EXTENSION_SUFFIXES:
            path = f"{folder}/_binding{suffix}"
            try:
                open(path, "rb").close()
            except OSError:
                continue
            name = "tree_sitter_bash._binding"
            spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
            if spec is not None and spec.loader is not None:
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return module.language()
    import tree_sitter_bash

    return tree_sitter_bash.language()


_PLAIN = re.compile(r"[\w./:=+,@%^-]+\Z", re.A)
_QUOTED = re.compile(r"\"[^\"$`\\]*\"\Z|'[^']*'\Z")
_SIMPLE_WORD = re.compile(r"""[\w./:=+,@%^-]+|"[^"$`\\]*"|'[^']*'""", re.A)
# The first word has no "=": that would be an assignment.
_SIMPLE = re.compile(
    r"""([\w./:+,@%^-]+)(?![^ \t])(?:[ \t]+(?:[\w./:=+,@%^-]+|"[^"$`\\]*"|'[^']*')(?![^ \t]))*""", re.A
)
_ESCAPED_IN_QUOTES = '$`"\\\n'  #: POSIX 2.2.3: inside double quotes a backslash escapes only these
_new = tuple.__new__  #: of a NamedTuple, without the call of its own ``__new__``
_new_command = object.__new__
_PIPELINE = ("pipeline",)
#: Commands the grammar has nodes of their own for.
_OWN_KINDS = frozenset(("declare", "typeset", "export", "readonly", "local", "unset", "unsetenv"))
_COMMANDS = frozenset(("command", "declaration_command", "test_command", "unset_command", "variable_assignments"))
_REDIRECTS = frozenset(("file_redirect", "heredoc_redirect", "herestring_redirect"))
_OPERATORS = frozenset(("&&", "||", ";", "&", "\n", ";;"))
_TRANSPARENT = frozenset(("list", "redirected_statement", "program"))


class _Builder:
    def __init__(self, script: Script, data: bytes) -> None:
        self.script = script
        self.data = data
        self.text = script.text
        self.offsets: list[int] | None = None
        if len(data) != len(self.text):
            self.offsets = []
            for index, ch in enumerate(self.text):
                self.offsets.extend([index] * len(ch.encode("utf-8", "surrogateescape")))
            self.offsets.append(len(self.text))
        self.commands: list[Command] = []
        self.items: list[Item] = []
        self.comments: list[tuple[int, int]] = []

    def at(self, byte: int) -> int:
        return byte if self.offsets is None else self.offsets[byte]

    def build(self, root: TreeNode) -> None:
        operator, start, end = "", 0, 0
        for child in root.children:
            kind = child.type
            if kind in _OPERATORS:
                operator, start, end = kind, self.at(child.start_byte), self.at(child.end_byte)
            elif kind == "comment":
                self._comment(child)
            else:
                # A newline token is not always in the tree: two statements side by side mean one.
                if self.items and not operator:
                    operator, start, end = "\n", self.items[-1].end, self.at(child.start_byte)
                self._top(child, operator if self.items else "", start, end)
                operator = ""
        self.script.end_operator = operator if operator != "\n" else ""
        self.script.commands = tuple(self.commands)
        self.script.items = tuple(self.items)
        self.script.comments = tuple(self.comments)

    def _comment(self, node: TreeNode) -> None:
        self.comments.append((self.at(node.start_byte), self.at(node.end_byte)))

    def _top(self, node: TreeNode, operator: str, op_start: int, op_end: int) -> None:
        """Flatten the left-associative lists of one top-level statement."""
        if node.type == "list":
            pending = (operator, op_start, op_end)
            for child in node.children:
                if child.type in _OPERATORS:
                    pending = (child.type, self.at(child.start_byte), self.at(child.end_byte))
                elif child.type == "comment":
                    self._comment(child)
                else:
                    self._top(child, *pending)
            return
        if node.type == "redirected_statement" and node.children and node.children[0].type == "list":
            # The grammar hangs the redirection on the whole list; POSIX binds it to the last command.
            inner = node.children[0]
            self._top(inner, operator, op_start, op_end)
            last = self.items[-1]
            self.items[-1] = last._replace(end=self.at(node.end_byte))
            redirects, extra = self._redirects(node)
            if self.commands:
                self._attach(self.commands[-1], redirects, extra, self.at(node.end_byte))
            return
        kind = node.type
        if kind == "redirected_statement" and node.children:
            kind = node.children[0].type
        self.items.append(Item(self.at(node.start_byte), self.at(node.end_byte), kind, operator, op_start, op_end))
        self._walk(node, (), len(self.items) - 1)

    def _attach(self, command: Command, redirects: list[Redirect], extra: list[Word], end: int) -> None:
        command.redirects = (*command.redirects, *redirects)
        command.add_words(extra)
        command.outer_end = end

    def _attach_to_last(self, whole: TreeNode, redirects: list[Redirect], extra: list[Word], node: TreeNode) -> None:
        """The grammar hangs a redirection on a whole pipeline or list; POSIX binds it to the last command."""
        last = whole.children[-1]
        if last.type in _COMMANDS:
            start = self.at(last.start_byte)
            command = next(command for command in reversed(self.commands) if command.start == start)
            self._attach(command, redirects, extra, self.at(node.end_byte))

    def _walk(self, node: TreeNode, within: tuple[str, ...], item: int) -> None:
        kind = node.type
        if kind in _COMMANDS:
            self._command(node, within, item, (), node.end_byte)
            return
        if kind == "redirected_statement":
            redirects, extra = self._redirects(node)
            first = node.children[0] if node.children else None
            if first is not None and first.type in _COMMANDS:
                self._command(first, within, item, tuple(redirects), node.end_byte, extra)
            elif first is not None and first.type not in _REDIRECTS:
                self._walk(first, within, item)
                if first.type in ("pipeline", "list"):
                    self._attach_to_last(first, redirects, extra, node)
            for child in node.children:
                if child.type == "heredoc_redirect":
                    self._after_heredoc(child, within, item)
                elif child.type in _REDIRECTS:
                    self._substitutions(child, within, item)
            return
        if kind == "comment":
            self._comment(node)
            return
        if kind == "variable_assignment":
            self._assignment(node, within, item)
            return
        if kind not in _TRANSPARENT:
            within = (*within, kind)
        for child in node.children:
            if child.child_count or child.type == "comment":
                self._walk(child, within, item)

    def _after_heredoc(self, node: TreeNode, within: tuple[str, ...], item: int) -> None:
        """``cat <<EOF && make``: the grammar puts what follows on the line inside the redirection."""
        inside = (*within, "heredoc_redirect")
        for child in node.children:
            if child.type in _REDIRECTS or child.type in ("heredoc_start", "heredoc_body", "heredoc_end"):
                self._substitutions(child, within, item)
            elif child.child_count:
                self._walk(child, inside, item)

    def _assignment(self, node: TreeNode, within: tuple[str, ...], item: int) -> None:
        """``A=1`` by itself: a simple command without words, which changes the shell that runs it."""
        start, end = self.at(node.start_byte), self.at(node.end_byte)
        self.commands.append(Command(node.type, start, end, end, (), (self._word(node),), (), within, item))
        self._substitutions(node, within, item)

    def _redirects(self, node: TreeNode) -> tuple[list[Redirect], list[Word]]:
        found: list[Redirect] = []
        extra: list[Word] = []
        for child in node.children:
            if child.type in _REDIRECTS:
                redirect, words = self._redirect(child)
                found.append(redirect)
                extra.extend(words)
        return found, extra

    def _redirect(self, node: TreeNode) -> tuple[Redirect, list[Word]]:
        """A redirection, and the words of the command that the grammar hung on it."""
        if node.type == "heredoc_redirect":
            self.script.has_heredoc = True
        end = node.end_byte
        extra: list[Word] = []
        if node.type == "file_redirect":
            # The grammar takes every word after ``> file`` into the redirection; only the first is its.
            targets = [part for part in node.named_children if part.type != "file_descriptor"]
            if len(targets) > 1:
                end = targets[0].end_byte
                extra = [self._word(part) for part in targets[1:]]
        start, stop = self.at(node.start_byte), self.at(end)
        return Redirect(start, stop, self.text[start:stop]), extra

    def _command(
        self,
        node: TreeNode,
        within: tuple[str, ...],
        item: int,
        redirects: tuple[Redirect, ...],
        outer_end: int,
        extra: list[Word] | None = None,
    ) -> None:
        kind = node.type
        start, end = self.at(node.start_byte), self.at(node.end_byte)
        simple = _SIMPLE.match(self.text, start, end)
        if simple is not None and simple.end() == end and not extra and kind == "command":
            # Plain words, as nearly all commands are: no look at the tree, and none at the words until asked.
            self.commands.append(
                Command(kind, start, end, self.at(outer_end), None, (), redirects, within, item, self.text, simple[1])
            )
            return
        words: list[Word] = []
        assignments: list[Word] = []
        own: list[Redirect] = []
        for child in node.children:
            child_kind = child.type
            if child_kind == "variable_assignment":
                (words if kind == "declaration_command" else assignments).append(self._word(child))
            elif child_kind in _REDIRECTS:
                found, more = self._redirect(child)
                own.append(found)
                words.extend(more)
            elif child_kind == "comment":
                self._comment(child)
            elif kind == "test_command" and child_kind not in ("[", "[[", "]", "]]"):
                low, high = self.at(child.start_byte), self.at(child.end_byte)
                words.append(Word(low, high, self.text[low:high], None))
            else:
                words.append(self._word(child))
        if extra:
            words.extend(extra)
        if assignments and words and assignments[-1].end == words[0].start:
            assignments[-1:] = [_one(assignments[-1], words.pop(0))]
        command = Command(
            kind,
            start,
            end,
            self.at(outer_end),
            tuple(_whole(words)),
            tuple(assignments),
            (*own, *redirects),
            within,
            item,
        )
        self.commands.append(command)
        self._substitutions(node, within, item)

    def _substitutions(self, node: TreeNode, within: tuple[str, ...], item: int) -> None:
        """Find the commands inside ``$(…)``, backquotes and ``<(…)`` among a command's words."""
        start, end = node.start_byte, node.end_byte
        piece = self.data[start:end]
        if b"$(" not in piece and b"`" not in piece and b"<(" not in piece and b">(" not in piece:
            return
        for child in node.children:
            if child.type in ("command_substitution", "process_substitution"):
                self._walk(child, within, item)
            elif child.child_count:
                self._substitutions(child, within, item)

    def _word(self, node: TreeNode) -> Word:
        start, end = node.start_byte, node.end_byte
        if self.offsets is not None:
            start, end = self.offsets[start], self.offsets[end]
        text = self.text[start:end]
        # Nine words in ten hold nothing that quoting or expansion could change, whatever their node is;
        # most of the others are one pair of quotes round such a text.
        if _PLAIN.match(text):
            return Word(start, end, text, text)
        if _QUOTED.match(text):
            return Word(start, end, text, text[1:-1])
        return Word(start, end, text, self._value(node))

    def _value(self, node: TreeNode) -> str | None:
        kind = node.type
        if kind in ("word", "number", "variable_name"):
            text = self._text(node)
            return _unescape(text) if "\\" in text else text
        if kind == "raw_string":
            return self._text(node)[1:-1]
        if kind == "string":
            inner = self._text(node)[1:-1]
            if any(child.type not in ('"', "string_content") for child in node.children):
                return None
            return _unescape(inner, _ESCAPED_IN_QUOTES) if "\\" in inner else inner
        if kind in ("concatenation", "command_name"):
            count = node.child_count
            if count == 0:
                return self._text(node)
            if count == 1:
                return self._value(node.children[0])
            parts = [self._value(child) for child in node.children]
            return None if None in parts else "".join(part for part in parts if part is not None)
        if node.child_count == 0:
            return self._text(node)
        return None

    def _text(self, node: TreeNode) -> str:
        return self.text[self.at(node.start_byte) : self.at(node.end_byte)]


def _whole(words: list[Word]) -> list[Word]:
    """The words, with those put together again that nothing parts.

    The grammar cuts ``$A:$B`` in two behind the second dollar, in some places and not in others.
    """
    if all(one.end != other.start for one, other in pairwise(words)):
        return words
    found = words[:1]
    for word in words[1:]:
        found[-1:] = [_one(found[-1], word)] if found[-1].end == word.start else [found[-1], word]
    return found


def _one(word: Word, rest: Word) -> Word:
    known = word.value is not None and rest.value is not None and not word.text.endswith("$")
    value = f"{word.value}{rest.value}" if known else None
    return Word(word.start, rest.end, word.text + rest.text, value)


def _unescape(text: str, escapable: str | None = None) -> str:
    """Quote removal of backslashes, before any character or only before those in ``escapable``."""
    out: list[str] = []
    index = 0
    while index < len(text):
        ch = text[index]
        if ch == "\\" and index + 1 < len(text) and (escapable is None or text[index + 1] in escapable):
            index += 1
            ch = text[index]
            if ch == "\n":
                index += 1
                continue
        out.append(ch)
        index += 1
    return "".join(out)
