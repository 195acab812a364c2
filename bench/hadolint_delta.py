"""Count hadolint's findings before and after dockopt, code by code.

    python bench/hadolint_delta.py FOLDER [--safe] [--limit N] [--jobs N] [--json FILE]

dockopt runs with `--unsafe-fixes` unless `--safe` is given. A code that rises is flagged, with the files
where it does. hadolint does not read a file whose continuation has blank lines further than there, and its
ShellCheck knows bash's checks only where SHELL names bash; so where a code rises, the original is counted once
more with just those two things changed, and what it holds itself is no rise. For the codes dockopt sets out to fix, the bar is shown, and what is left is looked up in
the journal of a run over the result: every finding left should stand on an instruction that the transform
of that name refused, or holds back, with a reason.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import contenders
from common import batches, dockerfiles, need_dockopt, table, write_json

#: Least fall of each code, in percent.
BARS = dict.fromkeys(
    "DL3042 DL3009 DL3015 DL3020 DL3027 DL3014 DL3019 DL3047 DL4000".split(),  # noqa: SIM905
    80,
) | {"DL3059": 60}


#: What lets hadolint read more of a file, and adds no command to it.
READABLE = ("drop-empty-continuation", "pipefail")


class Finding(NamedTuple):
    number: int  #: of the file
    line: int
    code: str


class Left(NamedTuple):
    """What one rewritten file's own journal says: (transform, first line, last line) of what stays.

    ``spans`` is None for a file that no build accepts, which dockopt says and leaves alone.
    """

    number: int
    spans: list[tuple[str, int, int]] | None


def _rewrite(job: tuple[int, str, str, bool]) -> Left:
    """Write the file as it is and as dockopt leaves it; runs in a worker process."""
    from dockopt.engine.pipeline import Options, rewrite

    number, source, folder, unsafe = job
    options = Options(unsafe=unsafe)
    try:
        outcome = rewrite(Path(source).read_bytes(), options)
        again = rewrite(outcome.after, options)
    except Exception as error:
        raise RuntimeError(f"{source}: dockopt crashed, run bench/corpus.py: {error!r}") from error
    for name, data in (("before", outcome.before), ("after", outcome.after)):
        target = Path(folder, name, f"{number:05d}", "Dockerfile")
        target.parent.mkdir(parents=True)
        target.write_bytes(data)
    if outcome.error is not None:
        return Left(number, None)
    entries = [entry for entry in again.entries if entry.kind != "applied"]
    return Left(number, [(entry.transform, entry.start_line, entry.end_line) for entry in entries])


def hadolint(tool: Path, folder: Path, jobs: int, known: dict[str, list[tuple[int, str]]]) -> list[Finding]:
    """Every finding below ``folder``, whose files stand in numbered folders.

    hadolint takes some 40 ms a file, so what it said of the same bytes before is in ``known``, by digest.
    """
    digests = {file: sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*/Dockerfile"))}
    fresh = list({digest: file for file, digest in digests.items() if digest not in known}.values())

    def run(files: Sequence[Path]) -> None:
        result = subprocess.run([tool, "--no-fail", "-f", "json", *files], cwd=folder, capture_output=True, check=True)
        found: dict[str, list[tuple[int, str]]] = {digests[file]: [] for file in files}
        for row in json.loads(result.stdout):
            found[digests[Path(row["file"])]].append((int(row["line"]), row["code"]))
        known.update(found)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, batches(fresh, 50)))
    return [
        Finding(int(file.parent.name), line, code) for file, digest in digests.items() for line, code in known[digest]
    ]


def count(findings: list[Finding]) -> Counter[tuple[str, int]]:
    """How often each code is found in each file."""
    return Counter((finding.code, finding.number) for finding in findings)


def rises(was: list[Finding], now: list[Finding]) -> dict[tuple[str, int], int]:
    """By how much each code rises in each file where it does, of the codes that rise altogether."""
    before, after = (Counter(finding.code for finding in found) for found in (was, now))
    more = count(now) - count(was)
    return {case: extra for case, extra in more.items() if after[case[0]] > before[case[0]]}


def _write_readable(numbers: set[int], files: Sequence[Path], folder: Path) -> None:
    """Write the originals with nothing changed but what keeps hadolint from reading them."""
    from dockopt.engine.pipeline import Options, rewrite

    for number in numbers:
        target = folder / f"{number:05d}" / "Dockerfile"
        target.parent.mkdir(parents=True)
        target.write_bytes(rewrite(files[number].read_bytes(), Options(unsafe=True, select=READABLE)).after)


def unexplained(after: list[Finding], left: dict[int, Left]) -> dict[str, list[Finding]]:
    """For each code with a bar, the findings left that no entry of its transform covers."""
    from dockopt.engine.registry import registry

    owners: dict[str, set[str]] = {}
    for spec in registry().specs:
        for alias in spec.aliases:
            owners.setdefault(alias, set()).add(spec.id)
    found: dict[str, list[Finding]] = {code: [] for code in BARS}
    for finding in after:
        spans = left[finding.number].spans
        if finding.code not in BARS or spans is None:
            continue
        mine = owners.get(finding.code, ())
        if not any(name in mine and first <= finding.line <= last for name, first, last in spans):
            found[finding.code].append(finding)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="hadolint's findings before and after dockopt.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--safe", action="store_true", help="safe fixes only")
    parser.add_argument("--limit", type=int, help="only the first N files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="show the codes that did not change too")
    parser.add_argument("--shown", type=int, default=5, help="files listed per case (default 5)")
    parser.add_argument("--cache", type=Path, default=contenders.default_cache(), help="for the environments")
    parser.add_argument("--hadolint", type=Path, help="use this executable instead of the pinned one")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    need_dockopt()
    files = dockerfiles(options.folder, options.limit)
    if not files:
        parser.error(f"{options.folder}: no Dockerfile in it")
    tool = options.hadolint or contenders.peers(options.cache) / "hadolint"
    with tempfile.TemporaryDirectory(prefix="dockopt-hadolint-") as folder:
        todo = [(number, str(file), folder, not options.safe) for number, file in enumerate(files)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
            left = {result.number: result for result in pool.map(_rewrite, todo, chunksize=16)}
        store = options.cache / "hadolint.json"
        known = json.loads(store.read_text()) if store.is_file() else {}
        was, now = (hadolint(tool, Path(folder, name), options.jobs, known) for name in ("before", "after"))
        risen = rises(was, now)
        _write_readable({number for _, number in risen}, files, Path(folder, "readable"))
        seen = count(hadolint(tool, Path(folder, "readable"), options.jobs, known))
        hidden = {case for case, extra in risen.items() if seen[case] - count(was)[case] >= extra}
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_text(json.dumps(known))
    before, after = (Counter(f.code for f in found) for found in (was, now))
    lost = unexplained(now, left)
    bad = 0
    rows = []
    unchanged = []
    for code in sorted(before | after):
        change = 100 * (after[code] - before[code]) / before[code] if before[code] else 100.0
        notes = []
        rising = after[code] > before[code] and any(c == code and (c, n) not in hidden for c, n in risen)
        if after[code] > before[code]:
            notes.append("RISES" if rising else f"no rise: unread before, files: {sum(c == code for c, _ in risen)}")
        if code in BARS:
            met = -change >= BARS[code] or not before[code]
            notes.append(f"bar -{BARS[code]} % {'met' if met else 'MISSED'}; {len(lost[code])} left unexplained")
            bad += not met
        bad += rising
        if not options.all and before[code] == after[code] and code not in BARS:
            unchanged.append(code)
            continue
        rows.append((code, before[code], after[code], f"{change:+.1f} %", ", ".join(notes)))
    print(f"{len(files)} files\n")
    print(table(["code", "before", "after", "change", ""], rows))
    if unchanged:
        print(f"\n{len(unchanged)} other codes stand as they stood: {', '.join(unchanged)}")
    for code in sorted(c for c in before | after if after[c] > before[c]):
        print(f"\n{code} has more findings in:")
        for number in sorted(n for c, n in risen if c == code)[: options.shown]:
            why = "the original's own, once hadolint can read it" if (code, number) in hidden else "RISES"
            print(f"  {files[number]}: {why}")
    for code, findings in lost.items():
        if findings:
            print(f"\n{code} left without an entry in the journal (lines of the rewritten file):")
            for finding in findings[: options.shown]:
                print(f"  {files[finding.number]}: {finding.line}")
    write_json(options.json, {"files": len(files), "before": before, "after": after})
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
