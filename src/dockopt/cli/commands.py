"""What the commands do, between the flags and the exit code.

Exit codes: 0 nothing to do, or all done; 1 changes or findings (``fix --diff``, ``fix --check``, ``check``),
or files rewritten under ``--exit-non-zero-on-fix``; 2 an error; 130 ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dockopt.cli.options import Arguments
from dockopt.report.console import Console, wants_colour, width_of
from dockopt.workspace.read import FileProblem

if TYPE_CHECKING:
    from dockopt.engine.pipeline import Options
    from dockopt.engine.registry import Registry
    from dockopt.report.summary import Summary
    from dockopt.workspace.config import Configurations, Settings
    from dockopt.workspace.run import Job, Result, Task


#: From how many files on a progress bar may show.
PROGRESS_FROM = 50


class UsageProblem(Exception):
    """A command line that cannot be run. ``str()`` is one clear line."""


class Plan(NamedTuple):
    """What a command line comes to."""

    jobs: tuple[Job, ...]
    results: tuple[Result, ...]  #: of what could not even become a job, each with its error
    errors: tuple[str, ...]  #: those that belong to no file


def run(arguments: Arguments) -> int:
    """The commands that take files."""
    console = Console()
    try:
        if arguments.command in ("verify", "measure"):
            if "-" in arguments.paths:
                raise UsageProblem(f"{arguments.command} needs files: standard input has no build context")
            from dockopt.cli import building

            return getattr(building, arguments.command)(arguments, console)  # type: ignore[no-any-return]
        if arguments.command == "score":
            from dockopt.cli.scoring import run as score

            return score(arguments, console)
        if arguments.command == "harden":
            from dockopt.cli.hardening import run as harden

            return harden(arguments, console)
        return _run(arguments, console)
    except (UsageProblem, FileProblem) as problem:
        where = f"{problem.path}: " if isinstance(problem, FileProblem) else ""
        console.err(f"dockopt: {where}{problem}")
        return 2
    except OSError as error:
        # Standard output is on a full disk, or the current folder is gone.
        console.err(f"dockopt: {(error.strerror or str(error)).lower()}")
        return 2


def _run(arguments: Arguments, console: Console) -> int:
    if arguments.verbose and arguments.quiet:
        raise UsageProblem("--verbose and --quiet exclude each other")
    _registry()  # a plug-in that cannot be loaded is told once, not for every file
    from dockopt.report.summary import summarise
    from dockopt.report.text import problem, remarks
    from dockopt.workspace import run as engine

    task = engine.Task(
        write=arguments.command == "fix" and not (arguments.diff or arguments.check),
        diff=arguments.diff,
        colour=arguments.output is None and arguments.output_format == "text" and wants_colour(sys.stdout),
    )
    settings = overrides_of(arguments)
    if "-" in arguments.paths:
        if arguments.verify:
            raise UsageProblem("--verify needs files: standard input has no build context")
        if len(arguments.paths) > 1:
            raise UsageProblem("- (standard input) cannot be mixed with paths")
        plan, results = Plan((), (), ()), [_standard_input(settings, task)]
    else:
        plan = make_plan(arguments, settings)
        if arguments.verify:
            from dockopt.cli.building import proven

            results = [*plan.results, *proven(plan.jobs, task, arguments, console)]
        else:
            results = [*plan.results, *_with_progress(plan.jobs, task, arguments)]
    summary = summarise(results, len(plan.errors))

    deliver(arguments, _payload(arguments, task, plan, results), console)
    for error in plan.errors:
        console.err(f"dockopt: {error}")
    if not arguments.quiet:
        tell_warnings(console, (line for result in results for line in result.warnings))
        for result in results:
            for remark in remarks(result):
                console.err(remark)
    for result in results:
        if result.error is not None:
            console.err(problem(result))
    if not arguments.quiet:
        all_told = not any(job.options.acting_only for job in plan.jobs)
        _close(arguments, task, results, summary, console, all_told)
    if summary.errors:
        return 2
    if arguments.command == "check":
        return 1 if summary.applied or summary.waiting or summary.manual else 0
    return 1 if summary.changed and (not task.write or arguments.exit_non_zero_on_fix) else 0


def tell_warnings(console: Console, lines: Iterable[str]) -> None:
    """A registry that does not answer is no error: everything that needs none was done."""
    from dockopt.report.text import warnings

    for line in warnings(lines):
        console.err(line)


def explain(name: str) -> int:
    """``dockopt explain``: one transform, or each of a family."""
    from dockopt.engine.registry import UnknownTransform
    from dockopt.report.catalogue import explanation

    console = Console()
    try:
        known = _registry()
        ids = known.resolve(name)
    except (UsageProblem, UnknownTransform) as error:
        console.err(f"dockopt: {error}")
        return 2
    specs = {spec.id: spec for spec in known.specs}
    colour = wants_colour(sys.stdout)
    width = width_of(sys.stdout)
    texts = [explanation(specs[id], known.load(id).__doc__ or "", colour=colour, width=width) for id in ids]
    console.out("\n\n".join(texts) + "\n")
    return 0


def rules(output_format: str) -> int:
    """``dockopt rules``: all transforms."""
    console = Console()
    try:
        specs = _registry().specs
    except UsageProblem as error:
        console.err(f"dockopt: {error}")
        return 2
    if output_format == "json":
        from dockopt.report import json

        console.out(json.rules(specs))
    else:
        from dockopt.report.catalogue import table

        console.out(table(specs, colour=wants_colour(sys.stdout), width=width_of(sys.stdout)))
    return 0


def _registry() -> Registry:
    from dockopt.engine.registry import PluginError, registry

    try:
        return registry()
    except PluginError as error:
        raise UsageProblem(str(error)) from None


def overrides_of(arguments: Arguments) -> Settings:
    from dockopt.workspace.config import Settings

    return Settings(
        select=_ids("--select", arguments.select),
        ignore=_ids("--ignore", arguments.ignore),
        unsafe=arguments.unsafe_fixes,
        online=arguments.online,
    )


def _ids(flag: str, lists: Sequence[str]) -> tuple[str, ...] | None:
    if not lists:
        return None
    from dockopt.engine.registry import UnknownTransform

    names = [name.strip() for each in lists for name in each.split(",") if name.strip()]
    if not names:
        raise UsageProblem(f"{flag} needs at least one transform; dockopt rules lists them")
    try:
        return tuple(dict.fromkeys(id for name in names for id in _registry().resolve(name)))
    except UnknownTransform as error:
        raise UsageProblem(f"{flag}: {error}") from None


def _configurations() -> Configurations:
    from dockopt.workspace.config import Configurations

    return Configurations(lambda name: _registry().resolve(name))


def _options(overrides: Settings, settings: Settings) -> Options:
    from dockopt.engine.pipeline import Options

    # "is None" throughout: an empty list and False on the command line override as well.
    unsafe = settings.unsafe if overrides.unsafe is None else overrides.unsafe
    select = settings.select if overrides.select is None else overrides.select
    ignore = settings.ignore if overrides.ignore is None else overrides.ignore
    return Options(unsafe=bool(unsafe), select=select or (), ignore=ignore or ())


def mirrors_of(overrides: Settings, settings: Settings) -> tuple[str, ...] | None:
    """The mirrors to ask first; None for no network at all."""
    online = settings.online if overrides.online is None else overrides.online
    return settings.mirrors if online else None


def tells_all(arguments: Arguments) -> bool:
    """Whether the report says what may not be applied.

    A plain ``fix`` in place, a hook before every commit, does not look for it: reading the application around
    a Dockerfile takes longer than fixing it.
    """
    shows = arguments.diff or arguments.check or arguments.verbose or arguments.verify
    return arguments.command != "fix" or shows or arguments.output_format != "text"


def make_plan(arguments: Arguments, overrides: Settings) -> Plan:
    from dockopt.workspace.config import ConfigProblem
    from dockopt.workspace.discovery import find
    from dockopt.workspace.run import Job, Result

    configurations = _configurations()
    found = find(arguments.paths or (".",), configurations.excluded)
    jobs: list[Job] = []
    errors: dict[str, None] = {}
    folders: dict[str, tuple[Options, tuple[str, ...] | None] | None] = {}
    shared: dict[Settings, tuple[Options, tuple[str, ...] | None]] = {}  # most folders have the same
    asks_all = tells_all(arguments)
    for file in found.files:
        folder = os.path.dirname(file)
        if folder not in folders:
            try:
                settings = configurations.of(os.path.abspath(folder))
                if settings not in shared:
                    options = _options(overrides, settings)
                    options = options if asks_all or options.unsafe else options._replace(acting_only=True)
                    shared[settings] = options, mirrors_of(overrides, settings)
                folders[folder] = shared[settings]
            except ConfigProblem as problem:
                errors[str(problem)] = None
                folders[folder] = None
        wanted = folders[folder]
        if wanted is not None:
            jobs.append(Job(file, wanted[0], arguments.context, wanted[1]))
    if arguments.output is not None:
        _check_output(arguments.output, found.files)
    problems = tuple(Result(problem.path, error=str(problem)) for problem in found.problems)
    return Plan(tuple(jobs), problems, tuple(errors))


def _check_output(path: str, files: Sequence[str]) -> None:
    """Before anything is rewritten: can the report be written, and would it overwrite what it reports on?"""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileProblem(path, f"cannot be written: the folder {folder} does not exist")
    if os.path.isdir(path):
        raise FileProblem(path, "is a folder; --output needs a file")
    if os.path.exists(path):
        real = os.path.realpath(path)
        if any(os.path.realpath(file) == real for file in files):
            raise FileProblem(path, "is one of the Dockerfiles; --output would overwrite it")


def settings_of_standard_input() -> Settings:
    """The configuration of the current folder."""
    from dockopt.workspace.config import ConfigProblem

    try:
        return _configurations().of(os.getcwd())
    except ConfigProblem as problem:
        raise UsageProblem(str(problem)) from None


def _standard_input(overrides: Settings, task: Task) -> Result:
    from dockopt.workspace.read import SIZE_LIMIT
    from dockopt.workspace.run import handle_bytes

    settings = settings_of_standard_input()
    data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    return handle_bytes(data, _options(overrides, settings), task, mirrors_of(overrides, settings))


def _with_progress(jobs: Sequence[Job], task: Task, arguments: Arguments) -> list[Result]:
    from dockopt.workspace.run import run

    if len(jobs) < PROGRESS_FROM or arguments.quiet or not sys.stderr.isatty():
        return run(jobs, task)
    from dockopt.report.progress import Progress

    progress = Progress(len(jobs))
    try:
        return run(jobs, task, progress)
    finally:
        progress.close()


def _payload(arguments: Arguments, task: Task, plan: Plan, results: Sequence[Result]) -> bytes:
    """What was asked for: a diff, a report, or standard input's text."""
    from dockopt.report import text

    if arguments.output_format == "json":
        from dockopt.report import json
        from dockopt.report.summary import summarise

        summary = summarise(results, len(plan.errors))
        report = json.report(arguments.command, results, summary, plan.errors, written=task.write, diff=arguments.diff)
        return report.encode()
    if arguments.diff:
        return _diffs(results)
    if arguments.command == "check":
        return _lines(text.findings(results, refusals=arguments.verbose))
    if arguments.paths == ("-",) and task.write:
        return results[0].output
    if arguments.quiet:
        return b""
    verb = "fixed" if task.write else "would fix"
    lines = [text.fixed(result, verb) for result in results if result.changed]
    if arguments.verbose:
        lines.extend(text.findings(results, refusals=True))
    return _lines(lines)


