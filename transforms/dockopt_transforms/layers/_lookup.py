"""The shell's memory of where commands are (POSIX ``hash``): a name is looked up in PATH once.

After ``pip install --upgrade pip`` moved pip from /usr/bin to /usr/local/bin, a new RUN finds the new one and
the rest of the same script goes on running the old one.
"""

from __future__ import annotations

import re

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
_VERSION_MANAGERS = word_set("n nvm pyenv rbenv nodenv phpenv jenv asdf rustup virtualenv pyvenv sdk rvm")
_VERSION = r"(?:[-_]v?\d.*|\d[\d.]*(?:\.(?:tar\.\w+|tgz|zip|whl|deb|rpm|run|sh|phar))?|\.phar|[@=<>~!].*)?\Z"


class Lookups:
    """The names a growing chain has looked up, and which of them may since be found elsewhere."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._moved: set[str] = set()

    def add(self, view: ScriptView, facts: Facts, *, wrapped: bool) -> None:
        """Take in a script that runs before the rest of the chain; in parentheses it keeps its look-ups."""
        image = facts.base_image(view.stage)
        fixed = _IN_PLACE.get(image.name.rsplit("/", 1)[-1], ()) if image is not None else ()
        system = {id(call.command) for call in view.invocations if call.manager.name in SYSTEM}
        for command in view.commands:
            name = command.name
            if (
                name is not None
                and not wrapped
                and "/" not in name
                and name not in _BUILTIN
                and name not in _SYSTEM_TOOLS
                and not own_shell(command)
            ):
                self._known.add(name)
            if not self._known:
                continue
            if _switches_versions(command):
                self._moved |= {known for known in self._known if known not in _VERSION_MANAGERS}
            elif id(command) not in system:
                words = [base_name(word.value) for word in command.args if word.value]
                for known in self._known:
                    stem = _stem(known)
                    if stem not in fixed and any(_names(word, stem) for word in words):
                        self._moved.add(known)

    def lost(self, view: ScriptView) -> str | None:
        """A command of a further script that the shell might run from its old place; None where there is none."""
        if self._moved:
            for command in view.commands:
                if command.name in self._moved:
                    return command.name
        return None


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
