"""What a rewrite gains: sizes, layers, build times, packages, vulnerabilities, before and after."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from typing import NamedTuple

from dockopt.build.engine import Engine, EngineProblem
from dockopt.build.image import Image, ImageUnreadable, Reader
from dockopt.build.packages import packages
from dockopt.build.scan import Scan, ScanFailed, scan
from dockopt.build.verify import Target, with_files
from dockopt.engine.model import Outcome
from dockopt.facts.context import Context
from dockopt.facts.ignorefile import PatternError

#: Files people edit; the newest of them is the one that is touched.
_SOURCE = re.compile(
    r".*\.(?:py|pyi|js|mjs|cjs|jsx|ts|tsx|vue|svelte|go|rs|rb|php|java|kt|scala|cs|c|cc|cpp|h|hpp|ex|exs|erl|sh|html|css)"
)

#: A larger context is not copied, so the rebuild is not measured.
COPY_LIMIT = 500_000_000


class Step(NamedTuple):
    """One instruction that added a layer."""

    instruction: str
    size: int  #: bytes, uncompressed
    compressed: int
    shared: bool  #: both sides have this layer, and all those below it


class Numbers(NamedTuple):
    """One side."""

    size: int  #: bytes, uncompressed
    compressed: int  #: bytes, with gzip as a registry holds it
    layers: int
    packages: int
    cold: float  #: seconds to build without cache, base images at hand
    warm: float  #: seconds to build once more, nothing changed
    rebuild: float | None  #: seconds to build after a source file changed
    scan: Scan | None
    steps: tuple[Step, ...]
    reran: tuple[str, ...] = ()  #: the instructions the rebuild carried out again


class Measured(NamedTuple):
    """Both sides of one file; ``after`` is ``None`` where the file stays as it is."""

    before: Numbers
    after: Numbers | None
    touched: str | None = None  #: the source file that was changed for the rebuild, relative to the context
    notes: tuple[str, ...] = ()


class Measurer:
    """Measures with one engine.

    :param touch: the source file to change, relative to the context; ``None``: the newest.
    :param scanner: as :func:`dockopt.build.scan.scanner` gives it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        touch: str | None = None,
        scanner: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.engine = engine
        self.touch = touch
        self.scanner = scanner
        self.progress = progress or (lambda text: None)
        self.reader = Reader(compress=True)

    def measure(self, dockerfile: str, before: bytes, outcome: Outcome | None, target: Target) -> Measured:
        """Build both sides, several times.

        :param dockerfile: the file's path, for its ignore file.
        :param outcome: the rewrite; ``None``: there is none.
        :raises BuildFailed: where a side does not build.
        :raises EngineProblem: where the engine cannot do its part.
        """
        notes: dict[str, None] = {}
        ways = {"before": (before, target)}
        if outcome is not None:
            ways["after"] = (outcome.after, with_files(target, outcome.files))
        for name, (text, way) in ways.items():
            # So that base images are there and the other builds are not timed with the network.
            self._build(text, way, name, "preparing", notes).forget(self.engine)
        copy = ContextCopy.of(dockerfile, target, self.touch)
        if copy is None:
            notes["no source file to change was found, so no rebuild was measured"] = None
        try:
            sides = {name: self._side(text, way, name, copy, notes) for name, (text, way) in ways.items()}
        finally:
            if copy is not None:
                copy.remove()
        images = {name: image for name, (image, _) in sides.items()}
        numbers = {
            name: side._replace(steps=_steps(images[name], images.get("after" if name == "before" else "before")))
            for name, (_, side) in sides.items()
        }
        return Measured(numbers["before"], numbers.get("after"), copy.touched if copy else None, tuple(notes))

    def _side(
        self, text: bytes, target: Target, name: str, copy: ContextCopy | None, notes: dict[str, None]
    ) -> tuple[Image, Numbers]:
        cold = self._build(text, target, name, "cold build", notes, cache=False)
        warm = self._build(text, target, name, "warm build", notes)
        rebuild: float | None = None
        reran: tuple[str, ...] = ()
        if copy is not None:
            there = target._replace(context=copy.folder)
            # Of the copy, unchanged: what is timed is the change, not the other folder.
            self._build(text, there, name, "preparing the rebuild", notes).forget(self.engine)
            copy.change()
            built = self._build(text, there, name, f"rebuild after a change of {copy.touched}", notes)
            rebuild, reran = built.seconds, built.ran
            built.forget(self.engine)
        self.progress(f"{name}: reading the image")
        try:
            with self.engine.save([cold.reference]) as archive:
                image = self.reader.read(archive, 1)[0]
        except ImageUnreadable as error:
            raise EngineProblem(str(error)) from None
        found = None
        if self.scanner is not None:
            self.progress(f"{name}: {self.scanner}")
            try:
                found = scan(self.scanner, cold.reference)
            except ScanFailed as failed:
                notes[str(failed)] = None
        numbers = Numbers(
            image.size,
            image.compressed,
            len(image.layers),
            len(packages(image.tree()).versions),
            cold.seconds,
            warm.seconds,
            rebuild,
            found,
            (),
            reran,
        )
        cold.forget(self.engine)
        warm.forget(self.engine)
        return image, numbers

    def _build(
        self, text: bytes, target: Target, name: str, what: str, notes: dict[str, None], *, cache: bool = True
    ) -> _Timed:
        self.progress(f"{name}: {what}")
        self.engine.progress = lambda step: self.progress(f"{name}: {what}: {step}")
        built = self.engine.build(text, target.context, target.build, ignore=target.ignore, cache=cache)
        notes.update(dict.fromkeys(built.notes))
        return _Timed(built.reference, built.seconds, built.ran)


