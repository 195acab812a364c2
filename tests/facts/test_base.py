"""The table of base images: what lookups give, and that they give nothing where nothing is known."""

from pathlib import Path

import pytest

from dockopt.facts import base
from dockopt.facts.base import Table, lookup, pinned, runtime, slim, split_reference, split_tag
from dockopt.facts.value import Known, Unknown

TABLES = sorted((Path(base.__file__).parent / "data" / "base").glob("*.txt"))

TABLE = Table(
    "app",
    "# app: made for this test, 2026-01-01\n"
    "F\t0\tdebian\tdebian\tbookworm\tapt\t/\troot\t\t[\"app\"]\t80\t\tapp=10 nobody=65534\tapp curl\t/bin\tA=1\n"
    "F\t1\tdebian\tdebian\ttrixie\tapt\t/\troot\t[\"run\"]\t[\"app\"]\t80\t\tapp=10\tapp\t/bin\t\n"
    "F\t2\talpine\talpine\t3.20\tapk\t@0\tapp\t\t[\"app\"]\t\tentrypoint\tapp=10\tapp\t\t\n"
    "W\t0\t/never\n"
    "W\t@0\t/srv/application/root\n"
    "T\t\t0\t 1.0 1.1 1.1.3~11 \n"
    "T\t\t1\t 2 2.0 \n"
    "T\talpine\t2\t  1.1 2 \n"
    "S\t\t 2 2.0 \n"
    "S\talpine\t  2 \n"
    "L\talpine\t2-alpine 2.0-alpine\n",
)  # fmt: skip


@pytest.mark.parametrize("tag", ["1.0", "1.1", "1.1.3", "1.1.7", "1.1.11"])
def test_a_tag_or_a_range_of_tags_gives_its_row(tag: str) -> None:
    image = TABLE.find(tag)
    assert image is not None and image.exact
    assert (image.release, image.workdir, image.user, image.ports) == ("bookworm", "/", "root", ("80",))
    assert image.users == {"app": "10", "nobody": "65534"} and image.tools == {"app", "curl"}
    assert image.env == {"A": "1"}


def test_a_long_field_is_looked_up() -> None:
    image = TABLE.find("alpine")
    assert image is not None and image.workdir == "/srv/application/root" and image.drops == "entrypoint"


@pytest.mark.parametrize("tag", ["1.1.2", "1.1.12", "3"])
def test_a_tag_the_table_lacks_gives_only_what_its_sisters_share(tag: str) -> None:
    image = TABLE.find(tag)
    assert image is not None and not image.exact
    assert (image.family, image.workdir, image.release) == ("debian", "/", "")
    assert image.entrypoint == "?" and image.tools == {"app"} and image.users == {"app": "10"}
    assert "share" in image.evidence


@pytest.mark.parametrize("tag", ["slim", "1.0-slim", "nightly"])
def test_a_suffix_the_table_lacks_gives_nothing(tag: str) -> None:
    assert TABLE.find(tag) is None


def test_supported_tags_and_companions() -> None:
    assert TABLE.supported("2") and TABLE.supported("alpine") and not TABLE.supported("1.0")
    assert sorted(TABLE.tags()) == ["2", "2-alpine", "2.0", "alpine"]
    assert TABLE.companions("alpine") == ["2-alpine", "2.0-alpine"] and TABLE.companions("2") == []


def test_account_to_run_as() -> None:
    image = TABLE.find("1.0")
    assert image is not None and image.nonroot == "app"
    for reference, account in {
        "node:22": "node", "nginx": "nginx", "postgres:16": "postgres", "php:8.3-apache": "www-data",
        "python:3.12": None, "debian:trixie": None, "ubuntu:24.04": None, "mcr.microsoft.com/dotnet/aspnet:8.0": "app",
        "gcr.io/distroless/static-debian12": "nonroot",
    }.items():  # fmt: skip
        found = lookup(reference)
        assert found is not None, reference
        assert found.nonroot == account, reference


