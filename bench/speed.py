"""Time dockopt beside dockerfile-doctor, tally and hadolint on the same Dockerfiles, in one go.

    python bench/speed.py FOLDER [--files 500] [--runs 5] [--single 5] [--single-runs 11] [--json FILE]

Every tool gets fresh copies each time, since fixing rewrites them, and the tools take turns, so that a
machine that slows down slows all of them. Printed are medians, the spread from the fastest to the slowest
run, and the ratio of dockopt's median to each other's. Rounds of many files in which the machine did not give all its
cores are done again, and counted. hadolint and `python -c pass` fix nothing: they stand there as a measure. The bars are
those the project holds itself to.

The copies lie in the temporary folder, on a disk as people's files do. Replacing a file there costs more than writing
into it does, up to 0.3 ms on ext4; ``--copies /dev/shm`` leaves that out and compares the programs alone. They are
spread over the disk and removed when all is done: ext4 without a journal, before it makes a file, looks at every one
that was deleted nearby in the last minutes (``recently_deleted`` in fs/ext4/ialloc.c). What this script itself removes
would else slow down whoever makes files, by 0.3 ms for each after ten runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from array import array
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
SLOW = ("tally", "hadolint")  #: tools that take ten seconds and more for 500 files

#: A round is done again where work on all cores at once takes more than this many times as long as on one: a virtual
#: machine may get the time of one core for two, and whoever uses them all then seems slower than who uses one.
CROWDED = 1.25


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


def spread(folder: str) -> None:
    """Have the folders made in ``folder`` lie far apart, where the file system can: as ``chattr +T`` does."""
    get_flags, set_flags, top_of_hierarchies = 0x80086601, 0x40086602, 0x00020000  # <linux/fs.h>, of 64 bits
    handle = os.open(folder, os.O_RDONLY)
    try:
        import fcntl

        flags = array("L", [0])
        fcntl.ioctl(handle, get_flags, flags)
        flags[0] |= top_of_hierarchies
        fcntl.ioctl(handle, set_flags, flags)
    except (ImportError, OSError):
        pass  # another system, or a file system that knows no such thing
    finally:
        os.close(handle)


def copies(files: list[Path], folder: str) -> list[str]:
    """Fresh copies in ``folder``, each alone in a folder of its own under its own name."""
    made = []
    for number, file in enumerate(files):
        target = Path(folder, f"{number:05d}", file.name)
        target.parent.mkdir()
        shutil.copyfile(file, target)
        made.append(str(target))
    if hasattr(os, "sync"):
        os.sync()  # else whoever comes next shares its cores with the system, which is still writing the copies
    return made


def seconds(command: list[str], files: list[Path], where: str) -> tuple[float, int]:
    """Wall time of one fresh process over copies of ``files`` in a new folder in ``where``, and its exit code."""
    made = copies(files, tempfile.mkdtemp(dir=where))
    home = tempfile.mkdtemp(dir=where)
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


_WORK = """
import time
start, total, held = time.perf_counter(), 0, {}
for number in range(500_000):
    held[number & 1023] = number, total
    total += len(held)
print(time.perf_counter() - start)
"""


def crowding() -> float:
    """How many times as long a piece of work takes when every core does one as when one does."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def taken(count: int) -> float:
        started = [subprocess.Popen([sys.executable, "-c", _WORK], stdout=subprocess.PIPE) for _ in range(count)]
        return max(float(process.communicate()[0]) for process in started)

    return taken(cores) / taken(1)


def measure(
    tools: dict[str, list[str]],
    batches: list[list[Path]],
    runs: dict[str, int],
    where: str,
    crowded: list[float] | None = None,
) -> tuple[dict[str, list[float]], dict[str, set[int]]]:
    """Take turns: in each round every tool that has runs left does every batch once.

    :param crowded: takes up how crowded the machine was in each round; a round that was too much so is done again,
        while there are fewer of these than of the others.
    """
    times: dict[str, list[float]] = {name: [] for name in tools}
    codes: dict[str, set[int]] = {name: set() for name in tools}
    turn = again = 0
    while turn < max(runs.values()):
        before = crowding() if crowded is not None else 0
        taken = [
            (name, *seconds(command, batch, where))
            for batch in batches
            for name, command in tools.items()
            if turn < runs[name]
        ]
        if crowded is not None:
            crowded.append(max(before, crowding()))
            if crowded[-1] > CROWDED and again < max(runs.values()):
                again += 1
                continue
        for name, time_, code in taken:
            times[name].append(time_)
            codes[name].add(code)
        turn += 1
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
    parser.add_argument("--slow-runs", type=int, default=1, help="runs of it for tally and hadolint (default 1)")
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
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-", dir=options.copies) as where:
        spread(where)
        for command in tools.values():
            seconds(command, alone[:1], where)  # fills the file cache, and writes what bytecode is still missing
        times, codes = measure(tools, [[file] for file in alone], dict.fromkeys(tools, options.single_runs), where)
        scenario = "single file, cold"
        result[scenario] = report(scenario, times, codes)
        del tools["python alone"]
        runs = {name: options.slow_runs if name in SLOW else options.runs for name in tools}
        crowded: list[float] = []
        times, codes = measure(tools, [many], runs, where, crowded)
        scenario = "many files, one call"
        result[scenario] = report(f"{scenario}: {len(many)} files", times, codes)
        print(
            f"\nwork on all cores at once took {median(crowded):.2f} times as long as on one"
            f" ({min(crowded):.2f} to {max(crowded):.2f} in {len(crowded)} rounds;"
            f" {len(crowded) - max(runs.values())} over {CROWDED} were done again)"
        )
        result[scenario]["crowding"] = {"rounds": crowded}
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
