"""A Node front end in a folder of its own: the steps that install and build it, and that they stay in the folder."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any, NamedTuple

from dockopt.api import Context, Facts, Instruction, Invocation, Known, ScriptView, Stage, is_system, read_call
from dockopt_transforms._tables import word_set
from dockopt_transforms.cache._copy import target_of
from dockopt_transforms.stages._confined import Unconfined

_MANAGERS = frozenset(("npm", "yarn", "pnpm"))
# Tools that write where their configuration says and nowhere else, by the names scripts call them.
_TOOLS = word_set(
    "tsc vue-tsc vite next astro nest react-scripts tsup nuxt nuxi gatsby vue-cli-service ng webpack rollup esbuild "
    "svelte-check eslint"
)
# What they download for the running program lies outside of the project.
_ELSEWHERE = re.compile(r'"(?:puppeteer|cypress|playwright|@playwright/test|electron|nw|husky|lefthook)"\s*:')


class FrontEnd(NamedTuple):
    """Neighbouring steps that make a front end."""

    nodes: tuple[Instruction, ...]
    folder: str  #: absolute, in the image


class _Step(NamedTuple):
    folder: str
    installs: bool
    builds: bool


def front_end(facts: Facts, stage: Stage, index: int) -> FrontEnd | Unconfined | None:
    """The front end that is made from the step at ``index`` on; None where none starts there."""
    nodes = stage.instructions
    folder = _folder_of(facts, nodes, index)
    if folder is None or (index and _belongs(facts, nodes[index - 1], folder)):
        return None
    end = index
    steps: list[_Step] = []
    while end < len(nodes) and _belongs(facts, nodes[end], folder):
        steps += _steps(facts, nodes[end]) or ()
        end += 1
    if not any(step.installs for step in steps):
        return None
    found = tuple(nodes[index:end])
    while found[-1].name != "RUN":
        found = found[:-1]
    problem = _stays(facts, stage, folder, builds=any(step.builds for step in steps))
    return Unconfined(problem) if problem is not None else FrontEnd(found, folder)


def _folder_of(facts: Facts, nodes: list[Instruction], index: int) -> str | None:
    """The folder that the first install from a step on runs in, nothing but copies standing before it."""
    for node in nodes[index:]:
        if node.name in ("COPY", "ADD"):
            continue
        steps = _steps(facts, node) if node.name == "RUN" else None
        return steps[0].folder if steps else None
    return None


def _belongs(facts: Facts, node: Instruction, folder: str) -> bool:
    if node.name in ("COPY", "ADD"):
        if node.flag("from") is not None or node.flag("chown") is not None or node.flag("chmod") is not None:
            return False
        target = target_of(facts, node)
        return target is not None and (target + "/").startswith(folder + "/")
    steps = _steps(facts, node) if node.name == "RUN" else None
    return steps is not None and all(step.folder == folder for step in steps)


def _steps(facts: Facts, node: Instruction) -> list[_Step] | None:
    """What a RUN does for a front end; None where it does something else as well."""
    view = facts.script(node)
    workdir = facts.state(node).workdir
    if view is None or view.opaque is not None or not view.script.and_list or not isinstance(workdir, Known):
        return None
    if any(flag.name != "mount" or "type=cache" not in (flag.value or "") for flag in node.flags):
        return None
    return _read(view, workdir.value)


def _read(view: ScriptView, here: str) -> list[_Step] | None:
    found: list[_Step] = []
    for command in view.script.commands:
        if not command.top or command.redirects:
            return None
        if command.name == "cd":
            target = command.words[1].value if len(command.words) == 2 else None
            if target is None or target.startswith(("-", "~")):
                return None
            here = posixpath.normpath(posixpath.join(here, target))
            continue
        call = read_call(command)
        if call is None or call.manager.name not in _MANAGERS or call.wrappers:
            return None
        step = _step(call, here)
        if step is None:
            return None
        found.append(step)
    return found or None


def _step(call: Invocation, here: str) -> _Step | None:
    moved = call.option("--prefix", "-C", "--cwd", "--dir")
    if moved is not None:
        if moved.value is None:
            return None
        here = posixpath.normpath(posixpath.join(here, moved.value))
    if (
        call.option("-g", "--global", "-w", "--workspace", "--filter", "-F", "--modules-folder", "--userconfig")
        is not None
    ):
        return None
    if call.action == "clean":
        return _Step(here, False, False)
    if call.action == "install" and not call.operands and call.verb not in ("add", "global", "fetch"):
        return _Step(here, True, False)
    operands = [word.value for word in call.operands]
    if (call.verb in ("run", "run-script") and operands == ["build"]) or (call.verb == "build" and not operands):
        return _Step(here, False, True)
    return None


def _stays(facts: Facts, stage: Stage, folder: str, *, builds: bool) -> str | None:
    """Why the steps may write outside of their folder, or take away what was there before."""
    if folder.count("/") < 2 or is_system(folder) or folder.startswith(("/tmp", "/var", "/root")):
        return f"{folder} is no folder of the front end alone"
    context = facts.context
    if not isinstance(context, Known):
        return context.reason
    name = facts.context_file(posixpath.join(folder, "package.json"), stage)
    if name is None:
        return f"no COPY puts a package.json into {folder}"
    root = posixpath.dirname(name) or "."
    text = context.value.text(name)
    app = next((app for app in facts.apps_at(root) if app.ecosystem == "node"), None)
    if not isinstance(text, Known) or app is None:
        return f"{name} cannot be read"
    if not isinstance(app.needs_sources, Known) or app.needs_sources.value:
        one = app.needs_sources
        return one.evidence if isinstance(one, Known) else one.reason
    elsewhere = _ELSEWHERE.search(text.value)
    if elsewhere is not None:
        return f"{name}: {elsewhere[0].strip(': ')} keeps files outside of the project"
    if _there(context.value, root, "node_modules"):
        return f"{posixpath.join(root, 'node_modules')} of the build context would be replaced"
    if not builds:
        return None
    scripts: Any = json.loads(text.value).get("scripts")
    return _build(context.value, root, name, scripts if isinstance(scripts, dict) else {}, app.outputs)


def _build(context: Context, root: str, name: str, scripts: dict[str, Any], outputs: object) -> str | None:
    script = scripts.get("build")
    if "prebuild" in scripts or "postbuild" in scripts or not isinstance(script, str):
        return f"{name}: what its build does is not one script"
    for part in script.split("&&"):
        words = part.split()
        while words and (words[0] in ("npx", "cross-env") or re.fullmatch(r"[A-Z_]+=\S*", words[0])):
            words = words[1:]
        if not words or words[0] not in _TOOLS or re.search(r"[;|>`$]", part):
            return f"{name}: {part.strip()} is not known to write into its folder alone"
    if not isinstance(outputs, Known):
        return f"{name}: where its build writes is not known"
    for one in outputs.value:
        path = posixpath.normpath(posixpath.join(root, one))
        if one.startswith(("/", "..")) or path.startswith(".."):
            return f"{name}: its build writes to {one}"
        if _there(context, root, one):
            return f"{path} of the build context would be replaced"
    return None


def _there(context: Context, root: str, name: str) -> bool:
    return context.exists(posixpath.normpath(posixpath.join(root, name)))
