"""The packages in an image, read from its files: no program of the image is run."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from dockopt.build.tree import Tree

_DIST_INFO = re.compile(
    r"/(?P<name>[^/]+?)-(?P<version>[0-9][^/-]*)(?:-py[0-9.]+)?\.(?:dist-info|egg-info)(?P<rest>/METADATA|/PKG-INFO)?"
)
_PYTHON_FOLDER = re.compile(r"/(?:site|dist)-packages\Z")
_RPM_DATABASES = ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite")


class Packages(NamedTuple):
    """What is installed."""

    versions: dict[str, str]  #: ``manager:name`` → version; several copies of one name joined by commas
    owners: dict[str, str]  #: path → ``manager:name``, as the manager's records have it


def packages(tree: Tree) -> Packages:
    """All packages of dpkg, apk, rpm, pip and npm in ``tree``.

    ``apt:`` stands for dpkg's packages, after the effects' names; ``rpm:`` for those of dnf, yum and zypper.
    """
    found: dict[str, set[str]] = {}
    owners: dict[str, str] = {}
    for name, version, files in _all(tree):
        if name.startswith(("pip:", "npm:")) and files[0] in owners:
            continue  # python3-yaml's: the distribution's manager has it, and whoever lists its package too
        found.setdefault(name, set()).add(version)
        for path in files:
            owners[path] = name
    return Packages({name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())}, owners)


_Package = tuple[str, str, "list[str]"]


def _all(tree: Tree) -> Iterator[_Package]:
    yield from _dpkg(tree)
    yield from _apk(tree)
    yield from _rpm(tree)
    yield from _pip(tree)
    yield from _npm(tree)


def _dpkg(tree: Tree) -> Iterator[_Package]:
    for path, data in tree.kept.items():
        # Distroless images keep one file a package (github.com/GoogleContainerTools/distroless).
        if path != "/var/lib/dpkg/status" and not path.startswith("/var/lib/dpkg/status.d/"):
            continue
        for block in data.decode("utf-8", "replace").split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(" ")
            )
            name = fields.get("Package")
            if name is None or not fields.get("Status", "install ok installed").endswith(" installed"):
                continue
            files: list[str] = []
            for suffix in ("", f":{fields.get('Architecture', '')}"):
                listing = tree.kept.get(f"/var/lib/dpkg/info/{name}{suffix}.list")
                if listing is not None:
                    files = [_merged(line) for line in listing.decode("utf-8", "replace").splitlines() if line != "/."]
                    break
            yield f"apt:{name}", fields.get("Version", ""), files


def _merged(path: str) -> str:
    """dpkg's lists name ``/lib/x`` where ``/lib`` is a link to ``usr/lib`` (wiki.debian.org/UsrMerge)."""
    for folder in ("/bin/", "/sbin/", "/lib/", "/lib64/"):
        if path.startswith(folder):
            return "/usr" + path
    return path


def _apk(tree: Tree) -> Iterator[_Package]:
    data = tree.kept.get("/lib/apk/db/installed") or tree.kept.get("/usr/lib/apk/db/installed")
    if data is None:
        return
    for block in data.decode("utf-8", "replace").split("\n\n"):
        name = version = folder = ""
        files: list[str] = []
        for line in block.split("\n"):
            key, value = line[:2], line[2:]
            if key == "P:":
                name = value
            elif key == "V:":
                version = value
            elif key == "F:":
                folder = f"/{value}"
            elif key == "R:":
                files.append(f"{folder.rstrip('/')}/{value}")
        if name:
            yield f"apk:{name}", version, files


def _rpm(tree: Tree) -> Iterator[_Package]:
    data = next((tree.kept[path] for path in _RPM_DATABASES if path in tree.kept), None)
    if data is None:
        return
    import sqlite3

    with sqlite3.connect(":memory:") as database:
        try:
            database.deserialize(_without_wal(data))
            rows = database.execute("SELECT blob FROM Packages").fetchall()
        except sqlite3.DatabaseError:
            return  # read while being written to; the files are compared all the same
    for (blob,) in rows:
        header = _rpm_header(blob)
        name = header.get(1000)
        if isinstance(name, str) and name != "gpg-pubkey":
            folders, names, indices = header.get(1118, []), header.get(1117, []), header.get(1116, [])
            files = [
                f"{folders[index]}{base}" for base, index in zip(names, indices, strict=False) if index < len(folders)
            ]
            yield f"rpm:{name}", f"{header.get(1001, '')}-{header.get(1002, '')}", files


def _without_wal(data: bytes) -> bytes:
    # Bytes 18 and 19 say "write-ahead log"; without that log beside it SQLite opens the file only with
    # them set to 1 (sqlite.org/fileformat.html).
    return data[:18] + b"\1\1" + data[20:]


def _rpm_header(blob: bytes) -> dict[int, Any]:
    """Name, version, release and files of a package header (rpm.org, "RPM Package File Structure")."""
    count, length = struct.unpack(">II", blob[:8])
    data = blob[8 + 16 * count : 8 + 16 * count + length]
    header: dict[int, Any] = {}
    for position in range(count):
        tag, kind, offset, number = struct.unpack(">IIII", blob[8 + 16 * position : 24 + 16 * position])
        if tag not in (1000, 1001, 1002, 1116, 1117, 1118):
            continue
        if kind == 6:
            header[tag] = _text(data, offset)[0]
        elif kind == 8:
            texts = []
            for _ in range(number):
                text, offset = _text(data, offset)
                texts.append(text)
            header[tag] = texts
        elif kind == 4:
            header[tag] = list(struct.unpack(f">{number}I", data[offset : offset + 4 * number]))
    return header


def _text(data: bytes, offset: int) -> tuple[str, int]:
    end = data.index(b"\0", offset)
    return data[offset:end].decode("utf-8", "replace"), end + 1


def _pip(tree: Tree) -> Iterator[_Package]:
    for path, node in tree.nodes.items():
        if not path.endswith(("-info/METADATA", "-info/PKG-INFO", ".egg-info")) or node.kind != "file":
            continue
        folder = path.rpartition("/")[0]
        if path.endswith(("METADATA", "PKG-INFO")):
            folder = folder.rpartition("/")[0]
        match = _DIST_INFO.fullmatch(path[len(folder) :])
        if match is not None and _PYTHON_FOLDER.search(folder):
            yield f"pip:{re.sub(r'[-_.]+', '-', match['name']).lower()}", match["version"], [path]


def _npm(tree: Tree) -> Iterator[_Package]:
    for path, data in tree.kept.items():
        if not path.endswith("/package.json"):
            continue
        try:
            about = json.loads(data)
        except ValueError:
            continue
        if isinstance(about, dict) and isinstance(about.get("name"), str) and isinstance(about.get("version"), str):
            yield f"npm:{about['name']}", about["version"], [path]
