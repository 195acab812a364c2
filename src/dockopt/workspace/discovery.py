"""Finding Dockerfiles: files named by the user, and those in folders named by the user."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from dockopt.workspace.ignores import Ignores, above
from dockopt.workspace.read import FileProblem, why

#: Folders never walked: version control's own and those a package manager fills with other people's files.
SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules"})

# Endings that make of "Dockerfile.…" something else: templates, notes, data, leftovers of editors.
_NOT_DOCKERFILES = (
    ".dockerignore", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".in", ".mustache",
    ".hbs", ".ejs", ".m4", ".gotmpl", ".envsubst", ".jsonnet", ".liquid", ".twig",
    ".md", ".rst", ".adoc", ".html", ".pdf", ".png", ".svg",
    ".json", ".yml", ".yaml", ".toml", ".xml", ".csv", ".lock", ".sha256", ".asc", ".sig",
    ".expected", ".expected", ".orig", ".rej", ".bak", ".swp", ".swo", ".tmp", ".patch", ".diff", ".log", ".pyc", ".class", "~",
)  # fmt: skip

# Endings of sources. "Dockerfile.go" is a Dockerfile for Go in one repository and a Go file in the next: only
# the contents can tell.
_SOURCES = (
    ".bash", ".c", ".cc", ".cpp", ".cs", ".dart", ".ex", ".exs", ".go", ".groovy", ".h", ".hs", ".java",
    ".js", ".jsx", ".kt", ".lua", ".mjs", ".php", ".pl", ".ps1", ".py", ".rb", ".rs", ".scala", ".sh",
    ".swift", ".ts", ".tsx", ".txt",
)  # fmt: skip


class Found(NamedTuple):
    """What a search gave."""

    files: tuple[str, ...]  #: as the user would name them: relative where the argument was; each file once
    problems: tuple[FileProblem, ...]


#: ``excluded(folder, path, is_folder)``: whether the configuration of ``folder`` leaves ``path`` out.
#: Both paths are absolute.
Excluded = Callable[[str, str, bool], bool]


def is_dockerfile_name(name: str) -> bool:
    """Whether a file of this name found in a folder is taken for a Dockerfile.

    ``Dockerfile``, ``Dockerfile.dev``, ``Dockerfile-dev``, ``dev.Dockerfile``, ``dev.dockerfile`` and the
    same with Containerfile; not ``Dockerfile.j2``, ``Dockerfile.dockerignore``, ``Dockerfile.orig``. For the
    ending of a programming language see :func:`find`.
    """
    lower = name.lower()
    if lower in ("dockerfile", "containerfile"):
        return True
    if lower.endswith(_NOT_DOCKERFILES):
        return False
    if lower.endswith((".dockerfile", ".containerfile")):
        return True
    # Upper case only: dockerfile.py and dockerfile_test.go are modules.
    for stem in ("Dockerfile", "Containerfile"):
        if name.startswith(stem):
            return name[len(stem)] in ".-_" and len(name) > len(stem) + 1
    return False


def find(paths: Iterable[str], excluded: Excluded) -> Found:
    """The Dockerfiles that ``paths`` name, in the order named, those of a folder sorted by path.

    A file is taken whatever its name, ignored or not. A folder is walked: what git ignores or the
    configuration excludes is left out, symbolic links to folders are not followed, a link to a file outside
    the folder is left out. ``Dockerfile.go`` and its like are taken when they begin as a Dockerfile does.
    """
    collector = _Collector(excluded)
    for path in paths:
        collector.add(path)
    return Found(tuple(collector.files), tuple(collector.problems))


class _Collector:
    def __init__(self, excluded: Excluded) -> None:
        self.files: list[str] = []
        self.problems: list[FileProblem] = []
        self._excluded = excluded
        self._seen: set[str] = set()
        self._folders: dict[str, str] = {}

    def add(self, path: str) -> None:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            mode = 0  # reading it gives the error its line
        is_link = stat.S_ISLNK(mode)
        if stat.S_ISDIR(mode) or (is_link and os.path.isdir(path)):
            self._walk(path)
        else:
            self._take(os.path.normpath(path) if path else path, is_link)

    def _take(self, path: str, is_link: bool) -> None:
        # Twice the same file, named twice or through a link, would be two processes writing one file.
        if is_link:
            real = os.path.realpath(path)
        else:
            folder, slash, name = path.rpartition(os.sep)  # a normalised path: nothing that os.path.split knows better
            real = self._real(folder or slash).rstrip(os.sep) + os.sep + name
        if real not in self._seen:
            self._seen.add(real)
            self.files.append(path)

    def _real(self, folder: str) -> str:
        """``os.path.realpath`` of a normalised path, which looks at each folder above once for all files below."""
        real = self._folders.get(folder)
        if real is None:
            above, name = os.path.split(folder)
            if name in ("", ".", ".."):
                real = os.path.realpath(folder)
            else:
                real = os.path.join(self._real(above), name)
                if os.path.islink(real):
                    real = os.path.realpath(real)
            self._folders[folder] = real
        return real

    def _walk(self, top: str) -> None:
        absolute = os.path.abspath(top)
        real_top = os.path.realpath(top)
        prefix = os.path.normpath(top)
        prefix = "" if prefix == "." else prefix
        files: list[tuple[str, bool]] = []
        ignores = above(absolute)
        excluded = self._excluded
        if ignores.ignored(absolute, True):
            ignores = Ignores()  # whoever names an ignored folder means it
        if excluded(os.path.dirname(absolute), absolute, True):
            excluded = _nothing
        pending: list[tuple[str, str, Ignores]] = [(prefix, absolute, ignores)]
        while pending:
            shown, folder, ignores = pending.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = list(listing)
            except OSError as error:
                self.problems.append(FileProblem(shown or ".", f"cannot be listed: {why(error)}"))
                continue
            ignores = ignores.inside(folder, {entry.name for entry in entries})
            for entry in entries:
                name = entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if name in SKIPPED_FOLDERS if is_folder else not is_dockerfile_name(name):
                    continue
                path = os.path.join(folder, name)
                if ignores.ignored(path, is_folder) or excluded(folder, path, is_folder):
                    continue
                if is_folder:
                    pending.append((os.path.join(shown, name), path, ignores))
                elif _is_ours(path, entry, real_top):
                    files.append((os.path.join(shown, name), entry.is_symlink()))
        # Files before links, so that of a file and a link to it the file is the one shown.
        for path, link in sorted(files, key=lambda item: (item[1], item[0])):
            self._take(path, link)


def _nothing(folder: str, path: str, is_folder: bool) -> bool:
    return False


def _is_ours(path: str, entry: os.DirEntry[str], real_top: str) -> bool:
    """Whether a file with a Dockerfile's name, found below ``real_top``, is to be handled."""
    if entry.is_symlink():
        if os.path.isdir(path):
            return False
        inside = os.path.realpath(path).startswith(real_top.rstrip(os.sep) + os.sep)
        # A dangling link is kept, to be reported: an image cannot be built from it.
        return inside or not os.path.exists(path)
    if not entry.is_file(follow_symlinks=False):
        return False
    return not entry.name.lower().endswith(_SOURCES) or _begins_like_a_dockerfile(path)


def _begins_like_a_dockerfile(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            head = stream.read(4096)
    except OSError:
        return True  # reading it again gives the error its line
    for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        words = line.split(None, 1)
        if words and not words[0].startswith(b"#"):
            return words[0].upper() in (b"FROM", b"ARG")
    return False
