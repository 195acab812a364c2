"""conda without its package cache."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner, later_scripts


class CondaClean(Cleaner):
    """Clean conda's caches in the RUN that installs.

    What:
        Adds ``conda clean --all --yes`` behind the last use of conda, mamba or micromamba in a RUN that
        installs, in stages an image is made from.

    Why:
        conda keeps every archive it downloads, unpacked too, and the channels' indexes.

    Safety:
        Safe: ``--all`` takes archives, indexes and packages no environment links to.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: CONDA_PKGS_DIRS names a package directory
        cache-needed: packages are only downloaded, linked softly, or a later RUN installs offline
        conditional-use: whether conda runs at all is decided in the script
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        https://docs.conda.io/projects/conda/en/stable/commands/clean.html
    """

    id = "conda-clean"
    phase = Phase.PACKAGES
    manager = "conda"
    caches = ("/opt/conda/pkgs", "~/.conda/pkgs", "~/miniconda3/pkgs")
    variables = ("CONDA_PKGS_DIRS",)
    clean = "clean --all --yes"

    def fills(self, call: Invocation) -> bool:
        if call.verb == "env":
            return bool(call.operands) and call.operands[0].value in ("create", "update")
        return super().fills(call)

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        if any(call.option("--download-only") for call in fills):
            return Refusal(node, "cache-needed", "the packages are downloaded to be kept")
        if facts.mentions("softlink"):
            return Refusal(node, "cache-needed", "environments may be links into the cache")
        for other in later_scripts(facts, view):
            if any(call.manager.name == "conda" and call.option("--offline") for call in other.invocations):
                return Refusal(node, "cache-needed", f"line {other.instruction.start_line} installs from the cache")
        return None
