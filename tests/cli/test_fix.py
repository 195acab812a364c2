"""``dockopt fix``."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import AFTER, BEFORE, SELECT, Run

DIFF = b"""--- a/Dockerfile
+++ b/Dockerfile
@@ -1,5 +1,5 @@ replace-maintainer, pip-no-cache-dir
 FROM python:3.12
-MAINTAINER Ann <ann@example.com>
-RUN pip install flask
+LABEL org.opencontainers.image.authors="Ann <ann@example.com>"
+RUN pip install --no-cache-dir flask
 RUN --mount=type=cache,target=/root/.cache/pip pip install gunicorn
 RUN sudo make
"""


class TestDiff:
    def test_shows_and_changes_nothing(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--diff", SELECT, "Dockerfile")
        assert done.code == 1
        assert done.out == DIFF
        assert done.err == (
            "1 file, 1 would be fixed with 2 changes; 1 more with --unsafe-fixes; 1 refused (--verbose tells why)\n"
        )
        assert file.read_bytes() == BEFORE

    def test_nothing_to_do(self, dockopt: Run, file: Path) -> None:
        file.write_bytes(AFTER)
        done = dockopt("fix", "--diff", "--select", "replace-maintainer", "Dockerfile")
        assert (done.code, done.out, done.err) == (0, b"", "1 file, 0 would be fixed\n")

    def test_verbose_tells_why_beside_the_patch(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--diff", "--verbose", SELECT, "Dockerfile")
        assert done.out == DIFF
        assert "Dockerfile:4: pip-no-cache-dir: refused (cache-mount): " in done.err
        assert done.err.endswith("1 refused\n")

    def test_quiet(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--diff", "--quiet", SELECT, "Dockerfile")
        assert (done.code, done.out, done.err) == (1, DIFF, "")

    def test_git_applies_it_to_a_whole_repository(self, dockopt: Run, file: Path) -> None:
        for name, text in (("a b/x.Dockerfile", BEFORE), ("c/Dockerfile.dev", BEFORE.replace(b"\n", b"\r\n")[:-2])):
            (dockopt.folder / name).parent.mkdir()
            (dockopt.folder / name).write_bytes(text)
        done = dockopt("fix", "--diff", SELECT)
        assert done.code == 1
        subprocess.run(["git", "apply", "-"], input=done.out, cwd=dockopt.folder, check=True)
        assert file.read_bytes() == AFTER
        assert (dockopt.folder / "a b/x.Dockerfile").read_bytes() == AFTER
        assert (dockopt.folder / "c/Dockerfile.dev").read_bytes() == AFTER.replace(b"\n", b"\r\n")[:-2]
        assert dockopt("fix", "--diff", SELECT).code == 0

    def test_colour(self, dockopt: Run, file: Path) -> None:
        words = ("fix", "--diff", SELECT, "Dockerfile")
        coloured = dockopt(*words, env={"FORCE_COLOR": "1"}).out
        assert b"\x1b[31m-MAINTAINER" in coloured
        assert dockopt(*words, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out == DIFF
        dockopt(*words, "--output", "out", env={"FORCE_COLOR": "1"})
        assert (dockopt.folder / "out").read_bytes() == DIFF

    def test_colour_on_a_terminal(self, dockopt: Run, file: Path) -> None:
        def shown(**env: str) -> bytes:
            leader, follower = pty.openpty()
            try:
                subprocess.run(
                    dockopt.command("fix", "--diff", SELECT, "Dockerfile"),
                    stdout=follower,
                    stderr=subprocess.DEVNULL,
                    cwd=dockopt.folder,
                    env=dockopt.environment({"TERM": "xterm", **env}),
                )
                return os.read(leader, 1 << 16)
            finally:
                os.close(leader)
                os.close(follower)

        assert b"\x1b[31m-MAINTAINER" in shown()
        assert b"\x1b" not in shown(TERM="dumb")
        assert b"\x1b" not in shown(NO_COLOR="1")


class TestInPlace:
    def test_rewrites_once(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", SELECT)
        assert done.code == 0
        assert done.out == b"fixed Dockerfile: replace-maintainer, pip-no-cache-dir\n"
        assert done.err == ("1 file, 1 fixed with 2 changes; 'dockopt check' tells what --unsafe-fixes would add\n")
        assert file.read_bytes() == AFTER
        status = file.stat()
        again = dockopt("fix", SELECT)
        assert (again.code, again.out) == (0, b"")
        assert file.stat() == status

    def test_exit_non_zero_on_fix(self, dockopt: Run, file: Path) -> None:
        assert dockopt("fix", SELECT, "--exit-non-zero-on-fix").code == 1
        assert dockopt("fix", SELECT, "--exit-non-zero-on-fix").code == 0

    def test_check(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--check", SELECT)
        assert done.code == 1
        assert done.out == b"would fix Dockerfile: replace-maintainer, pip-no-cache-dir\n"
        assert file.read_bytes() == BEFORE
        file.write_bytes(AFTER)
        assert dockopt("fix", "--check", SELECT).code == 0

    def test_unsafe_fixes(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", SELECT, "--unsafe-fixes")
        assert done.err.startswith("1 file, 1 fixed with 3 changes; 1 refused")
        assert file.read_bytes() == AFTER.replace(b"sudo ", b"")

    def test_quiet(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--quiet", SELECT)
        assert (done.code, done.out, done.err) == (0, b"", "")
        assert file.read_bytes() == AFTER

    def test_verbose(self, dockopt: Run, file: Path) -> None:
        lines = dockopt("fix", "--verbose", SELECT).out.decode().splitlines()
        assert lines[0].startswith("fixed Dockerfile: ")
        assert [line.split(" ")[:2] for line in lines[1:]] == [
            ["Dockerfile:2:", "replace-maintainer:"],
            ["Dockerfile:3:", "pip-no-cache-dir:"],
            ["Dockerfile:4:", "pip-no-cache-dir:"],
            ["Dockerfile:5:", "drop-sudo:"],
        ]

    def test_a_folder_closes_with_a_summary_by_transform(self, dockopt: Run, file: Path) -> None:
        (dockopt.folder / "sub").mkdir()
        (dockopt.folder / "sub/Dockerfile").write_bytes(b"FROM a\nMAINTAINER b\n")
        done = dockopt("fix", SELECT, ".")
        assert done.err == (
            "  replace-maintainer       2 in 2 files\n"
            "  pip-no-cache-dir         1 in 1 file\n"
            "2 files, 2 fixed with 3 changes; 'dockopt check' tells what --unsafe-fixes would add\n"
        )

    def test_no_dockerfiles(self, dockopt: Run) -> None:
        done = dockopt("fix")
        assert (done.code, done.out, done.err) == (0, b"", "dockopt: no Dockerfiles found\n")


class TestStandardInput:
    def test_comes_out_rewritten(self, dockopt: Run) -> None:
        crlf = BEFORE.replace(b"\n", b"\r\n") + b"# \xff"
        done = dockopt("fix", SELECT, "-", stdin=crlf)
        assert done.code == 0
        assert done.out == AFTER.replace(b"\n", b"\r\n") + b"# \xff"

    def test_comes_out_unchanged(self, dockopt: Run) -> None:
        done = dockopt("fix", SELECT, "-", "--exit-non-zero-on-fix", stdin=b"FROM a")
        assert (done.code, done.out) == (0, b"FROM a")

    def test_diff(self, dockopt: Run) -> None:
        done = dockopt("fix", SELECT, "-", "--diff", stdin=BEFORE)
        assert (done.code, done.out) == (1, DIFF)

    def test_errors(self, dockopt: Run) -> None:
        for text in (b"", b"FROM a\0", b"FROM a\nNONSENSE b\n", b"#" * 10_000_000):
            done = dockopt("fix", "-", "--quiet", stdin=text)
            assert (done.code, done.out) == (2, b"")
            assert done.err.startswith("dockopt: -")
            assert done.err.count("\n") == 1

    def test_json(self, dockopt: Run) -> None:
        done = dockopt("fix", SELECT, "-", "--output-format", "json", stdin=BEFORE)
        assert (done.code, done.err) == (0, "")
        (entry,) = json.loads(done.out)["files"]
        assert entry["output"].encode() == AFTER
        assert (entry["path"], entry["changed"], entry["written"]) == ("-", True, False)

    def test_not_beside_paths(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "-", "Dockerfile", stdin=BEFORE)
        assert (done.code, done.out) == (2, b"")
        assert done.err == "dockopt: - (standard input) cannot be mixed with paths\n"
        assert file.read_bytes() == BEFORE


class TestChoice:
    @pytest.mark.parametrize("name", ["replace-maintainer", "DL4000", "dl4000", "MaintainerDeprecated"])
    def test_select_by_any_name(self, dockopt: Run, file: Path, name: str) -> None:
        dockopt("fix", "--select", name)
        assert file.read_bytes().count(b"\n") == 5
        assert b"LABEL" in file.read_bytes() and b"--no-cache-dir" not in file.read_bytes()

    def test_lists_and_repeats(self, dockopt: Run, file: Path) -> None:
        dockopt("fix", "--select", " DL4000, ,packages,", "--select", "drop-sudo", "--ignore", "DL3042")
        assert b"LABEL" in file.read_bytes() and b"--no-cache-dir" not in file.read_bytes()

    @pytest.mark.parametrize("flag", ["--select", "--ignore"])
    def test_unknown(self, dockopt: Run, file: Path, flag: str) -> None:
        done = dockopt("fix", flag, "replace-maintaner")
        assert (done.code, done.out) == (2, b"")
        assert done.err == (
            f"dockopt: {flag}: unknown transform 'replace-maintaner'; did you mean 'replace-maintainer'? "
            "('dockopt rules' lists them all)\n"
        )
        assert file.read_bytes() == BEFORE

    def test_none(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--select", ",")
        assert (done.code, done.err) == (
            2,
            "dockopt: --select needs at least one transform; dockopt rules lists them\n",
        )


class TestConfiguration:
    def test_each_file_has_its_nearest(self, dockopt: Run, file: Path) -> None:
        sub = dockopt.folder / "sub"
        sub.mkdir()
        (sub / "Dockerfile").write_bytes(BEFORE)
        (dockopt.folder / "pyproject.toml").write_text('[tool.dockopt]\nselect = ["DL4000"]\n')
        (sub / "dockopt.toml").write_text('select = ["drop-sudo"]\nunsafe-fixes = true\n')
        dockopt("fix", ".")
        assert file.read_bytes().splitlines()[1:3] == [AFTER.splitlines()[1], BEFORE.splitlines()[2]]
        assert (sub / "Dockerfile").read_bytes() == BEFORE.replace(b"sudo ", b"")

    def test_flags_override(self, dockopt: Run, file: Path) -> None:
        (dockopt.folder / "dockopt.toml").write_text('select = ["DL3042", "drop-sudo"]\nunsafe-fixes = true\n')
        dockopt("fix", "--select", "DL4000,drop-sudo", "--no-unsafe-fixes")
        assert file.read_bytes() == BEFORE.replace(BEFORE.splitlines()[1], AFTER.splitlines()[1])

    def test_exclude(self, dockopt: Run, file: Path) -> None:
        (dockopt.folder / "dockopt.toml").write_text('exclude = ["Dockerfile"]\n')
        assert dockopt("fix", "--diff").err == "dockopt: no Dockerfiles found\n"
        assert dockopt("fix", "--diff", "Dockerfile", SELECT).out == DIFF

    def test_standard_input_has_that_of_the_current_folder(self, dockopt: Run) -> None:
        (dockopt.folder / "dockopt.toml").write_text('select = ["drop-sudo"]')
        assert dockopt("fix", "-", stdin=BEFORE).out == BEFORE
        (dockopt.folder / "dockopt.toml").write_text("x = 1")
        done = dockopt("fix", "-", stdin=BEFORE)
        assert (done.code, done.out) == (2, b"")
        assert done.err.startswith("dockopt: dockopt.toml: unknown key x")

    def test_a_wrong_one_stops_its_own_files_only(self, dockopt: Run, file: Path) -> None:
        for name in ("sub/a", "sub/b"):
            (dockopt.folder / name).mkdir(parents=True)
            (dockopt.folder / name / "Dockerfile").write_bytes(BEFORE)
        (dockopt.folder / "sub/dockopt.toml").write_text("unsafe-fixes = 3")
        done = dockopt("fix", SELECT)
        assert done.code == 2
        assert done.err.startswith(
            "dockopt: sub/dockopt.toml: unsafe-fixes must be true or false, not 3\n1 file, 1 fixed"
        )
        assert file.read_bytes() == AFTER
        assert (dockopt.folder / "sub/a/Dockerfile").read_bytes() == BEFORE


class TestOutput:
    def test_json(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--diff", SELECT, "--output-format", "json")
        assert (done.code, done.err) == (1, "")
        report = json.loads(done.out)
        assert list(report) == ["version", "dockopt", "command", "files", "errors", "warnings", "summary"]
        assert (report["version"], report["command"], report["errors"]) == (1, "fix", [])
        (entry,) = report["files"]
        assert {key: entry[key] for key in ("path", "changed", "written", "error")} == {
            "path": "Dockerfile",
            "changed": True,
            "written": False,
            "error": None,
        }
        assert entry["diff"].encode() == DIFF
        assert [item["kind"] for item in entry["entries"]] == ["applied", "applied", "refused", "waiting"]
        assert entry["entries"][1]["effects"]["files_removed"]
        assert report["summary"]["transforms"]["pip-no-cache-dir"] == {"changes": 1, "files": 1}

    def test_json_in_place(self, dockopt: Run, file: Path) -> None:
        (entry,) = json.loads(dockopt("fix", SELECT, "--output-format", "json").out)["files"]
        assert entry["written"] is True
        assert "diff" not in entry and "output" not in entry
        assert file.read_bytes() == AFTER

    def test_json_of_an_error(self, dockopt: Run, file: Path) -> None:
        file.write_bytes(b"FROM a\nNONSENSE b\n")
        done = dockopt("fix", "--output-format", "json")
        assert done.code == 2
        (entry,) = json.loads(done.out)["files"]
        assert entry["error"]["line"] == 2
        assert "NONSENSE" in entry["error"]["message"]
        assert json.loads(done.out)["summary"]["errors"] == 1

    def test_to_a_file(self, dockopt: Run, file: Path) -> None:
        done = dockopt("fix", "--diff", SELECT, "--output", "fix.patch")
        assert (done.code, done.out) == (1, b"")
        assert done.err.startswith("1 file, 1 would be fixed")
        assert (dockopt.folder / "fix.patch").read_bytes() == DIFF

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("no/out", "no/out: cannot be written: the folder {folder}/no does not exist"),
            (".", ".: is a folder; --output needs a file"),
            ("./Dockerfile", "./Dockerfile: is one of the Dockerfiles; --output would overwrite it"),
        ],
    )
    def test_to_nowhere_is_known_before_anything_is_rewritten(
        self, dockopt: Run, file: Path, output: str, message: str
    ) -> None:
        done = dockopt("fix", SELECT, "--output", output)
        assert (done.code, done.err) == (2, f"dockopt: {message.format(folder=dockopt.folder)}\n")
        assert file.read_bytes() == BEFORE

    def test_a_reader_that_goes_away_does_not_stop_the_work(self, dockopt: Run, file: Path) -> None:
        process = subprocess.Popen(
            dockopt.command("fix", SELECT, "--verbose"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=dockopt.folder,
            env=dockopt.environment(),
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
        assert b"Error" not in err and b"Traceback" not in err
        assert file.read_bytes() == AFTER

    def test_a_full_disk_is_one_line(self, dockopt: Run, file: Path) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                dockopt.command("fix", "--diff", SELECT),
                stdout=full,
                stderr=subprocess.PIPE,
                cwd=dockopt.folder,
                env=dockopt.environment(),
            )
        assert done.returncode == 2
        assert done.stderr == b"dockopt: no space left on device\n"


class TestSuppressionComments:
    """A name that silences nothing was meant to silence something."""

    TEXT = (
        b"FROM python:3.12\n# dockopt: ignore[merge-run, DL3042] kept apart\nRUN pip install flask\n"
        b"RUN echo 1 && \\\n    # dockopt: ignore[nonsense-of-mine]\n    echo 2\n# hadolint ignore=DL9999\nMAINTAINER Ann\n"
    )
    WARNINGS = (
        "dockopt: warning: Dockerfile:2: # dockopt: ignore: unknown transform 'merge-run'; did you mean 'merge-runs'? "
        "('dockopt rules' lists them all)\n"
        "dockopt: warning: Dockerfile:5: # dockopt: ignore: unknown transform 'nonsense-of-mine' "
        "('dockopt rules' lists them all)\n"
    )

    @pytest.mark.parametrize("flags", [["--diff"], ["--check"], []])
    def test_an_unknown_name_is_told(self, dockopt: Run, file: Path, flags: list[str]) -> None:
        file.write_bytes(self.TEXT)
        done = dockopt("fix", *flags, "Dockerfile")
        assert done.code == (1 if flags else 0)
        assert done.err.startswith(self.WARNINGS)
        assert "pip install flask\n" in file.read_text()

    def test_each_line_and_names_with_their_tool(self, dockopt: Run, file: Path) -> None:
        file.write_bytes(
            b"FROM python:3.12\nRUN a && \\\n  # dockopt: ignore[zz]\n  b && \\\n  # dockopt: ignore[zz, hadolint/DL3059]\n  c\n"
        )
        told = [line for line in dockopt("fix", "--diff", "Dockerfile").err.splitlines() if "warning" in line]
        assert [line.split(":")[3] for line in told] == ["3", "5"] and all("'zz'" in line for line in told)

    def test_quiet_and_json(self, dockopt: Run, file: Path) -> None:
        file.write_bytes(self.TEXT)
        assert dockopt("fix", "--diff", "--quiet", "Dockerfile").err == ""
        report = json.loads(dockopt("check", "--output-format=json", "Dockerfile").out)
        assert [f"dockopt: warning: {line}\n" for line in report["warnings"]] == self.WARNINGS.splitlines(keepends=True)

    def test_from_workers_too(self, dockopt: Run, file: Path) -> None:
        names = [f"{number}.Dockerfile" for number in range(40)]
        for name in names:
            file.with_name(name).write_bytes(self.TEXT)
        assert dockopt("fix", *names).err.count("dockopt: warning: ") == 80
