"""How an image behaves when it is run: starts, stays up or exits, turns healthy, answers, stops."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dockopt.build.compare import Difference
from dockopt.build.engine import Engine, one_line

#: Seconds between two looks at a container.
TICK = 0.2

#: Seconds between two health checks, instead of the image's own (Docker's default is 30).
HEALTH_INTERVAL = 1

#: What Docker takes where a health check names none (docs.docker.com/reference/dockerfile, HEALTHCHECK).
HEALTH_TIMEOUT, HEALTH_RETRIES = 30.0, 3

#: runc or crun could not even start a command in a running container. Either there is no such command, or the engine
#: stands in a way that leads it astray: a dockerd in a chroot looks for the working directory outside of it.
_NOT_STARTED = re.compile(r"OCI runtime exec failed|OCI runtime error|unable to start container process")


#: How the state of a container begins whose program the engine does not even run.
NOT_STARTED = "cannot be started"


class RunSettings(NamedTuple):
    """How to run; times in seconds."""

    smoke: tuple[str, ...] = ()  #: scripts for ``/bin/sh -c`` in the container
    network: str | None = None
    platform: str | None = None
    settle: float = 3.0  #: how long a container is watched for an exit
    start_timeout: float = 60.0  #: how long it may take to turn healthy, or to answer
    grace: float = 10.0  #: from SIGTERM to SIGKILL


class Behaviour(NamedTuple):
    """What was seen."""

    state: str  #: ``running``, ``exited with code 1``, or ``cannot be started: …``
    health: str = ""  #: ``healthy``, ``unhealthy`` or ``starting``; empty without a health check
    answers: tuple[tuple[int, str], ...] = ()  #: exit code and standard output of each smoke command
    stopped: str = ""  #: ``in time`` or ``killed``; empty where nothing was running
    log: tuple[str, ...] = ()  #: what the container wrote last
    notes: tuple[str, ...] = ()  #: what was done besides, each one sentence


def observe(
    engine: Engine, reference: str, settings: RunSettings, *, checked: bool, like: Behaviour | None = None
) -> Behaviour:
    """Run an image and watch.

    :param checked: whether the image has a health check.
    :param like: what the other side did: its answers are waited for.
    """
    container = engine.create(
        reference,
        network=settings.network,
        health_interval=HEALTH_INTERVAL if checked else None,
        platform=settings.platform,
    )
    try:
        return _Watch(engine, container, reference, settings).see(checked, like)
    finally:
        engine.remove(container)


class _Watch:
    """A container that is watched."""

    def __init__(self, engine: Engine, container: str, reference: str, settings: RunSettings) -> None:
        self.engine = engine
        self.container = container
        self.reference = reference
        self.settings = settings
        self.notes: dict[str, None] = {}

    def see(self, checked: bool, like: Behaviour | None) -> Behaviour:
        engine, container, settings = self.engine, self.container, self.settings
        problem = engine.start(container)
        if problem is not None:
            return Behaviour(f"{NOT_STARTED}: {_without_ids(problem)}")
        state = _settle(engine, container, settings.settle)
        if state != "running":
            answers = tuple(
                self._apart(["/bin/sh", "-c", command], settings.start_timeout, settings.network)[:2]
                for command in settings.smoke
            )
            return Behaviour(state, answers=answers, log=engine.logs(container))
        health, said = self.health() if checked else ("", "")
        answers = tuple(
            self._answer(command, like.answers[index] if like else None) for index, command in enumerate(settings.smoke)
        )
        state = _state(engine, container)
        stopped = ""
        if state == "running":
            engine.stop(container, settings.grace)
            stopped = "killed" if engine.state(container).get("ExitCode") == 137 else "in time"
        else:
            state = f"{state} after a while"
        log = engine.logs(container)
        if health not in ("", "healthy") and said.strip():
            log = (*log, f"health check: {one_line(engine.mask(said.strip().splitlines()[-1]))}")
        return Behaviour(state, health, answers, stopped, log, tuple(self.notes))

    # -- health ---------------------------------------------------------------------------------------

    def health(self) -> tuple[str, str]:
        """What the health check comes to in the time there is, and what it said last."""
        end = time.monotonic() + self.settings.start_timeout
        due = 0.0
        while True:
            if time.monotonic() >= due:
                self.engine.check_health(self.container)
                due = time.monotonic() + HEALTH_INTERVAL
            state = self.engine.state(self.container)
            # podman writes Healthcheck where docker writes Health.
            health = state.get("Health") or state.get("Healthcheck") or {}
            status = str(health.get("Status", ""))
            said = str((health.get("Log") or [{}])[-1].get("Output", ""))
            if status != "healthy" and _NOT_STARTED.search(said):
                return self.health_beside(end, said)
            if status in ("healthy", "unhealthy") or not state.get("Running") or time.monotonic() > end:
                return status or "starting", said
            time.sleep(TICK)

    def health_beside(self, end: float, said: str) -> tuple[str, str]:
        """The health check in a second container on the first one's network, for an engine that cannot run it inside.

        :param end: when there is no more time, by :func:`time.monotonic`.
        :param said: why it could not be run.
        """
        words, check = _check(self.engine.config(self.container))
        counting = time.monotonic() + check.start_period
        tries = check.retries
        while True:
            answer = self._apart(words, check.timeout, f"container:{self.container}")
            if answer.started:
                self._note("the health check", said)
            if answer.code == 0:
                return "healthy", answer.output
            now = time.monotonic()
            tries -= now > counting
            if tries == 0 or now > end or not self.engine.state(self.container).get("Running"):
                return "unhealthy", answer.said or f"exit code {answer.code}"
            time.sleep(HEALTH_INTERVAL)

    # -- smoke commands -------------------------------------------------------------------------------

    def _answer(self, command: str, expected: tuple[int, str] | None) -> tuple[int, str]:
        """What a smoke command answers; asked again while the application may still be starting."""
        end = time.monotonic() + self.settings.start_timeout
        while True:
            left = end - time.monotonic()
            found = self._ask(command, max(left, 1))
            done = found == expected if expected is not None else found[0] == 0
            if done or left <= 1 or not self.engine.state(self.container).get("Running"):
                return found
            time.sleep(min(1.0, left))

    def _ask(self, command: str, seconds: float) -> tuple[int, str]:
        answer = self.engine.execute(self.container, command, seconds)
        said = answer.output + answer.error
        if answer.code != 0 and _NOT_STARTED.search(said):
            beside = self._apart(["/bin/sh", "-c", command], seconds, f"container:{self.container}")
            if beside.started:
                self._note("smoke commands", said)
            return beside.code, beside.output
        return answer.code, self.engine.mask(answer.output)

    # -- a second container ---------------------------------------------------------------------------

    def _apart(self, words: Sequence[str], seconds: float, network: str | None) -> _Apart:
        """A command in a container of its own: same image, user, environment, folder and limits."""
        engine = self.engine
        container = engine.create(self.reference, network=network, words=words, platform=self.settings.platform)
        try:
            problem = engine.start(container)
            if problem is not None:
                reason = _without_ids(problem)
                return _Apart(127, reason, reason, False)
            _settle(engine, container, seconds)
            state = engine.state(container)
            code = 124 if state.get("Running") else int(state.get("ExitCode", 0))
            said = "\n".join(engine.logs(container))
            return _Apart(code, engine.mask(engine.output(container)), said, True)
        finally:
            engine.remove(container)

    def _note(self, what: str, said: str) -> None:
        why = _without_ids(said).partition(": ")[0]
        self.notes[
            f"the engine runs no command in a running container ({why}), so {what} ran in a second one beside it"
        ] = None


class _Apart(NamedTuple):
    code: int
    output: str  #: standard output
    said: str  #: the last lines of both streams
    started: bool


class _Check(NamedTuple):
    """How a health check is carried out; times in seconds."""

    timeout: float
    start_period: float
    retries: int


def _check(config: Mapping[str, Any]) -> tuple[list[str], _Check]:
    """The command of a container's health check, and how it is carried out, from ``Config`` of ``docker inspect``."""
    health = config.get("Healthcheck") or {}
    kind, *words = health.get("Test") or ["CMD", "true"]
    if kind == "CMD-SHELL":
        words = [*(config.get("Shell") or ("/bin/sh", "-c")), *words]
    seconds = {name: float(health.get(name) or 0) / 1e9 for name in ("Timeout", "StartPeriod")}
    retries = int(health.get("Retries") or HEALTH_RETRIES)
    return words, _Check(seconds["Timeout"] or HEALTH_TIMEOUT, seconds["StartPeriod"], retries)


