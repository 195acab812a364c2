"""Reading and replacing files."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockopt.workspace import write as write_module
from dockopt.workspace.read import SIZE_LIMIT, FileProblem, read
from dockopt.workspace.write import replace, write_report

OLD, NEW = b"FROM a\r\n", b"FROM b\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "Dockerfile"
    path.write_bytes(OLD)
    yield path
    assert [name for name in os.listdir(tmp_path) if name.startswith(".dockopt")] == []


def problem(path: object) -> str:
    with pytest.raises(FileProblem) as info:
        read(str(path))
    assert info.value.path == str(path)
    return str(info.value)


class TestRead:
    def test_gives_the_bytes(self, file: Path) -> None:
        assert read(str(file)).data == OLD

    def test_missing(self, tmp_path: Path) -> None:
        assert problem(tmp_path / "x") == "does not exist"
        assert problem("") == "does not exist"

    def test_in_a_file(self, file: Path) -> None:
        assert problem(file / "x") == "cannot be read: not a directory"

    def test_dangling_link(self, tmp_path: Path) -> None:
        (tmp_path / "x").symlink_to("gone")
        assert problem(tmp_path / "x") == "is a dangling symbolic link: its target gone does not exist"

    def test_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "x").symlink_to("x")
        assert problem(tmp_path / "x") == "cannot be read: too many levels of symbolic links"

    def test_folder(self, tmp_path: Path) -> None:
        assert problem(tmp_path) == "is a folder where a file was expected"

    def test_pipe_without_a_writer(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "x")
        assert problem(tmp_path / "x") == "is not a regular file; use - to read standard input"

    def test_device(self) -> None:
        assert problem("/dev/zero") == "is not a regular file; use - to read standard input"

    def test_empty(self, file: Path) -> None:
        file.write_bytes(b"")
        assert problem(file) == "is empty; there is nothing to rewrite"

    def test_binary(self, file: Path) -> None:
        file.write_bytes(b"\x7fELF\0\1")
        assert problem(file) == "is a binary file (it holds NUL bytes), not a Dockerfile"

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf16(self, file: Path, encoding: str) -> None:
        file.write_bytes("FROM a".encode(encoding))
        expected = "is UTF-16" if encoding == "utf-16" else "is a binary file"
        assert problem(file).startswith(expected)

    def test_large(self, file: Path) -> None:
        file.write_bytes(b"#" * SIZE_LIMIT)
        assert len(read(str(file)).data) == SIZE_LIMIT
        file.write_bytes(b"#" * 10_000_000)
        assert problem(file) == "has 10.0 MB; no Dockerfile over 1 MB is read"


class TestReplace:
    def test_contents(self, file: Path) -> None:
        replace(read(str(file)), NEW)
        assert file.read_bytes() == NEW

    @pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664, 0o2775])
    def test_mode(self, file: Path, mode: int) -> None:
        file.chmod(mode)
        replace(read(str(file)), NEW)
        assert stat.S_IMODE(file.stat().st_mode) == mode

    def test_owner(self, file: Path) -> None:
        # Only root may give a file away; anybody may to a group of theirs.
        owner = (12345, 54321) if os.geteuid() == 0 else (os.getuid(), os.getgroups()[-1])
        os.chown(file, *owner)
        file.chmod(0o4755)
        replace(read(str(file)), NEW)
        status = file.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*owner, 0o4755)

    def test_an_owner_that_cannot_be_kept_is_no_obstacle(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(handle: int, user: int, group: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        source = read(str(file))
        stranger = os.stat_result((*source.status[:4], 12345, *source.status[5:]))
        monkeypatch.setattr(write_module.os, "fchown", refuse)
        replace(source._replace(status=stranger), NEW)
        assert file.read_bytes() == NEW

    def test_a_link_stays_and_its_target_is_replaced(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "deep").mkdir()
        link, between = tmp_path / "link", tmp_path / "deep/between"
        between.symlink_to("../Dockerfile")
        link.symlink_to("deep/between")
        replace(read(str(link)), NEW)
        assert os.readlink(link) == "deep/between"
        assert os.readlink(between) == "../Dockerfile"
        assert not file.is_symlink()
        assert file.read_bytes() == NEW

    def test_relative_path(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(file.parent)
        replace(read("Dockerfile"), NEW)
        assert file.read_bytes() == NEW

    def test_a_name_as_long_as_names_get(self, tmp_path: Path, file: Path) -> None:
        long = tmp_path / ("Dockerfile." + "x" * 244)
        long.write_bytes(OLD)
        replace(read(str(long)), NEW)
        assert long.read_bytes() == NEW

    @pytest.mark.parametrize("change", ["contents", "replaced", "removed", "longer"])
    def test_changed_meanwhile(self, file: Path, change: str) -> None:
        source = read(str(file))
        if change == "contents":  # same size, and perhaps the same tick of the clock
            file.write_bytes(b"FROM z\r\n")
        elif change == "longer":
            file.write_bytes(OLD + b"#")
        elif change == "replaced":
            (file.parent / "other").write_bytes(OLD)
            (file.parent / "other").rename(file)
        else:
            file.unlink()
        left = file.read_bytes() if file.exists() else None
        with pytest.raises(FileProblem, match=r"^changed on disk while it was being fixed; run again$"):
            replace(source, NEW)
        assert (file.read_bytes() if file.exists() else None) == left

    @pytest.mark.parametrize("call", ["write", "replace", "fchmod"])
    def test_a_failing_disk_leaves_the_file(self, file: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
        def fail(*arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(write_module.os, call, fail)
        with pytest.raises(FileProblem, match=r"left alone: .*\(no space left on device\)$"):
            replace(read(str(file)), NEW)
        assert file.read_bytes() == OLD

    @pytest.mark.parametrize("threads", [0, 2])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_waits_until_the_file_is_whole(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, threads: int
    ) -> None:
        class Stopped(Exception):
            pass

        def stop(*arguments: object) -> None:
            raise Stopped

        fchmod = os.fchmod

        def interrupted(handle: int, mode: int) -> None:
            os.kill(os.getpid(), number)
            time.sleep(0.05)  # for another thread to take it
            fchmod(handle, mode)

        done = threading.Event()
        # A signal sent to the process goes to any thread that does not hold it back.
        others = [threading.Thread(target=done.wait) for _ in range(threads)]
        for other in others:
            other.start()
        before = signal.signal(number, stop)
        monkeypatch.setattr(write_module.os, "fchmod", interrupted)
        try:
            with pytest.raises(Stopped):
                replace(read(str(file)), NEW)
            assert signal.getsignal(number) is stop
        finally:
            signal.signal(number, before)
            done.set()
            for other in others:
                other.join()
        assert file.read_bytes() == NEW

    def test_an_ignored_signal_stays_ignored(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fchmod = os.fchmod

        def interrupted(handle: int, mode: int) -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            fchmod(handle, mode)

        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        monkeypatch.setattr(write_module.os, "fchmod", interrupted)
        try:
            replace(read(str(file)), NEW)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGHUP, before)
        assert file.read_bytes() == NEW

    def test_outside_the_main_thread(self, file: Path) -> None:
        other = threading.Thread(target=lambda: replace(read(str(file)), NEW))
        other.start()
        other.join()
        assert file.read_bytes() == NEW


class TestReport:
    def test_new_file_has_the_mode_files_have(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            write_report(str(tmp_path / "out"), b"x")
        finally:
            os.umask(before)
        assert (tmp_path / "out").read_bytes() == b"x"
        assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640
        assert os.listdir(tmp_path) == ["out"]

    def test_existing_file_keeps_its_mode_and_links_to_it(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_bytes(b"long before")
        (tmp_path / "out").chmod(0o600)
        (tmp_path / "link").symlink_to("out")
        write_report(str(tmp_path / "link"), b"x")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "out").read_bytes() == b"x"
        assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600

    def test_device(self) -> None:
        write_report("/dev/null", b"x")
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    def test_problems(self, tmp_path: Path) -> None:
        with pytest.raises(FileProblem, match=r"^is a folder; --output needs a file$"):
            write_report(str(tmp_path), b"x")
        with pytest.raises(FileProblem, match=r"^cannot be written: no such file or directory$"):
            write_report(str(tmp_path / "no/out"), b"x")
