"""Reports from results made by hand: every kind of entry, every count."""

from __future__ import annotations

import json

from dockopt.engine.model import Effects, Entry
from dockopt.report import json as json_report
from dockopt.report import text
from dockopt.report.summary import Summary, summarise
from dockopt.workspace.run import Result

APPLIED = Entry("applied", "merge-runs", 7, 9, "merge the RUNs", evidence=("line 7: x",), effects=Effects(layers=-1))
WAITING = Entry("waiting", "npm-ci", 2, 2, "call npm ci", "unsafe")
MANUAL = Entry("manual", "pin-base", 1, 1, "pin the base", "manual")
REFUSED = Entry("refused", "merge-runs", 5, 6, "cd would leak", cause="shell-state-leaks")
DEFECT = Entry("defect", "key-value-form", 3, 3, "a comment went missing", cause="comment")

RESULTS = (
    Result("a/Dockerfile", True, (APPLIED, APPLIED._replace(start_line=8), WAITING, REFUSED), b"--- a\xff\n"),
    Result("b/Dockerfile", True, (APPLIED, DEFECT, MANUAL)),
    Result("c/Dockerfile", error="is empty", error_line=0),
    Result("d/Dockerfile", error="unknown instruction", error_line=4),
)


def test_summary() -> None:
    assert summarise(RESULTS, 1) == Summary(4, 2, 3, 3, 1, 1, 1, 1, {"merge-runs": (3, 2)})


def test_findings_by_file_and_line() -> None:
    assert list(text.findings(RESULTS, refusals=True)) == [
        "a/Dockerfile:2: npm-ci: call npm ci [unsafe]",
        "a/Dockerfile:5: merge-runs: refused (shell-state-leaks): cd would leak",
        "a/Dockerfile:7: merge-runs: merge the RUNs [safe]",
        "a/Dockerfile:8: merge-runs: merge the RUNs [safe]",
        "b/Dockerfile:1: pin-base: pin the base [manual]",
        "b/Dockerfile:3: key-value-form: defect of dockopt, please report it: a comment went missing",
        "b/Dockerfile:7: merge-runs: merge the RUNs [safe]",
    ]
    without = list(text.findings(RESULTS, refusals=False))
    assert len(without) == 6 and not any("refused" in line for line in without)
    assert list(text.defects(RESULTS)) == [
        "b/Dockerfile:3: key-value-form: defect of dockopt, please report it: a comment went missing"
    ]


def test_lines() -> None:
    assert text.fixed(RESULTS[0], "fixed") == "fixed a/Dockerfile: merge-runs (2)"
    assert text.problem(RESULTS[2]) == "dockopt: c/Dockerfile: is empty"
    assert text.problem(RESULTS[3]) == "dockopt: d/Dockerfile:4: unknown instruction"


def test_closing() -> None:
    summary = summarise(RESULTS)
    assert text.closing(summary, verb="fixed", verbose=False) == (
        "4 files, 2 fixed with 3 changes; 1 more with --unsafe-fixes; 1 to do by hand; "
        "1 refused (--verbose tells why); 1 defect rolled back; 2 errors"
    )
    assert text.closing_check(summary, verbose=True) == (
        "4 files, 5 findings; 3 for dockopt fix; 1 more with --unsafe-fixes; 1 to do by hand; 1 refused; "
        "1 defect rolled back; 2 errors"
    )
    assert text.by_transform(summary) == ["  merge-runs       3 in 2 files"]
    assert text.by_transform(summarise(())) == []


def test_json_is_as_documented() -> None:
    report = json.loads(
        json_report.report("fix", RESULTS, summarise(RESULTS, 1), ("dockopt.toml: x",), written=True, diff=True)
    )
    assert report["errors"] == ["dockopt.toml: x"]
    assert report["summary"] == {
        "files": 4, "changed": 2, "errors": 3, "applied": 3, "waiting": 1, "manual": 1, "refused": 1, "defects": 1,
        "transforms": {"merge-runs": {"changes": 3, "files": 2}},
    }  # fmt: skip
    first, second, third, fourth = report["files"]
    assert list(first) == ["path", "changed", "written", "error", "entries", "files", "diff"]
    assert first["written"] is True
    assert first["diff"] == "--- a\udcff\n"
    assert first["entries"][0] == {
        "kind": "applied",
        "transform": "merge-runs",
        "start_line": 7,
        "end_line": 9,
        "message": "merge the RUNs",
        "safety": "safe",
        "cause": "",
        "evidence": ["line 7: x"],
        "effects": {
            "files_removed": [], "files_added": [], "files_owned": [], "config": [],
            "packages_added": [], "packages_removed": [], "commands_removed": [], "layers": -1,
        },
    }  # fmt: skip
    assert [entry["kind"] for entry in second["entries"]] == ["applied", "defect", "manual"]
    assert third["written"] is False
    assert fourth["error"] == {"message": "unknown instruction", "line": 4}
