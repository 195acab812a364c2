"""Keywords in one case, AS in the case of its FROM, stage names in lower case."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Edit, Editor, Facts, Instruction, Phase, Proposal, Refusal, Safety, Stage, Transform

_REFERENCE = re.compile(r"(?:\A|,)from=([^,]+)")


class MatchCasing(Transform):
    """Write keywords in the case most of them have, and stage names in lower case.

    What:
        Gives every keyword the case that BuildKit's check wants, upper unless most are lower; ``AS`` follows its
        FROM; a stage's name, and what refers to it, is written in lower case.

    Why:
        BuildKit lowers stage names itself and warns about mixed case, which hides that ``Build`` and ``build``
        are one stage.

    Safety:
        Safe: BuildKit reads keywords and stage names in any case. Manual: a second stage of one name is only shown.

    Refuses:
        reference-unreadable: a stage's name stands in a flag with quotes or escapes, where it is left as it is

    References:
        https://docs.docker.com/reference/build-checks/consistent-instruction-casing/
        https://docs.docker.com/reference/build-checks/from-as-casing/
        https://docs.docker.com/reference/build-checks/stage-name-casing/
        https://docs.docker.com/reference/build-checks/duplicate-stage-name/
    """

    id = "match-casing"
    phase = Phase.REPAIR
    local = True
    form = True
    safety = "manual"
    aliases = ("ConsistentInstructionCasing", "FromAsCasing", "StageNameCasing", "DuplicateStageName")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        lower = document.lower_case
        for node in document.instructions:
            keyword, name = node.keyword, node.name
            wrong = not (keyword.islower() if lower else keyword.isupper())
            if wrong or name == "FROM" or (name in ("COPY", "RUN") and node.flags):
                result = self._look(node, facts, lower, wrong=wrong)
                if result is not None:
                    yield result
        yield from _duplicates(facts)

    def _look(self, node: Instruction, facts: Facts, lower: bool, *, wrong: bool) -> Proposal | Refusal | None:
        edits: list[Edit] = []
        what: list[str] = []
        if wrong:
            start = node.keyword_start
            keyword = node.keyword.lower() if lower else node.keyword.upper()
            edits.append((start, start + len(keyword), keyword))
            what.append(f"write {node.keyword} in {'lower' if lower else 'upper'} case")
        if node.name == "FROM":
            edits.extend(_from(node, facts, lower, what))
        else:
            for start, end in _references(node):
                name = node.line[start:end]
                if name != name.lower() and facts.stages.find(name) is not None:
                    edits.append((start, end, name.lower()))
                    what.append(f"write the stage's name {name} in lower case")
        if not edits:
            if node.name != "FROM" and _hidden(node, facts):
                return Refusal(node, "reference-unreadable", "the stage's name stands in a quoted flag")
            return None

        def edit(editor: Editor) -> None:
            editor.splice(node, edits)

        return Proposal(node, ", ".join(what), edit)


def _from(node: Instruction, facts: Facts, lower: bool, what: list[str]) -> Iterator[Edit]:
    words = node.tokens
    stage = facts.stages.of(node)
    parent = stage.parent.name if stage is not None and stage.parent is not None else ""
    base = words[0]
    if base.text != parent and base.text.lower() == parent:
        yield base.start, base.end, parent
        what.append(f"write the stage's name {base.text} in lower case")
    if len(words) != 3:
        return
    as_, name = words[1], words[2]
    wanted = "as" if lower else "AS"
    if as_.text != wanted:
        yield as_.start, as_.end, wanted
        what.append(f"write {as_.text} like its FROM")
    if name.text != name.text.lower():
        yield name.start, name.end, name.text.lower()
        what.append(f"write the stage's name {name.text} in lower case")


def _references(node: Instruction) -> Iterator[tuple[int, int]]:
    """Where the flags of COPY and RUN name stages."""
    for flag in node.flags:
        value = flag.value
        if not value or node.line[flag.start : flag.end] != flag.text:
            continue
        base = flag.end - len(value)
        if flag.name == "from":
            yield base, flag.end
        elif flag.name == "mount":
            for match in _REFERENCE.finditer(value):
                yield base + match.start(1), base + match.end(1)


def _hidden(node: Instruction, facts: Facts) -> bool:
    """Whether a flag with quotes or escapes names a stage in another case than lower."""
    for flag in node.flags:
        if flag.name == "from" and flag.value and node.line[flag.start : flag.end] != flag.text:
            return flag.value != flag.value.lower() and facts.stages.find(flag.value) is not None
    return False


def _duplicates(facts: Facts) -> Iterator[Proposal]:
    seen: dict[str, Stage] = {}
    for stage in facts.stages.all:
        if not stage.name:
            continue
        if stage.name in seen:
            yield _rename(stage, seen[stage.name])
        seen[stage.name] = stage


def _rename(stage: Stage, first: Stage) -> Proposal:
    name = stage.from_.tokens[2]

    def edit(editor: Editor) -> None:
        editor.splice(stage.from_, [(name.start, name.end, f"{name.text}-{stage.index}")])

    return Proposal(
        stage.from_,
        f"give this stage another name than the one of line {first.from_.start_line}, or nothing reaches that one",
        edit,
        safety=Safety.MANUAL,
    )
