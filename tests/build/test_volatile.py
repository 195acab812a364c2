"""The documented lists are the lists that are used."""

from pathlib import Path

import pytest

from dockopt.build.volatile import CONTENT, NAMES, NORMALISED, content_varies, names_vary, normalised, wanted

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rows", [NAMES, CONTENT, NORMALISED], ids=["names", "content", "normalised"])
def test_every_line_is_documented(rows: tuple[tuple[str, str], ...]) -> None:
    missing = [pattern for pattern, why in rows if f"| `{pattern}` | {why} |" not in PAGE]
    assert missing == []


def test_nothing_else_is_documented() -> None:
    known = {pattern for rows in (NAMES, CONTENT, NORMALISED) for pattern, _ in rows}
    tables = PAGE.split("## What differs anyway")[1].split("## How it is tested")[0]
    shown = [line.split("`")[1] for line in tables.splitlines() if line.startswith("| `")]
    assert sorted(shown) == sorted(known)


def test_what_the_lists_cover() -> None:
    assert names_vary("/root/.npm/_logs/2026-01-01T00_00_00.log") and names_vary("/root/.npm/_logs")
    assert not names_vary("/root/.npm/_cacache/content-v2/sha512/aa")
    assert content_varies("/var/log/apt/history.log") and not content_varies("/var/log/app.log")
    assert content_varies("/var/lib/apt/lists/x_InRelease") and not content_varies("/etc/apt/sources.list")
    assert normalised("/a/b.pyc") and normalised("/etc/shadow") and not normalised("/etc/passwd")
    assert wanted("/var/lib/dpkg/status") and wanted("/app/node_modules/@a/b/package.json")
    assert not wanted("/app/package.json") and not wanted("/app/node_modules/.package-lock.json")
