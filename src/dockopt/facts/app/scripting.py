"""Ruby and PHP manifests: the literal ``gem`` lines of a Gemfile, composer.json."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import as_list, as_table, describe, join, load_json, present
from dockopt.facts.app.source import first, mask, search
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_GEM = re.compile(r"^\s*gem\s*\(?\s*['\"]([\w-]+)['\"]([^\n]*)", re.M)


def ruby(context: Context, root: str) -> App | None:
    """A Ruby project by its Gemfile, of which literal ``gem`` lines are read."""
    path = join(root, "Gemfile")
    if not context.is_file(path):
        return None
    locks = present(context, root, ("Gemfile.lock",))
    extras = present(context, root, (".ruby-version", ".bundle/config"))
    specs = tuple(join(root, name) for name in context.names(root) if name.endswith(".gemspec"))
    text = context.text(path)
    if isinstance(text, Unknown):
        return App("ruby", root, path, Known("bundler", path), (path, *extras), locks, text, text)
    masked = mask(text.value, "hash")
    gems = search(_GEM, masked, path)
    needs: Known[bool] | Unknown = Known(False, path)
    for gem in gems:
        if re.search(r"\bpath:|:path\s*=>", gem.match[2]):
            needs = Known(True, f"{gem.where}: {gem.match[1]} is a folder")
    if re.search(r"^\s*(?:gemspec|eval_gemfile|path)\b", masked, re.M):
        needs = Known(True, f"{path}: it reads more files of the project")
    elif re.search(r"File\.(?:read|open)|require_relative|IO\.read|load\b", masked):
        needs = Unknown(f"{path} reads other files")
    framework = next(
        (
            Known(g.match[1], g.where)
            for name in ("rails", "sinatra", "hanami", "roda")
            for g in gems
            if g.match[1] == name
        ),
        None,
    )
    server = next(
        (
            Known(g.match[1], g.where)
            for name in ("puma", "falcon", "unicorn", "thin")
            for g in gems
            if g.match[1] == name
        ),
        None,
    )
    details: dict[str, Known[str]] = {}
    version = first(re.compile(r"^\s*ruby\s+['\"]([^'\"]+)['\"]", re.M), masked, path)
    if version is not None:
        details["ruby"] = version
    return App(
        "ruby", root, path, Known("bundler", path), (path, *specs, *extras), locks, needs,
        framework=framework or Unknown(f"{path} has no framework that dockopt knows"), server=server or Unknown(f"{path} has no server gem"),
        details=details,
    )  # fmt: skip


def php(context: Context, root: str) -> App | None:
    """A PHP project by its composer.json."""
    path = join(root, "composer.json")
    if not context.is_file(path):
        return None
    locks = present(context, root, ("composer.lock", "symfony.lock"))
    extras = present(context, root, ("auth.json",))
    data = load_json(context, path)
    if isinstance(data, Unknown):
        return App("php", root, path, Known("composer", path), (path, *extras), locks, data, data)
    required = as_table(data.value.get("require"))
    needs: Known[bool] | Unknown = Known(False, path)
    repositories = data.value.get("repositories")
    listed = [*as_table(repositories).values(), *as_list(repositories)]
    scripts = as_table(data.value.get("scripts"))
    hooks = [
        name
        for name in scripts
        if name.startswith(("post-", "pre-")) and not name.endswith(("-root-package-install", "-create-project-cmd"))
    ]
    if any(isinstance(one, dict) and one.get("type") == "path" for one in listed):
        needs = Known(True, f"{path}: a repository of type path")
    elif hooks:
        needs = Known(True, f"{path}: the script {hooks[0]} runs on install")
    framework = next(
        (
            name
            for name, mark in (
                ("laravel", "laravel/framework"),
                ("symfony", "symfony/framework-bundle"),
                ("slim", "slim/slim"),
            )
            if mark in required
        ),
        None,
    )
    details = {"php": Known(required["php"], path)} if isinstance(required.get("php"), str) else {}
    details |= {"extensions": Known(" ".join(sorted(name[4:] for name in required if name.startswith("ext-"))), path)}
    return App(
        "php", root, path, Known("composer", path), (path, *extras), locks, needs,
        framework=Known(framework, path) if framework else Unknown(f"{path} has no framework that dockopt knows"),
        details=details, metadata=describe(data.value, path),
    )  # fmt: skip