def _diffs(results: Iterable[Result]) -> bytes:
    """All diffs; a file that several Dockerfiles share is shown once, else the patch would not apply."""
    out: list[bytes] = []
    seen: set[str] = set()
    for result in results:
        out.append(result.diff)
        for change in result.files:
            if change.path not in seen:
                seen.add(change.path)
                out.append(change.diff)
    return b"".join(out)


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def deliver(arguments: Arguments, payload: bytes, console: Console) -> None:
    if arguments.output is None:
        console.out(payload)
        return
    from dockopt.workspace.write import write_report

    write_report(arguments.output, payload)


def _close(
    arguments: Arguments, task: Task, results: Sequence[Result], summary: Summary, console: Console, all_told: bool
) -> None:
    """The notes beside what was asked for, on standard error."""
    if arguments.output_format == "json":
        return  # the report says it all
    from dockopt.report import text

    if not results:
        if not summary.errors:  # else what was found could not be handled, and why was said
            console.err("dockopt: no Dockerfiles found")
        return
    if arguments.command == "check":
        console.err(text.closing_check(summary, verbose=arguments.verbose))
        return
    if arguments.verbose and (arguments.diff or arguments.paths == ("-",)):
        for line in text.findings(results, refusals=True):
            console.err(line)
    elif not arguments.verbose:
        for line in text.defects(results):
            console.err(line)
    if len(results) > 1 and not arguments.diff:
        for line in text.by_transform(summary):
            console.err(line)
    verb = "fixed" if task.write else "would be fixed"
    console.err(text.closing(summary, verb=verb, verbose=arguments.verbose, all_told=all_told))
