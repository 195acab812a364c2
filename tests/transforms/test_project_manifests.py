"""What a manifest says, as far as labels may repeat it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockopt.api import Context, Unknown
from dockopt_transforms.metadata._project import read


def facts(folder: Path, name: str, text: str) -> dict[str, str]:
    (folder / name).write_text(text)
    project = read(Context(str(folder), str(folder / "Dockerfile"), ""), name)
    assert not isinstance(project, Unknown)
    return {key: value for key, (value, _) in project.facts.items()} if project is not None else {}


@pytest.mark.parametrize(
    ("licence", "label"),
    [
        ("MIT", "MIT"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("(MIT AND LicenseRef-Ours)", "(MIT AND LicenseRef-Ours)"),
        ("LGPL-2.1+", "LGPL-2.1+"),
        ("MIT License", None),
        ("MIT Apache-2.0", None),
        ("MIT OR", None),
        ("UNLICENSED", None),
        ("Proprietary", None),
        ("SEE LICENSE IN LICENSE", None),
        ("", None),
    ],
)
def test_only_an_spdx_expression_is_a_licence(tmp_path: Path, licence: str, label: str | None) -> None:
    text = json.dumps({"name": "x", "license": licence})
    assert facts(tmp_path, "package.json", text).get("licenses") == label


@pytest.mark.parametrize(
    ("repository", "label"),
    [
        ("acme/api", "https://github.com/acme/api"),
        ("gitlab:acme/api", "https://gitlab.com/acme/api"),
        ({"type": "git", "url": "git+https://u:p@github.com/acme/api.git"}, "https://github.com/acme/api"),
        ("gist:11081aaa281", None),
        ({"url": 3}, None),
        (["a"], None),
    ],
)
def test_the_repository_of_package_json(tmp_path: Path, repository: object, label: str | None) -> None:
    text = json.dumps({"name": "x", "repository": repository})
    assert facts(tmp_path, "package.json", text).get("source") == label


def test_values_of_other_types_are_no_facts(tmp_path: Path) -> None:
    text = json.dumps({"name": "x", "version": 1, "description": ["a"], "license": {"type": "MIT"}, "author": 7})
    assert facts(tmp_path, "package.json", text) == {"title": "x"}
    assert facts(tmp_path, "package.json", "[1]") == {}
    assert facts(tmp_path, "pyproject.toml", "project = 3\ntool = 4\n") == {}
    assert facts(tmp_path, "Cargo.toml", "package = 'x'\n") == {}


def test_pep_621(tmp_path: Path) -> None:
    text = """
[project]
name = "x"
dynamic = ["version"]
version = "1"
license = { text = "BSD-3-Clause" }
authors = [{ name = "Ann" }, { email = "b@example.org" }, { name = "Ann" }, "odd"]
urls = { "Source Code" = "https://github.com/acme/x", Homepage = "https://x.example.org" }
"""
    assert facts(tmp_path, "pyproject.toml", text) == {
        "title": "x",
        "licenses": "BSD-3-Clause",
        "authors": "Ann, b@example.org, odd",
        "source": "https://github.com/acme/x",
    }


def test_poetry(tmp_path: Path) -> None:
    text = (
        '[tool.poetry]\nname = "x"\nversion = "2.0"\ndescription = "a\\n b"\nrepository = "https://github.com/acme/x"\n'
    )
    assert facts(tmp_path, "pyproject.toml", text) == {
        "title": "x",
        "version": "2.0",
        "description": "a b",
        "source": "https://github.com/acme/x",
    }


def test_a_crate_of_a_workspace_whose_manifest_is_not_there(tmp_path: Path) -> None:
    text = '[package]\nname = "x"\nversion.workspace = true\nlicense = "MIT"\n'
    assert facts(tmp_path, "Cargo.toml", text) == {"title": "x", "licenses": "MIT"}


@pytest.mark.parametrize(("name", "text"), [("package.json", "{"), ("pyproject.toml", "[a"), ("Cargo.toml", "= 1")])
def test_a_manifest_that_does_not_parse(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read(Context(str(tmp_path), str(tmp_path / "Dockerfile"), ""), name)
    assert isinstance(found, Unknown) and "does not parse" in found.reason
