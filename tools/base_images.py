"""Write the table of base images, ``src/dockopt/facts/data/base/*.txt``, from published definitions.

    python tools/base_images.py MIRRORS [--only NAME]

MIRRORS is a folder of git repositories named ``owner+name/repo`` (or ``owner+name``): a full clone of
docker-library/official-images and, as far as they can be had, of the repositories its ``library/`` files
name. Each ``library/`` file is followed through its history, so that a tag that is published no longer
keeps the facts of the last image pushed under it. A definition's Dockerfile is read with dockopt's own
reader, down through FROM to the distribution. dotnet's images come from the ``manifest.json`` of
dotnet/dotnet-docker, distroless images from the tables of GoogleContainerTools/distroless.

What no Dockerfile says (what a distribution's root file system holds) is in the tables below, each with
its source.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from dockopt.facts.facts import Facts  # noqa: E402
from dockopt.syntax.document import load  # noqa: E402
from dockopt.syntax.words import expand_known  # noqa: E402

TARGET = ROOT / "src" / "dockopt" / "facts" / "data" / "base"


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Debian releases by version: https://www.debian.org/releases/
DEBIAN = {
    "7": "wheezy",
    "8": "jessie",
    "9": "stretch",
    "10": "buster",
    "11": "bullseye",
    "12": "bookworm",
    "13": "trixie",
    "14": "forky",
}
DEBIAN_NAMES = frozenset((*DEBIAN.values(), "squeeze", "sid"))
# Ubuntu releases: https://wiki.ubuntu.com/Releases
UBUNTU = {
    "precise": "12.04", "quantal": "12.10", "raring": "13.04", "saucy": "13.10", "trusty": "14.04", "utopic": "14.10",
    "vivid": "15.04", "wily": "15.10", "xenial": "16.04", "yakkety": "16.10", "zesty": "17.04", "artful": "17.10",
    "bionic": "18.04", "cosmic": "18.10", "disco": "19.04", "eoan": "19.10", "focal": "20.04", "groovy": "20.10",
    "hirsute": "21.04", "impish": "21.10", "jammy": "22.04", "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10",
    "noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10", "resolute": "26.04", "stonking": "26.10",
}  # fmt: skip

# What the root file systems hold beyond coreutils, grep, sed, tar and gzip. Debian: packages of priority
# required and essential (debuerreotype's minbase variant). Alpine: busybox's applets
# (main/busybox/busyboxconfig in aports). Fedora and rebuilds: their kickstarts and Containerfiles.
# Only what is certain is listed: a tool that is missing here may still be there.
TOOLS = {
    "debian": "bash dash perl useradd groupadd usermod chpasswd install find xargs",
    "ubuntu": "bash dash perl useradd groupadd usermod chpasswd install find xargs",
    "alpine": "ash wget adduser addgroup nc unzip vi install find xargs ps",
    "busybox": "ash wget adduser addgroup nc unzip vi install find xargs ps",
    "centos": "bash curl useradd groupadd usermod",
    "fedora": "bash curl useradd groupadd usermod",
    "rocky": "bash curl useradd groupadd usermod",
    "almalinux": "bash curl useradd groupadd usermod",
    "oracle": "bash curl",
    "amazon": "bash curl",
    "arch": "bash curl useradd groupadd usermod",
    "opensuse": "bash",
    "photon": "bash curl",
}
# Accounts of the distribution itself: Debian's base-passwd (passwd.master), Ubuntu's image since 23.04
# (its cloud-images build adds ``ubuntu``, 1000), Alpine's alpine-baselayout.
USERS = {
    "debian": {"www-data": "33", "nobody": "65534"},
    "ubuntu": {"www-data": "33", "nobody": "65534"},
    "alpine": {"nobody": "65534"},
    "busybox": {"nobody": "65534", "www-data": "33"},
    "fedora": {"nobody": ""},
}
MANAGERS = {"debian": "apt", "ubuntu": "apt", "alpine": "apk", "arch": "pacman", "fedora": "dnf", "rocky": "dnf", "almalinux": "dnf", "opensuse": "zypper", "photon": "tdnf"}  # fmt: skip
FAMILY = {"centos": "fedora", "rocky": "fedora", "almalinux": "fedora", "oracle": "fedora", "amazon": "fedora"}
# Images made from a root file system: the distribution they are.
DISTRIBUTIONS = {
    "debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine", "busybox": "busybox", "centos": "centos",
    "fedora": "fedora", "rockylinux": "rocky", "almalinux": "almalinux", "oraclelinux": "oracle", "amazonlinux": "amazon",
    "archlinux": "arch", "opensuse": "opensuse", "photon": "photon",
}  # fmt: skip
# What each image is for, hence has on its PATH: the ``make install`` of its definition.
OWN_TOOLS = {
    "python": "python python3 pip pip3", "pypy": "pip", "node": "node npm npx", "ruby": "ruby gem bundle", "php": "php",
    "golang": "go", "rust": "cargo rustc", "openjdk": "java", "java": "java", "eclipse-temurin": "java", "amazoncorretto": "java",
    "maven": "mvn java", "gradle": "gradle java", "perl": "perl cpan", "nginx": "nginx", "httpd": "httpd", "gcc": "gcc g++ gfortran make",
    "erlang": "erl", "elixir": "elixir mix erl", "julia": "julia", "composer": "composer php", "redis": "redis-server redis-cli",
    "postgres": "postgres psql", "mysql": "mysqld mysql", "mongo": "mongod", "haproxy": "haproxy", "caddy": "caddy",
    "swift": "swift", "docker": "docker", "bash": "bash", "clojure": "java", "haskell": "ghc cabal stack", "tomcat": "java",
}  # fmt: skip
# Images whose repositories are not mirrored: on buildpack-deps, or debian's slim for -slim, with this
# working directory (https://hub.docker.com/_/gcc, https://hub.docker.com/_/perl).
NAMED = {"gcc": "/", "perl": "/usr/src/app"}
# Servers that start as root and hand requests to workers of another account by their own configuration
# (nginx.conf ``user``, httpd.conf ``User``, php-fpm ``user``, haproxy's ``USER``).
DROPS_ITSELF = {"nginx": "nginx", "httpd": "www-data", "php:apache": "www-data", "php:fpm": "www-data"}
PACKAGE_TOOLS = {
    "curl": "curl", "wget": "wget", "git": "git", "gcc": "gcc", "g++": "g++", "make": "make", "bash": "bash", "python3": "python3",
    "unzip": "unzip", "openssl": "openssl", "gosu": "gosu", "su-exec": "su-exec", "tini": "tini", "procps": "ps", "xz-utils": "xz",
    "xz": "xz", "gnupg": "gpg", "nodejs": "node", "mercurial": "hg", "subversion": "svn", "openssh-client": "ssh", "adduser": "adduser",
    "ca-certificates": "ca-certificates", "pkg-config": "pkg-config", "autoconf": "autoconf", "automake": "automake", "libtool": "libtool",
    "patch": "patch", "file": "file", "jq": "jq", "nano": "nano", "less": "less",
    "build-base": "gcc g++ make", "build-essential": "gcc g++ make",
}  # fmt: skip
# Variables of an image that what is built on it relies on. Versions, checksums and addresses are left out.
ENV_NAMES = words(
    "ASPNETCORE_HTTP_PORTS ASPNETCORE_URLS APP_UID LANG GOPATH GOTOOLCHAIN GEM_HOME BUNDLE_SILENCE_ROOT_WARNING BUNDLE_APP_CONFIG "
    "CARGO_HOME RUSTUP_HOME JAVA_HOME CATALINA_HOME PGDATA NODE_ENV PYTHONUNBUFFERED PHP_INI_DIR APACHE_CONFDIR COMPOSER_HOME "
    "HTTPD_PREFIX MAVEN_HOME GRADLE_HOME DOTNET_RUNNING_IN_CONTAINER"
)
_DROPS = re.compile(r"\b(gosu|su-exec|setpriv|runuser|chroot --userspec|su -s|exec su)\b")
_VERSION = re.compile(r"v?\d[^-]*(?:-(?:rc|beta|alpha|preview|ea-\d+|ea|m)[.\d]*|-b\d+)*(?=-|\Z)")
_DATED = re.compile(r"(?<=.)-\d{8}(?:[.T][\d.]+)?(?=-|\Z)")
_PRERELEASE = re.compile(r".*\d(?:-?(?:rc|alpha|beta|ea-|ea|a|b|m)[.\d]*)\Z")
_WINDOWS = re.compile(r"windows|nanoserver|servercore", re.I)


class Facts_(NamedTuple):
    """One row of a table's ``F`` lines; the reader is ``dockopt.facts.base``."""

    distribution: str = ""
    family: str = ""
    release: str = ""
    manager: str = ""
    workdir: str = "/"
    user: str = "root"
    entrypoint: str = ""  #: a JSON list, ``sh:`` and a command, or empty for none
    cmd: str = ""
    ports: str = ""
    drops: str = ""  #: who drops privileges: ``entrypoint``, or ``server:<account>``
    users: str = ""  #: ``name=uid`` words; an uid is left out where the definition does not fix it
    tools: str = ""
    path: str = ""  #: PATH, empty where the image does not set it itself
    env: str = ""  #: ``NAME=value`` words, of the variables in ``ENV_NAMES``


