"""Python with pip: a virtual environment made by the builder, copied to the stage that runs.

``/opt/venv`` rather than ``--user`` or ``--prefix``: it has one path for programs and libraries, every user can
read it, and pip, Poetry, uv and Pipenv all install into the environment that PATH and VIRTUAL_ENV name.
"""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import NamedTuple

from dockopt.api import (
    BaseImage,
    Command,
    Document,
    Facts,
    Instruction,
    Invocation,
    Known,
    ScriptView,
    Stage,
    Unknown,
    base_name,
    expand_known,
    slim,
    splice,
)
from dockopt_transforms._render import render
from dockopt_transforms.stages import _pypi
from dockopt_transforms.stages._plan import (
    Impossible,
    Kinds,
    Split,
    Unit,
    builds_nothing,
    covered,
    install_text,
    later_text,
    mentions_variable,
    missing,
    names_account,
    no_build_packages,
    root_until,
    system_packages,
)
from dockopt_transforms.stages._programs import needed_programs
from dockopt_transforms.stages._pytools import (
    INSTALLS,
    TOOLS,
    UV_IMAGE,
    locked,
    python_kinds,
    run_prefix,
    uses_tool,
    uv_environment,
    verb,
)
from dockopt_transforms.stages._system import at_run_time, bare

VENV = "/opt/venv"
_ELSEWHERE = ("--target", "-t", "--prefix", "--root", "--user", "--python")
_PLACES = frozenset(("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT", "PYTHONUSERBASE", "PYTHONHOME", "VIRTUAL_ENV"))
# What gcc links with beside libc and libstdc++, and brings; without it numerical packages built here do not load.
_OPENMP = ("libgomp1",)
_GCC = re.compile(r"(?:build-essential|gcc|g\+\+|gfortran|libtool)(?:-[\d.]+)?\Z")
_MANIFEST = re.compile(r"(?:.*/)?(?:requirements|constraints|reqs?)[\w.-]*(?:\.txt|\.in|/?)?\Z", re.I)
_OWN_PATHS = re.compile(
    r"/usr/local/bin/(?:python|pip|\w*corn|flask|celery|django)|/(?:site|dist)-packages\b|/root/\.local\b"
)


_HANDLE_SIGTERM = frozenset(
    (
        "uvicorn",
        "gunicorn",
        "hypercorn",
        "daphne",
        "granian",
        "celery",
        "fastapi",
        "sanic",
        "streamlit",
        "rq",
        "dramatiq",
    )
)
_INITS = frozenset(("tini", "dumb-init", "catatonit"))


class Need(NamedTuple):
    """Packages the side that runs must have, and which words of the file they come from."""

    packages: tuple[str, ...]
    evidence: tuple[str, ...]


def applies(facts: Facts, stage: Stage) -> bool:
    """Whether pip, Poetry, uv or Pipenv installs something in the stage."""
    if any(view.stage is stage and call.verb == "install" for view, call in facts.invocations("pip")):
        return True
    return any(
        view.stage is stage and verb(command) in INSTALLS for name in TOOLS for view, command in facts.commands(name)
    )


