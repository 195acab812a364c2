"""What compose, bake, skaffold, workflow and devcontainer files say of a Dockerfile."""

import os
from pathlib import Path

import pytest

from dockopt.facts.buildfiles import candidates, load_jsonc, read


def builds(root: Path, name: str, text: str) -> list[tuple[str, str, str]]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert str(path) in candidates(str(root))
    result = read(str(path), str(root))
    assert result.problem is None
    return [
        (os.path.relpath(one.dockerfile, root), os.path.relpath(one.context, root), one.target) for one in result.builds
    ]


COMPOSE = """\
services:
  web:
    build: ./web
  api:
    build:
      context: .
      dockerfile: docker/api.Dockerfile
      target: prod
      args: {VERSION: "1"}
      additional_contexts: {shared: ../shared}
  worker:
    build:
      context: ${WORKER_DIR:-worker}
      args: [A=1, B]
  unknown:
    build: ${NOWHERE}
  remote:
    build: https://github.com/acme/app.git
  inline:
    build: {context: ., dockerfile_inline: FROM scratch}
  db:
    image: postgres
"""


@pytest.mark.parametrize(
    "name", ["compose.yaml", "docker-compose.yml", "docker-compose.prod.yml", "compose.override.yaml"]
)
def test_compose(tmp_path: Path, name: str) -> None:
    assert builds(tmp_path, name, COMPOSE) == [
        ("web/Dockerfile", "web", ""),
        ("docker/api.Dockerfile", ".", "prod"),
        ("worker/Dockerfile", "worker", ""),
    ]
    api = read(str(tmp_path / name), str(tmp_path)).builds[1]
    assert (api.args, api.extra, api.evidence) == (("VERSION",), ("shared",), f"{name}: services.api.build")


def test_composes_own_tags(tmp_path: Path) -> None:
    text = (
        "services:\n  web:\n    ports: !reset []\n    build: !override\n      context: api\n      args: !mine [A=1]\n"
        "  db:\n    build: !reset null\n"
    )
    (tmp_path / "compose.yaml").write_text(text, encoding="utf-8")
    found = read(str(tmp_path / "compose.yaml"), str(tmp_path))
    assert found.problem is None
    assert [(build.context, build.args) for build in found.builds] == [(str(tmp_path / "api"), ("A",))]


def test_a_target_with_a_variable_is_marked(tmp_path: Path) -> None:
    found = builds(tmp_path, "compose.yaml", "services:\n  a:\n    build: {context: ., target: $STAGE}\n")
    assert found == [("Dockerfile", ".", "?")]


def test_bake_hcl(tmp_path: Path) -> None:
    text = """\
variable "DIR" { default = "svc" }
variable "TAG" { default = notequal("", REF) ? REF : "latest" }
group "default" { targets = ["app", "worker"] }
target "common" {
  context = "."
  args = { A = "1" }
}
target "app" {
  inherits = ["common"]
  dockerfile = "${DIR}/Dockerfile"
  target = "runtime"
  tags = ["app:${TAG}"]
}
target "worker" { context = DIR }
target "other" { context = "x-${TAG}" }
target "remote" { context = "https://example.org/a.git" }
target "inline" { dockerfile-inline = "FROM scratch" }
"""
    assert builds(tmp_path, "docker-bake.hcl", text) == [
        ("Dockerfile", ".", ""),
        ("svc/Dockerfile", ".", "runtime"),
        ("svc/Dockerfile", "svc", ""),
    ]


def test_bake_json(tmp_path: Path) -> None:
    text = (
        '{"variable": {"DIR": {"default": "svc"}}, "target": {'
        '"app": {"context": "${DIR}"}, "web": {"inherits": ["app"], "dockerfile": "w.Dockerfile"}}}'
    )
    assert builds(tmp_path, "docker-bake.json", text) == [
        ("svc/Dockerfile", "svc", ""),
        ("svc/w.Dockerfile", "svc", ""),
    ]


def test_skaffold(tmp_path: Path) -> None:
    text = """\
apiVersion: skaffold/v4beta6
kind: Config
build:
  artifacts:
    - image: front
      context: front
    - image: back
      docker: {dockerfile: deploy/Dockerfile, target: run}
    - image: jvm
      jib: {}
profiles:
  - name: dev
    build:
      artifacts:
        - {image: dev, context: dev, docker: {dockerfile: Dockerfile.dev}}
"""
    assert builds(tmp_path, "skaffold.yaml", text) == [
        ("front/Dockerfile", "front", ""),
        ("deploy/Dockerfile", ".", "run"),
        ("dev/Dockerfile.dev", "dev", ""),
    ]


