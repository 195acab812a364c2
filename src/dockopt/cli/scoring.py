"""``dockopt score``."""

from __future__ import annotations

import sys

from dockopt.cli.options import Arguments
from dockopt.engine.score import Score, score
from dockopt.facts.outside import Outside
from dockopt.report import score as report
from dockopt.report.console import Console, wants_colour
from dockopt.workspace.read import SIZE_LIMIT, FileProblem, check_text, read


def run(arguments: Arguments, console: Console) -> int:
    """0 all judged; 1 a file below ``--fail-under``; 2 an error."""
    from dockopt.cli.commands import UsageProblem, deliver, make_plan, overrides_of

    least = _least(arguments.fail_under)
    errors: tuple[str, ...] = ()
    judged: list[report.Judged]
    if "-" in arguments.paths:
        if len(arguments.paths) > 1:
            raise UsageProblem("- (standard input) cannot be mixed with paths")
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        judged = [report.Judged("-", _judge("-", data, None))]
    else:
        plan = make_plan(arguments, overrides_of(arguments))
        errors = plan.errors
        judged = [report.Judged(each.path, Score((), each.error)) for each in plan.results]
        for job in plan.jobs:
            judged.append(report.Judged(job.path, _judge(job.path, None, Outside(job.path, job.context))))
    if arguments.output_format == "json":
        deliver(arguments, report.report(judged, errors).encode(), console)
    else:
        colour = arguments.output is None and wants_colour(sys.stdout)
        tables = [report.table(each, colour=colour) for each in judged if each.score.error is None]
        deliver(arguments, "\n".join(tables).encode("utf-8", "surrogateescape"), console)
    for error in errors:
        console.err(f"dockopt: {error}")
    for each in judged:
        if each.score.error is not None:
            line = f":{each.score.error_line}" if each.score.error_line else ""
            console.err(f"dockopt: {each.path}{line}: {each.score.error}")
    if not judged and not errors:
        console.err("dockopt: no Dockerfiles found")
    if errors or any(each.score.error is not None for each in judged):
        return 2
    low = [each for each in judged if each.score.points < least]
    for each in low:
        console.err(f"dockopt: {each.path}: {each.score.points} is below {least}")
    return 1 if low else 0


def _judge(path: str, data: bytes | None, outside: Outside | None) -> Score:
    try:
        if data is None:
            data = read(path).data
        else:
            check_text(path, data)
        return score(data, outside)
    except FileProblem as problem:
        return Score((), str(problem))


def _least(text: str | None) -> int:
    from dockopt.cli.commands import UsageProblem

    if text is None:
        return 0
    if not text.isdecimal() or int(text) > 100:
        raise UsageProblem(f"--fail-under takes a number from 0 to 100, not {text!r}")
    return int(text)
