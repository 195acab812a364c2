"""Run scripts before and after a rewrite, with stand-ins for every command, each failing in turn.

    python bench/fuzz_scripts.py [--files 200] [--seed 1] [--unsafe] [--select ID]

Makes Dockerfiles of commands, lists, loops, subshells and settings at random, rewrites them, and carries out the RUN
scripts of both sides with the shells of this machine. Every command is a stand-in that writes down its name, its
working directory, two variables and the tokens among its words. The build must end alike, and what was called must
be the same in the same order, when all succeed and when any one of the commands fails. Nothing is written outside a
temporary folder. Exit code 1 where a file differs; it is printed with both logs.

What package managers are told besides (flags, updates, clean-ups) is what dockopt is for, and has no token.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dockopt.api import Facts, load
from dockopt.engine.pipeline import Options, rewrite

COMMANDS = "apt-get apt pip pip3 npm yarn apk yum curl wget tar make git go useradd gpg foo bar"
#: Changed on purpose in what is called, or in how a pipeline ends.
LEFT_OUT = ("apt-merge-installs", "pipefail")

# The words of a call may hold several tokens: each is an entry of its own.
STAND_IN = """#!/bin/sh
for word; do
    case $word in *t[0-9]*q*) printf '%s|%s|%s|%s|%s\\n' "${0##*/}" "$PWD" "$X" "$Y" "$word" >>"$LOG";; esac
done
[ ! -p /dev/stdin ] || while read -r _; do :; done
echo out
if [ -n "$FAIL" ]; then case " $*" in *"$FAIL"*) exit 1;; esac; fi
"""
SILENT = "#!/bin/sh\n"  #: of what only cleans up


class Outcome(NamedTuple):
    """What came of the RUN instructions of one side."""

    succeeded: bool
    calls: list[str]


class Writer:
    """Writes a Dockerfile from a seed. Every command that matters has a token of its own."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.tokens: list[str] = []

    def dockerfile(self) -> str:
        pick = self._random.choice
        lines = [f"FROM {pick(['debian:12', 'alpine:3.20', 'python:3.12', 'node:20', 'ubuntu:22.04'])}"]
        shell = pick(["", "", "", 'SHELL ["/bin/sh", "-ec"]'])
        lines += [shell] if shell else []
        for _ in range(pick([2, 2, 3, 4])):
            lines += pick([[], [], [], ["# a note"], ["ENV X=1"], ["WORKDIR /w"]])
            heredoc = self._random.random() < 0.1
            script = "\n".join(self._list(1) for _ in range(3)) if heredoc else self._list(0)
            lines.append(f"RUN <<EOF\n{script}\nEOF" if heredoc else f"RUN {self._laid_out(script)}")
        return "\n".join(lines) + "\n"

    def _token(self) -> str:
        self.tokens.append(f"t{len(self.tokens):02d}q")
        return self.tokens[-1]

    def _command(self) -> str:
        token = self._token()
        return self._random.choice(
            [
                *(f"{name} {token}" for name in ("foo", "bar", "make", "git", "foo", "bar")),
                *(f'foo {token} "$X"', f"foo {token} > f", f"bar {token} 2>/dev/null", f"foo {token} $(bar sub)"),
                *(f"apt-get install -y {token}", f"apt-get install {token}", f"apt install -y {token}"),
                *(f"apt-get update && apt-get install -y {token}", f"pip install {token}", f"pip3 install -r {token}"),
                *(f"npm install {token}", f"yarn add {token}", f"apk add {token}", f"yum install -y {token}"),
                *(f"wget https://example.org/{token}", f"wget https://example.org/{token}.tgz && tar xf {token}.tgz"),
                *(f"curl -O https://example.org/{token}.tgz && tar xzf {token}.tgz", f"go build {token}"),
                *(
                    f"wget https://example.org/{token}.tgz; tar xf {token}.tgz",
                    f"useradd {token}",
                    f"gpg --import {token}",
                ),
            ]
        )

    def _element(self, depth: int) -> str:
        if depth > 2 or self._random.random() < 0.55:
            return self._command()
        command, inner = self._command, lambda: self._list(depth + 1)
        makers: list[Callable[[], str]] = [
            *(lambda: "cd a", lambda: f"cd b && {command()}", lambda: "X=2", lambda: "export Y=3", lambda: "cd nosuch"),
            *(lambda: "set -e", lambda: "set +e", lambda: "set -x", lambda: f"X=9 {command()}", lambda: "true"),
            *(lambda: f"({inner()})", lambda: f"{{ {inner()}; }}", lambda: f"! {command()}", lambda: "false || true"),
            *(lambda: f"if {command()}; then {inner()}; fi", lambda: f"for i in 1 2; do {inner()}; done"),
            *(lambda: f"{command()} | {command()}", lambda: f"{command()} || {command()}", lambda: f"exec {command()}"),
            *(lambda: f"{command()}; foo $? {command()}", lambda: f'[ -n "$X" ] && {command()}', lambda: "exit 0"),
            *(lambda: ": ${X:=5}", lambda: f"f() {{ {inner()}; }}; f", lambda: "trap 'foo t99q' EXIT"),
            *(lambda: "rm -rf /var/lib/apt/lists/*", lambda: "npm cache clean --force", lambda: "umask 077"),
        ]
        return self._random.choice(makers)()

    def _list(self, depth: int) -> str:
        text = self._element(depth)
        for _ in range(self._random.choice([0, 0, 1, 1, 2, 3]) if depth == 0 else self._random.choice([0, 0, 1])):
            text += self._random.choice([" && "] * 6 + ["; ", " || "]) + self._element(depth)
        return text

    def _laid_out(self, text: str) -> str:
        """The list with some of its operators at the end of a line."""
        parts = text.split(" && ")
        joints = [" && ", " && ", " && \\\n    ", " && \\\n    # a note\n    "]
        return parts[0] + "".join(self._random.choice(joints) + part for part in parts[1:])


