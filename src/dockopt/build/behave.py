"""How an image behaves when it is run: starts, stays up or exits, turns healthy, answers, stops."""

from __future__ import annotations

import time
from typing import NamedTuple

from dockopt.build.compare import Difference
from dockopt.build.engine import Engine, one_line

#: Seconds between two looks at a container.
TICK = 0.2

#: Seconds between two health checks, instead of the image's own (Docker's default is 30).
HEALTH_INTERVAL = 1


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
        return _watch(engine, container, reference, settings, checked, like)
    finally:
        engine.remove(container)


def _watch(
    engine: Engine, container: str, reference: str, settings: RunSettings, checked: bool, like: Behaviour | None
) -> Behaviour:
    problem = engine.start(container)
    if problem is not None:
        return Behaviour(f"cannot be started: {_without_ids(problem)}")
    state = _settle(engine, container, settings.settle)
    if state != "running":
        return Behaviour(state, answers=_apart(engine, reference, settings), log=engine.logs(container))
    health = _health(engine, container, settings.start_timeout) if checked else ""
    answers = tuple(
        _answer(engine, container, command, settings.start_timeout, like.answers[index] if like else None)
        for index, command in enumerate(settings.smoke)
    )
    state = _state(engine, container)
    if state != "running":
        return Behaviour(f"{state} after a while", health, answers, log=engine.logs(container))
    engine.stop(container, settings.grace)
    killed = engine.state(container).get("ExitCode") == 137
    return Behaviour("running", health, answers, "killed" if killed else "in time", engine.logs(container))


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


def _health(engine: Engine, container: str, seconds: float) -> str:
    end = time.monotonic() + seconds
    while True:
        state = engine.state(container)
        # podman writes Healthcheck where docker writes Health.
        status = str((state.get("Health") or state.get("Healthcheck") or {}).get("Status", ""))
        if status in ("healthy", "unhealthy") or not state.get("Running") or time.monotonic() > end:
            return status or "starting"
        time.sleep(TICK)


def _answer(
    engine: Engine, container: str, command: str, seconds: float, expected: tuple[int, str] | None
) -> tuple[int, str]:
    """What a smoke command answers; asked again while the application may still be starting."""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        answer = engine.execute(container, command, max(left, 1))
        found = (answer.code, engine.mask(answer.output))
        done = found == expected if expected is not None else answer.code == 0
        if done or left <= 1 or not engine.state(container).get("Running"):
            return found
        time.sleep(min(1.0, left))


def _apart(engine: Engine, reference: str, settings: RunSettings) -> tuple[tuple[int, str], ...]:
    """The smoke commands for an image that does not stay up: each in a container of its own."""
    answers = []
    for command in settings.smoke:
        container = engine.create(reference, network=settings.network, shell=command, platform=settings.platform)
        try:
            problem = engine.start(container)
            if problem is not None:
                answers.append((127, _without_ids(problem)))
                continue
            _settle(engine, container, settings.start_timeout)
            code = engine.state(container).get("ExitCode", 0)
            answers.append((int(code), "\n".join(engine.logs(container, 1000))))
        finally:
            engine.remove(container)
    return tuple(answers)


def _without_ids(text: str) -> str:
    import re

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
