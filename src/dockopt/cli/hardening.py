"""``dockopt harden``."""

from __future__ import annotations

import sys

from dockopt.cli.options import Arguments
from dockopt.engine.harden import Hardening, harden
from dockopt.facts.outside import Outside
from dockopt.report import harden as report
from dockopt.report.console import Console, wants_colour
from dockopt.workspace.read import SIZE_LIMIT, FileProblem, check_text, read


def run(arguments: Arguments, console: Console) -> int:
    """0 all answered; 2 an error."""
    from dockopt.cli.commands import UsageProblem, deliver, make_plan, overrides_of

    errors: tuple[str, ...] = ()
    made: list[report.Hardened]
    if "-" in arguments.paths:
        if len(arguments.paths) > 1:
            raise UsageProblem("- (standard input) cannot be mixed with paths")
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        made = [report.Hardened("-", _harden("-", data, None))]
    else:
        plan = make_plan(arguments, overrides_of(arguments))
        errors = plan.errors
        made = [report.Hardened(each.path, _failed(each.error or "")) for each in plan.results]
        for job in plan.jobs:
            made.append(report.Hardened(job.path, _harden(job.path, None, Outside(job.path, job.context))))
    answered = [each for each in made if each.hardening.error is None]
    if arguments.output_format == "json":
        deliver(arguments, report.report(made, errors).encode(), console)
    else:
        colour = arguments.output is None and wants_colour(sys.stdout)
        texts = [report.text(each, colour=colour) for each in answered]
        deliver(arguments, "\n".join(texts).encode("utf-8", "surrogateescape"), console)
    for error in errors:
        console.err(f"dockopt: {error}")
    for each in made:
        if each.hardening.error is not None:
            line = f":{each.hardening.error_line}" if each.hardening.error_line else ""
            console.err(f"dockopt: {each.path}{line}: {each.hardening.error}")
    if not made and not errors:
        console.err("dockopt: no Dockerfiles found")
    return 2 if errors or len(answered) < len(made) else 0


def _harden(path: str, data: bytes | None, outside: Outside | None) -> Hardening:
    try:
        if data is None:
            data = read(path).data
        else:
            check_text(path, data)
        return harden(data, outside)
    except FileProblem as problem:
        return _failed(str(problem))


def _failed(message: str) -> Hardening:
    return Hardening("", "", None, None, (), (), (), (), message)
