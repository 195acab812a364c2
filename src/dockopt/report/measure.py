"""What a rewrite gains, as a table with bars, Markdown, JSON or an HTML page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dockopt import __version__
from dockopt.report.units import change, duration, size

if TYPE_CHECKING:
    from dockopt.build.measure import Measured, Numbers, Step

VERSION = 1

#: Characters of a bar.
WIDTH = 24


class Row(NamedTuple):
    """One line of the table."""

    label: str
    before: str
    after: str  #: empty where there is no after side
    change: str
    share: float | None  #: after in terms of before, where both are numbers


def rows(measured: Measured) -> list[Row]:
    """The table's lines; what was not measured has none."""
    found = [
        _row("image size", measured, lambda side: side.size, size),
        _row("compressed", measured, lambda side: side.compressed, size),
        _row("layers", measured, lambda side: side.layers, str),
        _row("packages", measured, lambda side: side.packages, str),
        _row("cold build", measured, lambda side: side.cold, duration),
        _row("warm build", measured, lambda side: side.warm, duration),
    ]
    if measured.before.rebuild is not None:
        found.append(_row(f"rebuild, {measured.touched} changed", measured, lambda side: side.rebuild, duration))
        found.append(_row("steps carried out again", measured, lambda side: len(side.reran), str))
    if measured.before.scan is not None:
        for severity in measured.before.scan.counts:
            found.append(
                _row(
                    f"{severity} vulnerabilities",
                    measured,
                    lambda side, severity=severity: side.scan.counts[severity] if side.scan else None,  # type: ignore[misc]
                    str,
                )
            )
    return found


def _row(label: str, measured: Measured, value: Callable[[Numbers], float | None], show: Callable[[Any], str]) -> Row:
    old = value(measured.before)
    new = None if measured.after is None else value(measured.after)
    if old is None or new is None:
        return Row(label, "-" if old is None else show(old), "" if measured.after is None else "-", "", None)
    return Row(label, show(old), show(new), change(old, new), new / old if old else None)


def text(path: str, measured: Measured) -> str:
    """A table with a bar a line: the full width is before, the filled part after."""
    table = rows(measured)
    widths = [max(map(len, column)) for column in zip(*(row[:4] for row in table), strict=True)]
    head = f"{'':{widths[0]}}  {'before':>{max(widths[1], 6)}}"
    if measured.after is not None:
        head += f"  {'after':>{max(widths[2], 5)}}"
    lines = [path if measured.after is not None else f"{path}: nothing to rewrite", f"  {head}"]
    for row in table:
        line = f"  {row.label:{widths[0]}}  {row.before:>{max(widths[1], 6)}}"
        if measured.after is not None:
            line += f"  {row.after:>{max(widths[2], 5)}}  {row.change:>{widths[3]}}  {bar(row.share)}"
        lines.append(line.rstrip())
    lines += [f"  {note}" for note in measured.notes]
    return "\n".join(lines) + "\n"


def bar(share: float | None) -> str:
    """``████████░░░░``: after in terms of before; what exceeds before ends in ``+``."""
    if share is None:
        return ""
    filled = min(round(share * WIDTH), WIDTH)
    return "█" * filled + "░" * (WIDTH - filled) + ("+" if share > 1.02 else "")


def markdown(measured: Sequence[tuple[str, Measured]]) -> str:
    """A table a file, for a pull request or the docs."""
    parts = []
    for path, each in measured:
        lines = [f"### {path}", "", "| | before | after | change |", "|---|---:|---:|---:|"]
        lines += [f"| {_cell(row.label)} | {row.before} | {row.after} | {row.change} |" for row in rows(each)]
        lines += ["", *(f"{note}." for note in each.notes)] if each.notes else []
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def report(measured: Iterable[tuple[str, Measured]], errors: Iterable[tuple[str, str]]) -> str:
    """``{"version", "dockopt", "command": "measure", "files": [{"path", "before", "after", "touched", "notes"}],
    "errors": [{"path", "message"}]}``; sizes in bytes, times in seconds; ``after`` null where nothing changes."""
    value = {
        "version": VERSION,
        "dockopt": __version__,
        "command": "measure",
        "files": [
            {
                "path": path,
                "before": _side(each.before),
                "after": None if each.after is None else _side(each.after),
                "touched": each.touched,
                "notes": each.notes,
            }
            for path, each in measured
        ],
        "errors": [{"path": path, "message": message} for path, message in errors],
    }
    return json.dumps(value, separators=(",", ":")) + "\n"


def _side(side: Numbers) -> dict[str, Any]:
    times = {key: None if value is None else round(value, 2) for key, value in side._asdict().items() if key in _TIMES}
    return {
        **side._asdict(),
        **times,
        "scan": None if side.scan is None else side.scan._asdict(),
        "steps": [step._asdict() for step in side.steps],
    }


_TIMES = ("cold", "warm", "rebuild")


class Bar(NamedTuple):
    """One layer of the chart."""

    label: str
    value: str
    percent: float  #: of the largest layer of both sides
    shared: bool


def bars(steps: Sequence[Step], largest: int) -> list[Bar]:
    """A side's layers; those that both sides have, at the bottom, are one."""
    shared = [step for step in steps if step.shared]
    own = [step for step in steps if not step.shared]
    found = []
    if shared:
        total = sum(step.size for step in shared)
        label = "base image" if len(shared) == 1 else f"{len(shared)} layers both have"
        found.append(Bar(label, size(total), 100 * total / largest, True))
    found += [Bar(step.instruction, size(step.size), 100 * step.size / largest, False) for step in own]
    return found


def html(measured: Sequence[tuple[str, Measured]], made: str) -> str:
    """One page without scripts or links: the tables, and what each instruction adds, side by side.

    :param made: the date to print.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("dockopt.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    files = []
    for path, each in measured:
        sides = {"before": each.before} | ({} if each.after is None else {"after": each.after})
        largest = max([_largest(side.steps) for side in sides.values()] + [1])
        files.append(
            {
                "path": path,
                "rows": rows(each),
                "changed": each.after is not None,
                "notes": each.notes,
                "charts": {name: bars(side.steps, largest) for name, side in sides.items()},
            }
        )
    return environment.get_template("measure.html.j2").render(files=files, version=__version__, made=made)


def _largest(steps: Sequence[Step]) -> int:
    return max([step.size for step in steps if not step.shared] + [sum(step.size for step in steps if step.shared)])
