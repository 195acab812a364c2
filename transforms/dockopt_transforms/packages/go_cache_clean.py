"""Go without its caches."""

from __future__ import annotations

import re

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView, split_reference
from dockopt_transforms.packages._build import BuildCleaner

_VERSION = re.compile(r"1\.(\d+)")


class GoCacheClean(BuildCleaner):
    """Clean Go's build and module caches in the RUN that builds.

    What:
        Adds ``go clean -cache -modcache`` behind the last use of go in a RUN that builds, in stages an image is
        made from.

    Why:
        Go keeps every object it compiles and the sources of every module, often more than the program itself.

    Safety:
        Safe: programs that are built do not read the caches. Before Go 1.13 the command would also remove a
        program in the working directory, so older versions are left alone.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or a variable names a cache directory
        cache-needed: a later RUN uses, or may use, the cache
        runtime-use: the image may run the tool when it starts, or what it runs is not in this file
        conditional-use: whether the tool runs at all is decided in the script
        no-place: what follows looks at the exit status, and a command between would change it
        go-version-unknown: not shown to be Go 1.13 or later

    References:
        https://pkg.go.dev/cmd/go#hdr-Remove_object_files_and_cached_files
        https://go.dev/issue/29925 (what go clean -cache removed besides)
    """

    id = "go-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "go"
    caches = ("~/.cache/go-build", "/go/pkg/mod", "~/go/pkg/mod")
    variables = ("GOCACHE", "GOMODCACHE")
    clean = "clean -cache -modcache"

    def fills(self, call: Invocation) -> bool:
        return call.verb in ("build", "install", "get", "test", "run", "generate", "mod")

    def version_objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        name, tag, _ = split_reference(view.stage.root.base or "")
        found = _VERSION.match(tag)
        recent = int(found[1]) >= 13 if found is not None else not re.match(r"1(\D|\Z)|\d", tag)
        if name != "golang" or not recent:
            return Refusal(view.instruction, "go-version-unknown", "only Go 1.13 and later clean nothing but caches")
        return None
