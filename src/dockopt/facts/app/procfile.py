"""Procfile: which command is which kind of process, and the programs that run it.

https://devcenter.heroku.com/articles/procfile: ``web: gunicorn app:app`` a line. Dokku takes the command of an image
without CMD from it; foreman, honcho and their kin are a CMD that runs what it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(.+)\Z")
#: Where all runners start to count, a hundred for each process.
_FIRST_PORT = 5000
_FILE_FLAGS = ("-f", "--procfile")
_PORT_FLAGS = ("-p", "--port")


class Process(NamedTuple):
    """One line of a Procfile."""

    name: str  #: ``web``
    command: str  #: a shell script
    before: int  #: how many stand before it


class Request(NamedTuple):
    """What a runner is asked to do."""

    file: str  #: relative to where it runs, or absolute
    process: str  #: empty for all
    port: str  #: of the first process; empty where it is not given


def read(context: Context, name: str) -> Known[tuple[Process, ...]] | Unknown:
    """The processes a Procfile of the context names, in order."""
    text = context.text(name)
    if isinstance(text, Unknown):
        return text
    found: list[Process] = []
    for number, line in enumerate(text.value.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if match is None:
            return Unknown(f"{name}:{number} does not parse: it is no name with a command")
        found.append(Process(match[1], match[2], len(found)))
    return Known(tuple(found), name) if found else Unknown(f"{name} names no process")


def request(program: str, words: tuple[str, ...]) -> Request | Unknown:
    """What ``honcho start web`` and the like ask for; Unknown for options that are not read."""
    file, port = "Procfile", ""
    rest: list[str] = []
    index = 0
    while index < len(words):
        name, equals, value = words[index].partition("=")
        index += 1
        if not name.startswith("-"):
            rest.append(words[index - 1])
            continue
        if name not in (*_FILE_FLAGS, *_PORT_FLAGS):
            return Unknown(f"what {name} makes of {program} is not read")
        if not equals:
            if index == len(words):
                return Unknown(f"{program} {name} lacks its value")
            value = words[index]
            index += 1
        if name in _FILE_FLAGS:
            file = value
        else:
            port = value
    if rest[:1] != ["start"] or len(rest) > 2:
        return Unknown(f"{program} is not asked to start one process, or all")
    return Request(file, rest[1] if len(rest) == 2 else "", port)


def chosen(processes: tuple[Process, ...], name: str, where: str) -> Process | Unknown:
    """The one process that is started; Unknown where it is several, or none."""
    if name:
        found = next((process for process in processes if process.name == name), None)
        return found if found is not None else Unknown(f"{where} has no process {name}")
    if len(processes) > 1:
        return Unknown(f"{where} has several processes: {', '.join(process.name for process in processes)}")
    return processes[0]


def port_of(process: Process, first: str | None) -> str | None:
    """The PORT a runner gives a process, ``first`` being that of the first (None: not known, empty: the default)."""
    if first is None or not (first.isdigit() or not first):
        return None
    return str(int(first or _FIRST_PORT) + 100 * process.before)
