"""Commands that answer a question about each file, one at a time, and change none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from dockopt.cli.options import Arguments
from dockopt.facts.outside import Outside
from dockopt.report.console import Console
from dockopt.report.text import problem_line
from dockopt.workspace.read import SIZE_LIMIT, FileProblem, check_text, read

Answer = TypeVar("Answer")


class Failure(NamedTuple):
    """A file without an answer."""

    path: str
    line: int  #: 1-based; 0: none
    error: str


def answers(
    arguments: Arguments, ask: Callable[[bytes, Outside | None], Answer], failed: Callable[[str], Answer]
) -> tuple[list[tuple[str, Answer]], tuple[str, ...]]:
    """Each file with its answer, and the errors that belong to no file.

    :param failed: the answer that stands for a file which cannot be read, given why in one line.
    :raises UsageProblem: where standard input is mixed with paths.
    """
    from dockopt.cli.commands import UsageProblem, make_plan, overrides_of

    def one(path: str, data: bytes | None, outside: Outside | None) -> tuple[str, Answer]:
        try:
            if data is None:
                data = read(path).data
            else:
                check_text(path, data)
            return path, ask(data, outside)
        except FileProblem as problem:
            return path, failed(str(problem))

    if "-" in arguments.paths:
        if len(arguments.paths) > 1:
            raise UsageProblem("- (standard input) cannot be mixed with paths")
        return [one("-", sys.stdin.buffer.read(SIZE_LIMIT + 1), None)], ()
    plan = make_plan(arguments, overrides_of(arguments))
    found = [(each.path, failed(each.error or "")) for each in plan.results]
    found += [one(job.path, None, Outside(job.path, job.context)) for job in plan.jobs]
    return found, plan.errors


def tell_errors(console: Console, errors: Iterable[str], failures: Iterable[Failure], *, any_files: bool) -> None:
    """What could not be answered, on standard error."""
    errors = tuple(errors)
    for error in errors:
        console.err(f"dockopt: {error}")
    for each in failures:
        console.err(problem_line(each.path, each.line, each.error))
    if not any_files and not errors:
        console.err("dockopt: no Dockerfiles found")
