"""What a RUN is for: which of its work is worth a cache entry of its own."""

from __future__ import annotations

from typing import NamedTuple

from dockopt.api import Command, ScriptView, base_name, program
from dockopt_transforms._tables import word_set

SYSTEM = frozenset(("apt", "apk", "dnf", "yum", "microdnf", "zypper", "pacman"))
PACKAGES, DEPENDENCIES, BUILD = "system packages", "language dependencies", "a build"

_BUILDERS = word_set(
    "make gmake cmake ninja meson scons configure bootstrap gcc g++ cc c++ clang rustc javac ant mvn mvnw "
    "gradle gradlew sbt lein bazel msbuild xbuild cabal stack webpack tsc ng grunt gulp bower rebar3 "
    "catkin_make colcon qmake b2 rake waf phpize docker-php-ext-install docker-php-ext-configure pecl R "
    "Rscript wasm-pack hugo jekyll xcaddy luarocks"
)
_PLACES = ("-C", "--directory", "--prefix", "-f", "--manifest-path")  #: they say where a program finds its sources
_CACHES = ("/var/lib/apt/lists", "/var/cache/")
# They set up what a package manager then reads.
_PACKAGE_TOOLS = word_set("add-apt-repository apt-add-repository apt-key dpkg rpm rpmkeys yum-config-manager")
_BUILD_VERBS = {
    "cargo": ("build", "install", "test"),
    "go": ("build", "install", "test"),
    "npm": ("run", "run-script", "test", "start"),
    "yarn": ("run", "build", "test", "start"),
    "pnpm": ("run", "build", "test"),
    "bun": ("run", "build"),
    "dotnet": ("build", "publish", "test", "pack"),
    "mix": ("compile", "release", "test"),
    "swift": ("build",),
    "dart": ("compile",),
    "flutter": ("build",),
    "zig": ("build",),
}
_RESTORERS = {
    "dotnet": ("restore", "tool"),
    "mix": ("deps.get", "local.hex", "local.rebar"),
    "poetry": ("install", "add"),
    "pipenv": ("install", "sync"),
    "uv": ("sync", "pip"),
    "pdm": ("install", "sync"),
    "nuget": ("restore", "install"),
    "bower": ("install",),
    "cpanm": (),
    "cpan": (),
    "easy_install": (),
    "dep": ("ensure",),
    "glide": ("install",),
    "go": ("get", "mod"),
    "stack": ("setup",),
}
_CLEANING_VERBS = {
    "npm": ("prune", "cache"),
    "yarn": ("cache",),
    "pnpm": ("prune", "store"),
    "pip": ("cache", "uninstall"),
    "pip3": ("cache", "uninstall"),
    "conda": ("clean",),
    "mamba": ("clean",),
    "micromamba": ("clean",),
    "go": ("clean",),
    "cargo": ("clean",),
    "make": ("clean", "distclean"),
    "gem": ("cleanup", "sources"),
    "composer": ("clear-cache", "clearcache"),
    "docker-php-source": ("delete",),
    "dotnet": ("nuget",),
}


class Traits(NamedTuple):
    """What merging looks at in a script."""

    work: frozenset[str]
    takes_back: bool


NONE = Traits(frozenset(), takes_back=False)
_MOST = 4096
_traits: dict[tuple[str, bool], Traits] = {}


def traits(view: ScriptView) -> Traits:
    """The traits of a script. They are the text's alone, and a file's scripts are looked at many times over."""
    key = (view.script.text, view.opaque is None)
    found = _traits.get(key)
    if found is None:
        if len(_traits) >= _MOST:
            _traits.clear()
        found = _traits[key] = Traits(work(view), takes_back(view))
    return found


def work(view: ScriptView) -> frozenset[str]:
    """The kinds of costly work a script does; empty for one that only prepares files."""
    found: set[str] = set()
    for call in view.invocations:
        if call.action in ("install", "upgrade"):
            found.add(PACKAGES if call.manager.name in SYSTEM else DEPENDENCIES)
        elif call.action == "update" and call.manager.name in SYSTEM:
            found.add(PACKAGES)
    for command in view.commands:
        name = program(command)
        if not name:
            continue
        if name in _PACKAGE_TOOLS:
            found.add(PACKAGES)
        elif name in _BUILDERS and not _cleans(name, command):
            found.add(BUILD)
        elif name in _BUILD_VERBS or name in _RESTORERS:
            verb = _verb(command)
            if verb in _BUILD_VERBS.get(name, ()):
                found.add(BUILD)
            elif name in _RESTORERS and (verb in _RESTORERS[name] or not _RESTORERS[name]):
                found.add(DEPENDENCIES)
        elif name.startswith(("python", "pypy")) and _runs_setup(command):
            found.add(BUILD)
    return frozenset(found)


def steps(view: ScriptView) -> int:
    """How many commands of a script do something of their own.

    Fetching an index and cleaning up behind an install belong to the install; most RUNs of the file have them.
    """
    serving = {id(call.command) for call in view.invocations if call.action in ("update", "clean")}
    return sum(id(command) not in serving and not _empties_cache(command) for command in view.script.commands)


def _empties_cache(command: Command) -> bool:
    if command.name != "rm":
        return False
    operands = [word.text for word in command.args if not word.text.startswith("-")]
    return bool(operands) and all(text.startswith(_CACHES) for text in operands)


def takes_back(view: ScriptView) -> bool:
    """Whether a script is there to take away what earlier ones made, which saves its size only in the same layer."""
    cleaning: set[int] = set()
    for call in view.invocations:
        if call.action == "remove" and (call.operands or call.manager.name not in SYSTEM):
            return True
        if call.action in ("remove", "clean"):
            cleaning.add(id(call.command))
    if any(_verb(command) == "prune" for command in view.commands if program(command) in ("npm", "yarn", "pnpm")):
        return True
    return cleans_only(view, cleaning)


def cleans_only(view: ScriptView, cleaning: set[int] | None = None) -> bool:
    """Whether every command of a script takes files away."""
    if cleaning is None:
        cleaning = {id(call.command) for call in view.invocations if call.action in ("remove", "clean")}
    return bool(view.commands) and all(
        id(command) in cleaning or _cleans(program(command), command) for command in view.commands
    )


def starts_elsewhere(view: ScriptView) -> bool:
    """Whether a build is one of its own, in a directory it goes to or with sources it fetches."""
    text = view.script.text
    placed = any(flag in text for flag in _PLACES)
    for command in view.commands:
        if program(command) in ("cd", "pushd", "git", "curl", "wget", "svn", "hg", "tar", "unzip"):
            return True
        if placed and any(word.text.startswith(_PLACES) for word in command.args):
            return True
    return False


def _cleans(name: str | None, command: Command) -> bool:
    if name in ("rm", "rmdir", "strip", "unlink"):
        return True
    verbs = _CLEANING_VERBS.get(name or "")
    return verbs is not None and _verb(command) in verbs


def _verb(command: Command) -> str | None:
    """The first word after the program's name that is no flag."""
    seen = False
    for word in command.words:
        value = word.value
        if value is None:
            continue
        if not seen:
            seen = (
                base_name(value) in _BUILD_VERBS
                or base_name(value) in _RESTORERS
                or base_name(value) in _CLEANING_VERBS
            )
        elif not value.startswith("-"):
            return value
    return None


def _runs_setup(command: Command) -> bool:
    return any(base_name(word.value or "") == "setup.py" for word in command.args)
