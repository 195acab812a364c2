"""Configuration: ``dockopt.toml`` or ``[tool.dockopt]`` in ``pyproject.toml``.

The nearest one above a file holds, up to the root of its repository; configurations do not add up. The keys::

    select = ["packages", "DL3059"]   # run only these: ids, aliases, families
    ignore = ["merge-runs"]           # never run these
    unsafe-fixes = true               # apply unsafe changes too
    exclude = ["vendor/", "*.gen"]    # in folders, leave these out: git's patterns, from this file's folder
    online = true                     # ask registries about base images
    registry-mirrors = ["https://mirror.example"]   # for Docker Hub's images, tried in this order

Flags on the command line replace the key of the same name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockopt.workspace.ignores import Patterns

#: What each key takes.
KEYS = {
    "select": "a list of transforms, each an id, an alias or a family",
    "ignore": "a list of transforms, each an id, an alias or a family",
    "unsafe-fixes": "true or false",
    "exclude": "a list of patterns as in .gitignore",
    "online": "true or false",
    "registry-mirrors": "a list of addresses, each https:// and a host (http:// for this machine only)",
}


class ConfigProblem(Exception):
    """A configuration that cannot be used. ``str()`` is one clear line naming file, key and what is right."""


class Settings(NamedTuple):
    """One configuration; transforms are ids."""

    select: tuple[str, ...] | None = None  #: ``None``: not set
    ignore: tuple[str, ...] | None = None
    unsafe: bool | None = None
    exclude: tuple[str, ...] = ()
    online: bool | None = None
    mirrors: tuple[str, ...] = ()
    folder: str = ""  #: absolute, where the file lies; ``""`` for none


class Configurations:
    """The configuration of each folder, read once."""

    def __init__(self, resolve: Callable[[str], tuple[str, ...]]) -> None:
        """:param resolve: gives the ids a name stands for; raises ``ValueError`` with a clear line."""
        self._resolve = resolve
        self._folders: dict[str, Settings | ConfigProblem] = {}
        self._excludes: dict[str, Patterns] = {}

    def of(self, folder: str) -> Settings:
        """The settings for the files in ``folder`` (absolute).

        :raises ConfigProblem: when the configuration there is wrong.
        """
        found = self._find(folder)
        if isinstance(found, ConfigProblem):
            raise found
        return found

    def excluded(self, folder: str, path: str, is_folder: bool) -> bool:
        """Whether the configuration of ``folder`` excludes ``path``. A wrong configuration excludes nothing:
        its files come to light, and with them its error."""
        found = self._find(folder)
        if isinstance(found, ConfigProblem) or not found.exclude:
            return False
        if found.folder not in self._excludes:
            from dockopt.workspace.ignores import Patterns

            self._excludes[found.folder] = Patterns(found.folder, found.exclude)
        return self._excludes[found.folder].decide(path, is_folder) is True

    def _find(self, folder: str) -> Settings | ConfigProblem:
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = self._search(folder)
        return found

    def _search(self, folder: str) -> Settings | ConfigProblem:
        inside = folder.rstrip(os.sep) + os.sep  # thousands of folders are looked at: no os.path.join
        try:
            for name in ("dockopt.toml", "pyproject.toml"):
                file = inside + name
                table = _table(file) if os.access(file, os.F_OK) else None
                if table is not None:
                    return self._settings(file, folder, table)
        except ConfigProblem as problem:
            return problem
        parent = os.path.dirname(folder)
        if parent == folder or os.access(inside + ".git", os.F_OK):
            return Settings()
        return self._find(parent)

    def _settings(self, file: str, folder: str, table: dict[str, object]) -> Settings:
        for key in table:
            if key not in KEYS:
                from difflib import get_close_matches

                near = get_close_matches(key, KEYS, 1, 0.5)
                hint = f", did you mean {near[0]}?" if near else ";"
                raise ConfigProblem(f"{_shown(file)}: unknown key {key}{hint} allowed are {', '.join(KEYS)}")
        unsafe = table.get("unsafe-fixes")
        if unsafe is not None and not isinstance(unsafe, bool):
            raise _wrong(file, "unsafe-fixes", unsafe)
        online = table.get("online")
        if online is not None and not isinstance(online, bool):
            raise _wrong(file, "online", online)
        exclude = _strings(file, "exclude", table)
        if exclude:
            from dockopt.workspace.ignores import is_pattern

            for pattern in exclude:
                if not is_pattern(pattern):
                    raise ConfigProblem(f"{_shown(file)}: exclude: {pattern!r} is no pattern as git knows them")
        return Settings(
            select=self._transforms(file, "select", table),
            ignore=self._transforms(file, "ignore", table),
            unsafe=unsafe,
            exclude=exclude or (),
            online=online,
            mirrors=_mirrors(file, table),
            folder=folder,
        )

    def _transforms(self, file: str, key: str, table: dict[str, object]) -> tuple[str, ...] | None:
        names = _strings(file, key, table)
        if names is None:
            return None
        if key == "select" and not names:
            raise ConfigProblem(f"{_shown(file)}: select is empty, so nothing would run; leave the key out")
        try:
            return tuple(id for name in names for id in self._resolve(name))
        except ValueError as error:
            raise ConfigProblem(f"{_shown(file)}: {key}: {error}") from None


def _table(file: str) -> dict[str, object] | None:
    """The configuration in ``file``; ``None`` when there is no such file or it says nothing of dockopt."""
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigProblem(f"{_shown(file)}: cannot be read: {(error.strerror or '').lower()}") from None
    own = file.endswith("dockopt.toml")
    if not own and b"dockopt" not in data:
        return None
    import tomllib

    try:
        table: object = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"{_shown(file)}: is not valid TOML: {error}") from None
    if own:
        assert isinstance(table, dict)
        return table
    for key in ("tool", "dockopt"):
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigProblem(f"{_shown(file)}: tool.dockopt must be a table with the keys {', '.join(KEYS)}")
    return table


def _strings(file: str, key: str, table: dict[str, object]) -> tuple[str, ...] | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(file, key, value)
    return tuple(value)


def _mirrors(file: str, table: dict[str, object]) -> tuple[str, ...]:
    addresses = _strings(file, "registry-mirrors", table)
    if not addresses:
        return ()
    from dockopt.facts.online.reference import is_address

    for address in addresses:
        if not is_address(address):
            raise _wrong(file, "registry-mirrors", address)
    return tuple(address.rstrip("/") for address in addresses)


def _wrong(file: str, key: str, value: object) -> ConfigProblem:
    return ConfigProblem(f"{_shown(file)}: {key} must be {KEYS[key]}, not {value!r}")


def _shown(file: str) -> str:
    from dockopt.workspace.paths import shown

    return shown(file)
