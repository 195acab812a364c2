"""The shell's memory of where commands are (POSIX ``hash``): a name is looked up in PATH once.

After ``pip install --upgrade pip`` moved pip from /usr/bin to /usr/local/bin, a new RUN finds the new one and
the rest of the same script goes on running the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from dockopt.api import Command, Facts, ScriptView, base_name, program
from dockopt_transforms._tables import word_set
from dockopt_transforms.layers._leaks import own_shell
from dockopt_transforms.layers._purpose import SYSTEM

# Tools these images keep at /usr/local/bin, where installing another version of them puts it too.
_IN_PLACE = {
    "python": ("pip", "python"),
    "node": ("npm", "yarn", "npx", "node", "corepack", "pnpm"),
    "ruby": ("gem", "bundle"),
    "php": ("composer",),
}
_BUILTIN = word_set(
    "cd echo printf test [ [[ true false : . source export set unset eval exec exit return read umask "
    "ulimit trap mkdir rm cp mv ln chmod chown touch cat sed grep awk find tar ls sleep date"
)
_SYSTEM_TOOLS = word_set("apt apt-get aptitude apk dnf yum microdnf zypper pacman dpkg rpm add-apt-repository")
_NEVER_MOVED = _BUILTIN | _SYSTEM_TOOLS | {""}
_VERSION_MANAGERS = word_set("n nvm pyenv rbenv nodenv phpenv jenv asdf rustup virtualenv pyvenv sdk rvm")
_VERSION = r"(?:[-_]v?\d.*|\d[\d.]*(?:\.(?:tar\.\w+|tgz|zip|whl|deb|rpm|run|sh|phar))?|\.phar|[@=<>~!].*)?\Z"


class Lookups:
    """The names a growing chain has looked up, and which of them may since be found elsewhere."""

    def __init__(self, chain: Iterable[ScriptView]) -> None:
        """:param chain: all of its scripts; in most no command is called again, and there is nothing to remember."""
        self.needed = _any_called_again(chain)
        self._known: dict[str, str] = {}  #: with their stems
        self._moved: set[str] = set()

    def add(self, view: ScriptView, facts: Facts, *, wrapped: bool) -> None:
        """Take in a script that runs before the rest of the chain; in parentheses it keeps its look-ups."""
        if not self.needed:
            return
        image = facts.base_image(view.stage)
        fixed = _IN_PLACE.get(image.name.rsplit("/", 1)[-1], ()) if image is not None else ()
        known = self._known
        for name, switches, words in _steps(view):
            if name and not wrapped:
                known[name] = _stem(name)
            if switches:
                self._moved |= {name for name in known if name not in _VERSION_MANAGERS}
            elif words:
                for name, stem in known.items():
                    if stem in words and stem not in fixed and any(_names(word, stem) for word in words.split("\0")):
                        self._moved.add(name)

    def lost(self, view: ScriptView) -> str | None:
        """A command of a further script that the shell might run from its old place; None where there is none."""
        if self._moved:
            for command in view.commands:
                if command.name in self._moved:
                    return command.name
        return None


def _any_called_again(views: Iterable[ScriptView]) -> bool:
    """Whether a script calls what the shell has looked up for one before it: else nothing can be in its old place."""
    earlier: set[str] = set()
    for view in views:
        names = view.script.known.get("called")
        if names is None:
            names = view.script.known["called"] = frozenset([one.name or "" for one in view.script.commands])
        if not earlier.isdisjoint(names):  # type: ignore[arg-type]
            return True
        earlier.update(names)  # type: ignore[arg-type]
        earlier -= _NEVER_MOVED
    return False


class _Step(NamedTuple):
    """What matters of a command, whatever chain it is in."""

    name: str  #: what the shell looks up, empty where it looks for nothing that may move
    switches: bool  #: whether it changes which version a name stands for
    words: str  #: the last components of its arguments, NUL between; none where they name nothing that it installs


def _steps(view: ScriptView) -> tuple[_Step, ...]:
    if view.opaque is not None:
        return ()
    found = view.script.known.get("lookups")
    if found is None:
        system = {id(call.command) for call in view.invocations if call.manager.name in SYSTEM}
        found = view.script.known["lookups"] = tuple([_step(one, id(one) in system) for one in view.commands])
    return found  # type: ignore[return-value]


def _step(command: Command, system: bool) -> _Step:
    name = command.name or ""
    if "/" in name or name in _NEVER_MOVED or own_shell(command):
        name = ""
    words = [] if system else [base_name(word.value) for word in command.args if word.value]
    return _Step(name, _switches_versions(command), "\0".join(words))


def _switches_versions(command: Command) -> bool:
    name = program(command)
    if name in _VERSION_MANAGERS:
        return True
    words = [value for value in command.values if value]
    if name in ("conda", "mamba", "micromamba", "uv"):
        return any(word in ("create", "venv") for word in words)
    return "-m" in words and any(word in ("venv", "virtualenv") for word in words)


def _stem(name: str) -> str:
    return name.rstrip("0123456789.") or name


def _names(word: str, stem: str) -> bool:
    """Whether a word names the tool: ``pip``, ``pip==24``, ``cmake-3.30.tar.gz``, ``get-pip.py``."""
    if word.startswith("get-"):
        word = word[4:].removesuffix(".py")
    return word.startswith(stem) and re.match(_VERSION, word[len(stem) :]) is not None
