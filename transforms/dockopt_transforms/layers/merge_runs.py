"""Consecutive RUN instructions as one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dockopt.api import Document, Editor, Effects, Facts, Phase, Proposal, Refusal, Transform
from dockopt_transforms.layers._chain import Member, chain, sequences
from dockopt_transforms.layers._join import join
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._purpose import BUILD, NONE, starts_elsewhere, steps, traits

MAX_COMMANDS = 30  #: a chain longer than this is hard to read, and to find a failing command in
MAX_LINES = 60
SECTION = 3  #: chains of so many commands under a comment of their own read better apart
MAX_LENGTH = 32 * 1024  #: a quarter of what Linux takes as one argument (MAX_ARG_STRLEN)


class MergeRuns(Transform):
    """Merge consecutive RUN instructions into one.

    What:
        Joins RUN instructions that follow one another with ``&&``, each command on a line of its own in the
        file's own style. Comments between them become comment lines at the same place. A script that
        changes directory, sets variables or uses ``;`` or ``||`` goes in parentheses, where that is exact.

    Why:
        Every RUN is a layer. A file that a later RUN deletes stays in the layer before it, so the image
        keeps paying for it; and each layer costs a round trip when the image is pulled.

    Safety:
        Safe: the same commands run in the same order, and a failing one still stops the build. RUN
        instructions with nothing between them share one cache fate but for edits of their own text.

    Refuses:
        build-stage: only COPY --from reads the stage, so its layers ship nowhere and cache better apart
        cache-boundary: they do different kinds of costly work, so an edit of one would redo the other
        own-section: both are chains of some length, and a comment heads the second
        different-flags: their mounts, network or security flags differ
        scratch-mount: they mount something writable that does not outlast its RUN
        json-form: one of them is in JSON form, which has no shell
        heredoc: one of them has a heredoc
        opaque-script: the script is not one that dockopt reads
        trailing-comment: a shell comment behind a command would swallow what follows
        suppression: a comment for a linter or another tool belongs to one of them alone
        commented-out: an instruction that is commented out stands between them
        background-job: a command is left running in the background
        daemon-started: a service that was started keeps running until the end of its RUN
        errexit: the script relies on set -e, which has no effect on the left of &&
        shell-state-leaks: a trap, an alias or a sourced file would reach into the commands that follow
        shell-startup: the shell reads start-up files first, which the RUN before may have written
        shell-replaced: the RUN before replaces /bin/sh
        command-moves: the shell remembers where a command is, and the RUN before may move it
        workdir-moves: the RUN before takes away the working directory
        user-changes: the RUN before changes the user it runs as
        mounted-by-builder: the RUN before writes where the builder mounts a file anew for each
        long-chain: the chain would be too long to read

    References:
        https://docs.docker.com/build/building/best-practices/#run
        https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_09_03
        hadolint DL3059
    """

    id = "merge-runs"
    phase = Phase.LAYERS
    local = True
    thorough = True
    after = (
        "npm-cache-clean",
        "yarn-cache-clean",
        "pnpm-store-prune",
        "bun-cache-clean",
        "go-cache-clean",
        "cargo-cache-clean",
        "maven-cache-clean",
        "gradle-cache-clean",
        "nuget-cache-clean",
        "composer-cache-clean",
    )
    aliases = ("DL3059",)
    instructions = ("RUN",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for sequence in sequences(document, facts):
            stage = facts.stages.of(sequence[0].node)
            if stage is None:
                continue
            if not facts.stages.ships(stage):
                nodes = [member.node for member in sequence]
                yield Refusal(nodes, "build-stage", "the stage's layers ship nowhere, and cache better apart")
                continue
            yield from _groups(document, facts, sequence)


def _groups(document: Document, facts: Facts, sequence: list[Member]) -> Iterator[Proposal | Refusal]:
    known: dict[tuple[_Group, _Group], Obstacle] = {}
    groups, obstacles = _joined([_Group(member) for member in sequence], facts, known, tight=True)
    before = 0
    while len(groups) != before:
        # What a later RUN brings (the removal of packages) may join groups that stayed apart before.
        before = len(groups)
        groups, obstacles = _joined(groups, facts, known, tight=False)
    for (one, other), obstacle in zip(pairwise(groups), obstacles, strict=True):
        yield Refusal((one.members[-1].node, other.members[0].node), obstacle.cause, obstacle.reason)
    for group in groups:
        if len(group.members) > 1:
            yield _proposal(document, group.members)


def _joined(
    groups: list[_Group], facts: Facts, known: dict[tuple[_Group, _Group], Obstacle], *, tight: bool
) -> tuple[list[_Group], list[Obstacle]]:
    """Join neighbours, and what keeps the others apart; with ``tight`` only those with no line between them.

    :param known: what keeps groups apart, from one round to the next.

    Sections of a file are set off by blank lines and comments: what stands together joins first.
    """
    joined, obstacles = [groups[0]], []
    for group in groups[1:]:
        if tight and group.members[0].between:
            joined.append(group)
            continue
        last = joined[-1]
        obstacle = known.get((last, group)) or last.apart(group, facts)
        if obstacle is None:
            joined[-1] = last.joined(group)
        else:
            known[last, group] = obstacle
            joined.append(group)
            obstacles.append(obstacle)
    return joined, obstacles


class _Group:
    """RUN instructions that become one."""

    def __init__(self, member: Member) -> None:
        self.members = [member]
        known = traits(member.view) if member.view is not None else NONE
        self.work = known.work
        self.takes_back = known.takes_back
        self.commands = len(member.view.script.commands) if member.view is not None else 0
        self.lines = member.lines
        self.length = len(member.node.line)

    @property
    def elsewhere(self) -> bool:
        return any(starts_elsewhere(member.view) for member in self.members if member.view is not None)

    @property
    def steps(self) -> int:
        return sum(steps(member.view) for member in self.members if member.view is not None)

    def joined(self, other: _Group) -> _Group:
        """Both as one; :meth:`apart` said that they may be."""
        both = _Group.__new__(_Group)
        both.members = [*self.members, *other.members]
        both.work = self.work | other.work
        both.takes_back = self.takes_back or other.takes_back
        both.commands = self.commands + other.commands
        both.lines = self.lines + other.lines
        both.length = self.length + other.length
        return both

    def apart(self, other: _Group, facts: Facts) -> Obstacle | None:
        """Why the two stay apart. Where they need not, the members know whether they go in parentheses."""
        last, first = self.members[-1], other.members[0]
        obstacle = last.unfit or first.unfit or first.keeps_apart() or self._no_gain(other)
        if obstacle is not None:
            return obstacle
        return join(self.members, other.members, facts)

    def _no_gain(self, other: _Group) -> Obstacle | None:
        if self.members[0].flags != other.members[0].flags:
            return Obstacle("different-flags", "their mounts, network or security flags differ")
        if (
            self.commands + other.commands > MAX_COMMANDS
            or self.lines + other.lines > MAX_LINES
            or self.length + other.length > MAX_LENGTH
        ):
            return Obstacle("long-chain", "the chain would be too long to read")
        if other.takes_back:
            return None
        if other.members[0].comments and min(self.steps, other.steps) >= SECTION:
            return Obstacle("own-section", "both are chains of some length, and a comment heads the second")
        if not self.work or not other.work:
            return None
        if BUILD in self.work and BUILD in other.work and (other.members[0].between or other.elsewhere):
            return Obstacle("cache-boundary", "both build from source, so an edit of one would build the other again")
        if not (self.work <= other.work or other.work <= self.work):
            ours, theirs = " and ".join(sorted(self.work)), " and ".join(sorted(other.work))
            return Obstacle(
                "cache-boundary", f"{ours} and {theirs} are cached apart, so an edit of one keeps the other"
            )
        return None


def _proposal(document: Document, members: list[Member]) -> Proposal:
    nodes = [member.node for member in members]
    between = [node for member in members[1:] for node in member.between]

    def edit(editor: Editor) -> None:
        editor.replace(nodes[0], chain(document, members), absorbed=[*nodes[1:], *between])

    count = {2: "two", 3: "three", 4: "four"}.get(len(members), str(len(members)))
    return Proposal(
        nodes, f"merge {count} consecutive RUN instructions", edit, effects=Effects(layers=1 - len(members))
    )
