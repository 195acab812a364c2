"""The package installer out of an image that installs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from dockopt.api import (
    BaseImage,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    Unknown,
)
from dockopt_transforms._render import render
from dockopt_transforms.stages._plan import Impossible

_PYTHON = Effects(files_removed=("/usr/local/lib/python*/site-packages/**", "/usr/local/bin/pip*", "/opt/venv/**"))
_NODE = Effects(files_removed=("/usr/local/lib/node_modules/npm/**", "/usr/local/bin/np?"))
_IMPORTS = re.compile(
    r"^\s*(?:import|from)\s+(?:pip|ensurepip|pkg_resources|setuptools|virtualenv|venv)\b|[\"']pip3?[\"']|-m pip\b", re.M
)
_CALLS_NPM = re.compile(r"[\"'`](?:npm|npx)(?:[\s\"'`])")


class RemoveInstaller(Transform):
    """Take pip or npm out of a final stage that installs nothing.

    What:
        In a final stage of a Python image that gets its virtual environment from another stage: the environment's
        pip is uninstalled where it was filled, and the image's own is removed. In one of a Node image that gets
        its ``node_modules``: npm and npx are removed.

    Why:
        Whoever gets into a container without an installer has one tool less to bring others in, and a scanner
        finds nothing of what the installer itself carries along.

    Safety:
        Unsafe: nothing can be installed in a running container any more.

    Refuses:
        installer-used: the start command, the health check or a source of the app calls the installer
        entry-unknown: what the image runs is not known
        context-unknown: the build context, whose sources may call the installer, is not known

    References:
        https://docs.docker.com/build/building/best-practices/#dont-install-unnecessary-packages
        https://pip.pypa.io/en/stable/cli/pip_uninstall/
    """

    id = "remove-installer"
    phase = Phase.STAGES
    safety = "unsafe"
    mildest = "unsafe"
    default = False  # an option among the strategies: it saves no size and takes tools away
    after = ("split-stages", "slim-base")
    mentions = ("--from=",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        image = facts.base_image(stage)
        if image is None or stage.parent is not None or stage.index == 0 or image.minimal:
            return
        try:
            if image.name == "python":
                yield from _python(document, facts, stage)
            elif image.name == "node":
                yield from _node(document, facts, stage, image)
        except Impossible as why:
            yield Refusal(why.node or stage.from_, why.cause, why.reason)


def _python(document: Document, facts: Facts, stage: Stage) -> Iterator[Proposal]:
    if any(view.stage is stage for view, _ in facts.invocations("pip")):
        return
    if any("venv" in view.script.text or "pip" in view.script.text for view in facts.scripts if view.stage is stage):
        return
    for node in stage.instructions:
        origin = node.flag("from") if node.name == "COPY" else None
        builder = facts.stages.find(origin.value) if origin is not None and origin.value else None
        if builder is None or len(node.args) != 2 or facts.stages.children(builder):
            continue
        environment = node.args[0].rstrip("/")
        fills = _fills(facts, builder, environment)
        if not fills:
            continue
        _check(facts, stage, ("pip", "pip3"), (".py", ".sh"), _IMPORTS)
        yield Proposal(
            (stage.from_, fills[-1]),
            "Take pip out of the image that runs",
            partial(_edit_python, document, stage.from_, fills[-1]),
            safety=Safety.UNSAFE,
            effects=_PYTHON,
        )
        return


def _fills(facts: Facts, builder: Stage, environment: str) -> list[Instruction]:
    """The RUNs with pip that fill an environment made by ``python -m venv``; nothing where others do."""
    made = False
    found: list[Instruction] = []
    for view in facts.scripts:
        if view.stage is not builder:
            continue
        for command in view.commands:
            values = command.values
            made = made or ("venv" in values and environment in values)
        if made and any(call.manager.name == "pip" and call.verb == "install" for call in view.invocations):
            found.append(view.instruction)
        elif found and "pip" in view.script.text:
            return []
    return found


def _edit_python(document: Document, from_: Instruction, fill: Instruction, editor: Editor) -> None:
    editor.insert_after(fill, render(document, "run", command="pip uninstall -y pip"))
    packages = "/usr/local/lib/python3*/site-packages"
    command = f"rm -rf {packages}/pip {packages}/pip-*.dist-info /usr/local/bin/pip*"
    editor.insert_after(from_, render(document, "run", command=command))


def _node(document: Document, facts: Facts, stage: Stage, image: BaseImage) -> Iterator[Proposal]:
    names = ("npm", "npx", "yarn", "pnpm", "corepack")
    text = "\n".join(view.script.text for view in facts.scripts if view.stage is stage)
    if re.search(r"\b(?:npm|npx|yarn|pnpm|corepack)\b", text):
        return
    brings = [
        node
        for node in stage.instructions
        if node.name == "COPY" and node.flag("from") is not None and any("node_modules" in word for word in node.args)
    ]
    if not brings:
        return
    _check(facts, stage, names, (".js", ".mjs", ".cjs", ".ts", ".sh"), _CALLS_NPM)
    command = "rm -rf /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx"
    yield Proposal(
        stage.from_,
        "Take npm out of the image that runs",
        lambda editor: editor.insert_after(stage.from_, render(document, "run", command=command)),
        safety=Safety.UNSAFE,
        effects=_NODE,
        evidence=(image.evidence,),
    )


def _check(
    facts: Facts, stage: Stage, names: tuple[str, ...], suffixes: tuple[str, ...], calls: re.Pattern[str]
) -> None:
    """Whether nothing that runs calls the installer.

    :raises Impossible: where something does, or may.
    """
    word = re.compile(rf"(?<![\w.-])(?:{'|'.join(names)})(?![\w.-])")
    for node in stage.instructions:
        if node.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and word.search(node.rest):
            raise Impossible("installer-used", f"line {node.start_line}: {node.name} calls {names[0]}", node)
        if node.name == "ONBUILD":
            raise Impossible("installer-used", "images built from this one may install", node)
    launch = facts.launch
    if isinstance(launch, Unknown):
        raise Impossible("entry-unknown", f"what the image runs is not known: {launch.reason}")
    context = facts.context
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"whether a source calls {names[0]} is not known: {context.reason}")
    if context.value.listing.truncated:
        raise Impossible("context-unknown", "the build context has more files than dockopt reads")
    for name in context.value.listing.files:
        if name.endswith(suffixes):
            text = context.value.text(name)
            if isinstance(text, Known) and (
                calls.search(text.value) or (name.endswith(".sh") and word.search(text.value))
            ):
                raise Impossible("installer-used", f"{name} calls {names[0]}, or imports what comes with it")
