"""Run dockopt over a folder of real Dockerfiles and count what must never happen.

    python bench/corpus.py FOLDER [--unsafe] [--limit N] [--jobs N] [--json FILE] [--keep FOLDER]

What counts as bad, each judged by something other than dockopt's own reader where there is one:

- not identical: ``dump(load(x)) != x``
- crash: an exception out of the library, or a file that took longer than ``--timeout`` seconds
- broken: BuildKit's parser (PyPI ``dockerfile``) accepts the file before and rejects it after, or sees an
  instruction it does not know that was not there before
- script broken: ``bash -n`` accepts every script of the file before and rejects one after
- comments lost: a comment line, or a comment after code in a RUN, that is no longer there
- unstable: a second run changes the file again
- style: byte-order mark, line ending or final newline not kept
- defect: a proof that failed and rolled a change back (the file is right, a transform is not)

Exit code 1 when any of these is not zero.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from common import (
    comment_lines,
    dockerfiles,
    median,
    need_dockopt,
    percentile,
    share,
    style_changes,
    table,
    trailing_comments,
    write_json,
)

BAD = (
    "not identical",
    "crash",
    "broken",
    "script broken",
    "comments lost",
    "unstable",
    "style",
    "defect",
)


ONLY_HEREDOC = re.compile(r"\s*\d*<<-?\s*[^\s<]+\s*")


class Result(NamedTuple):
    """What came of one file; pickled from the worker."""

    path: str
    changed: bool
    seconds: float
    accepted_before: bool
    error: str | None
    problems: list[tuple[str, str]]  #: (one of ``BAD``, what exactly)
    entries: list[tuple[str, str, str, str]]  #: (kind, transform, cause, "line: message")


class TooSlow(Exception):
    pass


def _too_slow(*_: object) -> None:
    raise TooSlow


def _read(data: bytes) -> tuple[list[Any] | None, str]:
    """BuildKit's reading, or None and its complaint.

    Undecodable bytes become U+FFFD and NUL (which would end the C string early) U+2400, on both sides of
    the comparison, since neither has a meaning in the grammar.
    """
    import dockerfile

    try:
        return list(dockerfile.parse_string(data.decode("utf-8", "replace").replace("\0", "\u2400"))), ""
    except dockerfile.GoParseError as error:
        return None, str(error)


def _scripts(commands: list[Any]) -> list[str]:
    found = []
    for command in commands:
        kind = (command.sub_cmd or command.cmd).upper()
        if kind == "RUN" and not command.json and command.value:
            bodies = "".join(f"{doc.content}{doc.name}\n" for doc in command.heredocs)
            found.append(f"{command.value[0]}\n{bodies}")
            if ONLY_HEREDOC.fullmatch(command.value[0]) and not bodies.startswith("#!"):
                found.append(command.heredocs[0].content if command.heredocs else "")
    return found


def _bash_accepts(script: str) -> bool:
    result = subprocess.run(["bash", "-n"], input=script.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return result.returncode == 0


def _compare(before: bytes, after: bytes) -> tuple[bool, list[tuple[str, str]]]:
    """Whether BuildKit accepted ``before``, and what is wrong with ``after`` beside it."""
    problems: list[tuple[str, str]] = []
    was, _ = _read(before)
    if before == after:
        return was is not None, problems
    lost = comment_lines(before) - comment_lines(after)
    for text, count in lost.items():
        problems.append(("comments lost", f"{count} x {text.decode('utf-8', 'replace')}"))
    problems += [("style", what) for what in style_changes(before, after)]
    if was is None:
        return False, problems
    now, complaint = _read(after)
    if now is None:
        problems.append(("broken", complaint))
        return True, problems
    import dockerfile

    known = set(dockerfile.all_cmds())
    strange = {c.cmd.lower() for c in now} - known - {c.cmd.lower() for c in was}
    if strange:
        problems.append(("broken", f"unknown instructions appeared: {', '.join(sorted(strange))}"))
    old, new = _scripts(was), _scripts(now)
    kept = Counter(text for script in old for text in trailing_comments(script))
    found = Counter(text for script in new for text in trailing_comments(script))
    # One that became a line of its own is still there; what was such a line before does not count for it.
    lines = Counter(
        text.decode("utf-8", "replace") for text in (comment_lines(after) - comment_lines(before)).elements()
    )
    for text, count in (kept - found - lines).items():
        problems.append(("comments lost", f"{count} x after code: {text}"))
    fresh = set(new) - set(old)
    if fresh and shutil.which("bash"):
        broken = [script for script in fresh if not _bash_accepts(script)]
        if broken and all(_bash_accepts(script) for script in set(old)):
            problems += [("script broken", script[:300]) for script in broken]
    return True, problems


def examine(path: str, unsafe: bool, timeout: float, keep: str | None, number: int) -> Result:
    """Everything there is to know of one file. Runs in a worker process."""
    from dockopt.api import dump, load
    from dockopt.engine.pipeline import Options, rewrite

    before = Path(path).read_bytes()
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    seconds = 0.0
    problems: list[tuple[str, str]] = []
    try:
        if dump(load(before)) != before:
            problems.append(("not identical", "dump(load(x)) != x"))
        start = time.perf_counter()
        outcome = rewrite(before, Options(unsafe=unsafe))
        seconds = time.perf_counter() - start
        again = rewrite(outcome.after, Options(unsafe=unsafe)) if outcome.changed else outcome
    except TooSlow:
        problems.append(("crash", f"took longer than {timeout:g} s"))
        return Result(path, False, timeout, False, None, problems, [])
    except Exception:
        problems.append(("crash", traceback.format_exc(limit=-4)))
        return Result(path, False, seconds, False, None, problems, [])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    accepted, differences = _compare(before, outcome.after)
    problems += differences
    if again.after != outcome.after:
        names = sorted({entry.transform for entry in again.entries if entry.kind == "applied"})
        problems.append(("unstable", f"second run applied {', '.join(names) or 'nothing it names'}"))
    entries = [(e.kind, e.transform, e.cause, f"{e.start_line}: {e.message}") for e in outcome.entries]
    problems += [("defect", f"{t} line {text} ({cause})") for kind, t, cause, text in entries if kind == "defect"]
    if keep and outcome.changed:
        target = Path(keep, f"{number:05d}")
        target.mkdir(parents=True, exist_ok=True)
        (target / "before.Dockerfile").write_bytes(before)
        (target / "after.Dockerfile").write_bytes(outcome.after)
    return Result(path, outcome.changed, seconds, accepted, outcome.error, problems, entries)


def _examine(job: tuple[str, bool, float, str | None, int]) -> Result:
    return examine(*job)


def run(files: list[Path], *, unsafe: bool, jobs: int, timeout: float = 60.0, keep: str | None = None) -> list[Result]:
    """Examine every file. Processes are spawned: ``dockerfile`` hangs when it was imported before a fork."""
    todo = [(str(path), unsafe, timeout, keep, number) for number, path in enumerate(files)]
    if jobs == 1:
        return [_examine(job) for job in todo]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        return list(pool.map(_examine, todo, chunksize=16))


def summary(results: list[Result], shown: int) -> dict[str, Any]:
    """Print the findings and return them for ``--json``."""
    total = len(results)
    changed = sum(r.changed for r in results)
    times = [r.seconds for r in results]
    print(f"files                    {total}")
    print(f"accepted by BuildKit     {sum(r.accepted_before for r in results)}")
    print(f"changed                  {changed} ({share(changed, total)})")
    print(f"refused with an error    {sum(r.error is not None for r in results)}")
    print(
        f"time per file            median {1000 * median(times):.2f} ms, "
        f"p99 {1000 * percentile(times, 0.99):.1f} ms, max {1000 * max(times, default=0.0):.1f} ms"
    )
    bad: dict[str, list[tuple[str, str]]] = {name: [] for name in BAD}
    for result in results:
        for name, what in result.problems:
            bad[name].append((result.path, what))
    print()
    print(table(["must be 0", "files", "cases"], [(n, len({p for p, _ in c}), len(c)) for n, c in bad.items()]))
    for name, cases in bad.items():
        if cases:
            print(f"\n{name}:")
            for path, what in cases[:shown]:
                print(f"  {path}: " + what.replace("\n", "\n      "))
            if len(cases) > shown:
                print(f"  … and {len(cases) - shown} more")
    errors = [(r.path, r.error) for r in results if r.error]
    if errors:
        print("\nfiles refused with an error:")
        for path, error in errors[:shown]:
            print(f"  {path}: {error}")
    kinds: dict[str, Counter[str]] = {}
    causes: Counter[tuple[str, str]] = Counter()
    for result in results:
        for kind, transform, cause, _ in result.entries:
            kinds.setdefault(transform, Counter())[kind] += 1
            if kind == "refused":
                causes[transform, cause] += 1
    columns = ("applied", "waiting", "manual", "refused", "defect")
    print()
    print(table(["transform", *columns], [(t, *(kinds[t][k] for k in columns)) for t in sorted(kinds)]))
    if causes:
        print()
        ordered = sorted(causes.items(), key=lambda item: (item[0][0], -item[1]))
        print(table(["refused by", "cause", "count"], [(t, c, n) for (t, c), n in ordered]))
    return {
        "files": total,
        "accepted": sum(r.accepted_before for r in results),
        "changed": changed,
        "errors": [{"path": p, "error": e} for p, e in errors],
        "seconds": {"median": median(times), "p99": percentile(times, 0.99), "max": max(times, default=0.0)},
        "bad": {n: [{"path": p, "what": w} for p, w in cases] for n, cases in bad.items()},
        "transforms": {t: dict(c) for t, c in kinds.items()},
        "refusals": [{"transform": t, "cause": c, "count": n} for (t, c), n in causes.items()],
    }


def sample_refusals(results: list[Result], count: int, seed: int, only: set[str]) -> None:
    """Print ``count`` refusals drawn at random, each with the lines it speaks of, for a person to read."""
    refusals = [
        (result.path, transform, cause, text)
        for result in results
        for kind, transform, cause, text in result.entries
        if kind == "refused" and (not only or transform in only)
    ]
    for path, transform, cause, text in random.Random(seed).sample(refusals, min(count, len(refusals))):
        line = int(text.split(":", 1)[0])
        source = Path(path).read_text("utf-8", "replace").splitlines()[max(0, line - 3) : line + 6]
        print(f"\n== {path}:{line} {transform} [{cause}]\n   {text.split(': ', 1)[1]}")
        print("\n".join(f"   | {row}" for row in source))


def main() -> int:
    parser = argparse.ArgumentParser(description="Count what must never happen, over real Dockerfiles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--unsafe", action="store_true", help="apply unsafe fixes too")
    parser.add_argument("--limit", type=int, help="only the first N files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds a file may take (default 60)")
    parser.add_argument("--shown", type=int, default=20, help="cases listed per category (default 20)")
    parser.add_argument("--json", metavar="FILE", help="write the findings there too")
    parser.add_argument("--keep", metavar="FOLDER", help="write before and after of each changed file there")
    parser.add_argument("--refusals", type=int, default=0, metavar="N", help="print N refusals drawn at random")
    parser.add_argument("--of", default="", metavar="IDS", help="draw refusals of these transforms only")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    need_dockopt()
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: no such folder; give one that holds Dockerfiles")
    files = dockerfiles(options.folder, options.limit)
    if not files:
        parser.error(f"{options.folder}: no Dockerfile in it")
    start = time.perf_counter()
    results = run(files, unsafe=options.unsafe, jobs=options.jobs, timeout=options.timeout, keep=options.keep)
    findings = summary(results, options.shown)
    if options.refusals:
        sample_refusals(results, options.refusals, options.seed, set(filter(None, options.of.split(","))))
    write_json(options.json, findings)
    count = sum(map(len, findings["bad"].values()))
    print(f"\n{count} bad in {len(files)} files, {time.perf_counter() - start:.0f} s")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
