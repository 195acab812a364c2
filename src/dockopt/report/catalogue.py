"""The transforms themselves, for ``dockopt rules`` and ``dockopt explain``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockopt.engine.registry import Spec

_HEADINGS = ("What", "Why", "Safety", "Refuses", "References", "Example")


def table(specs: Iterable[Spec], *, colour: bool = False) -> str:
    """One line for each transform under a line of headings."""
    rows = [("ID", "PHASE", "FAMILY", "SAFETY", "DEFAULT", "ALIASES", "SUMMARY")]
    for spec in specs:
        default = "on" if spec.default else "off"
        aliases = ", ".join(spec.aliases) or "-"
        rows.append(
            (spec.id, spec.phase.lower(), spec.family.lower(), spec.range, default, aliases, _plain(spec.summary))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ["  ".join((*map(str.ljust, row[:-1], widths), row[-1])) for row in rows]
    lines[0] = _bold(lines[0], colour)
    return "".join(line + "\n" for line in lines)


def explanation(spec: Spec, docstring: str, *, colour: bool = False) -> str:
    """What, why, safety, refusals, references of a transform as its docstring has them, and an example."""
    from inspect import cleandoc

    title = spec.id if not spec.aliases else f"{spec.id} ({', '.join(spec.aliases)})"
    kind = f"{spec.phase.lower()} phase, {spec.family.lower()} family, {spec.range}"
    lines = [_bold(title, colour), kind + (", on by default" if spec.default else ", off by default"), ""]
    for line in _plain(cleandoc(docstring)).splitlines():
        heading, colon, rest = line.partition(":")
        lines.append(_bold(heading, colour) + colon + rest if colon and heading in _HEADINGS else line)
    example = _examples().get(spec.id)
    if example is not None:
        from dockopt.report.diff import unified

        before, after = example["before"].encode(), example["after"].encode()
        diff = unified(before, after, "Dockerfile", colour=colour).decode()
        lines += ["", _bold("Example", colour) + ":", "", *("    " + line for line in diff.splitlines())]
    return "\n".join(lines)


def _examples() -> Mapping[str, Mapping[str, str]]:
    """Each transform's example; generated from the fixtures, which are not in the wheel."""
    import json
    from importlib.resources import files

    file = files("dockopt_transforms") / "examples.json"
    if not file.is_file():
        return {}  # a checkout in which it has not been generated
    examples: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return examples


def _plain(text: str) -> str:
    """Docstrings are written for Sphinx, whose double backquotes say nothing on a terminal."""
    return text.replace("``", "`")


def _bold(text: str, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[m" if colour else text
