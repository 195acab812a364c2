"""Poetry, uv and Pipenv: what their commands do to a split, and what their lock files list.

With VIRTUAL_ENV set and the environment first on PATH, ``poetry install`` and ``pipenv install`` use that
environment (Poetry: "if a virtual environment is activated, Poetry will use it"; Pipenv: the ``python`` of PATH for
``--system``). ``uv sync`` makes one of its own, ``.venv`` beside pyproject.toml unless UV_PROJECT_ENVIRONMENT says
otherwise.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from dockopt.api import Command, Facts, Instruction, Invocation, Known, ScriptView, Stage, Unknown, base_name, unwrap
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.stages._plan import Impossible, Kinds, kinds

if TYPE_CHECKING:
    from dockopt.api import Context

TOOLS = ("poetry", "pipenv", "uv")
_TOOL_PACKAGES = words(
    "poetry poetry-core poetry-plugin-export poetry-dynamic-versioning pipenv uv pip setuptools wheel virtualenv"
)
_INSTALLERS = re.compile(r"install\.python-poetry\.org|astral\.sh/uv/|get-poetry\.py")
UV_IMAGE = re.compile(r"(?:ghcr\.io/)?astral-sh/uv\b")


def uses_tool(facts: Facts, stage: Stage) -> str | None:
    """The tool that installs the project in a stage, None for pip alone.

    :raises Impossible: for several.
    """
    found = [
        name
        for name in TOOLS
        if any(view.stage is stage and verb(command) in INSTALLS for view, command in facts.commands(name))
    ]
    if len(found) > 1:
        raise Impossible("unknown-step", f"both {found[0]} and {found[1]} install")
    return found[0] if found else None


INSTALLS = frozenset(("install", "sync", "pip install", "pip sync"))


def verb(command: Command) -> str:
    """The verb of a tool's call: ``install``, ``pip install`` …"""
    values = [value or "" for value in command.values[unwrap(command) + 1 :] if not (value or "-").startswith("-")]
    if values[:1] == ["pip"]:
        return " ".join(values[:2])
    return values[0] if values else ""


def python_kinds(view: ScriptView | None, tool: str | None) -> Kinds:
    """:func:`kinds` for Python; with a tool, installs of tools are told from those of the project."""
    what = kinds(view, frozenset(("pip",)))
    if view is None or view.opaque is not None or tool is None:
        return what
    found = set(what.kinds)
    piped = _INSTALLERS.search(view.script.text) is not None
    others: list[str] = []
    for command in view.commands:
        at = unwrap(command)
        value = command.words[at].value if at < len(command.words) else None
        name = base_name(value) if value else None
        if name is None or name not in what.others:
            continue
        if piped and name in ("curl", "wget", "python", "python3", "sh", "bash"):
            found.add("tool")
        elif name in TOOLS:
            found.add(_tool_kind(name, command, view.instruction))
        else:
            others.append(name)
    calls = [call for call in view.invocations if call.manager.name == "pip"]
    if calls and all(_only_tools(call) for call in calls):
        if not any(_installs_project(view, name) for name in TOOLS):
            found.discard("install")
        found.add("tool")
    if {"tool", "install"} <= found:
        raise Impossible("mixed-run", "one RUN installs a tool and, with it, the project", view.instruction)
    if not others:
        found.discard("other")
    return Kinds(frozenset(found), what.packages, tuple(others))


def _installs_project(view: ScriptView, name: str) -> bool:
    return any(base_name(command.name or "") == name and verb(command) in INSTALLS for command in view.commands)


def _tool_kind(name: str, command: Command, node: Instruction) -> str:
    what = verb(command)
    if name == "uv" and what in ("venv", "tool", "python"):
        raise Impossible("install-location", f"uv {what} makes an environment of its own", node)
    if what in INSTALLS or what in ("export", "requirements"):
        return "install"
    if what in ("config", "cache", "", "self", "check"):
        return "neutral"
    raise Impossible("unknown-step", f"what {name} {what} does is not known", node)


