"""Image references as Docker reads them.

https://github.com/distribution/reference: ``python`` is ``docker.io/library/python:latest``; the first part of
a name is a registry's host only with a dot or colon in it, or as ``localhost``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

HUB = "docker.io"
#: Where Docker Hub's interface is: ``docker.io`` itself is its web site.
HUB_HOST = "registry-1.docker.io"

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\Z")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*\Z")
_TAG = re.compile(r"\w[\w.-]{0,127}\Z", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Reference(NamedTuple):
    """One image in one registry."""

    host: str  #: ``docker.io``, ``ghcr.io``, ``localhost:5000``
    repository: str  #: ``library/python``
    tag: str  #: empty where only a digest is given
    digest: str  #: ``sha256:…``, or empty

    @property
    def name(self) -> str:
        """Without tag and digest: ``docker.io/library/python``."""
        return f"{self.host}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What names the manifest: the digest where there is one."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def read(text: str) -> Reference | None:
    """A reference in full; None for what is none, and for digests other than sha256."""
    name, at, digest = text.partition("@")
    if at and not DIGEST.match(digest):
        return None
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    tag = name[colon + 1 :] if colon >= 0 else ""
    name = name[:colon] if colon >= 0 else name
    if colon >= 0 and not _TAG.match(tag):
        return None
    first, divided, rest = name.partition("/")
    if divided and ("." in first or ":" in first or first == "localhost"):
        host, repository = first, rest
    else:
        host, repository = HUB, name
    if host in (HUB, "index.docker.io", HUB_HOST):
        host = HUB
        repository = repository if "/" in repository else f"library/{repository}"
    if not _HOST.match(host) or not _REPOSITORY.match(repository):
        return None
    return Reference(host, repository, tag or ("" if digest else "latest"), digest)


def is_address(text: str) -> bool:
    """Whether a text is the address of a registry: ``https://`` and a host, ``http://`` for this machine only."""
    scheme, found, host = text.rstrip("/").partition("://")
    if not found or not _HOST.match(host):
        return False
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host (with its port or without) is this machine: ``localhost``, 127.0.0.0/8, ``[::1]``."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
