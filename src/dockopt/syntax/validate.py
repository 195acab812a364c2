"""What BuildKit's instructions package rejects after the parser has accepted it.

Follows ``frontend/dockerfile/instructions/parse.go``. Unknown builder flags are let through: new
BuildKit releases add them, and a file must not be refused for using one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dockopt.syntax.grammar import KEYWORDS, GrammarError, parse_heredoc
from dockopt.syntax.nodes import Instruction

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")

_ANYTHING = frozenset(("RUN", "CMD", "ENTRYPOINT"))  #: whatever the parser accepts of these is accepted


def check(instructions: Iterable[Instruction]) -> Iterator[tuple[Instruction, str]]:
    """Yield each instruction BuildKit rejects, with one sentence why."""
    nodes = list(instructions)
    if not nodes:
        return
    stages = 0
    for node in nodes:
        if node.error is None:
            message = _verdict(node)
            if message is not None:
                yield node, message
        if node.name == "FROM":
            stages += 1
        elif stages == 0 and node.name != "ARG" and node.name in KEYWORDS:
            yield node, f"{node.name} before the first FROM: no build stage in current context"
    if stages == 0:
        yield nodes[-1], "no FROM: the file has no build stage"


def _verdict(node: Instruction) -> str | None:
    """:func:`_instruction`, once a node: nodes never change, and most outlive many documents."""
    known = node.__dict__
    if "_verdict" not in known:
        known["_verdict"] = _instruction(node)
    verdict: str | None = known["_verdict"]
    return verdict


def _instruction(node: Instruction) -> str | None:
    name = node.name
    if name in _ANYTHING:
        return None
    if name not in KEYWORDS:
        import difflib  # only on the way to an error

        near = difflib.get_close_matches(name, KEYWORDS, 1)
        return f"unknown instruction {node.keyword!r}" + (f" (did you mean {near[0]}?)" if near else "")
    args = node.args
    if name == "FROM":
        return _from(args)
    if name in ("ADD", "COPY"):
        if len(args) < 2:
            return f"{name} requires at least two arguments"
        if "<<" in args[-1] and _is_heredoc(args[-1]):
            return f"{name} cannot accept a heredoc as a destination"
    elif name in ("ARG", "ENV", "LABEL", "EXPOSE", "VOLUME", "HEALTHCHECK", "ONBUILD", "SHELL"):
        if not args:
            return f"{name} requires at least one argument"
        if name in ("ENV", "LABEL") and any(not pair.key for pair in node.pairs):
            return f"{name} names can not be blank"
        if name == "ARG" and any(arg.startswith("=") for arg in args):
            return "ARG names can not be blank"
        if name == "VOLUME" and any(not arg.strip() for arg in args):
            return "VOLUME specified can not be an empty string"
        if name == "SHELL" and node.json is None:
            return "SHELL requires the arguments to be in JSON form"
        if name == "HEALTHCHECK":
            return _healthcheck(node)
        if name == "ONBUILD":
            return _onbuild(node)
    elif name in ("MAINTAINER", "USER", "WORKDIR", "STOPSIGNAL") and len(args) != 1:
        return f"{name} requires exactly one argument"
    return None


def _is_heredoc(word: str) -> bool:
    try:
        return parse_heredoc(word) is not None
    except GrammarError:
        return False  # as BuildKit's MustParseHeredoc takes it


def _from(args: tuple[str, ...]) -> str | None:
    if len(args) == 3 and args[1].lower() == "as":
        if not _STAGE_NAME.match(args[2].lower()):
            return f"invalid name for build stage: {args[2]!r}, name can't start with a number or contain symbols"
    elif len(args) != 1:
        return "FROM requires either one or three arguments"
    return None


def _healthcheck(node: Instruction) -> str | None:
    kind = node.args[0].upper()
    if kind == "NONE":
        return "HEALTHCHECK NONE takes no arguments" if len(node.args) > 1 else None
    if kind != "CMD":
        return f"Unknown type {node.args[0]!r} in HEALTHCHECK (try CMD)"
    return None if len(node.args) > 1 else "Missing command after HEALTHCHECK CMD"


def _onbuild(node: Instruction) -> str | None:
    if node.inner is None:
        return None
    if node.inner.name == "ONBUILD":
        return "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
    if node.inner.name in ("MAINTAINER", "FROM"):
        return f"{node.inner.name} isn't allowed as an ONBUILD trigger"
    return None
