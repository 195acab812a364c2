"""The manifests and lock files an install reads, told from the build context."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import Facts, Known, Unknown
from dockopt_transforms.cache._copy import Sources
from dockopt_transforms.cache._installs import Request, Stop
from dockopt_transforms.cache._project_files import composer_problem

if TYPE_CHECKING:
    from dockopt.api import App, Context

_LOCAL_FILE = re.compile(r"\S+\.(?:whl|zip|tgz|tar\.\w+|tar)\b", re.I)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;(]|\Z|@\s*(?:https?|git\+\w+)://)")
_URL = re.compile(r"(?:https?|(?:git|hg|svn|bzr)\+\w+)://")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))(\S+)\Z")
_LINE_FLAGS = re.compile(
    r"(?:-i|--index-url|--extra-index-url|--trusted-host|--pre|--prefer-binary|--no-binary|--only-binary|--use-feature|"
    r"--require-hashes|(?:-f|--find-links)[\s=]+https?://)"
)
_ECOSYSTEM = {
    "npm": "node",
    "yarn": "node",
    "pnpm": "node",
    "bun": "node",
    "go": "go",
    "bundle": "ruby",
    "composer": "php",
}
_MANIFEST = {"node": "package.json", "go": "go.mod", "ruby": "Gemfile", "php": "composer.json"}
_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "yarn": ("yarn.lock",),
    "pnpm": ("pnpm-lock.yaml",),
    "bun": ("bun.lock", "bun.lockb"),
    "go": ("go.sum",),
    "bundle": ("Gemfile.lock",),
    "composer": ("composer.lock", "symfony.lock"),
}
_BESIDE = {
    "npm": (".npmrc",),
    "yarn": (".npmrc", ".yarnrc"),
    "pnpm": (".npmrc",),
    "bun": (".npmrc", "bunfig.toml"),
    "go": (),
    "bundle": (".ruby-version", ".tool-versions"),
    "composer": ("auth.json",),
}
#: What a manager looks for in the folders above the project's own as well.
_ABOVE = {
    "npm": ("pnpm-workspace.yaml",),
    "yarn": (".yarnrc", ".yarnrc.yml", ".npmrc"),
    "pnpm": ("pnpm-workspace.yaml", ".npmrc"),
    "bun": ("bunfig.toml",),
    "go": ("go.work",),
    "bundle": (".bundle",),
    "composer": (),
}
#: What an install fills or is steered by: copied over afterwards, or missing before, it would come out otherwise.
_FILLED = {
    "npm": ("node_modules",),
    "yarn": ("node_modules", ".yarn", ".pnp.cjs", ".yarnrc.yml"),
    "pnpm": ("node_modules", ".pnpmfile.cjs", "pnpmfile.js"),
    "bun": ("node_modules",),
    "go": ("vendor",),
    "bundle": ("vendor/bundle", "vendor/cache", ".bundle"),
    "composer": ("vendor",),
}
# Packages whose own install step reads files of the project that uses them.
_CURIOUS = re.compile(
    r'"(prisma|@prisma/client|puppeteer|cypress|patch-package|lefthook|simple-git-hooks|yorkie|contentlayer|nuxt|'
    r'@redwoodjs/core|electron|relay-compiler|@pandacss/dev)"\s*:'
)
_LOCAL_LOCK = re.compile(r'"link":\s*true|"?(?:file|link|portal|workspace|patch):\.{0,2}[/\w]|@patch:|directory: ')
_SCANS = re.compile(r'"classmap"|"optimize-autoloader"\s*:\s*true|"classmap-authoritative"\s*:\s*true')


class Needs(NamedTuple):
    """What an install reads."""

    files: tuple[str, ...]  #: names in the build context
    proven: bool  #: whether nothing else can make a difference


def needs(facts: Facts, context: Context, sources: Sources, request: Request) -> Needs | Stop:
    """The files of a copied folder that an install reads."""
    root, target = sources.source, sources.target
    if request.manager in ("system", "global"):
        return Needs((), request.manager == "system")
    if request.manager == "cd":
        return Needs((), True)
    if request.manager == "settings":
        return _settings(context, _source(request.folder, root, target))
    if request.manager in ("pip", "uv"):
        found: dict[str, None] = {}
        for path in request.files:
            name = _source(path, root, target)
            if name is None:
                continue  # another instruction put it there
            stop = _requirements(context, name, root, found)
            if stop is not None:
                return stop
        chosen = _version_files(context, sources, request.folder)
        managed = "pyenv" in facts.document.text.lower() or "asdf" in facts.document.text.lower()
        proven = not chosen
        if request.manager == "uv":
            stop = _uv_settings(context, sources, request.folder)
            if stop is not None:
                return stop
            # Without the flag it looks for a virtual environment, in the folders above too.
            proven = proven and "--system" in request.flags
        return Needs((*found, *(chosen if managed else ())), proven)
    folder = _source(request.folder, root, target)
    if folder is None:
        return Stop("place-unknown", f"{request.manager} runs in {request.folder}, where no sources are copied to")
    return _project(facts, context, folder, root, request)


def _source(path: str, root: str, target: str) -> str | None:
    """The context's name of an absolute path below ``target``."""
    if path == target:
        return root
    if not path.startswith(target.rstrip("/") + "/"):
        return None
    return posixpath.normpath(posixpath.join(root, path[len(target.rstrip("/")) + 1 :]))


