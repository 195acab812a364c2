"""What git ignores: ``.gitignore`` at every level and ``.git/info/exclude``.

pathspec is imported only once there is a pattern to match: it costs as much as rewriting thirty files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Patterns:
    """Git's ignore patterns, relative to the folder they are written for."""

    __slots__ = ("_prefix", "_spec")

    def __init__(self, folder: str, lines: Iterable[str]) -> None:
        """:raises ValueError: for a line that is no pattern, see :func:`is_pattern`."""
        self._prefix = folder.rstrip("/") + "/"
        self._spec = _spec(lines)

    def decide(self, path: str, is_folder: bool) -> bool | None:
        """Whether the last matching pattern ignores ``path`` (absolute), ``None`` where none matches."""
        if not path.startswith(self._prefix):
            return None
        relative = path[len(self._prefix) :]
        return self._spec.check_file(relative + "/" if is_folder else relative).include


def _spec(lines: Iterable[str]) -> GitIgnoreSpec:
    """:raises ValueError: for a line that is no pattern."""
    import re
    import warnings

    from pathspec import GitIgnoreSpec

    with warnings.catch_warnings():
        # Of ``[[:alpha:]]``, which git knows, re says that it may come to mean something else.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return GitIgnoreSpec.from_lines(lines)
        except re.error as error:
            raise ValueError(str(error)) from None


def is_pattern(line: str) -> bool:
    """Whether ``line`` is a pattern that can match: ``!``, a final backslash alone and ``[z-a]`` are none."""
    try:
        _spec([line])
    except ValueError:
        return False
    return True


class Ignores:
    """The patterns in force in one folder, inherited from those above."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: tuple[Patterns, ...] = ()) -> None:
        self._patterns = patterns  # the outermost first

    def inside(self, folder: str, names: Iterable[str]) -> Ignores:
        """The patterns in force in ``folder`` (absolute), which holds ``names``."""
        here = self
        if ".git" in names:
            # A repository inside another one answers to its own patterns only, as git has it.
            here = Ignores(_patterns_of(folder, _exclude_file(folder)))
        if ".gitignore" in names:
            return Ignores((*here._patterns, *_patterns_of(folder, os.path.join(folder, ".gitignore"))))
        return here

    def ignored(self, path: str, is_folder: bool) -> bool:
        """Whether ``path`` (absolute) is ignored; its folder is taken not to be."""
        for patterns in reversed(self._patterns):  # the innermost file that says anything decides
            decision = patterns.decide(path, is_folder)
            if decision is not None:
                return decision
        return False


def above(folder: str) -> Ignores:
    """The patterns that the folders above ``folder`` (absolute) lay on it, from its repository's root down.

    Outside a repository there are none: a stray ``.gitignore`` in a home folder must not hide a project.
    """
    chain = []
    current = folder
    while not os.path.exists(os.path.join(current, ".git")):
        parent = os.path.dirname(current)
        if parent == current:
            return Ignores()
        chain.append(parent)
        current = parent
    ignores = Ignores()
    for outer in reversed(chain):
        names = [name for name in (".git", ".gitignore") if os.path.exists(os.path.join(outer, name))]
        ignores = ignores.inside(outer, names)
    return ignores


def _patterns_of(folder: str, file: str) -> tuple[Patterns, ...]:
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().split("\n")
    except OSError:
        return ()
    lines[0] = lines[0].removeprefix("\ufeff")
    if not any(line.strip() and not line.startswith("#") for line in lines):
        return ()
    try:
        return (Patterns(folder, lines),)
    except ValueError:
        return (Patterns(folder, filter(is_pattern, lines)),)  # git, too, passes over a malformed line


def _exclude_file(folder: str) -> str:
    """``info/exclude`` of the repository in ``folder``, whose ``.git`` is a folder or names one."""
    git = os.path.join(folder, ".git")
    try:
        with open(git, encoding="utf-8", errors="surrogateescape") as stream:
            first = stream.readline()
        if first.startswith("gitdir:"):
            git = os.path.join(folder, first[len("gitdir:") :].strip())
        # A linked work tree keeps info/ in the main repository (gitrepository-layout(5), commondir).
        with open(os.path.join(git, "commondir"), encoding="utf-8", errors="surrogateescape") as stream:
            git = os.path.join(git, stream.readline().strip())
    except OSError:
        pass  # .git is a folder, or there is no commondir: git is right as it stands
    return os.path.join(git, "info", "exclude")
