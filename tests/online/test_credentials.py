"""Logins come from Docker's configuration file or the store it names, and show themselves nowhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from dockopt.facts.online import credentials
from dockopt.facts.online.credentials import Login, StoreProblem, login


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def packed(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_auths(home: Path) -> None:
    entries = {
        "ghcr.io": packed("ann:p:w"),
        "https://index.docker.io/v1/": packed("ben:secret"),
        "https://other.example/": {"identitytoken": "t0k"},
        "plain.example": {"username": "cy", "password": "x"},
    }
    home.write_text(json.dumps({"auths": entries}), encoding="utf-8")
    assert login("ghcr.io") == Login("ann", "p:w")
    assert login("docker.io") == login("registry-1.docker.io") == Login("ben", "secret")
    assert login("other.example") == Login(token="t0k")
    assert login("plain.example") == Login("cy", "x")
    assert login("elsewhere.example") is None


def test_the_home_folder_is_read_where_the_variable_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {"a.example": packed("a:b")}}))
    assert login("a.example") == Login("a", "b")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", '{"auths": []}', '{"auths": {"a.example": {}}}', '{"auths": {"a.example": {"auth": "%%%"}}}'),
        *(
            '{"auths": {"a.example": {"auth": "YQ=="}}}',
            '{"auths": {"a.example": 1}}',
            '{"credsStore": ""}',
            '{"credHelpers": []}',
        ),
        *('{"credHelpers": {"b.example": "x"}}', '{"credHelpers": {"a.example": 1}}'),
    ],
)
def test_what_is_no_login(home: Path, text: str) -> None:
    home.write_text(text, encoding="utf-8")
    assert login("a.example") is None


def test_no_file(home: Path) -> None:
    assert login("a.example") is None


def test_a_login_never_shows_itself() -> None:
    one = Login("ann", "secret", "token")
    assert "secret" not in f"{one!r} {one} {[one]}" and "ann" not in f"{one!r}"


@pytest.fixture
def store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a PATH; what is put there as ``docker-credential-NAME`` is a store."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


#: Answers by the protocol, for the servers it knows.
KEEPER = """\
[ "$1" = get ] || exit 2
server=$(cat)
case $server in
  ghcr.io) echo '{"ServerURL":"ghcr.io","Username":"ann","Secret":"p:w"}' ;;
  https://index.docker.io/v1/) echo '{"ServerURL":"x","Username":"<token>","Secret":"t0k"}' ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
esac"""


def test_a_credential_store(home: Path, store: Path) -> None:
    program(store, "keeper", KEEPER)
    home.write_text('{"auths": {"ghcr.io": {}}, "credsStore": "keeper"}', encoding="utf-8")
    assert login("ghcr.io") == Login("ann", "p:w")
    assert login("docker.io") == login("registry-1.docker.io") == Login(token="t0k")
    assert login("elsewhere.example") is None


def test_a_helper_for_one_registry_goes_before_the_store_for_all(home: Path, store: Path) -> None:
    program(store, "keeper", KEEPER)
    program(store, "cloud", """echo '{"Username":"oauth2","Secret":"short-lived"}'""")
    data = {"credsStore": "keeper", "credHelpers": {"ghcr.io": "cloud", "docker.io": "cloud"}}
    home.write_text(json.dumps(data), encoding="utf-8")
    assert login("ghcr.io") == login("docker.io") == Login("oauth2", "short-lived")
    assert login("elsewhere.example") is None


def test_a_login_in_the_file_serves_where_the_store_has_none(home: Path, store: Path) -> None:
    program(store, "keeper", KEEPER)
    for name in ("keeper", "absent"):
        data = {"credsStore": name, "auths": {"a.example": packed("ann:secret")}}
        home.write_text(json.dumps(data), encoding="utf-8")
        assert login("a.example") == Login("ann", "secret")


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (None, "docker-credential-keeper, which Docker's configuration names, is not installed"),
        ("echo 'Error: secret s3cr3t is stale' >&2; exit 3", "docker-credential-keeper fails with exit code 3"),
        ("echo s3cr3t", "docker-credential-keeper answers no login"),
        ("echo '[]'", "docker-credential-keeper answers no login"),
        ("""echo '{"Username": 1, "Secret": "s3cr3t"}'""", "docker-credential-keeper answers no login"),
        ("sleep 20", "docker-credential-keeper does not answer"),
    ],
)
def test_a_store_that_cannot_be_asked(
    home: Path, store: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, problem: str
) -> None:
    monkeypatch.setattr(credentials, "TIMEOUT", 0.5)
    if script is not None:
        program(store, "keeper", script)
    home.write_text('{"credsStore": "keeper"}', encoding="utf-8")
    with pytest.raises(StoreProblem) as caught:
        login("a.example")
    assert str(caught.value) == problem and caught.value.__cause__ is None


def test_a_store_is_a_program_of_the_path_alone(home: Path, store: Path) -> None:
    program(store.parent, "evil", 'echo \'{"Username": "a", "Secret": "b"}\'')
    home.write_text('{"credsStore": "x/../../docker-credential-evil"}', encoding="utf-8")
    with pytest.raises(StoreProblem, match="is not installed"):
        login("a.example")


def test_an_empty_answer_is_no_login(home: Path, store: Path) -> None:
    program(store, "keeper", """echo '{"ServerURL": "", "Username": "", "Secret": ""}'""")
    home.write_text('{"credsStore": "keeper"}', encoding="utf-8")
    assert login("a.example") is None
