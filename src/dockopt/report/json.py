"""The report a program reads.

Version 1, which only ever gains keys::

    {
      "version": 1,
      "dockopt": "0.1.0",
      "command": "fix",                     # or "check"
      "files": [
        {
          "path": "api/Dockerfile",         # as found; "-" for standard input
          "changed": true,                  # its text, or one of "files", differs
          "written": false,                 # and was written
          "error": null,                    # or {"message": "…", "line": 3}; line 0: none
          "entries": [
            {
              "kind": "applied",            # applied | waiting | manual | refused | defect
              "transform": "merge-runs",
              "start_line": 3,              # in the original, 1-based
              "end_line": 5,                # inclusive
              "message": "…",
              "safety": "safe",             # safe | unsafe | manual
              "cause": "",                  # why refused, or what the proof missed
              "evidence": ["line 3: …"],
              "effects": {
                "files_removed": [], "files_added": [], "files_owned": [], "config": [],
                "packages_added": [], "packages_removed": [], "commands_removed": [], "layers": -1
              }
            }
          ],
          "files": [                        # other files that change with it
            {"path": "api/.dockerignore", "created": true, "diff": "--- /dev/null…"}
          ],
          "diff": "--- a/…",                # with --diff
          "output": "FROM …"                # for standard input of "fix" without --diff and --check
        }
      ],
      "errors": ["dockopt.toml: …"],        # those that belong to no file
      "warnings": ["ghcr.io timed out"],    # registries that could not be asked, with --online; a comment
                                            # "# dockopt: ignore[…]" that names no transform: "Dockerfile:3: …"
      "summary": {
        "files": 1, "changed": 1, "errors": 0,
        "applied": 1, "waiting": 0, "manual": 0, "refused": 0, "defects": 0,
        "transforms": {"merge-runs": {"changes": 1, "files": 1}}
      }
    }

Bytes that are no UTF-8 appear as lone surrogates ``\\udc80`` to ``\\udcff`` (Python's ``surrogateescape``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dockopt import __version__

if TYPE_CHECKING:
    from dockopt.engine.model import Entry
    from dockopt.engine.registry import Spec
    from dockopt.report.summary import Summary
    from dockopt.workspace.run import Result

VERSION = 1


def report(
    command: str,
    results: Sequence[Result],
    summary: Summary,
    errors: Sequence[str] = (),
    *,
    written: bool = False,
    diff: bool = False,
) -> str:
    """The whole report, one line ended by a newline.

    :param written: whether changed files were replaced.
    :param diff: whether to include each file's diff.
    """
    return _dump(
        {
            "version": VERSION,
            "dockopt": __version__,
            "command": command,
            "files": [_file(result, written, diff) for result in results],
            "errors": list(errors),
            "warnings": [
                *dict.fromkeys(line for result in results for line in result.warnings),
                *(f"{result.path}:{line}: {text}" for result in results for line, text in result.remarks),
            ],
            "summary": {
                **{key: value for key, value in summary._asdict().items() if key != "transforms"},
                "transforms": {
                    name: {"changes": changes, "files": files}
                    for name, (changes, files) in sorted(summary.transforms.items())
                },
            },
        }
    )


def rules(specs: Iterable[Spec]) -> str:
    """All transforms: ``{"version": 1, "rules": [{"id", "aliases", "phase", "family", "safety", "default",
    "summary"}]}``."""
    keys = ("id", "aliases", "phase", "family", "safety", "default", "summary")
    return _dump({"version": VERSION, "rules": [{key: getattr(spec, key) for key in keys} for spec in specs]})


def _file(result: Result, written: bool, diff: bool) -> dict[str, Any]:
    file: dict[str, Any] = {
        "path": result.path,
        "changed": result.changed,
        "written": written and result.changed and result.path != "-",
        "error": None if result.error is None else {"message": result.error, "line": result.error_line},
        "entries": [_entry(entry) for entry in result.entries],
        "files": [
            {"path": change.path, "created": change.created, **({"diff": _text(change.diff)} if diff else {})}
            for change in result.files
        ],
    }
    if diff:
        file["diff"] = _text(result.diff)
    elif result.output:
        file["output"] = _text(result.output)
    return file


def _entry(entry: Entry) -> dict[str, Any]:
    return {**entry._asdict(), "effects": entry.effects._asdict()}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _dump(value: Any) -> str:
    # ASCII only, so that lone surrogates survive every reader's decoding.
    return json.dumps(value, separators=(",", ":")) + "\n"
