"""Fixtures as something to build: base images that can be had here, and files for what is copied."""

from __future__ import annotations

import fnmatch
import shutil
from pathlib import Path

from dockopt.build.engine import BuildFailed, BuildSettings, Engine
from dockopt.build.verify import Target
from dockopt.facts.outside import Outside
from dockopt.syntax.document import load
from dockopt.testing import Case

#: Fixtures of safe changes that were built before and after, by transform; filled by ``test_safe``.
BUILT: dict[str, int] = {}

#: Fixtures of safe changes that were tried and cannot be built here, by reason; filled by ``test_safe``.
LEFT: dict[str, list[str]] = {}

#: Image sizes of whole applications, before and after, by name; filled by ``test_applications``.
SIZES: dict[str, tuple[int, int]] = {}

#: Base images of fixtures → images of the test engine, of another release of the same distribution.
STAND_INS = {
    "debian": "debian:trixie-slim",
    "debian:*": "debian:trixie-slim",
    "ubuntu:2*": "debian:trixie-slim",
    "buildpack-deps:*": "debian:trixie-slim",
    "python:*alpine*": "python:3.13-slim",
    "node:*alpine*": "node:20-slim",
    "python:*slim*": "python:3.13-slim",
    "python:*": "python:3.13",
    "node:*slim*": "node:20-slim",
    "node:*": "node:20",
}

IMAGES = Path(__file__).parent / "images"

#: Base images of fixtures → Dockerfiles in ``images``: Debian with the real package manager of another distribution or
#: language, and a source of packages that it reaches here.
MADE = {
    "fedora:*": "rpm",
    "centos:*": "rpm",
    "opensuse/*": "rpm",
    "registry.example/suse/*": "rpm",
    "archlinux:*": "pacman",
    "oven/bun:*": "node",
    "node:*-slim": "node",
    "php:*": "composer",
    "ruby:*": "ruby",
    "rust:*": "rust",
    "golang:*": "golang",
}

#: What fixtures copy without bringing it along; all of it where they copy everything.
PROJECT = Path(__file__).parent / "project"


def get(port: int, path: str) -> str:
    """A smoke command: the body of the answer to ``GET path``, with nothing but bash, which every image of Debian has."""
    request = f"GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
    return f'bash -c \'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "{request}" >&3 && sed "1,/^\\r*$/d" <&3\''


def images_of(dockerfile: bytes) -> tuple[str, ...]:
    """The images a Dockerfile is built from, stages and ``scratch`` left out."""
    found: list[str] = []
    stages = {"scratch"}
    for node in load(dockerfile).instructions:
        if node.name != "FROM":
            continue
        words = [word for word in node.line.split()[1:] if not word.startswith("--")]
        if words[0].lower() not in stages:
            found.append(words[0])
        if len(words) == 3:
            stages.add(words[2].lower())
    return tuple(dict.fromkeys(found))


def stand_in(image: str, *, alpine: bool = False) -> str | None:
    """The image of the test engine that stands for ``image``; ``None`` where none does.

    :param alpine: give Debian for Alpine, for a file whose built stage does not use ``apk``.
    """
    if "$" in image or "@" in image or ("alpine" in image and not alpine):
        return None
    # As sloppy: a server at the end of a file of which an earlier stage is built.
    known = STAND_INS | ({"nginx:*": "debian:trixie-slim"} if alpine else {})
    return next((to for name, to in known.items() if fnmatch.fnmatchcase(image, name)), None)


def stand_ins(dockerfile: bytes, *, alpine: bool = False) -> dict[str, str] | None:
    """The base image each FROM gets, by its name; ``None`` where one cannot be had here."""
    found = {image: stand_in(image, alpine=alpine) for image in images_of(dockerfile)}
    return None if None in found.values() else {image: to for image, to in found.items() if to is not None}


class Images:
    """The images that stand for those of fixtures; what ``images`` describes is built when first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: dict[str, str | None] = {}

    def named(self, dockerfile: bytes) -> dict[str, str] | None:
        """As :func:`stand_ins`, with those that are made here."""
        found: dict[str, str] = {}
        for image in images_of(dockerfile):
            made = next((name for pattern, name in MADE.items() if fnmatch.fnmatchcase(image, pattern)), None)
            reference = stand_in(image) if made is None or "alpine" in image else self._make(made)
            if reference is None:
                return None
            found[image] = reference
        return found

    def _make(self, name: str) -> str | None:
        if name not in self._made:
            try:
                text = (IMAGES / f"{name}.Dockerfile").read_bytes()
                built = self._engine.build(text, str(IMAGES), BuildSettings(network="host", timeout=900))
                self._made[name] = built.reference
            except BuildFailed:
                self._made[name] = None  # what it installs cannot be had here
        return self._made[name]


def target(case: Case, folder: Path, images: Images) -> Target | None:
    """How to build a fixture, in ``folder``; ``None`` where its base image cannot be had here."""
    named = images.named(case.before)
    if named is None:
        return None
    brought = (case.folder / "context").is_dir()
    if brought:
        shutil.copytree(case.folder / "context", folder, dirs_exist_ok=True)
    for node in load(case.before).instructions:
        if node.name in ("COPY", "ADD") and "--from" not in node.line and "<<" not in node.line:
            words = [word.strip('[]",') for word in node.line.split()[1:] if not word.startswith("--")]
            for source in words[:-1]:
                if source == "." and not brought:
                    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
                else:
                    _make(folder, source)
    contexts = tuple((name, f"docker-image://{image}") for name, image in named.items() if name != image)
    build = BuildSettings(network="host", build_contexts=contexts, timeout=600)
    return Target(str(folder), build, run=None)


def outside(case: Case, folder: Path) -> Outside | None:
    """Where a fixture's Dockerfile stands, for those that bring a context; it is written there."""
    if not (case.folder / "context").is_dir():
        return None
    path = folder / case.settings.get("dockerfile", "Dockerfile")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case.before)
    return Outside(str(path))


def _make(folder: Path, source: str) -> None:
    if "://" in source or "$" in source or "*" in source or ".." in source:
        return
    path = folder / source.strip("/")
    if path.exists():
        return
    if (PROJECT / source.strip("/")).is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / source.strip("/"), path)
        return
    if source.endswith("/") or "." not in path.name:
        path.mkdir(parents=True)
        (path / "file").write_text("content\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexit 0\n" if path.suffix == ".sh" else "content\n")
    path.chmod(0o755 if path.suffix == ".sh" else 0o644)


def leftovers(engine: Engine) -> list[str]:
    """The ids of images and containers of ``engine``'s run that still exist."""
    found: list[str] = []
    for kind in ("container", "image"):
        every = ["--all"] if kind == "container" else []
        answer = engine._execute([kind, "ls", *every, "--quiet", "--filter", f"label=io.dockopt.run={engine.run}"], 60)
        assert answer.code == 0, answer.error
        found += answer.output.split()
    return found
