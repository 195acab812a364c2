"""Which transforms there are. Reading the list imports none of them.

Built-in transforms and plug-ins come through one door, the entry-point group ``dockopt.transforms``. An
entry point names a callable that returns :class:`Spec` rows (the built-in catalogue does, so that
starting up does not import some eighty modules), a :class:`Transform` subclass, or a list of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from dockopt.engine.model import Phase
from dockopt.engine.transform import Transform
from dockopt.facts.facts import Facts

GROUP = "dockopt.transforms"


class Spec(NamedTuple):
    """What is known of a transform before it is imported."""

    id: str
    aliases: tuple[str, ...]
    phase: str
    family: str
    safety: str
    default: bool
    summary: str
    module: str
    name: str  #: the class in the module
    after: tuple[str, ...]
    mentions: tuple[str, ...]
    mildest: str = "safe"
    local: bool = False
    thorough: bool = False
    instructions: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    form: bool = False
    scripts: bool = False

    @property
    def range(self) -> str:
        """How safe its changes are, each judged where it is made: ``safe``, or ``safe or unsafe``."""
        return (
            self.safety if self.mildest == self.safety or self.safety == "safe" else f"{self.mildest} or {self.safety}"
        )

    def concerns(self, facts: Facts) -> bool:
        """Whether a file has all that the transform says it is about; in any other it has nothing to say."""
        return (
            not (self.instructions and facts.names.isdisjoint(self.instructions))
            and not (self.managers and facts.managers.isdisjoint(self.managers))
            and not (self.mentions and not facts.mentions(*self.mentions))
        )

    @classmethod
    def of(cls, transform: type[Transform]) -> Spec:
        """The row of a transform class.

        :raises PluginError: where one string stands for a list of them, which would be taken for its letters.
        """
        for field in ("aliases", "after", "mentions", "instructions", "managers"):
            if isinstance(getattr(transform, field), str):
                raise PluginError(f"transform {transform.id}: {field} must be a tuple of strings, not a string")
        summary = (transform.__doc__ or "").strip().split("\n", 1)[0].strip()
        return cls(
            transform.id,
            tuple(transform.aliases),
            transform.phase.name,
            transform.family or transform.phase.name,
            transform.safety,
            transform.default,
            summary,
            transform.__module__,
            transform.__name__,
            tuple(transform.after),
            tuple(transform.mentions),
            transform.mildest,
            transform.local,
            transform.thorough,
            tuple(transform.instructions),
            tuple(transform.managers),
            transform.form,
            transform.scripts,
        )


class UnknownTransform(ValueError):
    """An id, alias or family nobody registered. ``str()`` is one clear line."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        self.name = name
        self.suggestion = suggestion
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"unknown transform {name!r}{hint} ('dockopt rules' lists them all)")


class PluginError(ValueError):
    """A plug-in that cannot be used. ``str()`` is one clear line."""


class Registry:
    """All transforms, in the order they run."""

    def __init__(self, specs: Iterable[Spec], loaded: dict[str, type[Transform]] | None = None) -> None:
        self.specs: tuple[Spec, ...] = tuple(specs)
        self._by_id = {spec.id: spec for spec in self.specs}
        self._classes = dict(loaded or {})
        self._instances: dict[str, Transform] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        for spec in self.specs:
            # A phase is when a transform runs, which is no name people select by; a family is what it is about.
            group = spec.family.lower()
            self._names[group] = (*self._names.get(group, ()), spec.id)
        for spec in self.specs:
            for alias in spec.aliases:
                key = alias.lower()
                known = self._names.get(key, ())
                self._names[key] = known if spec.id in known else (*known, spec.id)
        for spec in self.specs:
            self._names[spec.id] = (spec.id,)

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def spec(self, id: str) -> Spec:
        """:raises KeyError: for an id nobody registered."""
        return self._by_id[id]

    def resolve(self, name: str) -> tuple[str, ...]:
        """The ids an id, an alias or a family stands for; case does not matter.

        :raises UnknownTransform: with the nearest name, where there is one.
        """
        found = self.find(name)
        if found is None:
            import difflib  # only on the way to an error

            near = difflib.get_close_matches(name.strip().lower(), self._names, 1, 0.5)
            written = {alias.lower(): alias for spec in self.specs for alias in spec.aliases}
            raise UnknownTransform(name.strip(), written.get(near[0], near[0]) if near else None)
        return found

    def find(self, name: str) -> tuple[str, ...] | None:
        """As :meth:`resolve`; None for a name that stands for nothing."""
        return self._names.get(name.strip().lower())

    def load(self, id: str) -> Transform:
        """The transform itself; its module is imported on first use."""
        instance = self._instances.get(id)
        if instance is None:
            spec = self._by_id[id]
            cls = self._classes.get(id)
            if cls is None:
                module = sys.modules.get(spec.module)
                if module is None:
                    __import__(spec.module)
                    module = sys.modules[spec.module]
                cls = getattr(module, spec.name)
            instance = self._instances[id] = cls()
        return instance


