"""Bundler without the archives of the gems it installed."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView, split_reference
from dockopt_transforms.packages._cleanup import Cleaner, later_scripts

_CACHE = "/usr/local/bundle/cache"


class BundleCacheClean(Cleaner):
    """Remove the gem archives in the RUN that installs them.

    What:
        Adds ``rm -rf /usr/local/bundle/cache/*`` behind the last use of bundle in a RUN that installs, on the
        official ruby images, whose GEM_HOME that is, in stages an image is made from.

    Why:
        RubyGems keeps the ``.gem`` archive of everything Bundler installs, beside the unpacked gem.

    Safety:
        Safe: a gem that is installed is not read from its archive again.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-needed: a later RUN installs with --local, or vendors the archives
        path-unknown: not on an official ruby image, or the path is set to another
        conditional-use: whether bundle runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://github.com/docker-library/ruby (GEM_HOME)
        https://bundler.io/man/bundle-cache.1.html
    """

    id = "bundle-cache-clean"
    phase = Phase.PACKAGES
    manager = "bundle"
    caches = (_CACHE,)
    clean = f"rm -rf {_CACHE}/*"

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        return call.privilege + self.clean

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        env = facts.state(node).env
        moved = any(name in env for name in ("BUNDLE_PATH", "BUNDLE_DEPLOYMENT", "BUNDLE_APP_CONFIG", "GEM_HOME"))
        flagged = any(call.option("--path", "--deployment", "--standalone", "--system") for call in fills)
        if split_reference(view.stage.root.base or "")[0] != "ruby" or moved or flagged or _configured(facts):
            return Refusal(node, "path-unknown", "where the archives are kept is not known")
        for other in later_scripts(facts, view):
            for call in other.invocations:
                if call.manager.name == "bundle" and (
                    call.option("--local") or call.verb in ("cache", "package", "pack")
                ):
                    where = f"line {other.instruction.start_line}"
                    return Refusal(node, "cache-needed", f"{where} works from the archives")
        return None


def _configured(facts: Facts) -> bool:
    for _, call in facts.invocations("bundle"):
        words = {word.value for word in call.operands}
        if call.verb == "config" and words & {"path", "deployment", "system", "path.system", "cache_all"}:
            return True
    return False
