"""The commands that build: ``verify``, ``measure`` and ``fix --verify``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from dockopt.build.behave import RunSettings
from dockopt.build.engine import CLIENTS, BuildSettings, Engine, EngineProblem
from dockopt.build.session import Handled, Request, handle_all
from dockopt.build.verify import Prover
from dockopt.cli.options import Arguments
from dockopt.report import proof as report
from dockopt.report.console import Console
from dockopt.report.steps import Steps

if TYPE_CHECKING:
    from dockopt.build.session import Measurement
    from dockopt.workspace.run import Job, Result, Task


def verify(arguments: Arguments, console: Console) -> int:
    """``dockopt verify``: 0 all holds, 1 something was left out, 2 an error."""
    from dockopt.cli.commands import deliver, make_plan, overrides_of, tell_warnings
    from dockopt.report.text import problem
    from dockopt.workspace.run import Task

    plan = make_plan(arguments, overrides_of(arguments))
    handled = [Handled(result) for result in plan.results]
    handled += _handled(plan.jobs, Task(), arguments)
    if arguments.output_format == "json":
        deliver(arguments, report.report(handled, plan.errors).encode(), console)
    elif not arguments.quiet:
        text = "".join(f"{line}\n" for line in report.lines(handled, verbose=arguments.verbose))
        deliver(arguments, text.encode("utf-8", "surrogateescape"), console)
    for error in plan.errors:
        console.err(f"dockopt: {error}")
    tell_warnings(console, (line for each in handled for line in each.result.warnings))
    for each in handled:
        if each.result.error is not None:
            console.err(problem(each.result))
    if not arguments.quiet:
        console.err(report.closing(handled) if handled else "dockopt: no Dockerfiles found")
    if plan.errors or any(each.result.error is not None for each in handled):
        return 2
    return 1 if any(each.proof is not None and each.proof.dropped for each in handled) else 0


def measure(arguments: Arguments, console: Console) -> int:
    """``dockopt measure``: 0 measured, 2 an error."""
    from dockopt.build.session import Measurement, measure_all
    from dockopt.cli.commands import deliver, make_plan, overrides_of, tell_warnings
    from dockopt.report.text import problem
    from dockopt.workspace.run import unanswered

    plan = make_plan(arguments, overrides_of(arguments))
    request = _request(arguments)
    found: list[Measurement] = [Measurement(result) for result in plan.results]
    if plan.jobs:
        with _engine(arguments) as (engine, steps):
            found += measure_all(plan.jobs, engine, request, touch=arguments.touch, progress=steps)
    deliver(arguments, _measurements(arguments, found), console)
    for error in plan.errors:
        console.err(f"dockopt: {error}")
    tell_warnings(console, unanswered(job.online for job in plan.jobs))
    for each in found:
        if each.result.error is not None:
            console.err(problem(each.result))
            for line in each.log:
                console.err(f"  | {line}")
    if not found:
        console.err("dockopt: no Dockerfiles found")
    return 2 if plan.errors or any(each.result.error is not None for each in found) else 0


def _measurements(arguments: Arguments, found: Sequence[Measurement]) -> bytes:
    from dockopt.report import measure as report

    measured = [(each.result.path, each.measured) for each in found if each.measured is not None]
    errors = [(each.result.path, each.result.error) for each in found if each.result.error is not None]
    if arguments.output_format == "json":
        text = report.report(measured, errors)
    elif arguments.output_format == "markdown":
        text = report.markdown(measured)
    elif arguments.output_format == "html":
        text = report.html(measured, time.strftime("%Y-%m-%d"))
    else:
        text = "\n".join(report.text(path, each) for path, each in measured)
    return text.encode("utf-8", "surrogateescape")


def proven(jobs: Sequence[Job], task: Task, arguments: Arguments, console: Console) -> list[Result]:
    """``dockopt fix --verify``: write, or show, what was proven; what was not goes to standard error."""
    handled = _handled(jobs, task, arguments)
    if not arguments.quiet:
        for line in report.lines(handled, verbose=arguments.verbose):
            console.err(line)
    return [each.result for each in handled]


def _handled(jobs: Sequence[Job], task: Task, arguments: Arguments) -> list[Handled]:
    request = _request(arguments)
    if not jobs:
        return []
    with _engine(arguments) as (engine, steps):
        return handle_all(jobs, task, Prover(engine, progress=steps), request)


@contextlib.contextmanager
def _engine(arguments: Arguments) -> Iterator[tuple[Engine, Steps]]:
    """The engine, with what is done shown; it is cleaned up however the run ends."""
    from dockopt.cli.commands import UsageProblem

    steps = Steps(quiet=arguments.quiet)
    engine: Engine | None = None
    try:
        with _ended_by_signals(), Engine(arguments.engine, keep=arguments.keep) as engine:
            yield engine, steps
    except EngineProblem as problem:
        raise UsageProblem(str(problem)) from None
    finally:
        steps.close()
        if engine is not None and engine.left:
            print(f"  not removed, since the engine is gone: {', '.join(engine.left)}", file=sys.stderr)


def _request(arguments: Arguments) -> Request:
    from dockopt.cli.commands import UsageProblem

    if arguments.engine is not None and arguments.engine not in CLIENTS:
        raise UsageProblem(f"--engine must be one of {', '.join(CLIENTS)}")
    build = BuildSettings(
        target=arguments.target,
        platform=arguments.platform,
        build_args=tuple(_build_arg(text) for text in arguments.build_arg),
        secrets=arguments.secret,
        network=arguments.network,
        builder=arguments.builder,
        timeout=_seconds("--build-timeout", arguments.build_timeout, 1800),
    )
    run = RunSettings(
        smoke=arguments.smoke,
        network=arguments.network,
        platform=arguments.platform,
        start_timeout=_seconds("--start-timeout", arguments.start_timeout, 60),
        grace=_seconds("--stop-timeout", arguments.stop_timeout, 10),
    )
    if arguments.no_run and arguments.smoke:
        raise UsageProblem("--smoke and --no-run exclude each other")
    return Request(build, None if arguments.no_run else run, arguments.context, bake=not arguments.no_bake)


def _build_arg(text: str) -> tuple[str, str]:
    from dockopt.cli.commands import UsageProblem

    name, equals, value = text.partition("=")
    if not equals:
        given = os.environ.get(name)
        if given is None:
            raise UsageProblem(f"--build-arg {name} has no value, and the environment has no {name}")
        value = given
    return name, value


def _seconds(flag: str, text: str | None, default: float) -> float:
    from dockopt.cli.commands import UsageProblem

    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise UsageProblem(f"{flag} must be a number of seconds, not {text!r}")
    return value


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the run as ctrl-C does, so that what was made is removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
