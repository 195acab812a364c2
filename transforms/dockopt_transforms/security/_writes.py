"""What a build leaves behind and a program writes, as far as commands, variables and sources show it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dockopt.api import Command, Facts, Known, ScriptView, Stage, base_name, unwrap
from dockopt_transforms._tables import word_set

if TYPE_CHECKING:
    from dockopt.api import App, Context

_STATE = r"/(?:var|data|logs?|opt|srv|mnt|home|root|storage|uploads?|db|run)"
_LITERAL = rf"[\"'](?:sqlite:///)?({_STATE}(?:/[^\"'\s{{}}$]*)?)[\"']"
_WRITING = r"open|Path|[Ff]ile|connect|mkdir|makedirs|write|Write|sqlite|DIR|PATH|FOLDER|DATABASE|Storage|storage|destination|Create"
# ``@Path("/data")``, ``app.get("/db", …)``: what is asked for, no file.
_ROUTE = r"@(?:Path|\w*Mapping|\w*Route|Get|Post|Put|Delete|Controller)\(|\.(?:get|post|put|delete|route|path|handler?|addExact\w*|addPrefix\w*)\(\s*[\"']/"
_SETTING = rf"[=:]\s*[\"']?(?:sqlite:///)?({_STATE}/[^\"'\s{{}}$,;]*)"
_SOURCES = (".py", ".js", ".ts", ".mjs", ".cjs", ".go", ".rs", ".java", ".kt", ".rb", ".cs", ".c", ".cc", ".cpp")
_SETTINGS = (".properties", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".env", ".json", ".xml")
_MOST_FILES = 400
_CREATING = (
    r"os\.(?:Create|OpenFile|WriteFile|Mkdir)|ioutil\.(?:WriteFile|Temp)|File::create|fs::(?:write|create_dir)|OpenOptions|"
    r"FileWriter|FileOutputStream|RandomAccessFile|FileAppender|Files\.(?:write|create|copy|new\w*(?:Writer|OutputStream))|"
    r"FileHandler|mkdirs?\(|sqlite|jdbc:h2:(?!mem)|rusqlite|bolt\.Open|badger\.|lumberjack|logging\.file"
)

# Commands of a build that leave nothing a program would have to write to later.
_HARMLESS = word_set(
    "apt-get apt apk dnf yum microdnf dpkg rpm zypper pip pip3 npm yarn pnpm corepack bundle gem composer rm rmdir chmod ln cp mv tar unzip "
    "curl wget echo printf cat sed test [ set export cd true : find install sha256sum sha512sum gpg locale-gen ldconfig "
    "update-ca-certificates make cmake gcc g++ cc go cargo mvn gradle javac jlink dotnet apt-key tee strip which ls grep "
    "mkdir env sh uname dpkg-reconfigure update-alternatives fc-cache pwd hash"
)
_PYTHON_MODULES = word_set("pip venv compileall ensurepip virtualenv build")
_DJANGO = word_set("collectstatic compilemessages check")


def unknown_run(facts: Facts, stage: Stage) -> tuple[ScriptView, str] | None:
    """A command of the final image's RUNs of which nobody knows what it leaves behind."""
    text = facts.text
    for view in facts.scripts:
        if view.stage not in stage.chain:
            continue
        if view.opaque is not None:
            return view, "a script that is not read"
        for command in view.script.commands:
            what = _unknown(command, text)
            if what is not None:
                return view, what
    return None


def _unknown(command: Command, text: str) -> str | None:
    words = command.words[unwrap(command) :] if command.words else ()
    if not words:
        return None
    values = [word.value if word.value is not None else word.text for word in words]
    name, rest = base_name(values[0]), values[1:]
    if name in ("pip", "pip3") and "--user" in rest:
        return "pip install --user"
    if name in ("poetry", "pipenv", "pdm"):
        inside = ("virtualenvs.create", "virtualenvs_create", "in-project", "in_project", "--system", "venv_in_project")
        if any(mark in text for mark in inside):
            return None
        return None if "install" not in rest and "sync" not in rest else f"{name}, whose environment is in root's home"
    if name == "uv":
        return "uv python, which installs to root's home" if rest[:1] == ["python"] else None
    if re.fullmatch(r"python[\d.]*", name):
        if rest[:1] == ["-m"] and len(rest) > 1 and rest[1] in _PYTHON_MODULES:
            return None
        if len(rest) > 1 and base_name(rest[0]) == "manage.py" and rest[1] in _DJANGO:
            return None
        return None if rest in (["--version"], ["-V"]) else " ".join(values[:3])
    return None if name in _HARMLESS else name


def named_in(texts: Iterable[str], covered: Iterable[str]) -> str | None:
    """The first absolute path that looks like state and is not below a covered folder."""
    folders = tuple(covered)
    for text in texts:
        for part in re.split(r"[=:,\s]", text):
            match = re.fullmatch(rf"({_STATE}(?:/.*)?)", part)
            if match is not None and not _covered(match[1], folders):
                return match[1]
    return None


def _covered(path: str, folders: tuple[str, ...]) -> bool:
    plain = posixpath.normpath(path)
    return any(plain == folder or plain.startswith(folder.rstrip("/") + "/") for folder in folders) or plain.startswith(
        ("/var/tmp", "/run/secrets", "/var/run/secrets", "/opt/java", "/opt/venv")
    )


def named_in_sources(context: Context, app: App, covered: Iterable[str]) -> str | None:
    """Where the sources name a path outside the covered folders, seemingly to write there: ``app.py:7 names /data``."""
    folders = tuple(covered)
    for name in _files(context, app):
        text = context.text(name)
        if not isinstance(text, Known):
            continue
        source = name.endswith(_SOURCES)
        for number, line in enumerate(text.value.split("\n"), 1):
            if "/" not in line or line.lstrip().startswith(("#", "//")):
                continue
            if source and re.search(_ROUTE, line):
                continue
            match = re.search(_LITERAL if source else _SETTING, line)
            if (
                match is not None
                and "?" not in match[1]
                and (not source or re.search(_WRITING, line))
                and not _covered(match[1], folders)
            ):
                return f"{name}:{number} names {match[1]}"
    return None


def _files(context: Context, app: App) -> Iterator[str]:
    prefix = "" if app.root in ("", ".") else app.root.rstrip("/") + "/"
    count = 0
    for name in context.listing.files:
        parts = name.split("/")
        if not name.startswith(prefix) or not name.endswith(_SOURCES + _SETTINGS):
            continue
        if {"node_modules", "tests", "test", ".git", ".github", "docs", "venv", ".venv"} & set(parts[:-1]):
            continue
        if parts[-1] in ("package.json", "package-lock.json", "tsconfig.json") or parts[-1].startswith(
            ("test_", "docker-compose", "compose")
        ):
            continue
        count += 1
        if count > _MOST_FILES:
            return
        yield name


def creates_files(context: Context, app: App) -> str | None:
    """Where the sources seem to make a file: ``main.go:12``; None where nothing looks like it."""
    for name in _files(context, app):
        text = context.text(name)
        if not isinstance(text, Known):
            return f"{name} is not read"
        found = re.search(_CREATING, text.value)
        if found is not None:
            return f"{name}:{text.value.count(chr(10), 0, found.start()) + 1} has {found[0]}"
    return None