def _settle(engine: Engine, container: str, seconds: float) -> str:
    end = time.monotonic() + seconds
    while (state := _state(engine, container)) == "running" and time.monotonic() < end:
        time.sleep(TICK)
    return state


def _state(engine: Engine, container: str) -> str:
    state = engine.state(container)
    if state.get("Running"):
        return "running"
    if state.get("OOMKilled"):
        return "killed for want of memory"
    return f"exited with code {state.get('ExitCode')}"


def _without_ids(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{12,64}\b", "…", one_line(text))


def compare_behaviour(before: Behaviour, after: Behaviour, settings: RunSettings) -> list[Difference]:
    """What the rewritten image does not do as the original did. What it does better is no difference:
    to turn healthy, to stop in time."""
    found = []
    if before.state != after.state:
        found.append(Difference("behaviour", "the container", "changed", before.state, after.state))
    elif after.health and after.health != "healthy" and before.health in ("", "healthy"):
        found.append(Difference("behaviour", "its health", "changed", before.health or "not checked", after.health))
    for command, old, new in zip(settings.smoke, before.answers, after.answers, strict=False):
        if old != new:
            found.append(Difference("behaviour", f"the answer to {command!r}", "changed", _brief(old), _brief(new)))
    if before.stopped == "in time" and after.stopped == "killed":
        found.append(
            Difference(
                "behaviour",
                "the end on SIGTERM",
                "changed",
                "in time",
                f"killed after {settings.grace:.0f} s",
            )
        )
    return found


def _brief(answer: tuple[int, str]) -> str:
    code, output = answer
    text = one_line(output)
    return f"exit code {code}" + (f", {text[:120]!r}" if text else "")
