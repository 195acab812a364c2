"""Manifests whose values have other types than they should: read as far as they go, never a crash."""

import json
from typing import Any

import pytest

from dockopt.engine.pipeline import Options, rewrite
from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project

ODD: tuple[Any, ...] = (None, True, 7, "text", [], [1], {}, {"a": 1}, [{"a": [1]}], {"a": {"b": None}})
TOML = ("true", "7", '"text"', "[]", "[1]", "{}", "{ a = 1 }", "[{ a = [1] }]", "{ a = { b = 2 } }", "1979-05-27")

PACKAGE = [
    "name",
    "version",
    "description",
    "license",
    "author",
    "authors",
    "repository",
    "homepage",
    "scripts",
    "scripts.build",
    "scripts.start",
    "scripts.postinstall",
    "dependencies",
    "dependencies.express",
    "devDependencies",
    "optionalDependencies",
    "engines",
    "engines.node",
    "main",
    "type",
    "workspaces",
    "packageManager",
    "pnpm",
    "pnpm.patchedDependencies",
    "bin",
]
COMPOSER = [
    "name",
    "description",
    "license",
    "authors",
    "homepage",
    "require",
    "require.php",
    "require.ext-intl",
    "require-dev",
    "repositories",
    "scripts",
    "scripts.post-install-cmd",
    "autoload",
    "config",
    "type",
]
PYPROJECT = [
    "project",
    "project.name",
    "project.version",
    "project.description",
    "project.license",
    "project.authors",
    "project.dependencies",
    "project.urls",
    "project.optional-dependencies",
    "project.requires-python",
    "tool",
    "tool.poetry",
    "tool.poetry.name",
    "tool.poetry.dependencies",
    "tool.poetry.authors",
    "tool.poetry.packages",
    "tool.uv",
    "tool.uv.sources",
    "tool.uv.workspace",
    "tool.pdm",
    "tool.setuptools",
    "build-system",
    "build-system.requires",
    "build-system.build-backend",
    "dependency-groups",
]
CARGO = [
    "package",
    "package.name",
    "package.version",
    "package.authors",
    "package.license",
    "package.build",
    "package.repository",
    "bin",
    "lib",
    "workspace",
    "workspace.members",
    "dependencies",
    "dependencies.serde",
    "profile",
    "package.edition",
]


def nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def toml(path: str, value: str) -> str:
    *tables, key = path.split(".")
    return (f"[{'.'.join(tables)}]\n" if tables else "") + f"{key} = {value}\n"


def read(project: Project, dockerfile: str, **files: str) -> None:
    """The facts, and what all transforms make of them."""
    facts = project(dockerfile, **files)
    assert isinstance(facts.app, Known | Unknown)
    outcome = rewrite(dockerfile.encode(), Options(unsafe=True), facts.surroundings.outside)
    assert [entry for entry in outcome.entries if entry.kind == "defect"] == []


NODE = 'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD ["npm", "start"]\n'
PHP = "FROM php:8.3-apache\nCOPY . /var/www/html\nRUN composer install\n"
PYTHON = 'FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN {}\nCMD ["python", "main.py"]\n'
RUST = 'FROM rust:1.80\nWORKDIR /src\nCOPY . .\nRUN cargo build --release\nCMD ["./target/release/x"]\n'


@pytest.mark.parametrize("path", PACKAGE)
def test_package_json(project: Project, path: str) -> None:
    for value in ODD:
        read(
            project,
            NODE,
            **{"package.json": json.dumps(nested(path, value)), "package-lock.json": "{}", "server.js": ""},
        )


@pytest.mark.parametrize("path", COMPOSER)
def test_composer_json(project: Project, path: str) -> None:
    for value in ODD:
        read(project, PHP, **{"composer.json": json.dumps(nested(path, value)), "composer.lock": "{}", "index.php": ""})


