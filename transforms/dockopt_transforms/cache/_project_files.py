"""Which files of a project an install of its dependencies reads, and whether they are all it reads."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dockopt.api import App, Context, Facts, Known, Unknown
from dockopt_transforms._tables import word_set
from dockopt_transforms.cache._installs import Stop
from dockopt_transforms.cache._projects import Install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ECOSYSTEM = {"go": "go", "maven": "java", "gradle": "java", "dotnet": "dotnet"}
_FIRST = {
    "go": ("go.mod", "go.sum"),
    "maven": ("pom.xml",),
    "gradle": ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
}
#: What a tool looks for in the folders above the project's own as well.
_ABOVE = {
    "uv": ("pyproject.toml", "uv.toml"),
    "cargo": ("Cargo.toml", ".cargo", "rust-toolchain", "rust-toolchain.toml"),
    "maven": ("pom.xml", ".mvn"),
    "gradle": ("settings.gradle", "settings.gradle.kts"),
    "go": ("go.work",),
}
_MSBUILD = (
    *("Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"),
    *("NuGet.config", "nuget.config", "NuGet.Config", "global.json"),
)
# Tables of Cargo's configuration that name no file, and keys that do.
_CARGO_TABLES = word_set("alias build future-incompat http net profile registries registry target term unstable")


class Manifests(NamedTuple):
    """What an install reads, and how its dependencies alone are installed."""

    files: tuple[str, ...]  #: in the context
    evidence: str
    early: tuple[str, ...] = ()  #: the commands that install the dependencies alone; empty: the call itself


def manifests_of(facts: Facts, context: Context, install: Install, root: str, top: str) -> Manifests | Stop | None:
    """The manifests of an install whose project is the context's folder ``root``; None where nothing is installed.

    :param top: the folder that is copied, ``root`` or one above it.
    """
    if install.problem is not None:
        return Stop(*install.problem)
    for folder in _folders_above(root, top):
        for name in _ABOVE.get(install.tool, ()):
            if context.exists(_join(folder, name)):
                return Stop("needs-sources", f"{_join(folder, name)} of a folder above is read too")
    reader = _OWN.get(install.tool)
    found = reader(context, install, root) if reader is not None else _of_app(facts, context, install, root, top)
    if isinstance(found, Manifests) and not found.files:
        return Stop("manifest-missing", f"no manifest of {install.tool} is in {_shown(root)}")
    return found


def _folders_above(root: str, top: str) -> list[str]:
    """The folders above one, up to another, nearest first."""
    found = []
    while root not in (top, ".", ""):
        root = posixpath.dirname(root) or "."
        found.append(root)
    return found


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


def _of_app(facts: Facts, context: Context, install: Install, root: str, top: str) -> Manifests | Stop | None:
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
    files = (*app.manifests, *app.locks)
    program = install.command.name or ""
    if "/" in program and not program.startswith("/") and _join(root, program) not in files:
        return Stop("manifest-missing", f"{program} is not in {_shown(root)}")
    if tool == "go":
        text = context.text(_join(root, "go.mod"))
        if not (isinstance(text, Known) and re.search(r"^\s*require\b", text.value, re.M)):
            return None  # no dependencies, nothing to reuse
        given = dict(facts.state(install.view.instruction).env)
        given.update(word.text.partition("=")[::2] for word in install.command.assignments)
        if (
            "vendor" in (given.get("GOFLAGS") or "")
            or given.get("GOPROXY") == "off"
            or given.get("GO111MODULE") == "off"
        ):
            return Stop("own-way", "the environment has Go download no modules")
    if tool == "dotnet":
        for folder in _folders_above(root, top):
            files += _present(context, folder, _MSBUILD)
        stop = _msbuild(context, files)
        if stop is not None:
            return stop
    return Manifests(tuple(dict.fromkeys(files)), app.needs_sources.evidence, (install.early,) if install.early else ())


def _app(facts: Facts, install: Install, root: str) -> App | None:
    ecosystem = _ECOSYSTEM.get(install.tool)
    for app in facts.apps_at(root):
        if app.ecosystem == ecosystem:
            name = posixpath.basename(app.evidence)
            if ecosystem != "java" or (install.tool == "maven") == (name == "pom.xml"):
                return app
    return None


def _shown(root: str) -> str:
    return "the build context" if root == "." else root


def _msbuild(context: Context, files: tuple[str, ...]) -> Stop | None:
    """What in the files of a .NET project a restore reads besides."""
    for name in files:
        text = context.text(name)
        if isinstance(text, Unknown):
            return Stop("needs-sources", text.reason)
        if name.lower().endswith("nuget.config"):
            sources = re.search(r"(?is)<packageSources>.*?</packageSources>", text.value)
            for value in re.findall(r'(?i)\bvalue\s*=\s*"([^"]*)"', sources[0]) if sources is not None else ():
                if "://" not in value:
                    return Stop("local-path", f"{name}: {value} is a folder of packages")
        elif name.endswith(("proj", ".props", ".targets")):
            reads = re.search(r"(?i)<Import\s[^>]*Project\s*=\s*\"([^\"]+)|ReadAllText|<Exec\b", text.value)
            if reads is not None:
                return Stop("needs-sources", f"{name}: {reads[1] or reads[0]} is read or run too")
    return None


def _toml(context: Context, path: str) -> dict[str, Any] | Stop:
    from dockopt.api import load_toml

    data = load_toml(context, path)
    return Stop("manifest-missing", data.reason) if isinstance(data, Unknown) else data.value


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
    from dockopt.api import as_list, as_table

    tool = as_table(data.get("tool"))
    own = as_table(tool.get(install.tool))
    if "workspace" in own:
        return Stop("needs-sources", f"{path}: a workspace")
    local = _local_dependency(
        {key: own.get(key) for key in ("dependencies", "group", "dev-dependencies", "sources")},
        ("path", "workspace", "file"),
    )
    project = as_table(data.get("project"))
    listed = [
        *as_list(project.get("dependencies")),
        *_strings(project.get("optional-dependencies")),
        *_strings(data.get("dependency-groups")),
    ]
    if local is None:
        local = next((str(one) for one in listed if "@ file:" in str(one)), None)
    if local is not None:
        return Stop("local-path", f"{path}: {local} points into the sources")
    early = (install.early,) if install.early else ()
    if install.tool == "poetry":
        # Poetry reads the file of the licence whatever it is to do: poetry-core's Factory.
        licence = project.get("license")
        if isinstance(licence, dict) and isinstance(licence.get("file"), str):
            names = (*names, str(licence["file"]))
        if "poetry-dynamic-versioning" in tool:
            return Stop("needs-sources", f"{path}: the version comes from the repository")
    if install.tool == "uv":
        if project.get("dynamic") and "--frozen" not in install.command.values:
            return Stop(
                "needs-sources", f"{path}: uv reads the sources for {', '.join(map(str, as_list(project['dynamic'])))}"
            )
        if "build-system" not in data and own.get("package") is not True:
            early = ()
    elif own.get("package-mode") is False:
        early = ()
    return Manifests(_present(context, root, names), path, early)


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
    from dockopt.api import load_json

    data = load_json(context, path)
    if isinstance(data, Unknown):
        return Stop("manifest-missing", data.reason)
    stop = composer_problem(path, data.value, bool(_present(context, root, ("symfony.lock",))))
    if stop is not None:
        return stop
    return Manifests(_present(context, root, names), path, (install.early,) if install.early else ())


# Plugins that read nothing of the project but composer.json and what is installed.
_PLUGINS = word_set(
    "symfony/flex symfony/runtime php-http/discovery pestphp/pest-plugin phpstan/extension-installer "
    "dealerdirect/phpcodesniffer-composer-installer composer/package-versions-deprecated ocramius/package-versions "
    "kylekatarnls/update-helper hirak/prestissimo yiisoft/yii2-composer tbachert/spi ergebnis/composer-normalize"
)
_EXTRA = word_set("branch-alias laravel symfony hyperf thanks bootstrap expose-php")


def composer_problem(path: str, data: dict[str, Any], recipes_locked: bool) -> Stop | None:
    """What in a composer.json makes an install read or write other files of the project, scripts apart.

    :param recipes_locked: whether symfony.lock is there: without it Symfony Flex writes the files of every recipe.
    """

    from dockopt.api import as_list
    from dockopt.api import as_table as table

    repositories = data.get("repositories")
    listed = [*table(repositories).values(), *as_list(repositories)]
    if any(isinstance(one, dict) and one.get("type") in ("path", "artifact") for one in listed):
        return Stop("local-path", f"{path}: a repository of it is a folder of the sources")
    config = table(data.get("config"))
    if "vendor-dir" in config:
        return Stop("own-way", f"{path}: vendor-dir is set")
    required = {*table(data.get("require")), *table(data.get("require-dev"))}
    if "symfony/flex" in required and not recipes_locked:
        return Stop("needs-sources", f"{path}: symfony/flex writes files of its recipes")
    allowed = {name for name, on in table(config.get("allow-plugins")).items() if on is not False}
    curious = sorted(allowed - _PLUGINS) or sorted(
        name for name in required if re.search(r"composer-(?:patches|installers|merge|scaffold)|core-recommended", name)
    )
    extra = sorted(table(data.get("extra")).keys() - _EXTRA)
    events = [name for name in table(data.get("scripts")) if name.endswith(("-package-install", "-package-update"))]
    events = [name for name in events if "root-package" not in name]
    for found, what in ((curious, "the plugin"), (extra, "what extra says of"), (events, "the script")):
        if found:
            return Stop("needs-sources", f"{path}: {what} {found[0]} may read or write files of the project")
    return None


def _mix(context: Context, install: Install, root: str) -> Manifests | Stop | None:
    names = ("mix.exs", "mix.lock")
    hidden = _hidden(context, root, names)
    if hidden is not None:
        return hidden
    path = _join(root, "mix.exs")
    text = context.text(path)
    if isinstance(text, Unknown):
        return Stop("manifest-missing", text.reason)
    local = re.search(
        r"\bpath:|\bapps_path:|\bFile\.|\bCode\.|\bSystem\.cmd|\.\./|\"deps\.get\":|\bdeps_path:", text.value
    )
    if local is not None:
        return Stop("needs-sources", f"{path}: {local[0]} may read other files of the project")
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
    for key in ("workspace", "bench", "example", "test", "patch", "replace"):
        if key in data:
            return Stop("needs-sources", f"{path}: {key} names files of the project")
    if any(key in package for key in ("build", "default-run", "workspace")) or context.is_file(_join(root, "build.rs")):
        return Stop("needs-sources", f"{path}: building it starts with files of the project")
    if _local_dependency([{"package": package}, data.get("lints")], ("workspace",)) is not None:
        return Stop("needs-sources", f"{path}: it takes values from a workspace")
    for config in (".cargo/config.toml", ".cargo/config"):
        stop = _cargo_config(context, _join(root, config))
        if stop is not None:
            return stop
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
    stubs = _stubs(data, name, library=context.is_file(_join(root, "src/lib.rs")))
    if stubs is None:
        return Stop("needs-sources", f"{path}: its targets name files of the project")
    # Cargo tells a changed file by its time: the sources may be older than the stub, so all of it has to go.
    clean = " ".join([cargo, "clean", "-p", name, *kept])
    extras = ("rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml", ".cargo/config")
    return Manifests(
        _present(context, root, (*names, *extras)),
        path,
        ("mkdir src", *stubs, install.early, clean, "rm -r src"),
    )


def _stubs(data: dict[str, Any], name: str, *, library: bool) -> list[str] | None:
    """The commands that make an empty source of every target ``cargo build`` looks for, all of them right in ``src``.

    :param library: whether there is a ``src/lib.rs``: with it Cargo asks for no program.
    """
    own = data.get("lib")
    if own is not None and not (
        isinstance(own, dict)
        and own.get("path", "src/lib.rs") == "src/lib.rs"
        and own.keys() <= {"name", "path", "doctest", "test", "bench", "doc"}
    ):
        return None
    from dockopt.api import as_list

    programs: dict[str, None] = {}
    for one in as_list(data.get("bin")):
        path = one.get("path", "src/main.rs" if one.get("name") == name else "") if isinstance(one, dict) else ""
        if not isinstance(path, str) or not re.fullmatch(r"src/[\w-]+\.rs", path):
            return None
        programs[path] = None
    library = library or own is not None
    if not library and not programs:
        programs["src/main.rs"] = None
    stubs = ["touch src/lib.rs"] if library else []
    if len(programs) == 1:
        stubs.append(f"echo 'fn main() {{}}' > {next(iter(programs))}")
    elif programs:
        stubs.append(f"echo 'fn main() {{}}' | tee {' '.join(programs)}")
    return stubs


def _cargo_config(context: Context, path: str) -> Stop | None:
    """Why Cargo's configuration leads to other files of the project."""
    if not context.is_file(path):
        return None
    data = _toml(context, path)
    if isinstance(data, Stop):
        return data
    other = sorted(data.keys() - _CARGO_TABLES)
    if other:
        return Stop("needs-sources", f"{path}: {other[0]} may name folders of the project")
    for table in _tables(data):
        for key, value in table.items():
            if isinstance(value, str) and "/" in value and "://" not in value and not value.startswith("/"):
                return Stop("needs-sources", f"{path}: {key} names {value}")
    return None


_OWN: dict[str, Callable[[Context, Install, str], Manifests | Stop | None]] = {
    "poetry": _poetry,
    "uv": _uv,
    "pipenv": _pipenv,
    "composer": _composer,
    "mix": _mix,
    "cargo": _cargo,
}
