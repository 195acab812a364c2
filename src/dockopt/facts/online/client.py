"""One registry, by the OCI distribution API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, with Docker's token authentication
(https://distribution.github.io/distribution/spec/auth/token/). Plain HTTP is spoken with this machine only, as
Docker does. Reading asks for nothing but manifests, configurations and lists of tags; no layer is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any, NamedTuple

from dockopt import __version__
from dockopt.facts.online.credentials import Login, StoreProblem, login
from dockopt.facts.online.reference import DIGEST, is_loopback

TIMEOUT = 10.0
"""Seconds for a connection, for any silence in an answer, and for an answer as a whole."""

#: Bytes of a manifest, a configuration or a page of tags: Docker's own limit for manifests.
MAX_BYTES = 4 << 20

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MAX_PAGES = 20
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))')


class RegistryError(Exception):
    """No answer about one image. ``str()`` says why, in one line without the image's name."""


class NotThere(RegistryError):
    """The registry knows no such image or tag, or shows it to nobody who is not logged in."""


class Unusable(RegistryError):
    """The registry answers nobody: nothing more needs to be asked of it."""


class Manifest(NamedTuple):
    """A manifest or an index. ``body`` is empty where only the digest was asked for."""

    digest: str
    body: dict[str, Any]


class _Answer(NamedTuple):
    headers: http.client.HTTPMessage
    body: bytes


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect, but never from HTTPS to HTTP."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and req.type == "https" and new.type != "https":
            raise RegistryError("a redirect leads away from HTTPS")
        if new is not None:
            new.method = req.get_method()
        return new


