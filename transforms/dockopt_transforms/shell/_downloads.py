"""Files a RUN downloads, works on and leaves behind; shared by the transforms that remove them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from posixpath import dirname, join, normpath
from typing import NamedTuple

from dockopt.api import (
    Command,
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Known,
    Proposal,
    Refusal,
    ScriptView,
    Word,
    base_name,
    insert_item,
    reads_status,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.packages._cleanup import append
from dockopt_transforms.packages._errexit import may_hold
from dockopt_transforms.shell._calls import editable, options

_WGET = word_set(
    "-a -A -B -D -e -i -I -l -o -O -P -Q -R -t -T -U -w -X --output-document --directory-prefix --tries --header "
    "--user-agent --timeout --execute --user --password --post-data --referer --ca-certificate"
)
_CURL = word_set(
    "-A -b -c -C -d -D -e -E -F -h -H -K -m -o -P -Q -r -t -T -u -U -w -x -X -y -Y -z --output --header --retry "
    "--retry-delay --retry-max-time --connect-timeout --max-time --user --user-agent --data --request --proxy "
    "--write-out --cacert --cookie --cookie-jar --referer --range --output-dir --proto --resolve --limit-rate"
)
_NAMED_BY_SERVER = word_set("--content-disposition --trust-server-names -J --remote-header-name --output-dir -i -K -r")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_MOVES = word_set("cd pushd popd eval source .")


#: Where package managers keep what is theirs: patterns there never mean a download of the script's own.
_NO_DOWNLOADS = ("/var/lib/apt", "/var/lib/dpkg", "/var/cache", "/usr/share", "/var/log", "/etc/")


class Leftover(NamedTuple):
    """A downloaded file and the command that is the last to need it."""

    view: ScriptView
    download: Command
    use: Command
    file: Word  #: the file as ``use`` names it


def plain(text: str) -> str:
    """A file's name as written, without quotes and a leading ``./``."""
    return text.replace('"', "").replace("'", "").removeprefix("./").replace("${", "$").replace("}", "")


def downloads(view: ScriptView) -> dict[str, Command]:
    """The files the script's own ``curl`` and ``wget`` calls write, by their plain names."""
    found: dict[str, Command] = {}
    for command in view.commands:
        name = base_name(command.name or "")
        if command.top and name in ("curl", "wget"):
            for target in _targets(command, name):
                found[plain(target)] = command
    return found


def _targets(command: Command, name: str) -> Iterator[str]:
    for redirect in command.redirects:
        if redirect.text.startswith(">") and not redirect.text.startswith((">>", ">&")):
            yield redirect.text[1:].strip()
    valued = _WGET if name == "wget" else _CURL
    found = options(command.args, valued)
    if any(option.name in _NAMED_BY_SERVER for option in found):
        return
    taken = {id(option.value_word) for option in found} | {id(option.word) for option in found}
    urls = [word for word in command.args if id(word) not in taken and "://" in word.text]
    directory = ""
    named = False
    for option in found:
        written = _written(option.word, option.value_word, option.name)
        if option.name in (("-o", "--output") if name == "curl" else ("-O", "--output-document")):
            named = True
            if plain(written) != "-":
                yield written
        elif option.name in ("-P", "--directory-prefix") and name == "wget":
            directory = plain(written).rstrip("/") + "/"
    remote = name == "wget" or any(option.name in ("-O", "--remote-name", "--remote-name-all") for option in found)
    if not named and remote:
        for url in urls:
            last = plain(url.text).rsplit("/", 1)[-1]
            if last and not any(ch in last for ch in "?&#(`"):
                yield directory + last


def _written(word: Word, value_word: Word | None, name: str) -> str:
    """An option's value as written, expansions and all."""
    if value_word is not None:
        return value_word.text
    return word.text.partition("=")[2] if name.startswith("--") else word.text.partition(name[1])[2]


