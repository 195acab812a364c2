"""What is gained: numbers, table, Markdown, JSON, the page; scanners by what they print."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dockopt.build import scan as scanning
from dockopt.build.engine import BuildSettings, Engine
from dockopt.build.measure import Measured, Measurer, Numbers, Step
from dockopt.build.scan import Scan, ScanFailed, scan
from dockopt.build.verify import Target
from dockopt.engine.model import Outcome
from dockopt.report import measure as report
from dockopt.report.units import change, duration, size
from tests.build.fixtures import leftovers

COUNTS = {"critical": 1, "high": 2, "medium": 0, "low": 4, "unknown": 0}
BASE = Step("(base image)", 80_000_000, 30_000_000, True)
BEFORE = Numbers(
    200_000_000, 80_000_000, 4, 90, 30.0, 0.5, 12.0, Scan("trivy", COUNTS),
    (BASE, Step("RUN <b>apt</b> & more", 120_000_000, 50_000_000, False)), ("COPY . .", "RUN make"),
)  # fmt: skip
AFTER = Numbers(
    100_000_000, 40_000_000, 3, 45, 33.0, 0.4, 1.2, Scan("trivy", {**COUNTS, "high": 0}),
    (BASE, Step("RUN apt", 20_000_000, 10_000_000, False)), ("COPY . .",),
)  # fmt: skip
BOTH = Measured(BEFORE, AFTER, "app.py", ("a note",))
ALONE = Measured(BEFORE._replace(rebuild=None, scan=None), None)


def test_table() -> None:
    lines = report.text("api/Dockerfile", BOTH).splitlines()
    assert lines[0] == "api/Dockerfile"
    assert lines[1].split() == ["before", "after"]
    found = {re.split(r"\s{2,}", line.strip())[0]: re.split(r"\s{2,}", line.strip())[1:] for line in lines[2:-1]}
    assert found["image size"] == ["200.0 MB", "100.0 MB", "-50 %", "█" * 12 + "░" * 12]
    assert found["cold build"] == ["30 s", "33 s", "+10 %", "█" * 24 + "+"]
    assert found["rebuild, app.py changed"][:3] == ["12 s", "1.2 s", "-90 %"]
    assert found["steps carried out again"] == ["2", "1", "-50 %", "█" * 12 + "░" * 12]
    assert found["high vulnerabilities"] == ["2", "0", "-100 %", "░" * 24]
    assert found["medium vulnerabilities"] == ["0", "0"]
    assert lines[-1] == "  a note"


def test_file_that_stays_has_one_side() -> None:
    lines = report.text("Dockerfile", ALONE).splitlines()
    assert lines[0] == "Dockerfile: nothing to rewrite"
    assert not any("%" in line or "rebuild" in line or "vulnerab" in line for line in lines)


def test_markdown() -> None:
    text = report.markdown([("a|b", BOTH), ("c", ALONE)])
    assert "| image size | 200.0 MB | 100.0 MB | -50 % |" in text
    assert text.count("### ") == 2 and "a note." in text


def test_json() -> None:
    value = json.loads(report.report([("a", BOTH), ("b", ALONE)], [("c", "does not build")]))
    first, second = value["files"]
    assert first["before"]["size"] == 200_000_000 and first["after"]["scan"]["counts"]["high"] == 0
    assert first["after"]["steps"][1] == {
        "instruction": "RUN apt", "size": 20_000_000, "compressed": 10_000_000, "shared": False,
    }  # fmt: skip
    assert second["after"] is None and second["before"]["rebuild"] is None
    assert value["errors"] == [{"path": "c", "message": "does not build"}]


class Page(HTMLParser):
    """Checks that tags close in order, and collects widths and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.widths: list[float] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        style = dict(attributes).get("style") or ""
        if style.startswith("width: "):
            self.widths.append(float(style[7:-1]))
        assert tag != "script" and not any(name in ("src", "href") for name, _ in attributes)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_whole_and_shows_each_layer() -> None:
    page = Page()
    page.feed(report.html([("api/Dockerfile", BOTH), ("b", ALONE)], "2026-01-02"))
    assert page.open == []
    assert "RUN <b>apt</b> & more" in page.text  # as text, not as markup
    assert "2026-01-02" in page.text and "Nothing to rewrite" in page.text
    assert all(0 <= width <= 100 for width in page.widths)
    chart = page.widths[-6:-2]
    assert chart == [pytest.approx(width, abs=0.01) for width in (53.33, 80, 53.33, 13.33)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_951, "1.0 MB"), (123_456_789_012, "123.5 GB")],
)  # fmt: skip
def test_size(value: int, shown: str) -> None:
    assert size(value) == shown


