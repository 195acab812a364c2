"""The fixture runner, for dockopt's own transforms and for plug-ins.

A case is a folder ``fixtures/<transform>/<case>`` with ``before.Dockerfile``, ``after.Dockerfile`` (left out
where nothing may change) and ``case.toml``::

    example = true              # shown in the documentation; one case of a transform
    unsafe = true               # apply unsafe proposals too
    select = ["id", …]          # run these; default: the transform the folder is named after
    refused = ["cause", …]      # the causes this transform must refuse with, exactly these
    waiting = 1                 # how many unsafe proposals must wait
    manual = 1                  # how many manual ones must be shown
    pipeline = false            # other transforms would rewrite it too: skip only the comparison below
    variants = false            # the case is about line endings or keyword case itself
    dockerfile = "docker/Dockerfile"    # where it stands in ``context/``; default: ``Dockerfile``

A folder ``context/`` in the case is the build context: it is copied to a place of its own for every run, where
a folder ``dot-git`` in it becomes ``.git``. Files beside the Dockerfile that shall be made or changed stand as
they must come out in ``files/``.

Each case is run alone and must give the exact text, say nothing new on its second run, keep every
comment, and prove; again with CRLF line ends, without the final newline, and with lower-case keywords;
and in the whole pipeline, safe and unsafe, which must settle, prove, and stay put on a second run.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from dockopt.engine.model import FileEdit, Outcome
from dockopt.engine.pipeline import Options, rewrite
from dockopt.engine.registry import registry
from dockopt.facts.outside import Outside
from dockopt.syntax.document import load
from dockopt.syntax.nodes import Instruction

_KEYS = {"example", "unsafe", "select", "refused", "waiting", "manual", "pipeline", "variants", "why", "dockerfile"}


class Case(NamedTuple):
    """One fixture."""

    folder: Path
    transform: str
    before: bytes
    after: bytes
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.transform}/{self.folder.name}"

    @property
    def options(self) -> Options:
        select = tuple(self.settings.get("select", (self.transform,)))
        return Options(unsafe=bool(self.settings.get("unsafe", False)), select=select)


def cases(root: Path) -> list[Case]:
    """The cases below ``root``, in order.

    :raises ValueError: for a case.toml with a key nobody reads.
    """
    found: list[Case] = []
    for path in sorted(root.glob("*/*/before.Dockerfile")):
        folder = path.parent
        if folder.parent.name == "projects":
            continue
        settings: dict[str, Any] = {}
        toml = folder / "case.toml"
        if toml.exists():
            settings = tomllib.loads(toml.read_text(encoding="utf-8"))
        unknown = set(settings) - _KEYS
        if unknown:
            raise ValueError(f"{toml}: unknown keys {sorted(unknown)}; allowed are {sorted(_KEYS)}")
        before = path.read_bytes()
        after_path = folder / "after.Dockerfile"
        after = after_path.read_bytes() if after_path.exists() else before
        found.append(Case(folder, folder.parent.name, before, after, settings))
    return found


def check(case: Case) -> list[str]:
    """Everything wrong with a case, one line each; empty when it holds."""
    return [f"{case.name}: {problem}" for problem in _problems(case)]


def run(case: Case, data: bytes, options: Options, files: tuple[FileEdit, ...] = ()) -> Outcome:
    """Rewrite ``data`` where the case's Dockerfile stands; paths in the outcome's files are relative to it.

    :param files: what an earlier run wrote there.
    """
    context = case.folder / "context"
    if not context.is_dir():
        return rewrite(data, options)
    with TemporaryDirectory() as place:
        root = Path(place).resolve() / "context"
        copytree(context, root, symlinks=True)
        if (root / "dot-git").exists():
            (root / "dot-git").rename(root / ".git")
        for edit in files:
            (root / edit.path).write_bytes(edit.after)
        path = root / case.settings.get("dockerfile", "Dockerfile")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        outcome = rewrite(data, options, Outside(str(path)))
        shown = tuple(edit._replace(path=Path(edit.path).relative_to(root).as_posix()) for edit in outcome.files)
        return outcome._replace(files=shown)


def _problems(case: Case) -> Iterator[str]:
    options = case.options
    outcome = run(case, case.before, options)
    yield from _alone(case, outcome)
    careful = run(case, case.before, options._replace(careful=True))
    if (careful.after, careful.files) != (outcome.after, outcome.files):
        yield "proving every proposal gives another result than proving the whole"
    yield from _second_run(case, outcome, options, "alone")
    if case.settings.get("variants", True):
        for name, variant in _variants(case):
            yield from _variant(case, name, variant, options)
    if case.settings.get("pipeline", True):
        for unsafe in (False, True):
            whole = run(case, case.before, Options(unsafe=unsafe))
            label = "in the whole pipeline" + (" with unsafe fixes" if unsafe else "")
            yield from _defects(whole, label)
            yield from _second_run(case, whole, Options(unsafe=unsafe), label)


def _alone(case: Case, outcome: Outcome) -> Iterator[str]:
    if outcome.error is not None:
        yield f"error: {outcome.error}"
    if outcome.after != case.after:
        yield f"expected\n{_show(case.after)}\ngot\n{_show(outcome.after)}"
    expected = {
        path.relative_to(case.folder / "files").as_posix(): path.read_bytes()
        for path in sorted((case.folder / "files").rglob("*"))
        if path.is_file()
    }
    written = {edit.path: edit.after for edit in outcome.files}
    for name in sorted(expected.keys() | written.keys()):
        if expected.get(name) != written.get(name):
            yield f"{name}: expected\n{_show(expected.get(name, b''))}\ngot\n{_show(written.get(name, b''))}"
    yield from _defects(outcome, "alone")
    own = [entry for entry in outcome.entries if entry.transform == case.transform]
    refused = sorted({entry.cause for entry in own if entry.kind == "refused"})
    if "refused" in case.settings and refused != sorted(set(case.settings["refused"])):
        yield f"expected refusals {sorted(set(case.settings['refused']))}, got {refused}"
    for kind in ("waiting", "manual"):
        if kind in case.settings:
            count = sum(entry.kind == kind for entry in own)
            if count != case.settings[kind]:
                yield f"expected {case.settings[kind]} {kind}, got {count}"


def _defects(outcome: Outcome, label: str) -> Iterator[str]:
    for entry in outcome.entries:
        if entry.kind == "defect":
            yield f"defect {label}: {entry.transform}: {entry.message}"


def _second_run(case: Case, outcome: Outcome, options: Options, label: str) -> Iterator[str]:
    again = run(case, outcome.after, options, outcome.files)
    if again.after != outcome.after:
        yield f"{label}, the second run changes\n{_show(outcome.after)}\nto\n{_show(again.after)}"
    for edit in again.files:
        yield f"{label}, the second run writes {edit.path}:\n{_show(edit.after)}"


def _variant(case: Case, name: str, variant: tuple[bytes, bytes], options: Options) -> Iterator[str]:
    before, after = variant
    outcome = run(case, before, options)
    yield from _defects(outcome, name)
    if outcome.after != after:
        yield f"{name}: expected\n{_show(after)}\ngot\n{_show(outcome.after)}"


def _variants(case: Case) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    if b"\r" not in case.before and case.before.endswith(b"\n"):
        yield "with CRLF", (_crlf(case.before), _crlf(case.after))
        if not case.before.rstrip(b"\n").endswith(b"\\"):
            yield "without final newline", (case.before.rstrip(b"\n"), case.after.rstrip(b"\n"))
    yield "with lower-case keywords", (_lower(case.before), _lower(case.after))


def _crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _lower(data: bytes) -> bytes:
    """The file with its keywords, and the AS of FROM, in lower case."""
    document = load(data)
    out: list[str] = [document.bom]
    for node in document.nodes:
        text = node.text
        if isinstance(node, Instruction):
            start = node.lines[0].content_start
            text = text[:start] + node.keyword.lower() + text[start + len(node.keyword) :]
            if node.name == "FROM":
                text = re.sub(r"(\s)AS(\s+\S+\s*)\Z", r"\1as\2", text)
            elif node.name == "ONBUILD":
                text = re.sub(r"\A(\s*onbuild\s+)(\w+)", lambda m: m[1] + m[2].lower(), text)
        out.append(text)
    return "".join(out).encode("utf-8", "surrogateescape")


def _show(data: bytes) -> str:
    return "\n".join("    | " + line for line in repr_lines(data))


def repr_lines(data: bytes) -> list[str]:
    """The lines of a file with carriage returns and a missing final newline made visible."""
    text = data.decode("utf-8", "backslashreplace").replace("\r", "␍")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += "⏎̸"
    return lines


def known_transform(name: str) -> bool:
    """Whether fixtures of that folder name belong to a registered transform."""
    return name in registry()