class Entry(NamedTuple):
    repo: str  #: owner/name
    commit: str
    directory: str
    file: str
    tags: tuple[str, ...]
    windows: bool


class Git:
    """Reads objects of one repository through a single ``git cat-file --batch``."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            ["git", "-C", str(folder), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def has(self, commit: str) -> bool:
        return self._object(commit) is not None

    def read(self, commit: str, path: str) -> str | None:
        """The text of a file at a commit, None where there is no such file or commit."""
        return self._object(f"{commit}:{path}")

    def _object(self, name: str) -> str | None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name}\n".encode())
        self.process.stdin.flush()
        header = self.process.stdout.readline().split()
        if len(header) != 3 or header[1] == b"missing":
            return None
        data = self.process.stdout.read(int(header[2]) + 1)[:-1]
        return data.decode("utf-8", "surrogateescape") if header[1] in (b"blob", b"commit") else None

    def commits(self, path: str) -> list[str]:
        out = subprocess.run(
            ["git", "-C", str(self.folder), "log", "--reverse", "--topo-order", "--format=%H", "--", path],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return out.stdout.split()

    def head(self) -> tuple[str, str]:
        out = subprocess.run(
            ["git", "-C", str(self.folder), "log", "-1", "--format=%h %cs"], capture_output=True, text=True, check=True
        )
        short, date = out.stdout.split()
        return short, date

    def list(self, commit: str, folder: str) -> list[str]:
        out = subprocess.run(
            ["git", "-C", str(self.folder), "ls-tree", "--name-only", commit, folder],
            capture_output=True,
            text=True,
            check=True,
        )
        return out.stdout.split()


class Mirrors:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.open: dict[str, Git | None] = {}

    def get(self, repo: str) -> Git | None:
        if repo not in self.open:
            base = self.folder / repo.replace("/", "+")
            found = next(
                (path for path in (base / "repo", base) if (path / "HEAD").exists() or (path / ".git").exists()), None
            )
            self.open[repo] = Git(found) if found is not None else None
        return self.open[repo]


def _slug(url: str) -> str:
    match = re.search(r"github\.com[/:]([^/]+)/([^/\s]+?)(?:\.git)?/?$", url)
    return f"{match[1]}/{match[2]}" if match else ""


# Repositories that moved: the names their history is kept under today.
MOVED = {
    "docker-library/redis": "redis/docker-library-redis", "docker-library/mariadb": "MariaDB/mariadb-docker",
    "docker-library/node": "nodejs/docker-node", "joyent/docker-node": "nodejs/docker-node", "nginxinc/docker-nginx": "nginx/docker-nginx",
    "docker-library/docker-python": "docker-library/python", "docker-library/docker-java": "docker-library/openjdk",
    "docker-library/java": "docker-library/openjdk", "rust-lang-nursery/docker-rust": "rust-lang/docker-rust",
    "AdoptOpenJDK/openjdk-docker": "adoptium/containers", "keeganwitt/docker-gradle": "gradle/docker-gradle",
    "c0b/docker-erlang-otp": "erlang/docker-erlang-otp", "c0b/docker-elixir": "erlef/docker-elixir",
    "swiftlang/swift-docker": "apple/swift-docker",
}  # fmt: skip


def parse_library(text: str) -> list[Entry]:
    """The entries of a ``library/`` file, in any of the formats it has had."""
    found: list[Entry] = []
    old: dict[tuple[str, str, str], list[str]] = {}
    for line in text.splitlines():
        match = re.match(r"([\w.-]+):\s+(?:git|https)://(\S+?)@(\S+)(?:\s+(\S+))?\s*$", line)
        if match:
            key = (_slug("https://" + match[2]), match[3], match[4] or ".")
            old.setdefault(key, []).append(match[1])
    found.extend(
        Entry(repo, commit, folder, "Dockerfile", tuple(tags), bool(_WINDOWS.search(folder)))
        for (repo, commit, folder), tags in old.items()
    )
    if found:
        return found
    defaults: dict[str, str] = {}
    for block in re.split(r"\n[ \t]*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields: dict[str, str] = {}
        key_ = ""
        for line in block.splitlines():
            if line[:1] in " \t" and key_:
                fields[key_] += " " + line.strip()
                continue
            name, colon, value = line.partition(":")
            if colon:
                key_ = name.strip().lower()
                fields[key_] = value.strip()
        if "tags" not in fields:
            if fields and not defaults:
                defaults = fields
            continue
        merged = {**defaults, **fields}
        tags = [
            tag.strip() for name in ("tags", "sharedtags") for tag in merged.get(name, "").split(",") if tag.strip()
        ]
        where = merged.get("directory", merged.get("amd64-directory", "."))
        windows = bool(_WINDOWS.search(where + " " + merged.get("constraints", "")))
        commit = (
            fields.get("amd64-gitcommit")
            or fields.get("gitcommit")
            or merged.get("amd64-gitcommit")
            or merged.get("gitcommit", "")
        )
        found.append(
            Entry(
                _slug(merged.get("gitrepo", "")),
                commit,
                where.strip("/") or ".",
                merged.get("file", "Dockerfile"),
                tuple(tags),
                windows,
            )
        )
    return found


def distribution_facts(distribution: str, tag: str, companions: tuple[str, ...], folder: str) -> Facts_:
    """The facts of a tag of a distribution's own image. ``companions`` are the tags it shares an entry with."""
    release = _release(distribution, tag, companions, folder)
    manager = MANAGERS.get(distribution, "")
    if distribution == "centos":
        manager = "dnf" if release == "8" or release.startswith("stream") else "yum"
    elif distribution == "fedora" and release.isdigit() and int(release) < 22:
        manager = "yum"
    elif distribution == "oracle":
        slim = "slim" in tag
        manager = "yum" if release in ("5", "6", "7") else "microdnf" if slim else "dnf"
    elif distribution == "amazon":
        manager = "dnf" if release in ("2022", "2023") else "yum"
    elif distribution in ("rocky", "almalinux") and "minimal" in tag:
        manager = "microdnf"
    users = dict(USERS.get(distribution, {}))
    tools = set(TOOLS.get(distribution, "").split())
    if distribution == "ubuntu" and release and UBUNTU.get(release, "99") >= "23.04":
        users["ubuntu"] = "1000"
    # apt stopped depending on adduser in Debian 13 and Ubuntu 24.04 (apt's changelog, 2.9 and 2.7).
    older = (*DEBIAN.values(),)[:6] if distribution == "debian" else [n for n, v in UBUNTU.items() if v < "23.04"]
    if distribution in ("debian", "ubuntu") and release in older:
        tools |= {"adduser", "addgroup"}
    if distribution in ("rocky", "almalinux") and "minimal" in tag:
        tools -= {"useradd", "groupadd", "usermod"}
    # Only Arch's and Fedora's root file systems set an environment of their own that matters here: none do.
    cmd = {"debian": '["bash"]', "ubuntu": '["/bin/bash"]', "alpine": '["/bin/sh"]', "busybox": '["sh"]'}.get(
        distribution, '["/bin/bash"]'
    )
    return Facts_(
        distribution, FAMILY.get(distribution, distribution), release, manager, "/", "root", "", cmd, "", "",
        _words(users), " ".join(sorted(tools)), "",
    )  # fmt: skip