def _places(sources: Sources, folder: str) -> list[str]:
    """The context's names of an absolute folder and those above it, as far as the sources go."""
    found: list[str] = []
    place = _source(folder, sources.source, sources.target)
    while place is not None:
        found.append(place)
        place = (posixpath.dirname(place) or ".") if place not in (sources.source, ".", "") else None
    return found


def _version_files(context: Context, sources: Sources, folder: str) -> tuple[str, ...]:
    """The files by which pyenv or asdf choose the interpreter, from where pip runs up."""
    names = [_join(place, name) for place in _places(sources, folder) for name in (".python-version", ".tool-versions")]
    return tuple(name for name in names if context.is_file(name))


def _uv_settings(context: Context, sources: Sources, folder: str) -> Stop | None:
    """What uv would read or use besides requirement files: https://docs.astral.sh/uv/concepts/configuration-files/."""
    for place in _places(sources, folder):
        if context.exists(_join(place, "uv.toml")):
            return Stop("needs-sources", f"{_join(place, 'uv.toml')} says how uv installs")
        project = _join(place, "pyproject.toml")
        text = context.text(project) if context.is_file(project) else None
        if text is not None and (not isinstance(text, Known) or "tool.uv" in text.value):
            return Stop("needs-sources", f"{project} says how uv installs")
        if context.exists(_join(place, ".venv")):
            return Stop("installed-in-context", f"{_join(place, '.venv')} of the build context may be installed into")
    return None


def _settings(context: Context, folder: str | None) -> Needs | Stop:
    """Bundler's settings, which it keeps in ``.bundle`` of the folder it is called in, or in the home."""
    if folder is None:
        return Needs((), False)
    path = _join(folder, ".bundle")
    if context.exists(path):
        return Stop("installed-in-context", f"{path} of the build context would be copied over what is set")
    return Needs((), False)


def _missing(context: Context, name: str) -> Stop:
    hidden = context.hidden(name)
    if hidden is not None:
        return Stop("manifest-hidden", f"{hidden.rule} hides {name} from the build")
    return Stop("manifest-missing", f"{name} is not in the build context")


