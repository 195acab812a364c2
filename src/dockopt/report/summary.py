"""What a run came to, in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dockopt.workspace.run import Result


class Summary(NamedTuple):
    """Counts over all files; ``errors`` counts files that could not be handled, and configurations."""

    files: int
    changed: int
    errors: int
    applied: int
    waiting: int
    manual: int
    refused: int
    defects: int
    transforms: dict[str, tuple[int, int]]  #: id → (changes applied, files changed by it)


def summarise(results: Iterable[Result], other_errors: int = 0) -> Summary:
    """Count ``results``; ``other_errors`` are those that belong to no file."""
    files = changed = 0
    errors = other_errors
    kinds = {"applied": 0, "waiting": 0, "manual": 0, "refused": 0, "defect": 0}
    transforms: dict[str, tuple[int, int]] = {}
    for result in results:
        files += 1
        changed += result.changed
        errors += result.error is not None
        own: dict[str, int] = {}
        for entry in result.entries:
            kinds[entry.kind] += 1
            if entry.kind == "applied":
                own[entry.transform] = own.get(entry.transform, 0) + 1
        for name, count in own.items():
            changes, in_files = transforms.get(name, (0, 0))
            transforms[name] = (changes + count, in_files + 1)
    return Summary(
        files, changed, errors,
        kinds["applied"], kinds["waiting"], kinds["manual"], kinds["refused"], kinds["defect"],
        transforms,
    )  # fmt: skip
