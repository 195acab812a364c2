"""What is known of well-known base images without asking a registry.

Facts are those of docker-library's published definitions (2026-08): every image listed starts as root
in the working directory given and keeps ``/bin/sh`` as its shell. An image that is not listed, or
whose tag leaves open which distribution it is, gives Unknown.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class BaseImage(NamedTuple):
    """A base image as far as the table knows it."""

    name: str
    tag: str
    family: str  #: ``debian``, ``ubuntu``, ``alpine``, ``fedora`` (and rebuilds of RHEL), ``scratch`` …
    workdir: str
    user: str = "root"

    @property
    def shell(self) -> str:
        """The shell behind ``/bin/sh``: ``dash``, ``ash`` or ``bash``."""
        return {"debian": "dash", "ubuntu": "dash", "alpine": "ash", "busybox": "ash"}.get(self.family, "bash")


_DISTRIBUTIONS = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "alpine": "alpine",
    "busybox": "busybox",
    "centos": "fedora",
    "fedora": "fedora",
    "rockylinux": "fedora",
    "almalinux": "fedora",
    "amazonlinux": "fedora",
    "oraclelinux": "fedora",
    "archlinux": "arch",
    "buildpack-deps": "debian",
}
# Language and server images: their working directory. Debian unless the tag says otherwise.
_IMAGES = {
    "python": "/",
    "node": "/",
    "golang": "/go",
    "ruby": "/",
    "rust": "/",
    "openjdk": "/",
    "eclipse-temurin": "/",
    "maven": "/",
    "gcc": "/",
    "perl": "/usr/src/app",
    "php": "/var/www/html",
    "erlang": "/",
    "elixir": "/",
    "nginx": "/",
    "httpd": "/usr/local/apache2",
    "redis": "/data",
    "postgres": "/",
    "mysql": "/",
    "mariadb": "/",
    "mongo": "/",
    "tomcat": "/usr/local/tomcat",
    "pypy": "/",
    "julia": "/",
}
_PHP_CLI = re.compile(r"(^|-)(cli|zts)(-|$)")
_OTHER_DISTRIBUTION = re.compile(
    r"(^|-)(alpine|ubi|oracle|oraclelinux|al20\d\d|amazon|nanoserver|windowsservercore|jammy|noble|focal|ubuntu"
    r"|fpm|zts|alpaquita|perl)(\d|\.|-|$)"
)
_NOT_LINUX = re.compile(r"windows|nanoserver|servercore|dotnet/framework|(^|/)iis(:|$)", re.I)


def split_reference(reference: str) -> tuple[str, str, str]:
    """``name``, ``tag`` and ``digest`` of an image reference; Docker Hub's prefixes are dropped."""
    name, _, digest = reference.partition("@")
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    tag = name[colon + 1 :] if colon >= 0 else ""
    name = name[:colon] if colon >= 0 else name
    for prefix in ("docker.io/", "index.docker.io/", "registry-1.docker.io/"):
        name = name.removeprefix(prefix)
    return name.removeprefix("library/"), tag, digest


def is_windows(reference: str) -> bool:
    """Whether an image reference names a Windows image, whose shell is cmd or PowerShell."""
    return bool(_NOT_LINUX.search(reference))


def lookup(reference: str) -> BaseImage | None:
    """The table's entry for an image reference, None where it has none."""
    if reference == "scratch":
        return BaseImage("scratch", "", "scratch", "/")
    name, tag, _ = split_reference(reference)
    family = _DISTRIBUTIONS.get(name)
    if family is not None:
        return BaseImage(name, tag, family, "/")
    workdir = _IMAGES.get(name)
    if workdir is None:
        return None
    other = _OTHER_DISTRIBUTION.search(tag)
    family = "debian"
    if other is not None:
        kind = other[2]
        if kind == "alpine":
            family = "alpine"
        elif kind in ("jammy", "noble", "focal", "ubuntu"):
            family = "ubuntu"
        elif kind not in ("fpm", "zts"):
            return None
    elif name in ("eclipse-temurin", "maven", "mongo", "mariadb"):
        family = "ubuntu"  # these default to Ubuntu, not Debian
    elif name == "mysql":
        family = "fedora"  # Oracle Linux
    if name == "php" and _PHP_CLI.search(tag):
        workdir = "/" if "cli" in tag else workdir
    if (
        name == "php"
        and (not tag or re.fullmatch(r"[\d.]+(-[a-z]+)?", tag))
        and "apache" not in tag
        and "fpm" not in tag
    ):
        workdir = "/"
    return BaseImage(name, tag, family, workdir)
