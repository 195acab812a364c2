"""Run the transforms over one file: transactions, proof, fixpoint, journal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from dockopt.engine.edit import EditError, Editor
from dockopt.engine.model import NO_EFFECTS, Effects, Entry, FileEdit, Outcome, Proposal, Refusal, Safety, entry_key
from dockopt.engine.proof import prove
from dockopt.engine.registry import Registry, registry
from dockopt.engine.suppress import Suppressions
from dockopt.engine.transform import Transform
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside, Surroundings
from dockopt.syntax.document import Document, dump, load
from dockopt.syntax.nodes import Instruction, Node
from dockopt.syntax.spans import OverlapError

MAX_ROUNDS = 10
MAX_PASSES = 50


class Options(NamedTuple):
    """What to run. ``select`` and ``ignore`` hold ids; an empty ``select`` means the defaults."""

    unsafe: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    acting_only: bool = False  #: only what is done counts: whom to ask, and what the journal tells
    careful: bool = False  #: prove every single proposal, not only the result (the engine does so itself on a miss)
    drop: tuple[str, ...] = ()  #: keys of journal entries to leave out, see :attr:`Entry.key`


class Plan:
    """The transforms that run, in order."""

    def __init__(self, options: Options, known: Registry) -> None:
        wanted = set(options.select)
        self.specs = tuple(
            spec
            for spec in known.specs
            if (spec.id in wanted if wanted else spec.default)
            and spec.id not in options.ignore
            and not (options.acting_only and not options.unsafe and spec.mildest != "safe")
        )
        # What may change a document; the rest, never safe, is asked once when nothing moves any more.
        acting = [spec for spec in self.specs if options.unsafe or spec.mildest == "safe"]
        self.may_act = frozenset(spec.id for spec in acting)
        self.asked = tuple(
            (spec.id, spec.instructions, spec.managers, spec.mentions, spec.local, spec.scripts) for spec in acting
        )  #: as the loop over them takes it
        #: Asking these again at once would give refusals in newer words, and a plain fix tells of none.
        self.once = frozenset(spec.id for spec in acting if spec.thorough and options.acting_only)
        self.form = frozenset(spec.id for spec in acting if spec.form)
        self.scripts = tuple(spec.id for spec in acting if spec.scripts)
        self.order = {spec.id: index for index, spec in enumerate(self.specs)}


@lru_cache(maxsize=16)
def plan_for(options: Options, known: Registry) -> Plan:
    """The plan, made once for all files that are handled alike."""
    return Plan(options, known)


def preload(options: Options) -> None:
    """Import every selected transform and what they use: for a parent about to fork its workers."""
    known = registry()
    for spec in plan_for(options, known).specs:
        known.load(spec.id)
    import dockerfile_parse  # noqa: F401

    from dockopt.shell.script import read_script

    read_script("true")


def rewrite(data: bytes, options: Options, outside: Outside | None = None) -> Outcome:
    """Rewrite one Dockerfile. Never raises for what the file holds.

    ``outside`` says where the file stands; without it facts from around the file are unknown.

    A file BuildKit would reject comes back untouched with ``error`` set.
    """
    document = load(data)
    if not document.instructions:
        return Outcome(data, data, (), "no instructions: not a Dockerfile; nothing was changed")
    if document.problems:
        problem = document.problems[0]
        message = f"BuildKit rejects this file: {problem.message}; fix that first, nothing was changed"
        return Outcome(data, data, (), message, problem.line)
    return rewrite_document(document, data, options, registry(), outside)


def rewrite_document(
    document: Document, data: bytes, options: Options, known: Registry, outside: Outside | None = None
) -> Outcome:
    """:func:`rewrite` for a document at hand and a registry of the caller's."""
    plan = plan_for(options, known)
    facts = Facts(document, outside)
    facts.surroundings.only_safe = options.acting_only and not options.unsafe
    run = _Run(facts, plan, options, known, careful=options.careful)
    run.go()
    if not options.careful and run.doubtful:
        # Something missed: once more, with a proof after every proposal, to find and drop the culprit.
        run = _Run(facts, plan, options, known, careful=True)
        run.go()
    after = dump(run.document) if run.document is not document else data
    return Outcome(
        data,
        after,
        tuple(run.journal()),
        files=run.written(),
        warnings=run.surroundings.warnings,
        remarks=run.remarks,
    )


