"""pacman without its package cache."""

from __future__ import annotations

from dockopt.api import Command, Facts, Invocation, Phase, Refusal, ScriptView, base_name
from dockopt_transforms.packages._cleanup import Cleaner

_CACHE = "/var/cache/pacman/pkg"


class PacmanClean(Cleaner):
    """Clean pacman's package cache in the RUN that installs.

    What:
        Adds ``rm -rf /var/cache/pacman/pkg/*`` behind the last use of pacman in a RUN that installs or upgrades,
        behind the same ``sudo``, and drops a later RUN that only cleans the same cache again.

    Why:
        pacman keeps every package it downloads, as large as what it installs. ``pacman -Scc --noconfirm`` would
        keep them: its question is answered with its default, which is no.

    Safety:
        Safe: only downloaded packages go; the databases stay, so a later ``pacman -S`` works as before.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: the call names a cache directory of its own
        cache-needed: packages are downloaded to be kept
        other-root: the packages are installed below another root
        conditional-use: whether pacman runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        pacman(8), option --clean, and src/pacman/sync.c on the default of its question
        https://wiki.archlinux.org/title/Pacman#Cleaning_the_package_cache
    """

    id = "pacman-clean"
    phase = Phase.PACKAGES
    manager = "pacman"
    repositories = True
    caches = (_CACHE,)
    cache_flags = ("--cachedir",)
    clean = f"rm -rf {_CACHE}/*"

    def fills(self, call: Invocation) -> bool:
        # yay and paru build as a user and keep caches of their own.
        if base_name(call.executable.text) != "pacman" or call.option("-p", "--print", "--print-format"):
            return False
        return super().fills(call)

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        return super().cleans(command, call) or command.name == "paccache"

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        return call.privilege + self.clean

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        if any(call.option("-r", "--root", "--sysroot") for call in fills):
            return Refusal(view.instruction, "other-root", "the packages go below another root")
        if any(call.option("-w", "--downloadonly") for call in fills):
            return Refusal(view.instruction, "cache-needed", "the packages are downloaded to be kept")
        return None
