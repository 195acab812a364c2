"""The folders of an image that its Dockerfile shows are written to when it runs."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.value import Known, Unknown
from dockopt.syntax.words import expand_known

if TYPE_CHECKING:
    from dockopt.facts.facts import Facts
    from dockopt.facts.stages import Stage

# Folders of the distribution: a program has no business writing there.
_SYSTEM = re.compile(
    r"/(?:bin|boot|dev|etc|lib|lib64|proc|root|sbin|sys|tmp|usr|var/lib/(?:apt|dpkg)|var/cache/(?:apt|apk)|var/tmp)?(?:/|\Z)"
)
_OWN_USR = re.compile(r"/usr/(?:src|local/src)/.")
_STATE = re.compile(r"/(?:var|data|logs?|srv|mnt|home|storage|uploads?|db|run|app)(?:/.*)?")
_NAMES_FOLDER = re.compile(
    r"(?:\A|_)(?:DIR|DIRECTORY|FOLDER|DATA|LOGS?|CACHE|UPLOADS?|STORAGE|MEDIA_ROOT|SPOOL)(?:_|\Z)"
)
_PASSING = re.compile(r"/(?:logs?|tmp|temp|cache|run|locks?|sessions?)(?:/|\Z)")

#: What well-known servers write while they run, as their Debian and Alpine packages are configured.
_SERVERS = {
    "nginx": ("/var/cache/nginx", "/run"),
    "apache2-foreground": ("/run/apache2", "/run/lock/apache2"),
    "apache2ctl": ("/run/apache2", "/run/lock/apache2"),
    "httpd-foreground": ("/usr/local/apache2/logs",),
    "postgres": ("/run/postgresql",),
    "mysqld": ("/run/mysqld",),
    "supervisord": ("/run", "/var/log/supervisor"),
    "sshd": ("/run/sshd",),
}


class Writable(NamedTuple):
    """A folder that is written to."""

    path: str
    keep: bool  #: holds what must outlive the container; else memory will do
    evidence: str  #: ``line 7: VOLUME``


def is_system(path: str) -> bool:
    """Whether a folder belongs to the distribution."""
    return path == "/" or (bool(_SYSTEM.match(path)) and not _OWN_USR.match(path))


def declared_folders(facts: Facts, stage: Stage) -> Known[tuple[Writable, ...]] | Unknown:
    """The folders VOLUME names and RUN makes for the program; Unknown for one that only the build knows."""
    found: dict[str, Writable] = {}
    for member in reversed(stage.chain):
        for node in member.instructions:
            if node.name != "VOLUME":
                continue
            state = facts.state(node)
            for written in node.args:
                path = expand_known(written, state.env, node.escape)
                if path is None or not path.startswith("/"):
                    return Unknown(f"line {node.start_line}: VOLUME {written} has a value only the build knows")
                path = posixpath.normpath(path)
                found[path] = Writable(path, True, f"line {node.start_line}: VOLUME")
    for view in facts.scripts:
        if view.stage not in stage.chain:
            continue
        line = view.instruction.start_line
        workdir = facts.state(view.instruction).workdir
        moved = any(command.name in ("cd", "pushd") for command in view.commands)
        for command in view.commands:
            if command.name != "mkdir":
                continue
            for word in command.args:
                if word.text.startswith("-"):
                    continue
                made = word.value
                where = f"line {line}: mkdir {word.text}"
                if made is None or word.glob or "{" in made:
                    return Unknown(f"{where} has a value only the shell knows")
                if not made.startswith("/"):
                    if moved or not isinstance(workdir, Known):
                        return Unknown(f"{where} is in a folder that is not known")
                    made = posixpath.join(workdir.value, made)
                made = posixpath.normpath(made)
                if is_system(made):
                    continue
                found.setdefault(made, Writable(made, not _PASSING.search(made), where))
    return Known(tuple(found.values()), "VOLUME and mkdir")


def writable(facts: Facts, stage: Stage, program: str) -> tuple[Writable, ...]:
    """Every folder that a container started with ``program`` (its base name, empty if unknown) seems to write to.

    ``/tmp`` is always among them, for libraries take it for granted. What sources write elsewhere is not known.
    """
    found = {"/tmp": Writable("/tmp", False, "libraries take it for granted")}
    known = declared_folders(facts, stage)
    if isinstance(known, Known):
        found.update((each.path, each) for each in known.value)
    for path in _SERVERS.get(program, ()):
        found.setdefault(path, Writable(path, False, f"{program} writes there"))
    state = facts.states.of_stage(stage).end
    for name, value in state.env.items():
        if name not in state.config_env or value is None or not _NAMES_FOLDER.search(name):
            continue
        path = posixpath.normpath(value) if value.startswith("/") else ""
        if path and _STATE.fullmatch(path) and not is_system(path) and ":" not in path:
            found.setdefault(path, Writable(path, not _PASSING.search(path), f"ENV {name} names it"))
    for member in stage.chain:
        for node in member.instructions:
            if node.name == "ENTRYPOINT" or node.name == "CMD":
                for word in node.json or ():
                    target = re.fullmatch(r"(?:--[\w-]+=)?(/(?:var|run)/[\w./-]+)\.(?:pid|sock|log)", word)
                    if target is not None:
                        folder = posixpath.dirname(target[1])
                        where = f"line {node.start_line}: {node.name}"
                        found.setdefault(folder, Writable(folder, False, where))
    return tuple(_outermost(found))


def _outermost(found: dict[str, Writable]) -> list[Writable]:
    """Without folders inside another of the same kind: one mount holds both."""
    return [
        each
        for each in found.values()
        if not any(
            other is not each and each.path.startswith(other.path.rstrip("/") + "/") and (other.keep or not each.keep)
            for other in found.values()
        )
    ]
