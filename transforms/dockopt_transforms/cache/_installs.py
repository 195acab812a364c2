"""Which files of the sources an installing RUN reads, told from its commands alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import Command, Facts, Invocation, ScriptView, base_name, directories, read_call, unwrap
from dockopt_transforms._tables import word_set

_SYSTEM = word_set("apt apk dnf yum microdnf zypper pacman gem")
SAFE_MANAGERS = _SYSTEM | {"pip", "go"}  #: whose installs may be requests that manifests-first proves
_MANIFESTED = word_set("npm yarn pnpm bun bundle composer")
_ARCHIVES = (".deb", ".rpm", ".apk", ".whl", ".gem", ".zip", ".tgz", ".tar.gz", ".tar.bz2", ".xz")
_IDLE = word_set("true : set echo printf export update-ca-certificates ldconfig apt-mark locale-gen")
_ELSEWHERE = re.compile(r"\d*>>?\s*(/[\w./+-]+)\Z")
_NOWHERE = re.compile(r"\d*>&\d\Z|(?:\d*|&)>\s*/dev/null\Z")

# Flags that change neither what an install reads of the working directory nor where it writes. With a
# flag outside these it is left alone.
_PIP = word_set(
    "--no-cache-dir -U --upgrade -q --quiet -v --verbose --user -i --index-url --extra-index-url --trusted-host "
    "--no-deps --pre --prefer-binary --no-binary --only-binary --disable-pip-version-check --no-input --timeout "
    "--default-timeout --retries --root-user-action --break-system-packages --ignore-installed -I --force-reinstall "
    "--require-hashes --progress-bar --no-warn-script-location --no-build-isolation --use-pep517 --no-compile "
    "--compile --upgrade-strategy --exists-action --proxy --isolated --use-deprecated --use-feature "
    "--no-warn-conflicts --no-color --cache-dir -r --requirement -c --constraint"
)
_NODE = word_set(
    "--production --prod -P --omit --only --include --no-audit --no-fund --no-optional --silent -s --quiet -q "
    "--verbose --legacy-peer-deps --force --prefer-offline --no-progress --progress --loglevel --unsafe-perm "
    "--registry --no-save --frozen-lockfile --pure-lockfile --network-timeout --network-concurrency "
    "--non-interactive --ignore-engines --ignore-optional --strict-peer-dependencies --audit --fund --maxsockets "
    "--fetch-timeout --fetch-retries --ignore-scripts -p"
)
_OTHER = {
    "bundle": word_set("--jobs -j --retry --without --with --quiet --frozen --no-cache --deployment --path"),
    "composer": word_set(
        "--no-dev --no-interaction -n --no-progress --prefer-dist --no-scripts --no-autoloader --no-plugins --quiet "
        "-q --ignore-platform-reqs --ignore-platform-req --ansi --no-ansi --no-suggest"
    ),
}
#: Flags that name the project's folder.
_FOLDERS = {
    "npm": word_set("--prefix -C"),
    "yarn": word_set("--cwd"),
    "pnpm": word_set("-C --dir"),
    "bun": word_set("--cwd"),
    "composer": word_set("-d --working-dir"),
}
# What Bundler keeps as settings that name no folder and no source of gems.
_SETTINGS = word_set(
    "without with jobs retry frozen deployment no_prune silence_root_warning force_ruby_platform clean "
    "specific_platform disable_platform_warnings ignore_messages timeout"
)
_SCOPES = word_set("--local --global")
_UV = word_set(
    "--system --no-cache --no-cache-dir -n -U --upgrade --no-deps --break-system-packages --compile-bytecode --compile "
    "-q --quiet -v --verbose --pre --require-hashes --verify-hashes --no-verify-hashes --reinstall --force-reinstall "
    "--no-progress --native-tls --no-build-isolation --strict --no-compile --prefer-binary --no-color --no-python-downloads"
)
_UV_VALUES = word_set(
    "-i --index-url --extra-index-url --index --default-index -f --find-links --index-strategy --link-mode --prerelease "
    "--resolution --cache-dir --no-binary --only-binary -P --upgrade-package --torch-backend --trusted-host "
    "--allow-insecure-host --keyring-provider --exclude-newer --color"
)
_UV_FILES = word_set("-r --requirement --requirements -c --constraint --constraints --override --overrides")
_UV_VARIABLES = word_set(
    "UV_SYSTEM_PYTHON UV_NO_CACHE UV_COMPILE_BYTECODE UV_LINK_MODE UV_CACHE_DIR UV_BREAK_SYSTEM_PACKAGES UV_HTTP_TIMEOUT "
    "UV_INDEX_URL UV_EXTRA_INDEX_URL UV_DEFAULT_INDEX UV_INDEX UV_INDEX_STRATEGY UV_PYTHON_DOWNLOADS UV_VERSION "
    "UV_NO_PROGRESS UV_CONCURRENT_DOWNLOADS UV_CONCURRENT_BUILDS UV_CONCURRENT_INSTALLS UV_NATIVE_TLS "
    "UV_PROJECT_ENVIRONMENT UV_TOOL_BIN_DIR UV_TOOL_DIR UV_UNMANAGED_INSTALL UV_NO_MODIFY_PATH UV_INSTALL_DIR"
)
# Variables that pip reads as flags: these are harmless, any other may name a file or a folder.
_PIP_VARIABLES = word_set(
    "PIP_NO_CACHE_DIR PIP_DISABLE_PIP_VERSION_CHECK PIP_DEFAULT_TIMEOUT PIP_TIMEOUT PIP_INDEX_URL "
    "PIP_EXTRA_INDEX_URL PIP_ROOT_USER_ACTION PIP_BREAK_SYSTEM_PACKAGES PIP_TRUSTED_HOST PIP_NO_INPUT "
    "PIP_PREFER_BINARY PIP_PROGRESS_BAR PIP_CACHE_DIR PIP_RETRIES PIP_NO_COLOR PIP_VERSION"
)


class Request(NamedTuple):
    """One install. ``files`` are requirement files pip is given; the other managers find theirs in ``folder``."""

    #: ``system`` for one that reads no file of the project, ``global`` for one of a Node manager, which looks for
    #: its own settings there; of what installs nothing ``idle``, ``settings`` for Bundler's, written to ``folder``,
    #: and ``cd`` for what needs ``folder`` to be there
    manager: str
    folder: str  #: the absolute folder it works in
    files: tuple[str, ...] = ()  #: absolute
    flags: frozenset[str] = frozenset()

    @property
    def installs(self) -> bool:
        return self.manager not in ("idle", "settings", "cd")


class Stop(NamedTuple):
    """Why an install cannot come before the sources."""

    cause: str
    reason: str


_IDLE_CALL = Request("idle", "")
_BY_NAME = Request("system", "")
_GLOBAL = Request("global", "")


def requests(facts: Facts, view: ScriptView, target: str) -> list[Request] | Stop | None:
    """The installs of a RUN whose sources were copied to the absolute path ``target``.

    None where it installs nothing; :class:`Stop` where it does, and something in it may need the sources.
    """
    if _unread(view):
        return None
    found: list[Request] = []
    stop: Stop | None = None
    installs = False
    for command, one in _asked(facts, view, target):
        if one is None:
            stop = stop or Stop("reads-sources", f"{_shown(command)} of the same RUN may read the sources")
            continue
        installs = installs or (one.installs if isinstance(one, Request) else command.name != "cd")
        if isinstance(one, Stop):
            stop = stop or one
        elif one is not _IDLE_CALL:
            found.append(one)
    if not installs:
        return None
    return stop if stop is not None else found


def preparing(facts: Facts, view: ScriptView, target: str) -> list[Request] | None:
    """What a RUN that installs nothing asks for; None where it may do something with the sources."""
    if _unread(view):
        return None
    found: list[Request] = []
    for command, one in _asked(facts, view, target):
        if one is None and apart(facts, view, command, target):
            continue
        if not isinstance(one, Request) or one.installs:
            return None
        if one is not _IDLE_CALL:
            found.append(one)
    return found


def leading(facts: Facts, view: ScriptView, target: str) -> tuple[list[Request], int] | None:
    """The installs a RUN starts with before it works on the sources, and how many elements of its list they take."""
    if _unread(view) or not view.script.and_list:
        return None
    found: list[Request] = []
    wanted: tuple[list[Request], int] | None = None
    for command, one in _asked(facts, view, target):
        if not isinstance(one, Request):
            return wanted
        if one is _IDLE_CALL:
            continue
        found.append(one)
        if one.installs and one is not _BY_NAME and one is not _GLOBAL:
            wanted = list(found), command.item + 1
    return wanted


def _asked(facts: Facts, view: ScriptView, target: str) -> Iterator[tuple[Command, Request | Stop | None]]:
    """Each command of a script, and what it asks for; see :func:`_command`."""
    for command, folder in zip(view.commands, directories(facts, view), strict=True):
        yield command, _command(facts, view, command, folder, target)


def leaves(facts: Facts, view: ScriptView, place: str) -> bool:
    """Whether a RUN certainly leaves the file at an absolute path as it is.

    An install by a Node manifest and its like does not: it may write the lock file anew, and runs scripts.
    """
    if view.opaque is not None:
        return False
    for command, folder in zip(view.commands, directories(facts, view), strict=True):
        if command.name != "cd" and not apart(facts, view, command, place):
            one = _command(facts, view, command, folder, place)
            if not isinstance(one, Request) or one.manager not in ("pip", "uv", "settings"):
                return False
    return True


def _unread(view: ScriptView) -> bool:
    return view.opaque is not None or any(
        flag.name == "mount" and _binds(flag.value or "") for flag in view.instruction.flags
    )


def _command(
    facts: Facts, view: ScriptView, command: Command, folder: str | None, target: str
) -> Request | Stop | None:
    """What a command asks for; None for one that is no install and may read the sources.

    :param folder: the absolute folder it runs in, or that it changes to.
    """
    call = read_call(command)
    one: Request | Stop | None = None
    if call is not None:
        one = _read(facts, view, call, folder, target)
    elif command.name == "cd":
        unknown = Stop("place-unknown", f"where {_shown(command)} leads is not known")
        one = Request("cd", folder) if folder is not None else unknown
    elif command.name == "uv" and command.values[1:3] == ("pip", "install"):
        one = uv_pip(facts, view, command, folder)
    elif _idle(command, target):
        one = _IDLE_CALL
    if isinstance(one, Request) and one is not _IDLE_CALL and _redirected(command, target):
        return Stop("reads-sources", f"{_shown(command)} is redirected")
    return one


def apart(facts: Facts, view: ScriptView, command: Command, target: str) -> bool:
    """Whether a command certainly neither reads nor writes anything below the absolute path ``target``."""
    call = read_call(command)
    if call is None:
        return _idle(command, target) or (not _redirected(command, target) and _elsewhere(command, target))
    if _redirected(command, target) or None in command.values:
        return False
    if call.manager.name == "npm" and call.verb in ("config", "set"):
        return call.option("--location", "-L") is None
    if call.manager.name == "dotnet" and call.verb == "tool":
        return call.option("-g", "--global") is not None
    if call.manager.name == "go" and call.verb == "install":
        return bool(call.operands) and all("@" in (word.value or "") for word in call.operands)
    one = _read(facts, view, call, None, target)
    return one is _IDLE_CALL or one is _BY_NAME or one is _GLOBAL


def _elsewhere(command: Command, target: str) -> bool:
    """Whether a tool only works on its own settings, or writes to a file that lies elsewhere."""
    index = unwrap(command)
    values = [word.value for word in command.words[index:]]
    if len(values) < 2 or None in values:
        return False
    words = [value or "" for value in values]
    name = base_name(words[0])
    if name in ("mix", "poetry", "uv", "pipenv"):
        own = words[1] in ("local.hex", "local.rebar", "config", "self", "--version")
        return own and "--local" not in words and not any(word.startswith((".", "/")) for word in words[2:])
    if name not in ("curl", "wget") or any(word.startswith(("@", "-T", "-K", "-F", "-d", "--")) for word in words[1:]):
        return False
    flag = "-O" if name == "wget" else "-o"
    place = next(
        (words[at + 1] for at, word in enumerate(words[:-1]) if word.startswith("-") and word.endswith(flag[1])), ""
    )
    return place.startswith("/") and not overlap(posixpath.normpath(place), target)


def _read(facts: Facts, view: ScriptView, call: Invocation, folder: str | None, target: str) -> Request | Stop | None:
    """What a call asks for; None for one that is no install and may read the sources."""
    name = call.manager.name
    if name != "go" and call.action in ("update", "clean"):
        return _IDLE_CALL if not any((word.value or ".").startswith((".", "/")) for word in call.operands) else None
    if name in _SYSTEM:
        return (_named(call) or _BY_NAME) if call.action in ("install", "upgrade", "remove") else None
    if name != "pip" and name not in _MANIFESTED and name != "go":
        return None
    program = call.executable.value or "/"
    if "/" in program and (not program.startswith("/") or overlap(posixpath.normpath(program), target)):
        return Stop("own-way", f"{call.executable.text} is a program of the project")
    if any(word.value in ("-C", "-D", "--chdir") for word in call.wrappers):
        return Stop("place-unknown", f"where {call.executable.text} runs is not known")
    here = folder or ""
    one: Request | Stop | None = None
    if name == "pip" and call.verb == "install":
        one = _pip(call, here, facts.state(view.instruction).env)
    elif name == "bundle" and call.verb == "config":
        one = Request("settings", here) if bundler_setting(call) is not None else None
    elif name in _MANIFESTED and call.action == "install":
        one = _manifested(call, here)
    elif name == "go" and call.verb == "mod" and [word.value for word in call.operands] == ["download"]:
        flags = sorted({option.name for option in call.options} - {"-x", "-v"})
        one = Stop("own-way", f"{flags[0]} makes it another kind of download") if flags else Request("go", here)
    if isinstance(one, Request) and one not in (_BY_NAME, _GLOBAL) and folder is None:
        return Stop("place-unknown", f"where {call.executable.text} runs is not known")
    return one


def bundler_setting(call: Invocation) -> str | None:
    """The key that ``bundle config`` sets; None for one that may name another source of gems or folder for them."""
    values = [word.value for word in call.operands]
    if values[:1] == ["set"]:
        values = values[1:]
    if not values or None in values:
        return None
    key = values[0] or ""
    if key.startswith("build."):
        return key  # flags for how a gem is compiled
    if len(values) < 2 or {option.name for option in call.options} - _SCOPES:
        return None
    return key if key in _SETTINGS or (key == "path" and values[1:] == ["vendor/bundle"]) else None


def _binds(mount: str) -> bool:
    return not any(part in ("type=cache", "type=tmpfs", "type=secret", "type=ssh") for part in mount.split(","))


def _shown(command: Command) -> str:
    return " ".join(word.text for word in command.words[:3]) or "an assignment"


def within(path: str, folder: str) -> bool:
    """Whether an absolute path is, or lies in, a folder."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def overlap(path: str, target: str) -> bool:
    """Whether one of two absolute paths is, or lies in, the other."""
    return within(path, target) or within(target, path)


