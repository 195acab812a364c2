"""Python manifests: requirements files, pyproject.toml (PEP 621, Poetry, uv, PDM), Pipfile."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import as_table, describe, join, load_toml, present
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.txt\Z")


def python(context: Context, root: str, used: frozenset[str]) -> App | None:
    """A Python project; ``used`` names the managers the Dockerfile calls."""
    names = context.names(root)
    requirements = [name for name in names if _REQUIREMENTS.match(name)]
    folder = [f"requirements/{name}" for name in context.names(join(root, "requirements")) if name.endswith(".txt")]
    known = [
        name for name in ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.yml") if name in names
    ]
    if not (requirements or folder or known):
        return None
    first_name = (requirements or known or folder)[0]
    locks = present(context, root, ("poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"))
    project = load_toml(context, join(root, "pyproject.toml")) if "pyproject.toml" in names else None
    table = project.value if isinstance(project, Known) else {}
    manager = _python_manager(names, table, used, project)
    manifests: tuple[str, ...]
    if isinstance(manager, Known) and manager.value == "pip":
        chosen = requirements or folder
        manifests = tuple(join(root, name) for name in (chosen if chosen else known))
        needs = (
            _requirements_need(context, root, tuple(chosen))
            if chosen
            else Known(True, f"{join(root, first_name)}: pip installs the project itself")
        )
    else:
        manifests = tuple(join(root, name) for name in known)
        needs = _project_needs(table, root, project)
    metadata = table.get("project") or as_table(table.get("tool")).get("poetry") or {}
    return App(
        "python",
        root,
        join(root, first_name),
        manager,
        manifests,
        locks,
        needs,
        build=Unknown("a Python application is not built"),
        outputs=Unknown("a Python application is not built"),
        metadata=describe(metadata, join(root, "pyproject.toml")) if isinstance(metadata, dict) else {},
    )


def _python_manager(
    names: tuple[str, ...], table: dict[str, Any], used: frozenset[str], project: Known[dict[str, Any]] | Unknown | None
) -> Known[str] | Unknown:
    tool = as_table(table.get("tool"))
    found: dict[str, str] = {}
    for name, lock in (("uv", "uv.lock"), ("poetry", "poetry.lock"), ("pipenv", "Pipfile"), ("pdm", "pdm.lock")):
        if lock in names or (name in tool and name == "poetry"):
            found[name] = lock if lock in names else "pyproject.toml: tool.poetry"
    if any(_REQUIREMENTS.match(name) for name in names) or not found:
        found["pip"] = next(
            (name for name in names if _REQUIREMENTS.match(name)),
            "pyproject.toml" if "pyproject.toml" in names else "setup.py",
        )
    if len(found) > 1:
        # Several are kept up: the one the Dockerfile calls is meant.
        called = {name: where for name, where in found.items() if name in used}
        if len(called) == 1:
            found = called
    if len(found) != 1:
        return Unknown(
            f"the dependencies are kept by several managers: {', '.join(f'{n} ({w})' for n, w in sorted(found.items()))}"
        )
    if isinstance(project, Unknown) and "pip" not in found:
        return project
    name, where = next(iter(found.items()))
    return Known(name, where)


def _requirements_need(context: Context, root: str, names: tuple[str, ...]) -> Known[bool] | Unknown:
    for name in names:
        path = join(root, name)
        text = context.text(path)
        if isinstance(text, Unknown):
            return text
        for number, line in enumerate(text.value.replace("\\\n", " \n").splitlines(), 1):
            word = line.split(" #")[0].strip()
            if (
                word.startswith(("-e", "--editable", ".", "/", "file:"))
                or " @ file:" in word
                or re.match(r"[\w-]+/(?!/)", word)
            ):
                return Known(True, f"{path}:{number}: {word}")
            if word.startswith(("-r", "--requirement", "-c", "--constraint")):
                other = re.sub(r"\A(?:-r|--requirement|-c|--constraint)[= ]*", "", word)
                inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
                if not context.is_file(inner):
                    return Unknown(f"{path}:{number}: {other} is not in the build context")
    return Known(False, ", ".join(join(root, name) for name in names))


def _project_needs(
    table: dict[str, Any], root: str, project: Known[dict[str, Any]] | Unknown | None
) -> Known[bool] | Unknown:
    if isinstance(project, Unknown):
        return project
    tool = as_table(table.get("tool"))
    where = join(root, "pyproject.toml")
    for name, source in as_table(as_table(tool.get("uv")).get("sources")).items():
        if isinstance(source, dict) and ("path" in source or "workspace" in source):
            return Known(True, f"{where}: tool.uv.sources.{name} is a folder")
    poetry = as_table(tool.get("poetry"))
    for group in (poetry, *as_table(poetry.get("group")).values()):
        for name, value in as_table(as_table(group).get("dependencies")).items():
            if isinstance(value, dict) and "path" in value:
                return Known(True, f"{where}: the dependency {name} is a folder")
    return Known(False, where)
