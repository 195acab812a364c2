"""The build context of a Dockerfile: which it is, what it holds, and when it is not known."""

import os
from pathlib import Path

import pytest

from dockopt.api import Options, rewrite
from dockopt.facts.context import Context, find_context, go_match
from dockopt.facts.facts import Facts
from dockopt.facts.ignorefile import PatternError
from dockopt.facts.outside import Outside, local_sources
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.document import load


def tree(root: Path, *files: str, **texts: str) -> Path:
    (root / ".git").mkdir(exist_ok=True)
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(name, "x\n"), encoding="utf-8")
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def find(root: Path, dockerfile: str, text: str, context: Path | None = None) -> Known[Context] | Unknown:
    write(root, dockerfile, text)
    outside = Outside(str(root / dockerfile), str(context) if context else None)
    return Facts(load(text.encode()), outside).context


def known(result: Known[Context] | Unknown) -> Context:
    assert isinstance(result, Known), result
    return result.value


def reason(result: Known[object] | Unknown) -> str:
    assert isinstance(result, Unknown), result
    return result.reason


def test_without_a_path_nothing_is_known() -> None:
    assert reason(Facts(load(b"FROM a\n")).context).startswith("no file path: ")
    assert reason(find_context(Outside(), ())).startswith("no file path: ")
    assert rewrite(b"FROM debian:12\n", Options()).error is None


def test_rewrite_takes_where_the_file_stands(tmp_path: Path) -> None:
    outcome = rewrite(b"FROM debian:12\n", Options(), Outside(str(tmp_path / "Dockerfile")))
    assert outcome.error is None


