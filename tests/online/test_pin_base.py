"""pin-base with digests: of a registry, and of ``dockopt.lock``."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockopt.engine.model import Outcome
from dockopt.engine.pipeline import Options, rewrite
from dockopt.facts.base import pinned
from dockopt.facts.lock import find_lock
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known, Unknown
from tests.online.server import Registry, Reply, answering

A, B = ("sha256:" + digit * 64 for digit in "ab")
OPTIONS = Options(unsafe=True, select=("pin-base",))


def pin(text: str, outside: Outside) -> Outcome:
    """The outcome, which a second run must leave alone."""
    outcome = rewrite(text.encode(), OPTIONS, outside)
    assert [entry for entry in outcome.entries if entry.kind == "defect"] == []
    assert rewrite(outcome.after, OPTIONS, outside).after == outcome.after
    return outcome


def refusals(outcome: Outcome) -> list[tuple[str, str]]:
    return [(entry.cause, entry.message) for entry in outcome.entries if entry.kind == "refused"]


def test_every_base_gets_its_digest(registry: Registry) -> None:
    host = registry.host
    tool = registry.image("pin/tool", "1.2")
    amd, arm = registry.image("pin/base", ""), registry.image("pin/base", "", architecture="arm64")
    base = registry.index("pin/base", "3", {"linux/amd64": amd, "linux/arm64": arm})
    outcome = pin(
        f"FROM --platform=$BUILDPLATFORM {host}/pin/tool:1.2 AS build\nRUN make\n"
        f"FROM {host}/pin/base:3\nCOPY --from=build /x /x\nFROM build\nFROM scratch\n",
        Outside(online=()),
    )
    assert outcome.after.decode() == (
        f"FROM --platform=$BUILDPLATFORM {host}/pin/tool:1.2@{tool} AS build\nRUN make\n"
        f"FROM {host}/pin/base:3@{base}\nCOPY --from=build /x /x\nFROM build\nFROM scratch\n"
    )
    assert outcome.entries[0].evidence == (f"registry {host}",)


def test_a_known_image_gets_the_tables_version_and_the_registrys_digest(registry: Registry) -> None:
    version = pinned("node:alpine")
    assert isinstance(version, Known)
    digest = registry.image("library/node", version.value.partition(":")[2])
    outside = Outside(online=(f"http://{registry.host}",))
    for name in ("node:alpine", "docker.io/library/node:alpine"):
        prefix = name.removesuffix("node:alpine")
        assert pin(f"FROM {name}\n", outside).after.decode() == f"FROM {prefix}{version.value}@{digest}\n"


@pytest.mark.parametrize(
    "written", ["node", "node:latest", "node:alpine", "python:slim", "debian", "debian:stable-slim", "golang:1.25"]
)
def test_a_known_image_gets_the_same_version_with_the_network_and_without(registry: Registry, written: str) -> None:
    """The digest is what the registry adds: the table's version is named all the same, however old it may be."""
    offline = pin(f"FROM {written}\n", Outside()).after.decode()
    name, _, tag = offline.removeprefix("FROM ").strip().partition(":")
    registry.image(f"library/{name}", "latest", User="newer")
    digest = registry.image(f"library/{name}", tag or "latest")
    outside = Outside(online=(f"http://{registry.host}",))
    online = pin(f"FROM {written}\n", outside).after.decode()
    assert online == offline.rstrip("\n") + f"@{digest}\n"
    # And what the one wrote the other leaves, or only adds to.
    assert pin(offline, outside).after.decode() == online
    assert pin(online, Outside()).after.decode() == online


@pytest.mark.parametrize(
    "written", ["archlinux", "archlinux:base-devel", "alpine:edge", "debian:sid", "debian:testing-slim"]
)
def test_a_distribution_that_always_moves_on_is_pinned_by_a_lock_alone(
    project: Path, registry: Registry, written: str
) -> None:
    name, _, tag = written.partition(":")
    registry.image(f"library/{name}", tag or "latest")
    outside = Outside(str(project / "api" / "Dockerfile"), online=(f"http://{registry.host}",))
    outcome = pin(f"FROM {written}\n", outside)
    assert outcome.after.decode() == f"FROM {written}\n"
    assert [cause for cause, _ in refusals(outcome)] == ["rolling-release"]
    locked(project, f'[digests]\n"{written}" = "{A}"\n')
    assert pin(f"FROM {written}\n", outside).after.decode() == f"FROM {written}@{A}\n"


def test_an_unknown_image_gets_the_version_its_registry_has_now(registry: Registry) -> None:
    for tag in ("2.4.1", "2.4", "latest"):
        digest = registry.image("pin/app", tag, User="app")
    registry.image("pin/app", "2.3", User="old")
    host = registry.host
    for written in (f"{host}/pin/app", f"{host}/pin/app:latest"):
        outcome = pin(f"FROM {written}\n", Outside(online=()))
        assert outcome.after.decode() == f"FROM {host}/pin/app:2.4@{digest}\n"
        assert outcome.entries[0].evidence[0] == f"{host} on its tag 2.4: {digest}"