@pytest.mark.parametrize(
    ("reference", "distribution", "release", "manager", "shell"),
    [
        ("python:3.13", "debian", "trixie", "apt", "dash"),
        ("python:3.6", "debian", "bullseye", "apt", "dash"),
        ("python:3.12-alpine3.20", "alpine", "3.20", "apk", "ash"),
        ("docker.io/library/node:18-bookworm-slim", "debian", "bookworm", "apt", "dash"),
        ("openjdk:17", "oracle", "8", "microdnf", "bash"),
        ("openjdk:8-jdk", "debian", "bullseye", "apt", "dash"),
        ("maven:3.6.1-jdk-11-slim", "debian", "buster", "apt", "dash"),
        ("eclipse-temurin:17-jdk-jammy", "ubuntu", "jammy", "apt", "dash"),
        ("ubuntu:22.04", "ubuntu", "jammy", "apt", "dash"),
        ("debian:12", "debian", "bookworm", "apt", "dash"),
        ("debian:bookworm-20240110-slim", "debian", "bookworm", "apt", "dash"),
        ("centos:7", "centos", "7", "yum", "bash"),
        ("fedora:40", "fedora", "40", "dnf", "bash"),
        ("amazonlinux:2", "amazon", "2", "yum", "bash"),
        ("oraclelinux:9-slim", "oracle", "9", "microdnf", "bash"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "debian", "bookworm", "apt", "dash"),
        ("mcr.microsoft.com/dotnet/aspnet:10.0", "ubuntu", "noble", "apt", "dash"),
    ],
)
def test_distribution(reference: str, distribution: str, release: str, manager: str, shell: str) -> None:
    image = lookup(reference)
    assert image is not None
    assert (image.distribution, image.release, image.manager, image.shell) == (distribution, release, manager, shell)


@pytest.mark.parametrize(
    ("reference", "workdir"),
    [
        ("golang:1.22", "/go"),
        ("php:8.2-apache", "/var/www/html"),
        ("redis:7", "/data"),
        ("python:3.12", "/"),
        ("tomcat:9", "/usr/local/tomcat"),
    ],
)
def test_working_directory(reference: str, workdir: str) -> None:
    image = lookup(reference)
    assert image is not None and image.workdir == workdir


@pytest.mark.parametrize("reference", ["postgres:16", "redis:7", "mysql:8.0", "mariadb:11", "rabbitmq:3"])
def test_entrypoints_that_drop_privileges(reference: str) -> None:
    image = lookup(reference)
    assert image is not None and image.drops == "entrypoint" and image.user == "root"


@pytest.mark.parametrize(
    ("reference", "account"), [("nginx:1.27-alpine", "nginx"), ("httpd:2.4", "www-data"), ("php:8.3-fpm", "www-data")]
)
def test_servers_that_drop_privileges(reference: str, account: str) -> None:
    image = lookup(reference)
    assert image is not None and image.drops == f"server:{account}"


def test_tools() -> None:
    full, small, tiny = lookup("python:3.12"), lookup("python:3.12-slim"), lookup("python:3.12-alpine")
    assert full and small and tiny
    assert {"curl", "gcc", "git", "wget", "python3", "pip", "bash"} <= full.tools
    assert "python3" in small.tools and not {"curl", "gcc", "git", "wget"} & small.tools
    assert {"wget", "adduser"} <= tiny.tools and not {"bash", "useradd"} & tiny.tools
    current, older = lookup("debian:trixie"), lookup("debian:bookworm")
    assert current and older and "adduser" not in current.tools and "adduser" in older.tools


def test_images_without_a_shell() -> None:
    for reference in (
        "scratch",
        "gcr.io/distroless/static-debian12:nonroot",
        "mcr.microsoft.com/dotnet/aspnet:8.0-noble-chiseled",
    ):
        image = lookup(reference)
        assert image is not None and image.minimal and image.shell == "sh" and not image.manager
    rootless = lookup("gcr.io/distroless/static-debian12:nonroot")
    assert rootless is not None and (rootless.user, rootless.workdir) == ("65532", "/home/nonroot")


@pytest.mark.parametrize(
    "reference",
    [
        "acme/app",
        "acme/python:3.12",
        "ghcr.io/acme/python",
        "python@sha256:" + "0" * 64,
        "python:nonesuch",
        "../base",
        "Python",
        "",
        "python:3.12-windowsservercore-1809",
    ],
)
def test_what_is_not_in_the_table_is_unknown(reference: str) -> None:
    assert lookup(reference) is None


