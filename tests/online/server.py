"""A real registry, Debian's docker-registry, on this machine; and images to put into it by plain HTTP."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

#: Where the program is: set by ``.ci/run``, and then a missing one fails the tests instead of skipping them.
VARIABLE = "DOCKOPT_TEST_REGISTRY"


def program() -> str | None:
    """The registry's program, None where there is none."""
    return os.environ.get(VARIABLE) or shutil.which("docker-registry")


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """A registry that runs."""

    def __init__(self, host: str, authorization: str = "") -> None:
        self.host = host
        self._authorization = authorization

    def _send(self, method: str, url: str, data: bytes = b"", kind: str = "application/octet-stream") -> Any:
        request = urllib.request.Request(url, data=data or None, method=method, headers={"Content-Type": kind})
        if self._authorization:
            request.add_header("Authorization", self._authorization)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers

    def blob(self, repository: str, data: bytes) -> str:
        """Store a blob; its digest."""
        digest = sha256(data)
        place = self._send("POST", f"http://{self.host}/v2/{repository}/blobs/uploads/")["Location"]
        glue = "&" if "?" in place else "?"
        self._send("PUT", f"{place}{glue}{urllib.parse.urlencode({'digest': digest})}", data)
        return digest

    def image(
        self,
        repository: str,
        tag: str,
        *,
        os: str = "linux",
        architecture: str = "amd64",
        kind: str = CONFIG,
        **config: object,
    ) -> str:
        """Store an image of one platform; its digest. ``tag`` may be empty."""
        layer = b"a layer nobody unpacks"
        body = json.dumps({"os": os, "architecture": architecture, "config": config, "rootfs": {"type": "layers"}})
        parts = {"config": (kind, body.encode()), "layer": (LAYER, layer)}
        stored = {
            name: {"mediaType": media, "digest": self.blob(repository, data), "size": len(data)}
            for name, (media, data) in parts.items()
        }
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": stored["config"], "layers": [stored["layer"]]}
        return self.manifest(repository, tag, manifest, MANIFEST)

    def index(self, repository: str, tag: str, platforms: dict[str, str]) -> str:
        """Store an index of images by platform (``linux/arm64/v8``); its digest."""
        entries = []
        for platform, digest in platforms.items():
            system, architecture, *variant = platform.split("/")
            about = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            entries.append({"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": about})
        return self.manifest(repository, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)

    def manifest(self, repository: str, tag: str, manifest: dict[str, object], kind: str) -> str:
        data = json.dumps(manifest).encode()
        digest = sha256(data)
        self._send("PUT", f"http://{self.host}/v2/{repository}/manifests/{tag or digest}", data, kind)
        return digest


@contextlib.contextmanager
def running(folder: Path, auth: str = "", authorization: str = "") -> Iterator[Registry]:
    """A registry with its files in ``folder``.

    :param auth: the section ``auth`` of its configuration; ``authorization`` is what it wants to see then.
    """
    command = program()
    assert command is not None
    host = f"127.0.0.1:{free_port()}"
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: " + str(folder / "data") + "}\n"
        f"http: {{addr: '{host}', secret: none}}\n{auth}",
        encoding="utf-8",
    )
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen([command, "serve", str(configuration)], stdout=log, stderr=log) as process,
    ):
        try:
            _wait(host, process, folder / "log")
            yield Registry(host, authorization)
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)
    raise AssertionError(f"the registry does not answer: {log.read_text(encoding='utf-8', errors='replace')}")


class Reply(NamedTuple):
    """What :func:`answering` answers to one path."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012


class Asked(NamedTuple):
    """A request that :func:`answering` got."""

    method: str
    path: str
    headers: dict[str, str]  #: names in lower case
    body: bytes


@contextlib.contextmanager
def answering(replies: dict[str, Any]) -> Iterator[tuple[str, list[Asked]]]:
    """A server that is no registry: the answers a real one cannot be brought to give.

    :param replies: by path without its query a :class:`Reply`, or a function from :class:`Asked` to one.
    """
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            one = Asked(self.command, self.path, headers, self.rfile.read(length))
            asked.append(one)
            reply = replies.get(self.path.partition("?")[0], Reply(404))
            if callable(reply):
                reply = reply(one)
            self.send_response(reply.status)
            for key, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = _handle

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


class TokenService:
    """Makes the tokens docker-registry takes: a signed list of what may be read.

    https://distribution.github.io/distribution/spec/auth/jwt/. Signing is openssl's.
    """

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
                *("-keyout", str(self.key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        der = subprocess.run(
            ["openssl", "x509", "-in", str(self.certificate), "-outform", "DER"], check=True, capture_output=True
        )
        self._header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der.stdout).decode()]}

    def token(self, repository: str, *actions: str) -> str:
        now = int(time.time())
        access = [{"type": "repository", "name": repository, "actions": list(actions)}]
        claims = {"iss": "issuer", "sub": "", "aud": "service", "exp": now + 600, "nbf": now - 10, "iat": now}
        parts = [_base64url(json.dumps(part).encode()) for part in (self._header, {**claims, "access": access})]
        text = ".".join(parts)
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.key)], input=text.encode(), check=True, capture_output=True
        )
        return f"{text}.{_base64url(signed.stdout)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