def split(document: Document, facts: Facts, stage: Stage) -> tuple[Split, str, tuple[str, ...]]:
    """The two stages, the image of the one that runs, and what was relied on.

    :raises Impossible: where it cannot be done, or nothing would be gained.
    """
    image = facts.base_image(stage)
    if image is None or stage.base is None:
        raise Impossible(
            "base-unknown", f"the base image {stage.base or stage.from_.rest} is not in the table", stage.from_
        )
    if image.name != "python":
        raise Impossible(
            "base-unknown",
            f"a virtual environment is only moved between images of python, not {image.reference}",
            stage.from_,
        )
    if image.tag.startswith("2"):
        raise Impossible("base-unknown", "Python 2 has no module that makes virtual environments", stage.from_)
    small = slim(stage.base)
    runtime = small.value if isinstance(small, Known) else stage.base
    full = isinstance(small, Known)
    if not full and not image.exact:
        raise Impossible("base-unknown", f"the tag {image.reference} is not in the table", stage.from_)

    plan = Split(document, facts, stage)
    # An environment sees no packages of the system's Python: it has a pip of its own, and of what is required those
    # that were there already.
    plan.gained_packages.append("pip:~*")
    tool = uses_tool(facts, stage)
    read = {unit.node.id: python_kinds(facts.script(unit.node), tool) for unit in plan.units if unit.node.name == "RUN"}
    calls = [
        (view, call)
        for view, call in facts.invocations("pip")
        if view.stage is stage and call.verb == "install" and "install" in read[view.instruction.id].kinds
    ]
    _check_paths(document, facts, stage, calls, _made_environment(facts, stage))
    working = [unit for unit in plan.units if unit.node.name == "RUN" and "install" in read[unit.node.id].kinds]
    if not working:
        raise Impossible("unknown-step", "what installs the packages is not read")
    last = plan.units.index(working[-1])
    before, after = plan.units[: last + 1], plan.units[last + 1 :]
    root_until(facts, (unit.node for unit in before))

    if not full and tool is None and builds_nothing(read.values()):
        why = f"{image.reference} is small already and nothing is installed for the build alone"
        raise Impossible("no-build-work", why)
    own = _own_environment(facts, stage, before, read)
    openmp = image.manager == "apt" and any(_GCC.match(bare(word)) for what in read.values() for word in what.packages)
    needs = _requirements(facts, stage, calls, image, full, tool, working, openmp)
    packages = system_packages(image, before, after, read, runtime)
    programs = needed_programs(facts, stage, [unit.node for unit in after], image, runtime)
    if not full and no_build_packages(packages) and tool is None:
        why = f"{image.reference} is small already and nothing is installed for the build alone"
        raise Impossible("no-build-work", why)
    venv = own or VENV
    syncs = [
        unit
        for unit in working
        if tool == "uv" and any(verb(c) == "sync" for v, c in facts.commands("uv") if v.instruction is unit.node)
    ]
    if syncs:
        if len(working) != len(syncs):
            raise Impossible("unknown-step", "uv sync and other installs fill different environments")
        venv = uv_environment(facts, syncs[-1].node, image.tag)
    elif tool is not None and ".venv" in document.text:
        raise Impossible("install-location", f"{tool} keeps its environment in .venv, which the file names")
    _drop_runner(plan, facts, stage, tool)
    if tool is not None:
        plan.lost_packages.append("pip:~*")  # the tool's own
    _assign(
        plan,
        facts,
        before,
        read,
        packages,
        missing([*needs.packages, *programs.packages], packages),
        image,
        _Environment(venv, made=bool(syncs) or own is not None, named=tool is not None),
    )
    return plan, runtime, (*needs.evidence, *programs.evidence)


class _Environment(NamedTuple):
    path: str
    made: bool  #: the tool makes it
    named: bool  #: the tool must be told of it


def _drop_runner(plan: Split, facts: Facts, stage: Stage, tool: str | None) -> None:
    """``poetry run`` before the start command: the environment is on PATH, and Poetry stays behind."""
    if tool is None:
        return
    for unit in plan.units:
        if unit.node.name not in ("CMD", "ENTRYPOINT"):
            continue
        span = run_prefix(unit.node, tool)
        if span is not None:
            text = splice(unit.node, [(*span, _runner(unit.node, span[1], tool))])
            if tool == "uv" and _ignores_sigterm(plan, facts):
                text = f"{plan.document.keyword('STOPSIGNAL')} SIGINT{plan.eol}{text}"
                plan.lost_config.append("stopsignal")
            plan.swap(unit, text, comments=True)
            plan.lost_config.append(unit.node.name.lower())
        elif re.search(rf"\b{tool}\b", unit.node.rest):
            raise Impossible("needs-unknown", f"{tool} itself starts the app", unit.node)
    launch = facts.launch
    if isinstance(launch, Known) and tool in launch.value.wrappers and not plan.lost_config:
        raise Impossible("needs-unknown", f"{launch.evidence} needs {tool}")


def _runner(node: Instruction, after: int, tool: str) -> str:
    """What stands for ``uv run`` where it did more than look in the environment: it gives a script to python."""
    json = node.json is not None
    first = node.line[after : node.args_end].split("," if json else None, 1)[0].strip().strip('"]')
    if first.startswith("-"):
        raise Impossible("needs-unknown", f"{tool} run {first} does more than start the app", node)
    if tool == "uv" and first.endswith(".py"):
        return '"python", ' if json else "python "
    return ""


