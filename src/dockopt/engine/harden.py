"""How to run an image with a read-only root, no capabilities and no way to more rights: what its Dockerfile shows."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.facts.packages import base_name
from dockopt.facts.stages import Stage
from dockopt.facts.value import Known
from dockopt.facts.writable import Writable, writable
from dockopt.shell.script import parse_script
from dockopt.syntax.document import load

# What a server that starts as root needs to become another user, and what its entrypoint does before.
_DROPPING = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
_FIRST_OPEN_PORT = 1024


class Hardening(NamedTuple):
    """What a container of one Dockerfile's final stage gets."""

    name: str  #: what the service is called: the Dockerfile's folder
    user: str  #: USER as it stands, empty where it is not known
    uid: int | None  #: its number where it is known
    gid: int | None
    ports: tuple[str, ...]  #: EXPOSE: ``8000/tcp``
    capabilities: tuple[str, ...]  #: to be added after all are dropped
    folders: tuple[Writable, ...]
    notes: tuple[str, ...]  #: what a person has to know before using it
    error: str | None = None
    error_line: int = 0


def harden(data: bytes, outside: Outside | None = None) -> Hardening:
    """Read one Dockerfile. Never raises for what the file holds; ``error`` says why there is no answer."""
    document = load(data)
    if not document.instructions:
        return _failed("no instructions: not a Dockerfile")
    if document.problems:
        problem = document.problems[0]
        return _failed(f"BuildKit rejects this file: {problem.message}", problem.line)
    facts = Facts(document, outside)
    stage = facts.stages.all[-1]
    if stage.windows:
        return _failed("a Windows image: containers there have no capabilities and no read-only root")
    image = facts.base_image(stage)
    config = facts.config(stage)
    notes: list[str] = []
    program = _program(facts, stage)
    user, uid, gid = _user(facts, stage, notes)
    ports = tuple(key.removeprefix("expose:") for key in config if key.startswith("expose:"))
    if not ports and image is not None:
        ports = tuple(port if "/" in port else f"{port}/tcp" for port in image.ports)
    capabilities: list[str] = []
    drops = image.drops if image is not None else ""
    own_entrypoint = "entrypoint" in config
    root = uid == 0 or _is_root(user)
    if root and drops and (not own_entrypoint or drops.startswith("server:")):
        capabilities += _DROPPING
        notes.append("it starts as root and leaves it by itself: the capabilities added are for that")
    elif root:
        notes.append("it runs as root; dockopt fix --unsafe-fixes --select add-user makes it run as another user")
    low = [
        port for port in ports if port.partition("/")[0].isdigit() and int(port.partition("/")[0]) < _FIRST_OPEN_PORT
    ]
    if low and (root or user):
        capabilities.append("NET_BIND_SERVICE")
    if image is None:
        notes.append("the base image is not in the table: its own user, ports and volumes are not known")
    if "volume:" not in "".join(config) and not any(each.keep for each in writable(facts, stage, program)):
        notes.append("the Dockerfile shows no data to keep; what the program writes elsewhere must be mounted too")
    return Hardening(
        _name(outside),
        user,
        uid,
        gid,
        ports,
        tuple(sorted(set(capabilities))),
        writable(facts, stage, program),
        tuple(notes),
    )


def _failed(message: str, line: int = 0) -> Hardening:
    return Hardening("", "", None, None, (), (), (), (), message, line)


def _is_root(user: str) -> bool:
    return user.partition(":")[0] in ("root", "0")


def _name(outside: Outside | None) -> str:
    """A name for the service that compose, Kubernetes and Docker all take."""
    import os

    folder = os.path.dirname(os.path.abspath(outside.path)) if outside is not None and outside.path else ""
    plain = re.sub(r"[^a-z0-9]+", "-", os.path.basename(folder).lower()).strip("-")
    return plain[:40].strip("-") or "app"


def _program(facts: Facts, stage: Stage) -> str:
    for name in ("ENTRYPOINT", "CMD"):
        for member in stage.chain:
            for node in reversed(member.instructions):
                if node.name != name:
                    continue
                words: tuple[str, ...] = node.json or ()
                if node.json is None:
                    commands = [command for command in parse_script(node.rest).commands if command.words]
                    words = tuple(value or "" for value in commands[-1].values) if commands else ()
                words = tuple(word for word in words if word != "exec")
                if words and not words[0].endswith((".sh", "tini", "dumb-init", "docker-php-entrypoint")):
                    return base_name(words[0])
    image = facts.base_image(stage)
    cmd = re.match(r'\["([^"]+)"', image.cmd) if image is not None else None
    return base_name(cmd[1]) if cmd is not None else ""


def _user(facts: Facts, stage: Stage, notes: list[str]) -> tuple[str, int | None, int | None]:
    known = facts.states.of_stage(stage).end.user
    if not isinstance(known, Known):
        notes.append(f"which user it runs as is not known: {known.reason}")
        return "", None, None
    user = known.value or "root"
    name, _, group = user.partition(":")
    image = facts.base_image(stage)
    users = image.users if image is not None else {}
    number = _number(name) if name != "root" else 0
    if number is None:
        number = _number(users.get(name, ""))
    if number is None:
        number = _made(facts, stage, name)
    if number is None:
        notes.append(f"USER {name} is a name; Kubernetes can tell that it is not root only from a number")
    gid = _number(group) if group else None
    return user, number, gid


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _made(facts: Facts, stage: Stage, name: str) -> int | None:
    """The number a RUN of the final image gives an account."""
    for tool in ("useradd", "adduser"):
        for view, command in facts.commands(tool):
            values = [word.value or "" for word in command.args]
            if view.stage not in stage.chain or name not in values:
                continue
            for position, value in enumerate(values):
                flag, equals, rest = value.partition("=")
                if flag in ("-u", "--uid"):
                    return _number(rest if equals else (values[position + 1] if position + 1 < len(values) else ""))
                if re.fullmatch(r"-u\d+", value):
                    return int(value[2:])
    return None


def volume_name(path: str) -> str:
    """A name for the volume of a folder: ``/var/lib/app`` is ``var-lib-app``."""
    return re.sub(r"[^a-z0-9]+", "-", posixpath.normpath(path).lower()).strip("-") or "data"
