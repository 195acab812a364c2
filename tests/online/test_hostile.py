"""Servers that fail, lie, or are no registry: one clear reason, no login given away, no long wait."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dockopt.facts.online import client as module
from dockopt.facts.online.client import Client, NotThere, RegistryError, Unusable
from dockopt.facts.online.images import Registries
from dockopt.facts.value import Known, Unknown
from tests.online.server import Asked, Reply, answering, free_port, sha256

DIGEST = "sha256:" + "0" * 64


def ask(reply: object) -> None:
    """What :class:`Client` makes of an answer to the manifest of ``a:1``."""
    with answering({"/v2/a/manifests/1": reply}) as (host, _):
        Client(host).manifest("a", "1")


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (Reply(404), NotThere, "it is not there"),
        (Reply(401), NotThere, "it is not there, or needs a login"),
        (Reply(403), NotThere, "it is not there, or needs a login"),
        (Reply(429), Unusable, "allows no more requests for now (docker login may raise the limit)"),
        (Reply(500), Unusable, "answers 500 Internal Server Error"),
        (Reply(503), Unusable, "answers 503 Service Unavailable"),
        (Reply(418), RegistryError, "the registry answers 418 I'm a Teapot"),
        (Reply(body=b"<html>"), RegistryError, "its answer is no JSON"),
        (Reply(body=b"\xff\xfe"), RegistryError, "its answer is no JSON"),
        (Reply(body=b"[" * 100_000), RegistryError, "its answer is no JSON"),
        (Reply(body=b"[]"), RegistryError, "its answer is no JSON object"),
        (Reply(body=b" " * (5 << 20)), RegistryError, "its answer has over 4 MiB"),
        (Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'}), NotThere, "it is not there, or needs a login"),
        (
            Reply(401, headers={"WWW-Authenticate": 'Bearer realm="http://auth.example/token"'}),
            RegistryError,
            "it wants its token fetched without HTTPS",
        ),
        (
            Reply(401, headers={"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'}),
            RegistryError,
            "it wants its token fetched without HTTPS",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(reply: Reply, error: type[RegistryError], text: str) -> None:
    with pytest.raises(RegistryError) as raised:
        ask(reply)
    assert type(raised.value) is error and str(raised.value) == text


def test_nobody_there() -> None:
    with pytest.raises(Unusable, match=r"^cannot be reached: connection refused$"):
        Client(f"127.0.0.1:{free_port()}").digest("a", "1")


def test_no_such_host() -> None:
    with pytest.raises(Unusable, match=r"^cannot be reached: "):
        Client("nowhere.invalid").digest("a", "1")


@pytest.fixture
def silent() -> Iterator[Callable[[bytes], str]]:
    """Starts a server that sends some bytes now and then, for ever."""
    stop = threading.Event()

    def start(drip: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1 << 16)
                    if drip:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                    while not stop.wait(0.05):
                        try:
                            connection.sendall(drip)
                        except OSError:
                            return

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stop.set()


@pytest.mark.parametrize("drip", [b"", b"x"], ids=["nothing", "a byte now and then"])
def test_a_server_that_holds_up_is_left(silent: Callable[[bytes], str], drip: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(Unusable, match=r"^cannot be reached: timed out$"):
        Client(silent(drip), timeout=0.4).manifest("a", "1")
    assert time.monotonic() - start < 3


def test_a_server_that_speaks_no_http(silent: Callable[[bytes], str]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46 not http\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(Unusable, match=r"^cannot be reached: "):
        Client(f"127.0.0.1:{listener.getsockname()[1]}").manifest("a", "1")


def test_what_is_not_what_its_digest_names_is_refused() -> None:
    with answering({f"/v2/a/manifests/{DIGEST}": Reply(), f"/v2/a/blobs/{DIGEST}": Reply()}) as (host, _):
        for one in (Client(host).manifest, Client(host).blob):
            with pytest.raises(RegistryError, match=r"^what it sent is not what the digest names$"):
                one("a", DIGEST)


def test_a_registry_without_the_digest_header_is_asked_for_the_manifest() -> None:
    body = b'{"schemaVersion": 2}'
    with answering({"/v2/a/manifests/1": Reply(body=body)}) as (host, asked):
        assert Client(host).digest("a", "1") == sha256(body)
    assert [one.method for one in asked] == ["HEAD", "GET"]


def test_plain_http_is_for_this_machine_only() -> None:
    assert Client("registry.example").base == "https://registry.example/v2/"
    assert Client("10.0.0.1:5000").base == "https://10.0.0.1:5000/v2/"
    assert Client("localhost:5000").base == "http://localhost:5000/v2/"
    assert Client("https://127.0.0.1:5000").base == "https://127.0.0.1:5000/v2/"


def logged_in(host: str, entry: dict[str, str]) -> None:
    path = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    path.write_text(json.dumps({"auths": {host: entry}}), encoding="utf-8")


LOGIN = {"auth": base64.b64encode(b"ann:secret").decode()}
BASIC = f"Basic {LOGIN['auth']}"


def test_a_redirect_takes_no_login_along() -> None:
    """A blob may lie with a store of files, which answers a foreign login with an error, or keeps it."""
    config = b"{}"
    with answering({"/stored": Reply(body=config)}) as (store, there):

        def blob(one: Asked) -> Reply:
            if "authorization" not in one.headers:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return Reply(307, headers={"Location": f"http://{store}/stored"})

        with answering({f"/v2/a/blobs/{sha256(config)}": blob}) as (host, asked):
            logged_in(host, LOGIN)
            assert Client(host).blob("a", sha256(config)) == {}
    assert [one.headers.get("authorization") for one in asked] == [None, BASIC]
    assert [one.headers.get("authorization") for one in there] == [None]


def test_a_redirect_never_leaves_https() -> None:
    handler = module._SafeRedirects()
    request = module.urllib.request.Request("https://registry.example/v2/a/blobs/x")
    with pytest.raises(RegistryError, match=r"^a redirect leads away from HTTPS$"):
        handler.redirect_request(request, None, 307, "", {}, "http://elsewhere.example/")  # type: ignore[arg-type]


def challenged(host_of_tokens: str, token: str) -> Callable[[Asked], Reply]:
    realm = f'Bearer realm="http://{host_of_tokens}/token",service="it, \\"quoted\\"",scope="repository:a:pull"'

    def manifest(one: Asked) -> Reply:
        if one.headers.get("authorization") == f"Bearer {token}":
            return Reply(headers={"Docker-Content-Digest": DIGEST})
        return Reply(401, headers={"WWW-Authenticate": realm})

    return manifest


def test_a_token_without_a_login() -> None:
    with (
        answering({"/token": Reply(body=b'{"access_token": "t"}')}) as (tokens, there),
        answering({"/v2/a/manifests/1": challenged(tokens, "t")}) as (host, asked),
    ):
        one = Client(host)
        assert one.digest("a", "1") == one.digest("a", "1") == DIGEST
    assert len(there) == 1 and len(asked) == 3  # the token is kept
    query = parse_qs(urlsplit(there[0].path).query)
    assert query == {"service": ['it, "quoted"'], "scope": ["repository:a:pull"]}
    assert "authorization" not in there[0].headers


def test_a_token_with_a_login() -> None:
    with (
        answering({"/token": Reply(body=b'{"token": "t"}')}) as (tokens, there),
        answering({"/v2/a/manifests/1": challenged(tokens, "t")}) as (host, asked),
    ):
        logged_in(host, LOGIN)
        assert Client(host).digest("a", "1") == DIGEST
    assert there[0].headers["authorization"] == BASIC
    assert all(BASIC not in one.headers.values() for one in asked)  # the password goes to the token service only


def test_a_token_with_an_identity_token() -> None:
    with (
        answering({"/token": Reply(body=b'{"access_token": "t"}')}) as (tokens, there),
        answering({"/v2/a/manifests/1": challenged(tokens, "t")}) as (host, _),
    ):
        logged_in(host, {"identitytoken": "long lived"})
        assert Client(host).digest("a", "1") == DIGEST
    assert there[0].method == "POST"
    fields = parse_qs(there[0].body.decode())
    assert fields["grant_type"] == ["refresh_token"] and fields["refresh_token"] == ["long lived"]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(401), "the login in Docker's configuration is not accepted"),
        (Reply(body=b'{"token": 1}'), "its token service sends no token"),
        (Reply(body=b'{"token": "a\\r\\nX-Evil: 1"}'), "its token service sends no token"),
    ],
)
def test_a_token_service_that_does_not(reply: Reply, text: str) -> None:
    with (
        answering({"/token": reply}) as (tokens, _),
        answering({"/v2/a/manifests/1": challenged(tokens, "t")}) as (host, _),
    ):
        logged_in(host, LOGIN)
        with pytest.raises(RegistryError) as raised:
            Client(host).digest("a", "1")
    assert str(raised.value) == text
    assert "secret" not in str(raised.value)


def test_a_token_that_is_not_taken_is_not_fetched_again() -> None:
    with (
        answering({"/token": Reply(body=b'{"token": "wrong"}')}) as (tokens, there),
        answering({"/v2/a/manifests/1": challenged(tokens, "t")}) as (host, asked),
        pytest.raises(NotThere, match=r"^it is not there, or the login in Docker's configuration may not see it$"),
    ):
        Client(host).digest("a", "1")
    assert (len(there), len(asked)) == (1, 2)


def test_pages_of_tags() -> None:
    def page(one: Asked) -> Reply:
        last = parse_qs(urlsplit(one.path).query).get("last", [""])[0]
        if last == "":
            link = '</v2/a/tags/list?n=1000&last=2>; rel="next"'
            return Reply(body=b'{"tags": ["1", "2"]}', headers={"Link": link})
        return Reply(body=b'{"tags": ["3"]}')

    with answering({"/v2/a/tags/list": page}) as (host, _):
        assert Client(host).tags("a") == ["1", "2", "3"]


def test_pages_without_end_are_left_at_some_point() -> None:
    link = '</v2/a/tags/list?n=1000&last=1>; rel="next"'
    with answering({"/v2/a/tags/list": Reply(body=b'{"tags": ["1"]}', headers={"Link": link})}) as (host, asked):
        Client(host).tags("a")
    assert len(asked) == 20


def test_a_link_to_the_next_page_leads_nowhere_else() -> None:
    link = '<http://elsewhere.example/v2/a/tags/list?last=2>; rel="next"'
    replies = iter([Reply(body=b'{"tags": ["1"]}', headers={"Link": link}), Reply(body=b'{"tags": []}')])
    with answering({"/v2/a/tags/list": lambda one: next(replies)}) as (host, asked):
        assert Client(host).tags("a") == ["1"]
    assert [one.path for one in asked] == ["/v2/a/tags/list?n=1000", "/v2/a/tags/list?last=2"]


def test_a_registry_without_an_answer_is_asked_once() -> None:
    with answering({"/v2/a/manifests/1": Reply(503), "/v2/b/manifests/1": Reply(503)}) as (host, asked):
        all_ = Registries()
        first, second = all_.digest(f"{host}/a:1"), all_.digest(f"{host}/b:1")
        assert isinstance(first, Unknown) and first == second
        assert first.reason == f"{host} answers 503 Service Unavailable"
        assert all_.problems == (first.reason,)
    assert len(asked) == 1


def test_an_image_that_is_not_there_is_no_problem_of_the_registry() -> None:
    replies = {"/v2/b/manifests/1": Reply(headers={"Docker-Content-Digest": DIGEST})}
    with answering(replies) as (host, _):
        all_ = Registries()
        assert all_.digest(f"{host}/a:1") == Unknown(f"{host} on {host}/a:1: it is not there")
        found = all_.digest(f"{host}/b:1")
        assert isinstance(found, Known) and found.value == DIGEST
        assert all_.problems == ()