def test_an_unknown_image_without_versions_keeps_its_tag(registry: Registry) -> None:
    digest = registry.image("pin/rolling", "latest")
    host = registry.host
    assert pin(f"FROM {host}/pin/rolling\n", Outside(online=())).after.decode() == f"FROM {host}/pin/rolling@{digest}\n"
    outcome = pin(f"FROM {host}/pin/rolling:latest\n", Outside(online=()))
    assert outcome.after.decode() == f"FROM {host}/pin/rolling:latest@{digest}\n"


def test_a_tag_that_is_not_there(registry: Registry) -> None:
    registry.image("pin/gone", "1")
    text = f"FROM {registry.host}/pin/gone:2\n"
    outcome = pin(text, Outside(online=()))
    assert outcome.after.decode() == text
    host = registry.host
    assert refusals(outcome) == [("digest-unknown", f"{host} on {host}/pin/gone:2: it is not there")]


def test_without_an_answer_the_version_is_named_all_the_same() -> None:
    with answering({"/v2/library/node/manifests/alpine": Reply(500)}) as (host, _):
        outside = Outside(online=(f"http://{host}",))
        version = pinned("node:alpine")
        assert isinstance(version, Known)
        # Docker Hub itself would be next: this process has no way there.
        from dockopt.facts.online import images

        all_ = images.registries(outside.online or ())
        all_._unusable["registry-1.docker.io"] = "cannot be reached: no network in this test"
        outcome = pin("FROM node:alpine\n", outside)
        assert outcome.after.decode() == f"FROM {version.value}\n"
        assert refusals(outcome) == [
            ("digest-unknown", "registry-1.docker.io cannot be reached: no network in this test")
        ]


def test_what_is_pinned_or_variable_is_left(registry: Registry) -> None:
    digest = registry.image("pin/left", "1")
    host = registry.host
    text = f"ARG TAG=1\nFROM {host}/pin/left:1@{digest} AS a\nFROM {host}/pin/left:$TAG AS b\nFROM {host}/pin/left:${{TAG:-1}}\n"
    outcome = pin(text, Outside(online=()))
    assert outcome.after.decode() == text and refusals(outcome) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "api").mkdir()
    return tmp_path


def locked(project: Path, text: str) -> Outside:
    (project / "dockopt.lock").write_text(text, encoding="utf-8")
    return Outside(str(project / "api" / "Dockerfile"))


def test_a_lock(project: Path) -> None:
    outside = locked(project, f'[digests]\n"python:3.13-slim" = "{A}"\n"docker.io/acme/tool" = "{B}"\n')
    text = "FROM docker.io/library/python:3.13-slim AS a\nFROM acme/tool:latest\nFROM acme/other:1\n"
    outcome = pin(text, outside)
    assert outcome.after.decode() == (
        f"FROM docker.io/library/python:3.13-slim@{A} AS a\nFROM acme/tool:latest@{B}\nFROM acme/other:1\n"
    )
    assert outcome.entries[0].evidence == ("dockopt.lock",)
    assert refusals(outcome) == [("digest-unknown", "dockopt.lock has no digest for acme/other:1")]


def test_a_lock_wins_over_the_registry_and_the_registry_fills_its_gaps(project: Path, registry: Registry) -> None:
    registry.image("lock/a", "1")
    digest = registry.image("lock/b", "1")
    host = registry.host
    outside = locked(project, f'[digests]\n"{host}/lock/a:1" = "{A}"\n')._replace(online=())
    text = f"FROM {host}/lock/a:1 AS a\nFROM {host}/lock/b:1\n"
    assert pin(text, outside).after.decode() == f"FROM {host}/lock/a:1@{A} AS a\nFROM {host}/lock/b:1@{digest}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[digests", "dockopt.lock is not valid TOML: "),
        ('"python:3" = "sha256:1"', "dockopt.lock must hold one table, digests, and nothing else"),
        ("[digests]\n[more]", "dockopt.lock must hold one table, digests, and nothing else"),
        ('[digests]\n"python:3" = "sha256:12"', "dockopt.lock: python:3 must have a digest, sha256: and 64 "),
        ('[digests]\n"python:3" = 1', "dockopt.lock: python:3 must have a digest, sha256: and 64 "),
    ],
)
def test_a_lock_that_cannot_be_used_pins_nothing(project: Path, text: str, problem: str) -> None:
    outcome = pin("FROM acme/tool:1\n", locked(project, text))
    ((cause, message),) = refusals(outcome)
    assert outcome.after == b"FROM acme/tool:1\n" and cause == "digest-unknown" and message.startswith(problem)


def test_the_nearest_lock_inside_the_repository_holds(project: Path) -> None:
    (project / "api" / ".git").mkdir()
    path = str(project / "api" / "Dockerfile")
    locked(project, f'[digests]\n"a:1" = "{A}"\n')
    assert find_lock(path) is None
    (project / "api" / ".git").rmdir()
    assert find_lock(path) == Known({"a:1": A}, "dockopt.lock")
    (project / "api" / "dockopt.lock").write_text(f'[digests]\n"a:1" = "{B}"\n', encoding="utf-8")
    assert find_lock(path) == Known({"a:1": B}, "dockopt.lock")


def test_a_lock_that_is_a_folder(project: Path) -> None:
    (project / "dockopt.lock").mkdir()
    found = find_lock(str(project / "Dockerfile"))
    assert isinstance(found, Unknown) and found.reason == "dockopt.lock cannot be read: is a directory"