class _Run:
    def __init__(self, facts: Facts, plan: Plan, options: Options, known: Registry, *, careful: bool) -> None:
        document = facts.document
        self.original = document
        self.original_facts = facts
        self.document = document
        self.facts = facts
        self.surroundings = facts.surroundings
        self.plan = plan
        self.options = options
        self.known = known
        self.careful = careful
        suppressions = Suppressions(document, known)
        self.suppressions = suppressions or None  #: None where nothing is to be left alone
        self.remarks = tuple(suppressions.unknown)
        self.applied: list[Entry] = []
        self.applied_effects: list[Effects] = []
        self.defects: list[Entry] = []
        #: per transform, what its last pass left undone and why; made into entries at the end, since most
        #: passes are followed by another
        self.open: dict[str, list[tuple[str, Proposal | Refusal]]] = {}
        self.files: dict[str, list[Proposal]] = {}  #: per transform, what its last pass writes besides the Dockerfile
        self.settled: set[str] = set()  #: transforms whose other files the others have taken into account
        self.quiet: dict[str, Document] = {}  #: the document each transform last had nothing to do on
        self.read: frozenset[Node] = frozenset()  #: what all transforms have looked through for what they are about
        #: what transforms that are local propose for different instructions of the document, to be made in one edit
        self.pending: list[tuple[str, list[Proposal]]] = []
        self.banned: set[tuple[str, tuple[int, ...], str]] = set()
        self.broken: set[str] = set()
        self.doubtful = False

    def go(self) -> None:
        busy: list[str] = []
        seen = self.document  #: the document that the facts from outside were read with
        for _ in range(MAX_ROUNDS):
            busy = self._round()
            if busy:
                continue
            if not self.surroundings.asked or (self.document is seen and self.files.keys() <= self.settled):
                break
            seen = self.document
            self._look_around_again()
        else:
            self._give_up(busy)
            return
        self._prove_files_again()
        for spec in self.plan.specs:
            if spec.id in self.plan.may_act:
                continue
            if spec.concerns(self.facts):
                self._exhaust(spec.id)
            else:
                self._pass_over(spec.id)
        if self.document is not self.original and not self.careful:
            missed = prove(self.original_facts, self.facts, merge(self.applied_effects))
            self.doubtful = self.doubtful or missed is not None

    def _round(self) -> list[str]:
        """Ask every transform that may act, in order; the ids of those that changed the document."""
        busy = []
        facts, new, called = self.facts, self._new_text(), None
        names, quiet, spoken = facts.names, self.quiet, self.open
        for name, instructions, managers, needles, local, scripts in self.plan.asked:
            if quiet.get(name) is facts.document:
                continue
            # Most transforms are about nothing in a file: no call for those.
            absent = instructions and names.isdisjoint(instructions)
            if managers and not absent:
                if called is None:
                    called = facts.managers
                absent = called.isdisjoint(managers)
            if needles and not absent:
                # One that was not asked for want of a word can find it in what is new alone. Where it is about
                # something besides, that may have been what was missing.
                where = facts.text if name in spoken or instructions or managers else new
                for needle in needles:
                    if needle in where:
                        break
                else:
                    absent = True
            if absent:
                if name in spoken:  # it was asked before, and may have to take back what it said
                    self._pass_over(name)
                continue
            if local and not self.careful:
                changed = self._collect(name, instructions)
            else:
                if self.pending and not (scripts and self._form_only()):
                    self._apply_pending()
                changed = self._join_pending(name) if self.pending else self._exhaust(name)
            if changed:
                busy.append(name)
            if self.facts is not facts:
                facts, new, called = self.facts, self._new_text(), None
                names = facts.names
        if self.pending:
            self._apply_pending()
        self.read = self.read or frozenset(self.original.nodes)
        return busy

    def _new_text(self) -> str:
        """What none of the transforms that were not asked yet has looked through, in lower case."""
        if not self.read:
            return self.facts.text
        return "".join([node.text for node in self.document.nodes if node not in self.read]).lower()

    def _collect(self, name: str, about: tuple[str, ...]) -> bool:
        """Ask a transform that is local, and keep what it proposes for :meth:`_apply_pending`.

        :param about: the instructions it is about, if it says so: what is pending for these is made first.

        It is asked again in the next round: what others do meanwhile lies elsewhere, or is not local.
        """
        if name in self.broken or name in self.settled:
            return False
        if about and self.pending and self._pending_for(about):
            self._apply_pending()
        transform = self.known.load(name)
        todo = self._propose(transform, name)
        if todo is not None and any(not _nodes(todo).isdisjoint(_nodes(earlier)) for _, earlier in self.pending):
            self._apply_pending()
            todo = self._propose(transform, name)
        if todo is None:
            self.quiet[name] = self.document
            return False
        self.pending.append((name, todo))
        return True

    def _pending_for(self, names: tuple[str, ...]) -> bool:
        """Whether something is pending for an instruction by one of these names."""
        return any(
            isinstance(node, Instruction) and node.name in names
            for _, todo in self.pending
            for proposal in todo
            for node in proposal.nodes
        )

    def _form_only(self) -> bool:
        """Whether what is pending changes nothing that a transform of scripts looks at."""
        return self.plan.form.issuperset(name for name, _ in self.pending) and not self._pending_for(("RUN",))

    def _join_pending(self, name: str) -> bool:
        """Ask a transform that what is pending does not concern; True if it changed the document, that included.

        Most propose nothing, and what is pending stays so.
        """
        if name in self.broken or name in self.settled:
            return False
        before = self.document
        todo = self._propose(self.known.load(name), name)
        if todo is None:
            self.quiet[name] = before
            return False
        self.pending.append((name, todo))
        self._apply_pending()
        self._exhaust(name)
        return self.document is not before

    def _apply_pending(self) -> None:
        """Make what is pending in one edit: a document and its facts less for each transform but the first."""
        before, form = self.document, self._form_only()
        groups, self.pending = self.pending, []
        made = self._edited(proposal for _, todo in groups for proposal in todo) if len(groups) > 1 else None
        if made is not None and made.text != self.document.text:
            done = groups
            for name, todo in groups:
                self._journal(name, todo)
            self._move_to(made)
        else:
            done = groups[:1]
            self._apply(*groups[0])
        self.quiet.update((name, self.document) for name, _ in done if name in self.plan.once)
        if form and done == groups:
            for name in self.plan.scripts:  # what they have nothing to say on reads as it did
                if self.quiet.get(name) is before:
                    self.quiet[name] = self.document
        for name, _ in groups[len(done) :]:  # they got in each other's way: each on the text as it is by then
            self._exhaust(name)

    def _pass_over(self, name: str) -> None:
        """Nothing in the text is what a transform is about any more."""
        if name not in self.broken and name not in self.settled:
            self.open.pop(name, None)
            self.files.pop(name, None)

    def _look_around_again(self) -> None:
        """Read the facts from outside anew, with the text and the files as they are to be.

        A second run would: it has to find nothing to do. Who writes other files has said what it had to.
        """
        self.settled.update(self.files)
        outside = self.surroundings.outside
        if outside is not None:
            outside = outside._replace(overlay=tuple((edit.path, edit.after) for edit in self.written()))
        self.surroundings = Surroundings(outside, self.facts, only_safe=self.surroundings.only_safe)
        self.facts = Facts(self.document, self.surroundings, self.facts)
        self.quiet.clear()

    def _prove_files_again(self) -> None:
        """What was written early must still hold for the last text."""
        if not self.settled:
            return
        from dockopt.engine.files import prove_files

        facts = Facts(self.document, self.original_facts.surroundings.outside, self.facts)
        for name, proposals in list(self.files.items()):
            kept = []
            for proposal in proposals:
                missed = prove_files(facts, proposal.files)
                if missed is None:
                    kept.append(proposal)
                else:
                    self._reject(name, proposal, missed)
            self.files[name] = kept

    def _give_up(self, busy: list[str]) -> None:
        """The transforms do not settle: the original stays, and they are named."""
        self.document, self.facts = self.original, self.original_facts
        self.applied, self.open, self.files = [], {}, {}
        last = self.original.instructions[-1].end_line
        for name in busy:
            self.defects.append(
                Entry(
                    "defect",
                    name,
                    1,
                    last,
                    f"still changing the file after {MAX_ROUNDS} rounds",
                    cause="no-convergence",
                )
            )

    def _exhaust(self, name: str) -> bool:
        """Run one transform until it proposes nothing new; True if it changed the document."""
        if name in self.broken or name in self.settled:
            return False
        transform = self.known.load(name)
        changed = False
        for _ in range(MAX_PASSES):
            todo = self._propose(transform, name)
            if todo is None or not self._apply(name, todo):
                break
            changed = True
            if name in self.plan.once and not self.careful:
                break
        self.quiet[name] = self.document
        return changed

    def _propose(self, transform: Transform, name: str) -> list[Proposal] | None:
        """One pass: what may be applied now. The rest goes to the journal."""
        todo: list[Proposal] = []
        left: list[tuple[str, Proposal | Refusal]] = []
        taken: set[int] | None = None
        if self.files:
            self.files.pop(name, None)
        suppressions = self.suppressions
        unsafe = self.options.unsafe
        try:
            for result in transform.propose(self.document, self.facts):
                if suppressions is not None and suppressions.hides(name, result.nodes):
                    left.append(("suppressed", result))
                elif isinstance(result, Refusal):
                    left.append(("refused", result))
                elif result.safety is Safety.MANUAL:
                    left.append(("manual", result))
                elif not unsafe and (result.safety is Safety.UNSAFE or name not in self.plan.may_act):
                    left.append(("waiting", result))
                elif self.options.drop and entry_key(name, *_lines(result.nodes)) in self.options.drop:
                    left.append(("not-proven", result))
                elif self.banned and self._key(name, result) in self.banned:
                    continue
                elif result.files:
                    self._write(name, result)
                else:
                    ids = {node.id for node in result.nodes}
                    if taken is None:
                        taken = ids
                        todo.append(result)
                    elif taken.isdisjoint(ids):
                        taken |= ids
                        todo.append(result)
        except Exception as error:
            if _debug():
                raise
            self.broken.add(name)
            self.defects.append(
                _entry(
                    "defect", name, self.document.instructions, f"it failed: {type(error).__name__}: {error}", "crash"
                )
            )
            return None
        self.open[name] = left
        return todo or None

    def _write(self, name: str, proposal: Proposal) -> None:
        """Take up a proposal that writes other files; the last pass over the last text is what holds."""
        from dockopt.engine.files import prove_files

        missed = prove_files(self.facts, proposal.files)
        if missed is not None:
            self._reject(name, proposal, missed)
        elif not {edit.path for edit in proposal.files} & {edit.path for edit in self.written()}:
            self.files.setdefault(name, []).append(proposal)

    def written(self) -> tuple[FileEdit, ...]:
        """The other files to write."""
        return tuple(edit for proposals in self.files.values() for proposal in proposals for edit in proposal.files)

    def _key(self, name: str, proposal: Proposal) -> tuple[str, tuple[int, ...], str]:
        return name, tuple(node.id for node in proposal.nodes), proposal.message

    def _apply(self, name: str, todo: list[Proposal]) -> bool:
        if not self.careful and len(todo) > 1:
            made = self._edited(todo)
            if made is not None:
                if made.text == self.document.text:
                    self.banned.update(self._key(name, proposal) for proposal in todo)
                    return False
                self._accept(name, todo, made)
                return True
        changed = False
        present = set(self.document.nodes)
        for proposal in todo:
            if not present.issuperset(proposal.nodes):
                continue  # an earlier proposal of this pass took the node away: the next pass will see
            made = self._edited([proposal])
            if made is None:
                self._reject(name, proposal, "the edit could not be made")
                continue
            if made.text == self.document.text:
                self.banned.add(self._key(name, proposal))
                continue
            if self.careful:
                missed = prove(self.facts, Facts(made, self.surroundings), proposal.effects)
                if missed is not None:
                    self._reject(name, proposal, missed)
                    continue
            self._accept(name, [proposal], made)
            present = set(made.nodes)
            changed = True
        return changed

    def _edited(self, proposals: Iterable[Proposal]) -> Document | None:
        editor = Editor(self.document)
        try:
            for proposal in proposals:
                if proposal.edit is not None:
                    proposal.edit(editor)
            return editor.result()
        except (EditError, OverlapError):
            return None
        except Exception:
            if _debug():
                raise
            return None

    def _accept(self, name: str, proposals: list[Proposal], made: Document) -> None:
        self._journal(name, proposals)
        self._move_to(made)

    def _journal(self, name: str, proposals: list[Proposal]) -> None:
        for proposal in proposals:
            self.applied.append(_proposal_entry("applied", name, proposal))
            self.applied_effects.append(proposal.effects)

    def _move_to(self, made: Document) -> None:
        self.document, self.facts = made, Facts(made, self.surroundings, self.facts)
        if self.suppressions is not None:
            self.suppressions = Suppressions(made, self.known) or None

    def _reject(self, name: str, proposal: Proposal, missed: str) -> None:
        self.banned.add(self._key(name, proposal))
        self.doubtful = True
        entry = _proposal_entry("defect", name, proposal)
        self.defects.append(entry._replace(message=f"{proposal.message}: rolled back, {missed}", cause=missed))

    def journal(self) -> list[Entry]:
        """All entries, by line of the original file."""
        entries = [*self.applied, *self.defects]
        for name, proposals in self.files.items():
            entries.extend(_proposal_entry("applied", name, proposal) for proposal in proposals)
        for name, left in self.open.items() if not self.options.acting_only else ():  # a plain fix tells what it did
            entries.extend(_left_entry(kind, name, result) for kind, result in left)
        seen: set[Entry] = set()
        unique = [entry for entry in entries if not (entry in seen or seen.add(entry))]  # type: ignore[func-returns-value]
        order = self.plan.order
        return sorted(unique, key=lambda entry: (entry.start_line, order.get(entry.transform, 0)))


