"""The file tree of an image: what every layer brings, and what they come to on top of each other."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from typing import IO, NamedTuple, Protocol, cast

from dockopt.build.volatile import normalised, wanted

#: A file whose content is kept or normalised is read whole; none of those is larger in practice.
WHOLE_LIMIT = 64 << 20

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CAPABILITY = "SCHILY.xattr.security.capability"


class Node(NamedTuple):
    """One path of a tree. Times are left out: they tell when, not what, was built."""

    kind: str  #: ``file`` | ``dir`` | ``symlink`` | ``char`` | ``block`` | ``fifo``
    mode: int  #: permission, set-id and sticky bits
    uid: int
    gid: int
    size: int = 0  #: bytes, for a file
    digest: bytes = b""  #: SHA-256 of a file's content, normalised where :mod:`dockopt.build.volatile` says so
    target: str = ""  #: of a symbolic link; ``major:minor`` of a device
    capability: str = ""  #: file capabilities, as in the archive


class Layer(NamedTuple):
    """One layer."""

    nodes: dict[str, Node]  #: absolute path → node
    gone: frozenset[str]  #: paths it removes from below
    opaque: frozenset[str]  #: folders whose content from below it hides
    kept: dict[str, bytes]  #: contents of the package managers' records
    size: int  #: bytes of the files in it
    compressed: int = 0  #: bytes with gzip, where that was asked for


class Tree(NamedTuple):
    """What a container of the image sees."""

    nodes: dict[str, Node]
    kept: dict[str, bytes]


class Readable(Protocol):
    """All that is asked of a stream."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes."""
        ...


def read_layer(stream: Readable) -> Layer:
    """Read a layer's archive, compressed or not.

    :raises tarfile.TarError: where it is none.
    """
    nodes: dict[str, Node] = {}
    kept: dict[str, bytes] = {}
    gone: set[str] = set()
    opaque: set[str] = set()
    size = 0
    with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|*", ignore_zeros=False, errorlevel=2) as archive:
        for member in archive:
            archive.members.clear()  # type: ignore[attr-defined]  # else it remembers every header
            path = _absolute(member.name)
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                opaque.add(folder or "/")
            elif name.startswith(_WHITEOUT):
                gone.add(f"{folder}/{name[len(_WHITEOUT) :]}")
            elif path != "/":
                if member.islnk():
                    # A hard link is its file under another name; which of both comes first is chance.
                    linked = _absolute(member.linkname)
                    if linked in nodes:
                        nodes[path] = nodes[linked]
                        if linked in kept and wanted(path):
                            kept[path] = kept[linked]
                    continue
                node = _node(archive, member, path, kept)
                nodes[path] = node
                size += member.size
    return Layer(nodes, frozenset(gone), frozenset(opaque), kept, size)


def _absolute(name: str) -> str:
    return "/" + "/".join(part for part in name.split("/") if part not in ("", "."))


def _node(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, kept: dict[str, bytes]) -> Node:
    common = (member.mode & 0o7777, member.uid, member.gid)
    if member.isdir():
        return Node("dir", *common)
    if member.issym():
        # The mode of a symbolic link means nothing on Linux (symlink(7)).
        return Node("symlink", 0o777, member.uid, member.gid, target=member.linkname)
    if member.isreg():
        content = archive.extractfile(member)
        assert content is not None
        size, digest = _content(content, member.size, path, kept)
        return Node("file", *common, size, digest, capability=member.pax_headers.get(_CAPABILITY, ""))
    if member.isfifo():
        return Node("fifo", *common)
    kind = "block" if member.isblk() else "char"
    return Node(kind, *common, target=f"{member.devmajor}:{member.devminor}")


def _content(stream: IO[bytes], size: int, path: str, kept: dict[str, bytes]) -> tuple[int, bytes]:
    change = normalised(path)
    keep = wanted(path)
    if (change is not None or keep) and size <= WHOLE_LIMIT:
        data = stream.read()
        if keep:
            kept[path] = data
        if change is not None:
            data = change(data)
        return len(data), hashlib.sha256(data).digest()
    if size == 0:
        return 0, _EMPTY
    total = hashlib.sha256()
    while part := stream.read(1 << 18):
        total.update(part)
    return size, total.digest()


_EMPTY = hashlib.sha256().digest()


def flatten(layers: Iterable[Layer]) -> Tree:
    """Lay layers on top of each other, the lowest first (OCI image specification, layer.md)."""
    nodes: dict[str, Node] = {}
    kept: dict[str, bytes] = {}
    for layer in layers:
        # What stops being a folder takes what was in it along.
        replaced = {
            path
            for path, node in layer.nodes.items()
            if node.kind != "dir" and path in nodes and nodes[path].kind == "dir"
        }
        if layer.gone or layer.opaque or replaced:
            whole = layer.gone | replaced
            doomed = [path for path in nodes if _hidden(path, whole, layer.opaque)]
            for path in doomed:
                del nodes[path]
                kept.pop(path, None)
        nodes.update(layer.nodes)
        for path in layer.nodes:
            kept.pop(path, None)
        kept.update(layer.kept)
    return Tree(nodes, kept)


def _hidden(path: str, gone: frozenset[str] | set[str], opaque: frozenset[str]) -> bool:
    if path in gone:
        return True
    end = path.rfind("/")
    while end > 0:
        folder = path[:end]
        if folder in gone or folder in opaque:
            return True
        end = path.rfind("/", 0, end)
    return "/" in opaque
