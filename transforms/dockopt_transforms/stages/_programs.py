"""Programs the full variant of an image has and the slim one lacks: who calls them, and their packages."""

from __future__ import annotations

import re
from typing import NamedTuple

from dockopt.api import BaseImage, Facts, Instruction, Known, Stage, Unknown, base_name, parse_script, unwrap
from dockopt.api import lookup as image_of
from dockopt_transforms.stages._plan import Impossible
from dockopt_transforms.stages._system import PACKAGES

_CALLS = re.compile(
    r"\b(?:subprocess|os\s*\.\s*(?:system|popen|exec|spawn)|Popen|check_output|check_call|pexpect|fabric|invoke|plumbum|shutil\.which|execSync|child_process|spawn|exec\.Command|process::Command|execvp?|popen|system)\b"
)
_WORDS = re.compile(r"""["'`](?:/usr)?(?:/bin/)?(""" + "|".join(map(re.escape, PACKAGES)) + r""")(?=["'`\s])""")
_MAX_SOURCES = 3000


class Programs(NamedTuple):
    packages: tuple[str, ...]
    evidence: tuple[str, ...]


def needed_programs(
    facts: Facts,
    stage: Stage,
    later: list[Instruction],
    image: BaseImage,
    runtime: str,
    *,
    suffixes: tuple[str, ...] = (".py",),
    present: frozenset[str] = frozenset(),
    dropped: frozenset[str] = frozenset(),
) -> Programs:
    """The packages of programs that the instructions which stay, the start command and the sources call.

    ``present`` are the packages the file installs where it runs, ``dropped`` those it would no longer.

    :raises Impossible: for a program no package is known for, or a script that cannot be read.
    """
    packages: dict[str, str] = {}
    small = image_of(runtime)
    there = small.tools if small is not None else frozenset()
    same = small is not None and small.reference == image.reference

    def use(name: str, where: str, node: Instruction | None) -> None:
        package = PACKAGES.get(name)
        if package is None or name in there or (same and package not in dropped):
            return
        if package in dropped:
            packages.setdefault(package, f"{where}: {name}")
            return
        if package in present or name in present or (image.manager != "apt" and name not in image.tools):
            return  # the file installs it, or it was not there before either
        if not package or image.manager != "apt":
            raise Impossible("needs-unknown", f"{where} calls {name}, which the stage that runs would not have", node)
        packages.setdefault(package, f"{where}: {name}")

    for node in later:
        view = facts.script(node)
        if node.name == "RUN":
            if view is None or view.opaque is not None or view.script.error:
                raise Impossible("unknown-step", "a RUN after the install is not read", node)
            for name in command_names(view.script.text):
                use(name, f"line {node.start_line}", node)
    for node in stage.instructions:
        if node.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            for name in started(node):
                use(name, f"line {node.start_line}", node)
    context = facts.context
    if isinstance(context, Unknown) and not same:
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {context.reason}")
    if isinstance(context, Known) and (dropped or not same):
        listing = context.value.listing
        sources = [name for name in listing.files if name.endswith((*suffixes, ".sh"))]
        if listing.truncated or len(sources) > _MAX_SOURCES:
            raise Impossible("needs-unknown", "the build context has more files than dockopt reads")
        for name in sources:
            text = context.value.text(name)
            if isinstance(text, Unknown):
                continue
            for program in called_by(text.value, _WORDS, shell=name.endswith(".sh")):
                use(program, name, None)
    return Programs(tuple(packages), tuple(packages.values()))


def called_by(text: str, words: re.Pattern[str], *, shell: bool) -> list[str]:
    """The programs a source calls: all commands of a shell script, else what ``words`` finds where it calls any."""
    if shell:
        return command_names(text)
    return [match[1] for match in words.finditer(text)] if _CALLS.search(text) else []


def command_names(text: str) -> list[str]:
    """The names of the commands in a script; nothing where it does not parse."""
    script = parse_script(text)
    names: list[str] = []
    for command in () if script.error else script.commands:
        at = unwrap(command)
        value = command.words[at].value if at < len(command.words) else None
        if value:
            names.append(base_name(value))
    return names


def started(node: Instruction) -> list[str]:
    """The programs a CMD, ENTRYPOINT or HEALTHCHECK starts."""
    words = node.json
    if words is None:
        return command_names(
            node.rest if node.name != "HEALTHCHECK" else node.line[node.health_command_start : node.args_end]
        )
    if not words:
        return []
    name = base_name(words[0])
    if name in ("sh", "bash", "ash", "dash") and len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):
        return [name, *command_names(words[2])]
    return [name, *(word for word in words[1:] if word.endswith(".sh"))]