def test_duration_and_change() -> None:
    assert [duration(value) for value in (0.44, 9.94, 12.4, 59.4, 60, 185)] == [
        "0.4 s", "9.9 s", "12 s", "59 s", "1 min 00 s", "3 min 05 s",
    ]  # fmt: skip
    assert (change(200, 100), change(100, 110), change(0, 5)) == ("-50 %", "+10 %", "")


TRIVY = {"Results": [
    {"Vulnerabilities": [
        {"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": "HIGH"},
        {"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": "HIGH"},
        {"VulnerabilityID": "CVE-1", "PkgName": "b", "Severity": "CRITICAL"},
    ]},
    {"Target": "nothing"},
]}  # fmt: skip
GRYPE = {"matches": [
    {"vulnerability": {"id": "CVE-1", "severity": "Negligible"}, "artifact": {"name": "a"}},
    {"vulnerability": {"id": "CVE-2", "severity": "Medium"}, "artifact": {"name": "a"}},
]}  # fmt: skip
SCOUT = {"runs": [{
    "tool": {"driver": {"rules": [{"id": "CVE-1", "properties": {"cvssV3_severity": "HIGH", "purls": ["pkg:a"]}}]}},
    "results": [{"ruleId": "CVE-1"}, {"ruleId": "CVE-2"}],
}]}  # fmt: skip


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, output: str, code: int = 0) -> None:
    (folder / "output").write_text(output)
    script = folder / name
    script.write_text(f'#!/bin/sh\ncat "{folder}/output"\necho "it says why" >&2\nexit {code}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("program", "name", "output", "counts"),
    [
        ("trivy", "trivy", TRIVY, {"critical": 1, "high": 1}),
        ("grype", "grype", GRYPE, {"low": 1, "medium": 1}),
        ("docker", "docker scout", SCOUT, {"high": 1, "unknown": 1}),
    ],
)
def test_scanners(
    program: str, name: str, output: object, counts: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, program, json.dumps(output))
    assert scanning.scanner() == name
    assert scan(name, "image") == Scan(name, {**dict.fromkeys(scanning.SEVERITIES, 0), **counts})


@pytest.mark.parametrize(
    ("output", "code", "says"), [("", 3, "it says why"), ("no JSON", 0, "no report"), ("{}", 0, "no report")]
)
def test_scanner_that_fails(output: str, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "grype", output, code)
    with pytest.raises(ScanFailed, match=says):
        scan("grype", "image")


@pytest.mark.engine
def test_real_build(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "requirements.txt").write_text("\n")
    (tmp_path / ".dockerignore").write_text("ignored\n")
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored" / "newest.py").write_text("x")
    before = b"FROM debian:trixie-slim\nRUN head -c 3000000 /dev/urandom >/big\nCOPY . /app\nRUN sleep 4\nRUN rm /big\n"
    after = b"FROM debian:trixie-slim\nRUN sleep 4\nCOPY . /app\n"
    target = Target(str(tmp_path), BuildSettings(network="host"), None)
    there = leftovers(engine)
    found = Measurer(engine).measure(str(tmp_path / "Dockerfile"), before, Outcome(before, after), target)
    assert found.after is not None
    assert found.touched == "app.py"
    assert found.before.size - found.after.size == pytest.approx(3_000_000, abs=5000)
    assert found.before.compressed - found.after.compressed > 2_900_000
    assert (found.before.layers, found.after.layers) == (5, 3)
    assert found.before.packages == found.after.packages > 50
    assert found.before.cold > 4 and found.before.warm < found.before.cold
    assert found.before.rebuild is not None and found.after.rebuild is not None
    assert found.before.rebuild > 4 > found.after.rebuild  # the slow step is above the source now
    assert found.before.reran == ("COPY . /app", "RUN sleep 4", "RUN rm /big")
    assert found.after.reran == ("COPY . /app",)
    assert [step.shared for step in found.before.steps] == [True, False, False, False, False]
    assert found.before.steps[2].instruction == "COPY . /app"
    assert found.after.steps[1].instruction == "RUN sleep 4"
    assert (tmp_path / "app.py").read_text() == "print(1)\n"
    assert leftovers(engine) == there
