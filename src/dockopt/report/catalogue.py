"""The transforms themselves, for ``dockopt rules`` and ``dockopt explain``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockopt.engine.registry import Spec

_HEADINGS = ("What", "Why", "Safety", "Refuses", "References", "Example")


def table(specs: Iterable[Spec], *, colour: bool = False, width: int | None = None) -> str:
    """One line for each transform under a line of headings; where ``width`` is too narrow for that, a few lines each."""
    rows = [("ID", "PHASE", "FAMILY", "SAFETY", "DEFAULT", "ALIASES", "SUMMARY")]
    for spec in specs:
        default = "on" if spec.default else "off"
        aliases = ", ".join(spec.aliases) or "-"
        rows.append(
            (spec.id, spec.phase.lower(), spec.family.lower(), spec.range, default, aliases, _plain(spec.summary))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ["  ".join((*map(str.ljust, row[:-1], widths), row[-1])) for row in rows]
    if width is not None and max(map(len, lines)) > width:
        return "".join(_entry(row, width, colour) for row in rows[1:])
    lines[0] = _bold(lines[0], colour)
    return "".join(line + "\n" for line in lines)


def _entry(row: tuple[str, ...], width: int, colour: bool) -> str:
    id, phase, family, safety, default, aliases, summary = row
    head = f"{_bold(id, colour)}  {family if family == phase else f'{family}, {phase} phase'}, {safety}"
    head += "" if default == "on" else ", off by default"
    text = summary if aliases == "-" else f"{summary} ({aliases})"
    return "".join(line + "\n" for line in [head, *_wrapped(text, width, "    ", "    ")])


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    from textwrap import wrap

    return wrap(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fitted(lines: list[str], width: int) -> list[str]:
    """The lines of a docstring with its paragraphs filled anew, and in its lists each entry by itself."""
    out: list[str] = []
    filling: list[str] = []  #: the lines of the paragraph or entry at hand
    hanging = ""
    for line in [*lines, ""]:
        heading = line.partition(":")[0] if not line.startswith(" ") else ""
        fresh = not line.strip() or heading in _HEADINGS
        if filling and (fresh or (hanging and _indent(line) == _indent(filling[0]))):
            indent = _indent(filling[0])
            out += _wrapped(" ".join(row.strip() for row in filling), width, indent, indent + hanging)
            filling = []
        if fresh:
            out.append(line)
        else:
            filling.append(line)
        if heading in _HEADINGS:
            hanging = "    " if heading in ("Refuses", "References") else ""
    return out[:-1]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def explanation(spec: Spec, docstring: str, *, colour: bool = False, width: int | None = None) -> str:
    """What, why, safety, refusals, references of a transform as its docstring has them, and an example.

    :param width: fill the lines anew for a terminal of so many columns.
    """
    from inspect import cleandoc

    title = spec.id if not spec.aliases else f"{spec.id} ({', '.join(spec.aliases)})"
    kind = f"{spec.phase.lower()} phase, {spec.family.lower()} family, {spec.range}"
    titles = [title] if width is None else _wrapped(title, width, "", "    ")
    lines = [
        *(_bold(row, colour) for row in titles),
        kind + (", on by default" if spec.default else ", off by default"),
        "",
    ]
    text = _plain(cleandoc(docstring)).splitlines()
    if width is not None and max(map(len, text), default=0) > width:
        text = _fitted(text, width)
    for line in text:
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
