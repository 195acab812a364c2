"""Compare dockopt's reading of a Dockerfile with BuildKit 0.12.5's, knowing where newer BuildKit differs.

dockopt follows the newest parser. Where that one and 0.12.5, or its Python wrapper, part ways the
comparison says so here, by name, and leaves out exactly that. ``test_differences.py`` shows each of
these differences to exist.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from dockopt.api import Document, load

KNOWN = frozenset(
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]
)  # fmt: skip
SPACED_HEREDOC = re.compile(r"(?<!<)((?:<<)+)[ \t\r]+")
SPACED_DASH = re.compile(r"<<[ \t\r]+-")
NEW_MODIFIER = re.compile(r"\$\{\w+[#%/]")
PLAIN_DIRECTIVE = re.compile(r"[ \t\f\r]*#[ \t\f\r]*\w+[ \t\f\r]*=")


class Reading:
    """What BuildKit made of a file: its commands, or why it rejects the file."""

    def __init__(self, commands: list[dict[str, Any]], error: str | None) -> None:
        self.commands = commands
        self.error = error


class BuildKit:
    """A long-lived worker process with BuildKit's parser in it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self, text: str) -> Reading:
        """:raises ValueError: for a NUL, at which the wrapper would silently cut the file."""
        if "\0" in text:
            raise ValueError("the wrapper ends a file at its first NUL")
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Reading(answer.get("commands", []), answer.get("error"))

    def close(self) -> None:
        self._process.communicate()


def rejected(document: Document) -> bool:
    """Whether the parser proper rejects the file; what the later build stage rejects does not count."""
    if not document.instructions or any(node.error for node in document.instructions):
        return True
    directives = {node.start_line for node in document.nodes if type(node).__name__ == "Directive"}
    return any(problem.line in directives for problem in document.problems)


def json_with_trailing_text(document: Document) -> bool:
    for node in document.instructions:
        inner = node.inner or node
        start = inner.health_command_start if inner.name == "HEALTHCHECK" else inner.args_start
        text = inner.line[start : inner.args_end]
        if text.startswith("["):
            try:
                _, end = json.JSONDecoder().raw_decode(text)
            except (ValueError, RecursionError):
                continue
            if text[end:].strip():
                return True
    return False


def newer_only(document: Document) -> str | None:
    """Why 0.12.5 cannot be asked about this file at all, or None."""
    directives = [node for node in document.nodes if type(node).__name__ == "Directive"]
    if any(node.name == "check" for node in directives[:-1]):
        return "a directive after `# check`, which 0.12.5 takes for a comment that ends the directives"
    if any(not PLAIN_DIRECTIVE.match(node.text) for node in directives):
        return "white space other than ASCII's before a directive's name"
    if json_with_trailing_text(document):
        return "text after a JSON array, which 0.12.5 ignores"
    for node in document.instructions:
        for line, end in [(node.line, node.args_start)] + (
            [(node.inner.line, node.inner.args_start)] if node.inner else []
        ):
            if not line[:end].isascii():
                return "flags beyond ASCII, which BuildKit reads byte by byte, tearing characters apart"
            if node.escape == "`" and re.search(r"[\\`]", line[:end]):
                return "an escape in flags, a backslash to 0.12.5 whatever the directive says"
    if any("<<" in node.line and NEW_MODIFIER.search(node.line) for node in document.instructions):
        return "`${name#pattern}` beside a heredoc, which 0.12.5's lexer gives up on"
    if any("<<" in node.line and SPACED_DASH.search(node.line) for node in document.instructions):
        return "`<< -NAME`, a heredoc called -NAME to newer BuildKit only"
    return None


def _unspaced(text: str) -> str:
    return SPACED_HEREDOC.sub(r"\1", text)


def _has_spaced_heredoc(node: Any) -> bool:
    return node.name in ("ADD", "COPY", "ONBUILD", "RUN") and bool(SPACED_HEREDOC.search(node.line, node.args_start))


def _for_old(document: Document) -> str:
    """The text 0.12.5 is asked about: `<< EOF`, a heredoc to newer BuildKit only, becomes `<<EOF`."""
    parts = [document.bom]
    for node in document.nodes:
        if type(node).__name__ == "Instruction" and _has_spaced_heredoc(node):
            # On its last physical line, behind empty continuations, so that no line number moves.
            parts.append(f"{node.escape}\n" * (len(node.lines) - 1))
            parts.append(node.line[: node.args_start] + _unspaced(node.line[node.args_start :]) + node.eol)
            parts.append(node.text[node.head_end :])
        else:
            parts.append(node.text)
    return "".join(parts)


def differences(document: Document, buildkit: BuildKit) -> list[str]:
    """Where the two readings differ, in words; empty when they agree or 0.12.5 cannot be asked."""
    if newer_only(document) is not None:
        return []
    reading = buildkit.read(_for_old(document))
    if reading.error is not None:
        return [] if rejected(document) else [f"BuildKit rejects the file: {reading.error}"]
    if rejected(document):
        return [f"BuildKit accepts what is rejected here: {document.problems}"]
    nodes = document.instructions
    if len(nodes) != len(reading.commands):
        return [f"{len(nodes)} instructions, BuildKit sees {len(reading.commands)}"]
    found = []
    for node, command in zip(nodes, reading.commands, strict=True):
        ours, theirs = _ours(node), _theirs(command)
        if node.name == "ONBUILD":
            # The wrapper drops the inner instruction's flags and heredocs.
            ours["heredocs"] = theirs["heredocs"]
            if node.inner is not None and node.inner.name == "ONBUILD":
                ours["args"] = theirs["args"]
        for key in ours:
            mine, other = ours[key], theirs[key]
            if key == "args" and _has_spaced_heredoc(node):
                mine, other = (_unspaced(" ".join(args)) for args in (mine, other))
            if mine != other:
                found.append(f"line {node.start_line} {node.name}: {key} {mine!r}, BuildKit {other!r}")
    return found


def _ours(node: Any) -> dict[str, Any]:
    inner = node.inner or node
    return {
        "keyword": node.keyword,
        "inner keyword": inner.keyword if node.name == "ONBUILD" and node.inner else None,
        "lines": [node.start_line, node.end_line],
        "flags": [flag.text for flag in node.flags],
        "args": list(inner.args) if inner.name in KNOWN else [""],
        "json": inner.json is not None,
        "heredocs": [[doc.word.name, doc.word.fd, node.text[doc.body_start : doc.body_end]] for doc in node.heredocs],
    }


def _theirs(command: dict[str, Any]) -> dict[str, Any]:
    return {
        "keyword": command["cmd"] or "",
        "inner keyword": command["sub_cmd"],
        "lines": [command["start_line"], command["end_line"]],
        "flags": list(command["flags"]),
        "args": list(command["value"]),
        "json": command["json"],
        "heredocs": [[d["name"], d["file_descriptor"], d["content"]] for d in command["heredocs"]],
    }


def disagreements(data: bytes, buildkit: BuildKit) -> list[str]:
    """:func:`differences` of a file's bytes; what is not UTF-8 is read as U+FFFD on both sides."""
    text = data.decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
    return differences(load(text.encode()), buildkit)