def _release(distribution: str, tag: str, companions: tuple[str, ...], folder: str) -> str:
    names = (tag, *companions)
    if distribution == "debian":
        for text in (tag, *companions, *folder.split("/")):
            parts = text.split("-")
            for part in parts:
                if part in DEBIAN_NAMES:
                    return part
        numbers = {DEBIAN[n.split(".")[0].split("-")[0]] for n in names if n.split(".")[0].split("-")[0] in DEBIAN}
        return numbers.pop() if len(numbers) == 1 else ""
    if distribution == "ubuntu":
        for text in (*names, *folder.split("/")):
            for part in text.split("-"):
                if part in UBUNTU:
                    return part
        return next((name for name, number in UBUNTU.items() if tag.startswith(number)), "")
    if distribution == "alpine":
        for text in names:
            match = re.fullmatch(r"(\d+\.\d+)(\..*)?", text)
            if match:
                return match[1]
        return "edge" if "edge" in names else ""
    if distribution == "centos":
        for text in names:
            match = re.fullmatch(r"(?:centos)?(\d+)(?:\..*)?", text)
            if match:
                return match[1]
        return ""
    for text in names:
        match = re.match(r"(\d+)", text)
        if match:
            number = match[1]
            return "1" if distribution == "amazon" and number in ("2016", "2017", "2018") else number
    return ""


