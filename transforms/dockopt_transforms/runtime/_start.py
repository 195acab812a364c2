"""What stands between the container's start and the program, shared by the family."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dockopt.api import (
    BaseImage,
    Blank,
    Comment,
    Document,
    Editor,
    Facts,
    Instruction,
    Node,
    Stage,
    base_name,
    parse_json,
    parse_script,
)

#: Programs that run their arguments whatever they are.
INITS = frozenset(("tini", "dumb-init", "catatonit"))

# Entrypoints of official images that run their arguments and look at them only where the first is a flag
# or no command; by image, since ``docker-entrypoint.sh`` is a different script in each.
_HANDING_OVER = {
    "node": "docker-entrypoint.sh",
    "eclipse-temurin": "__cacert_entrypoint.sh",
    "gradle": "__cacert_entrypoint.sh",
    "maven": "mvn-entrypoint.sh",
    "php": "docker-php-entrypoint",
}


def hands_over(image: BaseImage) -> bool:
    """Whether what the image starts by itself runs the words of CMD as they are."""
    if not image.entrypoint:
        return True
    try:
        words = parse_json(image.entrypoint)
    except ValueError:
        return False
    return words is not None and len(words) == 1 and _HANDING_OVER.get(image.name) == base_name(words[0])


def json_string(text: str) -> str:
    """A string of a JSON array; characters beyond ASCII stay as they are."""
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(ch if ch >= " " else f"\\u{ord(ch):04x}" for ch in out) + '"'


def json_list(words: Iterable[str]) -> str:
    """The exec form of an argument list."""
    return "[" + ", ".join(json_string(word) for word in words) + "]"


_SHELLS = frozenset(("sh", "bash", "ash", "dash"))
_CHANGES_FILES = frozenset(("RUN", "COPY", "ADD", "WORKDIR", "USER", "SHELL", "ARG"))


class Start(NamedTuple):
    """What the final stage's own CMD and ENTRYPOINT say, as far as the Dockerfile alone tells it."""

    stage: Stage
    node: Instruction  #: the one that names the program
    words: tuple[str, ...]  #: the argument list behind ``exec``, ``tini`` and ``sh -c``; empty where it is not plain

    @property
    def program(self) -> str:
        return base_name(self.words[0]) if self.words else ""


def start_of(facts: Facts) -> Start | None:
    """How the final image starts; None where neither it nor a stage it is built on says so."""
    stage = facts.stages.all[-1]
    entry, cmd = _last(stage, "ENTRYPOINT"), _last(stage, "CMD")
    node = entry if entry is not None else cmd
    if node is None:
        return None
    words = _words(entry) if entry is not None else ()
    if entry is None or (words and entry.json is not None and cmd is not None):
        words = (*words, *(_words(cmd) if cmd is not None else ()))
    return Start(stage, node, _plain(words))


def prompts(start: Start | None) -> bool:
    """Whether the image starts a shell for people to type into: what they will call nobody can tell."""
    return (
        start is not None
        and start.program in (*_SHELLS, "zsh", "fish")
        and all(word in ("-l", "-i", "-il", "-li", "--login") for word in start.words[1:])
    )


def _last(stage: Stage, name: str) -> Instruction | None:
    for member in stage.chain:
        for node in reversed(member.instructions):
            if node.name == name:
                return node
    return None


def _words(node: Instruction) -> tuple[str, ...]:
    if node.json is not None:
        return node.json
    return _script_words(node.rest)


def _script_words(text: str) -> tuple[str, ...]:
    """The words of a script that is one plain command; variables stay as they are written."""
    script = parse_script(text)
    if script.error or len(script.items) != 1 or script.end_operator or script.has_heredoc:
        return ()
    outer = [command for command in script.commands if not command.within]
    if len(outer) != 1 or outer[0].kind != "command":
        return ()
    return tuple(word.value if word.value is not None else word.text for word in outer[0].words)


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    while words:
        name = base_name(words[0])
        if name in INITS:
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif name == "exec":
            words = words[1:]
        elif name == "env":
            words = words[1:]
            while words and "=" in words[0]:
                words = words[1:]
        elif name in _SHELLS and len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):
            words = _script_words(words[2])
        else:
            break
    return words


def insert_late(editor: Editor, stage: Stage, text: str) -> None:
    """Put ``text``, instructions that change no file, as late as they can stand: above CMD and ENTRYPOINT.

    They come after everything that is built, so that they reach no build step, and above the comments of
    what they are put before; a stage that parts its instructions with blank lines gets one more.
    """
    document = editor.document
    nodes = stage.instructions
    last = max((index for index, node in enumerate(nodes) if node.name in _CHANGES_FILES), default=-1)
    anchor = next((node for node in nodes[last + 1 :] if node.name in ("CMD", "ENTRYPOINT")), None)
    if anchor is None:
        editor.insert_after(nodes[last] if last >= 0 else stage.from_, text)
        return
    above, blank = lead(document, anchor)
    editor.insert_before(above, text + (editor.eol if blank else ""))


def lead(document: Document, node: Node) -> tuple[Node, bool]:
    """The first of the comment lines right above a node, else the node; and whether a blank line is above that."""
    position = next(index for index, other in enumerate(document.nodes) if other is node)
    while position and isinstance(document.nodes[position - 1], Comment):
        position -= 1
    return document.nodes[position], position > 0 and isinstance(document.nodes[position - 1], Blank)


def env_text(document: Document, pairs: Iterable[tuple[str, str]], eol: str) -> str:
    """An ENV instruction, one key a line."""
    joint = f" {document.escape}{eol}{document.indent}"
    return f"{document.keyword('ENV')} " + joint.join(f"{key}={value}" for key, value in pairs) + eol
