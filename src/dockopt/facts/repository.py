"""Where the sources of a build context come from: the address of its git repository's remote."""

from __future__ import annotations

import os
import re

from dockopt.facts.value import Known, Unknown

#: Hosts whose ``git@host:owner/name`` is known to be ``https://host/owner/name`` in a browser.
_WEB = frozenset(("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht"))
_SECTION = re.compile(r'\[\s*remote\s+"((?:[^"\\]|\\.)*)"\s*\]', re.I)
_SCP = re.compile(r"(?:([\w.-]+)@)?([\w.-]+):(?!//)([^\s:]+)\Z")
_ADDRESS = re.compile(r"(?:git\+)?(https?|ssh|git)://(?:[^\s/@]*@)?([^\s/@]+)/([^\s?#]+)\Z", re.I)


def remote(folder: str) -> Known[str] | Unknown:
    """The web address of the remote ``origin`` (or of the only one) of the repository ``folder`` is in.

    Credentials in the address are left out. https://git-scm.com/docs/gitrepository-layout says where the
    configuration stands, for worktrees and submodules too.
    """
    git = _git_folder(folder)
    if git is None:
        return Unknown(f"{folder} is in no git repository")
    try:
        with open(os.path.join(git, "config"), encoding="utf-8", errors="replace") as file:
            text = file.read(1_000_000)
    except OSError as error:
        return Unknown(f"the git configuration cannot be read: {error.strerror or error}")
    remotes = _remotes(text)
    name = "origin" if "origin" in remotes else next(iter(remotes), "") if len(remotes) == 1 else ""
    if not name:
        return Unknown("the git repository has no remote named origin")
    address = web_address(remotes[name])
    if address is None:
        return Unknown(f"the git remote {name} is no address that others can reach")
    return Known(address, f"git remote {name}")


def web_address(text: str) -> str | None:
    """A repository's address without credentials and ``.git``; None for a local path.

    ``git@github.com:acme/api.git`` is ``https://github.com/acme/api``; of a host nobody knows it stays ssh.
    """
    text = text.strip()
    if match := _ADDRESS.match(text):
        scheme, host, path = match[1].lower(), match[2].lower(), match[3]
    elif (match := _SCP.match(text)) and "." in match[2] and not match[3].startswith("\\"):
        scheme, host, path = "ssh", match[2].lower(), match[3].lstrip("/")
    else:
        return None
    path = path.rstrip("/").removesuffix(".git")
    if host.split(":")[0] in ("localhost", "127.0.0.1", "[::1]") or not path:
        return None
    if host in _WEB and scheme in ("ssh", "git"):
        scheme = "https"
    return f"{scheme}://{'git@' if scheme == 'ssh' else ''}{host}/{path}"


def _git_folder(folder: str) -> str | None:
    current = os.path.abspath(folder)
    while True:
        git = os.path.join(current, ".git")
        if os.path.isdir(git):
            return git
        if os.path.isfile(git):
            return _linked(git, current)
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent


def _linked(file: str, folder: str) -> str | None:
    """The folder a ``.git`` file names; for a worktree the one it shares its configuration with."""
    try:
        with open(file, encoding="utf-8", errors="replace") as handle:
            line = handle.read(4096).strip()
        if not line.startswith("gitdir:"):
            return None
        git = os.path.normpath(os.path.join(folder, line[7:].strip()))
        common = os.path.join(git, "commondir")
        if os.path.isfile(common):
            with open(common, encoding="utf-8", errors="replace") as handle:
                git = os.path.normpath(os.path.join(git, handle.read(4096).strip()))
    except OSError:
        return None
    return git


def _remotes(text: str) -> dict[str, str]:
    """The ``url`` of each remote in a git configuration."""
    found: dict[str, str] = {}
    name: str | None = None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = _SECTION.match(line)
            name = section[1] if section else None
        elif name is not None:
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "url" and value.strip():
                found.setdefault(name, value.strip().strip('"'))
    return found
