"""Which folder is the build context, as users see it: beside which Dockerfile's sources ``.dockerignore`` is made."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.cli.support import Run

DOCKERFILE = "FROM debian:trixie-slim\nCOPY . /srv\n"


@pytest.fixture
def dockopt(tmp_path: Path) -> Run:
    (tmp_path / ".git").mkdir()
    return Run(tmp_path)


def put(dockopt: Run, name: str, text: str = "x\n") -> None:
    path = dockopt.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def contexts(dockopt: Run, dockerfile: str, *flags: str) -> tuple[list[str], list[str]]:
    """The ``.dockerignore`` files to be made for a Dockerfile, and why there is none."""
    words = ("fix", "--check", "--unsafe-fixes", "--select=dockerignore", "--output-format=json", *flags, dockerfile)
    report = json.loads(dockopt(*words).out)
    (file,) = report["files"]
    refused = [entry["message"] for entry in file["entries"] if entry["kind"] == "refused"]
    return [change["path"] for change in file["files"]], refused


#: A file that describes builds, the Dockerfile, where its context is.
DESCRIBED = {
    "compose, a string": (
        "compose.yaml",
        """
        services:
          web:
            build: ./api
        """,
        "api/Dockerfile",
        "api",
    ),
    "compose, a file elsewhere": (
        "docker-compose.yml",
        """
        version: "3"
        services:
          web:
            build:
              context: .
              dockerfile: docker/web.Dockerfile
        """,
        "docker/web.Dockerfile",
        "",
    ),
    "compose beside the Dockerfile": (
        "docker/docker-compose.prod.yml",
        """
        services:
          web:
            build: {context: .., dockerfile: docker/Dockerfile}
        """,
        "docker/Dockerfile",
        "",
    ),
    "compose, a default of a variable": (
        "compose.yml",
        """
        services:
          web:
            build:
              context: ${WHERE:-api}
              args: {A: "${B}"}
        """,
        "api/Dockerfile",
        "api",
    ),
    "compose, more contexts": (
        "compose.yml",
        """
        services:
          web:
            build:
              context: api
              additional_contexts:
                shared: ./shared
        """,
        "api/Dockerfile",
        "api",
    ),
    "bake": (
        "docker-bake.hcl",
        """
        variable "DIR" { default = "api" }
        group "default" { targets = ["web"] }
        target "base" {
          context = "."
        }
        target "web" {
          inherits   = ["base"]
          dockerfile = "${DIR}/Dockerfile"
        }
        """,
        "api/Dockerfile",
        "",
    ),
    "bake, JSON": (
        "docker-bake.json",
        '{"target": {"web": {"context": "api", "dockerfile": "Dockerfile"}}}',
        "api/Dockerfile",
        "api",
    ),
    "skaffold": (
        "skaffold.yaml",
        """
        apiVersion: skaffold/v4beta6
        kind: Config
        build:
          artifacts:
            - image: web
              context: api
              docker: {dockerfile: build/Dockerfile}
        """,
        "api/build/Dockerfile",
        "api",
    ),
    "a workflow": (
        ".github/workflows/publish.yml",
        """
        jobs:
          publish:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - uses: docker/build-push-action@v6
                with:
                  context: ./api
                  file: api/build/Dockerfile
        """,
        "api/build/Dockerfile",
        "api",
    ),
    "a workflow's command": (
        ".github/workflows/publish.yml",
        """
        jobs:
          publish:
            steps:
              - run: |
                  docker build -t web -f build/Dockerfile .
                working-directory: api
        """,
        "api/build/Dockerfile",
        "api",
    ),
    "devcontainer": (
        ".devcontainer/devcontainer.json",
        """
        {
          // the team's
          "build": {"dockerfile": "Dockerfile", "context": "..",},
        }
        """,
        ".devcontainer/Dockerfile",
        "",
    ),
}


@pytest.mark.parametrize("case", DESCRIBED)
def test_a_file_says_so(dockopt: Run, case: str) -> None:
    name, text, dockerfile, context = DESCRIBED[case]
    put(dockopt, name, text)
    put(dockopt, dockerfile, DOCKERFILE)
    for folder in ("", "api/", "api/build/", "shared/"):
        put(dockopt, folder + "start.sh")
    expected = f"{context}/.dockerignore".lstrip("/")
    assert contexts(dockopt, dockerfile) == ([expected], [])


def test_without_one_it_is_the_dockerfiles_folder(dockopt: Run) -> None:
    put(dockopt, "api/Dockerfile", DOCKERFILE)
    put(dockopt, "api/start.sh")
    assert contexts(dockopt, "api/Dockerfile") == (["api/.dockerignore"], [])


def test_or_the_nearest_where_every_source_is(dockopt: Run) -> None:
    put(dockopt, "api/docker/Dockerfile", "FROM debian:trixie-slim\nCOPY start.sh lib /srv/\nCOPY . /srv\n")
    for name in ("start.sh", "lib/a", "api/start.sh", "api/lib/a", "api/docker/start.sh"):
        put(dockopt, name)
    assert contexts(dockopt, "api/docker/Dockerfile") == (["api/.dockerignore"], [])


def test_a_source_that_is_nowhere(dockopt: Run) -> None:
    put(dockopt, "api/Dockerfile", "FROM debian:trixie-slim\nCOPY gone.sh /srv\nCOPY . /srv\n")
    put(dockopt, "api/start.sh")
    made, (why,) = contexts(dockopt, "api/Dockerfile")
    assert made == []
    assert why.startswith("no folder from the Dockerfile's up to ") and "gone.sh not beside the Dockerfile" in why


def test_the_flag_overrides(dockopt: Run) -> None:
    put(dockopt, "compose.yaml", "services: {web: {build: ./api}}")
    put(dockopt, "api/Dockerfile", DOCKERFILE)
    put(dockopt, "api/start.sh")
    put(dockopt, "other/start.sh")
    assert contexts(dockopt, "api/Dockerfile", "--context", "other") == (["other/.dockerignore"], [])
    assert contexts(dockopt, "api/Dockerfile", "--context=.") == ([".dockerignore"], [])
    made, why = contexts(dockopt, "api/Dockerfile", "--context=nowhere")
    assert (made, why) == ([], ["the context given, nowhere, is no folder"])


def test_files_that_contradict_each_other(dockopt: Run) -> None:
    put(dockopt, "compose.yaml", "services: {web: {build: ./api}}")
    put(dockopt, "docker-bake.hcl", 'target "web" {\n  context = "."\n  dockerfile = "api/Dockerfile"\n}\n')
    put(dockopt, "api/Dockerfile", DOCKERFILE)
    put(dockopt, "api/start.sh")
    made, (why,) = contexts(dockopt, "api/Dockerfile")
    assert made == [] and "compose.yaml: services.web.build" in why and "docker-bake.hcl: target web" in why


def test_a_context_without_what_is_copied(dockopt: Run) -> None:
    put(dockopt, "compose.yaml", "services: {web: {build: {context: ./web, dockerfile: ../Dockerfile}}}")
    put(dockopt, "Dockerfile", "FROM debian:trixie-slim\nCOPY start.sh /srv\nCOPY . /srv\n")
    put(dockopt, "start.sh")
    put(dockopt, "web/index.html")
    made, (why,) = contexts(dockopt, "Dockerfile")
    assert made == []
    assert why.startswith("compose.yaml: services.web.build names the context ")
    assert why.endswith("/web, which does not hold start.sh")


def test_a_context_that_is_no_folder(dockopt: Run) -> None:
    put(dockopt, "compose.yaml", "services: {web: {build: {context: ./gone, dockerfile: ../Dockerfile}}}")
    put(dockopt, "Dockerfile", DOCKERFILE)
    made, (why,) = contexts(dockopt, "Dockerfile")
    assert made == [] and why.startswith("compose.yaml: services.web.build names the context ")
    assert why.endswith("/gone, which is no folder")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services:\n  web:\n   build: [\n"),
        ("docker-bake.hcl", 'target "web" {\n  context = "\n'),
        ("docker-bake.json", '{"target": '),
        ("skaffold.yaml", "build:\n\tartifacts: docker\n"),
        (".devcontainer/devcontainer.json", "{"),
    ],
)
def test_a_description_that_does_not_parse_is_not_guessed_round(dockopt: Run, name: str, text: str) -> None:
    """It may name another context than the nearest folder."""
    (dockopt.folder / name).parent.mkdir(exist_ok=True)
    (dockopt.folder / name).write_text(text)
    put(dockopt, "api/Dockerfile", DOCKERFILE + "MAINTAINER ann\n")
    put(dockopt, "api/start.sh")
    made, (why,) = contexts(dockopt, "api/Dockerfile")
    assert made == []
    assert why.startswith(f"{name} does not parse: ") and why.endswith("; --context says which folder it is")
    # Another that can be read is enough, and so is the flag.
    assert contexts(dockopt, "api/Dockerfile", "--context=api") == (["api/.dockerignore"], [])
    put(dockopt, "docker-compose.override.yml", "services: {web: {build: ./api}}")
    assert contexts(dockopt, "api/Dockerfile") == (["api/.dockerignore"], [])
    # And the rest is done whatever it says.
    (dockopt.folder / "docker-compose.override.yml").unlink()
    done = dockopt("fix", "api/Dockerfile")
    assert done.code == 0 and "replace-maintainer" in done.out.decode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services: {web: {build: {context: ., target: build}}}"),
        ("docker-bake.hcl", 'target "web" {\n  target = "build"\n}\n'),
        (
            ".github/workflows/x.yml",
            "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {context: ., target: build}}]}}",
        ),
    ],
)
def test_a_target_somebody_builds_is_respected(dockopt: Run, name: str, text: str) -> None:
    """split-stages would give the last stage another meaning."""
    put(dockopt, name, text)
    put(dockopt, "requirements.txt", "flask==3.0.3\n")
    put(dockopt, "app.py", "from flask import Flask\napp = Flask(__name__)\n")
    dockerfile = "FROM python:3.13 AS build\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
    put(dockopt, "Dockerfile", dockerfile + 'CMD ["flask", "run", "--host=0.0.0.0"]\n')
    done = dockopt("check", "--verbose", "--select=split-stages")
    assert "split-stages: refused (target-used): " in done.out.decode()
