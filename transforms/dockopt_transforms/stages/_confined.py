"""RUNs that fetch and unpack something into a place of their own: what they leave, told from their commands alone."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from dockopt.api import Command, Facts, Known, ScriptView, Word, base_name, expand_known, is_system
from dockopt_transforms._tables import word_set

_QUIET = word_set("set true : echo printf sha1sum sha256sum sha512sum shasum md5sum test [")
_FETCH = frozenset(("curl", "wget"))
# A RUN of these alone fetches something and puts it down; one that does more is no candidate, and nothing is said of it.
_PUTS_DOWN = _QUIET | _FETCH | word_set("cd mkdir tar unzip rm chmod chown ln mv cp install gunzip bunzip2 gpg")
_OPEN = ("/opt", "/srv", "/home", "/mnt", "/media")
# Flags of curl and wget that read a file, send one, or let the server name what is written.
_OTHER_WAY = re.compile(
    r"@|-[TKFdbcJ]|--(?:upload|config|form|data|cookie|remote-header|content-disp|input|post-file|directory-prefix|output-dir)"
    r"|-P|-i|file:"
)
_TAR_VALUES = "fCTXIKNg"


class Place(NamedTuple):
    """A file or folder that a RUN leaves behind."""

    path: str  #: absolute
    folder: bool


class Unconfined(Exception):
    """A RUN that fetches something and may leave more than can be told."""


def left_by(facts: Facts, view: ScriptView) -> tuple[Place, ...] | Unconfined | None:
    """What a RUN that fetches something leaves, outermost places only; None for a RUN that is no such thing.

    :class:`Unconfined` for one that fetches, but writes to places that are not its own.
    """
    script = view.script
    if view.opaque is not None or view.heredoc is not None or not any(one.name in _FETCH for one in script.commands):
        return None
    if view.instruction.flags or not script.and_list or any(one.name not in _PUTS_DOWN for one in script.commands):
        return None
    reader = _Reader(facts, view)
    try:
        for command in script.commands:
            reader.read(command)
        return reader.places()
    except Unconfined as problem:
        return problem


class _Reader:
    def __init__(self, facts: Facts, view: ScriptView) -> None:
        state = facts.state(view.instruction)
        self.env = {name: value for name, value in state.env.items() if name in state.config_env}
        self.escape = view.instruction.escape
        self.here = state.workdir.value if isinstance(state.workdir, Known) else None
        self.files: dict[str, None] = {}
        self.folders: dict[str, None] = {}
        self.touched: list[str] = []

    def path(self, word: Word | None) -> str:
        """The absolute path a word names.

        :raises Unconfined: where that is not known.
        """
        value = self.value(word)
        if value is None or not value or value.startswith(("~", "-")):
            raise Unconfined(f"which file {word.text if word is not None else 'it'} names is not known")
        if not value.startswith("/"):
            if self.here is None:
                raise Unconfined("where it runs is not known")
            value = posixpath.join(self.here, value)
        return posixpath.normpath(value)

    def value(self, word: Word | None) -> str | None:
        if word is None or word.glob:
            return None
        if word.value is not None:
            return word.value
        text = word.text
        if "$(" in text or "`" in text or "'" in text or "\\" in text:
            return None
        if text.startswith('"') and text.endswith('"') and '"' not in text[1:-1]:
            text = text[1:-1]
        return expand_known(text, self.env, self.escape) if '"' not in text else None

    def read(self, command: Command) -> None:
        name = command.name
        if name is None or command.assignments or any(part != "pipeline" for part in command.within):
            raise Unconfined("it is more than a list of commands")
        for redirect in command.redirects:
            if not re.fullmatch(r"\d*>&\d|(?:\d*|&)>>?\s*/dev/null", redirect.text):
                raise Unconfined(f"{name} is redirected")
        words = command.words[1:]
        if name == "cd":
            self.here = self.path(words[0] if len(words) == 1 and not command.within else None)
        elif name == "mkdir":
            for word in words:
                if word.text.startswith("-"):
                    if word.text not in ("-p", "-v", "-pv", "--parents"):
                        raise Unconfined(f"mkdir {word.text} sets a mode")
                else:
                    self.folders[self.path(word)] = None
        elif name in _FETCH:
            self._fetch(name, words)
        elif name == "tar":
            self._tar(words)
        elif name == "unzip":
            self._unzip(words)
        elif name == "rm":
            self._rm(words)
        elif name == "chmod":
            if len(words) < 2 or any(word.text.startswith("-") and word.text != "-R" for word in words[:-1]):
                raise Unconfined("chmod with flags is not followed")
            plain = [word for word in words if word.text != "-R"]
            self.touched += [self.path(word) for word in plain[1:]]
        elif base_name(name) not in _QUIET:
            raise Unconfined(f"{name} may write elsewhere")

    def _fetch(self, name: str, words: tuple[Word, ...]) -> None:
        if any(_OTHER_WAY.match(word.text.strip("\"'")) for word in words):
            raise Unconfined(f"{name} is called in a way that is not followed")
        flag = "O" if name == "wget" else "o"
        long = "--output-document" if name == "wget" else "--output"
        for at, word in enumerate(words):
            text = word.text
            short = text.startswith("-") and not text.startswith("--")
            if text in (long, "-" + flag) or (short and text.endswith(flag)):
                following = words[at + 1] if at + 1 < len(words) else None
                if self.value(following) != "-":
                    self.files[self.path(following)] = None
                return
            if short and flag + "-" in text:
                return
            if text.startswith(long + "=") or (short and flag in text):
                raise Unconfined(f"{text} is not followed")
        if name == "wget" or any(
            word.text in ("--remote-name", "-O") or re.match(r"-[a-zA-Z]*O", word.text) for word in words
        ):
            url = self.value(next((word for word in words if "://" in word.text), None))
            if url is None or "?" in url or not posixpath.basename(url):
                raise Unconfined("what the downloaded file is called is not known")
            if self.here is None:
                raise Unconfined("where it runs is not known")
            self.files[posixpath.normpath(posixpath.join(self.here, posixpath.basename(url)))] = None

    def _tar(self, words: tuple[Word, ...]) -> None:
        place: Word | None = None
        archive: Word | None = None
        extracts = False
        at = 0
        while at < len(words):
            text = words[at].text
            at += 1
            if text.startswith("--"):
                name, equals, _ = text.partition("=")
                if name in ("--extract", "--get"):
                    extracts = True
                elif name in ("--directory", "--file") and not equals and at < len(words):
                    place, archive = (words[at], archive) if name == "--directory" else (place, words[at])
                    at += 1
                elif name == "--strip-components" or name in ("--strip", "--exclude"):
                    at += not equals
                elif name not in ("--gzip", "--xz", "--bzip2", "--zstd", "--no-same-owner", "--wildcards", "--verbose"):
                    raise Unconfined(f"tar {text} is not followed")
                continue
            if not text.startswith("-") and at > 1:
                continue  # a member of the archive
            cluster = text.removeprefix("-")
            if not cluster.isalpha() or "P" in cluster:
                raise Unconfined(f"tar {text} is not followed")
            extracts = extracts or "x" in cluster
            for flag in cluster:
                if flag in _TAR_VALUES:
                    if flag in "TXKNg" or at >= len(words):
                        raise Unconfined(f"tar {text} is not followed")
                    if flag == "C":
                        place = words[at]
                    elif flag == "f":
                        archive = words[at]
                    at += 1
        if not extracts:
            raise Unconfined("tar is not followed where it does not extract")
        if archive is not None and self.value(archive) != "-" and self.path(archive) not in self.files:
            raise Unconfined(f"{archive.text} is no file that it downloaded")
        if place is None and self.here is None:
            raise Unconfined("where it runs is not known")
        self.folders[self.path(place) if place is not None else self.here or "/"] = None

    def _unzip(self, words: tuple[Word, ...]) -> None:
        place: Word | None = None
        plain: list[Word] = []
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if word.text == "-d" and at < len(words):
                place = words[at]
                at += 1
            elif not word.text.startswith("-"):
                plain.append(word)
        if not plain or self.path(plain[0]) not in self.files:
            raise Unconfined("unzip reads what it did not download")
        if place is None and self.here is None:
            raise Unconfined("where it runs is not known")
        self.folders[self.path(place) if place is not None else self.here or "/"] = None

    def _rm(self, words: tuple[Word, ...]) -> None:
        for word in words:
            if word.text.startswith("-"):
                continue
            path = self.path(word)
            if path not in self.files:
                raise Unconfined(f"it removes {word.text}, which may have been there before")
            del self.files[path]

    def places(self) -> tuple[Place, ...]:
        """What is left.

        :raises Unconfined: where a place is not the RUN's own.
        """
        found: list[Place] = []
        for path in sorted(self.folders):
            if not any(one.folder and path.startswith(one.path + "/") for one in found):
                found.append(Place(path, True))
        for one in found:
            if not _own(one.path):
                raise Unconfined(f"it writes to {one.path}, where others write too")
        for path in self.files:
            if not any(path.startswith(one.path + "/") for one in found):
                found.append(Place(path, False))
        for path in self.touched:
            if not any(path.startswith(one.path + "/") or (path == one.path and not one.folder) for one in found):
                raise Unconfined(f"it changes the mode of {path}")
        if not found:
            raise Unconfined("it leaves nothing behind")
        return tuple(found)


def _own(folder: str) -> bool:
    """Whether a folder is one that nobody else writes to."""
    return not (
        folder in _OPEN
        or is_system(folder)
        or folder.startswith(("/tmp", "/var", "/root"))
        or posixpath.dirname(folder) == "/home"
    )
