"""CMD and ENTRYPOINT in shell form, whose shell stands between the runtime and the program."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockopt.api import (
    Command,
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Script,
    Stage,
    Transform,
    Word,
    base_name,
    parse_script,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.runtime._start import INITS, hands_over, json_list, json_string

# What only a shell can do: builtins that no program of that name stands for, and words of its grammar.
_BUILTIN = word_set(
    ". : alias bg break cd command continue declare eval exit export fg hash jobs let local popd pushd read readonly "
    "return set shift source times trap type typeset ulimit umask unalias unset wait [["
)
_SPECIAL = r"[*?\[{~]"


# A value that can be put between double quotes and mean the same.
_BARE_VALUE = re.compile(r"\w+=[^\s'\"\\`~!]*")


class ExecForm(Transform):
    """Start the program itself, not a shell that starts it.

    What:
        Writes ``CMD python app.py`` as ``CMD ["python", "app.py"]``. Where the shell is needed for a variable, a
        redirection, a pattern or a script that may lack its ``#!`` it stays and steps aside: ``CMD ["/bin/sh", "-c", "exec app --port $PORT"]``.

    Why:
        A container is stopped by SIGTERM to its first process. A shell in that place does not pass it on: the
        program is killed after the grace period, in the middle of what it does. An ENTRYPOINT in shell form
        takes no arguments either.

    Safety:
        Unsafe: the program becomes the first process and gets the signals; ``docker inspect`` shows the words.

    Refuses:
        assignment-expands: the value of a variable before the command is made by the shell, and may hold spaces
        several-commands: a list, a pipeline or a construct of the shell, which no single program replaces
        shell-builtin: the command is the shell's own
        command-unknown: which command runs is only known to the shell
        shell-unknown: SHELL is none that dockopt knows, or it reads start-up files before the command
        entrypoint-interplay: ENTRYPOINT and CMD are joined to one argument list, which would change
        base-unknown: the base image may have an ENTRYPOINT that looks at the words

    References:
        hadolint DL3025
        https://docs.docker.com/reference/dockerfile/#shell-and-exec-form
        https://docs.docker.com/reference/build-checks/json-args-recommended/
    """

    id = "exec-form"
    phase = Phase.RUNTIME
    aliases = ("DL3025",)
    safety = "unsafe"
    mildest = "unsafe"
    instructions = ("CMD", "ENTRYPOINT")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in document.instructions:
            if node.name not in ("CMD", "ENTRYPOINT") or node.json is not None:
                continue
            rest = node.rest
            stage = facts.stages.of(node)
            if stage is None or not rest or rest.startswith("[") or node.heredocs:
                continue
            script = parse_script(rest)
            problem = (
                _shell_problem(facts, node, stage) or _script_problem(script, node) or _interplay(facts, node, stage)
            )
            if problem is not None:
                yield Refusal(node, *problem)
            else:
                yield _proposal(node, script, facts.state(node).shell, _interpreted(facts, node, stage, script))


def _shell_problem(facts: Facts, node: Instruction, stage: Stage) -> tuple[str, str] | None:
    state = facts.state(node)
    if stage.windows:
        return "shell-unknown", "the stage is built on Windows, whose shell is cmd"
    shell = state.shell
    if shell is not None:
        plain = len(shell) > 1 and base_name(shell[0]) in ("sh", "bash", "ash", "dash") and shell[-1] == "-c"
        # -e, -u, -x and pipefail say nothing about one command; a login shell sets PATH.
        if not plain or any(word in ("-l", "--login", "-i", "-lc", "-ic") for word in shell):
            return "shell-unknown", f"SHELL {json_list(shell)} may do more than run the command"
    for name in ("BASH_ENV", "ENV"):
        if name in state.env:
            return "shell-unknown", f"{name} names a file that the shell may read first"
    return None


def _script_problem(script: Script, node: Instruction) -> tuple[str, str] | None:
    command = _only_command(script)
    if command is None or (command.assignments and not command.words):
        return "several-commands", "it is more than one command"
    if script.comments:
        return "several-commands", "a comment of the shell follows the command"
    words = _program_words(command)
    if not words:
        return "command-unknown", "there is no command"
    name = words[0].value
    if name is None:
        # $JAVA_HOME/bin/java is a program whatever JAVA_HOME is; $COMMAND may be anything.
        name = words[0].text.rpartition("/")[2].rstrip('"')
        if "/" not in words[0].text or not re.fullmatch(r"[\w.+-]+", name):
            return "command-unknown", f"which command {words[0].text} is, only the shell knows"
    elif name in _BUILTIN or name.startswith("-"):
        return "shell-builtin", f"{name} is no program of its own"
    for one in command.assignments:
        # ``A=$B`` is one value however many words B holds; as an argument of env it would be cut up.
        if re.search(r"[$`~]", _outside_quotes(one.text)) and not _BARE_VALUE.fullmatch(one.text):
            return "assignment-expands", f"the shell makes the value of {one.text}"
    if "\x00" in node.rest or any(0xD800 <= ord(ch) <= 0xDFFF for ch in node.rest):
        return "command-unknown", "it holds bytes that are no text"
    return None


def _only_command(script: Script) -> Command | None:
    """The one simple command a script is; None for anything else."""
    if script.error or len(script.items) != 1 or script.end_operator or script.has_heredoc:
        return None
    outer = [command for command in script.commands if not command.within]
    if len(outer) != 1 or outer[0].kind not in ("command", "test_command"):
        return None
    return outer[0] if outer[0].kind == "command" else None


def _program_words(command: Command) -> tuple[Word, ...]:
    """The words without a leading ``exec``."""
    words = command.words
    return words[1:] if words and words[0].value == "exec" else words


def _interplay(facts: Facts, node: Instruction, stage: Stage) -> tuple[str, str] | None:
    """Why the words would not arrive as they are: what the other of the two instructions makes of them."""
    for other in (*stage.chain, *facts.stages.descendants(stage)):
        for instruction in other.instructions:
            if instruction.name == node.name or instruction.name not in ("CMD", "ENTRYPOINT"):
                continue
            if node.name == "ENTRYPOINT":
                if instruction.rest.strip() not in ("[]", ""):
                    reason = "a shell-form ENTRYPOINT drops CMD, and the exec form would be given it"
                    return "entrypoint-interplay", f"{reason} (line {instruction.start_line})"
            elif not _is_init(instruction):
                return (
                    "entrypoint-interplay",
                    f"the ENTRYPOINT in line {instruction.start_line} is given CMD, and may look at its words",
                )
            else:
                return None
    if node.name == "ENTRYPOINT":
        return None
    image = facts.base_image(stage)
    if image is None:
        return "base-unknown", "the base image may have an ENTRYPOINT that looks at the words"
    if not hands_over(image):
        return "entrypoint-interplay", f"the ENTRYPOINT of {image.reference} is given CMD, and may look at its words"
    return None


def _is_init(node: Instruction) -> bool:
    """Whether an ENTRYPOINT runs its arguments whatever they are."""
    words = node.json
    return (
        words is not None
        and len(words) > 0
        and base_name(words[0]) in INITS
        and all(word.startswith("-") for word in words[1:])
    )


def _interpreted(facts: Facts, node: Instruction, stage: Stage, script: Script) -> bool:
    """Whether the program may be a script without ``#!``: a shell runs that itself, the kernel does not."""
    command = _only_command(script)
    name = _program_words(command)[0].value if command is not None else None
    if name is None or not name.endswith((".sh", ".bash")):
        return False
    workdir = facts.state(node).workdir
    if "/" not in name or not (name.startswith("/") or isinstance(workdir, Known)):
        return True
    path = posixpath.join(workdir.value, name) if isinstance(workdir, Known) else name
    text = facts.copied_text(path, stage)
    return not (isinstance(text, Known) and text.value.startswith("#!"))


