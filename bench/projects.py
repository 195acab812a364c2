"""Prove the rewrite of whole projects by building them, and print what came of it as a Markdown table.

    python bench/projects.py fixtures/projects                 # the table on standard output
    python bench/projects.py fixtures/projects --write docs/projects.md
    python bench/projects.py ~/checkouts --stand-ins           # for engines without a registry

Each Dockerfile goes through what ``dockopt fix --unsafe-fixes --verify`` does, but nothing is written. With
``--stand-ins`` base images are replaced by those of the test engine, see ``tests/build/fixtures.py``.
"""

# ruff: noqa: E402 - the path comes first
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "transforms")]

from dockopt.build.behave import RunSettings
from dockopt.build.engine import BuildSettings, Engine, EngineProblem
from dockopt.build.session import Handled, Request, handle
from dockopt.build.verify import Prover
from dockopt.engine.pipeline import Options, rewrite
from dockopt.facts.context import Outside
from dockopt.report.units import change, duration, size
from dockopt.workspace.discovery import find
from dockopt.workspace.run import Job, Result, Task
from tests.build.fixtures import stand_ins

BEGIN, END = "<!-- made by bench/projects.py -->", "<!-- end -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="+", help="folders or Dockerfiles")
    parser.add_argument("--network", default="host")
    parser.add_argument("--safe", action="store_true", help="safe fixes only")
    parser.add_argument("--stand-ins", action="store_true")
    parser.add_argument("--write", type=Path, help="replace the table in this file")
    arguments = parser.parse_args()

    files = find(tuple(arguments.paths), lambda *_: False).files
    handled: list[Handled] = []
    with Engine() as engine:
        for number, path in enumerate(files, 1):
            contexts: tuple[tuple[str, str], ...] = ()
            if arguments.stand_ins:
                text = Path(path).read_bytes()
                images = stand_ins(text, alpine=True)
                if images is None:
                    print(f"{number}/{len(files)} {path}: no stand-in for its base image", file=sys.stderr)
                    continue
                # A rewrite may name other images than the original.
                rewritten = rewrite(text, Options(unsafe=not arguments.safe), Outside(path)).after
                images |= stand_ins(rewritten, alpine=True) or {}
                contexts = tuple((name, f"docker-image://{to}") for name, to in images.items())
            build = BuildSettings(network=arguments.network, build_contexts=contexts, timeout=900)
            request = Request(build, RunSettings(network=arguments.network))
            job = Job(path, Options(unsafe=not arguments.safe))
            try:
                one = handle(job, Task(), Prover(engine), request)
            except EngineProblem as problem:
                one = Handled(Result(path, error=str(problem)))
            handled.append(one)
            print(f"{number}/{len(files)} {path}: {one.result.error or 'done'}", file=sys.stderr)
            if one.proof is not None:
                for dropped in one.proof.dropped:
                    print(f"  left out: {dropped.entries} {dropped.failure}", file=sys.stderr)
    table = "\n".join(lines(handled))
    if arguments.write is None:
        print(table)
    else:
        text = arguments.write.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        arguments.write.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")
    proofs = [each.proof for each in handled if each.proof is not None]
    return 0 if all(not proof.dropped for proof in proofs) and len(proofs) == len(handled) else 1


def lines(handled: list[Handled]) -> Iterator[str]:
    """The table, and what it comes to."""
    yield "| Dockerfile | changes | left out | before | after | | layers | build before | build after |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    built = proven = left = 0
    for each in handled:
        proof = each.proof
        if proof is None or proof.before is None:
            continue
        built += 1
        before, after = proof.before, proof.after or proof.before
        proven += proof.proven
        dropped = [entry.transform for dropped in proof.dropped for entry in dropped.entries]
        left += len(dropped)
        changes = sum(entry.kind == "applied" for entry in proof.outcome.entries)
        yield (
            f"| {each.result.path} | {changes} | {', '.join(dropped) or '-'} | {size(before.size)} | {size(after.size)}"
            f" | {change(before.size, after.size)} | {before.layers} → {after.layers}"
            f" | {duration(before.seconds)} | {duration(after.seconds)} |"
        )
    yield ""
    yield (
        f"{len(handled)} Dockerfiles tried, {built} built before, {proven} built and proven after,"
        f" {left} changes left out."
    )


if __name__ == "__main__":
    sys.exit(main())
