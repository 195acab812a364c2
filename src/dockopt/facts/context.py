"""The build context of a Dockerfile: which folder, who says so, what it holds and what is hidden from it.

A compose, bake, skaffold, workflow or devcontainer file that builds the Dockerfile names the context; a compose
file may stand in a folder beside it, as ``deploy`` or ``docker``.
Without one it is the Dockerfile's own folder, or the nearest folder above it inside the repository in
which every source of COPY and ADD exists. Nothing is read before it is asked for, no more than
:data:`MAX_ENTRIES` files are listed, and no file over :data:`MAX_BYTES` is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.buildfiles import Build, beside, candidates, read
from dockopt.facts.ignorefile import Hidden, IgnoreRules, PatternError, check_syntax
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.lazy import lazy

if TYPE_CHECKING:
    from dockopt.facts.outside import Outside

MAX_ENTRIES = 20_000
MAX_DEPTH = 24
MAX_BYTES = 2_000_000
_URL = re.compile(r"(?:https?|ftp|git|ssh)://|git@", re.I)


class Listing(NamedTuple):
    """The files of a context that a build sees."""

    files: tuple[str, ...]  #: relative to the context, with slashes, sorted
    truncated: bool  #: there are more than were listed


class Context:
    """A build context. Paths given and returned are relative to it, with slashes."""

    def __init__(
        self, root: str, dockerfile: str, evidence: str, builds: tuple[Build, ...] = (), problems: tuple[str, ...] = ()
    ) -> None:
        self.root = root  #: absolute
        self.dockerfile = dockerfile  #: absolute
        self.evidence = evidence
        self.builds = builds  #: every build of this Dockerfile that a file describes
        self.problems = problems  #: files that may describe builds and could not be read, with the reason
        self.overlay: dict[str, bytes] = {}  #: ignore files that are about to be written, by absolute path
        self._texts: dict[str, Known[str] | Unknown] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        """The ``--target`` stages somebody builds; ``?`` for one with a variable as its name."""
        return tuple(sorted({build.target for build in self.builds if build.target}))

    @lazy
    def ignore(self) -> IgnoreRules:
        """The ignore file in force: ``<Dockerfile>.dockerignore`` beside the Dockerfile, else the context's own."""
        for path in (self.dockerfile + ".dockerignore", os.path.join(self.root, ".dockerignore")):
            planned = self.overlay.get(path)
            if planned is not None:
                return IgnoreRules(planned.decode("utf-8", "surrogateescape"), os.path.relpath(path, self.root))
            try:
                with open(path, encoding="utf-8", errors="surrogateescape") as file:
                    text = file.read(MAX_BYTES)
            except OSError:
                continue
            return IgnoreRules(text, os.path.relpath(path, self.root))
        return IgnoreRules()

    @property
    def ignore_path(self) -> str:
        """Where the ignore file in force stands, or would stand: an absolute path."""
        source = self.ignore.source
        return os.path.normpath(os.path.join(self.root, source or ".dockerignore"))

    def under(self, rules: IgnoreRules) -> Context:
        """The same context with other ignore rules in force."""
        other = Context(self.root, self.dockerfile, self.evidence, self.builds, self.problems)
        other.__dict__["ignore"] = rules
        return other

    def path(self, name: str) -> str:
        """The absolute path of a name in the context."""
        return os.path.join(self.root, *name.split("/")) if name not in ("", ".") else self.root

    def _inside(self, name: str) -> bool:
        normal = os.path.normpath(name)
        return not os.path.isabs(normal) and normal != ".." and not normal.startswith(".." + os.sep)

    def exists(self, name: str) -> bool:
        """Whether the builder sees a file or folder by that name: it is there and not hidden."""
        if not self._inside(name) or not os.path.lexists(self.path(name)):
            return False
        name = _plain(name)
        if not self.ignore.match(name):
            return True
        # A hidden folder is sent all the same where a ! rule brings something inside it back.
        return os.path.isdir(self.path(name)) and any(True for _ in self._walk(name))

    def is_file(self, name: str) -> bool:
        return self._inside(name) and os.path.isfile(self.path(name)) and not self.ignore.match(_plain(name))

    def is_dir(self, name: str) -> bool:
        return self._inside(name) and os.path.isdir(self.path(name)) and self.exists(name)

    def hidden(self, name: str) -> Hidden | None:
        """The ignore rule that hides a file which is there; None for one that is seen or not there."""
        name = _plain(name)
        if not self._inside(name) or not os.path.lexists(self.path(name)):
            return None
        hidden, rule = self.ignore.decide(name)
        return Hidden(name, rule) if hidden else None

    def text(self, name: str) -> Known[str] | Unknown:
        """The text of a file the builder sees."""
        name = _plain(name)
        if name not in self._texts:
            self._texts[name] = self._read(name)
        return self._texts[name]

    def _read(self, name: str) -> Known[str] | Unknown:
        hidden = self.hidden(name)
        if hidden is not None:
            return Unknown(f"{hidden.rule} hides {name} from the build")
        if not self._inside(name):
            return Unknown(f"{name} is outside the build context")
        path = self.path(name)
        if os.path.islink(path) and not os.path.realpath(path).startswith(os.path.realpath(self.root) + os.sep):
            return Unknown(f"{name} is a link out of the build context")
        if os.path.exists(path) and not os.path.isfile(path):
            return Unknown(f"{name} is no file")
        try:
            if os.path.getsize(path) > MAX_BYTES:
                return Unknown(f"{name} is over {MAX_BYTES} bytes")
            with open(path, encoding="utf-8-sig") as file:
                return Known(file.read(), name)
        except UnicodeDecodeError:
            return Unknown(f"{name} is not UTF-8")
        except OSError as error:
            return Unknown(f"{name} cannot be read: {error.strerror or error}")

    def names(self, folder: str = ".") -> tuple[str, ...]:
        """The names in one folder that the builder sees, sorted; nothing for a folder that is not there."""
        folder = _plain(folder)
        if not self._inside(folder):
            return ()
        return tuple(name for name in self.all_names(folder) if not self.ignore.match(_join(folder, name)))

    def all_names(self, folder: str = ".") -> tuple[str, ...]:
        """The names in one folder, those hidden from the builder too, sorted; nothing for a folder not there."""
        folder = _plain(folder)
        if not self._inside(folder):
            return ()
        try:
            return tuple(sorted(os.listdir(self.path(folder))))
        except OSError:
            return ()

    @lazy
    def listing(self) -> Listing:
        """Every file the builder sees, up to :data:`MAX_ENTRIES`."""
        found: list[str] = []
        for name in self._walk("."):
            if len(found) >= MAX_ENTRIES:
                return Listing(tuple(sorted(found)), True)
            found.append(name)
        return Listing(tuple(sorted(found)), False)

    def _walk(self, start: str) -> Iterator[str]:
        """The visible files below a folder. Hidden folders are entered only where a rule brings back part of them."""
        pending = [(_plain(start), 0)]
        seen = 0
        while pending:
            folder, depth = pending.pop()
            try:
                entries = list(os.scandir(self.path(folder)))
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if seen > MAX_ENTRIES * 10:
                    return
                name = _join(folder, entry.name)
                hidden = self.ignore.match(name)
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH and (not hidden or self.ignore.may_hold_exceptions(name)):
                        pending.append((name, depth + 1))
                elif not hidden:
                    yield name

    def sources(self, pattern: str) -> Known[tuple[str, ...]] | Unknown:
        """What a source of COPY or ADD names in this context, by BuildKit's wildcard rules.

        https://docs.docker.com/reference/dockerfile/#pattern-matching: Go's filepath.Match on each part,
        so ``*`` stays inside one part and there is no ``**``.
        """
        if self.ignore.error:
            return Unknown(f"Docker refuses the ignore file: {self.ignore.error}")
        return self._expand(pattern, visible=True)

    def _expand(self, pattern: str, *, visible: bool) -> Known[tuple[str, ...]] | Unknown:
        plain = _plain(pattern.lstrip("/"))
        if not self._inside(plain):
            return Unknown(f"{pattern} is outside the build context")
        seen = self.exists if visible else lambda name: os.path.lexists(self.path(name))
        if not _wild(plain):
            if seen(plain):
                return Known((plain,), self.evidence)
            hidden = self.hidden(plain)
            if hidden is not None:
                return Unknown(f"{hidden.rule} hides {plain} from the build")
            return Unknown(f"{plain} is not in the build context {self.root}")
        found = ["."]
        for part in plain.split("/"):
            if not _wild(part):
                found = [name for name in (_join(folder, part) for folder in found) if os.path.lexists(self.path(name))]
                continue
            try:
                matcher = go_match(part)
            except PatternError as error:
                return Unknown(f"{pattern}: {error}")
            deeper: list[str] = []
            for folder in found[:MAX_ENTRIES]:
                try:
                    names = sorted(os.listdir(self.path(folder)))
                except OSError:
                    continue
                deeper += [_join(folder, name) for name in names if matcher.fullmatch(name)]
            found = deeper
        matched = tuple(name for name in found if seen(name))
        return Known(matched, self.evidence) if matched else Unknown(f"nothing in the build context matches {pattern}")


