"""What a build context holds, as far as ignore rules go: its files, what tools left in it, and who reads what."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt_transforms.files._rules import COMPOSE

if TYPE_CHECKING:
    from dockopt.api import Context

MAX_ENTRIES = 5_000
MAX_DEPTH = 12
_MAX_FILE = 200_000
_MAX_TEXT = 4_000_000

#: Folders that tools, not people, fill: noted, never entered.
MADE = frozenset(
    (
        ".git",
        "node_modules",
        "__pycache__",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".gradle",
        ".bundle",
        ".idea",
        ".vscode",
    )
)
_READ = re.compile(
    r".*\.(?:py|pyi|[cm]?[jt]sx?|vue|svelte|json5?|toml|cfg|ini|ya?ml|sh|bash|rb|php|go|rs|java|kts?|gradle|xml|csproj|fsproj|props"
    r"|targets|gemspec|cmake|mk|in)\Z|(?:.*/)?(?:Makefile|GNUmakefile|Rakefile|Gemfile|Procfile|justfile|Vagrantfile|CMakeLists\.txt"
    r"|requirements[\w.-]*\.txt)\Z",
    re.I,
)
_LOCKS = re.compile(
    r"(?:.*/)?(?:package-lock|npm-shrinkwrap|composer-lock)\.json\Z|.*\.lock\Z|.*\.min\.js\Z|.*/pnpm-lock\.yaml\Z"
)


class Survey(NamedTuple):
    """The visible part of a context, folders that tools fill not entered."""

    files: tuple[str, ...]
    folders: tuple[str, ...]  #: those of :data:`MADE` included
    truncated: bool  #: there is more than was looked at

    def holds(self, suffix: str) -> bool:
        """Whether a file by that ending is there."""
        return any(name.endswith(suffix) for name in self.files)


def survey(context: Context) -> Survey:
    """Look through a context."""
    files: list[str] = []
    folders: list[str] = []
    pending = [(".", 0)]
    seen = 0
    while pending:
        folder, depth = pending.pop()
        try:
            entries = sorted(os.scandir(context.path(folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if seen > MAX_ENTRIES:
                return Survey(tuple(files), tuple(folders), True)
            name = entry.name if folder == "." else f"{folder}/{entry.name}"
            hidden = context.ignore.match(name)
            if entry.is_dir(follow_symlinks=False):
                if hidden and not context.ignore.may_hold_exceptions(name):
                    continue
                folders.append(name)
                if entry.name in MADE:
                    continue
                if depth >= MAX_DEPTH:
                    return Survey(tuple(files), tuple(folders), True)
                pending.append((name, depth + 1))
            elif not hidden:
                files.append(name)
    return Survey(tuple(files), tuple(folders), False)


class Texts:
    """The texts of a context that may name a file to be read: sources, manifests, build scripts."""

    def __init__(self, context: Context, found: Survey) -> None:
        self._texts: list[tuple[str, str]] = []
        self.complete = not found.truncated
        budget = _MAX_TEXT
        for name in found.files:
            if not _READ.match(name) or _LOCKS.match(name) or name in COMPOSE:
                continue
            try:
                with open(context.path(name), encoding="utf-8", errors="replace") as file:
                    text = file.read(_MAX_FILE + 1)
            except OSError:
                self.complete = False
                continue
            budget -= len(text)
            if len(text) > _MAX_FILE or budget < 0:
                self.complete = False
                continue
            self._texts.append((name, text))

    def mention(self, pattern: re.Pattern[str], *, outside: str = "") -> str | None:
        """Where the first text that matches stands, ``setup.py:4``; None where none does.

        :param outside: a folder whose own files do not count.
        """
        for name, text in self._texts:
            if outside and name.startswith(outside + "/"):
                continue
            match = pattern.search(text)
            if match is not None:
                return f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        return None
