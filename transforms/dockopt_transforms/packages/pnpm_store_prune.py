"""pnpm without packages nobody refers to."""

from __future__ import annotations

from dockopt.api import Command, Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner
from dockopt_transforms.packages._node import offline_later


class PnpmStorePrune(Cleaner):
    """Prune pnpm's store in the RUN that installs.

    What:
        Adds ``pnpm store prune`` behind the last use of pnpm in a RUN that installs, in stages an image is made
        from.

    Why:
        pnpm keeps what it downloads in a store, packages that were removed or replaced and metadata too.

    Safety:
        Safe: pnpm removes only what no project refers to; ``node_modules`` stays linked to the rest.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the store out of the layer already
        cache-configured: a flag or a variable names a store directory
        cache-needed: pnpm fetch fills the store for later, or a later RUN installs offline
        conditional-use: whether pnpm runs at all is decided in the script, or in another directory
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://pnpm.io/cli/store#prune
    """

    id = "pnpm-store-prune"
    phase = Phase.LAYERS
    family = "packages"
    manager = "pnpm"
    caches = ("~/.local/share/pnpm/store", "/pnpm/store", "~/.cache/pnpm")
    variables = ("npm_config_store_dir", "NPM_CONFIG_STORE_DIR", "PNPM_STORE_DIR")
    cache_flags = ("--store-dir", "-C", "--dir")
    clean = "store prune"
    in_place = True

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        if call is not None and call.manager.name == "pnpm" and call.verb == "store":
            return bool(call.operands) and call.operands[0].value == "prune"
        return super().cleans(command, call)

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        if any(call.verb == "fetch" for call in fills):
            return Refusal(view.instruction, "cache-needed", "pnpm fetch fills the store for a later install")
        if any(call.option("--offline", "--prefer-offline") for call in fills):
            return Refusal(view.instruction, "cache-needed", "the packages come from the store")
        return offline_later(facts, view, "pnpm")