def go_match(pattern: str) -> re.Pattern[str]:
    """Go's ``filepath.Match`` for one part of a path, as a regular expression.

    :raises PatternError: for a pattern Go rejects.
    """
    check_syntax(pattern)
    out: list[str] = []
    position = 0
    while position < len(pattern):
        ch = pattern[position]
        position += 1
        if ch == "*":
            out.append("[^/]*")
        elif ch == "?":
            out.append("[^/]")
        elif ch == "\\":
            out.append(re.escape(pattern[position]))
            position += 1
        elif ch == "[":
            end = position + (1 if pattern.startswith("^", position) else 0)
            items: list[str] = []
            while pattern[end] != "]" or not items:
                low, end = _character(pattern, end)
                high = low
                if pattern.startswith("-", end):
                    high, end = _character(pattern, end + 1)
                # A range that runs backwards matches nothing, and is no error to Go.
                items.append(f"{re.escape(low)}-{re.escape(high)}" if low <= high else "")
            inner = "".join(items)
            negated = pattern.startswith("^", position)
            out.append(f"[{'^' if negated else ''}{inner}]" if inner else ("." if negated else "(?!)"))
            position = end + 1
        else:
            out.append(re.escape(ch))
    return re.compile("".join(out), re.S)


def _character(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position] == "\\":
        position += 1
    return pattern[position], position + 1


