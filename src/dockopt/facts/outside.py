"""Facts from outside the document, worked out once a run: they are those of the file as it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.value import Known, Unknown
from dockopt.syntax.lazy import lazy
from dockopt.syntax.words import expand_known

if TYPE_CHECKING:
    from dockopt.facts.app.detect import Apps
    from dockopt.facts.context import Context
    from dockopt.facts.facts import Facts


class Outside(NamedTuple):
    """Where a Dockerfile stands, for facts that are not in its text. All paths may be relative."""

    path: str | None = None  #: the Dockerfile's path; None for text that is no file (standard input)
    context_dir: str | None = None  #: the context the user named, which nothing overrides
    overlay: tuple[tuple[str, bytes], ...] = ()  #: ignore files that are about to be written, by absolute path


class Surroundings:
    """What stands around a Dockerfile. Edited documents of a run share those of the first."""

    def __init__(self, outside: Outside | None, facts: Facts) -> None:
        self.outside = outside
        self._facts = facts

    @property
    def asked(self) -> bool:
        """Whether anybody has looked around."""
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
