"""Logins come from Docker's configuration file, and show themselves nowhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from dockopt.facts.online.credentials import Login, login


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
        *('{"auths": {"a.example": {"auth": "YQ=="}}}', '{"auths": {"a.example": 1}}', '{"credsStore": "desktop"}'),
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