@pytest.mark.parametrize("path", PYPROJECT)
def test_pyproject_toml(project: Project, path: str) -> None:
    installs = ("poetry install", "uv sync", "pip install .")
    for number, value in enumerate(TOML * len(installs)):
        install = PYTHON.format(installs[number // len(TOML)])
        files = {"pyproject.toml": toml(path, value), "main.py": ""}
        if number % 3:
            assert isinstance(project(install, **files).app, Known | Unknown)
        else:
            read(project, install, **files)


LOCKS = {
    "package-lock.json": (
        NODE,
        {"package.json": "{}"},
        ("packages", "packages.node_modules/a", "dependencies", "dependencies.a"),
    ),
    "composer.lock": (PHP, {"composer.json": "{}"}, ("packages", "packages-dev")),
    "Pipfile.lock": (
        PYTHON.format("pipenv install"),
        {"Pipfile": ""},
        ("default", "default.flask", "default.flask.version"),
    ),
}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_in_json(project: Project, name: str) -> None:
    dockerfile, files, paths = LOCKS[name]
    for path in paths:
        for value in ODD:
            read(project, dockerfile, **files, **{name: json.dumps(nested(path, value))})


@pytest.mark.parametrize(("name", "install"), [("poetry.lock", "poetry install"), ("uv.lock", "uv sync")])
def test_lock_files_in_toml(project: Project, name: str, install: str) -> None:
    for text in (
        *(f"package = {value}\n" for value in TOML),
        "[[package]]\n",
        '[[package]]\nname = "a"\nsource = 1\ngroups = 2\n',
    ):
        read(project, PYTHON.format(install), **{name: text, "pyproject.toml": "[tool.poetry]\n", "main.py": ""})


@pytest.mark.parametrize("path", CARGO)
def test_cargo_toml(project: Project, path: str) -> None:
    for value in TOML:
        read(project, RUST, **{"Cargo.toml": toml(path, value), "src/main.rs": "fn main() {}\n"})


@pytest.mark.parametrize("text", ["[]", "7", "null", '"text"', "", "{}", "[" * 5000, '{"a": ' * 5000])
def test_json_that_is_no_object(project: Project, text: str) -> None:
    read(project, NODE, **{"package.json": text, "server.js": ""})
    read(project, PHP, **{"composer.json": text, "index.php": ""})


@pytest.mark.parametrize(
    "text",
    [
        "<project/>",
        "<project><modules/><dependencies><dependency/></dependencies></project>",
        "<project><modules><module/></modules><build><finalName/></build><parent><version/></parent></project>",
        "<other/>",
        "<project><!-- only this --></project>",
        '<?xml version="1.0"?><?pi x?><project><properties><java.version> </java.version></properties></project>',
    ],
)
def test_xml_without_what_it_should_hold(project: Project, text: str) -> None:
    java = 'FROM maven:3.9-eclipse-temurin-21\nWORKDIR /s\nCOPY . .\nRUN mvn package\nCMD ["java", "-jar", "target/x.jar"]\n'
    read(project, java, **{"pom.xml": text})
    net = 'FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /s\nCOPY . .\nRUN dotnet publish -o out\nCMD ["dotnet", "out/x.dll"]\n'
    read(project, net, **{"x.csproj": text})


@pytest.mark.parametrize(
    "text", ["", "module\n", "module \n", "// module a\n", 'module "a"\n\ngo\n', "module a\nreplace b => \n"]
)
def test_go_mod(project: Project, text: str) -> None:
    go = 'FROM golang:1.23\nWORKDIR /s\nCOPY . .\nRUN go build -o /app .\nCMD ["/app"]\n'
    read(project, go, **{"go.mod": text, "main.go": "package main\nfunc main() {}\n"})


@pytest.mark.parametrize(
    "text", ["", "gem\n", "gem ''\n", "gem 'a',\n", "source\n", "ruby '3", "gemspec\n", "eval_gemfile 'x'\n"]
)
def test_gemfile(project: Project, text: str) -> None:
    ruby = 'FROM ruby:3.3\nWORKDIR /a\nCOPY . .\nRUN bundle install\nCMD ["ruby", "a.rb"]\n'
    read(project, ruby, Gemfile=text, **{"Gemfile.lock": text, "a.rb": ""})