def _proposal(node: Instruction, script: Script, shell: tuple[str, ...] | None, interpreted: bool) -> Proposal:
    command = _only_command(script)
    if command is None:  # pragma: no cover - looked at before
        raise ValueError(node.rest)
    words = _program_words(command)
    plain = (
        not interpreted
        and not command.assignments
        and not command.redirects
        and all(word.value is not None for word in words)
        and not any(re.search(_SPECIAL, _outside_quotes(word.text)) for word in words)
    )
    edits = _words_edits(node, words) if plain else _shell_edits(node, command, shell)

    def edit(editor: Editor) -> None:
        editor.splice(node, edits)

    what = "run the program directly" if plain else "let the shell step aside for the program"
    return Proposal(
        node,
        f"{what}, so that signals reach it: {node.name} in exec form",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=(node.name.lower(),)),
    )


def _outside_quotes(text: str) -> str:
    return re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", "", text)


def _words_edits(node: Instruction, words: tuple[Word, ...]) -> list[Edit]:
    """Each word becomes a JSON string where it stands, so that line breaks and comments stay."""
    base = node.args_start
    edits: list[Edit] = []
    if words[0].start:
        edits.append((base, base + words[0].start, ""))
    last = len(words) - 1
    for index, word in enumerate(words):
        text = json_string(word.value or "")
        if index == 0:
            text = "[" + text
        text += "," if index < last else "]"
        edits.append((base + word.start, base + word.end, text))
    # The white space between two words may be a tab or more than the eye expects; JSON allows it.
    return edits


def _shell_edits(node: Instruction, command: Command, shell: tuple[str, ...] | None) -> list[Edit]:
    """The script becomes the last string of an array, its own quotes escaped where they stand."""
    base = node.args_start
    head = json_list((*(shell or ("/bin/sh", "-c")), ""))[:-2]
    first = command.words[0]
    prefix = ""
    if first.value != "exec":
        # An assignment before exec is not everywhere exported; env does it.
        prefix = "exec env " if command.assignments else "exec "
    edits: list[Edit] = [(base, base, head + prefix)]
    for one in command.assignments:
        if "$" in _outside_quotes(one.text):
            edits += [(base + one.start, base + one.start, '\\"'), (base + one.end, base + one.end, '\\"')]
    for offset, ch in enumerate(node.rest):
        if ch in '"\\':
            edits.append((base + offset, base + offset, "\\"))
        elif ch == "\t":
            edits.append((base + offset, base + offset + 1, "\\t"))
    end = base + len(node.rest)
    edits.append((end, end, '"]'))
    merged: dict[tuple[int, int], str] = {}
    for start, stop, text in edits:
        merged[start, stop] = merged.get((start, stop), "") + text
    return [(start, stop, text) for (start, stop), text in merged.items()]