def _only_tools(call: Invocation) -> bool:
    names = [re.split(r"[\[=<>!~ ]", (word.value or word.text).lower())[0] for word in call.operands]
    return (
        call.verb == "install"
        and bool(names)
        and set(names) <= _TOOL_PACKAGES
        and call.option("-r", "--requirement", "-e") is None
    )


def locked(facts: Facts, stage: Stage, tool: str, node: Instruction) -> list[tuple[str, str]]:
    """The requirements the tool installs, with where they are written.

    :raises Impossible: where they cannot be read.
    """
    context = facts.context
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {context.reason}", node)
    workdir = facts.state(node).workdir
    if isinstance(workdir, Unknown):
        raise Impossible("needs-unknown", workdir.reason, node)
    lock = {"poetry": "poetry.lock", "uv": "uv.lock", "pipenv": "Pipfile.lock"}[tool]
    name = facts.context_file(posixpath.join(workdir.value, lock), stage) or _bound(node, lock)
    if name is None:
        raise Impossible(
            "needs-unknown", f"there is no {lock} that COPY takes: which packages are installed is not known", node
        )
    data = _load(context.value, name, node)
    try:
        return _packages(data, tool, name)
    except (AttributeError, KeyError, TypeError) as error:
        raise Impossible("needs-unknown", f"{name} is not as {tool} writes it", node) from error


def _packages(data: dict[str, Any], tool: str, name: str) -> list[tuple[str, str]]:
    if tool == "pipenv":
        return [
            (one + str(entry.get("version", "")) if isinstance(entry, dict) else one, name)
            for one, entry in data.get("default", {}).items()
        ]
    found: list[tuple[str, str]] = []
    for package in data.get("package", ()):
        groups = package.get("groups") or [package.get("category", "main")]
        source = package.get("source", {})
        if "main" not in groups or (tool == "uv" and ("virtual" in source or "editable" in source)):
            continue
        found.append((f"{package['name']}=={package.get('version', '')}", name))
    return found


def _bound(node: Instruction, lock: str) -> str | None:
    for flag in node.flags:
        options = dict(part.partition("=")[::2] for part in (flag.value or "").split(","))
        if flag.name == "mount" and posixpath.basename(options.get("target", "")) == lock and "from" not in options:
            return options.get("source", options.get("src"))
    return None


def _load(context: Context, name: str, node: Instruction) -> dict[str, Any]:
    from dockopt.api import load_json, load_toml

    data = (load_json if name.endswith("Pipfile.lock") else load_toml)(context, name)
    if isinstance(data, Unknown):
        raise Impossible("needs-unknown", data.reason, node)
    return data.value


def uv_environment(facts: Facts, node: Instruction, tag: str) -> str:
    """Where ``uv sync`` puts its environment.

    :raises Impossible: where that is not known, or uv would fetch a Python of its own.
    """
    state = facts.state(node)
    if isinstance(state.workdir, Unknown):
        raise Impossible("needs-unknown", state.workdir.reason, node)
    given = state.env.get("UV_PROJECT_ENVIRONMENT", ".venv")
    if given is None or given.startswith("/usr"):
        raise Impossible("install-location", "UV_PROJECT_ENVIRONMENT puts the packages outside of an environment", node)
    if isinstance(facts.context, Known):
        pinned = facts.context.value.text(".python-version")
        have = re.match(r"\d+(?:\.\d+)*", tag)
        if isinstance(pinned, Known) and not (have and (pinned.value.strip() + ".").startswith(have[0] + ".")):
            raise Impossible(
                "needs-unknown", f".python-version asks for {pinned.value.strip()}, which uv would fetch", node
            )
    return posixpath.normpath(posixpath.join(state.workdir.value, given))


def run_prefix(node: Instruction, tool: str) -> tuple[int, int] | None:
    """The logical span of ``poetry run`` before the command of a CMD or ENTRYPOINT, None where there is none."""
    quote = r'"' if node.json is not None else ""
    pattern = rf"\s*{quote}{tool}{quote}\s*{',' if quote else ''}\s*{quote}run{quote}\s*{',' if quote else ''}\s*"
    start = node.args_start + (1 if quote else 0)
    match = re.match(pattern, node.line[start : node.args_end])
    return (start, start + match.end()) if match is not None else None
