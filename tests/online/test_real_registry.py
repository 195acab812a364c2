"""A real registry: digests, configurations, tags, platforms, logins and tokens."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockopt.facts.base import BaseImage
from dockopt.facts.online.images import Registries
from dockopt.facts.value import Known, Unknown
from tests.online.server import INDEX, MANIFEST, Asked, Registry, Reply, TokenService, answering, running

#: ``secret``, with bcrypt, as ``htpasswd -B`` writes it.
PASSWORDS = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


def known(found: Known[BaseImage] | Unknown) -> BaseImage:
    assert isinstance(found, Known), found
    return found.value


def reason(found: object) -> str:
    assert isinstance(found, Unknown), found
    return found.reason


def test_the_digest_of_a_tag(registry: Registry) -> None:
    digest = registry.image("digests/tool", "1.0")
    assert Registries().digest(f"{registry.host}/digests/tool:1.0") == Known(digest, f"registry {registry.host}")


def test_the_digest_is_the_indexs(registry: Registry) -> None:
    """A digest of one platform would break the build for the others."""
    amd = registry.image("indexes/tool", "", User="amd")
    arm = registry.image("indexes/tool", "", architecture="arm64", User="arm")
    index = registry.index("indexes/tool", "1.0", {"linux/amd64": amd, "linux/arm64/v8": arm})
    assert Registries().digest(f"{registry.host}/indexes/tool:1.0") == Known(index, f"registry {registry.host}")


@pytest.mark.parametrize(
    ("platform", "user"),
    [("", "amd"), ("linux/amd64", "amd"), ("linux/arm64", "arm"), ("linux/arm64/v8", "arm"), ("linux/arm/v7", "old")],
)
def test_the_configuration_of_a_platform(registry: Registry, platform: str, user: str) -> None:
    registry.index(
        "platforms/tool",
        "1.0",
        {
            "linux/arm/v7": registry.image("platforms/tool", "", architecture="arm", User="old"),
            "linux/arm64/v8": registry.image("platforms/tool", "", architecture="arm64", User="arm"),
            "linux/amd64": registry.image("platforms/tool", "", User="amd"),
            "unknown/unknown": registry.image("platforms/tool", "", os="unknown", architecture="unknown"),
        },
    )
    image = known(Registries().image(f"{registry.host}/platforms/tool:1.0", platform))
    assert image.user == user


def test_the_first_linux_where_there_is_no_amd64(registry: Registry) -> None:
    images = {
        "windows/amd64": registry.image("noamd/tool", "", os="windows", User="win"),
        "linux/riscv64": registry.image("noamd/tool", "", architecture="riscv64", User="risc"),
    }
    registry.index("noamd/tool", "1.0", images)
    all_ = Registries()
    assert known(all_.image(f"{registry.host}/noamd/tool:1.0")).user == "risc"
    why = reason(all_.image(f"{registry.host}/noamd/tool:1.0", "linux/amd64"))
    assert why == f"{registry.host} on {registry.host}/noamd/tool:1.0: it has nothing for linux/amd64"


def test_an_index_without_linux(registry: Registry) -> None:
    registry.index("windows/tool", "1.0", {"windows/amd64": registry.image("windows/tool", "", os="windows")})
    assert reason(Registries().image(f"{registry.host}/windows/tool:1.0")).endswith(": it has nothing for Linux")


def test_a_single_manifest_for_another_platform(registry: Registry) -> None:
    registry.image("single/tool", "1.0", architecture="arm64")
    registry.image("single/win", "1.0", os="windows")
    all_ = Registries()
    assert known(all_.image(f"{registry.host}/single/tool:1.0")).user == "root"
    why = reason(all_.image(f"{registry.host}/single/tool:1.0", "linux/amd64"))
    assert why.endswith(": it is for linux/arm64, not for linux/amd64")
    assert reason(all_.image(f"{registry.host}/single/win:1.0")) == f"{registry.host}/single/win:1.0 is for windows"


def test_what_a_configuration_says(registry: Registry) -> None:
    registry.image(
        "config/tool",
        "1.0",
        User="1001:0",
        WorkingDir="/opt/app",
        Entrypoint=["/init", "--"],
        Cmd=["serve", "a b"],
        Env=["PATH=/opt/bin:/bin", "NODE_ENV=production", "WITH=a=b"],
        ExposedPorts={"8080/tcp": {}, "53/udp": {}},
        Shell=["/bin/bash", "-c"],
        Healthcheck={"Test": ["CMD", "true"]},
    )
    image = known(Registries().image(f"{registry.host}/config/tool:1.0"))
    assert image == BaseImage(
        f"{registry.host}/config/tool",
        "1.0",
        "",
        "/opt/app",
        "1001:0",
        entrypoint='["/init", "--"]',
        cmd='["serve", "a b"]',
        ports=("53/udp", "8080/tcp"),
        path="/opt/bin:/bin",
        env={"PATH": "/opt/bin:/bin", "NODE_ENV": "production", "WITH": "a=b"},
        exact=False,
        evidence=f"registry {registry.host}: configuration of {registry.host}/config/tool:1.0 for linux/amd64",
        online=True,
        shell_words=("/bin/bash", "-c"),
        health=True,
    )


def test_what_a_configuration_leaves_out(registry: Registry) -> None:
    registry.image("config/bare", "1.0", Healthcheck={"Test": ["NONE"]})
    image = known(Registries().image(f"{registry.host}/config/bare:1.0"))
    assert (image.user, image.workdir, image.entrypoint, image.cmd, image.ports) == ("root", "/", "", "", ())
    assert (image.env, image.shell_words, image.health, image.family) == ({}, (), False, "")


def test_an_image_with_triggers_gives_no_facts(registry: Registry) -> None:
    """ONBUILD USER would run after FROM: what the configuration says does not hold then."""
    registry.image("config/onbuild", "1.0", OnBuild=["USER app"])
    why = reason(Registries().image(f"{registry.host}/config/onbuild:1.0"))
    assert why == f"{registry.host}/config/onbuild:1.0 has ONBUILD instructions, which change what holds after FROM"


@pytest.mark.parametrize(
    "config", [{"User": 1}, {"Env": "A=1"}, {"Entrypoint": "sh"}, {"Cmd": [1]}, {"ExposedPorts": []}]
)
def test_a_configuration_of_another_form(registry: Registry, config: dict[str, object]) -> None:
    registry.image("config/odd", "1.0", **config)
    found = Registries().image(f"{registry.host}/config/odd:1.0")
    if config == {"ExposedPorts": []}:  # empty, whatever its form
        assert isinstance(found, Known)
    else:
        assert reason(found) == f"the configuration of {registry.host}/config/odd:1.0 is not as it should be"


def test_what_is_no_image(registry: Registry) -> None:
    registry.image("artifact/chart", "1.0", kind="application/vnd.cncf.helm.config.v1+json")
    why = reason(Registries().image(f"{registry.host}/artifact/chart:1.0"))
    assert why.endswith(": it is no container image but application/vnd.cncf.helm.config.v1+json")


def test_no_such_image(registry: Registry) -> None:
    registry.image("there/tool", "1.0")
    all_ = Registries()
    for name in ("there/tool:2.0", "gone/tool:1.0"):
        assert (
            reason(all_.digest(f"{registry.host}/{name}"))
            == f"{registry.host} on {registry.host}/{name}: it is not there"
        )
    assert all_.problems == ()
    found = all_.digest(f"{registry.host}/there/tool:1.0")
    assert isinstance(found, Known)


def test_an_image_by_its_digest(registry: Registry) -> None:
    digest = registry.image("bydigest/tool", "1.0", User="app")
    assert known(Registries().image(f"{registry.host}/bydigest/tool@{digest}")).user == "app"


def test_tags_and_the_version_a_floating_tag_stands_for(registry: Registry) -> None:
    for number, tags in enumerate(
        (["1.9", "1.9.1"], ["1.10.2", "1.10", "1", "latest", "v1.10", "1.10-alpine"], ["nightly"])
    ):
        for tag in tags:
            registry.image("versions/tool", tag, User=f"u{number}")
    registry.image("versions/tool", "1.10.2-alpine", User="small")
    registry.image("versions/tool", "alpine", User="small")
    all_ = Registries()
    tags = all_.tags(f"{registry.host}/versions/tool")
    assert isinstance(tags, Known) and set(tags.value) >= {"latest", "1.9.1", "nightly"}
    version = all_.version(f"{registry.host}/versions/tool")
    assert isinstance(version, Known) and version.value == "1.10"
    assert all_.version(f"{registry.host}/versions/tool:latest") == version
    small = all_.version(f"{registry.host}/versions/tool:alpine")
    assert isinstance(small, Known) and small.value == "1.10.2-alpine"
    why = reason(all_.version(f"{registry.host}/versions/tool:nightly"))
    assert why == f"no tag with a version names the same image as {registry.host}/versions/tool:nightly now"


def test_docker_hub_through_a_mirror(registry: Registry) -> None:
    """The registry stands for a mirror here: Docker Hub's names are what it has to be asked for."""
    digest = registry.image("library/mirrored", "1.0", User="app")
    all_ = Registries((f"http://{registry.host}",))
    for text in ("mirrored:1.0", "docker.io/mirrored:1.0", "docker.io/library/mirrored:1.0"):
        assert all_.digest(text) == Known(digest, f"registry {registry.host}")
    image = known(all_.image("mirrored:1.0"))
    # The full name: a table's facts hang on the short ones.
    assert (image.name, image.user) == ("docker.io/library/mirrored", "app")


