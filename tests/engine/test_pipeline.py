"""The engine with transforms made to misbehave: nothing that misses the proof reaches the file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Options,
    Outcome,
    Phase,
    Proposal,
    Refusal,
    Registry,
    Safety,
    Spec,
    Transform,
    load,
    rewrite_document,
)
from dockopt.engine.pipeline import rewrite
from dockopt.engine.registry import PluginError
from dockopt.facts.outside import Outside

TEXT = b"FROM debian:trixie\n# about it\nRUN apt-get install -y curl && \\\n    # inner\n    make\nENV A=1\nCMD sh\n"


def make(
    name: str, change: Callable[[Editor, Document], None], *, once: str | None = None, **keywords: object
) -> type[Transform]:
    """A transform that proposes ``change`` on the RUN while the text does not hold ``once``."""

    class Made(Transform):
        """Do something for a test."""

        id = name
        phase = Phase.REPAIR

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            if once is not None and once in document.text:
                return
            node = next(node for node in document.instructions if node.name == "RUN")
            yield Proposal(node, name, lambda editor: change(editor, document), **keywords)  # type: ignore[arg-type]

    return Made


def run(*transforms: type[Transform], text: bytes = TEXT, **options: object) -> Outcome:
    known = Registry([Spec.of(cls) for cls in transforms], {cls.id: cls for cls in transforms})
    return rewrite_document(load(text), text, Options(**options), known)  # type: ignore[arg-type]


def the_run(document: Document) -> Instruction:
    return next(node for node in document.instructions if node.name == "RUN")


def replace_run(text: str) -> Callable[[Editor, Document], None]:
    return lambda editor, document: editor.replace(the_run(document), text)


def insert(text: str) -> Callable[[Editor, Document], None]:
    return lambda editor, document: editor.insert_after(the_run(document), text)


GOOD = make("good", insert("# made by good\n"), once="made by good")


@pytest.mark.parametrize(
    ("name", "change", "missed"),
    [
        ("drops-comment", replace_run("RUN apt-get install -y curl && make\n"), "comment would be lost"),
        (
            "drops-package",
            replace_run("RUN apt-get install -y wget && \\\n    # inner\n    make\n"),
            "no longer be installed",
        ),
        (
            "adds-package",
            replace_run("RUN apt-get install -y curl git && \\\n    # inner\n    make\n"),
            "installed besides",
        ),
        (
            "breaks-shell",
            replace_run("RUN apt-get install -y curl && \\\n    # inner\n    if make\n"),
            "no longer parses",
        ),
        ("drops-command", replace_run("RUN apt-get install -y curl\n    # inner\n"), "make would no longer be called"),
        ("changes-env", insert("ENV A=2\nENV B=1\n"), "env:B"),
        ("changes-user", insert("USER app\n"), "user of the final image"),
        ("changes-cmd", insert('ENTRYPOINT ["x"]\n'), "entrypoint"),
        ("rejected", insert("FROM a b c d\n"), "BuildKit would reject"),
        ("rejected-by-the-parser", insert("LABEL a=b c\n"), "BuildKit would reject"),
        ("overlong", insert(f"# {'x' * 65536}\n"), "BuildKit would reject"),
        ("swallows", replace_run("RUN apt-get install -y curl && \\\n    # inner\n    make \\\n"), "read back"),
        ("heredoc-left-open", insert("RUN <<EOF\n"), "read back"),
    ],
)
def test_what_a_change_breaks_rolls_it_back_alone(
    name: str, change: Callable[[Editor, Document], None], missed: str
) -> None:
    outcome = run(make(name, change), GOOD)
    assert outcome.after == TEXT.replace(b"make\n", b"make\n# made by good\n")
    defects = [entry for entry in outcome.entries if entry.kind == "defect"]
    assert [entry.transform for entry in defects] == [name]
    assert missed in defects[0].message


def test_declared_effects_are_let_through() -> None:
    bold = make("bold", insert("USER app\n"), once="USER", effects=Effects(config=("user",)))
    outcome = run(bold)
    assert b"USER app" in outcome.after
    assert [entry.kind for entry in outcome.entries] == ["applied"]


def test_a_command_goes_only_where_that_is_declared() -> None:
    text = TEXT.replace(b"    # inner\n", b"")
    change = replace_run("RUN apt-get install -y curl\n")
    assert run(make("drops", change), text=text).after == text
    bold = make("drops", change, once="RUN apt-get install -y curl\n", effects=Effects(commands_removed=("make",)))
    assert b"make" not in run(bold, text=text).after


def test_unsafe_waits_until_asked_for() -> None:
    bold = make("bold", insert("# bold\n"), once="# bold", safety=Safety.UNSAFE)
    waiting = run(bold)
    assert waiting.after == TEXT
    assert [entry.kind for entry in waiting.entries] == ["waiting"]
    assert b"# bold" in run(bold, unsafe=True).after


def test_manual_is_never_applied() -> None:
    outcome = run(make("by-hand", insert("# x\n"), safety=Safety.MANUAL), unsafe=True)
    assert (outcome.after, [entry.kind for entry in outcome.entries]) == (TEXT, ["manual"])


def test_transforms_that_undo_each_other_leave_the_original() -> None:
    there = make("there", insert("# flag\n"), once="# flag")

    class Back(Transform):
        """Take the flag away again."""

        id = "back"
        phase = Phase.SHELL

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            for node in document.nodes:
                if node.text == "# flag\n":
                    yield Proposal(node, "back", lambda editor, node=node: editor.remove(node))  # type: ignore[misc]

    outcome = run(there, Back)
    assert outcome.after == TEXT
    assert {entry.transform for entry in outcome.entries if entry.cause == "no-convergence"} == {"there", "back"}


def test_a_transform_that_crashes_does_not_stop_the_others() -> None:
    class Crash(Transform):
        """Crash."""

        id = "crash"
        phase = Phase.REPAIR

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            raise RuntimeError("boom")
            yield

    outcome = run(Crash, GOOD)
    assert b"made by good" in outcome.after
    assert [entry.cause for entry in outcome.entries if entry.kind == "defect"] == ["crash"]


@pytest.mark.parametrize(
    "text",
    [
        b"FROM a\n# dockopt: ignore\nRUN make\n",
        b"FROM a\n# dockopt: ignore[good] it has to stay\nRUN make\n",
        b"FROM a\n# dockopt: ignore=good\nRUN make\n",
        b"FROM a\nRUN make && \\\n  # dockopt: ignore[good]\n  more\n",
        b"# dockopt: ignore[good]\nFROM a\nRUN make\n",
        b"FROM a\n# hadolint ignore=DL9999,SC1000\nRUN make\n",
        b"# hadolint global ignore=DL9999\nFROM a\nRUN make\n",
        b"# check=skip=GoodRule;error=true\nFROM a\nRUN make\n",
        b"# check=skip=all\nFROM a\nRUN make\n",
        b"FROM a\n# tally ignore=hadolint/DL9999\nRUN make\n",
    ],
)
def test_a_suppressed_change_is_a_refusal(text: bytes) -> None:
    GOOD.aliases = ("DL9999", "GoodRule")
    outcome = run(GOOD, text=text)
    assert outcome.after == text
    assert [entry.cause for entry in outcome.entries] == ["suppressed"]


@pytest.mark.parametrize(
    "text",
    [
        b"FROM a\n# dockopt: ignore[other]\nRUN make\n",
        b"FROM a\n# dockopt: ignore\nENV a=1\nRUN make\n",
        b"FROM a\n# hadolint ignore=DL9999\n\nRUN make\n",
        b"FROM a\n# please do not ignore this\nRUN make\n",
    ],
)
def test_a_suppression_reaches_no_further(text: bytes) -> None:
    GOOD.aliases = ("DL9999", "GoodRule")
    assert b"made by good" in run(GOOD, text=text).after


def test_line_endings_and_the_missing_final_newline_stay() -> None:
    text = b"FROM a\r\nRUN make"
    last = make(
        "last",
        lambda editor, document: editor.insert_after(the_run(document), "# made by last" + editor.eol),
        once="made by",
    )
    outcome = run(last, text=text)
    assert outcome.after == b"FROM a\r\nRUN make\r\n# made by last"


def test_two_proposals_on_one_node_take_two_passes() -> None:
    class Twice(Transform):
        """Append two words, each by a proposal of its own."""

        id = "twice"
        phase = Phase.REPAIR

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            node = the_run(document)
            for word in ("one", "two"):
                if word not in node.line:
                    yield Proposal(
                        node,
                        f"add {word}",
                        lambda editor, word=word: editor.splice(node, [(node.args_end, node.args_end, " " + word)]),  # type: ignore[misc]
                    )

    outcome = run(Twice, text=b"FROM a\nRUN make\n")
    assert outcome.after == b"FROM a\nRUN make one two\n"


@pytest.mark.parametrize(
    "text",
    [
        b"FROM a\nRUN make && \\\n  b \\\n",
        b"FROM a\nRUN make \\",
        b"FROM a\nRUN \\\n make\n",
        b"FROM a\nRUN make \\\n# c\n",
    ],
)
def test_what_the_second_reader_cannot_read_is_left_to_the_first(text: bytes) -> None:
    first = make("first", lambda editor, document: editor.insert_before(the_run(document), "# above\n"), once="# above")
    outcome = run(first, text=text)
    assert [entry.kind for entry in outcome.entries] == ["applied"], outcome.entries


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, False), ({"acting_only": True}, True), ({"acting_only": True, "unsafe": True}, False)],
)
def test_transforms_hear_when_only_safe_changes_are_told(options: dict[str, bool], told: bool) -> None:
    heard: list[bool] = []

    class Listens(Transform):
        """Listen for a test."""

        id = "listens"
        phase = Phase.REPAIR

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            heard.append(facts.only_safe)
            yield from ()

    run(Listens, GOOD, **options)
    assert heard
    assert set(heard) == {told}


def test_what_two_conditions_call_for_is_done_in_one_run(tmp_path: Path) -> None:
    """chown-in-copy needs a COPY and a ``chmod``: the one comes with the first round, the other was there."""
    (tmp_path / "setup.sh").write_text("#!/bin/sh\n")
    text = b"FROM debian:12\nADD setup.sh /usr/bin/setup.sh\nRUN chmod 755 /usr/bin/setup.sh\n"
    outside = Outside(str(tmp_path / "Dockerfile"))
    for options in (Options(), Options(acting_only=True), Options(careful=True)):
        once = rewrite(text, options, outside).after
        assert b"COPY --chmod=755 setup.sh /usr/bin/setup.sh" in once
        assert rewrite(once, options, outside).after == once


def test_a_change_of_form_moves_no_indent() -> None:
    text = (
        b"FROM node:20\nENV a b\nENV c d\nENV e f\nENV g h\nRUN echo a && \\\n      echo b\nENV q=1\n"
        b"RUN npm config set python python2.7 && npm install -g forever bower grunt-cli node-gyp something-long another-long\n"
    )
    assert rewrite(text, Options()).after == rewrite(text, Options(careful=True)).after


def test_one_string_for_a_list_of_them_is_told() -> None:
    class Silent(Transform):
        """Be about nothing."""

        id = "silent"
        phase = Phase.REPAIR
        instructions = "RUN"  # type: ignore[assignment]

    with pytest.raises(PluginError, match="transform silent: instructions must be a tuple of strings"):
        Spec.of(Silent)


def test_a_line_that_would_grow_too_long_stays() -> None:
    begin = b"RUN yum install curl && echo "
    text = b"FROM centos:7\n" + begin + b"x" * (65534 - len(begin)) + b"\n"
    outcome = rewrite(text, Options())
    assert outcome.error is None
    assert not load(text).problems and not load(outcome.after).problems
    assert {entry.cause for entry in outcome.entries if entry.kind == "defect"} == {
        "BuildKit would reject the result: line greater than the 65535 bytes BuildKit reads"
    }