def _ignores_sigterm(plan: Split, facts: Facts) -> bool:
    """Whether the app would no longer end on SIGTERM once ``uv run`` does not stand before it and pass that on.

    The kernel gives process 1 no signal it has no handler for (pid_namespaces(7)). Python has one for SIGINT alone.
    """
    if any(unit.node.name == "STOPSIGNAL" for unit in plan.units):
        return False
    launch, context = facts.launch, facts.context
    if isinstance(launch, Known) and (launch.value.program in _HANDLE_SIGTERM or set(launch.value.wrappers) & _INITS):
        return False
    if isinstance(context, Unknown):
        return True
    names = [name for name in context.value.listing.files if name.endswith(".py")]
    texts = [context.value.text(name) for name in names]
    return not any(isinstance(text, Known) and "SIGTERM" in text.value for text in texts)


def _made_environment(facts: Facts, stage: Stage) -> str | None:
    """The virtual environment that a RUN of the file makes, by its absolute path; None where there is none.

    :raises Impossible: for several, or one that only the build knows.
    """
    found: dict[str, None] = {}
    for view in facts.scripts:
        workdir = facts.state(view.instruction).workdir
        for command in view.commands if view.stage is stage and view.opaque is None else ():
            place = _venv_of(command)
            if place is None:
                continue
            env = facts.state(view.instruction).env
            path = expand_known(place, env, "\\")
            if not path or not isinstance(workdir, Known) or "--system-site-packages" in command.values:
                raise Impossible(
                    "install-location", "where the virtual environment is made is not known", view.instruction
                )
            found[posixpath.normpath(posixpath.join(workdir.value, path))] = None
    if len(found) > 1:
        raise Impossible("install-location", f"several virtual environments are made: {', '.join(found)}")
    return next(iter(found), None)


def _venv_of(command: Command) -> str | None:
    """What ``python -m venv PLACE`` and ``virtualenv PLACE`` name, as written."""
    texts = [word.value if word.value is not None else word.text.strip('"') for word in command.words]
    if len(texts) > 3 and base_name(texts[0]) in ("python", "python3") and texts[1:3] == ["-m", "venv"]:
        return texts[-1]
    return None


def _own_environment(facts: Facts, stage: Stage, before: list[Unit], read: dict[int, Kinds]) -> str | None:
    """The environment the file makes itself, found by PATH in what runs; its RUN is taken for one that installs.

    :raises Impossible: for one that PATH does not name.
    """
    path = _made_environment(facts, stage)
    if path is None:
        return None
    state = facts.states.of_stage(stage).end
    if not (state.env.get("PATH") or "").startswith(f"{path}/bin:") and not _on_path(facts, stage, path):
        raise Impossible("install-location", f"the environment {path} is not first on PATH")
    for unit in before:
        view = facts.script(unit.node)
        what = read.get(unit.node.id)
        if view is None or what is None or not any(_venv_of(command) for command in view.commands):
            continue
        others = tuple(name for name in what.others if name not in ("python", "python3"))
        kinds_ = what.kinds | {"install"} if others else (what.kinds - {"other"}) | {"install"}
        read[unit.node.id] = Kinds(kinds_, what.packages, others)
    return path


def _on_path(facts: Facts, stage: Stage, path: str) -> bool:
    """Whether an ENV puts the programs of an environment first on PATH, by its path or by a variable that holds it."""
    for node in stage.instructions:
        for pair in node.pairs if node.name == "ENV" else ():
            first = pair.value.strip("\"'").partition(":")[0]
            if pair.key == "PATH" and expand_known(first, facts.state(node).env, node.escape) == f"{path}/bin":
                return True
    return False


