"""microdnf without its cache."""

from __future__ import annotations

from dockopt.api import Phase
from dockopt_transforms.packages._dnf import DnfCleaner


class MicrodnfClean(DnfCleaner):
    """Clean microdnf's cache in the RUN that installs.

    What:
        Adds ``microdnf clean all`` behind the last use of microdnf in a RUN that installs or upgrades, behind the same
        ``sudo``, and drops a later RUN that only cleans the same cache again.

    Why:
        microdnf keeps the metadata of every repository, often 100 MB and more, and some set-ups the packages too. A
        layer keeps them for good: a later RUN that deletes them only hides them.

    Safety:
        Safe: only the cache goes; a later install fetches the metadata anew. A failing install still fails
        the RUN, under ``set -e`` too. Stages that no image is made from are left alone.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-needed: packages are downloaded to be kept, or a later RUN works from the cache alone
        other-root: the packages are installed below another root, whose cache is elsewhere
        conditional-use: whether microdnf runs at all is decided in the script, so cleaning might call what is not there
        no-place: what follows looks at the install's exit status, and a command between would change it

    References:
        microdnf(8), and Red Hat's guide to minimal UBI images
        hadolint DL3040
    """

    id = "microdnf-clean"
    phase = Phase.PACKAGES
    aliases = ("DL3040",)
    manager = "microdnf"
