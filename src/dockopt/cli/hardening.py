"""``dockopt harden``."""

from __future__ import annotations

import sys

from dockopt.cli.each import Failure, answers, tell_errors
from dockopt.cli.options import Arguments
from dockopt.engine.harden import Hardening, harden
from dockopt.report import harden as report
from dockopt.report.console import Console, wants_colour


def run(arguments: Arguments, console: Console) -> int:
    """0 all answered; 2 an error."""
    from dockopt.cli.commands import deliver

    found, errors, warnings = answers(arguments, harden, _failed)
    made = [report.Hardened(path, hardening) for path, hardening in found]
    answered = [each for each in made if each.hardening.error is None]
    if arguments.output_format == "json":
        deliver(arguments, report.report(made, errors).encode(), console)
    else:
        colour = arguments.output is None and wants_colour(sys.stdout)
        texts = [report.text(each, colour=colour) for each in answered]
        deliver(arguments, "\n".join(texts).encode("utf-8", "surrogateescape"), console)
    failures = [
        Failure(path, hardening.error_line, hardening.error) for path, hardening in found if hardening.error is not None
    ]
    tell_errors(console, errors, failures, any_files=bool(made), warnings=warnings)
    return 2 if errors or failures else 0


def _failed(message: str) -> Hardening:
    return Hardening("", "", None, None, (), (), (), (), message)
