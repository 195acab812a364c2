"""What differs between two builds of one and the same Dockerfile, and how the comparison treats it.

The lists are short on purpose: each line names the program that writes the file and why it differs. What is
not listed and still differs is compared with a second build of the original before anybody is accused.
``docs/verify.md`` shows these tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dockopt.build.globs import compiled

#: Paths that may come, go and differ: their very names are made from the time, a process id or chance.
NAMES = (
    ("/root/.npm/_logs/**", "npm: one log a run, named by its time"),
    ("/home/*/.npm/_logs/**", "npm: one log a run, named by its time"),
    ("/root/.npm/_cacache/tmp/**", "npm: temporary files of its cache"),
    ("/root/.npm/_cacache/index-v5/**", "npm: its cache's index holds times"),
    ("/root/.npm/_update-notifier-last-checked", "npm: the time it last asked for a new version"),
    ("/tmp/npm-*/**", "npm: temporary folder, named by its process id"),
    ("/tmp/pip-*/**", "pip: temporary folder with a random name"),
    ("/tmp/tmp????????/**", "Python's tempfile: random name"),
    ("/tmp/hsperfdata_*/**", "Java: performance counters, named by process id"),
    ("/tmp/v8-compile-cache-*/**", "Node: compiled scripts"),
    ("/root/.config/go/telemetry/**", "Go: counters of its own use, named by the day"),
    ("/home/*/.config/go/telemetry/**", "Go: counters of its own use, named by the day"),
    ("/root/.cache/pip/selfcheck/**", "pip: the time it last asked for a new version"),
    ("/var/cache/dnf/**", "dnf: metadata of the moment; packages are compared as such"),
    ("/var/cache/libdnf5/**", "dnf5: metadata of the moment"),
    ("/var/cache/yum/**", "yum: metadata of the moment"),
    ("/var/lib/dnf/**", "dnf: its history database, with times"),
    ("/var/lib/yum/**", "yum: its history database, with times"),
)

#: Files whose content differs; that they are there, with mode and owner, is compared.
CONTENT = (
    ("/etc/hostname", "the engine writes it for each container"),
    ("/etc/hosts", "the engine writes it for each container"),
    ("/etc/resolv.conf", "the engine writes it for each container"),
    ("/etc/machine-id", "systemd: random"),
    ("/var/lib/dbus/machine-id", "D-Bus: random"),
    ("/etc/ssh/ssh_host_*", "OpenSSH: keys made on installation"),
    ("/etc/ssl/certs/ssl-cert-snakeoil.pem", "ssl-cert: made on installation"),
    ("/etc/ssl/private/ssl-cert-snakeoil.key", "ssl-cert: made on installation"),
    ("/etc/ssl/certs/java/cacerts", "ca-certificates-java: a key store with times"),
    ("/var/log/apt/**", "apt: log with times"),
    ("/var/log/dpkg.log", "dpkg: log with times"),
    ("/var/log/alternatives.log", "update-alternatives: log with times"),
    ("/var/log/fontconfig.log", "fontconfig: log"),
    ("/var/log/dnf*.log", "dnf: log with times"),
    ("/var/log/hawkey.log", "dnf: log with times"),
    ("/var/log/yum.log", "yum: log with times"),
    ("/var/log/pacman.log", "pacman: log with times"),
    ("/var/log/lastlog", "login: a sparse file of times"),
    ("/var/lib/apt/lists/**", "apt: the archive's index of the moment"),
    ("/var/cache/apt/*.bin", "apt: made from the lists"),
    ("/var/lib/apt/extended_states", "apt: in the order of installation; packages are compared as such"),
    ("/var/lib/dpkg/status", "dpkg: in the order of installation; compared as a list of packages"),
    ("/var/lib/dpkg/*-old", "dpkg: the previous state"),
    ("/var/cache/debconf/*.dat", "debconf: in the order of questions"),
    ("/var/cache/debconf/*-old", "debconf: the previous state"),
    ("/var/cache/ldconfig/aux-cache", "ldconfig: inode numbers and times"),
    ("/var/cache/man/**", "man-db: index with times"),
    ("/var/cache/fontconfig/**", "fontconfig: folder times"),
    ("/var/lib/systemd/catalog/database", "systemd: built with a time"),
    ("/usr/share/info/dir", "install-info: in the order of installation"),
    ("/var/lib/rpm/**", "rpm: a database with times; compared as a list of packages"),
    ("/usr/lib/sysimage/rpm/**", "rpm: a database with times; compared as a list of packages"),
    ("/lib/apk/db/**", "apk: compared as a list of packages"),
    ("/usr/lib/apk/db/**", "apk: compared as a list of packages"),
    ("/var/lib/pacman/local/*/desc", "pacman: the time of installation"),
    ("/root/.cache/pip/http*/**", "pip: answers with their headers"),
    ("/home/*/.cache/pip/http*/**", "pip: answers with their headers"),
    ("/**/node_modules/.cache/**", "JavaScript build tools: caches with times"),
    ("/**/go/pkg/mod/cache/download/sumdb/**", "Go: the checksum database's latest tree"),
)

#: Files compared after what differs in them is taken out.
NORMALISED = (
    ("/etc/shadow", "the third field of a line, the day of the last change"),
    ("/etc/shadow-", "the third field of a line, the day of the last change"),
    ("*.pyc", "bytes 8 to 16, the source's time and size; the rest follows the source, which is compared"),
)

_NAMES = compiled(pattern for pattern, _ in NAMES)
_CONTENT = compiled(pattern for pattern, _ in CONTENT)

#: What is read whole because packages are counted from it.
_WANTED = re.compile(
    r"/(?:usr/)?lib/apk/db/installed"
    r"|/var/lib/dpkg/(?:status(?:\.d/[^/]+)?|info/[^/]+\.list)"
    r"|/(?:var/lib/rpm|usr/lib/sysimage/rpm)/rpmdb\.sqlite"
    r"|.*/node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json"
)


def names_vary(path: str) -> bool:
    """Whether ``path`` may be there in one build and not in the next."""
    return _NAMES.match(path) is not None


def content_varies(path: str) -> bool:
    """Whether the file's content may differ from one build to the next."""
    return _CONTENT.match(path) is not None


def normalised(path: str) -> Callable[[bytes], bytes] | None:
    """What to do to the file's content before it is compared; ``None``: nothing."""
    if path.endswith(".pyc"):
        return _without_source_time
    if path in ("/etc/shadow", "/etc/shadow-"):
        return _without_days
    return None


def wanted(path: str) -> bool:
    """Whether the file's content is needed to count packages."""
    return _WANTED.fullmatch(path) is not None


def _without_source_time(data: bytes) -> bytes:
    # PEP 552: magic number, flags, then the source's time and size unless the flags say it is a hash.
    return data[:8] + bytes(8) + data[16:] if data[4:8] == bytes(4) else data


def _without_days(data: bytes) -> bytes:
    lines = []
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 3:
            fields[2] = b""
        lines.append(b":".join(fields))
    return b"\n".join(lines)
