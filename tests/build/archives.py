"""Layers and ``docker save`` archives made in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any


def layer(*members: tuple[str, Any], zipped: bool = False) -> bytes:
    """A layer: ``(path, bytes)`` is a file, ``(path, None)`` a folder, ``(path, {field: value})`` any member."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in members:
            info = tarfile.TarInfo(name)
            data = b""
            if what is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(what, bytes):
                data = what
            else:
                fields = dict(what)
                data = fields.pop("data", b"")
                for field, value in fields.items():
                    setattr(info, field, value)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue()) if zipped else out.getvalue()


def save(*images: tuple[dict[str, Any], list[bytes]]) -> bytes:
    """What ``docker save`` writes for images of ``(configuration, layers)``: an OCI layout with manifest.json."""
    blobs: dict[str, bytes] = {}
    manifest = []
    for config, layers in images:
        names = [_blob(blobs, data) for data in layers]
        manifest.append({"Config": _blob(blobs, json.dumps(config).encode()), "RepoTags": [], "Layers": names})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in [*blobs.items(), ("manifest.json", json.dumps(manifest).encode()), ("oci-layout", b"{}")]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _blob(blobs: dict[str, bytes], data: bytes) -> str:
    name = f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    blobs[name] = data
    return name
