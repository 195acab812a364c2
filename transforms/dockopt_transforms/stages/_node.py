"""Node: dependencies and build in a stage of their own; production dependencies and what was built in the other."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.api import (
    BaseImage,
    Document,
    Facts,
    Instruction,
    Known,
    ScriptView,
    Stage,
    Unknown,
    base_name,
    slim,
    unwrap,
)
from dockopt_transforms._render import render
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.stages import _npm
from dockopt_transforms.stages._plan import (
    ANYWHERE,
    Impossible,
    Kinds,
    Split,
    Unit,
    builds_nothing,
    copies_into,
    covered,
    install_text,
    kinds,
    later_text,
    missing,
    names_account,
    no_build_packages,
    system_packages,
    touches_project,
)
from dockopt_transforms.stages._programs import needed_programs
from dockopt_transforms.stages._system import at_run_time, bare

if TYPE_CHECKING:
    from dockopt.api import App, Context

_MANAGERS = frozenset(("npm", "yarn", "pnpm"))
# Verbs that run a script of package.json and leave their results in the project's folder.
_SCRIPTS = frozenset(("run", "run-script", "build", "test", "exec", "workspace", "dlx", "lint", "audit", "rebuild"))
_BUILD_TOOLS = words("""
    tsc ng vite webpack rollup esbuild parcel gulp grunt nest next nuxt react-scripts vue-cli-service babel swc tsup turbo npx pnpx eslint jest
    """)
_BUILD_PACKAGES = words("""
    typescript @angular/cli @nestjs/cli @vue/cli gulp gulp-cli grunt grunt-cli webpack webpack-cli bower node-gyp vite turbo nx lerna rimraf
    eslint jest npm-check-updates
    """)
_MANIFEST = re.compile(
    r"(?:.*/)?(?:package(?:-lock)?\.json|package\*\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-(?:lock|workspace)\.yaml|\.npmrc|\.yarnrc(?:\.yml)?)\Z"
)
_SOURCES = (".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".mts", ".cts")
# Read by compilers, linters and people; never by a program that runs.
_NOT_RUN = re.compile(
    r"(?:\.dockerignore|\.git\w*|\.github|\.vscode|\.idea|\.editorconfig|\.prettier\w*(?:\..*)?|\.eslint\w*(?:\..*)?|eslint\.config\..*|tsconfig.*\.json|jest\.config\..*|"
    r"vitest\.config\..*|vite\.config\..*|webpack\..*|rollup\.config\..*|babel\.config\..*|\.babelrc.*|nest-cli\.json|nodemon\.json|karma\.conf\.js|\.nycrc.*|"
    r".*\.md|LICENSE.*|Dockerfile.*|(?:docker-)?compose.*\.ya?ml|Makefile|tests?|__tests__|spec|e2e|cypress|docs?|coverage|node_modules)\Z",
    re.I,
)
_IMPORT = r"""(?:require\s*\(\s*|from\s+|import\s*\(\s*|import\s+)['"]({})(?:/[^'"]*)?['"]"""


def applies(facts: Facts, stage: Stage) -> bool:
    """Whether npm, Yarn or pnpm installs a project's dependencies in the stage, on an image of Node."""
    image = facts.base_image(stage)
    return (
        image is not None
        and image.name == "node"
        and any(
            view.stage is stage and call.action == "install" and not call.operands and not call.option("-g", "--global")
            for name in _MANAGERS
            for view, call in facts.invocations(name)
        )
    )


class _Project:
    """The Node project of the build context, as far as the split must know it."""

    def __init__(self, facts: Facts, stage: Stage) -> None:
        context = facts.context
        if isinstance(context, Unknown):
            raise Impossible("context-unknown", f"what the app needs at run time is not known: {context.reason}")
        app = facts.app
        if isinstance(app, Unknown) or app.value.ecosystem != "node":
            own = [one for one in facts.apps if one.ecosystem == "node"]
            if len(own) != 1:
                why = app.reason if isinstance(app, Unknown) else "the image runs something else than Node"
                raise Impossible("needs-unknown", why)
            self.app: App = own[0]
        else:
            self.app = app.value
        self.context: Context = context.value
        if isinstance(self.app.manager, Unknown):
            raise Impossible("needs-unknown", self.app.manager.reason)
        self.manager = self.app.manager.value
        self.package = posixpath.normpath(posixpath.join(self.app.root, "package.json"))
        from dockopt.api import load_json

        data = load_json(self.context, self.package)
        if isinstance(data, Unknown):
            raise Impossible("needs-unknown", data.reason)
        self.data = data.value
        if self.data.get("workspaces"):
            raise Impossible(
                "needs-unknown", f"{self.package} has workspaces, whose packages depend on each other's folders"
            )

    def table(self, name: str) -> dict[str, str]:
        found = self.data.get(name)
        return found if isinstance(found, dict) else {}


def split(document: Document, facts: Facts, stage: Stage) -> tuple[Split, str, tuple[str, ...]]:
    """The two stages, the image of the one that runs, and what was relied on.

    :raises Impossible: where it cannot be done, or nothing would be gained.
    """
    image = facts.base_image(stage)
    assert image is not None and stage.base is not None
    small = slim(stage.base)
    if isinstance(small, Unknown) and not image.exact:
        raise Impossible("base-unknown", f"the tag {image.reference} is not in the table", stage.from_)
    full = isinstance(small, Known)
    runtime = small.value if isinstance(small, Known) else stage.base
    project = _Project(facts, stage)

    plan = Split(document, facts, stage)
    read = {unit.node.id: _kinds(facts.script(unit.node)) for unit in plan.units if unit.node.name == "RUN"}
    working = [
        unit for unit in plan.units if unit.node.name == "RUN" and read[unit.node.id].kinds & {"install", "build"}
    ]
    if not working:
        raise Impossible("no-build-work", "nothing is installed or built")
    last = plan.units.index(working[-1])
    before, after = plan.units[: last + 1], plan.units[last + 1 :]
    root = _workdir(facts, working)
    building = any("build" in read[unit.node.id].kinds for unit in working)
    packages: dict[str, tuple[str, ...]] = {}
    if building or full or not builds_nothing(read.values()):
        packages = _without_gyp(project, system_packages(image, before, after, read, runtime))
    if not building and not full and no_build_packages(packages):
        raise Impossible("no-build-work", f"{image.reference} is small already and nothing is built")

    needs = _npm.needs(_npm.tree(project.context, project.package, project.app.locks[0] if project.app.locks else None))
    wanted: list[str] = []
    if full:
        for name in needs.developing:
            known = at_run_time(name, image)
            if isinstance(known, Unknown):
                raise Impossible("package-unknown", known.reason)
            wanted += known.value
        wanted += needs.programs
    programs = needed_programs(
        facts, stage, [unit.node for unit in after], image, runtime, suffixes=(".js", ".mjs", ".cjs", ".ts")
    )
    extra = missing([*wanted, *programs.packages], packages)
    _assign(plan, facts, project, image, before, read, packages, extra, root, needs.prisma, small=not full)
    return plan, runtime, (project.app.evidence, *programs.evidence)


_GYP = frozenset(("python", "python2", "python3", "python3-minimal", "python3-setuptools", "py3-setuptools"))
_COMPILERS = frozenset(("g++", "gcc", "make", "build-essential", "build-base", "alpine-sdk"))
_CALLS_PYTHON = re.compile(r"\bpython[23]?\b|\.py\b", re.I)


def _without_gyp(project: _Project, packages: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The packages, those of Python left out where they came beside a compiler for node-gyp, which is written in it."""
    if not {bare(word) for word in packages} & _COMPILERS or not {bare(word) for word in packages} & _GYP:
        return packages
    context = project.context
    if context.listing.truncated:
        return packages
    for name in context.listing.files:
        if name.endswith((*_SOURCES, ".sh", ".json", ".py")) and not name.endswith(
            ("package-lock.json", "tsconfig.json")
        ):
            text = context.text(name)
            if name.endswith(".py") or isinstance(text, Unknown) or _CALLS_PYTHON.search(text.value):
                return packages
    return {word: () if bare(word) in _GYP else known for word, known in packages.items()}


def _kinds(view: ScriptView | None) -> Kinds:
    """:func:`kinds` with the calls that build told from those that install, and global installs apart."""
    what = kinds(view, _MANAGERS)
    if view is None or view.opaque is not None:
        return what
    found = set(what.kinds)
    others: list[str] = []
    for command in view.commands:
        at = unwrap(command)
        value = command.words[at].value if at < len(command.words) else None
        name = base_name(value) if value else None
        if name in _BUILD_TOOLS:
            found.add("build")
        elif name == "corepack":
            found.add("tool")
        elif name in what.others:
            others.append(name or "")
    calls = [call for call in view.invocations if call.manager.name in _MANAGERS]
    if calls:
        found.discard("install")
    for call in calls:
        if call.option("-g", "--global") or call.verb == "global":
            names = {_bare(word.value or word.text) for word in call.operands}
            found.add("build" if names and names <= _BUILD_PACKAGES else "tool")
        elif call.action == "install":
            if call.operands:
                raise Impossible(
                    "unknown-step", f"{call.operands[0].text} is added to the project here", view.instruction
                )
            if call.option("--prefix", "-C", "--dir", "--cwd", "--modules-folder"):
                raise Impossible("install-location", "the install is told where the project is", view.instruction)
            found.add("install")
        elif call.action == "clean" or call.verb in ("config", "set", "prune"):
            found.add("neutral" if call.verb != "prune" else "build")
        elif call.verb in _SCRIPTS or (call.manager.name != "npm" and call.verb is not None):
            found.add("build")
        else:
            raise Impossible(
                "unknown-step", f"what {call.manager.name} {call.verb} does is not known", view.instruction
            )
    if not others:
        found.discard("other")
    return Kinds(frozenset(found), what.packages, tuple(others))


def _bare(word: str) -> str:
    return word[: word.index("@", 1)] if "@" in word[1:] else word


def _workdir(facts: Facts, working: list[Unit]) -> str:
    """The one folder all work is done in."""
    folders = set()
    for unit in working:
        workdir = facts.state(unit.node).workdir
        if isinstance(workdir, Unknown):
            raise Impossible("needs-unknown", workdir.reason, unit.node)
        folders.add(workdir.value)
        view = facts.script(unit.node)
        if view is not None and any(command.name in ("cd", "pushd") for command in view.commands):
            raise Impossible("unknown-step", "the RUN changes its folder", unit.node)
    if len(folders) != 1 or folders == {"/"}:
        raise Impossible("needs-unknown", "the project is not built in one folder of its own", working[0].node)
    return folders.pop()


def _assign(
    plan: Split, facts: Facts, project: _Project, image: BaseImage, before: list[Unit], read: dict[int, Kinds],
    packages: dict[str, tuple[str, ...]], extra: list[str], root: str, prisma: bool, *, small: bool,
) -> None:  # fmt: skip
    document = plan.document
    later = later_text(plan, before)
    owners = {
        flag.value
        for unit in before
        if (flag := unit.node.flag("chown")) is not None and unit.node.flag("from") is None
    }
    building = [unit for unit in before if unit.node.name == "RUN" and "build" in read[unit.node.id].kinds]
    keep = _kept(plan, facts, project, before, root) if building else None
    if len(owners) > 1:
        raise Impossible("needs-unknown", "the project's files belong to several accounts")
    owner = next(iter(owners), None)
    user = facts.state(before[-1].node).user
    if owner is None and isinstance(user, Known) and user.value.partition(":")[0] not in ("root", "0"):
        owner = user.value
    libraries: list[str] = []
    for unit in before:
        node = unit.node
        if node.name in ("COPY", "ADD"):
            mine = node.flag("from") is None and _inside(facts, node, root)
            moves = mine and (bool(building) or all(_MANIFEST.match(word) for word in node.args[:-1]))
            if not building and moves and not covered(plan, facts, node):
                moves = False
            plan.into_builder(unit, comments=moves)
            if moves:
                plan.drop(unit)
        elif node.name == "RUN" and read[node.id].kinds & {"install", "build"}:
            if "tool" in read[node.id].kinds:
                raise Impossible("mixed-run", "one RUN installs a tool for all and the project's dependencies", node)
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
            libraries += [one for word in read[node.id].packages for one in packages[word]]
        elif node.name == "RUN" and "tool" in read[node.id].kinds:
            plan.into_builder(unit, comments=False)
        elif node.name == "RUN" and building and touches_project(facts, unit, read[node.id], root):
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
        elif node.name == "RUN":
            libraries += plan.prepare(unit, read[node.id], packages, owned=names_account(before))
        else:
            plan.carry(unit, later)
    prune = None if prisma else _prune(facts, image, project, before, read)
    if prune is not None:
        plan.write(render(document, "run", command=prune))
        plan.lost_packages.append("npm:~*")
    installs = install_text(document, image, [*libraries, *extra], keep_lists=plan.lists_read(packages))
    tools = any(re.search(r"\s(?:-g|--global|global)\s", unit.node.rest) for unit in building)
    if small and building and keep is None and prune is None and not tools and no_build_packages(packages):
        raise Impossible("no-build-work", f"{image.reference} is small already and all the project has must be there")
    names = ["node_modules"] if not building else ["."] if keep is None else ["node_modules", *keep]
    pairs = [
        (posixpath.join(root, name) if name != "." else root, f"./{name}" if name != "." else "./") for name in names
    ]
    copies = render(document, "copy_from", builder=plan.builder, pairs=pairs, chown=owner)
    place = plan.sources(before)
    if place is not None and installs:
        plan.put_above(place, installs)
        installs = ""
    # Below the sources, so that a node_modules among them does not cover this one.
    plan.swap(before[-1], installs + copies, comments=False)


def _inside(facts: Facts, node: Instruction, root: str) -> bool:
    """Whether a COPY puts its files into the project's folder."""
    target = copies_into(facts, node)
    return target == root or target.startswith(root + "/")


def _prune(facts: Facts, image: BaseImage, project: _Project, before: list[Unit], read: dict[int, Kinds]) -> str | None:
    """The command that leaves only what production needs; None where that is so, or cannot be shown to be right."""
    developing = project.table("devDependencies")
    if not developing:
        return None
    for unit in before:
        view = facts.script(unit.node)
        state = facts.state(unit.node)
        if unit.node.name != "RUN" or view is None or "install" not in read[unit.node.id].kinds:
            continue
        if state.env.get("NODE_ENV") == "production":
            return None
        for call in view.invocations:
            if call.option("--omit", "--production", "--prod", "-P", "--only"):
                return None
    launch = facts.launch
    started = _started(project, launch.value.argv) if isinstance(launch, Known) else None
    if started is None or any(_provides(name, started) for name in developing):
        return None
    if _imported(project, developing):
        return None
    if project.manager == "npm":
        version = re.match(r"(\d+)", image.tag)
        return "npm prune --omit=dev" if version is None or int(version[1]) >= 16 else "npm prune --production"
    if project.manager == "pnpm":
        return "CI=true pnpm prune --prod --ignore-scripts"
    if project.manager == "yarn" and not any(name.endswith(".yarnrc.yml") for name in project.app.manifests):
        return "yarn install --production --frozen-lockfile --ignore-scripts --prefer-offline"
    return None


def _started(project: _Project, argv: tuple[str, ...]) -> str | None:
    """The words that start the app, ``npm start`` followed to its script; None where that is not plain."""
    text = " ".join(argv)
    for _ in range(3):
        match = re.match(r"(?:npm|yarn|pnpm)(?: run)? ([\w:-]+)$", text)
        if match is None:
            break
        script = project.table("scripts").get(match[1])
        if not isinstance(script, str) or f"pre{match[1]}" in project.table("scripts"):
            return None
        text = script
    return text


def _provides(name: str, started: str) -> bool:
    """Whether a package may be what a command line starts: it, or a program that is named like it."""
    return re.search(rf"(?<![\w@/.-]){re.escape(name.rsplit('/', 1)[-1])}(?![\w.-])", started) is not None or any(
        program in started for program in _PROGRAMS_OF.get(name, ())
    )


_PROGRAMS_OF = {
    "typescript": ("tsc",),
    "@babel/node": ("babel-node",),
    "@babel/cli": ("babel",),
    "@nestjs/cli": ("nest ",),
    "@angular/cli": ("ng ",),
    "ts-node": ("ts-node", "ts-node-dev"),
    "ts-node-dev": ("tsnd",),
}


def _imported(project: _Project, developing: dict[str, str]) -> bool:
    """Whether a source that may run imports a development dependency."""
    names = [name for name in developing if not name.startswith("@types/")]
    if not names:
        return False
    pattern = re.compile(_IMPORT.format("|".join(re.escape(name) for name in names)))
    for name in project.context.listing.files:
        parts = name.split("/")
        if not name.endswith(_SOURCES) or any(_NOT_RUN.match(part) for part in parts):
            continue
        if re.search(r"\.(?:spec|test|config|stories)\.\w+$|\.d\.ts$", name):
            continue
        text = project.context.text(name)
        if isinstance(text, Known) and pattern.search(re.sub(r"\bimport\s+type\b[^;\n]*", "", text.value)):
            return True
    return False


def _kept(plan: Split, facts: Facts, project: _Project, before: list[Unit], root: str) -> list[str] | None:
    """The names in the project's folder that must be there at run time, where that can be told.

    What was built, package.json, and whatever is no source that was compiled; None for the whole folder.
    """
    app, context = project.app, project.context
    launch = facts.launch
    if isinstance(app.outputs, Unknown) or isinstance(launch, Unknown) or context.listing.truncated:
        return None
    outputs = [posixpath.normpath(name) for name in app.outputs.value]
    started = _started(project, launch.value.argv)
    match = re.match(r"node(?: -[^ ]+)* (?:\./|" + re.escape(root) + r"/)?([\w./-]+)$", started or "")
    if match is None or not any(match[1] == name or match[1].startswith(name + "/") for name in outputs):
        return None
    for unit in plan.units[len(before) :]:
        if unit.node.name == "RUN" and not kinds(facts.script(unit.node), frozenset()).kinds <= ANYWHERE:
            return None  # it may read what a build alone reads
    whole = [unit for unit in before if unit.node.name in ("COPY", "ADD") and unit.node.flag("from") is None]
    if not any(unit.node.args[:-1] in ((".",), ("./",)) for unit in whole):
        return None
    kept = ["package.json"]
    for name in context.names(app.root):
        path = posixpath.normpath(posixpath.join(app.root, name))
        if (
            name in ("package.json", *(lock.rsplit("/", 1)[-1] for lock in app.locks))
            or _NOT_RUN.match(name)
            or name in outputs
        ):
            continue
        if _MANIFEST.match(name) or (not context.is_dir(path) and name.endswith((".ts", ".tsx"))):
            continue
        inside = [one for one in context.listing.files if one.startswith(path + "/")]
        if context.is_dir(path) and inside and all(one.endswith((".ts", ".tsx", ".mts", ".cts")) for one in inside):
            continue
        kept.append(name)
    if any(path == name or name.startswith(path + "/") for path in kept for name in outputs):
        return None
    return [*kept, *outputs]
