"""npm without its cache."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner
from dockopt_transforms.packages._node import offline_later


class NpmCacheClean(Cleaner):
    """Clean npm's cache in the RUN that installs.

    What:
        Adds ``npm cache clean --force`` behind the last use of npm in a RUN that installs, in stages an image
        is made from.

    Why:
        npm keeps every tarball it downloads below ``~/.npm``; nothing in an image reads it again.

    Safety:
        Safe: only the cache goes; ``node_modules`` holds copies. A later install downloads what it needs.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or npm_config_cache names a cache directory
        cache-needed: a later RUN installs with --offline or --prefer-offline
        conditional-use: whether npm runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://docs.npmjs.com/cli/commands/npm-cache
    """

    id = "npm-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "npm"
    caches = ("~/.npm",)
    variables = ("npm_config_cache", "NPM_CONFIG_CACHE")
    cache_flags = ("--cache",)
    clean = "cache clean --force"

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        return offline_later(facts, view, "npm")
