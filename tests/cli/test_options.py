"""The quick way to read a command line and typer's agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockopt import __version__
from dockopt.cli import app, commands
from dockopt.cli.options import COMMANDS, OPTIONS, Arguments, parse
from tests.cli.support import Run


class Through:
    """What typer makes of a command line: the arguments the runner would get, or an exit code."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: list[Arguments] = []

        def run(arguments: Arguments) -> int:
            self._seen.append(arguments)
            return 77

        monkeypatch.setattr(commands, "run", run)

    def __call__(self, words: Sequence[str]) -> Arguments | int:
        self._seen.clear()
        code = app.main(words)
        if code == 77:
            (arguments,) = self._seen
            return arguments
        return code


@pytest.fixture(scope="module")
def typer() -> Any:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Through(monkeypatch)


LINES = [
    "fix",
    "check",
    "fix -",
    "fix a b",
    "fix --diff",
    "fix a --diff b --check",
    "fix --unsafe-fixes",
    "fix --no-unsafe-fixes",
    "fix --unsafe-fixes --no-unsafe-fixes",
    "fix --select a,b --select c --ignore d .",
    "fix --select=a,b --ignore=d .",
    "fix --select= x",
    "fix --output-format json --output out x",
    "fix --output-format=text --output=out x",
    "fix --output-format json --output-format text",
    "fix --output a --output b",
    "fix --exit-non-zero-on-fix --verbose",
    "fix --quiet --verbose",
    "check --verbose --select a --ignore b --output-format json --output out x y",
]


@pytest.mark.parametrize("line", LINES)
def test_plain_lines_are_read_alike(typer: Through, line: str) -> None:
    words = line.split()
    quick = parse(words)
    assert quick is not None
    assert typer(words) == quick


@pytest.mark.parametrize(
    "line",
    [
        "", "--help", "--version", "fix --help", "rules", "explain x", "nonsense", "fixx a", "fix --dif",
        "fix --nonsense", "fix -v", "fix --diff=1", "fix --no-diff", "fix --unsafe-fixes=1", "fix --select",
        "fix --output", "fix --output-format", "fix --output-format xml", "fix --output-format=", "fix -- a",
        "fix --select --diff", "check --diff", "check --unsafe-fixes", "--diff fix",
    ],
)  # fmt: skip
def test_all_else_is_left_to_typer(line: str) -> None:
    assert parse(line.split()) is None


WORDS = st.sampled_from(
    [option.name for option in OPTIONS]
    + ["--no-unsafe-fixes", "--select=a", "--output=", "--output-format=json", "--output-format=xml"]
    + ["a", "b,c", "json", "text", "-", "./x y", "é"]
)


@settings(max_examples=60, deadline=None)
@given(command=st.sampled_from(sorted(COMMANDS)), words=st.lists(WORDS, max_size=6))
def test_wherever_both_have_an_answer_it_is_the_same(typer: Through, command: str, words: list[str]) -> None:
    quick = parse([command, *words])
    if quick is not None:
        assert typer([command, *words]) == quick


def test_every_option_fills_a_field() -> None:
    assert {option.field for option in OPTIONS} == set(Arguments._fields) - {"command", "paths"}


class TestTyper:
    def test_help(self, dockopt: Run) -> None:
        done = dockopt("fix", "--help")
        assert (done.code, done.err) == (0, "")
        own = {option.name for option in OPTIONS if "fix" in option.commands}
        assert own <= set(done.out.decode().split())
        assert "--touch" not in done.out.decode(), "an option of measure alone"
        top = dockopt("--help")
        assert top.code == 0
        for command in ("fix", "check", "explain", "rules"):
            assert f"  {command} " in top.out.decode()

    def test_version(self, dockopt: Run) -> None:
        done = dockopt("--version")
        assert (done.code, done.out.decode()) == (0, f"dockopt {__version__}\n")

    def test_nothing_at_all_shows_the_help(self, dockopt: Run) -> None:
        done = dockopt()
        assert done.code == 2
        assert "Usage: dockopt" in done.err

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("fix", "--diff", "--dif"), "No such option: --dif"),
            (("fix", "--output-format", "xml"), "Invalid value for '--output-format': "),
            (("fix", "--select"), "Option '--select' requires an argument"),
            (("check", "--diff"), "No such option: --diff"),
            (("fixx",), "No such command 'fixx'"),
            (("explain",), "Missing argument 'ID'"),
            (("fix", "--verbose", "--quiet"), "--verbose and --quiet exclude each other"),
        ],
    )
    def test_mistakes_are_one_line(self, dockopt: Run, words: tuple[str, ...], message: str) -> None:
        done = dockopt(*words)
        assert (done.code, done.out) == (2, b"")
        assert done.err.startswith(f"dockopt: {message}")
        assert done.err.count("\n") == 1


def test_the_quick_way_imports_nothing_slow(dockopt: Run) -> None:
    (dockopt.folder / "Dockerfile").write_bytes(b"FROM a\n")
    code = (
        "import sys\nfrom dockopt.__main__ import main\nmain()\n"
        "slow = {'typer', 'click', 'rich', 'pathspec', 'tomllib', 'inspect', 'dataclasses', 'pathlib',"
        " 'importlib.metadata', 'multiprocessing', 'concurrent.futures', 'difflib', 'tempfile'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, "fix", "--diff", "--quiet", "Dockerfile"],
        cwd=dockopt.folder,
        env=dockopt.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr
