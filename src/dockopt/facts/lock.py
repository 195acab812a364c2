"""``dockopt.lock``: digests to pin base images to, chosen once and kept with the sources.

A TOML file with one table, found as the configuration is: the nearest above the Dockerfile, up to the root of
its repository::

    [digests]
    "python:3.13-slim" = "sha256:…"
"""

from __future__ import annotations

import os
import re

from dockopt.facts.base import canonical
from dockopt.facts.value import Known, Unknown

NAME = "dockopt.lock"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def find_lock(dockerfile: str) -> Known[dict[str, str]] | Unknown | None:
    """The digests by canonical reference; None where there is no lock, Unknown for one that cannot be used."""
    from dockopt.facts.context import repository_root

    folder = os.path.dirname(os.path.abspath(dockerfile))
    top = repository_root(folder)
    while True:
        path = os.path.join(folder, NAME)
        if os.path.lexists(path):
            return _read(path)
        if folder == top or os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)


def _read(path: str) -> Known[dict[str, str]] | Unknown:
    import tomllib

    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        return Unknown(f"{NAME} cannot be read: {(error.strerror or '').lower()}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return Unknown(f"{NAME} is not valid TOML: {error}")
    digests = table.get("digests")
    if not isinstance(digests, dict) or len(table) != 1:
        return Unknown(f"{NAME} must hold one table, digests, and nothing else")
    found: dict[str, str] = {}
    for reference, digest in digests.items():
        if not isinstance(digest, str) or not _DIGEST.match(digest):
            return Unknown(f"{NAME}: {reference} must have a digest, sha256: and 64 hexadecimal digits")
        found[canonical(reference)] = digest
    return Known(found, NAME)