def _redirected(command: Command, target: str) -> bool:
    """Whether a redirection may reach the sources."""
    for redirect in command.redirects:
        match = _ELSEWHERE.match(redirect.text)
        if not _NOWHERE.match(redirect.text) and (match is None or overlap(posixpath.normpath(match[1]), target)):
            return True
    return False


def _idle(command: Command, target: str) -> bool:
    """Whether a command certainly neither reads nor writes below ``target``."""
    name = command.name
    if name is None:
        return not command.words
    if _redirected(command, target) or None in command.values:
        return False
    if name in _IDLE:
        return not any(word.glob for word in command.words)
    if name == "corepack":
        return command.values[1:2] == ("enable",)
    if name in ("rm", "mkdir"):
        paths = [value or "" for value in command.values[1:] if not (value or "").startswith("-")]
        # Whose home it is depends on USER: below /home it may be the one the sources are in.
        home = target if target.startswith("/home/") else "/root"
        paths = [home + path[1:] if path.startswith("~/") else path for path in paths]
        return all(path.startswith("/") and not overlap(posixpath.normpath(path.rstrip("*")), target) for path in paths)
    return False


def _named(call: Invocation) -> Stop | None:
    """What speaks against an install of packages by name."""
    for word in call.operands:
        value = word.value
        if value is None:
            return Stop("local-path", f"what {word.text} stands for is not known: it may be a file")
        remote = "://" in value and not value.startswith("file:")
        local = value.startswith((".", "/", "~", "file:")) or value.endswith(_ARCHIVES) or word.glob
        if local and not remote:
            return Stop("local-path", f"{call.executable.text} installs {word.text} from the sources")
    for option in call.options:
        if (option.value or "").startswith((".", "file:")) and option.name not in (
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-t",
            "--virtual",
        ):
            return Stop("local-path", f"{option.name} names {option.value}")
    return None


