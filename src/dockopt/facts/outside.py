"""Facts from outside the document, worked out once a run: they are those of the file as it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.base import BaseImage, canonical, is_windows, lookup
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.lazy import lazy
from dockopt.syntax.words import expand_known

if TYPE_CHECKING:
    from dockopt.facts.app.detect import Apps
    from dockopt.facts.context import Context
    from dockopt.facts.facts import Facts
    from dockopt.facts.online.images import Registries


class Outside(NamedTuple):
    """Where a Dockerfile stands, for facts that are not in its text. All paths may be relative."""

    path: str | None = None  #: the Dockerfile's path; None for text that is no file (standard input)
    context_dir: str | None = None  #: the context the user named, which nothing overrides
    overlay: tuple[tuple[str, bytes], ...] = ()  #: ignore files that are about to be written, by absolute path
    #: ask registries what is not known here, Docker Hub through these mirrors first; None: no network
    online: tuple[str, ...] | None = None


class Surroundings:
    """What stands around a Dockerfile. Edited documents of a run share those of the first."""

    def __init__(self, outside: Outside | None, facts: Facts, *, only_safe: bool = False) -> None:
        self.outside = outside
        self.only_safe = only_safe  #: see :attr:`Facts.only_safe`
        self._facts = facts

    @property
    def asked(self) -> bool:
        """Whether anybody has looked at the files around."""
        return not self.__dict__.keys().isdisjoint(("context", "apps"))

    @lazy
    def context(self) -> Known[Context] | Unknown:
        from dockopt.facts.context import find_context

        found = find_context(self.outside, local_sources(self._facts))
        if isinstance(found, Known) and self.outside is not None:
            found.value.overlay = dict(self.outside.overlay)
        return found

    @lazy
    def apps(self) -> Apps:
        from dockopt.facts.app.detect import Apps

        return Apps(self._facts, self.context)

    def image(self, reference: str, platform: str = "") -> BaseImage | None:
        """What is known of a base image: by the table, and with ``--online`` by its registry.

        A tag the table has not seen yet keeps what the table says of its sisters; its own configuration
        says the rest.
        """
        found = lookup(reference)
        if found is not None and found.exact:
            return found
        registries = self._registries
        if registries is None or is_windows(reference):
            return found
        asked = registries.image(reference, platform)
        if isinstance(asked, Unknown):
            return found
        if found is None:
            return asked.value
        new = asked.value
        return found._replace(
            workdir=new.workdir,
            user=new.user,
            entrypoint=new.entrypoint,
            cmd=new.cmd,
            ports=new.ports,
            path=new.path,
            env=new.env,
            evidence=f"{found.evidence}; {new.evidence}",
            shell_words=new.shell_words,
            health=new.health,
        )

    def image_unknown(self, reference: str, platform: str = "") -> str:
        """Why nothing is known of a base image, as a sentence."""
        why = f"the base image {reference} is not in the table"
        registries = self._registries
        if registries is not None and not is_windows(reference):
            asked = registries.image(reference, platform)
            if isinstance(asked, Unknown):
                why += f", and {asked.reason}"
        return why

    def digest(self, reference: str, *, lock_only: bool = False) -> Known[str] | Unknown | None:
        """The digest an image is to be pinned to: the lock's, else with ``--online`` the registry's.

        None where there is neither a lock nor the network to ask.

        :param lock_only: do not ask the registry.
        """
        lock = self._lock
        if isinstance(lock, Known):
            locked = lock.value.get(canonical(reference))
            if locked is not None:
                return Known(locked, lock.evidence)
            why = Unknown(f"{lock.evidence} has no digest for {reference}")
        elif lock is not None:
            return lock
        if self._registries is not None and not lock_only:
            return self._registries.digest(reference)
        return why if lock is not None else None

    def version(self, reference: str) -> Known[str] | Unknown | None:
        """With ``--online`` the tag with a version which names the image that a floating one does now."""
        return self._registries.version(reference) if self._registries is not None else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Registries that could not be asked, and why, one line each."""
        return self._registries.problems if self._registries is not None else ()

    @lazy
    def _registries(self) -> Registries | None:
        if self.outside is None or self.outside.online is None:
            return None
        from dockopt.facts.online.images import registries

        return registries(self.outside.online)

    @lazy
    def _lock(self) -> Known[dict[str, str]] | Unknown | None:
        if self.outside is None or self.outside.path is None:
            return None
        from dockopt.facts.lock import find_lock

        return find_lock(self.outside.path)


def local_sources(facts: Facts) -> tuple[str, ...]:
    """What COPY, ADD and bind mounts read from the build context, variables expanded.

    A source whose value only the build knows is left out, and so is the whole of ONBUILD.
    """
    from dockopt.facts.context import local_source

    found: dict[str, None] = {}
    for stage in facts.stages.all:
        for node in stage.instructions:
            if node.name in ("COPY", "ADD") and node.flag("from") is None:
                env = facts.state(node).env
                words = node.args[:-1]
                found.update(
                    (value, None)
                    for word in words
                    if local_source(word) and (value := expand_known(word, env, node.escape)) and local_source(value)
                )
            elif node.name == "RUN":
                for flag in node.flags:
                    options = dict(part.partition("=")[::2] for part in (flag.value or "").split(","))
                    kind = options.get("type", "bind")
                    source = options.get("source", options.get("src", ""))
                    if (
                        flag.name == "mount"
                        and kind == "bind"
                        and "from" not in options
                        and source
                        and "$" not in source
                    ):
                        found[source] = None
    return tuple(found)
