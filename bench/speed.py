"""Time dockopt beside dockerfile-doctor, tally and hadolint on the same Dockerfiles, in one go.

    python bench/speed.py FOLDER [--files 500] [--runs 5] [--single 5] [--single-runs 11] [--json FILE]

Every tool gets fresh copies each time, since fixing rewrites them, and the tools take turns, so that a
machine that slows down slows all of them. Printed are medians, the spread from the fastest to the slowest
run, and the ratio of dockopt's median to each other's. hadolint and `python -c pass` fix nothing: they
stand there as a measure. The bars are those the project holds itself to.

The copies lie in the temporary folder, on a disk as people's files do. Replacing a file there costs more than writing
into it does, up to 0.3 ms on ext4; ``--copies /dev/shm`` leaves that out and compares the programs alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import contenders
from common import dockerfiles, median, table, write_json

#: (scenario, peer, most that dockopt may take as a multiple of the peer's median)
BARS = (
    ("single file, cold", "dockerfile-doctor", 1.5),
    ("many files, one call", "dockerfile-doctor", 1.0),
    ("many files, one call", "tally", 0.2),
)


def commands(cache: Path) -> dict[str, list[str]]:
    """Each tool's command line, to which the files are added; dockopt comes first."""
    own, peers = contenders.dockopt(cache), contenders.peers(cache)
    return {
        "dockopt": [str(own / "dockopt"), "fix"],
        "dockerfile-doctor": [str(peers / "dockerfile-doctor"), "--fix"],
        "tally": [str(peers / "tally"), "lint", "--fix"],
        "hadolint": [str(peers / "hadolint")],
        "python alone": [str(own / "python"), "-c", "pass"],
    }


@contextmanager
def copies(files: list[Path], where: str | None) -> Iterator[list[str]]:
    """Fresh copies, each alone in a folder under its own name, in a temporary folder in ``where``."""
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-", dir=where) as folder:
        made = []
        for number, file in enumerate(files):
            target = Path(folder, f"{number:05d}", file.name)
            target.parent.mkdir()
            shutil.copyfile(file, target)
            made.append(str(target))
        if hasattr(os, "sync"):
            os.sync()  # else whoever comes next shares its cores with the system, which is still writing the copies
        yield made


def seconds(command: list[str], files: list[Path], where: str | None) -> tuple[float, int]:
    """Wall time of one fresh process over copies of ``files``, and its exit code."""
    with copies(files, where) as made, tempfile.TemporaryDirectory(prefix="dockopt-bench-") as home:
        start = time.perf_counter()
        result = subprocess.run(
            [*command, *made],
            cwd=home,
            env=contenders.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - start, result.returncode


def measure(
    tools: dict[str, list[str]], batches: list[list[Path]], runs: dict[str, int], where: str | None
) -> tuple[dict[str, list[float]], dict[str, set[int]]]:
    """Take turns: in each round every tool that has runs left does every batch once."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    codes: dict[str, set[int]] = {name: set() for name in tools}
    for turn in range(max(runs.values())):
        for batch in batches:
            for name, command in tools.items():
                if turn < runs[name]:
                    taken, code = seconds(command, batch, where)
                    times[name].append(taken)
                    codes[name].add(code)
    return times, codes


def report(scenario: str, times: dict[str, list[float]], codes: dict[str, set[int]]) -> dict[str, Any]:
    own = median(times["dockopt"])
    rows = []
    for name, taken in times.items():
        ratio = "" if name == "dockopt" else f"{own / median(taken):.2f}"
        spread = f"{1000 * min(taken):.0f} to {1000 * max(taken):.0f}"
        exits = ", ".join(map(str, sorted(codes[name])))
        rows.append((name, f"{1000 * median(taken):.0f}", spread, len(taken), ratio, exits))
    print(f"\n{scenario}\n")
    print(table(["tool", "median ms", "spread ms", "runs", "dockopt / tool", "exit"], rows))
    return {name: {"median": median(taken), "times": taken} for name, taken in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Time dockopt beside its peers on one folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=500, help="files in one call (default 500)")
    parser.add_argument("--runs", type=int, default=5, help="runs of that call (default 5)")
    parser.add_argument("--tally-runs", type=int, default=1, help="runs of it for tally (default 1)")
    parser.add_argument("--single", type=int, default=5, help="files tried alone (default 5)")
    parser.add_argument("--single-runs", type=int, default=11, help="cold runs of each (default 11)")
    parser.add_argument("--without", default="", metavar="TOOLS", help="leave these out, comma between")
    parser.add_argument("--cache", type=Path, default=contenders.default_cache(), help="for the environments")
    parser.add_argument("--copies", metavar="FOLDER", help="where the copies are made")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: no such folder; give one that holds Dockerfiles")
    found = dockerfiles(options.folder)
    if not found:
        parser.error(f"{options.folder}: no Dockerfile in it")
    many = found[: options.files]
    step = max(1, len(many) // max(1, options.single))
    alone = many[::step][: options.single]
    left_out = set(options.without.split(","))
    tools = {name: command for name, command in commands(options.cache).items() if name not in left_out}
    for command in tools.values():
        seconds(command, alone[:1], options.copies)  # fills the file cache, and writes what bytecode is still missing
    result: dict[str, Any] = {}
    times, codes = measure(tools, [[file] for file in alone], dict.fromkeys(tools, options.single_runs), options.copies)
    scenario = "single file, cold"
    result[scenario] = report(scenario, times, codes)
    del tools["python alone"]
    runs = {name: options.tally_runs if name == "tally" else options.runs for name in tools}
    times, codes = measure(tools, [many], runs, options.copies)
    scenario = "many files, one call"
    result[scenario] = report(f"{scenario}: {len(many)} files", times, codes)
    print()
    missed = 0
    for scenario, peer, limit in BARS:
        if peer in result[scenario]:
            ratio = result[scenario]["dockopt"]["median"] / result[scenario][peer]["median"]
            missed += ratio > limit
            verdict = "met" if ratio <= limit else "MISSED"
            print(f"{verdict}: {scenario}, {ratio:.2f} of {peer}'s time, bar {limit:g}")
    write_json(options.json, result)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
