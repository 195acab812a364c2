"""Yarn 1 without its cache."""

from __future__ import annotations

from dockopt.api import Command, Facts, Invocation, Phase, Refusal, ScriptView, split_reference
from dockopt_transforms.packages._cleanup import Cleaner
from dockopt_transforms.packages._node import offline_later

# Words that only occur where Yarn 2 or later is meant.
_BERRY = (
    ".yarnrc.yml",
    ".yarn/",
    ".yarn ",
    ".pnp",
    "corepack",
    "--immutable",
    "yarn set version",
    "workspaces focus",
    "yarn@berry",
    "yarn@2",
    "yarn@3",
    "yarn@4",
    "yarn plugin",
    "yarn dlx",
)
# Yarn 2 and later reject these, or end with an error.
_ONLY_1 = frozenset(
    (
        "--production",
        "--prod",
        "--pure-lockfile",
        "--ignore-optional",
        "--ignore-platform",
        "--ignore-scripts",
        "--no-progress",
        "--no-lockfile",
        "--check-files",
        "--flat",
        "--modules-folder",
        "--mutex",
        "--no-bin-links",
        "--ignore-integrity",
        "--no-emoji",
    )
)


class YarnCacheClean(Cleaner):
    """Clean Yarn 1's cache in the RUN that installs.

    What:
        Adds ``yarn cache clean`` behind the last use of yarn in a RUN that installs, in stages an image is made
        from, where it is shown to be Yarn 1: by a flag or verb later versions reject, or because every file
        copied so far is named and none configures another Yarn.

    Why:
        Yarn 1 keeps every package it downloads unpacked, for root below ``/usr/local/share/.cache/yarn``.

    Safety:
        Safe: only the cache goes; ``node_modules`` holds copies. Yarn 2 and later may load packages from their
        cache when the app runs, which is why their files are left alone.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or YARN_CACHE_FOLDER names a cache directory
        cache-needed: a later RUN installs with --offline or --prefer-offline
        yarn-version-unknown: it may be Yarn 2 or later, whose cache the app may load its packages from
        conditional-use: whether yarn runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://classic.yarnpkg.com/en/docs/cli/cache
        https://yarnpkg.com/features/caching (the cache of later versions)
        hadolint DL3060
    """

    id = "yarn-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    aliases = ("DL3060",)
    manager = "yarn"
    caches = ("/usr/local/share/.cache/yarn", "~/.cache/yarn")
    variables = ("YARN_CACHE_FOLDER",)
    cache_flags = ("--cache-folder",)
    clean = "cache clean"

    def fills(self, call: Invocation) -> bool:
        if call.verb == "global":
            return bool(call.operands) and call.operands[0].value in ("add", "upgrade")
        if call.verb is None and call.option("-v", "--version", "-h", "--help"):
            return False
        return super().fills(call)

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        if call is not None and call.manager.name == "yarn" and call.verb == "cache":
            return bool(call.operands) and call.operands[0].value == "clean"
        return super().cleans(command, call)

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        if not _classic(facts, view, fills):
            return Refusal(
                view.instruction, "yarn-version-unknown", "this may be Yarn 2 or later, which needs its cache"
            )
        return offline_later(facts, view, "yarn")


def _classic(facts: Facts, view: ScriptView, fills: list[Invocation]) -> bool:
    if facts.mentions(*_BERRY):
        return False
    for call in fills:
        if call.verb == "global" or any(option.name in _ONLY_1 for option in call.options):
            return True
    return _named_files_only(facts, view)


def _named_files_only(facts: Facts, view: ScriptView) -> bool:
    """Whether the stage starts from a known image and copies only files by name before the RUN."""
    image = facts.base_image(view.stage)
    if (image is None or image.online) and split_reference(view.stage.root.base or "")[0] != "node":
        return False
    for stage in view.stage.chain:
        for node in stage.instructions:
            if node is view.instruction:
                break
            if node.name in ("COPY", "ADD") and not all(_is_file(source) for source in node.args[:-1]):
                return False
            if node.name == "RUN" and "git clone" in node.rest:
                return False
    return True


def _is_file(source: str) -> bool:
    name = source.rsplit("/", 1)[-1]
    return (
        "$" not in name
        and name.startswith(("package", "yarn.lock", "tsconfig", ".npmrc", "lerna.json"))
        and "." in name
    )
