"""What differs between two images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from dockopt.build.packages import Packages
from dockopt.build.tree import Node, Tree
from dockopt.build.volatile import content_varies, names_vary


class Difference(NamedTuple):
    """One thing that is not the same."""

    aspect: str  #: ``build`` | ``config`` | ``files`` | ``packages`` | ``behaviour``
    what: str  #: a configuration key, an absolute path, ``manager:package``, or what was observed
    change: str  #: ``added`` | ``removed`` | ``changed``; of a file also which: ``content``, ``mode``, …
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.change == "added":
            return f"{self.what} is added" + (f" ({self.after})" if self.after else "")
        if self.change == "removed":
            return f"{self.what} is missing" + (f" (was {self.before})" if self.before else "")
        what = self.what if self.change == "changed" else f"{self.change} of {self.what}"
        return f"{what} is {self.after}, was {self.before}"


def compare_config(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """Key by key."""
    return _compare("config", before, after)


def compare_packages(before: Packages, after: Packages) -> list[Difference]:
    """Package by package, with versions; one more or one less of several copies is an addition or a removal."""
    return [_copies(each) for each in _compare("packages", before.versions, after.versions)]


def _copies(difference: Difference) -> Difference:
    old, new = set(difference.before.split(", ")), set(difference.after.split(", "))
    if difference.change == "changed" and old < new:
        return difference._replace(change="added", before="", after=", ".join(sorted(new - old)))
    if difference.change == "changed" and new < old:
        return difference._replace(change="removed", before=", ".join(sorted(old - new)), after="")
    return difference


def _compare(aspect: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is None:
            found.append(Difference(aspect, key, "added", "", new or ""))
        elif new is None:
            found.append(Difference(aspect, key, "removed", old, ""))
        elif old != new:
            found.append(Difference(aspect, key, "changed", old, new))
    return found


def compare_trees(before: Tree, after: Tree) -> list[Difference]:
    """Path by path: type, mode, owner, content, link target, capabilities; volatile paths set aside."""
    found: list[Difference] = []
    for path in sorted(before.nodes.keys() | after.nodes.keys()):
        old, new = before.nodes.get(path), after.nodes.get(path)
        if old == new or names_vary(path):
            continue
        if old is None:
            assert new is not None
            found.append(Difference("files", path, "added", "", _brief(new)))
        elif new is None:
            found.append(Difference("files", path, "removed", _brief(old), ""))
        else:
            found.extend(_compare_nodes(path, old, new, before, after))
    return found


def _compare_nodes(path: str, old: Node, new: Node, before: Tree, after: Tree) -> list[Difference]:
    if old.kind != new.kind:
        return [Difference("files", path, "type", _brief(old), _brief(new))]
    found = []
    if old.mode != new.mode:
        found.append(Difference("files", path, "mode", f"{old.mode:04o}", f"{new.mode:04o}"))
    if (old.uid, old.gid) != (new.uid, new.gid):
        found.append(Difference("files", path, "owner", f"{old.uid}:{old.gid}", f"{new.uid}:{new.gid}"))
    if old.target != new.target:
        found.append(Difference("files", path, "target", old.target, new.target))
    if old.capability != new.capability:
        found.append(Difference("files", path, "capabilities", old.capability or "none", new.capability or "none"))
    if old.digest != new.digest and not content_varies(path) and not _follows_its_source(path, before, after):
        found.append(Difference("files", path, "content", _content(old), _content(new)))
    return found


_COMPILED = re.compile(r"(?P<folder>.*)/__pycache__/(?P<name>[^/.]+)\.[^/]*\.pyc")


def _follows_its_source(path: str, before: Tree, after: Tree) -> bool:
    """Bytecode whose source is the same: it differs by reference counts of the compiling interpreter."""
    match = _COMPILED.fullmatch(path)
    if match is None:
        return False
    source = f"{match['folder']}/{match['name']}.py"
    return source in before.nodes and before.nodes[source].digest == getattr(after.nodes.get(source), "digest", None)


def _brief(node: Node) -> str:
    names = {"dir": "folder", "symlink": f"link to {node.target}", "file": f"file of {node.size} bytes"}
    return names.get(node.kind, f"{node.kind} {node.target}".strip())


def _content(node: Node) -> str:
    return f"{node.size} bytes, SHA-256 {node.digest.hex()[:12]}"
