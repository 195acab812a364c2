"""The report a person reads: findings one a line, and what a run came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dockopt.report.summary import Summary

if TYPE_CHECKING:
    from dockopt.engine.model import Entry
    from dockopt.workspace.run import Result

#: Kinds of entries that are findings: something could be better.
FINDINGS = frozenset({"applied", "waiting", "manual"})


def finding(path: str, entry: Entry) -> str:
    """``Dockerfile:3: merge-runs: merge with the RUN above [safe]``; refusals and defects likewise."""
    where = f"{path}:{entry.start_line}: {entry.transform}: "
    if entry.kind == "refused":
        return f"{where}refused ({entry.cause}): {entry.message}"
    if entry.kind == "defect":
        return f"{where}defect of dockopt, please report it: {entry.message}"
    return f"{where}{entry.message} [{entry.safety}]"


def findings(results: Iterable[Result], *, refusals: bool) -> Iterator[str]:
    """One line for each finding and defect, and with ``refusals`` for each refusal, by file and line."""
    for result in results:
        for entry in sorted(result.entries, key=lambda entry: (entry.start_line, entry.end_line)):
            if refusals or entry.kind != "refused":
                yield finding(result.path, entry)


def defects(results: Iterable[Result]) -> Iterator[str]:
    """One line for each change the proof rolled back; each is a fault of dockopt's own."""
    for result in results:
        for entry in result.entries:
            if entry.kind == "defect":
                yield finding(result.path, entry)


def fixed(result: Result, verb: str) -> str:
    """``fixed api/Dockerfile: merge-runs (2), pip-no-cache-dir``."""
    counts: dict[str, int] = {}
    for entry in result.entries:
        if entry.kind == "applied":
            counts[entry.transform] = counts.get(entry.transform, 0) + 1
    names = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())
    return f"{verb} {result.path}: {names}"


def problem(result: Result) -> str:
    """``dockopt: Dockerfile:3: …`` for a file that could not be handled."""
    return problem_line(result.path, result.error_line, result.error or "")


def warnings(lines: Iterable[str]) -> Iterator[str]:
    """One line for each registry or credential store that could not be asked, however many files wanted it."""
    for line in dict.fromkeys(lines):
        yield f"dockopt: warning: {line}; what could not be asked stays unknown, all else was done"


def remarks(result: Result) -> Iterator[str]:
    """One line for each oddity of a file that changes nothing: ``dockopt: warning: Dockerfile:3: …``."""
    for line, text in result.remarks:
        yield f"dockopt: warning: {result.path}:{line}: {text}"


def problem_line(path: str, line: int, error: str) -> str:
    """:func:`problem` for a file that is no :class:`Result`; ``line`` is 1-based, 0 for none."""
    return f"dockopt: {path}{f':{line}' if line else ''}: {error}"


def closing(summary: Summary, *, verb: str, verbose: bool, all_told: bool = True) -> str:
    """The last line: files, changes, what waits behind ``--unsafe-fixes``, what was refused.

    :param verb: ``"fixed"`` or ``"would be fixed"``.
    :param all_told: whether everything was asked what it has to say; else only what was done is counted.
    """
    parts = [
        f"{_count(summary.files, 'file')}, {summary.changed} {verb}"
        + (f" with {_count(summary.applied, 'change')}" if summary.applied else "")
    ]
    if not all_told:
        if summary.errors < summary.files:
            parts.append("'dockopt check' tells what --unsafe-fixes would add")
        summary = summary._replace(waiting=0, manual=0, refused=0)
    return "; ".join(parts + _rest(summary, verbose))


def _rest(summary: Summary, verbose: bool) -> list[str]:
    parts = []
    if summary.waiting:
        parts.append(f"{summary.waiting} more with --unsafe-fixes")
    if summary.manual:
        parts.append(f"{summary.manual} to do by hand")
    if summary.refused:
        parts.append(f"{summary.refused} refused" + ("" if verbose else " (--verbose tells why)"))
    if summary.defects:
        parts.append(f"{_count(summary.defects, 'defect')} rolled back")
    if summary.errors:
        parts.append(_count(summary.errors, "error"))
    return parts


def closing_check(summary: Summary, *, verbose: bool) -> str:
    """The last line of ``dockopt check``."""
    total = summary.applied + summary.waiting + summary.manual
    parts = [f"{_count(summary.files, 'file')}, {_count(total, 'finding')}"]
    if summary.applied:
        parts.append(f"{summary.applied} for dockopt fix")
    return "; ".join(parts + _rest(summary, verbose))


def by_transform(summary: Summary) -> Sequence[str]:
    """A table of what was changed, the most frequent first."""
    rows = sorted(summary.transforms.items(), key=lambda item: (-item[1][0], item[0]))
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {changes:>6} in {_count(files, 'file')}" for name, (changes, files) in rows]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
