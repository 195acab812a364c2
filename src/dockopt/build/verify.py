"""The proof by building: both sides are built, compared and run; what does not hold is found and left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dockopt.build.behave import NOT_STARTED, Behaviour, RunSettings, compare_behaviour, observe
from dockopt.build.bisect import first_failing
from dockopt.build.compare import Difference, compare_config, compare_packages, compare_trees
from dockopt.build.effects import Declared, Judged
from dockopt.build.engine import BuildFailed, BuildSettings, Built, Engine, EngineProblem
from dockopt.build.image import Image, ImageUnreadable, Reader, config_of
from dockopt.build.packages import Packages, packages
from dockopt.build.tree import Tree
from dockopt.engine.model import Entry, FileEdit, Outcome
from dockopt.engine.pipeline import Options, rewrite, rewrite_document
from dockopt.engine.registry import Registry, registry
from dockopt.facts.outside import Outside
from dockopt.syntax.document import load

#: How far a check goes.
BUILD, IMAGE, BEHAVIOUR = range(3)

#: How often both sides are run again where they behave differently: what does not come out the same each time is not
#: the rewrite's doing. ``npm start`` as process 1 ends on SIGTERM in three cases of four on a busy machine.
AGAIN = 2


class Target(NamedTuple):
    """One way in which a Dockerfile is built."""

    context: str  #: folder
    build: BuildSettings = BuildSettings()
    run: RunSettings | None = RunSettings()  #: ``None``: the images are not run
    ignore: bytes | None = None  #: content of ``NAME.dockerignore`` beside the Dockerfile
    name: str = ""  #: the compose service or bake target, for people


class Side(NamedTuple):
    """One built image and all that is compared of it."""

    built: Built
    image: Image
    config: dict[str, str]
    tree: Tree
    packages: Packages
    behaviour: Behaviour | None = None


class Weight(NamedTuple):
    """What a side weighs, and what it was seen to be, for the reports."""

    size: int  #: bytes, uncompressed
    layers: int
    packages: int
    seconds: float  #: its build took, with whatever was cached
    user: str = ""  #: it runs as; empty stands for root
    behaviour: Behaviour | None = None  #: ``None``: it was not run


class Failure(NamedTuple):
    """Why a rewrite does not hold."""

    depth: int
    reasons: tuple[str, ...]  #: one sentence each
    log: tuple[str, ...] = ()  #: of the build, or what the container wrote last
    target: str = ""


class Dropped(NamedTuple):
    """Changes that were left out since the build did not bear them out."""

    entries: tuple[Entry, ...]
    failure: Failure


class Proof(NamedTuple):
    """What came of one file."""

    outcome: Outcome  #: with everything left out that failed: what may be written
    problem: str = ""  #: why nothing can be said: one clear line; nothing may be written then
    log: tuple[str, ...] = ()  #: and the build log's lines that tell more
    judged: tuple[Judged, ...] = ()  #: the differences that remain, all of them declared
    dropped: tuple[Dropped, ...] = ()
    before: Weight | None = None
    after: Weight | None = None
    builds: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether a rewrite was built and holds."""
        return self.after is not None and not self.problem


class Prover:
    """Proves rewrites with one engine.

    :param known: the transforms, where they are not the registered ones.
    :param progress: called with what is being done.
    """

    def __init__(
        self, engine: Engine, *, known: Registry | None = None, progress: Callable[[str], None] | None = None
    ) -> None:
        self.engine = engine
        self.known = known or registry()
        self._custom = known is not None
        self.progress = progress or (lambda text: None)
        self.reader = Reader()

    def rewrite(self, data: bytes, options: Options, outside: Outside | None = None) -> Outcome:
        """:func:`dockopt.engine.pipeline.rewrite` with this prover's transforms."""
        if self._custom:
            return rewrite_document(load(data), data, options, self.known, outside)
        return rewrite(data, options, outside)

    def prove(self, data: bytes, options: Options, targets: Sequence[Target], outside: Outside | None = None) -> Proof:
        """Rewrite, build, compare, run; leave out what fails, and prove the rest.

        A rewrite must hold for every target.

        :param outside: where the file stands.

        :raises EngineProblem: where the engine cannot do its part.
        """
        started = time.monotonic()
        outcome = self.rewrite(data, options, outside)
        if outcome.error is not None or not outcome.changed:
            return Proof(outcome)
        case = _Case(self, data, options, targets, outside)
        try:
            proof = case.prove(outcome)
        finally:
            case.forget()
        return proof._replace(builds=case.builds, seconds=time.monotonic() - started, notes=tuple(case.notes))


class _Case:
    """One file's proof."""

    def __init__(
        self,
        prover: Prover,
        data: bytes,
        options: Options,
        targets: Sequence[Target],
        outside: Outside | None,
    ) -> None:
        self.prover = prover
        self.engine = prover.engine
        self.data = data
        self.options = options
        self.targets = targets
        self.outside = outside
        self.builds = 0
        self.notes: dict[str, None] = {}
        self.before: list[Side] = []
        self.controls: dict[int, Side] = {}
        self.judged: list[Judged] = []
        self.after: Side | None = None
        self.verdicts: dict[tuple[bytes, tuple[FileEdit, ...], int], Failure | None] = {}
        self.order = {spec.id: position for position, spec in enumerate(prover.known.specs)}

    def forget(self) -> None:
        """Remove the images, but for those to keep."""
        if not self.engine.keep:
            for side in [*self.before, *self.controls.values(), *([self.after] if self.after else [])]:
                self.engine.remove_image(side.built.reference)

    def prove(self, outcome: Outcome) -> Proof:
        for target in self.targets:
            try:
                side = self._side(self.data, target, "before")
            except BuildFailed as failed:
                return Proof(
                    outcome._replace(after=outcome.before, entries=()),
                    f"does not build as it is{_of(target)}, so nothing can be proven: {failed}",
                    failed.log,
                )
            if target.run is not None:
                self.prover.progress("before: running")
                seen = self._observe(side, target.run)
                side = side._replace(behaviour=seen)
                if seen.state.startswith(NOT_STARTED):
                    self.notes[f"how the image runs was not compared{_of(target)}: as it is, it {seen.state}"] = None
            self.before.append(side)
        dropped: list[Dropped] = []
        options = self.options
        good, depth = 0, BUILD  # so many changes together are known to hold, as deep as this
        keys = self._keys(outcome)
        while outcome.changed:
            failure = self._check(outcome, BEHAVIOUR)
            if failure is None:
                assert self.after is not None
                return Proof(
                    outcome,
                    judged=tuple(self.judged),
                    dropped=tuple(dropped),
                    before=_weight(self.before[0]),
                    after=_weight(self.after),
                )
            good, depth = (good, depth) if failure.depth <= depth else (0, failure.depth)
            number, failure = self._blame(keys, failure, good)
            guilty = keys[number - 1]
            dropped.append(Dropped(tuple(e for e in outcome.entries if e.key == guilty and _applied(e)), failure))
            options = options._replace(drop=(*options.drop, guilty))
            outcome = self.prover.rewrite(self.data, options, self.outside)
            kept, keys = keys[: number - 1], self._keys(outcome)
            good = len(kept) if keys[: len(kept)] == kept else 0
            if len(dropped) > 100:
                raise EngineProblem("a hundred changes failed one after the other; please report it")
        return Proof(outcome, dropped=tuple(dropped), before=_weight(self.before[0]))

    def _keys(self, outcome: Outcome) -> list[str]:
        """The changes in the order in which they were made."""
        applied = sorted(
            filter(_applied, outcome.entries), key=lambda e: (self.order.get(e.transform, 0), e.start_line)
        )
        return list(dict.fromkeys(entry.key for entry in applied))

    def _blame(self, keys: Sequence[str], failure: Failure, good: int) -> tuple[int, Failure]:
        """The number of the change to blame, counted from 1, and how it fails with those before it."""
        failures = {len(keys): failure}

        def holds(count: int) -> bool:
            self.prover.progress(f"looking for the change to blame among {len(keys)}")
            found = self._check(self._only(keys[:count]), failure.depth)
            if found is not None:
                failures[count] = found
            return found is None

        number = first_failing(len(keys), holds, good)
        return number, failures[number]

    def _only(self, keys: Sequence[str]) -> Outcome:
        """The rewrite with these changes and no others, not even such as come up when others are left out."""
        drop = set(self.options.drop)
        while True:
            outcome = self.prover.rewrite(self.data, self.options._replace(drop=tuple(sorted(drop))), self.outside)
            more = {entry.key for entry in outcome.entries if _applied(entry)} - set(keys) - drop
            if not more:
                return outcome
            drop |= more

    # -- one candidate ----------------------------------------------------------------------------------

    def _check(self, outcome: Outcome, depth: int) -> Failure | None:
        """Build and compare a rewrite, as deep as asked; ``None`` where it holds."""
        if not outcome.changed:
            return None
        known = (outcome.after, outcome.files, depth)
        if known not in self.verdicts:
            self.judged = []
            self.verdicts[known] = self._check_now(outcome, depth)
        return self.verdicts[known]

    def _check_now(self, outcome: Outcome, depth: int) -> Failure | None:
        declared = Declared(outcome.entries)
        for index, target in enumerate(self.targets):
            try:
                side = self._side(outcome.after, with_files(target, outcome.files), "after")
            except BuildFailed as failed:
                return Failure(BUILD, (f"the image no longer builds: {failed}",), failed.log, target.name)
            if self.after is not None and not self.engine.keep:
                self.engine.remove_image(self.after.built.reference)
            self.after = side
            failure = self._compare(index, target, side, declared, depth)
            if failure is not None:
                return failure
        return None

    def _compare(self, index: int, target: Target, after: Side, declared: Declared, depth: int) -> Failure | None:
        before = self.before[index]
        if depth >= IMAGE:
            judged = self._judge(index, target, after, declared)
            undeclared = [each.difference for each in judged if not each.transforms]
            if undeclared:
                return Failure(IMAGE, tuple(summarised(undeclared)), (), target.name)
            self.judged.extend(judged)
        if depth >= BEHAVIOUR and target.run is not None:
            self.prover.progress("after: running")
            seen = self._observe(after, target.run, before.behaviour)
            self.after = after._replace(behaviour=seen)
            assert before.behaviour is not None
            differences = compare_behaviour(before.behaviour, seen, target.run)
            for _ in range(AGAIN):
                if not differences:
                    break
                seen = self._observe(after, target.run, before.behaviour)
                again = self._observe(before, target.run)
                once_more = compare_behaviour(before.behaviour, seen, target.run)
                alike = compare_behaviour(again, seen, target.run)
                differences = [each for each in differences if each in once_more and each in alike]
            if differences:
                return Failure(BEHAVIOUR, tuple(map(str, differences)), seen.log, target.name)
        return None

    def _judge(self, index: int, target: Target, after: Side, declared: Declared) -> list[Judged]:
        before = self.before[index]
        judged = declared.judge(_differences(before, after), before.packages, after.packages)
        undeclared = [each.difference for each in judged if not each.transforms]
        if _may_be_chance(undeclared):
            control = self.controls.get(index)
            if control is None:
                control = self.controls[index] = self._side(self.data, target, "before, once more", cache=False)
            chance = Chance(_differences(before, control), _differences(control, after))
            judged = [each for each in judged if each.transforms or not chance.explains(each.difference)]
        return judged

    def _side(self, dockerfile: bytes, target: Target, name: str, *, cache: bool = True) -> Side:
        self.builds += 1
        label = f"{name}{_of(target)}: "
        self.prover.progress(label + "building")
        self.engine.progress = lambda text: self.prover.progress(label + text)
        built = self.engine.build(dockerfile, target.context, target.build, ignore=target.ignore, cache=cache)
        self.notes.update(dict.fromkeys(built.notes))
        self.prover.progress(label + "reading the image")
        try:
            with self.engine.save([built.reference]) as archive:
                image = self.prover.reader.read(archive, 1)[0]
        except ImageUnreadable as error:
            raise EngineProblem(str(error)) from None
        tree = image.tree()
        return Side(built, image, config_of(image), tree, packages(tree))

    def _observe(self, side: Side, run: RunSettings, like: Behaviour | None = None) -> Behaviour:
        checked = side.config.get("healthcheck", "")
        seen = observe(
            self.engine, side.built.reference, run, checked=bool(checked) and '"NONE"' not in checked, like=like
        )
        self.notes.update(dict.fromkeys(seen.notes))
        return seen