def _requirements(context: Context, name: str, root: str, found: dict[str, None]) -> Stop | None:
    """Put a requirement file and those it includes into ``found``."""
    if name in found:
        return None
    if not context.is_file(name):
        return _missing(context, name)
    text = context.text(name)
    if not isinstance(text, Known):
        return Stop("local-path", text.reason)
    found[name] = None
    for line in re.sub(r"\\\r?\n", " ", text.value).splitlines():
        word = re.sub(r"(?:\A|\s)#.*", "", line).strip()
        if not word or _LINE_FLAGS.match(word):
            continue
        include = _INCLUDE.match(word)
        if include is None:
            if _URL.match(word) or (_REQUIREMENT.match(word) and ("://" in word or not _LOCAL_FILE.match(word))):
                continue
            return Stop("local-path", f"{name} asks for {word[:60]}")
        if _URL.match(include[1]):
            continue
        inner = posixpath.normpath(posixpath.join(posixpath.dirname(name), include[1]))
        if inner.startswith("../") or "$" in inner or not (root == "." or inner.startswith(root + "/")):
            return Stop("includes-elsewhere", f"{name} includes {include[1]}, which the COPY does not take")
        stop = _requirements(context, inner, root, found)
        if stop is not None:
            return stop
    return None


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def _above(context: Context, folder: str, top: str, manager: str) -> Stop | None:
    """What a manager would read of the folders above the project's own, up to the copied one."""
    while folder not in (top, ".", ""):
        folder = posixpath.dirname(folder) or "."
        for name in _ABOVE[manager]:
            if context.exists(_join(folder, name)):
                return Stop("needs-sources", f"{_join(folder, name)} of a folder above is read too")
        if _ECOSYSTEM[manager] == "node" and context.is_file(_join(folder, "package.json")):
            text = context.text(_join(folder, "package.json"))
            if not isinstance(text, Known) or '"workspaces"' in text.value:
                return Stop("needs-sources", f"{_join(folder, 'package.json')}: workspaces")
    return None


def _project(facts: Facts, context: Context, folder: str, top: str, request: Request) -> Needs | Stop:
    manager = request.manager
    ecosystem = _ECOSYSTEM[manager]
    manifest = _join(folder, _MANIFEST[ecosystem])
    if not context.is_file(manifest):
        return _missing(context, manifest)
    app: App | None = next((app for app in facts.apps_at(folder) if app.ecosystem == ecosystem), None)
    if app is None:
        return Stop("manifest-missing", f"{manifest} is in no folder that dockopt can follow a COPY to")
    if not isinstance(app.needs_sources, Known):
        return Stop("needs-sources", app.needs_sources.reason)
    if app.needs_sources.value:
        return Stop("needs-sources", app.needs_sources.evidence)
    stop = _above(context, folder, top, manager)
    if stop is not None:
        return stop
    for name in _FILLED[manager]:
        path = _join(folder, name)
        if context.exists(path):
            return Stop("installed-in-context", f"{path} of the build context would be copied over the install")
    names = [manifest]
    for name in (*_LOCKS[manager], *_BESIDE[manager]):
        path = _join(folder, name)
        if context.is_file(path):
            names.append(path)
        elif context.hidden(path) is not None and name in _LOCKS[manager]:
            return _missing(context, path)
    stop = _contents(context, names, request)
    return stop if stop is not None else Needs(tuple(names), manager == "go" and len(names) > 1)


def _contents(context: Context, names: list[str], request: Request) -> Stop | None:
    """What in the manifests and locks asks for more of the sources."""
    texts: dict[str, str] = {}
    for name in names:
        text = context.text(name)
        if not isinstance(text, Known):
            return Stop("needs-sources", text.reason)
        texts[posixpath.basename(name)] = text.value
    folder = posixpath.dirname(names[0]) or "."
    if request.manager in ("npm", "yarn", "pnpm", "bun"):
        curious = _CURIOUS.search(texts["package.json"])
        if curious is not None:
            return Stop("needs-sources", f"{names[0]}: installing {curious[1]} reads files of the project")
        if context.exists(_join(folder, "binding.gyp")):
            return Stop("needs-sources", f"{_join(folder, 'binding.gyp')}: npm builds the project on install")
        if "yarn-path" in texts.get(".yarnrc", ""):
            return Stop("needs-sources", f"{_join(folder, '.yarnrc')} names a Yarn in the sources")
        for name, content in texts.items():
            if name in _LOCKS[request.manager] and _LOCAL_LOCK.search(content):
                return Stop("needs-sources", f"{_join(folder, name)} points at a folder of the project")
    if request.manager == "composer":
        if "--no-autoloader" not in request.flags and _SCANS.search(texts["composer.json"]):
            return Stop("needs-sources", f"{names[0]}: the autoloader is made from the sources")
        from dockopt.api import load_json

        data = load_json(context, names[0])
        if isinstance(data, Unknown):
            return Stop("needs-sources", data.reason)
        return composer_problem(names[0], data.value, "symfony.lock" in texts)
    return None