class Client:
    """A registry. Every method raises :class:`RegistryError`."""

    def __init__(self, address: str, timeout: float = TIMEOUT) -> None:
        """:param address: a host, or the address of a mirror (``https://mirror.example``)."""
        scheme, found, rest = address.partition("://")
        self.host = (rest if found else address).rstrip("/")
        local = is_loopback(self.host)
        self.base = f"{scheme if found else 'http' if local else 'https'}://{self.host}/v2/"
        self._timeout = timeout
        self._headers: dict[str, str] = {}  #: Authorization, by repository
        self._login: tuple[Login | None] | None = None  #: looked up when first asked for: a store may be slow
        self.login_problem = ""  #: why the login that Docker's configuration names could not be had
        # This machine is never behind a proxy.
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(_SafeRedirects(), *proxies)

    def digest(self, repository: str, wanted: str) -> str:
        """The digest a tag stands for: of the index, where there are several platforms."""
        # HEAD: Docker Hub does not count it as a pull.
        answer = self._ask(repository, f"manifests/{wanted}", accept=(*INDEXES, *MANIFESTS), method="HEAD")
        digest = answer.headers.get("Docker-Content-Digest", "")
        return digest if DIGEST.match(digest) else self.manifest(repository, wanted).digest

    def manifest(self, repository: str, wanted: str) -> Manifest:
        """A manifest or an index, by tag or digest."""
        answer = self._ask(repository, f"manifests/{wanted}", accept=(*INDEXES, *MANIFESTS))
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if DIGEST.match(wanted) and wanted != digest:
            raise RegistryError("what it sent is not what the digest names")
        return Manifest(digest, _object(answer.body))

    def blob(self, repository: str, digest: str) -> dict[str, Any]:
        """A configuration."""
        answer = self._ask(repository, f"blobs/{digest}")
        if f"sha256:{hashlib.sha256(answer.body).hexdigest()}" != digest:
            raise RegistryError("what it sent is not what the digest names")
        return _object(answer.body)

    def tags(self, repository: str) -> list[str]:
        """All tags, however many pages they fill (up to :data:`_MAX_PAGES`)."""
        found: list[str] = []
        path = "tags/list?n=1000"
        for _ in range(_MAX_PAGES):
            answer = self._ask(repository, path)
            listed = _object(answer.body).get("tags")
            found += [tag for tag in listed or () if isinstance(tag, str)]
            after = re.search(r'<([^>]*)>\s*;\s*rel="?next"?', answer.headers.get("Link", ""))
            if after is None:
                break
            query = urllib.parse.urlsplit(after[1]).query
            path = f"tags/list?{query}"
        return found

    def _ask(self, repository: str, path: str, *, accept: tuple[str, ...] = (), method: str = "GET") -> _Answer:
        url = f"{self.base}{repository}/{path}"
        try:
            return self._send(url, repository, accept, method)
        except _Denied as denied:
            if not self._authorise(repository, denied.challenges):
                raise NotThere("it is not there, or needs a login") from None
        try:
            return self._send(url, repository, accept, method)
        except _Denied:
            raise NotThere("it is not there, or the login in Docker's configuration may not see it") from None

    def _send(self, url: str, repository: str, accept: tuple[str, ...], method: str) -> _Answer:
        request = urllib.request.Request(url, method=method, headers={"User-Agent": f"dockopt/{__version__}"})
        if accept:
            request.add_header("Accept", ", ".join(accept))
        header = self._headers.get(repository)
        if header:
            # Unredirected: a blob may lie with somebody else, who must not see it.
            request.add_unredirected_header("Authorization", header)
        return self._open(request)

    def _open(self, request: urllib.request.Request) -> _Answer:
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return _Answer(response.headers, _read(response, self._timeout))
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (401, 403):
                    raise _Denied(error.headers.get_all("WWW-Authenticate") or []) from None
                if error.code == 404:
                    raise NotThere("it is not there") from None
                if error.code == 429:
                    raise Unusable("allows no more requests for now (docker login may raise the limit)") from None
                if error.code >= 500:
                    raise Unusable(f"answers {error.code} {error.reason}") from None
                raise RegistryError(f"the registry answers {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise Unusable(f"cannot be reached: {_plain(error.reason)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unusable(f"cannot be reached: {_plain(error)}") from None

    def _authorise(self, repository: str, challenges: list[str]) -> bool:
        """Get what the registry's challenge asks for; False where there is nothing to get."""
        if repository in self._headers:
            return False  # it was sent already, and did not do
        known = self._logged_in()
        for challenge in challenges:
            kind, _, rest = challenge.partition(" ")
            if kind.lower() == "bearer":
                self._headers[repository] = f"Bearer {self._token(repository, _parameters(rest), known)}"
                return True
            if kind.lower() == "basic" and known is not None and known.user:
                self._headers[repository] = _basic(known)
                return True
        return False

    def _logged_in(self) -> Login | None:
        if self._login is None:
            try:
                self._login = (login(self.host),)
            except StoreProblem as problem:
                self._login, self.login_problem = (None,), str(problem)
        return self._login[0]

    def _token(self, repository: str, challenge: dict[str, str], known: Login | None) -> str:
        realm = challenge.get("realm", "")
        parts = urllib.parse.urlsplit(realm)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
            raise RegistryError("it wants its token fetched without HTTPS")
        fields = {"scope": challenge.get("scope") or f"repository:{repository}:pull"}
        if "service" in challenge:
            fields["service"] = challenge["service"]
        if known is not None and known.token:
            fields |= {"grant_type": "refresh_token", "refresh_token": known.token, "client_id": "dockopt"}
            request = urllib.request.Request(realm, data=urllib.parse.urlencode(fields).encode())
        else:
            glue = "&" if parts.query else "?"
            request = urllib.request.Request(f"{realm}{glue}{urllib.parse.urlencode(fields)}")
            if known is not None:
                request.add_unredirected_header("Authorization", _basic(known))
        request.add_header("User-Agent", f"dockopt/{__version__}")
        try:
            answer = _object(self._open(request).body)
        except _Denied:
            raise NotThere("the login in Docker's configuration is not accepted") from None
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RegistryError("its token service sends no token")
        return token


class _Denied(Exception):
    def __init__(self, challenges: list[str]) -> None:
        super().__init__()
        self.challenges = challenges


def _read(response: http.client.HTTPResponse, timeout: float) -> bytes:
    """The body, within a time and a size: a registry must not be able to hold up the run."""
    end = time.monotonic() + timeout
    parts: list[bytes] = []
    size = 0
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise RegistryError(f"its answer has over {MAX_BYTES >> 20} MiB")
        if time.monotonic() > end:
            raise TimeoutError("timed out")
    return b"".join(parts)


def _basic(known: Login) -> str:
    return "Basic " + base64.b64encode(f"{known.user}:{known.password}".encode()).decode()


def _parameters(text: str) -> dict[str, str]:
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(text)
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise RegistryError("its answer is no JSON") from None
    if not isinstance(data, dict):
        raise RegistryError("its answer is no JSON object")
    return data


def _plain(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "timed out"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return " ".join(str(reason).split()).lower() or type(reason).__name__
