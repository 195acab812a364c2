"""Package manager calls in scripts: which manager, which verb, which flags, which packages."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dockopt.facts.managers import BY_COMMAND, BY_NAME, Manager
from dockopt.shell.script import UNREAD, Command, Script, Word, parse_script

# Commands that run another command given as their arguments, with the flags of theirs that take a value.
_WRAPPERS: dict[str, frozenset[str]] = {
    "sudo": frozenset(
        ("-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-r", "-t", "-D", "-R", "-T")
    ),
    "doas": frozenset(("-u", "-C")),
    "env": frozenset(("-u", "--unset", "-C", "--chdir")),
    "time": frozenset(("-f", "--format", "-o", "--output")),
    "exec": frozenset(("-a",)),
    "command": frozenset(),
    "nice": frozenset(("-n", "--adjustment")),
    "eatmydata": frozenset(),
    "nohup": frozenset(),
    "ionice": frozenset(("-c", "-n")),
    "yes": frozenset(),
}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)(?:\d(?:\.\d+)?)?\Z")
_PIP = re.compile(r"(?:.*/)?pip(?:\d(?:\.\d+)?)?\Z")


class Option(NamedTuple):
    """A flag of a call. ``value`` is the attached or following value, None for a bare flag."""

    name: str  #: ``-y``, ``--cache-dir``; for a bundle of short ones (``-yqq``) each by itself
    value: str | None
    word: Word
    value_word: Word | None  #: the following word the value stands in, if it does


class Invocation(NamedTuple):
    """One call of a package manager."""

    manager: Manager
    command: Command
    executable: Word  #: ``apt-get``; ``pip`` of ``python -m pip``
    verb: str | None  #: as written: ``install``, ``add``; None where there is none or an expansion decides
    action: str  #: ``install``, ``update``, ``upgrade``, ``remove``, ``clean``, ``other``
    verb_word: Word | None
    options: tuple[Option, ...]
    operands: tuple[Word, ...]  #: what comes after the verb and is no flag: packages, paths
    wrappers: tuple[Word, ...]  #: the words before the executable: ``sudo``, ``env`` and their flags

    def option(self, *names: str) -> Option | None:
        """The first option by one of these names."""
        for option in self.options:
            if option.name in names:
                return option
        return None

    @property
    def privilege(self) -> str:
        """``"sudo "`` where the call runs behind it, else nothing."""
        for word in self.wrappers:
            if base_name(word.text) in ("sudo", "doas"):
                return word.text + " "
        return ""

    @property
    def yes(self) -> bool:
        return self.option(*self.manager.yes_flags) is not None


def invocations_in(text: str) -> tuple[Invocation, ...]:
    """The package manager calls of a script, in order. None in a script with errors."""
    return invocations_of(parse_script(text))


def invocations_of(script: Script) -> tuple[Invocation, ...]:
    """:func:`invocations_in` for a script at hand: each call's ``command`` is one of its commands."""
    found = script.known.get("invocations")
    if found is None:
        calls = [] if script.error else [read_call(command) for command in script.commands]
        found = script.known["invocations"] = tuple([call for call in calls if call is not None])
    return found  # type: ignore[return-value]


def base_name(value: str) -> str:
    return value.rsplit("/", 1)[-1] if "/" in value else value


def unwrap(command: Command) -> int:
    """The index of the word that names what really runs, behind ``sudo``, ``env`` and the like.

    It is ``len(command.words)`` where there is none.
    """
    known = command.unwrapped
    if known is None:
        name = command.name
        plain = name is not None and base_name(name) not in _WRAPPERS
        known = command.unwrapped = 0 if plain else _unwrap(command.words)
    return known


def _unwrap(words: tuple[Word, ...]) -> int:
    index = 0
    while index < len(words):
        value = words[index].value
        if value is None:
            return index
        flags = _WRAPPERS.get(base_name(value))
        if flags is None:
            return index
        name = base_name(value)
        index += 1
        while index < len(words):
            value = words[index].value
            text = words[index].text
            if value is not None and value.startswith("-") and value != "-":
                index += 2 if value in flags else 1
                if value == "--":
                    break
            elif name in ("env", "sudo", "doas") and _ASSIGNMENT.match(text):
                index += 1
            else:
                break
    return index


def replaces_shell(command: Command) -> bool:
    """Whether a command is an ``exec``: its shell runs nothing behind it, or goes on with other files open."""
    index = unwrap(command)
    return index > 0 and any(word.value == "exec" for word in command.words[:index])


def program_path(command: Command) -> str | None:
    """The word, after quote removal, that names what a command really runs, behind ``sudo``, ``env`` and the like.

    None where an expansion decides, empty where there is nothing.
    """
    index = unwrap(command)
    if index == 0 and command.name is not None:
        return command.name  # of most commands nobody ever needs the other words
    words = command.words
    return words[index].value if index < len(words) else ""