def _check_paths(
    document: Document, facts: Facts, stage: Stage, calls: list[tuple[ScriptView, Invocation]], own: str | None
) -> None:
    for view, call in calls:
        option = call.option(*_ELSEWHERE)
        if option is not None:
            raise Impossible("install-location", f"pip is told with {option.name} where to install", view.instruction)
        if call.option("-e", "--editable"):
            raise Impossible(
                "editable-install", "an editable install leaves its files among the sources", view.instruction
            )
        if (
            "/" in call.executable.text and call.executable.value not in (f"{own}/bin/pip", f"{own}/bin/pip3")
        ) or call.wrappers:
            raise Impossible(
                "install-location",
                f"pip is called as {call.command.words[0].text}, past any environment",
                view.instruction,
            )
    names = {pair.key for node in stage.instructions if node.name == "ENV" for pair in node.pairs}
    places = {facts.states.of_stage(stage).end.env.get("VIRTUAL_ENV")}
    clash = sorted((names & _PLACES) - ({"VIRTUAL_ENV"} if own is not None and places == {own} else set()))
    if clash:
        raise Impossible("install-location", f"{clash[0]} says where Python's packages are")
    found = _OWN_PATHS.search(document.text)
    if found is not None:
        raise Impossible("install-location", f"{found[0]} is named, which is outside a virtual environment")
    for node in stage.instructions:
        for pair in node.pairs if node.name == "ENV" else ():
            if pair.key == "PATH" and not mentions_variable(pair.value, "PATH"):
                raise Impossible("install-location", "PATH is set without what it was before", node)
        if node.name in ("CMD", "ENTRYPOINT") and re.search(r"\b(?:ba|z|da)?sh['\", ]+-\w*l", node.rest):
            raise Impossible("install-location", "a login shell sets PATH anew", node)


def _assign(
    plan: Split,
    facts: Facts,
    before: list[Unit],
    read: dict[int, Kinds],
    packages: dict[str, tuple[str, ...]],
    extra: list[str],
    image: BaseImage,
    environment: _Environment,
) -> None:
    """Give every instruction up to the last install its side."""
    document = plan.document
    later = later_text(plan, before)
    owned = names_account(before)
    started = environment.made
    libraries: list[str] = []
    python = "python3" if "python" not in image.tools and "python3" in image.tools else "python"
    for unit in before:
        node = unit.node
        if node.name in ("COPY", "ADD"):
            origin = node.flag("from")
            only = origin is None and all(_MANIFEST.match(word) for word in node.args[:-1])
            only = only or (origin is not None and UV_IMAGE.match(origin.value or "") is not None)
            only = only or (environment.named and origin is None and covered(plan, facts, node))
            plan.into_builder(unit, comments=only)
            if only:
                plan.drop(unit)
        elif node.name == "RUN" and read[node.id].kinds & {"install", "tool"}:
            plan.lead_into_builder(unit, comments=True)
            if not started and "install" in read[node.id].kinds:
                started = True
                plan.write(render(document, "venv_builder", python=python, venv=VENV, named=environment.named))
            plan.write(_without_system(facts, node))
            plan.drop(unit)
            libraries += [one for word in read[node.id].packages for one in packages[word]]
        elif node.name == "RUN":
            libraries += plan.prepare(unit, read[node.id], packages, owned=owned)
        else:
            plan.carry(unit, later)
    text = install_text(document, image, [*libraries, *extra], keep_lists=plan.lists_read(packages))
    on_path = _on_path(facts, plan.stage, environment.path) or any(
        pair.key == "PATH" and f"{environment.path}/bin" in pair.value
        for node in plan.stage.instructions
        if node.name == "ENV"
        for pair in node.pairs
    )
    text += render(document, "venv_runtime", builder=plan.builder, venv=environment.path, on_path=on_path)
    if environment.path == VENV:
        plan.put_above_sources(before, text)
    else:
        plan.swap(before[-1], text, comments=False)


def _without_system(facts: Facts, node: Instruction) -> str:
    """A RUN with ``uv pip install`` told nothing of the system's Python: the environment is meant."""
    view = facts.script(node)
    edits = [
        (node.args_start + word.start - 1, node.args_start + word.end, "")
        for command in (view.commands if view is not None else ())
        if command.name == "uv" and verb(command) in ("pip install", "pip sync")
        for word in command.words
        if word.text == "--system"
    ]
    if edits and view is not None and view.heredoc is not None:
        raise Impossible("install-location", "uv is told to install into the system's Python", node)
    return splice(node, edits) if edits else node.text


