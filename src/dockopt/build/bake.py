"""How a project builds its Dockerfiles: what its compose and bake files say."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, cast

from dockopt.build.engine import Engine, EngineProblem

#: As ``docker buildx bake`` and ``docker compose`` look for them.
NAMES = (
    "docker-bake.hcl",
    "docker-bake.json",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)


class Recipe(NamedTuple):
    """One service or target that builds a Dockerfile."""

    name: str
    source: str  #: the file that says so
    context: str
    dockerfile: str  #: absolute
    target: str | None
    args: tuple[tuple[str, str], ...]
    contexts: tuple[tuple[str, str], ...]


def definitions(folder: str) -> list[str]:
    """The compose and bake files in ``folder`` and above it, up to the repository's root."""
    found: list[str] = []
    folder = os.path.abspath(folder)
    while True:
        found.extend(path for name in NAMES if os.path.isfile(path := os.path.join(folder, name)))
        parent = os.path.dirname(folder)
        # Without a repository, only the Dockerfile's own folder: what lies above is somebody else's.
        if os.path.exists(os.path.join(folder, ".git")) or parent == folder or not _in_repository(parent):
            return found
        folder = parent


def _in_repository(folder: str) -> bool:
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def recipes(engine: Engine, path: str) -> list[Recipe]:
    """What ``docker buildx bake --print`` reads from one compose or bake file; it builds nothing.

    :raises EngineProblem: where the file cannot be read.
    """
    from python_on_whales.exceptions import DockerException

    folder = os.path.dirname(path)
    try:
        config = cast(dict[str, Any], engine.client.buildx.bake(files=[path], print=True))
    except DockerException as error:
        text = " ".join((error.stderr or "").split())
        raise EngineProblem(f"{path}: docker buildx bake cannot read it: {text}") from None
    found = []
    for name, target in sorted((config.get("target") or {}).items()):
        context = target.get("context") or "."
        if "://" in context or target.get("dockerfile-inline"):
            continue  # a repository to clone, or no file to rewrite
        context = os.path.normpath(os.path.join(folder, context))
        found.append(
            Recipe(
                name,
                path,
                context,
                os.path.normpath(os.path.join(context, target.get("dockerfile") or "Dockerfile")),
                target.get("target"),
                tuple(sorted((key, value) for key, value in (target.get("args") or {}).items() if value is not None)),
                tuple(sorted((target.get("contexts") or {}).items())),
            )
        )
    return found


def recipes_for(engine: Engine, dockerfile: str) -> tuple[list[Recipe], list[str]]:
    """The recipes that build ``dockerfile``, and one line for each file that could not be read."""
    if engine.name != "docker":
        return [], []
    wanted = os.path.realpath(dockerfile)
    found: list[Recipe] = []
    problems: list[str] = []
    seen: set[tuple[object, ...]] = set()
    for path in definitions(os.path.dirname(os.path.abspath(dockerfile))):
        try:
            for recipe in recipes(engine, path):
                same = (recipe.context, recipe.target, recipe.args, recipe.contexts)
                if os.path.realpath(recipe.dockerfile) == wanted and same not in seen:
                    seen.add(same)
                    found.append(recipe)
        except EngineProblem as problem:
            problems.append(str(problem))
    return found, problems