def leftovers(view: ScriptView, uses: list[tuple[Command, Word]]) -> Iterator[Leftover]:
    """The files among ``uses`` that this very script downloaded before."""
    made = downloads(view) if uses else {}
    for command, word in uses:
        download = made.get(plain(word.text))
        if download is not None and download.start < command.start and editable(view, command) and not word.glob:
            yield Leftover(view, download, command, word)


def removal(document: Document, facts: Facts, left: Leftover, what: str) -> Proposal | Refusal | None:
    """Remove the file right after its use; None where the script itself takes care of it."""
    view, use = left.view, left.use
    if not use.top or not facts.stages.ships(view.stage) or _removed(facts, left):
        return None
    problem = _problem(document, facts, left, what)
    if problem is not None:
        return Refusal(view.instruction, *problem)
    name = left.file.text
    put = _insertion(facts, document, view, use.item, f"rm {name}")
    if put is None:
        return Refusal(
            view.instruction, "status-tested", "with a command behind it, set -e would no longer stop where it does"
        )

    def edit(editor: Editor) -> None:
        editor.script(view, [put])

    path = plain(name)
    effects = Effects(files_removed=(path if path.startswith("/") else "/**/" + base_name(path),))
    return Proposal(view.instruction, f"remove the {what} {name} after its use", edit, effects=effects)


def _insertion(facts: Facts, document: Document, view: ScriptView, item: int, text: str) -> Edit | None:
    """Put a command behind an element: on its line where the next one stands there too.

    None where another command would then fail the RUN, or none.
    """
    items = view.script.items
    end = items[item].end
    if view.heredoc is not None and item + 1 < len(items) and items[item + 1].operator == "&&":
        return (end, end, f" && {text}")  # a line of its own would end the chain
    if item + 1 < len(items) and items[item + 1].operator in (";", "\n"):
        if may_hold(facts, view):
            # Set -e looks at the last command of an and-list alone (POSIX 2.8.1): that must stay the one it was.
            return append(facts, document, view, item, text)
        if view.heredoc is not None and (items[item].operator == "&&" or reads_status(view.script, item + 1)):
            return (end, end, f" && {text}")
    if item + 1 < len(items) and view.heredoc is None:
        base, node = view.instruction.args_start, view.instruction
        low, high = items[item].end + base, items[item + 1].start + base
        if not any(low < line.logical <= high for line in node.lines):
            return (items[item].end, items[item].end, f" && {text}")
    return insert_item(document, view.instruction, view.script, item, text, view.heredoc is not None)


def _place(facts: Facts, view: ScriptView, command: Command) -> str | None:
    """The directory a command runs in, variables as written; None where a ``cd`` leaves it open."""
    workdir = facts.state(view.instruction).workdir
    place = workdir.value if isinstance(workdir, Known) else None
    for other in view.commands:
        if other.start >= command.start:
            break
        if other.name in ("pushd", "popd"):
            return None
        if other.name == "cd" and other.within == command.within[: len(other.within)]:
            target = plain(other.args[0].text) if other.args else "~"
            if target.startswith("/"):
                place = target
            elif place is None or target.startswith(("$", "~", "-")):
                place = None
            else:
                place = join(place, target)
    return normpath(place) if place is not None else None


def _names(facts: Facts, left: Leftover, command: Command, word: Word) -> bool:
    """Whether a word may name the file: as written, by its last part, or as a pattern that fits it."""
    path, text = plain(left.file.text), plain(word.text)
    last = base_name(path)
    if last in text:
        return True
    if "*" not in text or not fnmatchcase(last, base_name(text.rstrip("/"))):
        return False
    folder = dirname(text.rstrip("/"))
    if folder.startswith(_NO_DOWNLOADS):
        return False
    where, here = _place(facts, left.view, left.use), _place(facts, left.view, command)
    if here is not None and where is not None:
        return fnmatchcase(normpath(join(where, dirname(path))), normpath(join(here, folder)))
    return True