class _Timed(NamedTuple):
    reference: str
    seconds: float
    ran: tuple[str, ...]

    def forget(self, engine: Engine) -> None:
        if not engine.keep:
            engine.remove_image(self.reference)


class ContextCopy:
    """A copy of the build context in which a source file is changed; the original is never touched."""

    def __init__(self, folder: str, touched: str) -> None:
        self.folder = folder
        self.touched = touched

    @classmethod
    def of(cls, dockerfile: str, target: Target, touch: str | None) -> ContextCopy | None:
        context = Context(os.path.abspath(target.context), os.path.abspath(dockerfile), "")
        try:
            listing = context.listing
        except PatternError:
            return None
        touched = touch if touch in listing.files else None
        if touch is None:
            sources = [name for name in listing.files if _SOURCE.fullmatch(name)]
            touched = max(sources, key=lambda name: (_changed(context.root, name), name), default=None)
        if touched is None or listing.truncated or _total(context.root, listing.files) > COPY_LIMIT:
            return None
        folder = tempfile.mkdtemp(prefix="dockopt-")
        try:
            for name in listing.files:
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                shutil.copy2(os.path.join(context.root, name), path, follow_symlinks=False)
            ignore = os.path.join(context.root, ".dockerignore")
            if os.path.isfile(ignore):
                shutil.copy2(ignore, os.path.join(folder, ".dockerignore"))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return cls(folder, touched)

    def change(self) -> None:
        """Append white space, which means nothing in any language, of a pattern no build has cached."""
        pattern = bin(int.from_bytes(os.urandom(8), "big"))[2:].replace("0", " ").replace("1", "\n")
        with open(os.path.join(self.folder, self.touched), "a", encoding="ascii") as file:
            file.write(f"\n{pattern}\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _changed(root: str, name: str) -> float:
    try:
        return os.stat(os.path.join(root, name)).st_mtime
    except OSError:
        return 0.0


def _total(root: str, names: tuple[str, ...]) -> int:
    total = 0
    for name in names:
        try:
            total += os.lstat(os.path.join(root, name)).st_size
        except OSError:
            continue
    return total


def _steps(image: Image, other: Image | None) -> tuple[Step, ...]:
    theirs = [] if other is None else [id(layer) for layer in other.layers]
    found: list[Step] = []
    below = True  # an equal layer further up is another one to whoever pulls the image
    for position, step in enumerate(each for each in image.steps() if each.layer is not None):
        layer = step.layer
        assert layer is not None
        below = below and position < len(theirs) and theirs[position] == id(layer)
        found.append(Step(_instruction(step.instruction), layer.size, layer.compressed, below))
    return tuple(found)


def _instruction(text: str) -> str:
    """``created_by`` of the history as the Dockerfile had it."""
    text = " ".join(text.removesuffix("# buildkit").split())
    text = re.sub(r"^RUN (?:\|\d+ .*? )?/bin/sh -c ", "RUN ", text)
    text = re.sub(r"^/bin/sh -c #\(nop\)\s+", "", text)
    return text or "(base image)"
