"""Which of the differences were declared, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockopt.build.compare import Difference
from dockopt.build.globs import compiled
from dockopt.build.packages import Packages
from dockopt.engine.model import Effects, Entry

#: What package managers write about packages; where packages may go or come, these may change with them.
RECORDS = compiled(
    (
        "/etc/alternatives/**",
        "/etc/fonts/**",
        "/run/**",
        "/usr/share/fonts/**",
        "/etc/ld.so.cache",
        "/etc/group*",
        "/etc/gshadow*",
        "/etc/passwd*",
        "/etc/shadow*",
        "/etc/subgid*",
        "/etc/subuid*",
        "/etc/pam.d/common-*",
        "/etc/rc?.d/**",
        "/etc/shells",
        "/etc/ssl/certs/**",
        "/etc/systemd/**",
        "/usr/lib/**/*.cache",
        "/usr/share/applications/mimeinfo.cache",
        "/usr/share/glib-2.0/schemas/gschemas.compiled",
        "/usr/share/icons/**/icon-theme.cache",
        "/usr/share/mime/**",
        "/var/cache/**",
        "/var/lib/apt/**",
        "/var/lib/dpkg/**",
        "/var/lib/pam/**",
        "/var/lib/systemd/**",
        "/var/lib/ucf/**",
        "/var/lib/xfonts/**",
        "/var/log/**",
    )
)

#: The names under which effects know the manager of an rpm.
_RPM = ("rpm", "dnf", "yum", "microdnf", "zypper", "tdnf")


class Judged(NamedTuple):
    """A difference, and the transforms that declared it; none: it was not declared."""

    difference: Difference
    transforms: tuple[str, ...]


class Declared:
    """What the applied entries of a journal declare.

    :param entries: a journal; only the applied entries count.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        merged: dict[str, list[Effects]] = {}
        for entry in entries:
            if entry.kind == "applied":
                merged.setdefault(entry.transform, []).append(entry.effects)
        self._rules = [_Rules(name, effects) for name, effects in merged.items()]

    def judge(self, differences: Sequence[Difference], before: Packages, after: Packages) -> list[Judged]:
        """Each difference with the transforms that declared it.

        Besides what an effect names, it covers what follows from it: the files of a package that may go or
        come, its folders of ``/var/lib`` with all in them, and the package managers' records of it; a folder that
        is gone because all in it is.
        """
        names = [self._by(difference) for difference in differences]
        self._packages(differences, names, before, after)
        _folders(differences, names)
        return [Judged(one, tuple(by)) for one, by in zip(differences, names, strict=True)]

    def _by(self, difference: Difference) -> list[str]:
        return [rules.transform for rules in self._rules if rules.cover(difference)]

    def _packages(
        self, differences: Sequence[Difference], names: list[list[str]], before: Packages, after: Packages
    ) -> None:
        changed = {
            difference.what: by
            for difference, by in zip(differences, names, strict=True)
            if difference.aspect == "packages" and by
        }
        if not changed:
            return
        everybody = sorted({name for by in changed.values() for name in by})
        state: dict[str, list[str]] = {}  # folders of /var/lib that came or went with a package
        for index, difference in enumerate(differences):
            if difference.aspect != "files" or names[index]:
                continue
            owner = before.owners.get(difference.what) or after.owners.get(difference.what)
            if owner in changed:
                names[index] = changed[owner]
                if difference.what.startswith("/var/lib/") and difference.change in ("added", "removed"):
                    state[difference.what] = changed[owner]
            elif (folder := difference.what.rpartition("/")[0]) in state:
                # What a package's scripts write there, its records do not name; a tree is compared in the order of
                # its paths, so the folder has come first.
                names[index] = state[folder]
                state[difference.what] = state[folder]
            elif RECORDS.match(difference.what):
                names[index] = everybody


def _folders(differences: Sequence[Difference], names: list[list[str]]) -> None:
    """A folder that came or went with its declared content."""
    by_path = {
        (difference.what, difference.change): index
        for index, difference in enumerate(differences)
        if difference.aspect == "files" and difference.change in ("added", "removed")
    }
    below: dict[int, list[int]] = {}
    for (path, change), index in by_path.items():
        parent = by_path.get((path.rpartition("/")[0], change))
        if parent is not None:
            below.setdefault(parent, []).append(index)
    # The deepest first, so that a folder of emptied folders is seen as empty.
    for parent in sorted(below, key=lambda index: -differences[index].what.count("/")):
        if not names[parent] and all(names[child] for child in below[parent]):
            names[parent] = sorted({name for child in below[parent] for name in names[child]})


class _Rules:
    """One transform's declared effects, ready to match."""

    def __init__(self, transform: str, effects: Sequence[Effects]) -> None:
        self.transform = transform
        self._removed = compiled(glob for each in effects for glob in each.files_removed)
        self._added = compiled(glob for each in effects for glob in each.files_added)
        self._owned = compiled(glob for each in effects for glob in each.files_owned)
        # What instructions name, the proof from the text has compared already: here "~" is any.
        self._config = _names(key.replace(":~", ":", 1) for each in effects for key in each.config)
        self._packages_added = _names(n.replace(":~", ":", 1) for each in effects for n in each.packages_added)
        self._packages_removed = _names(n.replace(":~", ":", 1) for each in effects for n in each.packages_removed)

    def cover(self, difference: Difference) -> bool:
        what, change = difference.what, difference.change
        if difference.aspect == "config":
            return self._config.match(what) is not None
        if difference.aspect == "packages":
            return change != "changed" and any(
                (self._packages_added if change == "added" else self._packages_removed).match(name)
                for name in _aliases(what)
            )
        if difference.aspect == "files":
            if change == "added":
                return self._added.match(what) is not None
            if change == "removed":
                return self._removed.match(what) is not None
            if change == "owner":
                # That a file may go does not say that what stays may be somebody else's.
                return self._owned.match(what) is not None or self._added.match(what) is not None
            # Another content or mode: the old file may go, or the new one may come.
            return self._added.match(what) is not None or self._removed.match(what) is not None
        return False


def _aliases(package: str) -> tuple[str, ...]:
    manager, _, name = package.partition(":")
    return tuple(f"{alias}:{name}" for alias in _RPM) if manager == "rpm" else (package,)


def _names(patterns: Iterable[str]) -> re.Pattern[str]:
    """Names and prefixes: a trailing ``*`` matches any rest."""
    parts = [re.escape(pattern[:-1]) + ".*" if pattern.endswith("*") else re.escape(pattern) for pattern in patterns]
    return re.compile("(?:" + "|".join(parts) + r")\Z", re.DOTALL) if parts else re.compile(r"(?!)")
