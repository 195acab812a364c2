"""``dockopt explain`` and ``dockopt rules``."""

from __future__ import annotations

import json

import pytest

from dockopt.engine.registry import registry
from tests.cli.support import Run


@pytest.mark.parametrize("name", ["replace-maintainer", "DL4000", "maintainerdeprecated"])
def test_explain(dockopt: Run, name: str) -> None:
    done = dockopt("explain", name)
    assert (done.code, done.err) == (0, "")
    lines = done.out.decode().splitlines()
    assert lines[0] == "replace-maintainer (DL4000, MaintainerDeprecated)"
    headings = [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["What", "Why", "Safety", "Refuses", "References", "Example"]
    assert any(line.startswith("    -MAINTAINER ") for line in lines)
    assert any(line.startswith("    +LABEL ") for line in lines)
    assert "``" not in done.out.decode()


def test_explain_a_family(dockopt: Run) -> None:
    done = dockopt("explain", "packages")
    assert done.code == 0
    assert "\npip-no-cache-dir (DL3042)\n" in done.out.decode()
    assert "\nassume-yes (" in done.out.decode()


def test_explain_colour(dockopt: Run) -> None:
    assert b"\x1b[1mWhy\x1b[m:\n" in dockopt("explain", "DL4000", env={"FORCE_COLOR": "1"}).out


def test_explain_unknown(dockopt: Run) -> None:
    done = dockopt("explain", "DL4001x")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("dockopt: unknown transform 'DL4001x'; did you mean ")


def test_rules(dockopt: Run) -> None:
    done = dockopt("rules")
    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.decode().splitlines()
    assert heading.split() == ["ID", "PHASE", "FAMILY", "SAFETY", "DEFAULT", "ALIASES", "SUMMARY"]
    assert [row.split()[0] for row in rows] == [spec.id for spec in registry().specs]
    row = next(row for row in rows if row.startswith("replace-maintainer "))
    assert row.split()[1:7] == ["repair", "repair", "safe", "on", "DL4000,", "MaintainerDeprecated"]


def test_rules_as_json(dockopt: Run) -> None:
    report = json.loads(dockopt("rules", "--output-format", "json").out)
    assert report["version"] == 1
    assert [rule["id"] for rule in report["rules"]] == [spec.id for spec in registry().specs]
    rule = next(rule for rule in report["rules"] if rule["id"] == "replace-maintainer")
    assert rule == {
        "id": "replace-maintainer",
        "aliases": ["DL4000", "MaintainerDeprecated"],
        "phase": "REPAIR",
        "family": "REPAIR",
        "safety": "safe",
        "default": True,
        "summary": "Replace MAINTAINER by the OCI label for authors.",
    }
