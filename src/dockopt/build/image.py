"""An image as ``docker save`` writes it: configuration, layers, history."""

from __future__ import annotations

import json
import tarfile
import zlib
from typing import IO, Any, NamedTuple

from dockopt.build.engine import LABEL
from dockopt.build.tree import Layer, Tree, flatten, read_layer

_JSON_LIMIT = 8 << 20


class Step(NamedTuple):
    """What one instruction added."""

    instruction: str  #: as the image's history has it
    layer: Layer | None  #: ``None`` where it changed only the configuration


class Image(NamedTuple):
    """One image."""

    config: dict[str, Any]  #: the configuration file of the OCI image specification (config.md)
    layers: tuple[Layer, ...]

    def tree(self) -> Tree:
        """The files a container sees."""
        return flatten(self.layers)

    @property
    def size(self) -> int:
        """Bytes of all layers' files, uncompressed."""
        return sum(layer.size for layer in self.layers)

    @property
    def compressed(self) -> int:
        """Bytes of all layers with gzip, as a registry holds them; 0 where that was not asked for."""
        return sum(layer.compressed for layer in self.layers)

    def steps(self) -> list[Step]:
        """The history, each entry with the layer it made."""
        found: list[Step] = []
        layers = iter(self.layers)
        for entry in self.config.get("history") or ():
            layer = None if entry.get("empty_layer") else next(layers, None)
            found.append(Step(str(entry.get("created_by", "")), layer))
        found.extend(Step("", layer) for layer in layers)
        return found


class ImageUnreadable(Exception):
    """The archive is not what ``docker save`` writes. ``str()`` is one clear line."""


class Reader:
    """Reads archives; a layer it has seen is not read twice.

    :param compress: measure each layer with gzip, too (some 30 MB a second).
    """

    def __init__(self, *, compress: bool = False) -> None:
        self._layers: dict[str, Layer] = {}
        self._compress = compress

    def read(self, stream: IO[bytes], count: int) -> list[Image]:
        """The ``count`` images of one archive, in its order.

        :raises ImageUnreadable: where it does not hold as many.
        """
        documents: dict[str, Any] = {}
        links: dict[str, str] = {}
        layers: dict[str, Layer] = {}
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as archive:
                for member in archive:
                    if member.issym() or member.islnk():
                        links[member.name] = _beside(member)
                    elif member.isreg():
                        self._member(archive, member, documents, layers)
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise ImageUnreadable(f"the image cannot be read from the engine: {error}") from None
        manifest = documents.get("manifest.json")
        if not isinstance(manifest, list) or len(manifest) != count:
            raise ImageUnreadable("the engine's image archive has no manifest.json that lists the images")
        try:
            return [
                Image(
                    documents[entry["Config"]],
                    tuple(layers[links.get(name, name)] for name in entry["Layers"] or ()),
                )
                for entry in manifest
            ]
        except KeyError as error:
            raise ImageUnreadable(f"the engine's image archive lacks {error}") from None

    def _member(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, documents: dict[str, Any], layers: dict[str, Layer]
    ) -> None:
        name = member.name
        # By content only: older engines name a layer by the chain below it, which differs between runs.
        known = self._layers.get(name) if "sha256/" in name else None
        if known is not None:
            layers[name] = known
            return
        file = archive.extractfile(member)
        assert file is not None
        stream = _Peeked(file)
        if stream.first[:1] in (b"{", b"["):
            if member.size <= _JSON_LIMIT:
                documents[name] = json.loads(stream.read())
            return
        if name.endswith((".json", "VERSION", "repositories", "version", "oci-layout")) or not stream.first:
            return
        layer = self._layer(stream)
        layers[name] = layer
        if "sha256/" in name:
            self._layers[name] = layer

    def _layer(self, stream: _Peeked) -> Layer:
        if not self._compress:
            return read_layer(stream)
        meter = _Meter(stream)
        layer = read_layer(meter)
        while meter.read(1 << 20):
            pass  # the padding behind the archive's end counts as well
        return layer._replace(compressed=meter.close_and_count())


class _Peeked:
    """A stream whose first bytes were looked at."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.first = stream.read(512)
        self._pending = self.first

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes."""
        if size < 0:
            data, self._pending = self._pending + self._stream.read(), b""
            return data
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        return self._stream.read(size)


class _Meter:
    """Passes a layer through and counts what gzip makes of it; a layer that is compressed counts as it is."""

    def __init__(self, stream: _Peeked) -> None:
        self._stream = stream
        compressed = stream.first[:2] == b"\x1f\x8b" or stream.first[:4] == b"\x28\xb5\x2f\xfd"
        self._gzip = None if compressed else zlib.compressobj(6, zlib.DEFLATED, 31)
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, which are counted."""
        data = self._stream.read(size)
        self._count += len(data) if self._gzip is None else len(self._gzip.compress(data))
        return data

    def close_and_count(self) -> int:
        if self._gzip is not None:
            self._count += len(self._gzip.flush())
        return self._count


def _beside(member: tarfile.TarInfo) -> str:
    """What a link in the archive points to, as a member's name."""
    import posixpath

    if member.islnk():
        return member.linkname
    return posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))


def config_of(image: Image) -> dict[str, str]:
    """The configuration as flat keys, named as :class:`dockopt.engine.model.Effects` names them.

    Times, history and the run's own label are left out; so is what describes the machine built on, but
    for the platform.
    """
    config: dict[str, Any] = image.config.get("config") or {}
    flat: dict[str, str] = {}
    plain = {
        "cmd": "Cmd",
        "entrypoint": "Entrypoint",
        "shell": "Shell",
        "onbuild": "OnBuild",
        "healthcheck": "Healthcheck",
    }
    for key, name in plain.items():
        if config.get(name):
            flat[key] = json.dumps(config[name], sort_keys=True)
    for key, name in {"user": "User", "workdir": "WorkingDir", "stopsignal": "StopSignal"}.items():
        if config.get(name):
            flat[key] = str(config[name])
    for assignment in config.get("Env") or ():
        name, _, value = assignment.partition("=")
        flat[f"env:{name}"] = value
    for name, value in (config.get("Labels") or {}).items():
        if name != LABEL:
            flat[f"label:{name}"] = value
    for port in config.get("ExposedPorts") or ():
        flat[f"expose:{port}"] = "exposed"
    for path in config.get("Volumes") or ():
        flat[f"volume:{path}"] = "a volume"
    if image.config.get("author"):
        flat["author"] = str(image.config["author"])
    flat["platform"] = "/".join(
        str(image.config[key]) for key in ("os", "architecture", "variant") if image.config.get(key)
    )
    return flat
