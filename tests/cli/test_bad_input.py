"""Bad input: one clear line, exit code 2 (130 for ctrl-C), nothing half-written, the other files still done."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import AFTER, BEFORE, SELECT, Run

#: Makes each file take a while, and tells of the first one by a file named ``started``.
SLOW = """
import time
import dockopt.workspace.run as run
rewrite = run.rewrite
def slow(data, options, outside=None):
    open("started", "w").close()
    time.sleep(0.3)
    return rewrite(data, options, outside)
run.rewrite = slow
"""


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("dockopt: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0].removeprefix("dockopt: ")


def leftovers(folder: Path) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names if ".dockopt" in name]


@pytest.mark.parametrize("command", ["fix", "check"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "does not exist"),
        ("binary", "is a binary file (it holds NUL bytes), not a Dockerfile"),
        ("empty", "is empty; there is nothing to rewrite"),
        ("large", "has 10.0 MB; no Dockerfile over 1 MB is read"),
        ("dangling", "is a dangling symbolic link: its target gone does not exist"),
        ("pipe", "is not a regular file; use - to read standard input"),
    ],
)
def test_a_bad_file_among_good_ones(dockopt: Run, file: Path, command: str, kind: str, message: str) -> None:
    bad = dockopt.folder / "bad.Dockerfile"
    match kind:
        case "binary":
            bad.write_bytes(b"\x7fELF\0")
        case "empty":
            bad.write_bytes(b"")
        case "large":
            bad.write_bytes(b"RUN true\n" * (10_000_000 // 9))
        case "dangling":
            bad.symlink_to("gone")
        case "pipe":
            os.mkfifo(bad)
    done = dockopt(command, SELECT, "bad.Dockerfile", "Dockerfile")
    assert done.code == 2
    assert one_line(done.err) == f"bad.Dockerfile: {message}"
    assert done.err.endswith("1 error\n")
    assert file.read_bytes() == (AFTER if command == "fix" else BEFORE)
    assert leftovers(dockopt.folder) == []


def test_a_folder_that_does_not_exist(dockopt: Run) -> None:
    done = dockopt("fix", "nowhere/")
    assert (done.code, one_line(done.err)) == (2, "nowhere: does not exist")
    assert "--unsafe-fixes" not in done.err  # nothing was read that could be changed


def test_a_wrong_configuration_is_no_missing_dockerfile(dockopt: Run, file: Path) -> None:
    (dockopt.folder / "dockopt.toml").write_text("ignore = 3\n")
    done = dockopt("fix", ".")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert one_line(done.err).startswith("dockopt.toml: ignore must be")


def test_a_malformed_gitignore_stops_nothing(dockopt: Run, file: Path) -> None:
    (dockopt.folder / ".git").mkdir()
    (dockopt.folder / ".gitignore").write_text("[z-a]\n")
    assert dockopt("fix", SELECT, ".").code == 0
    assert file.read_bytes() == AFTER


def test_what_buildkit_rejects(dockopt: Run, file: Path) -> None:
    (dockopt.folder / "bad").write_bytes(b"FROM a\n\nNONSENSE b\n")
    done = dockopt("fix", SELECT, "bad", "Dockerfile")
    assert done.code == 2
    assert one_line(done.err).startswith("bad:3: ")
    assert (dockopt.folder / "bad").read_bytes() == b"FROM a\n\nNONSENSE b\n"
    assert file.read_bytes() == AFTER


class TestWithoutRights:
    """As somebody whom the rights of files bind: root, too, once its power to pass them over is dropped."""

    @pytest.fixture
    def plain(self, dockopt: Run) -> Run:
        if os.geteuid() == 0:
            command = dockopt.command
            dockopt.command = lambda *words, patch="": [  # type: ignore[method-assign]
                "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all",
                *command(*words, patch=patch),
            ]  # fmt: skip
        return dockopt

    def test_unreadable(self, plain: Run, file: Path) -> None:
        bad = plain.folder / "bad"
        bad.write_bytes(BEFORE)
        bad.chmod(0o000)
        done = plain("fix", SELECT, "bad", "Dockerfile")
        assert done.code == 2
        assert one_line(done.err) == "bad: cannot be read: permission denied"
        assert file.read_bytes() == AFTER

    def test_read_only_file(self, plain: Run, file: Path) -> None:
        file.chmod(0o444)
        done = plain("fix", SELECT)
        assert done.code == 2
        assert one_line(done.err) == ("Dockerfile: is read-only, so it was left alone; make it writable first")
        assert file.read_bytes() == BEFORE
        assert plain("fix", "--diff", SELECT).code == 1

    def test_read_only_folder(self, plain: Run) -> None:
        folder = plain.folder / "locked"
        folder.mkdir()
        (folder / "Dockerfile").write_bytes(BEFORE)
        folder.chmod(0o555)
        done = plain("fix", SELECT)
        assert done.code == 2
        assert one_line(done.err) == (
            "locked/Dockerfile: was left alone: its folder cannot be written to (permission denied)"
        )
        assert (folder / "Dockerfile").read_bytes() == BEFORE

    def test_unlistable_folder(self, plain: Run, file: Path) -> None:
        folder = plain.folder / "locked"
        folder.mkdir()
        folder.chmod(0o000)
        done = plain("fix", SELECT)
        assert done.code == 2
        assert one_line(done.err) == "locked: cannot be listed: permission denied"
        assert file.read_bytes() == AFTER

    def test_output_where_nothing_may_be_written(self, plain: Run, file: Path) -> None:
        folder = plain.folder / "locked"
        folder.mkdir()
        folder.chmod(0o555)
        done = plain("fix", "--diff", SELECT, "--output", "locked/out", "Dockerfile")
        assert (done.code, one_line(done.err)) == (2, "locked/out: cannot be written: permission denied")


@pytest.mark.parametrize("how", ["edited", "replaced", "removed"])
def test_a_file_that_changes_while_being_fixed(dockopt: Run, file: Path, how: str) -> None:
    other = dockopt.folder / "other.Dockerfile"
    other.write_bytes(BEFORE)
    process = subprocess.Popen(
        dockopt.command("fix", SELECT, "Dockerfile", "other.Dockerfile", patch=SLOW),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=dockopt.folder,
        env=dockopt.environment(),
    )
    wait_for((dockopt.folder / "started").exists)
    if how == "edited":
        file.write_bytes(BEFORE + b"# edited\n")
    elif how == "replaced":
        (dockopt.folder / "new").write_bytes(b"FROM new\n")
        (dockopt.folder / "new").rename(file)
    else:
        file.unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert one_line(err.decode()) == "Dockerfile: changed on disk while it was being fixed; run again"
    now = {"edited": BEFORE + b"# edited\n", "replaced": b"FROM new\n", "removed": None}[how]
    assert (file.read_bytes() if file.exists() else None) == now
    assert other.read_bytes() == AFTER
    assert leftovers(dockopt.folder) == []


@pytest.mark.parametrize("count", [5, 60])
@pytest.mark.parametrize("group", [True, False], ids=["ctrl-C", "kill -INT"])
def test_ctrl_c_in_the_middle_of_a_folder(dockopt: Run, count: int, group: bool) -> None:
    for number in range(count):
        (dockopt.folder / f"Dockerfile.{number}").write_bytes(BEFORE)
    process = subprocess.Popen(
        dockopt.command("fix", SELECT, ".", patch=SLOW),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=dockopt.folder,
        env=dockopt.environment(),
        start_new_session=True,
    )
    files = [dockopt.folder / f"Dockerfile.{number}" for number in range(count)]
    wait_for(lambda: any(file.read_bytes() != BEFORE for file in files))
    if group:  # as a terminal does: to every process in it
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    start = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == (b"", b"dockopt: interrupted; what is not yet rewritten is untouched\n")
    assert time.monotonic() - start < 5
    assert {file.read_bytes() for file in files} == {BEFORE, AFTER}
    assert leftovers(dockopt.folder) == []
    with pytest.raises(ProcessLookupError):  # no worker is left behind
        os.killpg(process.pid, 0)


class TestOwnFaults:
    @pytest.mark.parametrize("count", [1, 60])
    def test_a_crash_is_one_line_and_one_file(self, dockopt: Run, count: int) -> None:
        for number in range(count):
            (dockopt.folder / f"Dockerfile.{number}").write_bytes(BEFORE)
        (dockopt.folder / "bad.Dockerfile").write_bytes(b"FROM crash\n")
        patch = (
            "import dockopt.workspace.run as run\nrewrite = run.rewrite\n"
            "def crash(data, options, outside=None):\n"
            "    if b'crash' in data: raise RecursionError('too\\ndeep')\n"
            "    return rewrite(data, options, outside)\n"
            "run.rewrite = crash\n"
        )
        done = dockopt("fix", SELECT, patch=patch)
        assert done.code == 2
        assert one_line(done.err) == (
            "bad.Dockerfile: internal error, nothing was changed; please report it with the file "
            "(RecursionError: too deep)"
        )
        assert all((dockopt.folder / f"Dockerfile.{number}").read_bytes() == AFTER for number in range(count))
        debug = dockopt("fix", SELECT, patch=patch, env={"DOCKOPT_DEBUG": "1"})
        assert "Traceback" in debug.err

    def test_a_killed_worker_is_one_line_and_one_file(self, dockopt: Run) -> None:
        for number in range(60):
            (dockopt.folder / f"Dockerfile.{number}").write_bytes(BEFORE)
        (dockopt.folder / "bad.Dockerfile").write_bytes(b"FROM crash\n")
        patch = (
            "import os\nimport dockopt.workspace.run as run\nrewrite = run.rewrite\n"
            "run.rewrite = lambda data, options, outside=None: (b'crash' in data and os.abort()) or rewrite(data, options, outside)\n"
        )
        done = dockopt("fix", SELECT, patch=patch)
        assert done.code == 2
        assert one_line(done.err) == (
            "bad.Dockerfile: internal error: its process died; please report it with the file"
        )
        assert all((dockopt.folder / f"Dockerfile.{number}").read_bytes() == AFTER for number in range(60))

    def test_a_crash_elsewhere_is_one_line(self, dockopt: Run) -> None:
        patch = "import dockopt.cli.commands as commands\ncommands.make_plan = lambda *_: 1 / 0\n"
        done = dockopt("fix", patch=patch)
        assert done.code == 2
        assert one_line(done.err) == "internal error, please report it (ZeroDivisionError: division by zero)"
        assert "Traceback" in dockopt("fix", patch=patch, env={"DOCKOPT_DEBUG": "1"}).err

    def test_a_current_folder_that_is_gone(self, dockopt: Run) -> None:
        patch = "import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n"
        done = dockopt("fix", patch=patch)
        assert done.code == 2
        assert one_line(done.err) == "no such file or directory"


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