def merge(effects: Iterable[Effects]) -> Effects:
    """What several changes declare together."""
    total = NO_EFFECTS
    for one in effects:
        if one is not NO_EFFECTS:
            total = Effects(
                total.files_removed + one.files_removed,
                total.files_added + one.files_added,
                total.files_owned + one.files_owned,
                total.config + one.config,
                total.packages_added + one.packages_added,
                total.packages_removed + one.packages_removed,
                total.commands_removed + one.commands_removed,
                total.layers + one.layers,
            )
    return total


def _nodes(proposals: Iterable[Proposal]) -> set[int]:
    return {node.id for proposal in proposals for node in proposal.nodes}


def _lines(nodes: Iterable[Node]) -> tuple[int, int]:
    spans = [node.origin for node in nodes]
    return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else (1, 1)


def _left_entry(kind: str, name: str, result: Proposal | Refusal) -> Entry:
    if kind == "suppressed":
        return _entry("refused", name, result.nodes, "a comment asks to leave this alone", kind)
    if kind == "not-proven":
        return _entry("refused", name, result.nodes, "a build did not bear it out: left out", kind)
    if isinstance(result, Refusal):
        return _entry(kind, name, result.nodes, result.reason, result.cause)
    return _proposal_entry(kind, name, result)


def _entry(kind: str, name: str, nodes: Iterable[Node], message: str, cause: str) -> Entry:
    first, last = _lines(nodes)
    return Entry(kind, name, first, last, message, cause=cause)


def _proposal_entry(kind: str, name: str, proposal: Proposal) -> Entry:
    first, last = _lines(proposal.nodes)
    return Entry(
        kind, name, first, last, proposal.message, proposal.safety.value, "", proposal.evidence, proposal.effects
    )


def _debug() -> bool:
    import os

    return bool(os.environ.get("DOCKOPT_DEBUG"))
