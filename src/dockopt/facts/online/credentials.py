"""Logins from Docker's own configuration: what ``docker login`` wrote as ``auths``, and nothing else.

https://docs.docker.com/reference/cli/docker/login/#credential-stores: a login in a credential store is out of
reach here, since its helper is a program; the registry is then asked without a login.
"""

from __future__ import annotations

import base64
import json
import os
from typing import NamedTuple

from dockopt.facts.online.reference import HUB, HUB_HOST

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


class Login(NamedTuple):
    """A login. Never to be shown: its text form says nothing."""

    user: str = ""
    password: str = ""
    token: str = ""  #: an identity token, which stands for both

    def __repr__(self) -> str:
        return "Login(...)"


def login(host: str) -> Login | None:
    """The login for a registry's host, None where there is none that can be read."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError):
        return None
    auths = data.get("auths") if isinstance(data, dict) else None
    if not isinstance(auths, dict):
        return None
    keys = _HUB_KEYS if host in (HUB, HUB_HOST) else (host, f"https://{host}", f"https://{host}/", f"http://{host}")
    for key in keys:
        entry = auths.get(key)
        found = _entry(entry) if isinstance(entry, dict) else None
        if found is not None:
            return found
    return None


def _entry(entry: dict[str, object]) -> Login | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(token=token)
    packed = entry.get("auth")
    if isinstance(packed, str) and packed:
        try:
            user, colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
        except (ValueError, UnicodeDecodeError):
            return None
        return Login(user, password.rstrip("\0")) if colon and user else None
    user_, password_ = entry.get("username"), entry.get("password")
    if isinstance(user_, str) and isinstance(password_, str) and user_:
        return Login(user_, password_)
    return None
