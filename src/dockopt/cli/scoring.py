"""``dockopt score``."""

from __future__ import annotations

import sys

from dockopt.cli.each import Failure, answers, tell_errors
from dockopt.cli.options import Arguments
from dockopt.engine.score import Score, score
from dockopt.report import score as report
from dockopt.report.console import Console, wants_colour, width_of


def run(arguments: Arguments, console: Console) -> int:
    """0 all judged; 1 a file below ``--fail-under``; 2 an error."""
    from dockopt.cli.commands import deliver

    least = _least(arguments.fail_under)
    found, errors, warnings = answers(arguments, score, lambda message: Score((), message))
    judged = [report.Judged(path, points) for path, points in found]
    if arguments.output_format == "json":
        deliver(arguments, report.report(judged, errors).encode(), console)
    else:
        colour = arguments.output is None and wants_colour(sys.stdout)
        width = width_of(sys.stdout) if arguments.output is None else None
        tables = [report.table(each, colour=colour, width=width) for each in judged if each.score.error is None]
        deliver(arguments, "\n".join(tables).encode("utf-8", "surrogateescape"), console)
    failures = [Failure(path, points.error_line, points.error) for path, points in found if points.error is not None]
    tell_errors(console, errors, failures, any_files=bool(judged), warnings=warnings)
    if errors or failures:
        return 2
    low = [each for each in judged if each.score.points < least]
    for each in low:
        console.err(f"dockopt: {each.path}: {each.score.points} is below {least}")
    return 1 if low else 0


def _least(text: str | None) -> int:
    from dockopt.cli.commands import UsageProblem

    if text is None:
        return 0
    if not text.isdecimal() or int(text) > 100:
        raise UsageProblem(f"--fail-under takes a number from 0 to 100, not {text!r}")
    return int(text)
