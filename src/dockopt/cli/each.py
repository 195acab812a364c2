"""Commands that answer a question about each file, one at a time, and change none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from dockopt.cli.options import Arguments
from dockopt.facts.outside import Outside
from dockopt.report.console import Console
from dockopt.report.text import problem_line
from dockopt.workspace.read import SIZE_LIMIT, FileProblem, check_text, read
from dockopt.workspace.run import unanswered

Answer = TypeVar("Answer")


class Failure(NamedTuple):
    """A file without an answer."""

    path: str
    line: int  #: 1-based; 0: none
    error: str


class Answers(NamedTuple, Generic[Answer]):
    """What came of all files."""

    found: list[tuple[str, Answer]]
    errors: tuple[str, ...]  #: those that belong to no file
    warnings: tuple[str, ...]  #: registries that could not be asked


def answers(
    arguments: Arguments, ask: Callable[[bytes, Outside | None], Answer], failed: Callable[[str], Answer]
) -> Answers[Answer]:
    """Each file with its answer.

    :param failed: the answer that stands for a file which cannot be read, given why in one line.
    :raises UsageProblem: where standard input is mixed with paths.
    """
    from dockopt.cli.commands import UsageProblem, make_plan, mirrors_of, overrides_of, settings_of_standard_input

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
        online = mirrors_of(overrides_of(arguments), settings_of_standard_input())
        answer = one("-", sys.stdin.buffer.read(SIZE_LIMIT + 1), Outside(online=online))
        return Answers([answer], (), unanswered((online,)))
    plan = make_plan(arguments, overrides_of(arguments))
    found = [(each.path, failed(each.error or "")) for each in plan.results]
    found += [one(job.path, None, job.outside) for job in plan.jobs]
    return Answers(found, plan.errors, unanswered(job.online for job in plan.jobs))


def tell_errors(
    console: Console,
    errors: Iterable[str],
    failures: Iterable[Failure],
    *,
    any_files: bool,
    warnings: Iterable[str] = (),
) -> None:
    """What could not be answered, on standard error."""
    from dockopt.cli.commands import tell_warnings

    errors = tuple(errors)
    tell_warnings(console, warnings)
    for error in errors:
        console.err(f"dockopt: {error}")
    for each in failures:
        console.err(problem_line(each.path, each.line, each.error))
    if not any_files and not errors:
        console.err("dockopt: no Dockerfiles found")
