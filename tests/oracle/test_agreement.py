"""dockopt reads a Dockerfile as BuildKit does: on every fixture, and on files made up by hypothesis."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockopt.api import dump, load
from tests.oracle import strategies
from tests.oracle.buildkit import BuildKit, disagreements, newer_only, rejected

FIXTURES = Path(__file__).parents[2] / "fixtures"
#: More for a long trial: DOCKOPT_EXAMPLES=20000 pytest tests/oracle
SETTINGS = settings(
    max_examples=int(os.environ.get("DOCKOPT_EXAMPLES", "400")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_every_fixture_is_read_as_buildkit_reads_it(buildkit: BuildKit) -> None:
    files = sorted(FIXTURES.rglob("*Dockerfile"))
    assert files, f"no fixture below {FIXTURES}"
    wrong = {
        str(file.relative_to(FIXTURES)): found
        for file in files
        if (found := disagreements(file.read_bytes(), buildkit))
    }
    assert not wrong


@SETTINGS
@given(text=strategies.dockerfiles())
def test_made_up_files_are_read_as_buildkit_reads_them(buildkit: BuildKit, text: str) -> None:
    assert disagreements(text.encode(), buildkit) == []


@SETTINGS
@given(text=strategies.dockerfiles())
def test_made_up_files_come_back_byte_for_byte(text: str) -> None:
    data = text.encode()
    assert dump(load(data)) == data


@SETTINGS
@given(data=st.binary(max_size=400))
def test_any_bytes_come_back(data: bytes) -> None:
    assert dump(load(data)) == data


@SETTINGS
@given(data=st.lists(st.sampled_from(list(b"RUN# \\`\"'<\r\n\t\x00\xef\xbb\xbf\xff[]=$-E")), max_size=60).map(bytes))
def test_any_bytes_near_the_grammar_come_back_and_are_read_alike(buildkit: BuildKit, data: bytes) -> None:
    assert dump(load(data)) == data
    assert disagreements(data, buildkit) == []


def test_made_up_files_exercise_both_verdicts() -> None:
    """The strategy must not drift to files nobody can compare."""
    verdicts = {"accepted": 0, "rejected": 0, "newer": 0}

    @settings(SETTINGS, max_examples=200, database=None)
    @given(text=strategies.dockerfiles())
    def count(text: str) -> None:
        document = load(text.encode())
        kind = "newer" if newer_only(document) else "rejected" if rejected(document) else "accepted"
        verdicts[kind] += 1

    count()
    assert verdicts["accepted"] >= 60
    assert verdicts["rejected"] >= 20
    assert verdicts["newer"] <= 60


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN x\\",
        "FROM a\nRUN \\\n\n\n",
        "FROM a\nRUN x \\\n# c\n",
        "FROM a\n\\\nRUN y\n",
        "FROM a\n`\n",
    ],
)
def test_ends_and_starts_of_continuations(buildkit: BuildKit, text: str) -> None:
    assert disagreements(text.encode(), buildkit) == []
