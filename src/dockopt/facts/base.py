"""What is known of well-known base images without asking a registry.

The tables in ``data/base`` are made by ``tools/base_images.py`` from docker-library's published
definitions, dotnet-docker's manifests and distroless's tables; each names its source and date in its
first line. One table is read when an image by that name is first asked for. An image without a table
gives None: nothing is guessed from a name.

Lines of a table, fields parted by tabs: ``F`` a row of facts by number, ``W`` a long field the rows refer
to by ``@number``, ``T`` the versions of one tag suffix that share a row, ``S`` the versions of one suffix
that are published today, ``L`` the tags with a version that a tag without one stands for today.
``3.6.9~13`` stands for 3.6.9, 3.6.10 … 3.6.13.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from dockopt.facts.value import Known, Unknown

_FOLDER = os.path.join(os.path.dirname(__file__), "data", "base")
_NOT_LINUX = re.compile(r"windows|nanoserver|servercore|dotnet/framework|(^|/)iis(:|$)", re.I)
_VERSION = re.compile(r"v?\d[^-]*(?:-(?:rc|beta|alpha|preview|ea-\d+|ea|m)[.\d]*|-b\d+)*(?=-|\Z)")
_DATED = re.compile(r"(?<=.)-\d{8}(?:[.T][\d.]+)?(?=-|\Z)")
_NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*\Z")
_NONE: dict[str, str] = {}
_SHELLS = {
    "debian": "dash",
    "ubuntu": "dash",
    "alpine": "ash",
    "busybox": "ash",
    "fedora": "bash",
    "arch": "bash",
    "opensuse": "bash",
    "photon": "bash",
}


class BaseImage(NamedTuple):
    """A base image as far as the table knows it. A text field that is empty is not known."""

    name: str
    tag: str
    family: str  #: ``debian``, ``ubuntu``, ``alpine``, ``fedora`` (and rebuilds of RHEL), ``distroless``, ``scratch`` …
    workdir: str
    user: str = "root"
    distribution: str = ""  #: ``debian``, ``centos``, ``oracle``, ``ubi``, ``chiseled`` …
    release: str = ""  #: Debian's and Ubuntu's code name, else the number: ``bookworm``, ``3.20``, ``9``
    manager: str = ""  #: ``apt``, ``apk``, ``dnf``, ``yum``, ``microdnf``, ``zypper``, ``pacman``, ``tdnf``
    entrypoint: str = ""  #: a JSON list, ``sh:`` and a command; empty for none, ``?`` where it is not known
    cmd: str = ""  #: the same for CMD
    ports: tuple[str, ...] = ()  #: EXPOSE
    drops: str = ""  #: who leaves root by itself: ``entrypoint``, ``server:<account>``; empty for nobody known
    users: dict[str, str] = _NONE  #: accounts by name with their uid, empty where it is not fixed; never to be changed
    tools: frozenset[str] = frozenset()  #: commands that are certainly there; one that is missing may be there too
    path: str = ""  #: PATH where the image sets it
    env: dict[str, str] = _NONE  #: variables later instructions rely on (``GOPATH``, ``ASPNETCORE_HTTP_PORTS`` …)
    exact: bool = True  #: the tag is in the table; else these are the facts all its sister tags share
    evidence: str = ""
    #: a registry said so, not the table: of the file system nothing is known, only the configuration, all of it
    online: bool = False
    shell_words: tuple[str, ...] = ()  #: SHELL, where the image sets it; only a registry says so
    health: bool = False  #: the image has a HEALTHCHECK; only a registry says so

    @property
    def shell(self) -> str:
        """The shell behind ``/bin/sh``: ``dash``, ``ash``, ``bash``, or ``sh`` where nobody knows."""
        return _SHELLS.get(self.family, "sh")

    @property
    def minimal(self) -> bool:
        """Whether there is no shell and no package manager: distroless, chiseled, scratch."""
        return self.family in ("scratch", "distroless")

    @property
    def nonroot(self) -> str | None:
        """The account the image brings for running as: ``node``, ``nginx``, ``app`` …; None where there is none.

        Accounts every image of the distribution has (``nobody``, ``www-data`` of Debian) do not count,
        but where the image's own server drops to one.
        """
        if self.drops.startswith("server:"):
            return self.drops[7:]
        common = {"nobody", "www-data", "guest", "ubuntu"}
        if self.name in ("php", "wordpress", "httpd"):
            common.discard("www-data")
        own = [name for name in self.users if name not in common]
        return own[0] if len(own) == 1 else None

    @property
    def reference(self) -> str:
        return f"{self.name}:{self.tag}" if self.tag else self.name


def split_reference(reference: str) -> tuple[str, str, str]:
    """``name``, ``tag`` and ``digest`` of an image reference; Docker Hub's prefixes are dropped."""
    name, _, digest = reference.partition("@")
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    tag = name[colon + 1 :] if colon >= 0 else ""
    name = name[:colon] if colon >= 0 else name
    for prefix in ("docker.io/", "index.docker.io/", "registry-1.docker.io/"):
        name = name.removeprefix(prefix)
    return name.removeprefix("library/"), tag, digest


