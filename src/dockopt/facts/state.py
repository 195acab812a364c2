"""The state BuildKit keeps while it reads a stage: environment, user, working directory, shell, config."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.stages import Stage, Stages
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.words import expand_known

if TYPE_CHECKING:
    from dockopt.facts.outside import Surroundings

# BuildKit's predefined build arguments, and those of the platform: set by whoever builds.
_PREDEFINED = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETSTAGE",
]

#: What changes files, and neither what holds before the next instruction nor the image's configuration.
FILES_ONLY = frozenset(("ADD", "COPY", "RUN"))


class State(NamedTuple):
    """What holds just before an instruction runs."""

    user: Known[str] | Unknown
    workdir: Known[str] | Unknown
    shell: tuple[str, ...] | None  #: SHELL's words; None for the platform's default
    env: dict[str, str | None]  #: ENV and ARG; None for a value nobody can tell from the file; never to be changed
    config_env: frozenset[str]  #: the names that come from ENV (the rest are build arguments)


class StageState:
    """The states inside one stage, and the image configuration at its end."""

    def __init__(self, stage: Stage, stages: Stages, parent: StageState | None, around: Surroundings) -> None:
        self.stage = stage
        self._around = around
        self.before: dict[int, State] = {}
        self.config: dict[str, str] = dict(parent.config) if parent is not None else {}
        start = parent.end if parent is not None else self._base(stage, stages)
        self.end: State = self._run(stage, stages, start)

    def _base(self, stage: Stage, stages: Stages) -> State:
        reference = stage.base
        image = self._around.image(reference, stage.platform) if reference else None
        if image is None:
            why = (
                self._around.image_unknown(reference, stage.platform)
                if reference
                else f"the base image {stage.from_.rest} is not in the table"
            )
            return State(Unknown(why), Unknown(why), None, {}, frozenset())
        unknown = Unknown(f"the definitions of {reference} do not agree on it")
        return State(
            Known(image.user, image.evidence) if image.user else unknown,
            Known(image.workdir, image.evidence) if image.workdir else unknown,
            image.shell_words or None,
            # The table has only some of an image's variables; a registry has them all.
            dict(image.env) if image.online else {},
            frozenset(image.env) if image.online else frozenset(),
        )

    def _run(self, stage: Stage, stages: Stages, start: State) -> State:
        user, workdir, shell = start.user, start.workdir, start.shell
        env = {name: value for name, value in start.env.items() if name in start.config_env}
        names = start.config_env
        state: State | None = None
        for node in stage.instructions:
            if state is None:
                state = State(user, workdir, shell, env, names)
            self.before[node.id] = state
            name = node.name
            if name in FILES_ONLY:
                continue
            if name == "ENV":
                env = dict(env)
                old = dict(env)
                for pair in node.pairs:
                    env[pair.key] = expand_known(pair.value, old, node.escape)
                    value = env[pair.key]
                    self.config[f"env:{pair.key}"] = f"={value}" if value is not None else f"?{pair.value}"
                names = names | {pair.key for pair in node.pairs}
            elif name == "ARG":
                env = dict(env)
                for token in node.tokens:
                    key = token.text.partition("=")[0]
                    # ENV wins over ARG of the same name; an ARG's value is the builder's to choose.
                    if key not in names:
                        env[key] = None
            elif name == "USER":
                value = expand_known(node.rest, env, node.escape)
                user = (
                    Known(value, f"line {node.start_line}: USER {node.rest}")
                    if value is not None
                    else Unknown(f"line {node.start_line}: USER {node.rest} has a value only the build knows")
                )
                self.config["user"] = value if value is not None else "?" + node.rest
            elif name == "WORKDIR":
                workdir = _workdir(node, workdir, env)
                if isinstance(workdir, Known):
                    self.config["workdir"] = workdir.value
                else:
                    # A relative one under an unknown parent still has to compare equal to itself.
                    before = self.config.get("workdir", "?")
                    self.config["workdir"] = node.rest if _absolute(node.rest) else f"{before}/{node.rest}"
            elif name == "SHELL":
                shell = node.json or ()
                self.config["shell"] = repr(shell)
            else:
                self._config(node, env)
                continue
            state = None
        return state if state is not None else State(user, workdir, shell, env, names)

    def _config(self, node: Instruction, env: dict[str, str | None]) -> None:
        name, config = node.name, self.config
        if name in ("CMD", "ENTRYPOINT"):
            # ENTRYPOINT resets a CMD of the base image only; one set in the same file before it stays.
            value = repr(node.json) if node.json is not None else "sh:" + " ".join(node.rest.split())
            if node.heredocs:
                value += node.text[node.head_end :]
            config[name.lower()] = value
        elif name == "LABEL":
            for pair in node.pairs:
                key = expand_known(pair.key, env, node.escape)
                value_ = expand_known(pair.value, env, node.escape)
                config[f"label:{key if key is not None else pair.key}"] = (
                    f"={value_}" if value_ is not None else f"?{pair.value}"
                )
        elif name == "EXPOSE":
            for word in node.args:
                known = expand_known(word, env, node.escape)
                for port in (known or word).split():
                    config[f"expose:{_port(port)}"] = ""
        elif name == "VOLUME":
            for word in node.args:
                known = expand_known(word, env, node.escape)
                config[f"volume:{known if known is not None else word}"] = ""
        elif name == "STOPSIGNAL":
            known = expand_known(node.rest, env, node.escape)
            config["stopsignal"] = known if known is not None else "?" + node.rest
        elif name == "MAINTAINER":
            config["author"] = node.rest
        elif name == "HEALTHCHECK":
            flags = sorted(flag.text for flag in node.flags)
            command = node.args[1:] if node.json is not None else tuple(" ".join(arg.split()) for arg in node.args[1:])
            config["healthcheck"] = repr((flags, node.args[0].upper(), command))
        elif name == "ONBUILD":
            config["onbuild"] = config.get("onbuild", "") + "\n" + " ".join(node.rest.split())


def _port(port: str) -> str:
    return port.lower() if "/" in port else port + "/tcp"


def _absolute(path: str) -> bool:
    return path.startswith("/")


def _workdir(node: Instruction, before: Known[str] | Unknown, env: dict[str, str | None]) -> Known[str] | Unknown:
    path = expand_known(node.rest, env, node.escape)
    if path is None:
        return Unknown(f"line {node.start_line}: WORKDIR {node.rest} has a value only the build knows")
    if _absolute(path):
        value = path
    elif isinstance(before, Known):
        value = posixpath.join(before.value, path)
    else:
        return before
    return Known(posixpath.normpath(value), f"line {node.start_line}: WORKDIR {node.rest}")


class States:
    """The states of all stages, stage by stage as they are asked for."""

    def __init__(self, stages: Stages, around: Surroundings) -> None:
        self._stages = stages
        self._around = around
        self._done: dict[int, StageState] = {}

    def of_stage(self, stage: Stage) -> StageState:
        found = self._done.get(stage.index)
        if found is None:
            for member in reversed(stage.chain):
                parent = self._done.get(member.parent.index) if member.parent is not None else None
                if member.index not in self._done:
                    self._done[member.index] = StageState(member, self._stages, parent, self._around)
            found = self._done[stage.index]
        return found
