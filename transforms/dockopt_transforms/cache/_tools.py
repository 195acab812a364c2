"""Where package managers and build tools keep their caches, and which commands fill or empty them.

Sources: the managers' own pages on their caches, and for a mount over each of them
https://docs.docker.com/build/cache/optimize/#use-cache-mounts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dockopt.api import Command, Invocation, ScriptView, Word, base_name, read_call, unwrap

_NODE_FILLS = frozenset(("install", "upgrade"))
_GO = frozenset(("build", "install", "get", "test", "run", "vet", "generate"))
_CARGO = frozenset(("build", "install", "fetch", "test", "run", "check", "bench", "doc", "update"))
_DOTNET = frozenset(("restore", "build", "publish", "test", "run", "pack", "tool", "add"))
_UV = (("sync",), ("pip", "install"), ("pip", "sync"), ("add",), ("tool", "install"))


class Use(NamedTuple):
    """One call of a tool."""

    command: Command
    words: tuple[Word, ...]  #: from the tool's own name on
    call: Invocation | None  #: None for a tool that is not in the table of managers


class Tool(NamedTuple):
    """One tool and its cache. ``~`` is the home of who runs it, ``$NAME`` a variable of the environment."""

    name: str
    caches: tuple[str, ...]
    fills: Callable[[Use], bool]  #: whether a call puts something into the cache
    moved_by: tuple[str, ...] = ()  #: variables that name another place
    moved_flags: tuple[str, ...] = ()  #: flags that do
    off: tuple[str, ...] = ()  #: variables that turn the cache off
    dropped: tuple[str, ...] = ()  #: flags that turn it off
    shared: bool = True  #: whether several builds may use it at the same time
    read_later: bool = False  #: whether what is installed stays in the cache, so that later steps read it there


def _verbs(*verbs: str) -> Callable[[Use], bool]:
    wanted = frozenset(verbs)
    return lambda use: use.call is not None and use.call.verb in wanted


def _installs(use: Use) -> bool:
    return use.call is not None and use.call.action in _NODE_FILLS


def _uv(use: Use) -> bool:
    values = tuple(word.value or "" for word in use.words[1:])
    return any(values[: len(verb)] == verb for verb in _UV)


def _second(*verbs: str) -> Callable[[Use], bool]:
    return lambda use: any(word.value in verbs for word in use.words[1:4])


def _go(use: Use) -> bool:
    call = use.call
    if call is None:
        return False
    return call.verb in _GO or (call.verb == "mod" and any(w.value in ("download", "tidy") for w in call.operands))


def _goals(use: Use) -> bool:
    call = use.call
    return call is not None and (call.verb_word is not None or bool(call.operands))


def only_fetches(tool: str, calls: list[Use]) -> bool:
    """Whether all that is called of a build tool downloads the dependencies, and nothing of the project is built."""
    own = [use.call for use in calls if use.call is not None]
    verbs = {call.verb or "" for call in own}
    words = {call.verb or "" for call in own} | {word.text for call in own for word in call.operands}
    if tool == "cargo":
        return verbs == {"fetch"} or verbs == {"build", "clean"}  # a build of a stub
    if tool == "maven":
        return all(word.startswith("dependency:") for word in words)
    alone = {"go": "mod", "gradle": "dependencies", "dotnet": "restore"}.get(tool)
    return len(own) == len(calls) and (words if tool == "gradle" else verbs) == {alone}


TOOLS: tuple[Tool, ...] = (
    Tool(
        "pip",
        ("~/.cache/pip",),
        _verbs("install", "wheel", "download"),
        moved_by=("PIP_CACHE_DIR", "XDG_CACHE_HOME", "PIP_CONFIG_FILE"),
        moved_flags=("--cache-dir",),
        off=("PIP_NO_CACHE_DIR",),
        dropped=("--no-cache-dir", "--no-cache"),
    ),
    Tool(
        "uv",
        ("~/.cache/uv",),
        _uv,
        moved_by=("UV_CACHE_DIR", "XDG_CACHE_HOME", "UV_LINK_MODE"),
        moved_flags=("--cache-dir", "--link-mode"),
        off=("UV_NO_CACHE",),
        dropped=("--no-cache", "--no-cache-dir", "-n"),
    ),
    # Not the whole of Poetry's cache directory: its virtual environments are in there too.
    Tool(
        "poetry",
        ("~/.cache/pypoetry/cache", "~/.cache/pypoetry/artifacts"),
        _second("install", "add", "update", "sync"),
        moved_by=("POETRY_CACHE_DIR", "XDG_CACHE_HOME"),
        moved_flags=("--cache-dir",),
        dropped=("--no-cache",),
    ),
    Tool(
        "pipenv",
        ("~/.cache/pipenv", "~/.cache/pip"),
        _second("install", "sync", "update"),
        moved_by=("PIPENV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME"),
        off=("PIP_NO_CACHE_DIR",),
    ),
    Tool(
        "npm",
        ("~/.npm",),
        _installs,
        moved_by=("npm_config_cache", "NPM_CONFIG_CACHE", "NPM_CONFIG_USERCONFIG"),
        moved_flags=("--cache",),
    ),
    Tool(
        "yarn",
        ("/usr/local/share/.cache/yarn",),
        _installs,
        moved_by=("YARN_CACHE_FOLDER", "XDG_CACHE_HOME"),
        moved_flags=("--cache-folder",),
    ),
    Tool(
        "pnpm",
        ("~/.local/share/pnpm/store",),
        _installs,
        moved_by=("npm_config_store_dir", "NPM_CONFIG_STORE_DIR", "XDG_DATA_HOME"),
        moved_flags=("--store-dir", "--global-dir"),
    ),
    Tool(
        "bun",
        ("~/.bun/install/cache",),
        _installs,
        moved_by=("BUN_INSTALL_CACHE_DIR", "BUN_INSTALL"),
        moved_flags=("--cache-dir", "--backend"),
        dropped=("--no-cache",),
    ),
    Tool(
        "go",
        ("$GOPATH/pkg/mod", "~/.cache/go-build"),
        _go,
        moved_by=("GOMODCACHE", "GOCACHE", "XDG_CACHE_HOME"),
        moved_flags=("-modcacherw",),
        read_later=True,
    ),
    Tool(
        "cargo",
        ("$CARGO_HOME/registry", "$CARGO_HOME/git"),
        lambda use: use.call is not None and use.call.verb in _CARGO,
        read_later=True,
    ),
    Tool("maven", ("~/.m2/repository",), _goals, read_later=True),
    Tool(
        "gradle",
        ("~/.gradle/caches",),
        _goals,
        moved_by=("GRADLE_USER_HOME",),
        moved_flags=("-g", "--gradle-user-home", "--project-cache-dir"),
        shared=False,
        read_later=True,
    ),
    Tool(
        "dotnet",
        ("~/.nuget/packages",),
        lambda use: use.call is not None and use.call.verb in _DOTNET,
        moved_by=("NUGET_PACKAGES",),
        moved_flags=("--packages",),
        dropped=("--no-cache", "--no-http-cache"),
        read_later=True,
    ),
    Tool(
        "composer",
        ("$COMPOSER_HOME/cache",),
        _installs,
        moved_by=("COMPOSER_CACHE_DIR",),
        dropped=("--no-cache",),
    ),
    Tool(
        "bundle",
        ("$GEM_HOME/cache",),
        lambda use: use.call is not None and use.call.verb in ("install", None),
        moved_by=("BUNDLE_PATH", "BUNDLE_DEPLOYMENT"),
        moved_flags=("--path", "--deployment"),
        dropped=("--no-cache",),
    ),
    Tool("apk", ("/var/cache/apk",), _verbs("add"), moved_flags=("--cache-dir", "--no-network", "--root", "-p")),
    Tool(
        "dnf",
        ("/var/cache/dnf", "/var/cache/libdnf5"),
        _verbs("install", "groupinstall", "localinstall", "reinstall", "upgrade", "update"),
        moved_flags=("--installroot", "--downloaddir", "-c", "--config"),
        shared=False,
    ),
    Tool(
        "apt",
        ("/var/cache/apt", "/var/lib/apt/lists"),
        _verbs("install", "build-dep", "upgrade", "dist-upgrade", "full-upgrade"),
        moved_by=("APT_CONFIG",),
        moved_flags=("-c", "--config-file"),
        shared=False,
    ),
)
_UNLISTED = frozenset(("uv", "poetry", "pipenv"))


def uses(view: ScriptView) -> dict[str, list[Use]]:
    """The calls of tools in a script, by the tool's name."""
    found: dict[str, list[Use]] = {}
    for command in view.commands:
        call = read_call(command)
        index = unwrap(command)
        words = command.words[index:]
        name = call.manager.name if call is not None else base_name(words[0].value or "") if words else ""
        if call is not None or name in _UNLISTED:
            found.setdefault(name, []).append(Use(command, words, call))
    return found