def _removed(facts: Facts, left: Leftover) -> bool:
    """Whether the script removes or moves the file, or a directory it may stand in, later on."""
    for command in left.view.commands:
        if command.start <= left.use.start:
            continue
        name = base_name(command.name or "")
        if name == "rm":
            recursive = any(word.text.startswith("-") and "r" in word.text.lower() for word in command.args)
            for word in command.args:
                if _names(facts, left, command, word) or (recursive and _above(facts, left, command, word)):
                    return True
        elif name in ("mv", "unlink", "shred"):
            if any(_names(facts, left, command, word) for word in command.args):
                return True
        elif name == "find" and any(word.value == "-delete" for word in command.args):
            return True
    return False


def _above(facts: Facts, left: Leftover, command: Command, word: Word) -> bool:
    """Whether removing a directory may take the file with it; where that cannot be told it may."""
    text = plain(word.text).rstrip("/")
    if text.startswith("-") or text.startswith(_NO_DOWNLOADS):
        return False
    where, here = _place(facts, left.view, left.use), _place(facts, left.view, command)
    folder = dirname(text) if "*" in base_name(text) else text
    path = plain(left.file.text)
    if path.startswith("/"):
        where = "/"
    if folder.startswith("/"):
        here = "/"
    if where is None or here is None or "$" in folder:
        return True
    return (normpath(join(where, path)) + "/").startswith(normpath(join(here, folder)) + "/")


def _problem(document: Document, facts: Facts, left: Leftover, what: str) -> tuple[str, str] | None:
    view, use, path = left.view, left.use, plain(left.file.text)
    item = view.script.items[use.item]
    after = view.script.items[use.item + 1].operator if use.item + 1 < len(view.script.items) else ""
    if (
        item.kind != "command"
        or item.operator == "||"
        or after not in ("", "&&", ";", "\n")
        or view.script.end_operator
    ):
        return "status-tested", f"whether the {what} is removed would depend on another command's result"
    for flag in view.instruction.flags:
        if flag.name == "mount" and any(kind in (flag.value or "") for kind in ("type=cache", "type=bind")):
            return "cache-mount", "the RUN has a mount, which keeps what is in it out of the image"
    if "`" in path or "$(" in path or not _settled(left, path):
        return "directory-not-proven", f"that {left.file.text} is the file downloaded before is not certain"
    for command in view.commands:
        if command is left.download or command is use or command.start < use.start:
            continue
        if any(_names(facts, left, command, word) for word in command.words) or any(
            base_name(path) in redirect.text for redirect in command.redirects
        ):
            return "used-later", f"{left.file.text} is used again in the same RUN"
    if _named_later(document, facts, left, path):
        return "used-later", f"{left.file.text} may be used by a later instruction"
    return None


def _settled(left: Leftover, path: str) -> bool:
    """Whether the same name means the same file at the download and at the use."""
    between = left.view.script.text[left.download.end : left.use.start]
    if any(re.search(rf"\b{name}=", between) for name in _VARIABLE.findall(path)):
        return False
    if path.startswith("/"):
        return True
    for command in left.view.commands:
        if left.download.end <= command.start < left.use.start and command.name in _MOVES:
            return False
    return True


def _named_later(document: Document, facts: Facts, left: Leftover, path: str) -> bool:
    """Whether an instruction further down names the file, or has a pattern that fits its name."""
    last = base_name(path)
    for node in document.instructions:
        if node.start_line <= left.view.instruction.start_line:
            continue
        if last in plain(node.text):
            return True
        if "*" not in node.text:
            continue
        other = facts.script(node)
        words = [word.text for command in other.script.commands for word in command.words] if other else list(node.args)
        for text in words:
            pattern = plain(text).rstrip("/")
            if "*" in pattern and not pattern.startswith(_NO_DOWNLOADS) and fnmatchcase(last, base_name(pattern)):
                return True
    return False
