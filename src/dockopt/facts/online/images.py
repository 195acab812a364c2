"""What registries say of images, each asked once in a process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from dockopt.facts.base import BaseImage, split_tag
from dockopt.facts.online.client import Client, NotThere, RegistryError, Unusable
from dockopt.facts.online.reference import DIGEST, HUB, HUB_HOST, Reference, read
from dockopt.facts.value import Known, Unknown

#: How many tags are asked for what they stand for, the highest versions first.
_MAX_COMPARED = 12
_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)+)\Z")
_DEFAULT = "linux/amd64"

Answer = TypeVar("Answer")


class Described(NamedTuple):
    """An image's configuration on one platform."""

    reference: Reference
    platform: str
    config: dict[str, Any]  #: as https://github.com/opencontainers/image-spec/blob/main/config.md has it


class Registries:
    """All registries, Docker Hub through its mirrors."""

    def __init__(self, mirrors: tuple[str, ...] = ()) -> None:
        self._mirrors = mirrors
        self._clients: dict[str, Client] = {}
        self._answers: dict[tuple[str, str, str], Known[Any] | Unknown] = {}
        self._unusable: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """The registries and credential stores that could not be used, and why, one line each."""
        stores = dict.fromkeys(client.login_problem for client in self._clients.values() if client.login_problem)
        return (
            *(f"{host} {why}" for host, why in self._unusable.items()),
            *(f"{problem}: registries are asked without its logins" for problem in stores),
        )

    def digest(self, reference: str) -> Known[str] | Unknown:
        """The digest of what a reference names now: of the index, where there are several platforms."""
        return self._once("digest", reference, "", lambda client, one: client.digest(one.repository, one.wanted))

    def tags(self, reference: str) -> Known[list[str]] | Unknown:
        """All tags of a reference's repository."""
        return self._once("tags", reference, "", lambda client, one: client.tags(one.repository))

    def described(self, reference: str, platform: str = "") -> Known[Described] | Unknown:
        """An image's configuration.

        :param platform: ``linux/arm64``; empty for ``linux/amd64``, or the first Linux where there is none. Not the
            platform of this machine: what a file comes to must not depend on where dockopt runs.
        """
        return self._once("config", reference, platform, lambda client, one: _described(client, one, platform))

    def image(self, reference: str, platform: str = "") -> Known[BaseImage] | Unknown:
        """The facts an image's configuration gives. What is in its file system stays unknown."""
        found = self.described(reference, platform)
        if isinstance(found, Unknown):
            return found
        image = _image(found.value)
        return image if isinstance(image, Unknown) else Known(image, image.evidence)

    def version(self, reference: str) -> Known[str] | Unknown:
        """The tag with a version that names the very image a tag without one does: for ``latest`` ``2.4``.

        Of several the shortest with two numbers, else the shortest.
        """
        digest = self.digest(reference)
        if isinstance(digest, Unknown):
            return digest
        tags = self.tags(reference)
        if isinstance(tags, Unknown):
            return tags
        one = read(reference)
        assert one is not None
        suffix = "" if one.tag == "latest" else one.tag
        numbered: list[tuple[tuple[int, ...], str]] = []
        for tag in tags.value:
            number, rest = split_tag(tag)
            match = _NUMBERS.match(number)
            if match is not None and rest == suffix:
                numbered.append((tuple(map(int, match[1].split("."))), tag))
        same: list[tuple[tuple[int, ...], str]] = []
        for numbers, tag in sorted(numbered, reverse=True)[:_MAX_COMPARED]:
            other = self.digest(f"{one.name}:{tag}")
            if isinstance(other, Known) and other.value == digest.value:
                same.append((numbers, tag))
        if not same:
            return Unknown(f"no tag with a version names the same image as {one} now")
        best = min([each for each in same if len(each[0]) == 2] or same, key=lambda each: (len(each[0]), len(each[1])))
        return Known(best[1], f"{one.host} on its tag {best[1]}: {digest.value}")

    def _once(
        self, kind: str, reference: str, platform: str, ask: Callable[[Client, Reference], Answer]
    ) -> Known[Answer] | Unknown:
        key = (kind, reference, platform)
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = self._ask(reference, ask)
        return found

    def _ask(self, reference: str, ask: Callable[[Client, Reference], Answer]) -> Known[Answer] | Unknown:
        one = read(reference)
        if one is None:
            return Unknown(f"{reference} is no image reference that dockopt can ask for")
        reason = ""
        for address in (*self._mirrors, HUB_HOST) if one.host == HUB else (one.host,):
            client = self._clients.get(address)
            if client is None:
                client = self._clients[address] = Client(address)
            why = self._unusable.get(client.host)
            if why is not None:
                reason = f"{client.host} {why}"
                continue
            try:
                return Known(ask(client, one), f"registry {client.host}")
            except Unusable as problem:
                self._unusable[client.host] = str(problem)
                reason = f"{client.host} {problem}"
            except NotThere as problem:
                reason = f"{client.host} on {one}: {problem}"
            except RegistryError as problem:
                reason = f"{client.host} on {one}: {problem}"
        return Unknown(reason)