def test_workflow(tmp_path: Path) -> None:
    text = """\
on: push
jobs:
  build:
    steps:
      - uses: actions/checkout@v4
      - name: push
        uses: docker/build-push-action@v6
        with: {context: ./api, target: prod}
      - uses: docker/build-push-action@v6
        with: {context: ., file: deploy/Dockerfile}
      - uses: docker/build-push-action@v6
        with:
          context: "{{defaultContext}}:web"
      - uses: docker/build-push-action@v6
        with: {context: "${{ matrix.dir }}"}
      - uses: docker/build-push-action@v6
        with: {context: "${{ github.workspace }}/x", file: "${{ github.workspace }}/x/D"}
      - uses: docker/build-push-action@v6
      - run: docker build -t a:1 --build-arg V=1 -f svc/Dockerfile .
      - run: |
          docker buildx build --target=run --platform linux/amd64 svc
        working-directory: sub
      - run: |
          cd elsewhere
          docker build .
      - run: docker build "$DIR"
      - run: docker build - < Dockerfile
"""
    assert builds(tmp_path, ".github/workflows/ci.yml", text) == [
        ("api/Dockerfile", "api", "prod"),
        ("deploy/Dockerfile", ".", ""),
        ("web/Dockerfile", "web", ""),
        ("x/D", "x", ""),
        ("Dockerfile", ".", ""),
        ("svc/Dockerfile", ".", ""),
        ("sub/svc/Dockerfile", "sub/svc", "run"),
    ]
    first = read(str(tmp_path / ".github/workflows/ci.yml"), str(tmp_path)).builds[0]
    assert first.evidence == ".github/workflows/ci.yml: jobs.build step push"


def test_devcontainer(tmp_path: Path) -> None:
    text = '{\n  // comment, with "quotes"\n  "build": {"dockerfile": "Dockerfile", "context": "..", },\n}\n'
    assert builds(tmp_path, ".devcontainer/devcontainer.json", text) == [(".devcontainer/Dockerfile", ".", "")]
    old = '{"dockerFile": "D", "image": "a//b"}'
    assert builds(tmp_path, ".devcontainer.json", old) == [("D", ".", "")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services: {build: [\n"),
        ("compose.yaml", "services: !!python/object:os.system {build: x}\n"),
        ("docker-bake.hcl", 'target "a" {'),
        ("docker-bake.json", "{"),
        ("devcontainer.json", '{"a" 1}'),
    ],
)
def test_a_file_that_does_not_parse_says_so(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    result = read(str(path), str(tmp_path))
    assert result.builds == () and result.problem is not None and result.problem.startswith(f"{name} does not parse: ")
    assert "\n" not in result.problem


@pytest.mark.parametrize(
    "text", ["- build\n", "services: build\n", "services: {a: build}\n", "build\n", "services:\n  a: {build: 3}\n"]
)
def test_other_yaml_gives_nothing(tmp_path: Path, text: str) -> None:
    assert builds(tmp_path, "compose.yaml", text) == []


def test_undecodable_and_huge_files(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_bytes(b"build \xff\n")
    assert "cannot be read" in (read(str(path), str(tmp_path)).problem or "")
    path.write_bytes(b"# build\n" * 200_000)
    assert "over" in (read(str(path), str(tmp_path)).problem or "")
    assert read(str(tmp_path / "none.yaml"), str(tmp_path)).builds == ()


def test_jsonc() -> None:
    assert load_jsonc('{"a": "http://x//y", /* c */ "b": [1, 2,], // d\n}') == {"a": "http://x//y", "b": [1, 2]}


MOUNTS = """\
services:
  web:
    build: .
    privileged: false
    cap_add: [SYS_PTRACE]
    volumes:
      - .:/app
      - /app/node_modules
      - cache:/cache/
      - ./web.conf:/etc/web.conf:ro
      - ./there.conf:/etc/there.conf
      - ./not-there:/not-there
      - {type: bind, source: ./up, target: /up}
      - {type: volume, source: v, target: /v}
      - {type: volume, source: r, target: /r, read_only: true}
      - {type: tmpfs, target: /tmp}
  plain:
    build: .
"""


def test_what_compose_mounts_and_gives(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(MOUNTS, encoding="utf-8")
    (tmp_path / "there.conf").write_text("", encoding="utf-8")
    web, plain = read(str(tmp_path / "compose.yaml"), str(tmp_path)).builds
    assert web.mounts == ("/app", "volume:/app/node_modules", "volume:/cache", "/not-there", "/up", "volume:/v")
    assert (web.rights, plain.mounts, plain.rights) == ("cap_add", (), "")
