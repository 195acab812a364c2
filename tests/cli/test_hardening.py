"""``dockopt harden``."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.cli.support import Run

API = b"""FROM python:3.13-slim
WORKDIR /app
RUN mkdir -p /data /app/logs
VOLUME /data
EXPOSE 8000 8125/udp
USER 10001:10001
CMD ["python", "app.py"]
"""


@pytest.fixture
def api(dockopt: Run) -> Run:
    (dockopt.folder / "api").mkdir()
    (dockopt.folder / "api" / "Dockerfile").write_bytes(API)
    return dockopt


def _file(run: Run, *words: str) -> dict[str, object]:
    done = run("harden", "--output-format", "json", *words)
    assert done.code == 0
    report = json.loads(done.out)
    assert (report["version"], report["command"], report["errors"]) == (1, "harden", [])
    (file,) = report["files"]
    return file  # type: ignore[no-any-return]


def test_the_docker_run_line(api: Run) -> None:
    assert _file(api, "api")["docker"] == (
        "docker run --rm --read-only \\\n"
        "  --cap-drop ALL \\\n"
        "  --security-opt no-new-privileges:true \\\n"
        "  --tmpfs /tmp \\\n"
        "  --tmpfs /app/logs:uid=10001,gid=10001 \\\n"
        "  --volume api-data:/data \\\n"
        "  --publish 8000:8000 \\\n"
        "  --publish 8125:8125/udp \\\n"
        "  api\n"
    )


def test_the_compose_service(api: Run) -> None:
    compose = yaml.safe_load(str(_file(api, "api")["compose"]))
    assert compose["volumes"] == {"data": None}
    assert compose["services"]["api"] == {
        "image": "api",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp", "/app/logs:uid=10001,gid=10001"],
        "volumes": ["data:/data"],
        "ports": ["8000:8000", "8125:8125/udp"],
    }


def test_the_kubernetes_pod(api: Run) -> None:
    spec = yaml.safe_load(str(_file(api, "api")["kubernetes"]))["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"tmp": "/tmp", "data": "/data", "app-logs": "/app/logs"}
    assert {volume["name"] for volume in spec["volumes"]} == set(mounts)


def test_text_names_the_evidence_and_changes_nothing(api: Run) -> None:
    done = api("harden", ".")
    assert done.code == 0
    text = done.out.decode()
    assert "volume /data (line 4: VOLUME)" in text
    assert "tmpfs /app/logs (line 3: mkdir /app/logs)" in text
    assert "# docker run" in text and "# compose.yaml" in text and "# Kubernetes pod" in text
    assert (api.folder / "api" / "Dockerfile").read_bytes() == API


def test_a_server_that_leaves_root_by_itself_keeps_what_it_needs(dockopt: Run) -> None:
    (dockopt.folder / "Dockerfile").write_bytes(b"FROM nginx:1.27\nCOPY site /usr/share/nginx/html\n")
    file = _file(dockopt, ".")
    assert file["capabilities"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"]
    assert file["ports"] == ["80/tcp"]
    assert "--tmpfs /var/cache/nginx" in str(file["docker"])
    assert "runAsNonRoot" not in str(file["kubernetes"])


def test_root_is_told(dockopt: Run) -> None:
    (dockopt.folder / "Dockerfile").write_bytes(b'FROM debian:12\nCMD ["server"]\n')
    file = _file(dockopt, ".")
    assert any("runs as root" in note for note in file["notes"])  # type: ignore[attr-defined]


def test_the_number_of_a_made_account_is_found(dockopt: Run) -> None:
    (dockopt.folder / "Dockerfile").write_bytes(b'FROM debian:12\nRUN useradd -u 4711 web\nUSER web\nCMD ["server"]\n')
    file = _file(dockopt, ".")
    assert (file["user"], file["uid"]) == ("web", 4711)
    assert "runAsUser: 4711" in str(file["kubernetes"])


def test_a_file_that_is_none_is_an_error_and_the_others_are_answered(api: Run) -> None:
    (api.folder / "Dockerfile").write_bytes(b"FROM\n")
    done = api("harden", ".")
    assert done.code == 2
    assert "Dockerfile:1: BuildKit rejects this file" in done.err
    assert "docker run --rm --read-only" in done.out.decode()


def test_standard_input(dockopt: Run) -> None:
    done = dockopt("harden", "-", stdin=API)
    assert done.code == 0
    assert b"--volume app-data:/data" in done.out
