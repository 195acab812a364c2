"""``--online`` on the command line: off by default, a warning where nobody answers, never an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dockopt.cli.options import parse
from tests.cli.support import Run
from tests.online.server import Registry, Reply, answering, free_port


@pytest.fixture
def dockopt(tmp_path: Path) -> Run:
    (tmp_path / ".git").mkdir()
    return Run(tmp_path)


def put(dockopt: Run, name: str, text: str) -> Path:
    path = dockopt.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_it_is_off_by_default(dockopt: Run) -> None:
    with answering({}) as (host, asked):
        put(dockopt, "Dockerfile", f"FROM {host}/a/base:1\nWORKDIR app\n")
        done = dockopt("check", "--verbose")
        assert (done.code, asked) == (0, [])
        assert "warning" not in done.err


def test_the_switch(dockopt: Run, registry: Registry) -> None:
    digest = registry.image("cli/base", "1", WorkingDir="/srv")
    text = f"FROM {registry.host}/cli/base:1\nWORKDIR app\n"
    path = put(dockopt, "Dockerfile", text)
    done = dockopt("fix", "--online")
    assert (done.code, path.read_text()) == (0, text.replace("app", "/srv/app"))
    done = dockopt("fix", "--online", "--unsafe-fixes", "--select=pin-base")
    assert (done.code, path.read_text()) == (0, text.replace("app", "/srv/app").replace("base:1", f"base:1@{digest}"))


def test_the_configuration_and_the_flag_that_overrides_it(dockopt: Run, registry: Registry) -> None:
    registry.image("library/clibase", "1", WorkingDir="/srv")
    put(dockopt, "Dockerfile", "FROM clibase:1\nWORKDIR app\n")
    put(dockopt, "dockopt.toml", f'online = true\nregistry-mirrors = ["http://{registry.host}/"]\n')
    assert dockopt("fix", "--diff").out.decode().splitlines()[-1] == "+WORKDIR /srv/app"
    assert dockopt("fix", "--diff", "--no-online").out == b""


def test_standard_input(dockopt: Run, registry: Registry) -> None:
    registry.image("cli/stdin", "1", WorkingDir="/srv", User="app")
    text = f"FROM {registry.host}/cli/stdin:1\nWORKDIR app\n"
    done = dockopt("fix", "--online", "-", stdin=text.encode())
    assert (done.code, done.out.decode()) == (0, text.replace("app", "/srv/app"))
    scored = json.loads(dockopt("score", "--online", "--output-format=json", "-", stdin=text.encode()).out)
    assert [line["status"] for line in scored["files"][0]["lines"] if line["id"] == "non-root"] == ["pass"]
    hardened = json.loads(dockopt("harden", "--online", "--output-format=json", "-", stdin=text.encode()).out)
    assert hardened["files"][0]["user"] == "app"


@pytest.mark.parametrize("many", [1, 40], ids=["one file", "on all cores"])
def test_a_registry_that_cannot_be_reached_is_one_warning(dockopt: Run, many: int) -> None:
    host = f"127.0.0.1:{free_port()}"
    paths = [
        put(dockopt, f"d{n}/Dockerfile", f"FROM {host}/a/b{n}:1\nMAINTAINER ann\nWORKDIR x\n") for n in range(many)
    ]
    done = dockopt("fix", "--online")
    assert done.code == 0
    warnings = [line for line in done.err.splitlines() if "warning" in line]
    assert warnings == [
        f"dockopt: warning: {host} cannot be reached: connection refused; what could not be asked stays unknown, "
        "all else was done"
    ]
    # The other transforms ran.
    assert all("LABEL org.opencontainers.image.authors" in path.read_text() for path in paths)


def test_the_exit_code_is_that_of_the_findings(dockopt: Run) -> None:
    host = f"127.0.0.1:{free_port()}"
    put(dockopt, "Dockerfile", f"FROM {host}/a/b:1\nUSER app\n")
    assert dockopt("fix", "--check", "--online").code == 0
    done = dockopt("check", "--online", "--select=pin-base", "--verbose")
    assert done.code == 0
    assert f"refused (digest-unknown): {host} cannot be reached: connection refused" in done.out.decode()
    put(dockopt, "Dockerfile", f"FROM {host}/a/b:1\nMAINTAINER ann\n")
    assert dockopt("fix", "--check", "--online").code == 1


def test_the_report_for_programs(dockopt: Run) -> None:
    with answering({f"/v2/a/b/manifests/{tag}": Reply(429) for tag in "12"}) as (host, _):
        put(dockopt, "Dockerfile", f"FROM {host}/a/b:1 AS a\nFROM {host}/a/b:2\nMAINTAINER ann\n")
        done = dockopt("check", "--online", "--output-format=json")
    report = json.loads(done.out)
    assert report["warnings"] == [f"{host} allows no more requests for now (docker login may raise the limit)"]
    assert done.code == 1 and "warning: " in done.err
    assert json.loads(dockopt("check", "--output-format=json").out)["warnings"] == []


def test_quiet_is_quiet(dockopt: Run) -> None:
    put(dockopt, "Dockerfile", f"FROM 127.0.0.1:{free_port()}/a/b:1\nMAINTAINER ann\n")
    done = dockopt("fix", "--online", "--quiet")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("command", ["score", "harden"])
def test_commands_that_answer_warn_too(dockopt: Run, command: str) -> None:
    host = f"127.0.0.1:{free_port()}"
    put(dockopt, "Dockerfile", f'FROM {host}/a/b:1\nCMD ["x"]\n')
    done = dockopt(command, "--online")
    assert done.code == 0 and done.err.count(f"warning: {host} cannot be reached") == 1


def test_a_login_is_never_shown(dockopt: Run, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    with answering({"/v2/a/b/manifests/1": Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})}) as (
        host,
        asked,
    ):
        (docker / "config.json").write_text(json.dumps({"auths": {host: {"auth": "YW5uOmgzc2VjcmV0"}}}))
        put(dockopt, "Dockerfile", f'FROM {host}/a/b:1\nCMD ["x"]\n')
        done = dockopt(
            *("check", "--online", "--verbose", "--output-format=json"),
            env={"DOCKER_CONFIG": str(docker), "DOCKOPT_DEBUG": "1"},
        )
    assert any("authorization" in one.headers for one in asked)
    shown = done.out.decode() + done.err
    assert "h3secret" not in shown and "YW5uOmgzc2VjcmV0" not in shown and "Basic" not in shown


def test_no_network_code_is_imported_without_it(dockopt: Run) -> None:
    """A run without ``--online`` must not become slower."""
    put(dockopt, "Dockerfile", "FROM acme/base:1\nMAINTAINER ann\nRUN pip install x\n")
    code = (
        "import sys\nfrom dockopt.__main__ import main\nmain()\n"
        "print([name for name in sys.modules if name.startswith(('urllib.request', 'http', 'ssl', 'socket', 'dockopt.facts.online', 'dockopt.facts.lock'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "fix", "Dockerfile"],
        cwd=dockopt.folder,
        env=dockopt.environment(),
        capture_output=True,
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["fix", "check", "verify", "measure", "score", "harden"])
def test_every_command_on_files_takes_it(command: str) -> None:
    for flag, value in (("--online", True), ("--no-online", False)):
        arguments = parse([command, flag])
        assert arguments is not None and arguments.online is value
