"""Bun without its package cache."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner
from dockopt_transforms.packages._node import offline_later


class BunCacheClean(Cleaner):
    """Clean Bun's package cache in the RUN that installs.

    What:
        Adds ``bun pm cache rm`` behind the last use of bun in a RUN that installs a project's dependencies, in
        stages an image is made from.

    Why:
        Bun keeps every package it downloads below ``~/.bun/install/cache``.

    Safety:
        Safe: only the cache goes; on Linux ``node_modules`` holds hard links or copies of the files.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or BUN_INSTALL_CACHE_DIR names a cache directory
        cache-needed: packages are installed as links into the cache, or a later RUN installs from it
        no-project: the install is global or elsewhere; older Buns clean only where a package.json is
        conditional-use: whether bun runs at all is decided in the script, or in another directory
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://bun.sh/docs/cli/pm
        https://github.com/oven-sh/bun/issues/18733 (no cleaning without package.json)
    """

    id = "bun-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "bun"
    caches = ("~/.bun/install/cache",)
    variables = ("BUN_INSTALL_CACHE_DIR",)
    cache_flags = ("--cache-dir",)
    clean = "pm cache rm"
    in_place = True

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        if any(word.text.endswith("symlink") for call in fills for word in call.command.words):
            return Refusal(node, "cache-needed", "the packages are installed as links into the cache")
        if any(call.option("-g", "--global", "--cwd") for call in fills):
            return Refusal(node, "no-project", "older Buns clean only where a package.json is")
        return offline_later(facts, view, "bun")
