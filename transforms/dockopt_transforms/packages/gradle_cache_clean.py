"""Gradle without its caches."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._build import BuildCleaner


class GradleCacheClean(BuildCleaner):
    """Remove Gradle's caches in the RUN that builds.

    What:
        Adds ``rm -rf ~/.gradle/caches`` behind the last use of Gradle in a RUN that builds without the daemon,
        in stages an image is made from.

    Why:
        Gradle keeps every dependency, its compiled scripts and a build cache.

    Safety:
        Unsafe: an application started from its classes with a class path into the caches would miss them.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or a variable names a cache directory
        cache-needed: a later RUN uses, or may use, the cache
        runtime-use: the image may run the tool when it starts, or what it runs is not in this file
        conditional-use: whether the tool runs at all is decided in the script
        no-place: what follows looks at the exit status, and a command between would change it
        daemon: without --no-daemon a process may still write to the caches while they are removed

    References:
        https://docs.gradle.org/current/userguide/directory_layout.html
    """

    id = "gradle-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    safety = "unsafe"
    mildest = "unsafe"
    manager = "gradle"
    caches = ("~/.gradle",)
    variables = ("GRADLE_USER_HOME",)
    cache_flags = ("-g", "--gradle-user-home")
    clean = "rm -rf ~/.gradle/caches"

    def fills(self, call: Invocation) -> bool:
        return call.verb_word is not None and call.verb not in ("wrapper", "help", "tasks")

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        return call.privilege + self.clean

    def version_objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        if not all(call.option("--no-daemon") for call in fills):
            return Refusal(view.instruction, "daemon", "the Gradle daemon may still write to the caches")
        return None