def _requirements(
    facts: Facts,
    stage: Stage,
    calls: list[tuple[ScriptView, Invocation]],
    image: BaseImage,
    full: bool,
    tool: str | None,
    working: list[Unit],
    openmp: bool,
) -> Need:
    """The packages that what pip installs needs besides Python. ``openmp``: there is a gcc to link with its library.

    On a full image everything installed must be known: it may have been built against libraries the slim
    one lacks. On a slim one those had to be named, and are handled by name.
    """
    packages: list[str] = []
    evidence: list[str] = []
    lines = _lines(facts, stage, calls)
    if tool is not None:
        lines += _of_tool(facts, stage, tool, working)
    for line, where, node in lines:
        read = _pypi.parse(line)
        if read is None:
            packages += _OPENMP if openmp else ()
            if full:
                raise Impossible("needs-unknown", f"what {line.strip()} ({where}) needs at run time is not known", node)
            continue
        name, extras = read
        if name in _pypi.OPEN:
            raise Impossible(
                "needs-unknown", f"{name} ({where}) runs compilers or other programs, and which is not known", node
            )
        developing = list(_pypi.LIBRARIES.get(name, ()))
        if name == "psycopg" and "binary" in extras:
            developing = []
        since = _pypi.SINCE.get(name)
        pinned = re.search(r"[=<~]=?\s*(\d+(?:\.\d+)*)", line)
        if since is not None and pinned is not None and tuple(map(int, pinned[1].split("."))) < since[0]:
            developing += since[1]
        programs = _pypi.PROGRAMS.get(name, ())
        if full and not developing and not programs and not _pypi.self_contained(name) and name not in _pypi.LIBRARIES:
            raise Impossible(
                "needs-unknown", f"whether {name} ({where}) needs libraries of {image.reference} is not known", node
            )
        if not full:
            if not _pypi.self_contained(name) and name not in _pypi.LIBRARIES and openmp:
                packages += _OPENMP
            continue
        for one in developing:
            known = at_run_time(one, image)
            if isinstance(known, Unknown):
                raise Impossible("package-unknown", known.reason, node)
            packages += known.value
        packages += programs
        if developing or programs:
            evidence.append(f"{where}: {name}")
    return Need(tuple(packages), tuple(evidence))


def requirements(
    facts: Facts, stage: Stage, calls: list[tuple[ScriptView, Invocation]], image: BaseImage
) -> tuple[str, ...]:
    """The packages that what pip installs needs of an image without compilers.

    :raises Impossible: where something may compile while it runs, or nobody can tell.
    """
    return _requirements(facts, stage, calls, image, False, None, [], image.manager == "apt").packages


def _of_tool(facts: Facts, stage: Stage, tool: str, working: list[Unit]) -> list[tuple[str, str, Instruction]]:
    """The requirements that Poetry, uv or Pipenv installs."""
    found: list[tuple[str, str, Instruction]] = []
    for view, command in facts.commands(tool):
        node = view.instruction
        if not any(unit.node is node for unit in working):
            continue
        if verb(command) in ("pip install", "pip sync"):
            values = [value or "" for value in command.values]
            workdir = facts.state(node).workdir
            for flag, value in pairwise(values):
                if flag in ("-r", "--requirement", "--requirements") or (
                    verb(command) == "pip sync" and value.endswith(".txt")
                ):
                    if isinstance(workdir, Unknown):
                        raise Impossible("needs-unknown", workdir.reason, node)
                    found += [
                        (line, where, node)
                        for line, where in _file(facts, stage, node, posixpath.join(workdir.value, value))
                    ]
                elif flag in ("-e", "--editable", "--target", "--prefix", "--python"):
                    raise Impossible("install-location", f"uv is told with {flag} where to install", node)
            at = values.index("install") if "install" in values else len(values)
            skip = False
            for value in values[at + 1 :]:
                if skip or value.startswith("-"):
                    skip = value in (
                        "-r",
                        "--requirement",
                        "-c",
                        "--constraint",
                        "--index-url",
                        "--extra-index-url",
                        "-i",
                    )
                    continue
                found.append((value, f"line {node.start_line}", node))
        elif verb(command) in ("install", "sync"):
            found += [(line, where, node) for line, where in locked(facts, stage, tool, node)]
    return found