def test_a_tag_beside_a_digest_still_names_the_image() -> None:
    image = lookup("python:3.12-alpine@sha256:" + "0" * 64)
    assert image is not None and image.family == "alpine"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.13", "python:3.13-slim"),
        ("python:3.13-bookworm", "python:3.13-slim-bookworm"),
        ("node:20-bookworm", "node:20-bookworm-slim"),
        ("node:16", "node:16-slim"),
        ("ruby:3.3", "ruby:3.3-slim"),
        ("debian:bookworm", "debian:bookworm-slim"),
        ("debian", "debian:trixie-slim"),
        ("openjdk:11-jdk", "openjdk:11-jdk-slim"),
    ],
)
def test_slim(reference: str, expected: str) -> None:
    found = slim(reference)
    assert isinstance(found, Known) and found.value == expected and "20" in found.evidence


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("python:3.13-slim", "small variant already"),
        ("python:3.13-alpine", "small variant already"),
        ("golang:1.22", "no slim variant"),
        ("php:8.3-apache", "no slim variant"),
        ("swift:5.9", "no compiler"),
        ("acme/app:1", "not in the table"),
        ("python:9.99", "not in the table"),
        ("python:3.13@sha256:" + "0" * 64, "digest"),
    ],
)
def test_no_slim(reference: str, why: str) -> None:
    found = slim(reference)
    assert isinstance(found, Unknown) and why in found.reason


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("eclipse-temurin:17-jdk-jammy", "eclipse-temurin:17-jre-jammy"),
        ("eclipse-temurin:21", "eclipse-temurin:21-jre"),
        ("eclipse-temurin:17-jdk-alpine", "eclipse-temurin:17-jre-alpine"),
        ("openjdk:11-jdk-slim", "openjdk:11-jre-slim"),
        ("maven:3.9-eclipse-temurin-21", "eclipse-temurin:21-jre"),
        ("maven:3.9-eclipse-temurin-21-alpine", "eclipse-temurin:21-jre-alpine"),
        ("gradle:8-jdk17", "eclipse-temurin:17-jre"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "mcr.microsoft.com/dotnet/aspnet:8.0"),
        ("mcr.microsoft.com/dotnet/sdk:8.0-alpine", "mcr.microsoft.com/dotnet/aspnet:8.0-alpine"),
        ("golang:1.22-bookworm", "debian:bookworm-slim"),
        ("rust:1.80-alpine3.20", "alpine:3.20"),
        ("swift:5.9-jammy", "swift:5.9-jammy-slim"),
        ("python:3.12", "python:3.12-slim"),
        ("php:8.3-apache", "php:8.3-apache"),
    ],
)  # fmt: skip
def test_runtime(reference: str, expected: str) -> None:
    found = runtime(reference)
    assert isinstance(found, Known) and found.value == expected


def test_runtime_kind() -> None:
    assert runtime("mcr.microsoft.com/dotnet/sdk:8.0", "runtime")[0] == "mcr.microsoft.com/dotnet/runtime:8.0"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("openjdk:17", "no JRE variant"),
        ("maven:3.9", "which Java"),
        ("eclipse-temurin:21-jre", "JRE already"),
        ("acme/go:1", "not in the table"),
    ],
)
def test_no_runtime(reference: str, why: str) -> None:
    found = runtime(reference)
    assert isinstance(found, Unknown) and why in found.reason


def test_pinned() -> None:
    for reference in ("python", "python:latest"):
        found = pinned(reference)
        assert isinstance(found, Known) and split_tag(split_reference(found.value)[1])[0].count(".") == 1
    found = pinned("python:slim")
    assert isinstance(found, Known) and found.value.endswith("-slim")
    for reference in ("python:3.12", "acme/app", "python@sha256:" + "0" * 64):
        assert isinstance(pinned(reference), Unknown)


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("3.13-slim-trixie", ("3.13", "slim-trixie")),
        ("slim", ("", "slim")),
        ("8u502-b07-jdk", ("8u502-b07", "jdk")),
        ("3.15-rc-slim", ("3.15-rc", "slim")),
        ("v2.10", ("v2.10", "")),
        ("22.04", ("22.04", "")),
    ],
)
def test_split_tag(tag: str, parts: tuple[str, str]) -> None:
    assert split_tag(tag) == parts


@pytest.mark.parametrize("path", TABLES, ids=[path.stem for path in TABLES])
def test_every_table_reads_and_names_its_source(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name = path.stem.replace("+", "/")
    table = Table(name, text)
    assert table.source.startswith(f"{name}: ") and ", 20" in table.source
    rows = [line.split("\t")[1] for line in text.split("\n") if line.startswith("F\t")]
    assert rows
    for row in rows:
        assert len(table._cells(row)) == 14
    for tag in table.tags():
        found = table.find(tag)
        assert found is not None and found.exact and found.family, tag
