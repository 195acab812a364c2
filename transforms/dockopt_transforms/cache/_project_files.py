"""Which files of a project an install of its dependencies reads, and whether they are all it reads."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dockopt.api import App, Context, Facts, Known, Unknown
from dockopt_transforms.cache._installs import Stop
from dockopt_transforms.cache._projects import Install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ECOSYSTEM = {"bun": "node", "go": "go", "maven": "java", "gradle": "java", "dotnet": "dotnet"}
_FIRST = {
    "bun": ("package.json", "bun.lock", "bun.lockb"),
    "go": ("go.mod", "go.sum"),
    "maven": ("pom.xml",),
    "gradle": ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
}


class Manifests(NamedTuple):
    """What an install reads, and how its dependencies alone are installed."""

    files: tuple[str, ...]  #: in the context
    evidence: str
    early: tuple[str, ...] = ()  #: the commands that install the dependencies alone; empty: the call itself


def manifests_of(facts: Facts, context: Context, install: Install, root: str) -> Manifests | Stop | None:
    """The manifests of an install whose project is the context's folder ``root``; None where nothing is installed."""
    if install.problem is not None:
        return Stop(*install.problem)
    reader = _OWN.get(install.tool)
    if reader is not None:
        return reader(context, install, root)
    return _of_app(facts, context, install, root)


def _join(root: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(root, name))


def _present(context: Context, root: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_join(root, name) for name in names if context.is_file(_join(root, name)))


def _hidden(context: Context, root: str, names: tuple[str, ...]) -> Stop | None:
    """A manifest that is there and that the ignore file keeps from the build."""
    for name in names:
        hidden = context.hidden(_join(root, name))
        if hidden is not None:
            return Stop("manifest-hidden", f"{hidden.rule} hides {hidden.path} from the build")
    return None


def _of_app(facts: Facts, context: Context, install: Install, root: str) -> Manifests | Stop | None:
    tool = install.tool
    wanted = _FIRST.get(tool, ())
    hidden = _hidden(context, root, wanted)
    if hidden is not None:
        return hidden
    app = _app(facts, install, root)
    if app is None:
        return Stop("manifest-missing", f"{wanted[0] if wanted else tool} is not in {_shown(root)}")
    if isinstance(app.needs_sources, Unknown):
        return Stop("manifest-missing", app.needs_sources.reason)
    if app.needs_sources.value:
        return Stop("needs-sources", app.needs_sources.evidence)
    locks = app.locks
    if tool == "bun":
        locks = tuple(lock for lock in locks if posixpath.basename(lock).startswith("bun."))
    files = (*app.manifests, *locks)
    program = install.early.split()[0] if install.early else ""
    if program.startswith("./") and _join(root, program) not in files:
        return Stop("manifest-missing", f"{program} is not in {_shown(root)}")
    if tool == "go":
        text = context.text(_join(root, "go.mod"))
        if not (isinstance(text, Known) and re.search(r"^\s*require\b", text.value, re.M)):
            return None  # no dependencies, nothing to reuse
    if tool == "dotnet":
        files += _above(context, root)
    return Manifests(tuple(dict.fromkeys(files)), app.needs_sources.evidence, (install.early,) if install.early else ())


def _app(facts: Facts, install: Install, root: str) -> App | None:
    ecosystem = _ECOSYSTEM.get(install.tool)
    for app in facts.apps:
        if app.ecosystem == ecosystem and posixpath.normpath(app.root) == root:
            name = posixpath.basename(app.evidence)
            if ecosystem != "java" or (install.tool == "maven") == (name == "pom.xml"):
                return app
    return None


def _shown(root: str) -> str:
    return "the build context" if root == "." else root


def _above(context: Context, root: str) -> tuple[str, ...]:
    """What MSBuild and NuGet read from the folders above a project."""
    found: tuple[str, ...] = ()
    while root not in (".", ""):
        root = posixpath.dirname(root) or "."
        names = ("Directory.Build.props", "Directory.Packages.props", "NuGet.config", "nuget.config", "global.json")
        found += _present(context, root, (*names, "Directory.Build.targets"))
    return found


def _toml(context: Context, path: str) -> dict[str, Any] | Stop:
    text = context.text(path)
    if isinstance(text, Unknown):
        return Stop("manifest-missing", text.reason)
    import tomllib

    try:
        return tomllib.loads(text.value)
    except tomllib.TOMLDecodeError as error:
        return Stop("manifest-missing", f"{path} does not parse: {error}")


