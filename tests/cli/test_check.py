"""``dockopt check``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.support import AFTER, BEFORE, SELECT, Run

FINDINGS = [
    "Dockerfile:2: replace-maintainer: replace MAINTAINER by the label org.opencontainers.image.authors [safe]",
    "Dockerfile:3: pip-no-cache-dir: add --no-cache-dir to pip [safe]",
    "Dockerfile:5: drop-sudo: drop sudo: the user is root already; the command then sees the base image's own "
    "variables [unsafe]",
]


def test_lists_findings_and_changes_nothing(dockopt: Run, file: Path) -> None:
    done = dockopt("check", SELECT)
    assert done.code == 1
    assert done.out.decode().splitlines() == FINDINGS
    assert done.err == (
        "1 file, 3 findings; 2 for dockopt fix; 1 more with --unsafe-fixes; 1 refused (--verbose tells why)\n"
    )
    assert file.read_bytes() == BEFORE


def test_verbose_adds_refusals_in_their_place(dockopt: Run, file: Path) -> None:
    lines = dockopt("check", "--verbose", SELECT).out.decode().splitlines()
    assert [*lines[:2], lines[3]] == FINDINGS
    assert lines[2] == (
        "Dockerfile:4: pip-no-cache-dir: refused (cache-mount): "
        "the RUN has a cache mount, which keeps the cache out of the image"
    )


def test_unsafe_findings_alone_count(dockopt: Run, file: Path) -> None:
    file.write_bytes(AFTER)
    assert dockopt("check", SELECT).code == 1


def test_no_findings(dockopt: Run, file: Path) -> None:
    file.write_bytes(AFTER)
    done = dockopt("check", "--select", "DL4000")
    assert (done.code, done.out, done.err) == (0, b"", "1 file, 0 findings\n")


def test_quiet_leaves_what_was_asked_for(dockopt: Run, file: Path) -> None:
    done = dockopt("check", "--quiet", SELECT)
    assert (done.code, done.err) == (1, "")
    assert done.out.decode().splitlines() == FINDINGS


def test_standard_input(dockopt: Run) -> None:
    done = dockopt("check", SELECT, "-", stdin=BEFORE)
    assert done.code == 1
    assert done.out.startswith(b"-:2: replace-maintainer: ")


def test_json(dockopt: Run, file: Path) -> None:
    done = dockopt("check", SELECT, "--output-format", "json", "--output", "report.json")
    assert (done.code, done.out, done.err) == (1, b"", "")
    report = json.loads((dockopt.folder / "report.json").read_bytes())
    assert report["command"] == "check"
    (entry,) = report["files"]
    assert entry["written"] is False
    assert [item["kind"] for item in entry["entries"]] == ["applied", "applied", "refused", "waiting"]
    assert file.read_bytes() == BEFORE
