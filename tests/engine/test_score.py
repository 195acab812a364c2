"""Each line of the checklist, passed and failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockopt.engine.score import ITEMS, Line, score
from dockopt.facts.outside import Outside


def line_of(text: str, id: str, outside: Outside | None = None) -> Line:
    result = score(text.encode(), outside)
    assert result.error is None
    return next(line for line in result.lines if line.id == id)


SINGLE = "FROM python:3.13\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
STAGES = "FROM golang:1.23 AS b\nCOPY . .\nRUN go build -o /x\nFROM scratch\nCOPY --from=b /x /x\n"


@pytest.mark.parametrize(
    ("id", "text", "status"),
    [
        ("multi-stage", SINGLE, "fail"),
        ("multi-stage", STAGES, "pass"),
        ("multi-stage", "FROM debian\nRUN apt-get update && apt-get install -y nginx\n", "none"),
        ("multi-stage", "FROM debian\nCOPY --from=busybox /bin/busybox /b\nCOPY . .\nRUN make\n", "fail"),
        ("manifests-first", SINGLE, "pass"),
        ("manifests-first", "FROM python:3.13\nCOPY . .\nRUN pip install -r requirements.txt\n", "fail"),
        ("manifests-first", "FROM node:20\nADD . /app\nRUN npm install\n", "fail"),
        ("manifests-first", "FROM node:20\nCOPY . /app\nRUN npm install -g serve\n", "none"),
        ("manifests-first", STAGES, "fail"),
        ("manifests-first", "FROM debian\nCOPY . /app\n", "none"),
        ("small-base", "FROM python:3.13\nRUN true\n", "fail"),
        ("small-base", "FROM eclipse-temurin:21-jdk\nRUN true\n", "fail"),
        ("small-base", "FROM python:3.13-slim\nRUN true\n", "pass"),
        ("small-base", STAGES, "pass"),
        ("small-base", "FROM acme/base:1\nRUN true\n", "unknown"),
        ("small-base", "ARG BASE\nFROM $BASE\nRUN true\n", "unknown"),
        ("non-root", "FROM debian:12\nUSER app\n", "pass"),
        ("non-root", "FROM debian:12\nUSER app\nUSER root\n", "fail"),
        ("non-root", "FROM debian:12\nRUN true\n", "fail"),
        ("non-root", "FROM debian:12\nUSER 0:0\n", "fail"),
        ("non-root", "FROM acme/base:1\nRUN true\n", "unknown"),
        ("non-root", "FROM debian:12\nARG U\nUSER $U\n", "unknown"),
        ("health", "FROM debian:12\nHEALTHCHECK CMD true\nCMD [\"x\"]\n", "pass"),
        ("health", "FROM debian:12\nCMD [\"x\"]\n", "fail"),
        ("health", "FROM debian:12\nHEALTHCHECK NONE\nCMD [\"x\"]\n", "none"),
        ("health", "FROM debian:12\nRUN true\n", "none"),
        ("dockerignore", "FROM debian:12\nRUN true\n", "none"),
        ("dockerignore", "FROM debian:12\nCOPY . .\n", "unknown"),
        ("combine-runs", "FROM debian:12\nRUN a\nRUN b\nCMD [\"x\"]\n", "fail"),
        ("combine-runs", "FROM debian:12\nRUN a\n", "none"),
        ("tags", "FROM debian\n", "fail"),
        ("tags", "FROM python:3.13 AS a\nRUN true\nFROM node:latest\n", "fail"),
        ("tags", "FROM debian:12 AS a\nFROM a\nFROM scratch\n", "pass"),
        ("tags", "FROM debian@sha256:" + "0" * 64 + "\n", "pass"),
        ("tags", "ARG T\nFROM $T\n", "unknown"),
        ("caches", SINGLE, "fail"),
        ("caches", "FROM python:3.13\nRUN pip install --no-cache-dir flask\n", "pass"),
        ("caches", "FROM python:3.13\nRUN true\n", "none"),
        ("buildkit", SINGLE, "fail"),
        ("buildkit", "# syntax=docker/dockerfile:1\n" + SINGLE, "pass"),
        ("buildkit", SINGLE.replace("RUN ", "RUN --mount=type=cache,target=/root/.cache/pip "), "pass"),
        ("buildkit", "FROM debian:12\nRUN true\n", "none"),
        ("exec-form", "FROM debian:12\nCMD [\"x\"]\n", "pass"),
        ("exec-form", "FROM debian:12\nENTRYPOINT [\"x\"]\nCMD x\n", "fail"),
        ("exec-form", "FROM debian:12\nCMD x\nCMD [\"x\"]\n", "pass"),
        ("exec-form", "FROM debian:12\nRUN true\n", "none"),
        ("labels", "FROM debian:12\nLABEL org.opencontainers.image.title=x\n", "pass"),
        ("labels", "FROM debian:12\nLABEL title=x\n", "fail"),
        ("scan", "FROM debian:12\n", "unknown"),
    ],
)  # fmt: skip
def test_a_line(id: str, text: str, status: str) -> None:
    line = line_of(text, id)
    assert line.status == status, line
    assert line.evidence
    assert bool(line.fix) == (status not in ("pass", "none"))


def test_points_are_a_share_of_those_that_apply() -> None:
    assert sum(item.points for item in ITEMS) == 100
    assert len(ITEMS) == 13  # the lines of the checklist
    result = score(b"FROM debian:12-slim\nUSER app\n")
    applying = {line.id: line for line in result.lines if line.possible}
    assert set(applying) == {"small-base", "non-root", "tags", "labels", "scan"}
    assert result.points == round(100 * (10 + 12 + 10) / (10 + 12 + 10 + 4 + 4))


def test_the_context_decides_on_ignore_file_and_scanner(tmp_path: Path) -> None:
    text = "FROM debian:12\nCOPY src /src\n"
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("")
    outside = Outside(str(tmp_path / "Dockerfile"))
    assert line_of(text, "dockerignore", outside).status == "fail"
    assert line_of(text, "dockerignore", outside).fix == "dockopt fix --unsafe-fixes: dockerignore"
    assert line_of(text, "scan", outside).status == "fail"
    (tmp_path / ".dockerignore").write_text("*.md\n")
    assert line_of(text, "dockerignore", outside).status == "part"
    (tmp_path / ".dockerignore").write_text(".git\n")
    assert line_of(text, "dockerignore", outside).status == "pass"
    (tmp_path / ".gitlab-ci.yml").write_text("# trivy some day\nscan:\n  script: trivy image app\n")
    scan = line_of(text, "scan", outside)
    assert (scan.status, scan.evidence) == ("pass", ".gitlab-ci.yml:3: trivy")


def test_a_file_that_cannot_be_built_has_no_score() -> None:
    result = score(b"FROM debian\nNONSENSE\n")
    assert result.error is not None and result.error_line == 2
