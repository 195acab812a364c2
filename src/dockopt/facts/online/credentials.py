"""Logins from Docker's own configuration: what ``docker login`` wrote as ``auths``, or put into a credential store.

https://docs.docker.com/reference/cli/docker/login/#credential-stores: ``credHelpers`` names a store for one registry,
``credsStore`` one for all others. A store is asked through the program ``docker-credential-NAME`` by the protocol of
https://github.com/docker/docker-credential-helpers: the server's address goes in, JSON with the login comes out.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import NamedTuple

from dockopt.facts.online.reference import HUB, HUB_HOST

#: Seconds a credential store may take. It may have to ask a cloud for a token.
TIMEOUT = 20.0

_HUB_SERVER = "https://index.docker.io/v1/"
_HUB_KEYS = (_HUB_SERVER, "index.docker.io", "docker.io", "registry-1.docker.io")
_NAME = re.compile(r"[\w.-]+\Z", re.ASCII)


class Login(NamedTuple):
    """A login. Never to be shown: its text form says nothing."""

    user: str = ""
    password: str = ""
    token: str = ""  #: an identity token, which stands for both

    def __repr__(self) -> str:
        return "Login(...)"


class StoreProblem(Exception):
    """A credential store that could not be asked. ``str()`` says why in one line, without anything it said."""


def login(host: str) -> Login | None:
    """The login for a registry's host, None where there is none.

    :raises StoreProblem: where the configuration has no login but names a store that cannot be asked.
    """
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict):
        return None
    hub = host in (HUB, HUB_HOST)
    keys = _HUB_KEYS if hub else (host, f"https://{host}", f"https://{host}/", f"http://{host}")
    problem: StoreProblem | None = None
    store = _store(data, keys)
    if store is not None:
        try:
            found = _stored(store, _HUB_SERVER if hub else host)
        except StoreProblem as error:
            problem, found = error, None
        if found is not None:
            return found
    auths = data.get("auths")
    entries = auths if isinstance(auths, dict) else {}
    for key in keys:
        entry = entries.get(key)
        written = _entry(entry) if isinstance(entry, dict) else None
        if written is not None:
            return written
    if problem is not None:
        raise problem
    return None


def _store(data: dict[str, object], keys: tuple[str, ...]) -> str | None:
    """The name of the credential store for a registry."""
    helpers = data.get("credHelpers")
    own = next((helpers[key] for key in keys if key in helpers), None) if isinstance(helpers, dict) else None
    name = own or data.get("credsStore")
    return name if isinstance(name, str) and name else None


def _stored(store: str, server: str) -> Login | None:
    """What a credential store has for a server."""
    import shutil
    import subprocess

    name = f"docker-credential-{store}"
    program = shutil.which(name) if _NAME.match(store) else None
    if program is None:
        raise StoreProblem(f"{name}, which Docker's configuration names, is not installed")
    try:
        done = subprocess.run([program, "get"], input=server.encode(), capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise StoreProblem(f"{name} does not answer") from None
    except OSError as error:
        raise StoreProblem(f"{name} cannot be run: {(error.strerror or type(error).__name__).lower()}") from None
    if done.returncode:
        if b"credentials not found" in done.stdout + done.stderr:
            return None
        raise StoreProblem(f"{name} fails with exit code {done.returncode}")
    try:
        answer = json.loads(done.stdout)
    except (ValueError, RecursionError):
        answer = None
    user, secret = (answer.get("Username"), answer.get("Secret")) if isinstance(answer, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(secret, str):
        raise StoreProblem(f"{name} answers no login")
    if user == "<token>":
        return Login(token=secret) if secret else None
    return Login(user, secret) if user else None


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