def carry_out(text: str, fail: str, bin: Path) -> Outcome:
    """Run the RUN scripts of a Dockerfile in order, up to the first that fails."""
    facts = Facts(load(text.encode()))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("work/a", "work/b"):
            Path(folder, name).mkdir(parents=True)
        log, work = Path(folder, "log"), Path(folder, "work")
        log.touch()
        succeeded = True
        for view in facts.scripts:
            state = facts.state(view.instruction)
            shell = state.shell or ("/bin/sh", "-c")
            env = {name: value for name, value in state.env.items() if value is not None}
            env |= {"PATH": str(bin), "LOG": str(log), "FAIL": fail}
            command = subprocess.run(
                [*shell, view.script.text], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=20
            )
            if command.returncode:
                succeeded = False
                break
        calls = log.read_text().replace(str(work), "").splitlines()
    calls = [re.sub(r"\Aapt\|", "apt-get|", call) for call in calls]
    # The two sides of a pipeline run at once.
    return Outcome(succeeded, sorted(calls) if "|" in text.replace("||", "") else calls)


def compare(seed: int, options: Options, bin: Path) -> str | None:
    """What differs between the two sides of one file; None where nothing does."""
    writer = Writer(seed)
    text = writer.dockerfile()
    outcome = rewrite(text.encode(), options)
    defects = [entry.message for entry in outcome.entries if entry.kind == "defect"]
    if defects:
        return f"{text}\n{defects}"
    if outcome.after == outcome.before:
        return None
    after = outcome.after.decode()
    for fail in ("", *writer.tokens):
        one, other = carry_out(text, fail, bin), carry_out(after, fail, bin)
        if one != other:
            return f"{text}\n--- after\n{after}\n--- where {fail or 'nothing'} fails\n{one}\n{other}"
    return None


def stand_ins(folder: Path) -> Path:
    """A folder of stand-ins for all commands."""
    folder.mkdir()
    for name in COMMANDS.split():
        folder.joinpath(name).write_text(STAND_IN)
    folder.joinpath("rm").write_text(SILENT)
    for file in folder.iterdir():
        file.chmod(0o755)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unsafe", action="store_true")
    parser.add_argument("--select", action="append", default=[], metavar="ID")
    arguments = parser.parse_args()
    options = Options(unsafe=arguments.unsafe, select=tuple(arguments.select), ignore=LEFT_OUT)
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        bin = stand_ins(Path(folder, "bin"))
        for seed in range(arguments.seed, arguments.seed + arguments.files):
            difference = compare(seed, options, bin)
            if difference is not None:
                differing += 1
                print(f"=== seed {seed}\n{difference}\n")
    print(f"{arguments.files} files, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