def program(command: Command) -> str | None:
    """:func:`program_path` without its directory."""
    known = command.program
    if known is UNREAD:
        path = program_path(command)
        known = command.program = None if path is None else base_name(path)
    return known  # type: ignore[return-value]


def read_call(command: Command) -> Invocation | None:
    """Read a command as a package manager call, None where it is none."""
    call = command.call
    if call is UNREAD:
        call = command.call = _read_call(command)
    return call  # type: ignore[return-value]


def _read_call(command: Command) -> Invocation | None:
    first = command.name
    if first is None:
        return None
    name = base_name(first)
    if name not in BY_COMMAND and name not in _WRAPPERS and not name.startswith(("pip", "python", "pypy")):
        return None
    words = command.words
    index = 0
    if name in _WRAPPERS:
        index = unwrap(command)
        if index >= len(words) or words[index].value is None:
            return None
    value = words[index].value or ""
    manager = BY_COMMAND.get(base_name(value))
    executable = words[index]
    after = index + 1
    if manager is None:
        if _PIP.match(value):
            manager = BY_NAME["pip"]
        elif _PYTHON.match(value):
            # python -m pip, with the interpreter's own bare flags (-u, -I) before it
            while after < len(words) and (words[after].value or "").startswith("-") and words[after].value != "-m":
                after += 1
            if after + 1 < len(words) and words[after].value == "-m" and words[after + 1].value == "pip":
                manager, executable, after = BY_NAME["pip"], words[after + 1], after + 2
        if manager is None:
            return None
    return _read_arguments(manager, command, executable, words[after:], words[:index])


def _read_arguments(
    manager: Manager, command: Command, executable: Word, words: tuple[Word, ...], wrappers: tuple[Word, ...]
) -> Invocation:
    options: list[Option] = []
    operands: list[Word] = []
    verb: str | None = None
    verb_word: Word | None = None
    position = 0
    flags_end = False
    while position < len(words):
        word = words[position]
        position += 1
        value = word.value
        text = value if value is not None else word.text
        if not flags_end and text.startswith("-") and len(text) > 1:
            if text == "--":
                flags_end = True
                continue
            following = words[position] if position < len(words) else None
            read, used = _options(manager, word, text, following)
            options.extend(read)
            position += used
        elif verb_word is None and manager.name != "pacman":
            verb, verb_word = value, word
        else:
            operands.append(word)
    action = manager.verbs.get(verb, "other") if verb is not None else "other"
    if manager.name == "pacman":
        action, verb = _pacman(options, operands)
    elif manager.name == "yarn" and verb_word is None:
        action = "install"
    return Invocation(manager, command, executable, verb, action, verb_word, tuple(options), tuple(operands), wrappers)


def _options(manager: Manager, word: Word, text: str, following: Word | None) -> tuple[list[Option], int]:
    if text.startswith("--"):
        name, equals, attached = text.partition("=")
        if equals:
            return [Option(name, attached, word, None)], 0
        if name in manager.value_flags and following is not None:
            return [Option(name, following.value, word, following)], 1
        return [Option(name, None, word, None)], 0
    found: list[Option] = []
    if manager.name == "go":  # Go's flags have one dash and are never bundled
        name, equals, attached = text.partition("=")
        if equals:
            return [Option(name, attached, word, None)], 0
        if name in manager.value_flags and following is not None:
            return [Option(name, following.value, word, following)], 1
        return [Option(name, None, word, None)], 0
    letters = text[1:]
    for index, letter in enumerate(letters):
        name = "-" + letter
        if name in manager.value_flags:
            attached = letters[index + 1 :]
            if attached:
                found.append(Option(name, attached.removeprefix("="), word, None))
                return found, 0
            if following is not None:
                found.append(Option(name, following.value, word, following))
                return found, 1
        if letter == "=":  # apt's -qq=2 and the like: the rest is a value
            return found, 0
        found.append(Option(name, None, word, None))
    return found, 0


def _pacman(options: list[Option], operands: list[Word]) -> tuple[str, str | None]:
    names = {option.name for option in options}
    if "-S" in names or "--sync" in names:
        if "-c" in names or "--clean" in names:
            return "clean", "-S"
        if operands:
            return "install", "-S"
        return ("upgrade", "-S") if "-u" in names or "--sysupgrade" in names else ("update", "-S")
    if "-U" in names or "--upgrade" in names:
        return "install", "-U"
    if "-R" in names or "--remove" in names:
        return "remove", "-R"
    return "other", None


@lru_cache(maxsize=4096)
def installed(text: str) -> frozenset[str]:
    """The packages a script installs, as ``manager:package``, each word as written.

    A call inside a loop or behind ``xargs`` counts with the words it shows.
    """
    found: set[str] = set()
    for call in invocations_in(text):
        if call.action == "install":
            name = call.manager.name
            found.update(f"{name}:{word.value if word.value is not None else word.text}" for word in call.operands)
            found.update(
                f"{name}:-r {option.value}"
                for option in call.options
                if option.name in ("-r", "--requirement", "-e", "--editable")
            )
    return frozenset(found)