def _tables(value: object) -> Iterator[dict[str, Any]]:
    """Every table inside a TOML value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner)


def _local_dependency(tables: object, keys: tuple[str, ...]) -> str | None:
    for table in _tables(tables):
        for key in keys:
            if key in table and isinstance(table[key], str | bool) and table[key] is not False:
                return f"{key} = {table[key]!r}"
    return None


def _poetry(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    return _pyproject(context, install, root, ("poetry.lock", "poetry.toml"))


def _uv(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    return _pyproject(context, install, root, ("uv.lock", "uv.toml", ".python-version"))


def _pyproject(context: Context, install: Install, root: str, others: tuple[str, ...]) -> Manifests | Stop | None:
    names = ("pyproject.toml", *others)
    hidden = _hidden(context, root, names)
    if hidden is not None:
        return hidden
    path = _join(root, "pyproject.toml")
    data = _toml(context, path)
    if isinstance(data, Stop):
        return data
    tool = data.get("tool") if isinstance(data.get("tool"), dict) else {}
    assert isinstance(tool, dict)
    own = tool.get(install.tool) if isinstance(tool.get(install.tool), dict) else {}
    assert isinstance(own, dict)
    if "workspace" in own:
        return Stop("needs-sources", f"{path}: a workspace")
    local = _local_dependency(
        {key: own.get(key) for key in ("dependencies", "group", "dev-dependencies", "sources")},
        ("path", "workspace", "file"),
    )
    project = data.get("project") if isinstance(data.get("project"), dict) else {}
    assert isinstance(project, dict)
    listed = [*project.get("dependencies", ()), *_strings(project.get("optional-dependencies"))]
    if local is None:
        local = next((str(one) for one in listed if "@ file:" in str(one)), None)
    if local is not None:
        return Stop("local-path", f"{path}: {local} points into the sources")
    early = (install.early,) if install.early else ()
    if install.tool == "uv":
        if project.get("dynamic") and "--frozen" not in install.early + _text(install):
            return Stop("needs-sources", f"{path}: uv reads the sources for {', '.join(project['dynamic'])}")
        if "build-system" not in data and own.get("package") is not True:
            early = ()
    elif own.get("package-mode") is False:
        early = ()
    return Manifests(_present(context, root, names), path, early)


def _text(install: Install) -> str:
    return " ".join(word.text for word in install.command.words)


def _strings(value: object) -> list[object]:
    return [one for many in value.values() if isinstance(many, list) for one in many] if isinstance(value, dict) else []


def _pipenv(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    names = ("Pipfile", "Pipfile.lock")
    hidden = _hidden(context, root, names)
    if hidden is not None:
        return hidden
    path = _join(root, "Pipfile")
    data = _toml(context, path)
    if isinstance(data, Stop):
        return data
    local = _local_dependency(data, ("path", "editable", "file"))
    if local is not None:
        return Stop("local-path", f"{path}: {local} points into the sources")
    return Manifests(_present(context, root, names), path)


def _composer(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    names = ("composer.json", "composer.lock", "auth.json", "symfony.lock")
    hidden = _hidden(context, root, names[:2])
    if hidden is not None:
        return hidden
    path = _join(root, "composer.json")
    text = context.text(path)
    if isinstance(text, Unknown):
        return Stop("manifest-missing", text.reason)
    import json

    try:
        data = json.loads(text.value)
    except ValueError as error:
        return Stop("manifest-missing", f"{path} does not parse: {error}")
    repositories = data.get("repositories") if isinstance(data, dict) else None
    listed = repositories.values() if isinstance(repositories, dict) else repositories or ()
    if any(isinstance(one, dict) and one.get("type") in ("path", "artifact") for one in listed):
        return Stop("local-path", f"{path}: a repository of it is a folder of the sources")
    return Manifests(_present(context, root, names), path, (install.early,) if install.early else ())


def _mix(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    names = ("mix.exs", "mix.lock")
    hidden = _hidden(context, root, names)
    if hidden is not None:
        return hidden
    path = _join(root, "mix.exs")
    text = context.text(path)
    if isinstance(text, Unknown):
        return Stop("manifest-missing", text.reason)
    local = re.search(r"\bpath:|\bapps_path:|\bFile\.|\bCode\.", text.value)
    if local is not None:
        return Stop("needs-sources", f"{path}: {local[0]} reads other files of the project")
    return Manifests(_present(context, root, names), path)


def _cargo(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    names = ("Cargo.toml", "Cargo.lock")
    hidden = _hidden(context, root, names)
    if hidden is not None:
        return hidden
    path = _join(root, "Cargo.toml")
    data = _toml(context, path)
    if isinstance(data, Stop):
        return data
    package = data.get("package") if isinstance(data.get("package"), dict) else {}
    assert isinstance(package, dict)
    for key in ("workspace", "lib", "bin", "bench", "example", "test", "patch", "replace"):
        if key in data:
            return Stop("needs-sources", f"{path}: {key} names files of the project")
    if any(key in package for key in ("build", "default-run", "workspace")) or context.is_file(_join(root, "build.rs")):
        return Stop("needs-sources", f"{path}: building it starts with files of the project")
    tables = [value for key, value in data.items() if key.endswith("dependencies") or key == "target"]
    local = _local_dependency(tables, ("path", "workspace"))
    if local is not None:
        return Stop("local-path", f"{path}: {local} points into the sources")
    name = package.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
        return Stop("manifest-missing", f"{path} names no package")
    if not any(data.get(key) for key in ("dependencies", "target")):
        return None  # no dependencies, nothing to reuse
    words = install.early.split()
    kept = [word for word in words[words.index("build") + 1 :] if word in ("--release", "-r", "--locked", "--offline")]
    for index, word in enumerate(words):
        if word in ("--profile", "--target") and index + 1 < len(words):
            kept += [word, words[index + 1]]
        elif word.startswith(("--profile=", "--target=")):
            kept.append(word)
    cargo = words[words.index("build") - 1]
    stub = "touch src/lib.rs" if context.is_file(_join(root, "src/lib.rs")) else "echo 'fn main() {}' > src/main.rs"
    # Cargo tells a changed file by its time: the sources may be older than the stub, so all of it has to go.
    clean = " ".join([cargo, "clean", "-p", name, *kept])
    extras = ("rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml", ".cargo/config")
    return Manifests(
        _present(context, root, (*names, *extras)),
        path,
        ("mkdir src", stub, install.early, clean, "rm -r src"),
    )


_OWN: dict[str, Callable[[Context, Install, str], Manifests | Stop | None]] = {
    "poetry": _poetry,
    "uv": _uv,
    "pipenv": _pipenv,
    "composer": _composer,
    "mix": _mix,
    "cargo": _cargo,
}