def _words(users: dict[str, str]) -> str:
    return " ".join(f"{name}={uid}" for name, uid in sorted(users.items()))


class Builder:
    def __init__(self, mirrors: Mirrors) -> None:
        self.mirrors = mirrors
        official = mirrors.get("docker-library/official-images")
        assert official is not None, "a clone of docker-library/official-images is needed"
        self.official = official
        self.entries: dict[str, dict[str, list[tuple[int, Entry]]]] = {}
        self.last: dict[str, dict[str, int]] = {}
        self.documents: dict[tuple[str, ...], Facts | None] = {}
        self.results: dict[tuple[object, ...], Facts_ | None] = {}
        log = subprocess.run(
            ["git", "-C", str(official.folder), "log", "--reverse", "--topo-order", "--format=%H"],
            capture_output=True,
            text=True,
            check=True,
        )
        self.order = {commit: index for index, commit in enumerate(log.stdout.split())}
        self.missing: dict[str, int] = {}

    def tags(self, image: str) -> dict[str, list[tuple[int, Entry]]]:
        """Every tag an image has had, with the Linux entries that named it and since when (an index of commits)."""
        if image not in self.entries:
            found: dict[str, list[tuple[int, Entry]]] = {}
            last: dict[str, int] = {}
            listed: set[str] = set()
            for commit in self.official.commits(f"library/{image}"):
                when = self.order[commit]
                text = self.official.read(commit, f"library/{image}")
                named: set[str] = set()
                for entry in parse_library(text) if text else ():
                    if not entry.windows:
                        for tag in entry.tags:
                            named.add(tag)
                            history = found.setdefault(tag, [])
                            if not history or history[-1][1] != entry:
                                history.append((when, entry))
                # A tag is rebuilt on its base's changes as long as it is listed, and never after.
                for tag in listed - named:
                    last[tag] = when
                for tag in named:
                    last.pop(tag, None)
                listed = named
            self.entries[image], self.last[image] = found, last
        return self.entries[image]

    def companions(self, image: str) -> dict[str, tuple[str, ...]]:
        """For each tag published today that names no version: the tags of the same image that do."""
        text = self.official.read("HEAD", f"library/{image}")
        found: dict[str, tuple[str, ...]] = {}
        for entry in parse_library(text) if text else ():
            if not entry.windows:
                exact = tuple(tag for tag in entry.tags if re.match(r"v?\d", tag) and not _DATED.search(tag))
                for tag in entry.tags:
                    if exact and not re.match(r"v?\d", tag) and not _DATED.search(tag):
                        found[tag] = exact
        return found

    def _entry(self, image: str, tag: str, when: int) -> Entry | None:
        found: Entry | None = None
        for since, entry in self.tags(image).get(tag, ()):
            if found is None or since <= when:
                found = entry
        return found

    def supported(self, image: str) -> set[str]:
        text = self.official.read("HEAD", f"library/{image}")
        return {tag for entry in (parse_library(text) if text else ()) if not entry.windows for tag in entry.tags}

    def facts(self, image: str, tag: str, when: int | None = None, depth: int = 0) -> Facts_ | None:
        """The facts of an image as last pushed before the commit ``when``, None where a definition cannot be read."""
        if image == "scratch":
            return Facts_("scratch", "scratch", cmd="")
        self.tags(image)
        last = self.last[image].get(tag, len(self.order))
        when = last if when is None else min(when, last)
        entry = self._entry(image, tag, when)
        if entry is None or depth > 6:
            return None
        distribution = DISTRIBUTIONS.get(image)
        if distribution is not None:
            return distribution_facts(distribution, tag, entry.tags, entry.directory)
        repo = MOVED.get(entry.repo, entry.repo)
        git = self.mirrors.get(repo)
        if git is None:
            return self._named(image, tag, entry, when)
        if not git.has(entry.commit):
            # The mirror is older than this entry: its newest state of the same folder is the nearest there is.
            entry = entry._replace(commit="HEAD")
        facts = self._document(image, git, repo, entry)
        if facts is None:
            return None
        reference = facts.stages.all[-1].root.base
        base = self.reference(reference, when, depth + 1) if reference else None
        if base is None:
            return None
        named = {part for one in entry.tags for part in one.split("-") if part in DEBIAN_NAMES or part in UBUNTU}
        if named and base.distribution in ("debian", "ubuntu") and base.release not in named:
            return None  # the mirror is behind: another release than the tags say
        key = (image, repo, entry.commit, entry.directory, entry.file, base)
        if key not in self.results:
            folder = "" if entry.directory == "." else entry.directory + "/"
            self.results[key] = self.derive(
                image, facts, base, lambda name: git.read(entry.commit, folder + name), entry.directory
            )
        return self.results[key]

    def _named(self, image: str, tag: str, entry: Entry, when: int) -> Facts_ | None:
        """The facts of an image whose definitions are not to be had, where its tags name the Debian release."""
        workdir = NAMED.get(image)
        names = {
            part for text in (*entry.tags, entry.directory) for part in re.split(r"[-,/]", text) if part in DEBIAN_NAMES
        }
        if workdir is None or len(names) != 1:
            self.missing[f"{image} ({entry.repo})"] = self.missing.get(f"{image} ({entry.repo})", 0) + 1
            return None
        release = names.pop()
        slim = "slim" in tag.split("-")
        base = self.facts("debian", f"{release}-slim", when) if slim else self.facts("buildpack-deps", release, when)
        if base is None:
            return None
        tools = {*base.tools.split(), *OWN_TOOLS.get(image, "").split()}
        return base._replace(workdir=workdir, tools=" ".join(sorted(tools)), cmd="?", path="")

    def _document(self, image: str, git: Git | None, repo: str, entry: Entry) -> Facts | None:
        key = (repo, entry.commit, entry.directory, entry.file)
        if key not in self.documents:
            folder = "" if entry.directory == "." else entry.directory + "/"
            text = git.read(entry.commit, folder + entry.file) if git is not None else None
            if text is None and git is not None:
                text = git.read(entry.commit, folder + "Dockerfile")
            if text is None:
                self.missing[f"{image} ({repo})"] = self.missing.get(f"{image} ({repo})", 0) + 1
            document = load((text or "").encode("utf-8", "surrogateescape"))
            usable = bool(document.instructions) and not document.problems
            self.documents[key] = Facts(document) if usable else None
        return self.documents[key]

    def derive(
        self, image: str, facts: Facts, base: Facts_, sibling: Callable[[str], str | None], directory: str
    ) -> Facts_:
        """The facts of an image from those of its base and its own Dockerfile's instructions."""
        stage = facts.stages.all[-1]
        row = base
        users = dict(word.split("=", 1) for word in base.users.split())
        tools = set(base.tools.split()) | set(OWN_TOOLS.get(image, "").split())
        ports = base.ports.split()
        env: dict[str, str | None] = {**dict(word.split("=", 1) for word in base.env.split())}
        env |= {"PATH": base.path or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        copied: list[str] = []
        for member in reversed(stage.chain):
            for node in member.instructions:
                if node.name == "ENV":
                    old = dict(env)
                    for pair in node.pairs:
                        env[pair.key] = expand_known(pair.value, old, node.escape)
                elif node.name == "ARG":
                    for token in node.tokens:
                        key, _, value = token.text.partition("=")
                        env.setdefault(key, value.strip("\"'") or None)
                elif node.name == "WORKDIR":
                    value_ = expand_known(node.rest, env, node.escape)
                    row = row._replace(workdir=_join(row.workdir, value_) if value_ else "?")
                elif node.name == "USER":
                    row = row._replace(user=expand_known(node.rest, env, node.escape) or "?")
                elif node.name == "ENTRYPOINT":
                    row = row._replace(entrypoint=_command(node), cmd="")
                elif node.name == "CMD":
                    row = row._replace(cmd=_command(node))
                elif node.name == "EXPOSE":
                    for word in node.args:
                        known = expand_known(word, env, node.escape)
                        ports += [p for p in (known or "").split() if p not in ports]
                elif node.name in ("COPY", "ADD"):
                    copied += node.args[:-1]
            self._run(facts, member, users, tools, env)
        drops = base.drops
        if row.entrypoint != base.entrypoint:
            drops = ""
            scripts = [sibling(name) for name in copied if name.endswith((".sh", "docker-entrypoint"))]
            if any(script and _DROPS.search(script) for script in scripts):
                drops = "entrypoint"
        variant = next((part for part in directory.split("/") if part in ("apache", "fpm")), "")
        server = DROPS_ITSELF.get(f"{image}:{variant}") or DROPS_ITSELF.get(image)
        if server and row.user in ("root", "0"):
            drops = f"server:{server}"
        path = env.get("PATH") or ""
        return row._replace(
            ports=" ".join(ports), drops=drops, users=_words(users), tools=" ".join(sorted(tools)), path=path,
            env=_environment(base, env),
        )  # fmt: skip

    def _run(self, facts: Facts, stage, users: dict[str, str], tools: set[str], env: dict[str, str | None]) -> None:  # type: ignore[no-untyped-def]
        for view in facts.scripts:
            if view.stage is not stage:
                continue
            script = view.script.text
            # What a RUN installs and takes away again (Debian's savedAptMark idiom) is not counted.
            transient = "savedAptMark" in script or "auto-remove" in script or "autoremove" in script
            for call in view.invocations:
                virtual = call.option("--virtual", "-t") if call.manager.name == "apk" else None
                if call.action != "install" or transient or virtual is not None:
                    continue
                if call.manager.name in ("apt", "apk", "dnf", "yum", "microdnf"):
                    for word in call.operands:
                        tools.update(PACKAGE_TOOLS.get(word.value or "", "").split())
            for command in view.commands:
                values = [word.value or expand_known(word.text, env) or "" for word in command.args]
                if command.name in ("useradd", "adduser"):
                    name, uid = account(values)
                    if name:
                        users[name] = uid or users.get(name, "")
                elif command.name == "usermod" and ("--login" in values or "-l" in values) and values[-1] in users:
                    at = values.index("--login" if "--login" in values else "-l") + 1
                    users[values[at]] = users.pop(values[-1])
                elif command.name in ("userdel", "deluser") and values:
                    users.pop(values[-1], None)

    def reference(self, reference: str, when: int | None, depth: int) -> Facts_ | None:
        if "@" in reference:
            reference = reference.partition("@")[0]
        name, _, tag = reference.partition(":")
        name = name.removeprefix("docker.io/").removeprefix("library/")
        if "." in name.split("/")[0] or "/" in name:
            return self.foreign(name, tag, when)
        return self.facts(name, tag or "latest", when, depth)

    def foreign(self, name: str, tag: str, when: int | None) -> Facts_ | None:
        """Distributions outside docker-library that official images are built on."""
        mirrored = {
            "amd64/buildpack-deps": "buildpack-deps", "amd64/debian": "debian", "amd64/ubuntu": "ubuntu", "amd64/alpine": "alpine",
        }.get(name)  # fmt: skip
        if mirrored:
            return self.facts(mirrored, tag or "latest", when)
        match = re.fullmatch(r"(?:registry\.access\.redhat\.com|redhat)?/?ubi(\d+)(?:/ubi)?(-minimal|-micro)?", name)
        if match or re.fullmatch(r"registry\.access\.redhat\.com/ubi\d+/ubi(-minimal|-micro)?", name):
            number = re.search(r"ubi(\d+)", name)[1]  # type: ignore[index]
            minimal = "minimal" in name
            manager = "microdnf" if minimal else "dnf"
            tools = "bash curl" if minimal else "bash curl useradd groupadd usermod"
            return Facts_(
                "ubi", "fedora", number, manager, "/", "root", "", '["/bin/bash"]', "", "", "nobody=", tools, ""
            )
        return None


def _environment(base: Facts_, env: dict[str, str | None]) -> str:
    known = dict(word.split("=", 1) for word in base.env.split())
    for name in set(ENV_NAMES) & set(env):
        value = env[name]
        known.pop(name, None)
        if value and " " not in value:
            known[name] = value
    return " ".join(f"{name}={value}" for name, value in sorted(known.items()))


# Flags of useradd (shadow), of Debian's and of busybox's adduser whose value is the next word.
_ACCOUNT_FLAGS = frozenset(
    words(
        "-b -c -d -e -f -g -G -k -K -p -s -u -Z -h --base-dir --comment --home-dir --home --expiredate --inactive --gid --groups --ingroup"
    )
    + words("--skel --key --password --shell --uid --gecos --conf --firstuid --lastuid")
)


def account(values: list[str]) -> tuple[str, str]:
    """Name and uid of a call of useradd or adduser; both empty where they are not literals."""
    uid = ""
    names: list[str] = []
    index = 0
    while index < len(values):
        word = values[index]
        index += 1
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            names.append(word)
            continue
        flag = name if name.startswith("--") else "-" + name[-1]  # of a bundle the last letter takes the value
        if not equals and flag in _ACCOUNT_FLAGS and index < len(values):
            value = values[index]
            index += 1
        if flag in ("-u", "--uid"):
            uid = value
    return (names[0] if names else ""), uid if uid.isdigit() else ""


def _join(before: str, path: str) -> str:
    import posixpath

    return posixpath.normpath(posixpath.join(before, path))


def _command(node) -> str:  # type: ignore[no-untyped-def]
    return (
        json.dumps(list(node.json), ensure_ascii=False)
        if node.json is not None
        else "sh:" + " ".join(node.rest.split())
    )


def split_tag(tag: str) -> tuple[str, str]:
    """Version and suffix of a tag: ``3.13-slim-trixie`` is ``3.13`` and ``slim-trixie``."""
    match = _VERSION.match(tag)
    if match is None:
        return "", tag
    return match[0], tag[match.end() :].removeprefix("-")


def _version_key(version: str) -> list[tuple[int, int, str]]:
    return [
        (1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"[.\-]|(?<=\d)(?=[a-z])", version)
    ]


def ranges(versions: Iterable[str]) -> list[str]:
    """Versions in order, runs that count up in the last number as ``3.6.9~13``."""
    found: list[list[str]] = []
    for version in sorted(versions, key=_version_key):
        head, _, last = version.rpartition(".")
        if found:
            before, _, number = found[-1][-1].rpartition(".")
            if head and before == head and last.isdigit() and number.isdigit() and int(last) == int(number) + 1:
                found[-1].append(version)
                continue
        found.append([version])
    out: list[str] = []
    for run in found:
        out += [f"{run[0]}~{run[-1].rpartition('.')[2]}"] if len(run) > 2 else run
    return out


def write(
    name: str, sources: str, rows: dict[str, Facts_], supported: set[str], companions: dict[str, tuple[str, ...]]
) -> int:
    """Write one image's table; gives its size in bytes."""
    order: dict[Facts_, str] = {}
    long: dict[str, str] = {}
    grouped: dict[tuple[str, str], list[str]] = {}
    for tag, row in rows.items():
        if _DATED.search(tag) and rows.get(_DATED.sub("", tag)):
            continue  # the reader drops such dates itself
        ident = order.setdefault(row, str(len(order)))
        version, suffix = split_tag(tag)
        grouped.setdefault((suffix, ident), []).append(version)
    lines = [f"# {name}: {sources}"]
    for row, ident in order.items():
        # Long fields are the same in most rows: they are written once and referred to by number.
        cells = [value if len(value) < 16 else long.setdefault(value, f"@{len(long)}") for value in row]
        lines.append("\t".join(("F", ident, *cells)))
    lines += [f"W\t{ident}\t{value}" for value, ident in long.items()]
    for (suffix, ident), versions in sorted(grouped.items(), key=lambda item: (item[0][0], int(item[0][1]))):
        lines.append(f"T\t{suffix}\t{ident}\t {' '.join(ranges(versions))} ")
    current: dict[str, list[str]] = {}
    for tag in supported & set(rows):
        version, suffix = split_tag(tag)
        current.setdefault(suffix, []).append(version)
    for suffix, versions in sorted(current.items()):
        lines.append(f"S\t{suffix}\t {' '.join(ranges(versions))} ")
    lines += [f"L\t{tag}\t{' '.join(exact)}" for tag, exact in sorted(companions.items())]
    data = "\n".join(lines) + "\n"
    (TARGET / (name.replace("/", "+") + ".txt")).write_text(data, encoding="utf-8")
    return len(data)


class Dotnet:
    """The images of ``mcr.microsoft.com/dotnet``, from the manifests dotnet/dotnet-docker has had."""

    def __init__(self, builder: Builder, git: Git) -> None:
        self.builder = builder
        self.git = git
        self.rows: dict[str, dict[str, Facts_]] = {}
        self.current: dict[str, set[str]] = {}

    def run(self) -> None:
        commits = self.git.commits("manifest.json")
        for commit in [*commits[:-1:4], commits[-1]]:
            self._manifest(commit)

    def _manifest(self, commit: str) -> None:
        text = self.git.read(commit, "manifest.json")
        try:
            manifest = json.loads(text or "{}")
            variables = dict(manifest.get("variables", {}))
            for include in manifest.get("includes", ()):
                variables |= json.loads(self.git.read(commit, include) or "{}").get("variables", {})
        except ValueError:
            return
        files: dict[tuple[str, str], str] = {}  # (image, tag) -> folder of its Dockerfile
        for repo in manifest.get("repos", ()):
            name = (
                "mcr.microsoft.com/" + repo["name"]
                if not repo["name"].startswith(("mcr.", "public/"))
                else repo["name"]
            )
            for image in repo.get("images", ()):
                linux = [
                    one
                    for one in image.get("platforms", ())
                    if isinstance(one, dict) and one.get("os", "linux").lower() == "linux"
                ]
                linux.sort(key=lambda one: one.get("architecture", "amd64") != "amd64")
                for one in linux:
                    for tag in one.get("tags", {}):
                        files[name, _resolve(tag, variables)] = one["dockerfile"]
                if linux:
                    for tag in image.get("sharedTags", {}):
                        files[name, _resolve(tag, variables)] = linux[0]["dockerfile"]
        self.current = {}
        for (name, tag), folder in files.items():
            if "$(" in tag or re.search(r"-(amd64|arm32v7|arm64v8)\Z", tag):
                continue
            self.current.setdefault(name, set()).add(tag)
            row = self._facts(name, commit, folder, files, 0)
            if row is not None:
                self.rows.setdefault(name, {})[tag] = row

    def _facts(
        self, name: str, commit: str, folder: str, files: dict[tuple[str, str], str], depth: int
    ) -> Facts_ | None:
        path = folder if folder.endswith("Dockerfile") else folder.rstrip("/") + "/Dockerfile"
        text = self.git.read(commit, path)
        if text is None or depth > 5:
            return None
        facts = Facts(load(text.encode()))
        if not facts.stages.all:
            return None
        reference = facts.stages.all[-1].root.base or ""
        image, _, tag = reference.partition(":")
        if (image, tag) in files:
            base = self._facts(image, commit, files[image, tag], files, depth + 1)
        elif image == "scratch":
            # A chiseled image: the listed packages' files and nothing to run a script with.
            base = Facts_("chiseled", "scratch")
        elif image in ("ubuntu.azurecr.io/ubuntu", "public.ecr.aws/docker/library/ubuntu"):
            base = self.builder.facts("ubuntu", tag)
        else:
            name_ = re.sub(r"\A(?:amd64|arm32v7|arm64v8|arm64v8)/", "", image)
            base = self.builder.facts(name_, tag) if "/" not in name_ else None
        if base is None:
            return None
        key = (commit, path)
        row = self.builder.results.get(key)
        if row is None:
            row = self.builder.derive(name, facts, base, lambda _: None, "")
            if row.user.isdigit() and f"app={row.user}" not in row.users:
                row = row._replace(users=f"app={row.user}")
            if "/sdk" in name or "/runtime" in name or "/aspnet" in name:
                row = row._replace(
                    tools=" ".join(sorted({*row.tools.split(), *([] if "runtime-deps" in name else ["dotnet"])}))
                )
            self.builder.results[key] = row
        return row


def _resolve(tag: str, variables: dict[str, str]) -> str:
    for _ in range(5):
        tag = re.sub(r"\$\(([^()]+)\)", lambda match: variables.get(match[1], match[0]), tag)
    return tag


def distroless(git: Git) -> tuple[dict[str, dict[str, Facts_]], dict[str, set[str]]]:
    """The images of gcr.io/distroless, from the tables of its README, today's and those it has had.

    ``USER_VARIANTS`` of static/static.bzl: root works in ``/``, nonroot (65532) in ``/home/nonroot``;
    the debug tags have busybox's shell and no other tag has any.
    """
    rows: dict[str, dict[str, Facts_]] = {}
    current: dict[str, set[str]] = {}
    for commit in git.commits("README.md"):
        text = git.read(commit, "README.md") or ""
        current = {}
        for name, cell in re.findall(r"(?m)^\| *(gcr\.io/distroless/[\w.-]+) *\| *([^|\n]*)\|", text):
            for tag in ("latest", "nonroot", "debug", "debug-nonroot"):
                if not re.search(rf"(?:^|[ ,]){tag}(?:[ ,]|$)", cell) and "nonroot" in cell:
                    continue
                current.setdefault(name, set()).add(tag)
                # The name without a release is published too, deprecated, as the newest release of its time.
                for published in (name, re.sub(r"-debian\d+$", "", name)):
                    rows.setdefault(published, {})[tag] = _distroless_row(published, tag)
    return rows, current


def _distroless_row(name: str, tag: str) -> Facts_:
    short = name.rsplit("/", 1)[-1]
    suffix = re.search(r"-debian(\d+)$", short)
    nonroot = "nonroot" in tag
    entry = ""
    if short.startswith("java") and not short.startswith("java-base"):
        entry = '["/usr/bin/java", "-jar"]'
    elif short.startswith("nodejs"):
        entry = '["/nodejs/bin/node"]'
    elif short.startswith("python3"):
        entry = "?"  # /usr/bin/python3.x, which x the release decides
    elif tag.startswith("debug"):
        entry = '["/busybox/sh"]'
    tools = {"java": "java", "node": "node", "pyth": "python3"}.get(short[:4], "")
    return Facts_(
        "distroless", "distroless", DEBIAN.get(suffix[1], "") if suffix else "", "", "/home/nonroot" if nonroot else "/",
        "65532" if nonroot else "root", entry, "", "", "", "nobody=65534 nonroot=65532", tools, "",
    )  # fmt: skip


IMAGES = words(
    "debian ubuntu alpine busybox centos fedora rockylinux almalinux oraclelinux amazonlinux archlinux photon opensuse buildpack-deps "
    "python node golang ruby rust openjdk java eclipse-temurin amazoncorretto maven gradle php composer perl gcc pypy "
    "erlang elixir julia swift haskell nginx httpd redis postgres mysql mariadb mongo memcached rabbitmq "
    "tomcat haproxy caddy wordpress docker bash"
)


def foreign(builder: Builder) -> Iterable[tuple[str, dict[str, Facts_], set[str], str]]:
    """The tables of images that are not docker-library's: name, rows, supported tags, sources."""
    git = builder.mirrors.get("dotnet/dotnet-docker")
    if git is not None:
        dotnet = Dotnet(builder, git)
        dotnet.run()
        short, date = git.head()
        for name, rows in sorted(dotnet.rows.items()):
            if re.fullmatch(r"mcr\.microsoft\.com/dotnet/(core/)?(sdk|aspnet|runtime|runtime-deps)", name):
                yield (
                    name,
                    rows,
                    dotnet.current.get(name, set()),
                    f"dotnet/dotnet-docker@{short} manifest.json and its history, {date}",
                )
    git = builder.mirrors.get("GoogleContainerTools/distroless")
    if git is not None:
        tables, current = distroless(git)
        short, date = git.head()
        for name, rows in sorted(tables.items()):
            yield (
                name,
                rows,
                current.get(name, set()),
                f"GoogleContainerTools/distroless@{short} README.md and its history, {date}",
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirrors", type=pathlib.Path)
    parser.add_argument("--only", help="one image's name, or the start of the name of one that is not docker-library's")
    options = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    builder = Builder(Mirrors(options.mirrors))
    short, date = builder.official.head()
    total = 0
    for image in [name for name in IMAGES if options.only in (None, name)]:
        tags = builder.tags(image)
        supported = builder.supported(image)
        # Release candidates that are long gone would double some tables, and nobody is built on them.
        wanted = [tag for tag in tags if tag in supported or not _PRERELEASE.match(split_tag(tag)[0])]
        rows = {tag: row for tag in wanted if (row := builder.facts(image, tag)) is not None}
        if not rows:
            print(f"{image}: no definition could be read", file=sys.stderr)
            continue
        repos = sorted(
            {
                MOVED.get(one.repo, one.repo)
                for tag in rows
                for _, one in tags[tag][-1:]
                if one.repo and image not in DISTRIBUTIONS
            }
        )
        sources = f"docker-library/official-images@{short} library/{image} and its history, {date}" + (
            f"; definitions: {', '.join(repos)}" if repos else ""
        )
        size = write(image, sources, rows, supported, builder.companions(image))
        total += size
        print(f"{image}: {len(rows)} of {len(tags)} tags, {len(set(rows.values()))} rows, {size} bytes")
    skip = options.only in IMAGES
    for name, own, current, sources in foreign(builder) if not skip else ():
        if options.only and not name.startswith(options.only):
            continue
        size = write(name, sources, own, current, {})
        total += size
        print(f"{name}: {len(own)} tags, {len(set(own.values()))} rows, {size} bytes")
    print(f"{total} bytes")
    for what, count in sorted(builder.missing.items()):
        print(f"  {count} definitions not to be had: {what}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
