"""Files through the engine: read, prove or measure, write what was proven."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from dockopt.build.bake import recipes_for
from dockopt.build.behave import RunSettings
from dockopt.build.engine import BuildFailed, BuildSettings, Engine, EngineGone, EngineProblem
from dockopt.build.measure import Measured, Measurer
from dockopt.build.scan import scanner
from dockopt.build.verify import Proof, Prover, Target
from dockopt.engine.pipeline import rewrite
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known
from dockopt.workspace.read import FileProblem, read
from dockopt.workspace.run import Job, Result, Task, rewritten, write


class Request(NamedTuple):
    """What the command line says about building; it wins over compose and bake files."""

    build: BuildSettings = BuildSettings()
    run: RunSettings | None = RunSettings()
    context: str | None = None
    bake: bool = True  #: read compose and bake files


class Handled(NamedTuple):
    """What came of one file."""

    result: Result
    proof: Proof | None = None  #: ``None`` where it did not come to that


def targets(path: str, data: bytes, engine: Engine, request: Request) -> tuple[list[Target], list[str]]:
    """The ways to build ``path``, and one line for each compose or bake file that could not be read.

    :raises FileProblem: where the context is no folder.
    """
    beside = os.path.abspath(path) + ".dockerignore"
    ignore = None
    if os.path.isfile(beside):
        with open(beside, "rb") as file:
            ignore = file.read()
    found: list[Target] = []
    problems: list[str] = []
    if request.bake and request.context is None:
        recipes, problems = recipes_for(engine, path)
        for recipe in recipes:
            given = dict(request.build.build_args)
            build = request.build._replace(
                target=request.build.target or recipe.target,
                build_args=tuple({**dict(recipe.args), **given}.items()),
                build_contexts=(*recipe.contexts, *request.build.build_contexts),
            )
            found.append(Target(recipe.context, build, request.run, ignore, recipe.name))
        if found and request.build.target is None and not _reach_the_end(data, found):
            # `docker build` makes the last stage; a service that develops with an earlier one says nothing of it.
            whole = found[0].build._replace(target=None)
            found.append(found[0]._replace(build=whole, name="the last stage"))
    if not found:
        found = [Target(_context(path, data, request), request.build, request.run, ignore)]
    for target in found:
        if not os.path.isdir(target.context):
            raise FileProblem(path, f"cannot be built: its context {target.context} is no folder")
    return found, problems


def _reach_the_end(data: bytes, ways: Sequence[Target]) -> bool:
    """Whether one of the ways builds the last stage."""
    from dockopt.facts.facts import Facts
    from dockopt.syntax.document import load

    stages = Facts(load(data)).stages.all
    ends = {None, stages[-1].name, str(len(stages) - 1)} if stages else {None}
    return any(way.build.target is None or way.build.target.lower() in ends for way in ways)


def _context(path: str, data: bytes, request: Request) -> str:
    if request.context is not None:
        return request.context
    from dockopt.facts.facts import Facts
    from dockopt.syntax.document import load

    context = Facts(load(data), Outside(path)).context
    # Where no folder is known to hold all that is copied, the build itself will say what is missing.
    return context.value.root if isinstance(context, Known) else os.path.dirname(path) or "."


def handle(job: Job, task: Task, prover: Prover, request: Request) -> Handled:
    """Prove one file's rewrite, and write it where ``task`` says so.

    :raises EngineProblem: where the engine cannot do its part; the file is untouched then.
    """
    try:
        source = read(job.path)
        ways, problems = targets(job.path, source.data, prover.engine, request)
        proof = prover.prove(source.data, job.options, ways, job.outside)
        proof = proof._replace(notes=(*problems, *proof.notes))
        if proof.problem:
            return Handled(Result(job.path, error=proof.problem), proof)
        result = rewritten(job.path, proof.outcome, task)
        if task.write and result.changed:
            write(source, proof.outcome)
        return Handled(result._replace(output=b""), proof)
    except FileProblem as problem:
        return Handled(Result(job.path, error=str(problem)))


def handle_all(jobs: Sequence[Job], task: Task, prover: Prover, request: Request) -> list[Handled]:
    """Prove one file after the other; one that fails does not stop the rest, an engine that is gone does."""
    say = prover.progress

    def one(job: Job, place: str) -> Handled:
        prover.progress = lambda text: say(place + text)
        return handle(job, task, prover, request)

    return _each(jobs, one, Handled)


class Measurement(NamedTuple):
    """What came of one file."""

    result: Result
    measured: Measured | None = None
    log: tuple[str, ...] = ()  #: of a build that failed


def measure_all(
    jobs: Sequence[Job],
    engine: Engine,
    request: Request,
    *,
    touch: str | None = None,
    progress: Callable[[str], None],
) -> list[Measurement]:
    """Measure one file after the other, each in the first way it is built."""
    measurer = Measurer(engine, touch=touch, scanner=scanner())

    def one(job: Job, place: str) -> Measurement:
        measurer.progress = lambda text: progress(place + text)
        return _measure(job, measurer, request)

    return _each(jobs, one, Measurement)


def _measure(job: Job, measurer: Measurer, request: Request) -> Measurement:
    try:
        source = read(job.path)
        ways, problems = targets(job.path, source.data, measurer.engine, request)
        outcome = rewrite(source.data, job.options, job.outside)
        if outcome.error is not None:
            return Measurement(Result(job.path, error=outcome.error, error_line=outcome.error_line))
        measured = measurer.measure(job.path, source.data, outcome if outcome.changed else None, ways[0])
        notes = [*problems, *measured.notes]
        if len(ways) > 1:
            notes.append(f"measured as {ways[0].name} builds it, the first of {len(ways)}")
        return Measurement(Result(job.path), measured._replace(notes=tuple(notes)))
    except FileProblem as problem:
        return Measurement(Result(job.path, error=str(problem)))
    except BuildFailed as failed:
        return Measurement(Result(job.path, error=f"does not build: {failed}"), log=failed.log)


Answer = TypeVar("Answer", Handled, Measurement)


def _each(jobs: Sequence[Job], one: Callable[[Job, str], Answer], failed: Callable[[Result], Answer]) -> list[Answer]:
    done: list[Answer] = []
    for number, job in enumerate(jobs, 1):
        place = f"{job.path}: " if len(jobs) == 1 else f"{number}/{len(jobs)} {job.path}: "
        try:
            done.append(one(job, place))
        except EngineGone as problem:
            done.append(failed(Result(job.path, error=f"left alone: {problem}")))
            done.extend(failed(Result(each.path, error="left alone: the engine is gone")) for each in jobs[number:])
            break
        except EngineProblem as problem:
            done.append(failed(Result(job.path, error=f"left alone: {problem}")))
    return done