def _wild(text: str) -> bool:
    return any(ch in text for ch in "*?[\\")


def _plain(name: str) -> str:
    return os.path.normpath(name).replace(os.sep, "/")


def _join(folder: str, name: str) -> str:
    return name if folder in (".", "") else f"{folder}/{name}"


def find_context(outside: Outside | None, sources: tuple[str, ...]) -> Known[Context] | Unknown:
    """The build context of a Dockerfile.

    ``sources`` are the local sources of its COPY and ADD instructions, variables expanded; those that
    hold an unknown variable are to be left out.
    """
    if outside is None or outside.path is None:
        return Unknown("no file path: the build context of a text that is no file cannot be known")
    path = os.path.abspath(outside.path)
    if outside.context_dir is not None:
        root = os.path.abspath(outside.context_dir)
        if not os.path.isdir(root):
            return Unknown(f"the context given, {outside.context_dir}, is no folder")
        return Known(Context(root, path, "given by --context"), "given by --context")
    folder = os.path.dirname(path)
    top = repository_root(folder)
    builds, problems = _described(path, folder, top)
    if builds:
        return _from_builds(path, builds, problems, sources)
    if problems:
        # It may name another folder than the rule would find, or a target somebody builds.
        return Unknown(f"{problems[0]}; --context says which folder it is")
    return _from_sources(path, folder, top, sources)


