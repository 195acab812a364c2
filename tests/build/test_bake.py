"""Compose and bake files, read by the real ``docker buildx bake``."""

from pathlib import Path

import pytest

from dockopt.build.bake import definitions, recipes_for
from dockopt.build.engine import BuildSettings, Engine
from dockopt.build.session import Request, targets
from dockopt.workspace.read import FileProblem

TEXT = b"FROM debian:trixie-slim\nCOPY x /x\n"

COMPOSE = """\
services:
  api:
    build: {context: ., dockerfile: docker/api.Dockerfile, target: run, args: {A: "1", B: two}}
  again:
    build: {context: ., dockerfile: docker/api.Dockerfile, target: run, args: {B: two, A: "1"}}
  db:
    image: postgres
"""

BAKE = """\
group "default" { targets = ["worker"] }
target "worker" {
  context = "."
  dockerfile = "docker/api.Dockerfile"
  args = { A = "9" }
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "api.Dockerfile").write_bytes(TEXT)
    (tmp_path / "x").write_text("x")
    return tmp_path


def test_definitions_are_sought_up_to_the_repositorys_root(project: Path) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    (project / "docker" / "docker-bake.hcl").write_text(BAKE)
    (project.parent / "compose.yaml").write_text(COMPOSE)
    assert definitions(str(project / "docker")) == [
        str(project / "docker" / "docker-bake.hcl"),
        str(project / "compose.yaml"),
    ]


def test_without_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    assert definitions(str(tmp_path / "sub")) == []


@pytest.mark.engine
def test_context_target_and_arguments(project: Path, engine: Engine) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    (project / "docker-bake.hcl").write_text(BAKE)
    path = str(project / "docker" / "api.Dockerfile")
    request = Request(BuildSettings(build_args=(("B", "given"),)))
    ways, problems = targets(path, TEXT, engine, request)
    assert problems == []
    found = {(way.name, way.context, way.build.target, way.build.build_args) for way in ways}
    assert len(ways) == 2  # the same build under a second name counts once
    assert ("worker", str(project), None, (("A", "9"), ("B", "given"))) in found
    (api,) = [way for way in ways if way.name != "worker"]
    assert (api.context, api.build.target) == (str(project), "run")
    assert dict(api.build.build_args) == {"A": "1", "B": "given"}


@pytest.mark.engine
@pytest.mark.parametrize(("target", "names"), [("dev", ["api", "the last stage"]), ("Run", ["api"]), ("1", ["api"])])
def test_last_stage_is_built_too(target: str, names: list[str], project: Path, engine: Engine) -> None:
    text = b"FROM debian AS dev\nFROM debian AS run\n"
    (project / "docker" / "api.Dockerfile").write_bytes(text)
    service = f'{{context: ., dockerfile: docker/api.Dockerfile, target: "{target}", args: {{A: "1"}}}}'
    (project / "compose.yaml").write_text(f"services: {{api: {{build: {service}}}}}\n")
    ways, _ = targets(str(project / "docker" / "api.Dockerfile"), text, engine, Request())
    assert [way.name for way in ways] == names
    assert all(way.build.build_args == (("A", "1"),) and way.context == str(project) for way in ways)
    named, _ = targets(str(project / "docker" / "api.Dockerfile"), text, engine, Request(BuildSettings(target="dev")))
    assert [way.build.target for way in named] == ["dev"], "who names a stage means it"


@pytest.mark.engine
def test_unreadable_file_is_reported_and_the_context_found_otherwise(project: Path, engine: Engine) -> None:
    (project / "compose.yaml").write_text("services: [\n")
    path = str(project / "docker" / "api.Dockerfile")
    recipes, problems = recipes_for(engine, path)
    assert recipes == [] and len(problems) == 1 and "compose.yaml" in problems[0]
    ways, _ = targets(path, TEXT, engine, Request())
    assert [way.context for way in ways] == [str(project)]  # where x is


@pytest.mark.engine
def test_context_given_wins(project: Path, engine: Engine) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    path = str(project / "docker" / "api.Dockerfile")
    ways, _ = targets(path, TEXT, engine, Request(context=str(project / "docker")))
    assert [(way.context, way.name) for way in ways] == [(str(project / "docker"), "")]
    with pytest.raises(FileProblem, match="no folder"):
        targets(path, TEXT, engine, Request(context=str(project / "nowhere")))


@pytest.mark.engine
def test_ignore_file_beside_the_dockerfile(project: Path, engine: Engine) -> None:
    path = str(project / "docker" / "api.Dockerfile")
    (project / "docker" / "api.Dockerfile.dockerignore").write_text("*.log\n")
    ways, _ = targets(path, TEXT, engine, Request())
    assert [way.ignore for way in ways] == [b"*.log\n"]
