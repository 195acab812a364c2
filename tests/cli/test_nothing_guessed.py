"""A context that is wrong or missing, a manifest that cannot be read, an app that does not parse.

For each kind of application: a refusal says so, nothing that hangs on it is changed, everything else is.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.support import Run


class Kind(NamedTuple):
    """An application: its Dockerfile, its files, and which of them is the manifest."""

    dockerfile: str
    files: dict[str, str]
    manifest: str
    broken: bytes


KINDS = {
    "Python with pip": Kind(
        """
        FROM python:3.13
        WORKDIR /app
        COPY . .
        RUN pip install -r requirements.txt
        CMD ["python", "app.py"]
        """,
        {
            "requirements.txt": "flask==3.0.3\n",
            "app.py": """
            from flask import Flask

            app = Flask(__name__)

            @app.route("/health")
            def health():
                return "ok"

            app.run(host="0.0.0.0", port=5000)
            """,
        },
        "requirements.txt",
        b"\xff\xfef\0l\0",
    ),
    "Python with Poetry": Kind(
        """
        FROM python:3.13
        WORKDIR /app
        RUN pip install poetry
        COPY . .
        RUN poetry install
        CMD ["poetry", "run", "python", "app.py"]
        """,
        {"pyproject.toml": '[tool.poetry]\nname = "x"\nversion = "1"\n', "poetry.lock": "", "app.py": "print(1)\n"},
        "pyproject.toml",
        b"[tool.poetry\n",
    ),
    "Node": Kind(
        """
        FROM node:20
        WORKDIR /app
        COPY . .
        RUN npm ci
        CMD ["npm", "start"]
        """,
        {
            "package.json": '{"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}',
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
            "server.js": 'const app = require("express")();\napp.get("/healthz", (_, r) => r.end());\napp.listen(3000);\n',
        },
        "package.json",
        b'{"scripts": {',
    ),
    "Go": Kind(
        """
        FROM golang:1.23
        WORKDIR /src
        COPY . .
        RUN go build -o /app .
        CMD ["/app"]
        """,
        {"go.mod": "module example.com/x\n\ngo 1.23\n", "main.go": "package main\n\nfunc main() {}\n"},
        "go.mod",
        b"\xff\xfem\0",
    ),
    "Rust": Kind(
        """
        FROM rust:1.80
        WORKDIR /src
        COPY . .
        RUN cargo build --release
        CMD ["./target/release/x"]
        """,
        {"Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\n', "src/main.rs": "fn main() {}\n"},
        "Cargo.toml",
        b"[package\n",
    ),
    "Maven": Kind(
        """
        FROM maven:3.9-eclipse-temurin-21
        WORKDIR /src
        COPY . .
        RUN mvn package
        CMD ["java", "-jar", "target/x-1.jar"]
        """,
        {"pom.xml": "<project><artifactId>x</artifactId><version>1</version></project>", "src/A.java": "class A {}\n"},
        "pom.xml",
        b"<project><version>1</project>",
    ),
    "Gradle": Kind(
        """
        FROM gradle:8-jdk21
        WORKDIR /src
        COPY . .
        RUN gradle bootJar
        CMD ["java", "-jar", "build/libs/x.jar"]
        """,
        {"build.gradle": "plugins { id 'java' }\n", "settings.gradle": "rootProject.name = 'x'\n"},
        "build.gradle",
        b"\xff\xfep\0",
    ),
    ".NET": Kind(
        """
        FROM mcr.microsoft.com/dotnet/sdk:8.0
        WORKDIR /src
        COPY . .
        RUN dotnet publish -c Release -o out
        CMD ["dotnet", "out/x.dll"]
        """,
        {
            "x.csproj": '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup/></Project>',
            "Program.cs": "return 0;\n",
        },
        "x.csproj",
        b"<Project",
    ),
    "Ruby": Kind(
        """
        FROM ruby:3.3
        WORKDIR /app
        COPY . .
        RUN bundle install
        CMD ["bundle", "exec", "ruby", "app.rb"]
        """,
        {
            "Gemfile": 'gem "webrick"\n',
            "Gemfile.lock": "GEM\n  specs:\n    webrick (1.9.1)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  webrick\n",
            "app.rb": 'require "webrick"\n',
        },
        "Gemfile",
        b"\xff\xfeg\0",
    ),
    "PHP": Kind(
        """
        FROM php:8.3-cli
        WORKDIR /app
        COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
        COPY . .
        RUN apt-get update && apt-get install -y libzip-dev && docker-php-ext-install zip && composer install
        CMD ["php", "-S", "0.0.0.0:8000"]
        """,
        {"composer.json": '{"require": {"slim/slim": "4"}}', "composer.lock": "{}", "index.php": "<?php\n"},
        "composer.json",
        b'{"require": ',
    ),
}

#: What hangs on the manifest: it must refuse, or have nothing to say.
STRUCTURAL = ("split-stages", "manifests-first", "slim-base")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def place(folder: Path, kind: Kind) -> Path:
    """The application in a repository of its own; its Dockerfile has a line for replace-maintainer."""
    (folder / ".git").mkdir()
    for name, text in {**kind.files, "Dockerfile": kind.dockerfile}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    with open(folder / "Dockerfile", "a", encoding="utf-8") as file:
        file.write("MAINTAINER ann\n")
    return folder


def told(dockopt: Run, *flags: str) -> dict[str, list[str]]:
    """The lines of ``dockopt check --verbose`` by transform."""
    done = dockopt("check", "--verbose", *flags)
    assert done.code == 1 and "defect" not in done.out.decode() and "error" not in done.err
    lines: dict[str, list[str]] = {}
    for line in done.out.decode().splitlines():
        _, _, transform, text = line.split(":", 3)
        lines.setdefault(transform.strip(), []).append(text.strip())
    assert lines["replace-maintainer"] == ["replace MAINTAINER by the label org.opencontainers.image.authors [safe]"]
    return lines


def refusals(lines: dict[str, list[str]]) -> str:
    return "\n".join(line for texts in lines.values() for line in texts if line.startswith("refused"))


def nothing_structural(lines: dict[str, list[str]]) -> None:
    for transform in STRUCTURAL:
        assert all(text.startswith("refused") for text in lines.get(transform, ())), (transform, lines)


def rest_is_done(dockopt: Run, *flags: str, stages: int | None = None) -> None:
    before = (dockopt.folder / "Dockerfile").read_text()
    done = dockopt("fix", "--unsafe-fixes", *flags)
    assert done.code == 0, done
    after = (dockopt.folder / "Dockerfile").read_text()
    assert "LABEL org.opencontainers.image.authors" in after and after.count("FROM ") == (
        stages or before.count("FROM ")
    )


def test_as_it_should_be(dockopt: Run, kind: Kind) -> None:
    """What the other tests take away is what they think it is."""
    place(dockopt.folder, kind)
    assert not any(
        kind.manifest in line for line in refusals(told(dockopt)).splitlines() if "pars" in line or "hide" in line
    )


def test_a_manifest_that_cannot_be_read(dockopt: Run, kind: Kind) -> None:
    place(dockopt.folder, kind)
    (dockopt.folder / kind.manifest).write_bytes(kind.broken)
    lines = told(dockopt)
    nothing_structural(lines)
    reasons = (f"{kind.manifest} does not parse: ", f"{kind.manifest} is not UTF-8")
    assert any(reason in refusals(lines) for reason in reasons), lines
    rest_is_done(dockopt)


def test_a_manifest_that_is_hidden(dockopt: Run, kind: Kind) -> None:
    place(dockopt.folder, kind)
    (dockopt.folder / ".dockerignore").write_text(f"# old\n{kind.manifest}\n")
    lines = told(dockopt)
    nothing_structural(lines)
    assert f".dockerignore:2: {kind.manifest} hides {kind.manifest} from the build" in refusals(lines), lines
    rest_is_done(dockopt)


def test_a_context_that_is_no_folder(dockopt: Run, kind: Kind) -> None:
    place(dockopt.folder, kind)
    lines = told(dockopt, "--context=gone")
    nothing_structural(lines)
    assert "the context given, gone, is no folder" in refusals(lines), lines
    rest_is_done(dockopt, "--context=gone")


def test_a_context_that_is_the_wrong_one(dockopt: Run, kind: Kind) -> None:
    place(dockopt.folder, kind)
    (dockopt.folder / "docs").mkdir()
    (dockopt.folder / "docs" / "readme.txt").write_text("nothing to build here\n")
    lines = told(dockopt, "--context=docs")
    nothing_structural(lines)
    assert refusals(lines)
    rest_is_done(dockopt, "--context=docs")


def test_standard_input_has_no_context(dockopt: Run, kind: Kind) -> None:
    text = textwrap.dedent(kind.dockerfile).lstrip("\n") + "MAINTAINER ann\n"
    done = dockopt("fix", "--unsafe-fixes", "-", stdin=text.encode())
    out = done.out.decode()
    assert (
        done.code == 0 and "LABEL org.opencontainers.image.authors" in out and out.count("FROM ") == text.count("FROM ")
    )


def test_an_app_that_does_not_parse(dockopt: Run) -> None:
    place(dockopt.folder, KINDS["Python with pip"])
    assert "check the health by port 5000, /health [unsafe]" in told(dockopt)["add-healthcheck"]
    with open(dockopt.folder / "app.py", "a", encoding="utf-8") as file:
        file.write("def broken(:\n")
    lines = told(dockopt)
    for transform in ("add-healthcheck", "add-user", "expose-port"):
        (line,) = lines[transform]
        assert line.startswith("refused (") and "app.py: line 10: syntax error" in line, (transform, line)
    rest_is_done(dockopt, stages=2)  # which packages it needs, the requirements say
    after = (dockopt.folder / "Dockerfile").read_text()
    assert not any(word in after for word in ("HEALTHCHECK", "USER ", "EXPOSE"))


@pytest.mark.parametrize("server", [("uvicorn", "main:app"), ("gunicorn", "main:app"), ("hypercorn", "main:app")])
def test_a_module_of_the_app_that_does_not_parse(dockopt: Run, server: tuple[str, str]) -> None:
    words = ", ".join(f'"{word}"' for word in server)
    kind = Kind(
        f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [{words}]\n",
        {
            "requirements.txt": "fastapi\n",
            "main.py": "from fastapi import FastAPI\nfrom routes import router\n\napp = FastAPI()\napp.include_router(router)\n",
            "routes.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n@router.get('/health')\ndef h(): return 1\n",
        },
        "requirements.txt",
        b"",
    )
    place(dockopt.folder, kind)
    (dockopt.folder / "routes.py").write_text("from fastapi import APIRouter\nrouter = APIRouter(\n")
    (line,) = told(dockopt)["add-healthcheck"]
    assert line.startswith("refused (") and "routes.py: line 2: syntax error" in line
