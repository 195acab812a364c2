"""NuGet without its caches."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._build import BuildCleaner


class NugetCacheClean(BuildCleaner):
    """Clean NuGet's caches in the RUN that publishes.

    What:
        Adds ``dotnet nuget locals all --clear`` behind the last use of dotnet in a RUN that publishes, in stages
        an image is made from.

    Why:
        NuGet keeps every package below ``~/.nuget/packages``; a published application has its own copies.

    Safety:
        Safe behind ``dotnet publish`` alone: an application that was only built may load its libraries from the
        packages directory.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or a variable names a cache directory
        cache-needed: a later RUN uses, or may use, the cache
        runtime-use: the image may run the tool when it starts, or what it runs is not in this file
        conditional-use: whether the tool runs at all is decided in the script
        no-place: what follows looks at the exit status, and a command between would change it
        not-published: nothing is published in the RUN, so what is built may load from the cache

    References:
        https://learn.microsoft.com/dotnet/core/tools/dotnet-nuget-locals
        https://learn.microsoft.com/dotnet/core/tools/dotnet-publish
    """

    id = "nuget-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "dotnet"
    caches = ("~/.nuget/packages", "~/.local/share/NuGet")
    variables = ("NUGET_PACKAGES",)
    cache_flags = ("--packages",)
    start_verbs = frozenset(("run", "watch", "test", "build", "restore"))
    clean = "nuget locals all --clear"

    def fills(self, call: Invocation) -> bool:
        return call.verb in ("restore", "build", "publish", "test", "pack")

    def version_objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        if fills[-1].verb != "publish":
            return Refusal(
                view.instruction, "not-published", "what is only built may load its libraries from the cache"
            )
        return None