_known: dict[tuple[str, ...], Registries] = {}


def registries(mirrors: tuple[str, ...] = ()) -> Registries:
    """The registries of this process behind these mirrors of Docker Hub."""
    found = _known.get(mirrors)
    if found is None:
        found = _known[mirrors] = Registries(mirrors)
    return found


def _described(client: Client, one: Reference, platform: str) -> Described:
    manifest = client.manifest(one.repository, one.wanted).body
    if isinstance(manifest.get("manifests"), list):
        entry = _chosen(manifest["manifests"], platform)
        manifest = client.manifest(one.repository, entry).body
    config = manifest.get("config")
    digest = config.get("digest") if isinstance(config, dict) else None
    kind = config.get("mediaType") if isinstance(config, dict) else None
    if not isinstance(digest, str) or not DIGEST.match(digest):
        raise RegistryError("its manifest names no configuration")
    if not isinstance(kind, str) or ".image." not in kind:
        raise RegistryError(f"it is no container image but {kind}")
    data = client.blob(one.repository, digest)
    found = f"{data.get('os', '')}/{data.get('architecture', '')}"
    if platform and not f"{platform}/".startswith(f"{found}/"):
        raise RegistryError(f"it is for {found}, not for {platform}")
    return Described(one, found, data)


def _chosen(manifests: list[Any], platform: str) -> str:
    """The digest of the manifest for a platform."""
    there: dict[str, str] = {}
    for entry in manifests:
        about = entry.get("platform") if isinstance(entry, dict) else None
        digest = entry.get("digest") if isinstance(entry, dict) else None
        if not isinstance(about, dict) or not isinstance(digest, str) or not DIGEST.match(digest):
            continue
        name = f"{about.get('os')}/{about.get('architecture')}"
        variant = about.get("variant")
        if isinstance(variant, str) and variant:
            there.setdefault(f"{name}/{variant}", digest)
        there.setdefault(name, digest)
    if platform:
        if platform in there:
            return there[platform]
        raise RegistryError(f"it has nothing for {platform}")
    linux = [digest for name, digest in there.items() if name.startswith("linux/")]
    if _DEFAULT in there:
        return there[_DEFAULT]
    if linux:
        return linux[0]
    raise RegistryError("it has nothing for Linux")


def _image(found: Described) -> BaseImage | Unknown:
    one, data = found.reference, found.config
    config = data.get("config")
    config = config if isinstance(config, dict) else {}
    if data.get("os") != "linux":
        return Unknown(f"{one} is for {data.get('os')}")
    if config.get("OnBuild"):
        return Unknown(f"{one} has ONBUILD instructions, which change what holds after FROM")
    entrypoint, cmd, shell = (_words(config, key) for key in ("Entrypoint", "Cmd", "Shell"))
    workdir, user = config.get("WorkingDir") or "/", config.get("User") or "root"
    ports, listed = config.get("ExposedPorts") or {}, config.get("Env") or []
    if (
        entrypoint is None
        or cmd is None
        or shell is None
        or not isinstance(workdir, str)
        or not isinstance(user, str)
        or not isinstance(ports, dict)
        or not isinstance(listed, list)
    ):
        return Unknown(f"the configuration of {one} is not as it should be")
    env = dict(each.split("=", 1) for each in listed if isinstance(each, str) and "=" in each)
    check = config.get("Healthcheck")
    return BaseImage(
        one.name,
        one.tag,
        "",
        workdir,
        user,
        entrypoint=json.dumps(entrypoint) if entrypoint else "",
        cmd=json.dumps(cmd) if cmd else "",
        ports=tuple(sorted(map(str, ports))),
        path=env.get("PATH", ""),
        env=env,
        exact=False,
        evidence=f"registry {one.host}: configuration of {one} for {found.platform}",
        online=True,
        shell_words=tuple(shell),
        health=isinstance(check, dict) and check.get("Test") not in (None, [], ["NONE"]),
    )


def _words(config: dict[str, Any], key: str) -> list[str] | None:
    value = config.get(key) or []
    return value if isinstance(value, list) and all(isinstance(word, str) for word in value) else None
