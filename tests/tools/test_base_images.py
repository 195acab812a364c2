"""The maker of the base image table: what it reads from library files, tags and Dockerfiles."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "tools" / "base_images.py"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("base_images", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["base_images"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("line", "account"),
    [
        ("-r -g mysql mysql --home-dir /var/lib/mysql", ("mysql", "")),
        ("--system --uid 99 --gid haproxy haproxy", ("haproxy", "99")),
        ("-u 82 -D -S -G www-data www-data", ("www-data", "82")),
        ("--uid=1654 --gid=1654 --create-home app", ("app", "1654")),
        ("-rmu 5 app", ("app", "5")),
        ("-u $X app", ("app", "")),
        ("-D", ("", "")),
    ],
)
def test_account(maker: ModuleType, line: str, account: tuple[str, str]) -> None:
    assert maker.account(line.split()) == account


def test_library_file(maker: ModuleType) -> None:
    text = (
        "# made by hand\nMaintainers: A <a@b> (@a),\n             B <b@b> (@b)\nGitRepo: https://github.com/docker-library/python.git\n\n"
        "Tags: 3.13-trixie\nSharedTags: 3.13, latest\nGitCommit: abc\nDirectory: 3.13/trixie\n\n"
        "Tags: 3.13-windowsservercore\nSharedTags: 3.13\nGitCommit: abc\nDirectory: 3.13/windows/x\n"
    )
    linux, windows = maker.parse_library(text)
    assert (linux.repo, linux.commit, linux.directory) == ("docker-library/python", "abc", "3.13/trixie")
    assert linux.tags == ("3.13-trixie", "3.13", "latest") and not linux.windows and windows.windows


def test_old_library_file(maker: ModuleType) -> None:
    text = "# c\nlatest: git://github.com/docker-library/docker-java@1ff\n7-jre: git://github.com/docker-library/docker-java@1ff openjdk-7-jre\n"
    assert [(one.directory, one.tags) for one in maker.parse_library(text)] == [
        (".", ("latest",)),
        ("openjdk-7-jre", ("7-jre",)),
    ]


def test_ranges_and_tags_are_what_the_reader_expects(maker: ModuleType) -> None:
    from dockopt.facts.base import _expand, split_tag

    versions = ["3.6.9", "3.6.10", "3.6.11", "3.6", "3", "3.7.0", "3.7.2", ""]
    packed = maker.ranges(versions)
    assert packed == ["", "3", "3.6", "3.6.9~11", "3.7.0", "3.7.2"]
    assert sorted(_expand(f" {' '.join(packed)} ")) == sorted(versions)
    for tag in ("3.13-slim-trixie", "slim", "8u502-b07-jdk", "25-ea-15-jdk-slim", "3.15-rc", "3.15-rc1-slim", "v2.10"):
        assert maker.split_tag(tag) == split_tag(tag)


@pytest.mark.parametrize(
    ("arguments", "release", "manager"),
    [
        (("debian", "12-slim", ("12-slim", "bookworm-slim"), "bookworm"), "bookworm", "apt"),
        (("ubuntu", "24.04", ("24.04", "noble"), "noble"), "noble", "apt"),
        (("alpine", "latest", ("3.24.1", "3.24", "3", "latest"), "x86_64"), "3.24", "apk"),
        (("centos", "7", ("7", "latest"), "docker"), "7", "yum"),
        (("centos", "8", ("8",), "docker"), "8", "dnf"),
        (("oracle", "9-slim", ("9-slim",), "9-slim"), "9", "microdnf"),
        (("amazon", "2", ("2",), "."), "2", "yum"),
    ],
)
def test_distributions(
    maker: ModuleType, arguments: tuple[str, str, tuple[str, ...], str], release: str, manager: str
) -> None:
    row = maker.distribution_facts(*arguments)
    assert (row.release, row.manager) == (release, manager)