def test_a_mirror_that_is_down_is_passed_over(registry: Registry) -> None:
    digest = registry.image("library/second", "1.0")
    with answering({"/v2/library/second/manifests/1.0": Reply(503)}) as (down, asked):
        all_ = Registries((f"http://{down}", f"http://{registry.host}"))
        assert all_.digest("second:1.0") == Known(digest, f"registry {registry.host}")
        assert all_.digest("second:1.0@" + digest) == Known(digest, f"registry {registry.host}")
    assert len(asked) == 1 and all_.problems == (f"{down} answers 503 Service Unavailable",)


def test_a_mirror_that_lacks_an_image_is_passed_over(registry: Registry) -> None:
    digest = registry.image("library/third", "1.0")
    with answering({}) as (empty, _):
        all_ = Registries((f"http://{empty}", f"http://{registry.host}"))
        assert all_.digest("third:1.0") == Known(digest, f"registry {registry.host}")
        assert all_.problems == ()


def logged_in(host: str, user: str, password: str) -> None:
    entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    path = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    path.write_text(json.dumps({"auths": {host: entry}}), encoding="utf-8")


@pytest.fixture(scope="module")
def guarded(needs_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a password."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "passwords").write_text(PASSWORDS, encoding="utf-8")
    auth = f"auth:\n  htpasswd: {{realm: test, path: {folder / 'passwords'}}}\n"
    with running(folder, auth, f"Basic {base64.b64encode(b'ann:secret').decode()}") as one:
        yield one


def test_a_login(guarded: Registry) -> None:
    digest = guarded.image("tool", "1.0", User="app")
    assert reason(Registries().digest(f"{guarded.host}/tool:1.0")).endswith(": it is not there, or needs a login")
    logged_in(guarded.host, "ann", "wrong")
    why = reason(Registries().digest(f"{guarded.host}/tool:1.0"))
    assert why.endswith(": it is not there, or the login in Docker's configuration may not see it")
    logged_in(guarded.host, "ann", "secret")
    all_ = Registries()
    assert all_.digest(f"{guarded.host}/tool:1.0") == Known(digest, f"registry {guarded.host}")
    assert known(all_.image(f"{guarded.host}/tool:1.0")).user == "app"


def test_a_login_from_a_credential_store(guarded: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = guarded.image("stored/tool", "1.0", User="app")
    other = guarded.image("stored/other", "1.0")
    configuration = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    configuration.write_text(json.dumps({"auths": {guarded.host: {}}, "credsStore": "keeper"}), encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    all_ = Registries()
    for name in ("tool", "other"):
        assert reason(all_.digest(f"{guarded.host}/stored/{name}:1.0")).endswith(": it is not there, or needs a login")
    assert all_.problems == (
        "docker-credential-keeper, which Docker's configuration names, is not installed: "
        "registries are asked without its logins",
    )
    asked = tmp_path / "asked"
    store = tmp_path / "docker-credential-keeper"
    store.write_text(f'#!/bin/sh\ncat >>{asked}\necho >>{asked}\necho \'{{"Username": "ann", "Secret": "secret"}}\'\n')
    store.chmod(0o755)
    all_ = Registries()
    assert all_.digest(f"{guarded.host}/stored/tool:1.0") == Known(digest, f"registry {guarded.host}")
    assert all_.digest(f"{guarded.host}/stored/other:1.0") == Known(other, f"registry {guarded.host}")
    assert all_.problems == ()
    assert asked.read_text().split() == [guarded.host]  # once, however much is asked of the registry


def test_tokens(needs_registry: None, tmp_path: Path) -> None:
    """The way of Docker Hub and of most others: the registry sends to its token service, which signs."""
    service = TokenService(tmp_path)

    def token(one: Asked) -> Reply:
        granted = ("pull",) if "repository%3Ateam%2Ftool%3Apull" in one.path else ()
        return Reply(body=json.dumps({"token": service.token("team/tool", *granted)}).encode())

    with answering({"/token": token}) as (tokens, asked):
        auth = (
            f"auth:\n  token: {{realm: 'http://{tokens}/token', service: service, issuer: issuer, "
            f"rootcertbundle: {service.certificate}}}\n"
        )
        with running(tmp_path, auth, f"Bearer {service.token('team/tool', 'pull', 'push')}") as registry:
            digest = registry.image("team/tool", "1.0", User="app")
            all_ = Registries()
            assert all_.digest(f"{registry.host}/team/tool:1.0") == Known(digest, f"registry {registry.host}")
            assert known(all_.image(f"{registry.host}/team/tool:1.0")).user == "app"
            assert len(asked) == 1  # one token for all that is asked about a repository
            assert reason(all_.digest(f"{registry.host}/team/other:1.0")).endswith("may not see it")


def test_the_forms_of_manifests_are_those_asked_for() -> None:
    def manifest(one: Asked) -> Reply:
        accepted = one.headers["accept"]
        assert MANIFEST in accepted and INDEX in accepted and "docker.distribution.manifest.list.v2" in accepted
        return Reply(body=b'{"schemaVersion": 1, "fsLayers": []}')

    with answering({"/v2/old/manifests/1": manifest}) as (host, _):
        assert reason(Registries().image(f"{host}/old:1")).endswith(": its manifest names no configuration")