def _pip(call: Invocation, folder: str, env: dict[str, str | None]) -> Request | Stop:
    files: list[str] = []
    for option in call.options:
        if option.name in ("-e", "--editable"):
            return Stop("local-path", f"{option.name} installs the project itself")
        if option.name not in _PIP:
            return Stop("own-way", f"{option.name} makes it another kind of install")
        if option.name in ("-r", "--requirement", "-c", "--constraint"):
            if option.value is None or "$" in option.value:
                return Stop("local-path", f"which file {option.name} names is not known")
            if "://" not in option.value:
                files.append(posixpath.normpath(posixpath.join(folder, option.value)))
    assigned = {word.text.partition("=")[0] for word in (*call.command.assignments, *call.wrappers) if "=" in word.text}
    for variable in sorted(assigned | env.keys()):
        if variable.startswith("PIP_") and variable not in _PIP_VARIABLES:
            return Stop("own-way", f"{variable} is set")
    for word in call.operands:
        if "/" in (word.value or "") and "://" not in (word.value or ""):
            return Stop("local-path", f"pip installs {word.text} from the sources")
    stop = _named(call)
    if stop is not None:
        return stop
    return Request("pip", folder, tuple(files)) if files else _BY_NAME


def uv_pip(facts: Facts, view: ScriptView, command: Command, folder: str | None) -> Request | Stop:
    """``uv pip install`` as a request like pip's; ``flags`` are those it has."""
    files: list[str] = []
    flags: set[str] = set()
    words = command.words[3:]
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        value = word.value
        if value is None:
            return Stop("local-path", f"what {word.text} stands for is not known: it may be a file")
        if not value.startswith("-"):
            if "://" not in value and (value.startswith((".", "~")) or "/" in value or value.endswith(_ARCHIVES)):
                return Stop("local-path", f"uv installs {word.text} from the sources")
            continue
        name, equals, given = value.partition("=")
        if not equals and name[:2] in ("-r", "-c") and len(name) > 2 and not name.startswith("--"):
            name, equals, given = name[:2], "=", name[2:]
        if name in ("-e", "--editable"):
            return Stop("local-path", f"{name} installs the project itself")
        if name not in _UV and name not in _UV_VALUES and name not in _UV_FILES:
            return Stop("own-way", f"{name} makes it another kind of install")
        flags.add(name)
        if name in _UV:
            continue
        if not equals:
            given = (words[index].value or "$") if index < len(words) else "$"
            index += 1
        if name in _UV_FILES:
            if "$" in given or given == "-":
                return Stop("local-path", f"which file {name} names is not known")
            if "://" not in given:
                files.append(posixpath.normpath(posixpath.join(folder or "", given)))
        elif given.startswith((".", "/", "~", "file:")):
            return Stop("local-path", f"{name} names {given}")
    assigned = {word.text.partition("=")[0] for word in command.assignments}
    for variable in sorted(assigned | facts.state(view.instruction).env.keys()):
        if variable.startswith("UV_") and variable not in _UV_VARIABLES:
            return Stop("own-way", f"{variable} is set")
        if variable == "UV_SYSTEM_PYTHON":
            flags.add("--system")
    if folder is None:
        return Stop("place-unknown", "where uv runs is not known")
    return Request("uv", folder, tuple(files), frozenset(flags))


def _manifested(call: Invocation, folder: str) -> Request | Stop:
    name, verb = call.manager.name, call.verb or "install"
    if name != "bundle" and (call.option("-g", "--global") or verb == "global"):
        local = any((word.value or ".").startswith((".", "/", "file:")) for word in call.operands)
        return Stop("local-path", f"{call.executable.text} installs a folder") if local else _GLOBAL
    if call.operands or verb in ("add", "require", "create-project", "fetch"):
        return Stop("own-way", f"{name} {verb} is no install by the manifest alone")
    for option in call.options:
        if option.name in _FOLDERS.get(name, ()):
            if not option.value or "$" in option.value or option.value.startswith("~"):
                return Stop("place-unknown", f"which folder {option.name} names is not known")
            folder = posixpath.normpath(posixpath.join(folder, option.value))
        elif option.name == "--path" and name == "bundle" and option.value != "vendor/bundle":
            return Stop("own-way", f"{option.name} makes it another kind of install")
    flags = frozenset(option.name for option in call.options) - _FOLDERS.get(name, frozenset())
    other = sorted(flags - _OTHER.get(name, _NODE))
    if other:
        return Stop("own-way", f"{other[0]} makes it another kind of install")
    return Request(name, folder, (), flags)