def _lines(
    facts: Facts, stage: Stage, calls: list[tuple[ScriptView, Invocation]]
) -> list[tuple[str, str, Instruction]]:
    """Every requirement of the calls, with where it is written."""
    found: list[tuple[str, str, Instruction]] = []
    for view, call in calls:
        node = view.instruction
        state = facts.state(node)
        for word in call.operands:
            text = word.value if word.value is not None else word.text
            if text.startswith((".", "/")):
                found += [(line, where, node) for line, where in _project(facts, stage, node, text)]
            else:
                found.append((text, f"line {node.start_line}", node))
        for option in call.options:
            if option.name not in ("-r", "--requirement"):
                continue
            path = expand_known(option.value or "", state.env, "\\") if option.value is not None else None
            if not path or isinstance(state.workdir, Unknown):
                raise Impossible("needs-unknown", "which requirements file is installed is not known", node)
            found += [
                (line, where, node)
                for line, where in _file(facts, stage, node, posixpath.join(state.workdir.value, path))
            ]
    return found


def _file(facts: Facts, stage: Stage, node: Instruction, path: str) -> list[tuple[str, str]]:
    context = facts.context
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {context.reason}", node)
    name = facts.context_file(path, stage) or _mounted(node, path)
    if name is None:
        raise Impossible("needs-unknown", f"{path} is no file that COPY takes from the build context", node)
    return _read(facts, name, node, 0)


def _mounted(node: Instruction, path: str) -> str | None:
    for flag in node.flags:
        options = dict(part.partition("=")[::2] for part in (flag.value or "").split(","))
        target = options.get("target", options.get("dst", ""))
        bound = flag.name == "mount" and options.get("type", "bind") == "bind" and "from" not in options
        if bound and target and posixpath.basename(target) == posixpath.basename(path):
            return options.get("source", options.get("src"))
    return None


def _read(facts: Facts, name: str, node: Instruction, depth: int) -> list[tuple[str, str]]:
    assert isinstance(facts.context, Known)
    text = facts.context.value.text(name)
    if isinstance(text, Unknown) or depth > 8:
        raise Impossible("needs-unknown", text.reason if isinstance(text, Unknown) else f"{name} includes itself", node)
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.value.replace("\\\r\n", " ").replace("\\\n", " ").splitlines(), 1):
        word = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if not word:
            continue
        other = re.match(r"(?:-r|--requirement)[= ]*(\S+)", word)
        if other is not None:
            found += _read(
                facts, posixpath.normpath(posixpath.join(posixpath.dirname(name), other[1])), node, depth + 1
            )
        elif re.match(r"(?:-e|--editable)\b", word):
            raise Impossible(
                "editable-install",
                f"{name}:{number} is an editable install, which leaves its files among the sources",
                node,
            )
        elif not word.startswith("-"):
            found.append((word, f"{name}:{number}"))
    return found


def _project(facts: Facts, stage: Stage, node: Instruction, word: str) -> list[tuple[str, str]]:
    """The dependencies of the project pip installs from its folder; the folder's own name where they are in code."""
    state = facts.state(node)
    context = facts.context
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {context.reason}", node)
    if isinstance(state.workdir, Unknown):
        raise Impossible("needs-unknown", f"which project pip installs is not known: {state.workdir.reason}", node)
    folder = posixpath.join(state.workdir.value, word.partition("[")[0])
    name = facts.context_file(posixpath.join(folder, "pyproject.toml"), stage)
    if name is None:
        return [(word, f"line {node.start_line}")]
    from dockopt.api import load_toml

    data = load_toml(context.value, name)
    if isinstance(data, Unknown):
        raise Impossible("needs-unknown", data.reason, node)
    project = data.value.get("project")
    if not isinstance(project, dict):
        return [(word, name)]
    optional, needed, dynamic = (
        project.get(key, default)
        for key, default in (("optional-dependencies", {}), ("dependencies", []), ("dynamic", []))
    )
    groups = list(optional.values()) if isinstance(optional, dict) else [None]
    if not all(isinstance(group, list) for group in (needed, dynamic, *groups)):
        raise Impossible("needs-unknown", f"{name}: its dependencies are no lists", node)
    if "dependencies" in dynamic:
        return [(word, name)]
    return [(str(line), name) for group in (needed, *groups) for line in group]