def canonical(reference: str) -> str:
    """A reference as two ways to write one image compare equal: ``docker.io/library/python`` is ``python:latest``."""
    name, tag, digest = split_reference(reference)
    return f"{name}@{digest}" if digest else f"{name}:{tag or 'latest'}"


def is_windows(reference: str) -> bool:
    """Whether an image reference names a Windows image, whose shell is cmd or PowerShell."""
    return bool(_NOT_LINUX.search(reference))


def lookup(reference: str) -> BaseImage | None:
    """The table's entry for an image reference, None where it has none.

    A tag the table does not have gives what all tags of the same suffix share: the table may be older
    than the tag. A reference by digest alone gives None, for nobody can tell its variant.
    """
    found = _looked_up.get(reference, _MISSING)
    if found is _MISSING:
        found = _looked_up[reference] = _lookup(reference)
    return found  # type: ignore[return-value]


_MISSING = object()
_looked_up: dict[str, object] = {}


def _lookup(reference: str) -> BaseImage | None:
    if reference == "scratch":
        return BaseImage("scratch", "", "scratch", "/", evidence="Docker's reserved empty image")
    name, tag, digest = split_reference(reference)
    if digest and not tag:
        return None
    table = table_of(name)
    return table.find(tag) if table is not None else None


_tables: dict[str, Table | None] = {}


def table_of(name: str) -> Table | None:
    """The table of an image by its name without tag, None where there is none."""
    if name not in _tables:
        text: str | None = None
        if _NAME.match(name):
            try:
                with open(os.path.join(_FOLDER, name.replace("/", "+") + ".txt"), encoding="utf-8") as file:
                    text = file.read()
            except OSError:
                text = None
        _tables[name] = Table(name, text) if text is not None else None
    return _tables[name]