def repository_root(folder: str) -> str:
    """The nearest folder from ``folder`` up that holds ``.git``, else the current one if it is above, else ``folder``."""
    current = folder
    while True:
        if os.path.exists(os.path.join(current, ".git")):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            break
        current = parent
    here = os.getcwd()
    return here if folder == here or folder.startswith(here.rstrip(os.sep) + os.sep) else folder


def _above(folder: str, top: str) -> list[str]:
    found = [folder]
    while found[-1] != top and os.path.dirname(found[-1]) != found[-1]:
        found.append(os.path.dirname(found[-1]))
    return found


def _described(path: str, folder: str, top: str) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """The builds of this Dockerfile that files from its folder up to the repository's root describe."""
    builds: list[Build] = []
    problems: list[str] = []
    places = _above(folder, top)
    files = [name for place in places for name in candidates(place)]
    files += [name for place in places for name in beside(place)]
    for name in dict.fromkeys(files):
        result = read(name, top)
        if result.problem:
            problems.append(result.problem)
        builds += [build for build in result.builds if build.dockerfile == path]
    return tuple(builds), tuple(problems)


def _from_builds(
    path: str, builds: tuple[Build, ...], problems: tuple[str, ...], sources: tuple[str, ...]
) -> Known[Context] | Unknown:
    roots = list(dict.fromkeys(build.context for build in builds))
    usable = [root for root in roots if os.path.isdir(root)]
    if not usable:
        return Unknown(f"{builds[0].evidence} names the context {roots[0]}, which is no folder")
    if len(usable) > 1:
        complete = [root for root in usable if not _missing(root, path, sources)]
        if len(complete) != 1:
            says = "; ".join(
                f"{build.evidence} says {os.path.relpath(build.context, os.path.dirname(path))}" for build in builds
            )
            return Unknown(f"the build files do not agree on the context: {says}")
        usable = complete
    own = tuple(build for build in builds if build.context == usable[0])
    evidence = own[0].evidence + (f" and {len(own) - 1} more" if len(own) > 1 else "")
    missing = _missing(usable[0], path, sources)
    if missing:
        return Unknown(f"{evidence} names the context {usable[0]}, which does not hold {missing[0]}")
    return Known(Context(usable[0], path, evidence, own, problems), evidence)


def _from_sources(path: str, folder: str, top: str, sources: tuple[str, ...]) -> Known[Context] | Unknown:
    if not sources:
        evidence = "the Dockerfile's own folder: nothing is copied"
        return Known(Context(folder, path, evidence), evidence)
    for place in _above(folder, top):
        if _missing(place, path, sources):
            continue
        if place == folder and place != top and _bare(folder, sources):
            continue
        where = "the Dockerfile's own folder" if place == folder else f"the folder {os.path.relpath(place, folder)}"
        evidence = f"{where}: every COPY and ADD source is in it"
        return Known(Context(place, path, evidence), evidence)
    missing = _missing(folder, path, sources)
    names = ", ".join(missing[:3]) or "the sources"
    return Unknown(
        f"no folder from the Dockerfile's up to {top} holds every COPY and ADD source: {names} not beside the Dockerfile"
    )


def _missing(root: str, dockerfile: str, sources: tuple[str, ...]) -> list[str]:
    context = Context(root, dockerfile, "")
    return [source for source in sources if isinstance(context._expand(source, visible=False), Unknown)]


def _bare(folder: str, sources: tuple[str, ...]) -> bool:
    """Whether a folder that is copied whole holds nothing but Dockerfiles: a ``docker/`` folder beside the code."""
    if any(_plain(source.lstrip("/")) not in (".", "*") for source in sources):
        return False
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return all("dockerfile" in name.lower() or name.lower() in (".dockerignore", "readme.md") for name in names)


def local_source(text: str) -> bool:
    """Whether a source of COPY or ADD is a path in the context, not a URL, git repository or heredoc."""
    return not _URL.match(text) and not text.startswith("<<")
