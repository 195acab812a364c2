"""Everything that may go wrong around a build: one clear line, exit code 2, nothing left, nothing written."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dockopt.build.engine import LABEL, Engine

ROOT = Path(__file__).resolve().parents[2]

#: Something dockopt would rewrite, whose base image the test engine has.
TEXT = b"FROM debian:trixie-slim\nMAINTAINER me\n"

#: A client that answers as a script for it says.
FAKE = """\
#!/bin/sh
echo "$*" >>"$FAKE_LOG"
case "$1 $2" in
  "buildx version") exit 0 ;;
  "info "*) [ "$FAKE" != down ] && exit 0
    echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1 ;;
  "buildx build") cat "$FAKE_SAYS"; exit 1 ;;
  "container ls" | "image ls") [ "$FAKE" != gone ] || exit 1 ;;
esac
exit 0
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join(str(ROOT / each) for each in ("src", "transforms"))
    return subprocess.Popen(
        [sys.executable, "-m", "dockopt", *words],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*words: str, **environment: str) -> Done:
    process = start(*words, **environment)
    out, err = process.communicate(timeout=300)
    return Done(process.returncode, out, err)


@pytest.fixture
def dockerfile(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "Dockerfile"
    path.parent.mkdir()
    path.write_bytes(TEXT)
    return path


class Fake:
    """A fake ``docker`` first on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        client = folder / "docker"
        client.write_text(FAKE)
        client.chmod(client.stat().st_mode | stat.S_IXUSR)

    def run(self, *words: str, state: str = "up", says: str = "") -> Done:
        (self.folder / "says").write_text(says)
        return run(
            *words,
            PATH=f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            FAKE=state,
            FAKE_LOG=str(self.log),
            FAKE_SAYS=str(self.folder / "says"),
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Fake(folder)


def check_refused(done: Done, dockerfile: Path, says: str) -> None:
    assert done.code == 2, done
    (line,) = [line for line in done.err.splitlines() if line.startswith("dockopt: ")]
    assert re.search(says, line), line
    assert "Traceback" not in done.err
    assert dockerfile.read_bytes() == TEXT


COMMANDS = [("fix", "--verify"), ("fix", "--verify", "--diff"), ("verify",), ("measure",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_engine_installed(command: tuple[str, ...], dockerfile: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(*command, str(dockerfile), PATH=str(empty))
    check_refused(done, dockerfile, "no container engine found")
    assert done.out == ""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_engine_not_running(command: tuple[str, ...], dockerfile: Path, fake: Fake) -> None:
    done = fake.run(*command, str(dockerfile), state="down")
    check_refused(done, dockerfile, r"does not answer \(Cannot connect to the Docker daemon at unix")
    assert done.out == ""


FAILURES = {
    "stopped midway": (
        "#7 [2/2] RUN make\nERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from "
        "server: EOF\n",
        "the container engine went away",
    ),
    "disk full": (
        "#7 [2/2] RUN make\n#7 0.3 cc: fatal error: no space left on device\nERROR: failed to solve: exit code: 1\n",
        "disk is full",
    ),
    "builder that is not there": (
        'ERROR: no builder "far" found\n',
        'left alone: the builder cannot be used: no builder "far" found',
    ),
    "builder that is not reached": (
        "#1 [internal] waiting for connection\n#1 ERROR: context deadline exceeded\n------\n"
        " > [internal] waiting for connection:\n------\nERROR: context deadline exceeded\n",
        "left alone: the builder cannot be used",
    ),
    "builder that keeps its images": (
        '#3 [2/2] RUN make\n#3 DONE 0.3s\nERROR: failed to solve: exporter "docker" could not be found\n',
        "left alone: the builder cannot be used: exporter",
    ),
    "base image missing": (
        "------\n > [internal] load metadata for docker.io/library/nosuch:1:\n------\nDockerfile:1\n"
        "ERROR: failed to solve: nosuch:1: pull access denied, repository does not exist\n",
        r"does not build.*: the image nosuch:1 cannot be had \(pull access denied, repository does not exist\)",
    ),
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", FAILURES)
def test_build_that_fails_for_another_reason(name: str, command: tuple[str, ...], dockerfile: Path, fake: Fake) -> None:
    output, says = FAILURES[name]
    done = fake.run(*command, str(dockerfile), says=output)
    check_refused(done, dockerfile, says)
    mine = [call for call in fake.calls if f"--filter label={LABEL}=" in call]
    assert [call.split()[0] for call in mine] == ["container", "image"]
    assert not any("push" in call for call in fake.calls)
    assert sum(call.startswith("buildx build") for call in fake.calls) == 1


def test_an_engine_that_is_gone_stops_the_run_and_names_every_file(tmp_path: Path, fake: Fake) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "many" / name).mkdir(parents=True)
        (tmp_path / "many" / name / "Dockerfile").write_bytes(TEXT)
    done = fake.run("fix", "--verify", str(tmp_path / "many"), says=FAILURES["stopped midway"][0])
    assert done.code == 2
    assert sum("left alone: the engine is gone" in line for line in done.err.splitlines()) == 2
    assert sum(call.startswith("buildx build") for call in fake.calls) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--build-timeout", "soon"), "--build-timeout must be a number of seconds, not 'soon'"),
        (("--build-timeout", "0"), "--build-timeout must be a number of seconds"),
        (("--engine", "lxc"), "--engine must be one of docker, podman, nerdctl"),
        (("--build-arg", "NOT_IN_THE_ENVIRONMENT"), "has no value"),
        (("--smoke", "true", "--no-run"), "exclude each other"),
        (("--context", "nowhere"), "its context nowhere is no folder"),
    ],
)
def test_wrong_flags(words: tuple[str, ...], says: str, dockerfile: Path, fake: Fake) -> None:
    check_refused(fake.run("fix", "--verify", *words, str(dockerfile)), dockerfile, says)


def test_what_an_engine_that_is_gone_still_has_is_named(dockerfile: Path, fake: Fake) -> None:
    done = fake.run("fix", "--verify", str(dockerfile), says=FAILURES["stopped midway"][0], state="gone")
    check_refused(done, dockerfile, "the container engine went away")
    assert re.search(rf"not removed, .*: containers labelled {LABEL}=\S+, images labelled {LABEL}=\S+", done.err)


def test_standard_input_has_no_context(fake: Fake) -> None:
    for command in (("fix", "--verify"), ("verify",), ("measure",)):
        done = fake.run(*command, "-")
        assert done.code == 2 and "standard input has no build context" in done.err


def test_builds_are_handed_to_the_builder(dockerfile: Path, fake: Fake) -> None:
    for command in COMMANDS:
        fake.run(*command, "--builder", "far", str(dockerfile), says="ERROR: failed to solve: no\n")
    builds = [call.split() for call in fake.calls if call.startswith("buildx build")]
    assert len(builds) == len(COMMANDS)
    for build in builds:
        assert build[build.index("--builder") + 1] == "far"
        assert "--load" in build  # what another machine builds is compared and run here


def test_secrets_are_not_shown(dockerfile: Path, fake: Fake, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter22\n")
    output = "#5 0.1 got hunter22 and swordfish and plainvalue\nERROR: failed to solve: hunter22 is wrong\n"
    for command in COMMANDS:
        done = fake.run(
            *command,
            "--secret",
            f"id=a,src={secret}",
            "--build-arg",
            "API_TOKEN=swordfish",
            "--build-arg",
            "COLOUR=plainvalue",
            str(dockerfile),
            says=output,
        )
        assert done.code == 2
        assert "hunter22" not in done.out + done.err and "swordfish" not in done.out + done.err
        assert "got *** and *** and plainvalue" in done.out + done.err
    assert not any("swordfish" in call for call in fake.calls)  # other users may list a process's arguments


# -- with a real engine -------------------------------------------------------------------------------


def made(engine: Engine) -> set[str]:
    """Everything any run of dockopt left in the engine, but for ``engine``'s own."""
    found: set[str] = set()
    for kind, every in (("container", ["--all"]), ("image", [])):
        answer = engine._execute([kind, "ls", *every, "--quiet", "--no-trunc", "--filter", f"label={LABEL}"], 60)
        found |= set(answer.output.split())
    return found


@pytest.fixture
def clean(engine: Engine) -> Iterator[Engine]:
    before = made(engine)
    folders = set(Path("/tmp").glob("dockopt-*"))
    yield engine
    assert made(engine) - before == set()
    assert set(Path("/tmp").glob("dockopt-*")) - folders == set()


@pytest.mark.engine
def test_base_image_missing(clean: Engine, dockerfile: Path) -> None:
    dockerfile.write_bytes(TEXT.replace(b"debian:trixie-slim", b"dockopt.invalid/nosuch:1"))
    done = run("fix", "--verify", "--network", "host", str(dockerfile))
    assert done.code == 2
    assert "does not build as it is" in done.err and "dockopt.invalid/nosuch:1" in done.err
    assert dockerfile.read_bytes().endswith(b"MAINTAINER me\n")


@pytest.mark.engine
def test_build_timeout(clean: Engine, dockerfile: Path) -> None:
    text = TEXT + f"RUN sleep 300 # {time.time()}\n".encode()
    dockerfile.write_bytes(text)
    started = time.monotonic()
    done = run("fix", "--verify", "--build-timeout", "3", "--network", "host", str(dockerfile))
    assert done.code == 2 and "the build was stopped after 3 s" in done.err
    assert time.monotonic() - started < 60
    assert dockerfile.read_bytes() == text


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["build", "container"])
def test_interruption_leaves_nothing(where: str, number: signal.Signals, clean: Engine, dockerfile: Path) -> None:
    before = made(clean)
    slow = f"RUN sleep 300 # {time.time()}\n" if where == "build" else 'CMD ["sleep", "300"]\nHEALTHCHECK CMD exit 1\n'
    text = TEXT + slow.encode()
    dockerfile.write_bytes(text)
    process = start("fix", "--verify", "--network", "host", str(dockerfile))
    if where == "build":
        time.sleep(4)
    else:
        deadline = time.monotonic() + 60
        while not _running(clean, before) and time.monotonic() < deadline:
            time.sleep(0.2)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "interrupted" in err and "Traceback" not in err
    assert dockerfile.read_bytes() == text


def _running(engine: Engine, before: set[str]) -> bool:
    answer = engine._execute(["container", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL}"], 60)
    return bool(set(answer.output.split()) - before)


@pytest.mark.engine
def test_keep_keeps(engine: Engine, dockerfile: Path) -> None:
    before = made(engine)
    done = run("verify", "--keep", "--network", "host", str(dockerfile))
    assert done.code == 0, done
    kept = made(engine) - before
    try:
        assert len(kept) >= 3  # two images, and what ran
    finally:
        for kind in ("container", "image"):
            engine._execute([kind, "rm", "--force", *kept], 60)
    assert made(engine) == before