class Table:
    """The table of one image: every tag it has had, as far as its definition could be read."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.source = text.partition("\n")[0][2:]
        # Looked through for what is asked: most runs ask for a tag or two of some hundred lines.
        self._text = text

    def _lines(self, *start: str) -> Iterator[str]:
        """What follows these first fields, for each line that has them."""
        head = "\n" + "\t".join(start) + "\t"
        at = self._text.find(head)
        while at >= 0:
            at += len(head)
            end = self._text.find("\n", at)
            yield self._text[at : end if end >= 0 else None]
            at = self._text.find(head, at)

    def _line(self, *start: str) -> str | None:
        return next(self._lines(*start), None)

    def find(self, tag: str) -> BaseImage | None:
        """The facts of a tag (empty: ``latest``); see :func:`lookup`."""
        asked = tag or "latest"
        row = self._row(asked)
        if row is None:
            plain = _DATED.sub("", asked)
            row = self._row(plain) if plain != asked else None
        if row is not None:
            return self._image(tag, self._cells(row), exact=True, evidence=f"table of base images: {self.source}")
        suffix = "" if asked == "latest" else split_tag(asked)[1]
        numbers = {line.partition("\t")[0] for line in self._lines("T", suffix)}
        if not numbers:
            return None
        rows = [self._cells(number) for number in numbers]
        shared = [cells[0] if len(set(cells)) == 1 else "" for cells in zip(*rows, strict=True)]
        tools = set.intersection(*(set(row[11].split()) for row in rows))
        users = set.intersection(*(set(row[10].split()) for row in rows))
        shared[11], shared[10] = " ".join(sorted(tools)), " ".join(sorted(users))
        for field in (6, 7):  # an empty ENTRYPOINT or CMD means none: where the rows differ it is not known
            if not shared[field] and any(row[field] for row in rows):
                shared[field] = "?"
        if not shared[1]:
            return None
        kind = f"ending in -{suffix}" if suffix else "without a suffix"
        evidence = f"what all {self.name} tags {kind} share in the table of base images: {self.source}"
        return self._image(tag, shared, exact=False, evidence=evidence)

    def supported(self, tag: str) -> bool:
        """Whether the tag (empty: ``latest``) was published when the table was made."""
        version, suffix = split_tag(tag or "latest")
        return _has(self._line("S", suffix) or "", version)

    def tags(self) -> list[str]:
        """The tags published when the table was made."""
        rows = (line.split("\t") for line in self._lines("S"))
        return [_tag(version, suffix) for suffix, text in rows for version in _expand(text)]

    def companions(self, tag: str) -> list[str]:
        """The tags with a version that a tag without one (empty: ``latest``) stood for when the table was made."""
        return (self._line("L", tag or "latest") or "").split()

    def has(self, tag: str) -> bool:
        """Whether the tag is in the table: published now or once."""
        return self._row(tag or "latest") is not None

    def _row(self, tag: str) -> str | None:
        version, suffix = split_tag(tag)
        for line in self._lines("T", suffix):
            row, _, versions = line.partition("\t")
            if _has(versions, version):
                return row
        return None

    def _cells(self, row: str) -> list[str]:
        cells = (self._line("F", row) or "").split("\t")
        return [(self._line("W", cell) or "") if cell[:1] == "@" else cell for cell in cells]

    def _image(self, tag: str, cells: list[str], *, exact: bool, evidence: str) -> BaseImage:
        return BaseImage(
            self.name,
            tag,
            cells[1],
            "" if cells[4] == "?" else cells[4],
            "" if cells[5] == "?" else cells[5],
            cells[0],
            cells[2],
            cells[3],
            cells[6],
            cells[7],
            tuple(cells[8].split()),
            cells[9],
            dict(word.split("=", 1) for word in cells[10].split()),
            frozenset(cells[11].split()),
            cells[12],
            dict(word.split("=", 1) for word in cells[13].split()),
            exact,
            evidence,
        )


def split_tag(tag: str) -> tuple[str, str]:
    """Version and suffix of a tag: ``3.13-slim-trixie`` is ``3.13`` and ``slim-trixie``."""
    match = _VERSION.match(tag)
    if match is None:
        return "", tag
    return match[0], tag[match.end() :].removeprefix("-")


def _tag(version: str, suffix: str) -> str:
    return f"{version}-{suffix}" if version and suffix else version or suffix


def _has(versions: str, version: str) -> bool:
    if f" {version} " in versions:
        return True
    head, _, last = version.rpartition(".")
    if "~" not in versions or not last.isdigit() or not head:
        return False
    number = int(last)
    start = versions.find(f" {head}.")
    while start >= 0:
        first, tilde, end = versions[start + 1 : versions.index(" ", start + 1)].partition("~")
        if tilde and first.rpartition(".")[0] == head and int(first.rpartition(".")[2]) <= number <= int(end):
            return True
        start = versions.find(f" {head}.", start + 1)
    return False


def _expand(versions: str) -> list[str]:
    if versions == "  ":
        return [""]  # the suffix is the whole tag
    found: list[str] = []
    for word in versions.split():
        first, tilde, last = word.partition("~")
        if tilde:
            head, _, number = first.rpartition(".")
            found += [f"{head}.{n}" for n in range(int(number), int(last) + 1)]
        else:
            found.append(first)
    if versions.startswith("  "):
        found.append("")
    return found


def slim(reference: str) -> Known[str] | Unknown:
    """The slim variant of an image: the same distribution, release and version, fewer packages.

    ``python:3.13`` gives ``python:3.13-slim``.
    """
    image, table = _exact(reference)
    if isinstance(image, Unknown):
        return image
    version, suffix = split_tag(image.tag)
    parts = [part for part in suffix.split("-") if part not in ("", "latest")]
    if "slim" in parts or image.family in ("alpine", "busybox", "scratch", "distroless"):
        return Unknown(f"{image.reference} is a small variant already")
    if image.name == "swift":
        return Unknown("swift's slim variant has no compiler: it is the runtime, not a smaller swift")
    # python and ruby put slim before the release, node and the distributions after it.
    candidates = [["slim", *parts], [*parts, "slim"]]
    if not version and not parts:
        candidates.append([image.release, "slim"])
    for candidate in candidates:
        found = _same(table, image, _tag(version, "-".join(candidate)))
        if found is not None:
            return found
    return Unknown(f"the table has no slim variant of {image.reference} on {image.distribution} {image.release}")


def runtime(reference: str, kind: str = "aspnet") -> Known[str] | Unknown:
    """The image that runs what ``reference`` builds; itself or its slim variant for an interpreter.

    A JDK gives its JRE, Maven and Gradle the JRE of the Java they are tagged with, .NET's SDK
    ``aspnet`` or ``runtime`` (``kind``), a compiler the bare distribution it stands on.
    """
    image, table = _exact(reference)
    if isinstance(image, Unknown):
        return image
    version, suffix = split_tag(image.tag)
    if image.name.startswith("mcr.microsoft.com/dotnet/") and image.name.endswith("/sdk"):
        other = f"{image.name.removesuffix('sdk')}{kind}:{image.tag}".rstrip(":")
        found = lookup(other)
        if found is None or not found.exact:
            return Unknown(f"{other} is not in the table")
        return Known(other, found.evidence)
    if image.name in ("eclipse-temurin", "openjdk", "amazoncorretto", "java"):
        return _jre(table, image, version, suffix)
    if image.name in ("maven", "gradle"):
        return _jre_of_tool(image)
    if image.name == "swift":
        found_ = _same(table, image, _tag(version, f"{suffix}-slim" if suffix else "slim"))
        return found_ or Unknown(f"the table has no slim variant of {image.reference}")
    if image.name in ("golang", "rust", "gcc", "haskell", "buildpack-deps"):
        return _bare(image)
    smaller = slim(reference)
    return smaller if isinstance(smaller, Known) else Known(image.reference, image.evidence)


def pinned(reference: str) -> Known[str] | Unknown:
    """The tag with a version that an untagged image or a floating tag (``latest``, ``slim``) stood for.

    Of ``3``, ``3.14`` and ``3.14.6`` it is ``3.14``: the tag that gets fixes and no surprises.
    """
    name, tag, digest = split_reference(reference)
    table = table_of(name)
    if digest:
        return Unknown(f"{reference} is pinned by its digest")
    if table is None:
        return Unknown(f"the image {name} is not in the table")
    exact = table.companions(tag)
    if not exact:
        return Unknown(f"{reference} names a version already, or the table knows none for it")
    floating = "" if tag in ("", "latest") else tag
    same = [one for one in exact if split_tag(one)[1] == floating] or exact
    two = [one for one in same if split_tag(one)[0].count(".") == 1]
    best = min(two or same, key=len)
    return Known(f"{name}:{best}", f"table of base images: {table.source}")


def _exact(reference: str) -> tuple[BaseImage | Unknown, Table]:
    name, _, digest = split_reference(reference)
    table = table_of(name)
    image = lookup(reference)
    if digest:
        return Unknown(f"{reference} is pinned by its digest"), Table(name, "")
    if table is None or image is None:
        return Unknown(f"the image {reference} is not in the table"), Table(name, "")
    if not image.exact:
        return Unknown(f"the tag {image.reference} is not in the table"), table
    return image, table


def _same(table: Table, image: BaseImage, tag: str) -> Known[str] | None:
    found = table.find(tag)
    if found is None or not found.exact or (found.distribution, found.release) != (image.distribution, image.release):
        return None
    return Known(f"{image.name}:{tag}", found.evidence)


def _jre(table: Table, image: BaseImage, version: str, suffix: str) -> Known[str] | Unknown:
    parts = [part for part in suffix.split("-") if part not in ("", "latest")]
    if "jre" in parts or "headless" in parts:
        return Unknown(f"{image.reference} is a JRE already")
    for name in ("jre", "headless"):
        swapped = [name if part == "jdk" else part for part in parts] if "jdk" in parts else [name, *parts]
        for candidate in (swapped, [*parts, name]):
            found = _same(table, image, _tag(version, "-".join(candidate)))
            if found is not None:
                return found
    return Unknown(f"the table has no JRE variant of {image.reference} on {image.distribution} {image.release}")


_JAVA_OF_TOOL = re.compile(r"(?:(eclipse-temurin|openjdk|amazoncorretto|adoptopenjdk)-|jdk-?)(\d+)")


def _jre_of_tool(image: BaseImage) -> Known[str] | Unknown:
    match = _JAVA_OF_TOOL.search(image.tag)
    if match is None:
        return Unknown(f"the tag of {image.reference} does not say which Java it has")
    jre = f"eclipse-temurin:{match[2]}-jre" + ("-alpine" if image.family == "alpine" else "")
    found = lookup(jre)
    if found is None or not found.exact:
        return Unknown(f"{jre} is not in the table")
    return Known(jre, f"Java {match[2]} by the tag {image.tag}; {found.evidence}")


def _bare(image: BaseImage) -> Known[str] | Unknown:
    if not image.release:
        return Unknown(f"the release of {image.reference}'s distribution is not known")
    tag = f"{image.release}-slim" if image.distribution == "debian" else image.release
    if image.distribution not in ("debian", "ubuntu", "alpine"):
        return Unknown(f"{image.reference} stands on {image.distribution}, for which no bare image is chosen")
    found = lookup(f"{image.distribution}:{tag}")
    if found is None or not found.exact:
        return Unknown(f"{image.distribution}:{tag} is not in the table")
    return Known(found.reference, found.evidence)
