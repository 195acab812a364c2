"""Node manifests: package.json and lock files of npm, Yarn, pnpm and Bun; what the build script makes.

A build tool's output folder is known where a flag or a literal in its configuration names it, or where the tool's
own documentation gives a default and no configuration touches it.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import as_table, describe, join, line_of, load_json, present
from dockopt.facts.app.source import first, mask
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_NODE_FRAMEWORKS = (
    "next", "nuxt", "@nestjs/core", "@remix-run/node", "@sveltejs/kit", "astro", "@angular/core", "react-scripts", "gatsby", "vite", "fastify",
    "express", "koa", "@hapi/hapi", "hono", "restify",
)  # fmt: skip
# https://docs.npmjs.com/cli/using-npm/scripts#life-cycle-operation-order
_LIFECYCLE = (
    "preinstall", "install", "postinstall", "prepublish", "prepare", "preprepare", "postprepare", "dependencies", "pnpm:devPreinstall",
)  # fmt: skip


def node(context: Context, root: str, used: frozenset[str]) -> App | None:
    """A Node project by its package.json."""
    path = join(root, "package.json")
    if not context.is_file(path):
        return None
    locks = present(
        context,
        root,
        ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
    )
    extras = present(
        context, root, (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml")
    )
    package = load_json(context, path)
    if isinstance(package, Unknown):
        return App(
            "node",
            root,
            path,
            package,
            (path, *extras),
            locks,
            package,
            package,
            package,
            package,
            package,
            package,
            package,
            package,
            package,
        )
    data = package.value
    text = context.text(path)
    raw = text.value if isinstance(text, Known) else ""
    scripts = as_table(data.get("scripts"))
    manager = _node_manager(data, path, locks, used)
    runner = manager.value if isinstance(manager, Known) else "npm"
    dependencies: dict[str, Any] = {}
    for key in ("devDependencies", "optionalDependencies", "dependencies"):
        if isinstance(data.get(key), dict):
            dependencies.update(data[key])
    framework = next((name for name in _NODE_FRAMEWORKS if name in dependencies), None)
    build: Known[tuple[str, ...]] | Unknown = Unknown(f"{path} has no build script")
    outputs: Known[tuple[str, ...]] | Unknown = build
    if isinstance(scripts.get("build"), str):
        where = f"{path}:{line_of(raw, chr(34) + 'build' + chr(34))}"
        build = Known((runner, "run", "build"), where)
        outputs = _node_outputs(context, root, scripts["build"], where, scripts)
    details: dict[str, Known[str]] = {}
    engines = data.get("engines")
    if isinstance(engines, dict) and isinstance(engines.get("node"), str):
        details["node"] = Known(engines["node"], f"{path}:{line_of(raw, 'engines')}")
    if isinstance(data.get("main"), str):
        details["main"] = Known(data["main"], path)
    if isinstance(data.get("type"), str):
        details["type"] = Known(data["type"], path)
    entry: Known[tuple[str, ...]] | Unknown = Unknown(f"{path} has no start script")
    if isinstance(scripts.get("start"), str):
        entry = Known((runner, "start"), f"{path}:{line_of(raw, chr(34) + 'start' + chr(34))}")
    return App(
        "node", root, path, manager, (path, *extras), locks, _node_needs(data, path, raw, scripts, dependencies, extras),
        framework=Known(framework, f"{path}:{line_of(raw, framework)}") if framework else Unknown(f"{path} has no framework that dockopt knows"),
        entry=entry, build=build, outputs=outputs, metadata=describe(data, path, raw), details=details,
    )  # fmt: skip


def _node_manager(
    data: dict[str, Any], path: str, locks: tuple[str, ...], used: frozenset[str]
) -> Known[str] | Unknown:
    declared = data.get("packageManager")
    if isinstance(declared, str) and declared.split("@")[0] in ("npm", "yarn", "pnpm", "bun"):
        return Known(declared.split("@")[0], f"{path}: packageManager")
    kinds = {
        "package-lock.json": "npm",
        "npm-shrinkwrap.json": "npm",
        "yarn.lock": "yarn",
        "pnpm-lock.yaml": "pnpm",
        "bun.lock": "bun",
        "bun.lockb": "bun",
    }
    found = {kinds[posixpath.basename(lock)]: lock for lock in locks}
    if len(found) > 1:
        called = {name: lock for name, lock in found.items() if name in used}
        if len(called) != 1:
            return Unknown(f"several lock files are kept: {', '.join(locks)}")
        found = called
    for name, lock in found.items():
        return Known(name, lock)
    called_names = sorted(used & {"npm", "yarn", "pnpm", "bun"})
    if len(called_names) == 1:
        return Known(called_names[0], "the Dockerfile calls it")
    return (
        Known("npm", f"{path}, npm being Node's own")
        if not called_names
        else Unknown(f"the Dockerfile calls {' and '.join(called_names)}")
    )


def _node_needs(
    data: dict[str, Any],
    path: str,
    raw: str,
    scripts: dict[str, Any],
    dependencies: dict[str, Any],
    extras: tuple[str, ...],
) -> Known[bool] | Unknown:
    if data.get("workspaces") or any(name.endswith("pnpm-workspace.yaml") for name in extras):
        return Known(True, f"{path}: workspaces")
    for name in _LIFECYCLE:
        if name in scripts:
            return Known(True, f"{path}:{line_of(raw, chr(34) + name + chr(34))}: the script {name} runs on install")
    for name, value in dependencies.items():
        if isinstance(value, str) and re.match(r"(?:file|link|portal|workspace):|\.{0,2}/", value):
            return Known(True, f"{path}:{line_of(raw, value)}: {name} is a folder")
        if isinstance(value, str) and value.startswith("patch:"):
            return Known(True, f"{path}:{line_of(raw, value)}: {name} is patched")
    patched = data.get("patchedDependencies") or as_table(data.get("pnpm")).get("patchedDependencies")
    if "patch-package" in dependencies or patched:
        return Known(True, f"{path}: dependencies are patched")
    return Known(False, path)


def _node_outputs(
    context: Context, root: str, script: str, where: str, scripts: dict[str, Any]
) -> Known[tuple[str, ...]] | Unknown:
    """What ``npm run build`` makes, where the tool's own default or a literal says so."""
    last = [part.split() for part in re.split(r"&&|;", script)]
    words: list[str] = next((part for part in reversed(last) if part), [])
    while words and ("=" in words[0] or words[0] in ("npx", "cross-env", "NODE_ENV=production")):
        words = words[1:]
    if (
        len(words) >= 3
        and words[0] in ("npm", "yarn", "pnpm")
        and words[1] == "run"
        and isinstance(scripts.get(words[2]), str)
        and words[2] != "build"
    ):
        return _node_outputs(context, root, scripts[words[2]], f"{where}, {words[2]}", {})
    tool, rest = (words[0], words[1:]) if words else ("", [])
    for index, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if name in ("--outDir", "--out-dir", "--outdir", "-o", "-d", "--output-path", "--dist-dir", "--dir"):
            given = value if equals else rest[index + 1] if index + 1 < len(rest) else ""
            return (
                Known((posixpath.normpath(given),), where)
                if given and "$" not in given
                else Unknown(f"{where}: {word} names no folder")
            )
    if tool == "tsc":
        config = next((rest[i + 1] for i, word in enumerate(rest[:-1]) if word in ("-p", "--project")), "tsconfig.json")
        return _tsconfig_out(context, root, config, where)
    config_of = {
        "vite": ("vite.config", "outDir", "dist"),
        "next": ("next.config", "distDir", ".next"),
        "astro": ("astro.config", "outDir", "dist"),
    }
    if tool in config_of and (rest[:1] == ["build"] or tool == "vite"):
        stem, option, default = config_of[tool]
        for name in context.names(root):
            if name.startswith(stem):
                text = context.text(join(root, name))
                if isinstance(text, Unknown):
                    return text
                masked = mask(text.value)
                if option in masked:
                    literal = first(re.compile(rf"\b{option}\s*:\s*['\"]([^'\"$]+)['\"]"), masked, join(root, name))
                    return (
                        Known((posixpath.normpath(literal.value),), literal.evidence)
                        if literal
                        else Unknown(f"{join(root, name)}: {option} is no literal")
                    )
        return Known((default,), f"{where}, {tool}'s default")
    defaults = {
        ("react-scripts", "build"): "build", ("nest", "build"): "dist", ("nuxt", "build"): ".output", ("nuxi", "build"): ".output",
        ("gatsby", "build"): "public", ("vue-cli-service", "build"): "dist", ("tsup", ""): "dist",
    }  # fmt: skip
    for (name, verb), folder in defaults.items():
        if tool == name and (not verb or rest[:1] == [verb]):
            return Known((folder,), f"{where}, {name}'s default")
    return Unknown(f"{where}: where {tool or 'the script'} writes is not known")


def _tsconfig_out(context: Context, root: str, config: str, where: str) -> Known[tuple[str, ...]] | Unknown:
    from dockopt.facts.buildfiles import load_jsonc

    path = posixpath.normpath(join(root, config))
    text = context.text(path)
    if isinstance(text, Unknown):
        return text
    try:
        data = load_jsonc(text.value)
    except ValueError as error:
        return Unknown(f"{path} does not parse: {error}")
    options = data.get("compilerOptions") if isinstance(data, dict) else None
    out = options.get("outDir") if isinstance(options, dict) else None
    if isinstance(out, str):
        return Known((posixpath.normpath(out),), f"{path}: outDir")
    return Unknown(f"{path} has no outDir")
