"""The proof of files that a change writes beside the Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockopt.engine.files import prove_files
from dockopt.engine.model import FileEdit
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.syntax.document import load


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("")
    (tmp_path / "lib.py").write_text("")
    (tmp_path / "notes.md").write_text("")
    text = b"FROM scratch\nCOPY src /src\nCOPY *.py /\nRUN --mount=type=bind,source=notes.md,target=/n cat /n\n"
    return Facts(load(text), Outside(str(tmp_path / "Dockerfile")))


def _prove(facts: Facts, tmp_path: Path, text: bytes, before: bytes | None = None) -> str | None:
    return prove_files(facts, [FileEdit(str(tmp_path / ".dockerignore"), before, text)])


def test_what_nobody_names_may_be_hidden(facts: Facts, tmp_path: Path) -> None:
    assert _prove(facts, tmp_path, b".git\n**/__pycache__\n*.log\n") is None


@pytest.mark.parametrize("rule", [b"src\n", b"s*\n", b"**/*.py\n", b"lib.py\n", b"notes.md\n", b"*\n"])
def test_what_the_dockerfile_reads_may_not(facts: Facts, tmp_path: Path, rule: bytes) -> None:
    missed = _prove(facts, tmp_path, rule)
    assert missed is not None and "would be hidden" in missed


def test_a_pattern_docker_refuses(facts: Facts, tmp_path: Path) -> None:
    missed = _prove(facts, tmp_path, b"[\n")
    assert missed is not None and "Docker would refuse" in missed


def test_lines_that_were_there_stay(facts: Facts, tmp_path: Path) -> None:
    assert _prove(facts, tmp_path, b".git\n*.log\n", b".git\n") is None
    missed = _prove(facts, tmp_path, b"*.log\n", b".git\n")
    assert missed is not None and "lose lines" in missed


def test_no_other_file_is_written(facts: Facts, tmp_path: Path) -> None:
    missed = prove_files(facts, [FileEdit(str(tmp_path / "src" / "app.py"), b"", b"x")])
    assert missed is not None and "no file dockopt writes" in missed


def test_without_a_context_nothing_is_proven(tmp_path: Path) -> None:
    missed = _prove(Facts(load(b"FROM scratch\nCOPY src /src\n")), tmp_path, b".git\n")
    assert missed is not None and "not known" in missed
