"""What the builds have shown, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dockopt import __version__
from dockopt.report.units import change, count, duration, size

if TYPE_CHECKING:
    from dockopt.build.compare import Difference
    from dockopt.build.session import Handled
    from dockopt.build.verify import Dropped, Proof

VERSION = 1


def lines(handled: Iterable[Handled], *, verbose: bool) -> Iterator[str]:
    """What a person reads: one line a file, what was left out and why; with ``verbose`` what was declared."""
    for each in handled:
        path, proof = each.result.path, each.proof
        failed = proof is not None and (proof.problem or each.result.error is not None)
        if proof is None or (failed and not proof.log):
            continue  # the error's line says it all
        if proof.problem:
            yield from (f"  | {line}" for line in proof.log)
            continue
        yield f"{path}: {verdict(proof)}"
        for note in proof.notes:
            yield f"  {note}"
        if verbose:
            yield from (f"  declared: {line}" for line in declared(proof))
        for dropped in proof.dropped:
            yield from _dropped(dropped)


def verdict(proof: Proof) -> str:
    """``proven: 9 changes, 2 builds, 41 s; 1.1 GB → 954.0 MB (-13 %), 11 → 9 layers``."""
    changes = sum(entry.kind == "applied" for entry in proof.outcome.entries)
    left = sum(len(dropped.entries) for dropped in proof.dropped)
    out = f", {left} left out" if left else ""
    if proof.before is None:
        return "nothing to prove"
    effort = f"{count(proof.builds, 'build')}, {duration(proof.seconds)}"
    if proof.after is None:
        return f"nothing holds{out}; {effort}"
    before, after = proof.before, proof.after
    return (
        f"proven: {count(changes, 'change')}{out}, {effort}; {size(before.size)} → {size(after.size)}"
        f" ({change(before.size, after.size)}), {before.layers} → {count(after.layers, 'layer')}"
    )


def declared(proof: Proof) -> list[str]:
    """The declared differences, by the transforms that declared them."""
    from dockopt.build.verify import summarised

    groups: dict[tuple[str, ...], list[Difference]] = {}
    for judged in proof.judged:
        groups.setdefault(judged.transforms, []).append(judged.difference)
    return [f"{line} [{', '.join(names)}]" for names, found in groups.items() for line in summarised(found)]


def _dropped(dropped: Dropped) -> Iterator[str]:
    for entry in dropped.entries:
        place = (
            f"line {entry.start_line}"
            if entry.start_line == entry.end_line
            else f"lines {entry.start_line}-{entry.end_line}"
        )
        yield f"  left out: {entry.transform}, {place}: {entry.message}"
    where = f" ({dropped.failure.target})" if dropped.failure.target else ""
    yield from (f"    {reason}{where}" for reason in dropped.failure.reasons)
    yield from (f"    | {line}" for line in dropped.failure.log)


def closing(handled: Sequence[Handled]) -> str:
    """The last line: files, proven, left out, not proven."""
    proofs = [each.proof for each in handled if each.proof is not None]
    proven = sum(proof.proven for proof in proofs)
    left = sum(len(dropped.entries) for proof in proofs for dropped in proof.dropped)
    errors = sum(each.result.error is not None for each in handled)
    parts = [f"{count(len(handled), 'file')}, {proven} proven"]
    if left:
        parts.append(f"{count(left, 'change')} left out")
    if errors:
        parts.append(count(errors, "error"))
    return "; ".join(parts)


def report(handled: Iterable[Handled], errors: Sequence[str] = ()) -> str:
    """``dockopt verify --output-format json``::

    {"version": 1, "dockopt": "…", "command": "verify", "errors": [],
     "files": [{"path", "proven", "problem", "log", "notes", "builds", "seconds",
                "before": {"size", "layers", "packages", "seconds"} or null, "after": likewise,
                "declared": [{"aspect", "what", "change", "before", "after", "transforms"}],
                "dropped": [{"entries": [{"transform", "start_line", "end_line", "message"}],
                             "reasons", "log", "target"}]}]}
    """
    value = {
        "version": VERSION,
        "dockopt": __version__,
        "command": "verify",
        "errors": list(errors),
        "files": [_file(each) for each in handled],
    }
    return json.dumps(value, separators=(",", ":")) + "\n"


def _file(handled: Handled) -> dict[str, Any]:
    proof = handled.proof
    file: dict[str, Any] = {
        "path": handled.result.path,
        "proven": proof is not None and proof.proven,
        "problem": handled.result.error,
    }
    if proof is not None:
        file |= {
            "log": list(proof.log),
            "notes": list(proof.notes),
            "builds": proof.builds,
            "seconds": round(proof.seconds, 1),
            "before": None if proof.before is None else proof.before._asdict(),
            "after": None if proof.after is None else proof.after._asdict(),
            "declared": [{**each.difference._asdict(), "transforms": each.transforms} for each in proof.judged],
            "dropped": [
                {
                    "entries": [
                        {key: getattr(entry, key) for key in ("transform", "start_line", "end_line", "message")}
                        for entry in dropped.entries
                    ],
                    "reasons": dropped.failure.reasons,
                    "log": dropped.failure.log,
                    "target": dropped.failure.target,
                }
                for dropped in proof.dropped
            ],
        }
    return file
