"""Finding a program's calls and reading its options, shared by the shell family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import Command, Facts, Option, ScriptView, Word, base_name, unwrap
from dockopt_transforms._tables import word_set

_WRAPPERS = ("sudo", "env", "time", "exec", "command", "nice", "nohup")


#: tree-sitter's names of the constructs that hold several commands.
COMPOUND = word_set(
    "compound_statement subshell if_statement while_statement until_statement for_statement c_style_for_statement "
    "case_statement do_group function_definition"
)


class Call(NamedTuple):
    """A program's call: where it stands and which of the command's words names the program."""

    view: ScriptView
    command: Command
    at: int

    @property
    def program(self) -> Word:
        return self.command.words[self.at]

    @property
    def args(self) -> tuple[Word, ...]:
        return self.command.words[self.at + 1 :]


def calls(facts: Facts, *names: str) -> Iterator[Call]:
    """The calls of programs by these names in editable text, also behind ``sudo``, ``env`` and the like."""
    for name in names:
        for view, command in facts.commands(name):
            if editable(view, command):
                yield Call(view, command, 0)
    for wrapper in _WRAPPERS:
        for view, command in facts.commands(wrapper):
            index = unwrap(command)
            if index >= len(command.words) or not editable(view, command):
                continue
            if wrapper == "command" and any(word.text in ("-v", "-V") for word in command.words[1:index]):
                continue  # it only asks whether there is such a program
            if base_name(command.words[index].value or "") in names:
                yield Call(view, command, index)


def editable(view: ScriptView, command: Command) -> bool:
    """Whether a command stands in text that may be edited, not in a heredoc fed to another command."""
    return command.outer_end <= view.editable_end or command.end <= view.editable_end


def options(words: tuple[Word, ...], valued: frozenset[str]) -> list[Option]:
    """The options among ``words`` as GNU getopt_long reads them; ``valued`` take a value in the next word.

    A bundle of short options is taken apart. Words with an expansion in them count as operands.
    """
    found: list[Option] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        text = word.value if word.value is not None else word.text
        if text == "--":
            break
        if not text.startswith("-") or text == "-":
            continue
        following = words[position] if position < len(words) else None
        if text.startswith("--"):
            name, equals, attached = text.partition("=")
            if not equals and name in valued and following is not None:
                position += 1
                found.append(Option(name, following.value, word, following))
            else:
                known = attached if word.value is not None else None
                found.append(Option(name, known if equals else None, word, None))
            continue
        position += _bundle(found, word, text, following, valued)
    return found


def _bundle(found: list[Option], word: Word, text: str, following: Word | None, valued: frozenset[str]) -> int:
    """Read ``-xvf file``; the number of further words it takes."""
    for at, letter in enumerate(text[1:], 2):
        name = "-" + letter
        if name not in valued:
            found.append(Option(name, None, word, None))
        elif at < len(text):
            found.append(Option(name, text[at:] if word.value is not None else None, word, None))
            return 0
        elif following is not None:
            found.append(Option(name, following.value, word, following))
            return 1
    return 0


def names_of(found: list[Option]) -> frozenset[str]:
    return frozenset(option.name for option in found)


def grouped(found: Iterator[Call] | list[Call]) -> list[list[Call]]:
    """The calls by instruction, so that one proposal changes all of one RUN."""
    by_node: dict[int, list[Call]] = {}
    for call in found:
        by_node.setdefault(call.view.instruction.id, []).append(call)
    return list(by_node.values())