def test_own_folder(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    context = known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert context.root == str(tmp_path / "svc") and "own folder" in context.evidence


def test_nearest_folder_that_holds_every_source(tmp_path: Path) -> None:
    tree(tmp_path, "app/main.py", "lib/x.py", "app/docker/entry.sh", "app/lib/y.py")
    text = 'FROM a AS b\nFROM a\nCOPY main.py /\nCOPY ["docker/entry.sh", "lib/*.py", "/"]\nADD https://example.org/x /\nCOPY --from=b /q /\n'
    assert known(find(tmp_path, "app/docker/Dockerfile", text)).root == str(tmp_path / "app")


def test_a_folder_of_dockerfiles_is_not_its_own_context(tmp_path: Path) -> None:
    tree(tmp_path, "main.py", "docker/Dockerfile.dev")
    assert known(find(tmp_path, "docker/Dockerfile", "FROM a\nCOPY . /app\n")).root == str(tmp_path)
    write(tmp_path, "docker/main.py", "")
    assert known(find(tmp_path, "docker/Dockerfile", "FROM a\nCOPY . /app\n")).root == str(tmp_path / "docker")


def test_nothing_outside_the_repository(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text("", encoding="utf-8")
    repository = tmp_path / "repo"
    repository.mkdir()
    tree(repository, "x")
    why = reason(find(repository, "d/Dockerfile", "FROM a\nCOPY outer.py /\n"))
    assert "outer.py" in why and str(repository) in why
    assert reason(find(repository, "Dockerfile", "FROM a\nCOPY ../outer.py /\n"))


def test_sources_with_variables_and_bind_mounts(tmp_path: Path) -> None:
    tree(tmp_path, "src/app.py")
    text = "FROM a\nENV D=src\nARG X\nCOPY $D/app.py /\nCOPY $X /\nCOPY <<EOF /f\nx\nEOF\nRUN --mount=type=bind,source=lock,target=/lock true\n"
    document = load(text.encode())
    assert local_sources(Facts(document)) == ("src/app.py", "lock")


def test_a_compose_file_decides(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    write(tmp_path, "compose.yaml", "services:\n  s:\n    build: {context: ., dockerfile: svc/Dockerfile, target: t}\n")
    context = known(find(tmp_path, "svc/Dockerfile", "FROM a AS t\nCOPY app.py /\n"))
    assert context.root == str(tmp_path) and context.evidence == "compose.yaml: services.s.build"
    assert context.targets == ("t",)


@pytest.mark.parametrize(
    ("compose", "context"),
    [
        ("deploy/compose.yaml", ".."),
        ("docker/docker-compose.yml", ".."),
        (".docker/docker-compose.prod.yml", "../"),
        ("infra/docker/compose.yaml", "../.."),
        ("svc/docker/compose.yaml", "../.."),
        ("tests/docker-compose.yml", "${PWD_ABOVE:-..}"),
    ],
)
def test_a_compose_file_beside_the_sources_decides(tmp_path: Path, compose: str, context: str) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    text = f"services:\n  s:\n    build: {{context: '{context}', dockerfile: svc/Dockerfile}}\n"
    write(tmp_path, compose, text)
    found = known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert found.root == str(tmp_path) and found.evidence == f"{compose}: services.s.build"


@pytest.mark.parametrize(
    "name",
    [
        "deploy/deep/down/compose.yaml",
        "examples/compose.yaml",
        "deploy/values.yaml",
        "deploy/docker-bake.hcl",
        "deploy/skaffold.yaml",
        "other/deploy/compose.yaml",
    ],
)
def test_no_other_file_beside_the_sources_does(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    write(tmp_path, name, "services:\n  s:\n    build: {context: .., dockerfile: svc/Dockerfile}\n")
    assert known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n")).root == str(tmp_path / "svc")


def test_a_compose_file_that_came_later_is_seen(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "app.py", "deploy/readme")
    assert known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n")).root == str(tmp_path / "svc")
    write(tmp_path, "deploy/compose.yaml", "services: {s: {build: {context: .., dockerfile: svc/Dockerfile}}}\n")
    os.utime(tmp_path / "deploy", ns=(1, 1))  # a file system's clock ticks every few milliseconds
    assert known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n")).root == str(tmp_path)


def test_a_compose_file_beside_it_that_does_not_agree(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    write(tmp_path, "compose.yaml", "services: {s: {build: svc}}\n")
    write(tmp_path, "deploy/compose.yaml", "services: {s: {build: {context: .., dockerfile: svc/Dockerfile}}}\n")
    assert "do not agree" in reason(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))


def test_each_build_is_told_once(tmp_path: Path) -> None:
    tree(tmp_path, "docker/app.py")
    write(tmp_path, "docker/compose.yaml", "services: {s: {build: .}}\n")
    context = known(find(tmp_path, "docker/Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert context.evidence == "docker/compose.yaml: services.s.build" and len(context.builds) == 1


def test_files_that_do_not_agree(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "app.py")
    write(tmp_path, "compose.yaml", "services:\n  s:\n    build: {context: ., dockerfile: svc/Dockerfile}\n")
    write(tmp_path, "docker-bake.hcl", 'target "s" { context = "svc" }\n')
    why = reason(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert "do not agree" in why and "compose.yaml" in why and "docker-bake.hcl" in why
    (tmp_path / "app.py").unlink()
    assert known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n")).root == str(tmp_path / "svc")


def test_a_context_that_lacks_a_source(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py")
    write(tmp_path, "compose.yaml", "services:\n  s:\n    build: {context: ., dockerfile: svc/Dockerfile}\n")
    assert "does not hold app.py" in reason(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))
    write(tmp_path, "compose.yaml", "services:\n  s:\n    build: {context: none, dockerfile: ../svc/Dockerfile}\n")
    assert "is no folder" in reason(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n"))


def test_a_build_file_that_does_not_parse(tmp_path: Path) -> None:
    tree(tmp_path, "app.py")
    write(tmp_path, "compose.yaml", "services: {build: [\n")
    why = reason(find(tmp_path, "Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert why.startswith("compose.yaml does not parse: ") and why.endswith("; --context says which folder it is")
    write(tmp_path, "docker-bake.hcl", 'target "s" {}\n')
    context = known(find(tmp_path, "Dockerfile", "FROM a\nCOPY app.py /\n"))
    assert len(context.problems) == 1 and "compose.yaml" in context.problems[0]


def test_the_context_given_overrides(tmp_path: Path) -> None:
    tree(tmp_path, "svc/app.py", "other/app.py")
    write(tmp_path, "compose.yaml", "services:\n  s:\n    build: svc\n")
    context = known(find(tmp_path, "svc/Dockerfile", "FROM a\nCOPY app.py /\n", tmp_path / "other"))
    assert context.root == str(tmp_path / "other") and "--context" in context.evidence
    assert "is no folder" in reason(find(tmp_path, "svc/Dockerfile", "FROM a\n", tmp_path / "none"))


def test_ignored_files(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt", "req.txt", "sub/b.txt", "sub/keep/c.txt", "hid/x", "hid/deep/y")
    write(tmp_path, ".dockerignore", "*.txt\n!req.txt\nhid\n!hid/deep\nsub/b.txt\n.git\nDockerfile\n.dockerignore\n")
    context = known(find(tmp_path, "Dockerfile", "FROM a\nCOPY . /\n"))
    assert context.listing.files == ("hid/deep/y", "req.txt", "sub/keep/c.txt") and not context.listing.truncated
    assert (
        context.is_file("req.txt") and not context.is_file("a.txt") and context.is_dir("sub") and context.is_dir("hid")
    )
    hidden = context.hidden("a.txt")
    assert hidden is not None and hidden.rule == ".dockerignore:1: *.txt"
    assert context.hidden("req.txt") is None and context.hidden("nonesuch") is None
    assert reason(context.text("a.txt")) == ".dockerignore:1: *.txt hides a.txt from the build"
    assert context.text("req.txt") == Known("x\n", "req.txt")
    assert context.names() == ("req.txt", "sub")
    assert context.names("sub") == ("keep",)


def test_dockerfile_specific_ignore_file(tmp_path: Path) -> None:
    tree(tmp_path, "a", "b")
    write(tmp_path, ".dockerignore", "a\n")
    write(tmp_path, "prod.Dockerfile.dockerignore", "b\n")
    context = known(find(tmp_path, "prod.Dockerfile", "FROM x\nCOPY . /\n"))
    assert context.exists("a") and not context.exists("b")
    assert context.ignore.source == "prod.Dockerfile.dockerignore"
    other = known(find(tmp_path, "Dockerfile", "FROM x\nCOPY . /\n"))
    assert not other.exists("a") and other.exists("b")


def test_sources(tmp_path: Path) -> None:
    tree(tmp_path, "package.json", "package-lock.json", "src/a.py", "src/b.txt", "src/d/c.py", "hid.json", "x[1].txt")
    write(tmp_path, ".dockerignore", "hid.json\n")
    context = known(find(tmp_path, "Dockerfile", "FROM a\nCOPY . /\n"))
    assert context.sources("package*.json") == Known(("package-lock.json", "package.json"), context.evidence)
    assert context.sources("/src/*.py")[0] == ("src/a.py",)
    assert context.sources("src/*")[0] == ("src/a.py", "src/b.txt", "src/d")
    assert context.sources("*/*.py")[0] == ("src/a.py",)
    assert context.sources(".")[0] == (".",)
    assert context.sources("x[[]1].txt")[0] == ("x[1].txt",)
    assert context.sources("x\\[1].txt")[0] == ("x[1].txt",)
    assert "not in the build context" in reason(context.sources("none"))
    assert "hides hid.json" in reason(context.sources("hid.json"))
    assert "matches" in reason(context.sources("hid*"))
    assert "outside" in reason(context.sources("../x"))
    assert "syntax error" in reason(context.sources("[a"))


def test_a_broken_ignore_file_makes_every_source_unknown(tmp_path: Path) -> None:
    tree(tmp_path, "a")
    write(tmp_path, ".dockerignore", "[\n")
    context = known(find(tmp_path, "Dockerfile", "FROM x\nCOPY a /\n"))
    assert ".dockerignore:1" in reason(context.sources("a"))


def test_links_out_of_the_context_are_not_read(tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    repository.mkdir()
    tree(repository, "a")
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    os.symlink(tmp_path / "secret", repository / "link")
    os.symlink("a", repository / "inner")
    os.mkfifo(repository / "pipe")
    context = known(find(repository, "Dockerfile", "FROM x\nCOPY . /\n"))
    assert "link out of" in reason(context.text("link"))
    assert isinstance(context.text("inner"), Known)
    assert "no file" in reason(context.text("pipe"))
    assert "outside" in reason(context.text("../secret"))
    assert "cannot be read" in reason(context.text("none"))


def test_undecodable_text(tmp_path: Path) -> None:
    tree(tmp_path, "x")
    (tmp_path / "bin").write_bytes(b"\xff")
    assert "UTF-8" in reason(known(find(tmp_path, "Dockerfile", "FROM x\nCOPY . /\n")).text("bin"))


def test_a_huge_tree_is_not_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockopt.facts.context.MAX_ENTRIES", 3)
    tree(tmp_path, "a", "b", "c", "d", "e")
    listing = known(find(tmp_path, "Dockerfile", "FROM x\nCOPY . /\n")).listing
    assert listing.truncated and len(listing.files) == 3


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a*c", "abc", True), ("a?c", "abc", True), ("*", ".x", True), ("[a-c]x", "bx", True), ("[^a-c]x", "bx", False),
        ("[^a]", "b", True), ("[]", "", None), ("a[", "", None), ("\\*", "*", True), ("[c-a]", "b", False), ("[^c-a]", "b", True),
        ("**", "abc", True), ("a.c", "abc", False), ("[\\]]", "]", True),
    ],
)  # fmt: skip
def test_go_match(pattern: str, text: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(PatternError):
            go_match(pattern)
    else:
        assert bool(go_match(pattern).fullmatch(text)) is matches
