"""Maven without its local repository."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, Phase, Refusal, ScriptView
from dockopt_transforms.packages._build import BuildCleaner


class MavenCacheClean(BuildCleaner):
    """Remove Maven's local repository in the RUN that builds.

    What:
        Adds ``rm -rf ~/.m2/repository`` behind the last use of Maven in a RUN that builds, in stages an image is
        made from. Settings stay.

    Why:
        Maven keeps every plugin and dependency it ever downloaded; a packaged application has its own copies.

    Safety:
        Unsafe: an application started from its classes with a class path into the repository would miss them.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or a variable names a cache directory
        cache-needed: a later RUN uses, or may use, the cache
        runtime-use: the image may run the tool when it starts, or what it runs is not in this file
        conditional-use: whether the tool runs at all is decided in the script
        no-place: what follows looks at the exit status, and a command between would change it

    References:
        https://maven.apache.org/guides/introduction/introduction-to-repositories.html
    """

    id = "maven-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    safety = "unsafe"
    mildest = "unsafe"
    manager = "maven"
    caches = ("~/.m2",)
    variables = ("MAVEN_USER_HOME",)
    clean = "rm -rf ~/.m2/repository"

    def fills(self, call: Invocation) -> bool:
        return call.verb_word is not None

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        return call.privilege + self.clean

    def version_objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        env = facts.state(view.instruction).env
        texts = [word.text for call in fills for word in call.command.words]
        texts.extend(env.get(name, "") or "" for name in ("MAVEN_OPTS", "MAVEN_ARGS", "MAVEN_CONFIG"))
        if any("repo.local" in text for text in texts):
            return Refusal(view.instruction, "cache-configured", "maven.repo.local names a repository of its own")
        return None
