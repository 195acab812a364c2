"""Build packages out of the very RUN that needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from dockopt.api import (
    BaseImage,
    Document,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Stage,
    Transform,
    Unknown,
    Word,
    insert_after,
    insert_item,
)
from dockopt_transforms.runtime._start import prompts, start_of
from dockopt_transforms.stages import _python
from dockopt_transforms.stages._plan import BASIC, Impossible, builds_nothing, kinds
from dockopt_transforms.stages._programs import command_names, started
from dockopt_transforms.stages._pytools import uses_tool
from dockopt_transforms.stages._system import BUILD_ONLY, at_run_time, bare

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
EFFECTS = Effects(files_removed=("/usr/**",), packages_added=("apt:*",), packages_removed=("apt:~*",))


class _Job(NamedTuple):
    view: ScriptView
    install: Invocation
    last: int  #: the element of the list after which the packages may go
    purge: tuple[str, ...]
    keep: tuple[str, ...]  #: libraries to be named, so that they stay


class DropBuildDeps(Transform):
    """Purge compilers and headers in the RUN that builds with them.

    What:
        Where one RUN installs build packages with apt-get and then runs ``pip install``, it ends with
        ``apt-get purge -y --auto-remove`` of the packages that only build; the shared libraries behind ``-dev``
        packages (``libpq-dev``: ``libpq5``) are named in the install, so that they stay. For files that
        ``split-stages`` leaves in one stage.

    Why:
        What a RUN installs and removes again is in no layer. A compiler in the image is of use to whoever breaks
        into it, and to nobody else.

    Safety:
        Unsafe: the compilers and headers are gone from the image.

    Refuses:
        context-unknown: the build context, which says what pip installs, is not known
        needs-unknown: what pip installs may compile while it runs
        package-unknown: nobody knows which package runs what was built with a ``-dev`` package
        used-later: a later step may build with the packages
        no-start: nothing but a shell is started, if anything: the image may be there to build with
        python-goes-too: Python itself may have come with what would be purged
        mixed-list: the RUN is no plain list joined by ``&&``

    References:
        https://manpages.debian.org/stable/apt/apt-get.8.en.html (purge, --auto-remove)
        https://docs.docker.com/build/building/best-practices/#apt-get
    """

    id = "drop-build-deps"
    phase = Phase.STAGES
    safety = "unsafe"
    mildest = "unsafe"
    after = ("split-stages",)
    mentions = ("pip",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        image = facts.base_image(stage)
        if image is None or image.manager != "apt" or facts.stages.children(stage):
            return
        if "gcc" in image.tools:
            return  # the image's own compilers and libraries would go along, and nothing get smaller
        for view in facts.scripts:
            if view.stage is not stage or view.opaque is not None:
                continue
            found = _calls(view)
            if found is None:
                continue
            try:
                job = _job(facts, stage, image, view, *found)
            except Impossible as why:
                yield Refusal(why.node or view.instruction, why.cause, why.reason)
                continue
            if job is None:
                continue
            yield Proposal(
                view.instruction,
                f"Purge {', '.join(job.purge)} once pip is done",
                partial(_edit, document, job),
                safety=Safety.UNSAFE,
                effects=EFFECTS,
            )


def _calls(view: ScriptView) -> tuple[Invocation, Invocation] | None:
    """The one apt install with build packages and the last pip install behind it; None where there is no such pair."""
    calls = view.invocations
    installs = [call for call in calls if call.manager.name == "apt" and call.action == "install"]
    pips = [call for call in calls if call.manager.name == "pip" and call.verb == "install"]
    if len(installs) != 1 or not pips or any(call.manager.name == "apt" and call.action == "remove" for call in calls):
        return None
    if pips[0].command.start < installs[0].command.start or not any(_builds(word) for word in installs[0].operands):
        return None
    return installs[0], pips[-1]


def _names_python(facts: Facts, stage: Stage, image: BaseImage) -> bool:
    """Whether the distribution's Python is there on purpose: in the base image, or named in an install."""
    return "python3" in image.tools or any(
        bare(word.text) in ("python3", "python3-minimal", "python3-pip", "python3-venv")
        or re.fullmatch(r"python3\.\d+", bare(word.text))
        for view, call in facts.invocations("apt")
        if view.stage in stage.chain and call.action == "install"
        for word in call.operands
    )


def _builds(word: Word) -> bool:
    name = bare(word.text)
    return name in BUILD_ONLY or name.endswith("-dev")


def _job(
    facts: Facts, stage: Stage, image: BaseImage, view: ScriptView, install: Invocation, pip: Invocation
) -> _Job | None:
    node = view.instruction
    if not view.script.and_list or not install.command.top or not pip.command.top or view.heredoc is not None:
        raise Impossible("mixed-list", "the RUN is no plain list of commands joined by &&", node)
    if install.wrappers:
        raise Impossible("mixed-list", "the install runs behind another command", node)
    purge: list[str] = []
    keep: list[str] = []
    named = {bare(word.text) for word in install.operands}
    for word in install.operands:
        known = at_run_time(word.text, image)
        if isinstance(known, Unknown):
            raise Impossible("package-unknown", known.reason, node)
        if known.value != (word.text,):
            purge.append(bare(word.text))
            keep += [one for one in known.value if one not in named]
    if image.name not in ("python", "pypy") and not _names_python(facts, stage, image):
        why = "no install names python3: purging what brought it would take it along"
        raise Impossible("python-goes-too", why, node)
    start = start_of(facts)
    names = started(start.node) if start is not None else []
    if start is None or prompts(start) or not (start.program or (names and names[-1] not in _SHELLS)):
        raise Impossible("no-start", "what the image runs is not known: it may be there to build with", node)
    position = stage.instructions.index(node)
    for other in stage.instructions[position + 1 :]:
        later = facts.script(other)
        if other.name == "ONBUILD" or (other.name == "RUN" and (later is None or later.opaque is not None)):
            raise Impossible("used-later", f"line {other.start_line} may build with the packages", other)
        if later is None:
            continue
        what = kinds(later, frozenset(("pip",)))
        if not builds_nothing((what,)):
            raise Impossible("used-later", f"line {other.start_line} installs more to build with", other)
        unknown = [name for name in command_names(later.script.text) if name not in BASIC and name != "apt-get"]
        if "install" in what.kinds or (what.others and unknown and not unknown[0].startswith("python")):
            raise Impossible("used-later", f"line {other.start_line} may build with the packages", other)
    tool = uses_tool(facts, stage)
    if tool is not None:
        raise Impossible("needs-unknown", f"what {tool} installs is not read here", node)
    if isinstance(facts.context, Unknown):
        raise Impossible("context-unknown", f"what pip installs is not known: {facts.context.reason}", node)
    pips = [(one, call) for one, call in facts.invocations("pip") if one.stage is stage and call.verb == "install"]
    needs = _python.requirements(facts, stage, pips, image)
    keep += [one for one in needs if one not in named]
    return _Job(view, install, pip.command.item, tuple(purge), tuple(dict.fromkeys(keep)))


def _edit(document: Document, job: _Job, editor: Editor) -> None:
    edits = []
    if job.keep:
        edits.append(insert_after(job.install.operands[-1], " ".join(job.keep)))
    command = f"apt-get purge -y --auto-remove {' '.join(job.purge)}"
    edits.append(insert_item(document, job.view.instruction, job.view.script, job.last, command, False))
    editor.script(job.view, edits)
