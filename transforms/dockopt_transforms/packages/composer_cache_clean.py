"""Composer without its cache."""

from __future__ import annotations

from dockopt.api import Invocation, Phase
from dockopt_transforms.packages._cleanup import Cleaner


class ComposerCacheClean(Cleaner):
    """Clean Composer's cache in the RUN that installs.

    What:
        Adds ``composer clear-cache`` behind the last use of composer in a RUN that installs, in stages an image
        is made from. A call with ``--no-cache`` (Composer 1.9 and later) fills none.

    Why:
        Composer keeps the archive of every package it installs.

    Safety:
        Safe: only the cache goes; ``vendor`` holds the unpacked packages.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: COMPOSER_CACHE_DIR names a cache directory
        conditional-use: whether composer runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://getcomposer.org/doc/03-cli.md#clear-cache-clearcache-cc
        https://getcomposer.org/changelog/1.9.0
    """

    id = "composer-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "composer"
    caches = ("~/.composer/cache", "~/.cache/composer", "/tmp/cache")
    variables = ("COMPOSER_CACHE_DIR",)
    clean = "clear-cache"

    def fills(self, call: Invocation) -> bool:
        if call.option("--no-cache", "--dry-run"):
            return False
        if call.verb == "global":
            return bool(call.operands) and call.operands[0].value in ("require", "install", "update")
        return super().fills(call)
