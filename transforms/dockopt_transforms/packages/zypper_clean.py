"""zypper without its cache."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner, later_scripts


class ZypperClean(Cleaner):
    """Clean zypper's cache in the RUN that installs.

    What:
        Adds ``zypper clean --all`` behind the last use of zypper in a RUN that installs or upgrades, behind the
        same ``sudo``, and drops a later RUN that only cleans the same cache again.

    Why:
        zypper keeps the metadata of every repository below ``/var/cache/zypp``, and the packages of those with
        ``keeppackages``. A layer keeps them for good: a later RUN that deletes them only hides them.

    Safety:
        Safe: only the cache goes. A later install fetches the metadata of a repository that has none anew,
        one without autorefresh too (libzypp builds a missing cache before it reads it).

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: the call names a cache directory of its own
        cache-needed: packages are downloaded to be kept, or a later RUN uses the metadata without a refresh
        other-root: the packages are installed below another root, whose cache is elsewhere
        conditional-use: whether zypper runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        zypper(8), section clean
        hadolint DL3036
    """

    id = "zypper-clean"
    phase = Phase.PACKAGES
    aliases = ("DL3036",)
    manager = "zypper"
    repositories = True
    caches = ("/var/cache/zypp",)
    cache_flags = ("-C", "--cache-dir", "--raw-cache-dir", "--solv-cache-dir", "--pkg-cache-dir")
    clean = "clean --all"

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        if any(call.option("-R", "--root", "--installroot") for call in fills):
            return Refusal(node, "other-root", "the packages go below another root, and their cache with them")
        if any(call.option("-d", "--download-only") for call in fills):
            return Refusal(node, "cache-needed", "the packages are downloaded to be kept")
        for other in later_scripts(facts, view):
            for call in other.invocations:
                if call.manager.name == "zypper" and call.option("--no-refresh"):
                    where = f"line {other.instruction.start_line}"
                    return Refusal(node, "cache-needed", f"{where} uses the metadata without a refresh")
        return None