def order(specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """Phase by phase, inside one a topological sort by ``after``; the id breaks ties.

    :raises PluginError: for two transforms of one id, or a circle.
    """
    rows = sorted(specs, key=lambda spec: (Phase[spec.phase], spec.id))
    ids = {spec.id for spec in rows}
    if len(ids) != len(rows):
        twice = next(spec.id for i, spec in enumerate(rows) if any(spec.id == other.id for other in rows[:i]))
        raise PluginError(f"two transforms have the id {twice!r}")
    result: list[Spec] = []
    phase_of = {spec.id: spec.phase for spec in rows}
    waiting = {spec.id: {name for name in spec.after if phase_of.get(name) == spec.phase} for spec in rows}
    while rows:
        ready = next((spec for spec in rows if not waiting[spec.id] and spec.phase == rows[0].phase), None)
        if ready is None:
            raise PluginError("transforms wait for each other: " + ", ".join(spec.id for spec in rows))
        rows.remove(ready)
        result.append(ready)
        for names in waiting.values():
            names.discard(ready.id)
    return tuple(result)


_REGISTRY: Registry | None = None


def registry() -> Registry:
    """All registered transforms; read once a process.

    :raises PluginError: where a plug-in cannot be loaded.
    """
    global _REGISTRY
    if _REGISTRY is None:
        _REGISTRY = _read()
    return _REGISTRY


def reset() -> None:
    """Forget the registry, so that the next call reads the entry points again."""
    global _REGISTRY
    _REGISTRY = None


def _read() -> Registry:
    import dockopt_transforms

    specs: list[Spec] = [Spec._make(row) for row in dockopt_transforms.index()]  # generated in run order
    classes: dict[str, type[Transform]] = {}
    if _plugins_installed():
        from importlib.metadata import entry_points  # slow to import: only when there is something to read

        for entry in entry_points(group=GROUP):
            if entry.value == "dockopt_transforms:index":
                continue
            for cls in _classes_of(entry):
                spec = Spec.of(cls)
                specs.append(spec)
                classes[spec.id] = cls
        specs = list(order(specs))
    return Registry(specs, classes)


def _classes_of(entry: Any) -> list[type[Transform]]:
    try:
        value = entry.load()
        if not isinstance(value, type) and callable(value):
            value = value()
    except Exception as error:
        raise PluginError(f"plug-in {entry.name!r} ({entry.value}) cannot be loaded: {error}") from error
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    for item in values:
        if not (isinstance(item, type) and issubclass(item, Transform)):
            raise PluginError(f"plug-in {entry.name!r} ({entry.value}) gives {item!r}, which is no Transform class")
    return values


def _plugins_installed() -> bool:
    """Whether any installed distribution but dockopt itself may have an entry point of the group.

    A look at the files first, since importing ``importlib.metadata`` costs a third of what a single file
    may take; where the look finds something, the library reads it.
    """
    needle = f"[{GROUP}]".encode()
    seen: set[str] = set()
    for folder in sys.path:
        path = folder or "."
        if path in seen:
            continue
        seen.add(path)
        try:
            names = [name for name in os.listdir(path) if name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in names:
            if name.startswith("dockopt-"):
                continue
            try:
                with open(f"{path}/{name}/entry_points.txt", "rb") as file:
                    if needle in file.read():
                        return True
            except OSError:
                continue
    return False
