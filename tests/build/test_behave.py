"""Watching a container, above all with an engine that runs nothing inside of one that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from dockopt.build import behave
from dockopt.build.behave import RunSettings, observe
from dockopt.build.engine import Answer, BuildSettings, Engine
from dockopt.build.log import Mask
from dockopt.build.verify import Prover, Target
from dockopt.engine.pipeline import Options
from tests.build.fixtures import leftovers

#: What runc says under a dockerd in a chroot, whatever is to be run.
NO_EXEC = (
    'OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd ("/app") set in config.json '
    "failed: no such file or directory: unknown"
)
RUN = RunSettings(network="host", settle=0, start_timeout=5)


class Fake:
    """An engine whose ``exec`` fails, and in which a second container ends as told."""

    def __init__(self, codes: Sequence[int] = (0,), *, starts: bool = True, said: str = NO_EXEC, **check: Any) -> None:
        self.codes = list(codes)
        self.starts = starts
        self.said = said
        self.check = {"Test": ["CMD", "check", "it"], **check}
        self.made: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.mask = Mask()

    def create(self, reference: str, **options: Any) -> str:
        self.made.append({"reference": reference, **options})
        return f"c{len(self.made)}"

    def start(self, container: str) -> str | None:
        return None if self.starts or container == "c1" else "exec: check: not found"

    def state(self, container: str) -> Mapping[str, Any]:
        if container != "c1":
            return {"Running": False, "ExitCode": self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]}
        log = [{"ExitCode": -1, "Output": self.said}]
        return {"Running": True, "ExitCode": 0, "Health": {"Status": "starting", "Log": log}}

    def config(self, container: str) -> Mapping[str, Any]:
        return {"Healthcheck": self.check}

    def check_health(self, container: str) -> None:
        assert container == "c1"

    def execute(self, container: str, shell: str, timeout: float) -> Answer:
        return Answer(126, "", NO_EXEC)

    def output(self, container: str) -> str:
        return f"said by {container}"

    def logs(self, container: str, lines: int = 15) -> tuple[str, ...]:
        return ("a line",)

    def stop(self, container: str, grace: float) -> float:
        return 0.1

    def remove(self, container: str) -> None:
        self.removed.append(container)


def watch(fake: Fake, settings: RunSettings = RUN, *, checked: bool = True) -> behave.Behaviour:
    return observe(cast(Engine, fake), "image", settings, checked=checked)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("engine") is None:
        monkeypatch.setattr(behave.time, "sleep", lambda seconds: None)


def test_health_check_beside() -> None:
    fake = Fake()
    seen = watch(fake)
    assert seen.health == "healthy" and seen.state == "running"
    (note,) = seen.notes
    assert note.startswith("the engine runs no command in a running container (OCI runtime exec failed), so the health")
    first, second = fake.made
    assert first["network"] == "host"
    assert second["reference"] == "image" and second["network"] == "container:c1"
    assert second["words"] == ["check", "it"]
    assert fake.removed == ["c2", "c1"]


def test_application_that_is_not_ready_at_first() -> None:
    assert watch(Fake((1, 1, 1, 0), Retries=2, StartPeriod=1e10)).health == "healthy"


def test_check_that_fails_counts() -> None:
    fake = Fake((1,), Retries=3)
    seen = watch(fake)
    assert seen.health == "unhealthy"
    assert len(fake.made) == 1 + 3
    assert seen.log == ("a line", "health check: a line")


def test_program_that_is_not_there_is_no_fault_of_the_engine() -> None:
    seen = watch(Fake((127,), starts=False, Retries=1))
    assert seen.health == "unhealthy" and seen.notes == ()
    assert seen.log == ("a line", "health check: exec: check: not found")


@pytest.mark.parametrize(
    ("check", "shell", "words"),
    [
        (["CMD", "a", "b c"], None, ["a", "b c"]),
        (["CMD-SHELL", "a | b"], None, ["/bin/sh", "-c", "a | b"]),
        (["CMD-SHELL", "a | b"], ["/bin/bash", "-ec"], ["/bin/bash", "-ec", "a | b"]),
    ],
)
def test_command_of_the_check(check: list[str], shell: list[str] | None, words: list[str]) -> None:
    config = {"Shell": shell, "Healthcheck": {"Test": check, "Timeout": 3_000_000_000, "Retries": 5}}
    found, settings = behave._check(config)
    assert found == words
    assert settings == (3.0, 0.0, 5)


def test_smoke_command_beside() -> None:
    fake = Fake()
    seen = watch(fake, RUN._replace(smoke=("hello",)), checked=False)
    assert seen.answers == ((0, "said by c2"),)
    assert fake.made[1]["words"] == ["/bin/sh", "-c", "hello"] and fake.made[1]["network"] == "container:c1"
    assert "smoke commands" in seen.notes[0]


# -- with a real engine, of either kind ---------------------------------------------------------------

SERVER = b"""\
FROM python:3.13-slim
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["python", "-m", "http.server", "8000"]
HEALTHCHECK --interval=30s --retries=2 CMD ["python", "check.py"]
"""
CHECK = "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:8000/{name}')\n"


def built(engine: Engine, folder: Path, name: str) -> str:
    (folder / "check.py").write_text(CHECK.format(name=name))
    return engine.build(SERVER, str(folder), BuildSettings(network="host")).reference


@pytest.mark.engine
def test_health_in_a_folder_of_its_own(engine: Engine, tmp_path: Path) -> None:
    """A dockerd in a chroot runs no health check where there is a WORKDIR; the verdict is the same."""
    run = RunSettings(("cat check.py",), network="none", settle=0.5, start_timeout=20)
    there = leftovers(engine)
    good, bad = built(engine, tmp_path, "check.py"), built(engine, tmp_path, "nothing-there")
    seen = observe(engine, good, run, checked=True)
    assert seen.health == "healthy"
    assert seen.answers == ((0, CHECK.format(name="check.py")),)
    seen = observe(engine, bad, run, checked=True)
    assert seen.health == "unhealthy"
    assert seen.log[-1].startswith("health check: ")  # podman keeps the first 500 characters
    engine.remove_image(good)
    engine.remove_image(bad)
    assert leftovers(engine) == there


@pytest.mark.engine
def test_health_beside_a_real_container(engine: Engine, tmp_path: Path) -> None:
    """The second container, whatever the engine can do."""
    run = RunSettings(network="none", start_timeout=20)
    for name, expected in (("check.py", "healthy"), ("nothing-there", "unhealthy")):
        image = built(engine, tmp_path, name)
        container = engine.create(image, network="none")
        assert engine.start(container) is None
        watcher = behave._Watch(engine, container, image, run)
        assert watcher.health_beside(behave.time.monotonic() + 20, NO_EXEC)[0] == expected
        engine.remove(container)
        engine.remove_image(image)


@pytest.mark.engine
def test_no_change_is_blamed_for_it(engine: Engine, tmp_path: Path) -> None:
    """An application that gains a health check keeps it, under either kind of engine."""
    (tmp_path / "app.py").write_text(
        "import flask\napp = flask.Flask(__name__)\n\n@app.get('/healthz')\ndef healthz():\n    return 'ok'\n"
    )
    (tmp_path / "requirements.txt").write_text("flask==3.1.0\n")
    text = (
        b"FROM python:3.13-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\n"
        b'COPY app.py .\nEXPOSE 5000\nCMD ["flask", "run", "--host", "0.0.0.0"]\n'
    )
    (tmp_path / "Dockerfile").write_bytes(text)
    from dockopt.facts.outside import Outside

    target = Target(str(tmp_path), BuildSettings(network="host"), RunSettings(network="none", settle=1))
    outside = Outside(str(tmp_path / "Dockerfile"))
    proof = Prover(engine).prove(text, Options(unsafe=True, select=("add-healthcheck",)), [target], outside)
    assert proof.proven and not proof.dropped, proof.dropped
    assert b"HEALTHCHECK" in proof.outcome.after
    assert proof.after is not None and proof.after.behaviour is not None
    assert proof.after.behaviour.health == "healthy"
