"""merge-runs, tried with a real shell: RUN scripts one by one and merged must do the same.

Sequences are put together at random (from a fixed seed) from commands that change directory, variables, options
and control flow; each RUN gets a ``/bin/sh -c`` of its own, as the builder gives it one.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from dockopt.api import Document, Options, load, rewrite

COMMANDS = [
    'echo "$A-$B-$PWD" >> "$ROOT/log"',
    'echo "$# $*" >> "$ROOT/log"',
    "touch a",
    "touch b",
    "rm -f b",
    "mkdir -p d",
    "cd d",
    'cd "$ROOT"',
    "false",
    "true",
    "A=1",
    "export A=2",
    "unset A",
    "umask 077",
    "test -f a",
    "! test -f b",
    "exit 0",
    "exit 1",
    "set -e",
    "set -f",
    'echo * >> "$ROOT/log"',
    "set -- one two",
    "f() { touch f; }",
    "(cd d && touch e)",
    "{ A=9; touch q; }",
    "for A in 1 2; do touch l$A; done",
    "for x in 1 2; do false; touch m$x; done",
    "if test -f a; then A=if; fi",
    "case $A in 1) touch c1;; *) B=c;; esac",
    ": ${A:=default}",
    "eval 'A=eval'",
    "trap 'touch trapped' EXIT",
    "(set -e; false; touch sub)",
    "{ false; touch br; }",
    "false || A=5",
    "touch $(echo x$A)",
    "true || touch or",
]
OPERATORS = [" && "] * 5 + [" || ", "; ", "; "]


def _script(choice: random.Random) -> str:
    text = choice.choice(COMMANDS)
    for _ in range(choice.choice([0, 0, 0, 1, 1, 2])):
        text += choice.choice(OPERATORS) + choice.choice(COMMANDS)
    return text


def _outcome(document: Document, folder: Path) -> list[tuple[str, int, bytes]] | None:
    """The files the scripts leave, None where one of them fails (which stops a build)."""
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "LANG": "C", "ROOT": str(folder)}
    for node in document.instructions[1:]:
        run = subprocess.run(
            ["/bin/sh", "-c", node.rest], cwd=folder, env=environment, capture_output=True, check=False
        )
        if run.returncode:
            return None
    found = []
    for path in sorted(folder.rglob("*")):
        text = path.read_bytes().replace(str(folder).encode(), b"ROOT") if path.is_file() else b""
        found.append((str(path.relative_to(folder)), path.stat().st_mode, text))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_merged_scripts_do_what_they_did_apart(seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)
    merged = 0
    for index in range(30):
        scripts = [_script(choice) for _ in range(choice.choice([2, 2, 3, 4]))]
        text = "FROM debian:12\n" + "".join(f"RUN {script}\n" for script in scripts)
        outcome = rewrite(text.encode(), Options(select=("merge-runs",)))
        if not outcome.changed:
            continue
        merged += 1
        before = _outcome(load(outcome.before), tmp_path / f"{index}-before")
        after = _outcome(load(outcome.after), tmp_path / f"{index}-after")
        assert before == after, f"{text}\nbecame\n{outcome.after.decode()}"
    assert merged > 5
