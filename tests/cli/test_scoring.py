"""``dockopt score``."""

from __future__ import annotations

import json

import pytest

from tests.cli.support import Run

GOOD = b'FROM debian:12-slim\nLABEL org.opencontainers.image.title=x\nUSER app\nHEALTHCHECK CMD ["x"]\nCMD ["x"]\n'
POOR = b"FROM python\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python app.py\n"


@pytest.fixture
def two(dockopt: Run) -> Run:
    for name, text in (("good", GOOD), ("poor", POOR)):
        (dockopt.folder / name).mkdir()
        (dockopt.folder / name / "Dockerfile").write_bytes(text)
    (dockopt.folder / "poor" / "requirements.txt").write_text("flask\n")
    (dockopt.folder / "poor" / "app.py").write_text("")
    return dockopt


def test_a_table_for_each_file(two: Run) -> None:
    done = two("score", ".")
    assert done.code == 0
    text = done.out.decode()
    assert "poor/Dockerfile: " in text and "good/Dockerfile: " in text
    assert "line 1: python is whatever is newest" in text
    assert "→ dockopt fix --unsafe-fixes: dockerignore" in text
    assert text.count("Scan for vulnerabilities") == 2
    assert (two.folder / "poor" / "Dockerfile").read_bytes() == POOR


def test_json(two: Run) -> None:
    done = two("score", "poor", "--output-format", "json")
    assert done.code == 0
    report = json.loads(done.out)
    assert (report["version"], report["command"], report["errors"]) == (1, "score", [])
    (file,) = report["files"]
    assert report["lowest"] == file["score"] < 30
    line = next(line for line in file["lines"] if line["id"] == "dockerignore")
    assert line == {
        "id": "dockerignore",
        "title": "Use .dockerignore",
        "points": 0,
        "possible": 6,
        "status": "fail",
        "evidence": "the build context has no .dockerignore",
        "transforms": ["dockerignore"],
        "fix": "dockopt fix --unsafe-fixes: dockerignore",
    }


def test_fail_under(two: Run) -> None:
    done = two("score", ".", "--fail-under", "50")
    assert done.code == 1
    assert "poor/Dockerfile: " in done.err and "is below 50" in done.err
    assert "good/Dockerfile" not in done.err
    assert two("score", "good", "--fail-under=50").code == 0


@pytest.mark.parametrize("value", ["101", "x", "-1", "1.5"])
def test_fail_under_takes_a_number_up_to_100(two: Run, value: str) -> None:
    done = two("score", f"--fail-under={value}", "good")
    assert done.code == 2
    assert done.err.count("\n") == 1 and "--fail-under" in done.err


def test_errors_are_told_and_the_others_judged(two: Run) -> None:
    (two.folder / "bad.Dockerfile").write_bytes(b"FROM a\nNONSENSE\n")
    done = two("score", ".", "missing")
    assert done.code == 2
    assert "bad.Dockerfile:2: " in done.err and "missing: does not exist" in done.err
    assert b"good/Dockerfile: " in done.out


def test_standard_input_and_a_file_for_the_report(two: Run) -> None:
    done = two("score", "-", "--output=report.txt", stdin=GOOD)
    assert (done.code, done.out) == (0, b"")
    assert "-: " in (two.folder / "report.txt").read_text()


def test_no_files(dockopt: Run) -> None:
    done = dockopt("score")
    assert done.code == 0
    assert "no Dockerfiles found" in done.err