def with_files(target: Target, files: Sequence[FileEdit]) -> Target:
    """The target with the ignore file that a rewrite brings along; nothing is written for it."""
    for edit in files:
        if os.path.dirname(edit.path) == os.path.abspath(target.context) or target.ignore is not None:
            return target._replace(ignore=edit.after)
    return target


class Chance:
    """What the world changes from one build to the next, seen in a second build of the original.

    :param between: from the original to its second build, without cache.
    :param after: from that second build to the rewrite.
    """

    def __init__(self, between: Sequence[Difference], after: Sequence[Difference]) -> None:
        self._varies = {(each.aspect, each.what) for each in between}
        self._still = {(each.aspect, each.what) for each in after}
        self._names = _counts(between)
        self._after = _counts(after)

    def explains(self, difference: Difference) -> bool:
        """Whether ``difference``, from the original to the rewrite, would be there without the rewrite."""
        key = (difference.aspect, difference.what)
        if key in self._varies or key not in self._still:
            return True
        # Names made by chance: another one each time, but as many in the same folder.
        folder = (difference.what.rpartition("/")[0], difference.change)
        number = self._names.get(folder, 0)
        return difference.aspect == "files" and number > 0 and self._after.get(folder) == number


def _counts(differences: Sequence[Difference]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for each in differences:
        if each.aspect == "files" and each.change in ("added", "removed"):
            folder = (each.what.rpartition("/")[0], each.change)
            counts[folder] = counts.get(folder, 0) + 1
    return counts


def _may_be_chance(differences: Sequence[Difference]) -> bool:
    """Whether a second build of the original could explain any: contents, versions, names that go and come.

    What is gone, or has another owner, mode or configuration, the world did not do.
    """
    folders: dict[str, set[str]] = {}
    for each in differences:
        if (each.aspect, each.change) in (("files", "content"), ("packages", "changed")):
            return True
        if each.aspect == "files":
            folders.setdefault(each.what.rpartition("/")[0], set()).add(each.change)
    return any({"added", "removed"} <= changes for changes in folders.values())


def _differences(before: Side, after: Side) -> list[Difference]:
    return [
        *compare_config(before.config, after.config),
        *compare_packages(before.packages, after.packages),
        *compare_trees(before.tree, after.tree),
    ]


def _applied(entry: Entry) -> bool:
    return entry.kind == "applied"


def _of(target: Target) -> str:
    return f" ({target.name})" if target.name else ""


def _weight(side: Side) -> Weight:
    return Weight(
        side.image.size,
        len(side.image.layers),
        len(side.packages.versions),
        side.built.seconds,
        side.config.get("user", ""),
        side.behaviour,
    )


#: So many differences of one kind are listed one by one.
LISTED = 8


def summarised(differences: Sequence[Difference]) -> list[str]:
    """Sentences for differences: one by one where they are few, else by the folder they share."""
    lines = [str(each) for each in differences if each.aspect not in ("files", "packages")]
    lines += _packages([each for each in differences if each.aspect == "packages"])
    files = [each for each in differences if each.aspect == "files"]
    if len(files) <= LISTED:
        return lines + [str(each) for each in files]
    groups: dict[str, list[str]] = {}
    for each in files:
        groups.setdefault(each.change, []).append(each.what)
    for change, paths in groups.items():
        words = {"added": "are added", "removed": "are missing"}.get(change, f"have another {change}")
        where = _common(paths)
        lines.append(f"{len(paths)} paths {words}: {where}" if len(paths) > 1 else f"{paths[0]}: {words}")
    return lines


def _packages(differences: Sequence[Difference]) -> list[str]:
    if len(differences) <= LISTED:
        return [str(each) for each in differences]
    lines = []
    for change, words in (("added", "are added"), ("removed", "are missing"), ("changed", "have another version")):
        names = [each.what for each in differences if each.change == change]
        if names:
            lines.append(f"{len(names)} packages {words}: {', '.join(names[:LISTED])}{', …' * (len(names) > LISTED)}")
    return lines


def _common(paths: Sequence[str]) -> str:
    import os.path

    shared = os.path.commonpath(paths)
    return f"below {shared}" if shared != "/" else ", ".join(paths[:3]) + ", …"
