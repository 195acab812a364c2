"""Fixtures as something to build: base images that can be had here, and files for what is copied."""

from __future__ import annotations

import fnmatch
import json
import shutil
from pathlib import Path

from dockopt.build.engine import BuildSettings, Engine
from dockopt.build.verify import Target
from dockopt.syntax.document import load
from dockopt.testing import Case

#: Fixtures of safe changes that were built before and after, by transform; filled by ``test_safe``.
BUILT: dict[str, int] = {}

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

#: What fixtures copy without bringing it along, by name.
FILES = {
    "requirements*.txt": "six==1.17.0\n",
    "package.json": json.dumps({"name": "app", "version": "1.0.0"}),
    "package-lock.json": json.dumps(
        {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "app", "version": "1.0.0"}}}
    ),
    "*.sh": "#!/bin/sh\nexit 0\n",
}


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


def target(case: Case, folder: Path, engine: Engine) -> Target | None:
    """How to build a fixture, in ``folder``; ``None`` where its base image cannot be had here."""
    images = stand_ins(case.before)
    if images is None:
        return None
    if (case.folder / "context").is_dir():
        shutil.copytree(case.folder / "context", folder, dirs_exist_ok=True)
    for node in load(case.before).instructions:
        if node.name in ("COPY", "ADD") and "--from" not in node.line and "<<" not in node.line:
            words = [word.strip('[]",') for word in node.line.split()[1:] if not word.startswith("--")]
            for source in words[:-1]:
                _make(folder, source)
    contexts = tuple((name, f"docker-image://{image}") for name, image in images.items() if name != image)
    build = BuildSettings(network="host", build_contexts=contexts, timeout=600)
    return Target(str(folder), build, run=None)


def _make(folder: Path, source: str) -> None:
    if "://" in source or "$" in source or "*" in source or ".." in source:
        return
    path = folder / source.strip("/")
    if path.exists():
        return
    if source.endswith("/") or "." not in path.name:
        path.mkdir(parents=True)
        (path / "file").write_text("content\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = next((text for name, text in FILES.items() if fnmatch.fnmatchcase(path.name, name)), "content\n")
    path.write_text(content)
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
