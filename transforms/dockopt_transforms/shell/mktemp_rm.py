"""Temporary directories that stay in the image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Command,
    Document,
    Editor,
    Effects,
    Facts,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    base_name,
    insert_item,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.packages._errexit import may_hold, plain

_MADE = re.compile(r'(?:export\s+)?([A-Za-z_]\w*)="?(?:\$\(|`)\s*mktemp\s+([^()`]*?)\s*(?:\)|`)"?\Z')
# Programs that put nothing of the directory's name anywhere else.
_HARMLESS = word_set(
    "cd pushd popd tar unzip curl wget git cp mv install gpg gpgv gpg2 gpgconf chmod chown ls cat mkdir test [ "
    "sha256sum sha512sum sha1sum md5sum dpkg rpm apt-get apt dnf yum make cmake meson ninja pip pip3 unset gunzip xz"
)
_KEEPS = word_set("ln link develop -e --editable")
EFFECTS = Effects(files_removed=("/tmp/**",))


class MktempRm(Transform):
    """Remove a temporary directory at the end of the RUN that made it.

    What:
        Adds ``rm -rf "$dir"`` at the end of a RUN that holds ``dir="$(mktemp -d)"`` and does not remove it.

    Why:
        The directory has a name nobody knows afterwards; what is in it only adds to the layer.

    Safety:
        Safe: the name is the script's own, and none of its uses can make something outside depend on it.

    Refuses:
        name-escapes: the name is linked, written to a file or given to a program that may remember it
        agent-running: gpg's agent may still work in the directory, and removing it may fail
        directory-not-proven: where ``mktemp`` makes the directory is not certain
        status-tested: the end of the script stands beside ``||`` or in the background, or is a construct ``set -e`` works in

    References:
        binnacle rmRecursiveAfterMktempD
    """

    id = "mktemp-rm"
    phase = Phase.SHELL
    aliases = ("rmRecursiveAfterMktempD",)
    after = ("gpg-batch", "asc-rm", "unpacked-archive-rm")
    scripts = True
    mentions = ("mktemp",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        done: set[int] = set()
        for view, command in facts.commands("mktemp"):
            item = view.script.items[command.item]
            match = _MADE.match(view.script.text[item.start : item.end])
            if match is None or not _makes_directory(command) or view.instruction.id in done:
                continue
            if not facts.stages.ships(view.stage) or _removed(view, match[1]):
                continue
            done.add(view.instruction.id)
            problem = _problem(facts, view, command, match[1])
            if problem is not None:
                yield Refusal(view.instruction, *problem)
            else:
                yield _proposal(document, view, match[1])


def _makes_directory(command: Command) -> bool:
    for word in command.args:
        text = word.text
        if text == "--directory" or (text.startswith("-") and not text.startswith("--") and "d" in text):
            return "u" not in text
    return False


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\$(?:{name}\b|\{{{name}\b)", text) is not None


def _removed(view: ScriptView, name: str) -> bool:
    for command in view.commands:
        program = base_name(command.name or "")
        if program == "trap" or (program == "rm" and any(_uses(word.text, name) for word in command.args)):
            return True
    return False


def _problem(facts: Facts, view: ScriptView, command: Command, name: str) -> tuple[str, str] | None:
    script = view.script
    if any(not word.text.lstrip("'\"").startswith(("-", "/")) for word in command.args):
        return "directory-not-proven", "mktemp is given a template or a directory that may be relative"
    if len(re.findall(rf"\b{name}=", script.text)) > 1:
        return "directory-not-proven", f"{name} is set more than once"
    programs = {base_name(other.name or "") for other in view.commands}
    if programs & {"gpg", "gpg2"} and (name == "GNUPGHOME" or "--homedir" in script.text) and "gpgconf" not in programs:
        return "agent-running", "gpg's agent may still work in the directory; gpgconf --kill all would stop it"
    if script.items[-1].operator == "||" or script.end_operator or "exec" in programs or "exit" in programs:
        return "status-tested", "whether the end of the script is reached depends on another command's result"
    if may_hold(facts, view) and not plain(view, len(script.items) - 1):
        return "status-tested", "set -e stops inside what ends the script, and would not with a command behind it"
    if command.item == len(script.items) - 1:
        return "name-escapes", "nothing of the script is known to use the directory"
    for other in view.commands:
        if other is command:
            continue
        texts = [word.text for word in (*other.words, *other.assignments)]
        texts.extend(redirect.text for redirect in other.redirects)
        used = other.item != command.item and any(_uses(text, name) for text in texts)
        if used and base_name(other.name or "") not in _HARMLESS:
            return "name-escapes", f"{other.name or 'a command'} may remember the directory's name"
        if _KEEPS.intersection(texts):
            return "name-escapes", "the script makes something that may point into the directory"
    return None


def _proposal(document: Document, view: ScriptView, name: str) -> Proposal:
    def edit(editor: Editor) -> None:
        text = f'rm -rf "${name}"'
        editor.script(view, [insert_item(document, view.instruction, view.script, -1, text, view.heredoc is not None)])

    return Proposal(view.instruction, f"remove the temporary directory ${name}", edit, effects=EFFECTS)
