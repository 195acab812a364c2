"""What comes of one file while others are at work beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockopt.engine.pipeline import Options
from dockopt.workspace import run

OPTIONS = Options(unsafe=True, select=("dockerignore", "replace-maintainer"))


@pytest.fixture
def job(tmp_path: Path) -> run.Job:
    (tmp_path / ".git").mkdir()
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nMAINTAINER Ann\nCOPY . /app\n")
    return run.Job(str(tmp_path / "Dockerfile"), OPTIONS)


class Others:
    """Rewrites as the engine does, and changes the ignore file before anything is written: so many times."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times, self.asked = folder, times, 0
        self.rewrite = run.rewrite

    def __call__(self, *arguments: object) -> object:
        outcome = self.rewrite(*arguments)  # type: ignore[arg-type]
        self.asked += 1
        if self.asked <= self.times:
            (self.folder / ".dockerignore").write_text(f"# {self.asked}\nelsewhere\n")
        return outcome


@pytest.mark.parametrize("times", [1, 3])
def test_a_file_that_others_write_too_is_looked_at_anew(
    job: run.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    others = Others(tmp_path, times)
    monkeypatch.setattr(run, "rewrite", others)
    result = run.handle(job, run.Task(write=True))
    assert result.error is None and result.changed
    assert others.asked == times + 1
    assert "LABEL" in (tmp_path / "Dockerfile").read_text()
    ignore = (tmp_path / ".dockerignore").read_text()
    assert ignore.startswith(f"# {times}\nelsewhere\n")
    assert not run.handle(job, run.Task(write=True)).changed and (tmp_path / ".dockerignore").read_text() == ignore


def test_one_that_never_stays_as_it_is_is_told(job: run.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (tmp_path / "Dockerfile").read_text()
    monkeypatch.setattr(run, "rewrite", Others(tmp_path, 100))
    result = run.handle(job, run.Task(write=True))
    assert result.error == "was left alone: its .dockerignore changed on disk while it was being fixed; run again"
    assert (tmp_path / "Dockerfile").read_text() == before
