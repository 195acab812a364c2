"""References are read as Docker reads them."""

from __future__ import annotations

import pytest

from dockopt.facts.base import canonical
from dockopt.facts.online.reference import is_address, is_loopback, read

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.13-slim", "docker.io/library/python:3.13-slim"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("index.docker.io/library/python", "docker.io/library/python:latest"),
        ("acme/tool", "docker.io/acme/tool:latest"),
        ("acme/team/tool:1", "docker.io/acme/team/tool:1"),
        ("ghcr.io/acme/tool", "ghcr.io/acme/tool:latest"),
        ("localhost/tool", "localhost/tool:latest"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
        ("registry:5000/tool", "registry:5000/tool:latest"),
        ("[::1]:5000/tool:1", "[::1]:5000/tool:1"),
        (f"python:3.13@{DIGEST}", f"docker.io/library/python@{DIGEST}"),
        (f"python@{DIGEST}", f"docker.io/library/python@{DIGEST}"),
    ],
)
def test_a_reference_in_full(text: str, full: str) -> None:
    assert str(read(text)) == full


def test_a_digest_wins_over_its_tag() -> None:
    found = read(f"python:3.13@{DIGEST}")
    assert found is not None and (found.tag, found.wanted) == ("3.13", DIGEST)
    alone = read(f"python@{DIGEST}")
    assert alone is not None and (alone.tag, alone.wanted) == ("", DIGEST)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "Python",
            "a b",
            "a//b",
            "python:",
            "python:a/b:",
            "a.b/../c",
            "evil.example/a?x=1",
            "a@sha256:12",
            "a@md5:1",
        ),
        *(
            "user@host.example/a",
            "host.example#/a",
            "a:" + "x" * 129,
            "host.example:port/a",
            "a/b\n",
            "ho st.example/a",
        ),
    ],
)
def test_what_is_no_reference_is_asked_nowhere(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("127.0.0.1.example:5000", False),
        ("10.0.0.1:5000", False),
        ("0.0.0.0:5000", False),
        ("[2001:db8::1]:5000", False),
        ("ghcr.io", False),
    ],
)
def test_this_machine(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://mirror.example", True),
        ("https://mirror.example:8443/", True),
        ("http://127.0.0.1:5000", True),
        ("http://mirror.example", False),
        ("mirror.example", False),
        ("https://", False),
        ("https://mirror.example/path", False),
        ("https://user:password@mirror.example", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_addresses_of_mirrors(text: str, right: bool) -> None:
    assert is_address(text) is right


def test_two_ways_to_write_one_image_are_one() -> None:
    assert canonical("docker.io/library/python") == canonical("python:latest") == "python:latest"
    assert canonical("python:3@sha256:1") == "python@sha256:1"
    assert canonical("ghcr.io/a/b") != canonical("a/b")
