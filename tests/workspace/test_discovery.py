"""Which files a run takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockopt.workspace.discovery import Found, find, is_dockerfile_name

FROM = b"FROM scratch\n"


def nothing(folder: str, path: str, is_folder: bool) -> bool:
    return False


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FROM)


def found(*paths: str) -> list[str]:
    result = find(paths, nothing)
    assert result.problems == ()
    return list(result.files)


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile", "dockerfile", "Dockerfile.dev", "Dockerfile.3.12", "Dockerfile-alpine",
        "Dockerfile_gpu", "api.Dockerfile", "api.dockerfile", "Containerfile", "Containerfile.rhel",
        "web.Containerfile", "Dockerfile.template.dockerfile",
    ],
)  # fmt: skip
def test_names_taken(name: str) -> None:
    assert is_dockerfile_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile.dockerignore", "Dockerfile.j2", "Dockerfile.tmpl", "Dockerfile.erb", "Dockerfile.in",
        "Dockerfile.orig", "Dockerfile~", "Dockerfile.md", "Dockerfile.yaml", "Dockerfile.", "Dockerfiles",
        "dockerfile.py", "dockerfile_test.go", "README", ".dockerignore", "docker-compose.yml", "Makefile",
        "api.dockerfile.j2", "MyDockerfile",
    ],
)  # fmt: skip
def test_names_left(name: str) -> None:
    assert not is_dockerfile_name(name)


def test_a_folder_is_walked_and_sorted(inside: Path) -> None:
    make(inside, "b/Dockerfile", "a/x.Dockerfile", "Dockerfile", "a/Dockerfile.j2", "a/notes.txt")
    assert found(".") == ["Dockerfile", "a/x.Dockerfile", "b/Dockerfile"]


def test_paths_keep_the_order_given_and_the_form_given(inside: Path) -> None:
    make(inside, "b/Dockerfile", "a/Dockerfile")
    assert found("b", str(inside / "a"), "./a/") == ["b/Dockerfile", str(inside / "a/Dockerfile")]


def test_each_file_once(inside: Path) -> None:
    make(inside, "a/Dockerfile")
    assert found("a/Dockerfile", ".", "./a/Dockerfile", "a") == ["a/Dockerfile"]


def test_a_named_file_is_taken_whatever_its_name(inside: Path) -> None:
    make(inside, "Dockerfile.j2", "image.txt")
    (inside / ".gitignore").write_text("*\n")
    assert found("Dockerfile.j2", "image.txt") == ["Dockerfile.j2", "image.txt"]


def test_a_missing_path_is_left_for_reading_to_report() -> None:
    assert found("nowhere", "") == ["nowhere", ""]


def test_sources_are_taken_only_when_they_begin_as_a_dockerfile(inside: Path) -> None:
    make(inside, "Dockerfile.go", "Dockerfile.py")
    (inside / "Dockerfile.java").write_text("// the class\npublic class Dockerfile {}\n")
    (inside / "Dockerfile.rs").write_text("# syntax=docker/dockerfile:1\n\narg V=1\nFROM rust:$V\n")
    assert found(".") == ["Dockerfile.go", "Dockerfile.py", "Dockerfile.rs"]


def test_version_control_and_installed_packages_are_not_walked(inside: Path) -> None:
    make(inside, ".git/Dockerfile", ".hg/Dockerfile", "node_modules/x/Dockerfile", "Dockerfile")
    assert found(".") == ["Dockerfile"]
    assert found("node_modules/x") == ["node_modules/x/Dockerfile"]


def test_links_to_folders_are_not_followed_but_a_named_one_is(inside: Path) -> None:
    make(inside, "a/Dockerfile")
    (inside / "loop").symlink_to(inside)
    (inside / "b").symlink_to("a")
    assert found(".") == ["a/Dockerfile"]
    assert found("b") == ["b/Dockerfile"]
    assert found("b", "a") == ["b/Dockerfile"]


def test_of_a_file_and_a_link_to_it_the_file_is_taken(inside: Path) -> None:
    make(inside, "z/Dockerfile")
    (inside / "Dockerfile").symlink_to("z/Dockerfile")
    assert found(".") == ["z/Dockerfile"]
    assert found("Dockerfile") == ["Dockerfile"]


def test_a_link_out_of_the_folder_is_left_and_a_dangling_one_is_kept_to_be_reported(inside: Path) -> None:
    make(inside, "out/file", "in/a/Dockerfile")
    (inside / "in/Dockerfile").symlink_to("../out/file")
    (inside / "in/Dockerfile.gone").symlink_to("nowhere")
    assert found("in") == ["in/a/Dockerfile", "in/Dockerfile.gone"]


def test_no_pipe_is_opened(inside: Path) -> None:
    os.mkfifo(inside / "Dockerfile.go")
    os.mkfifo(inside / "Dockerfile")
    assert found(".") == []


def test_an_unlistable_folder_is_a_problem_and_the_rest_goes_on(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(inside, "a/Dockerfile", "b/Dockerfile")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = find(["."], nothing)
    assert result.files == ("b/Dockerfile",)
    assert [(problem.path, str(problem)) for problem in result.problems] == [
        ("a", "cannot be listed: permission denied")
    ]


def test_excluded_folders_and_files(inside: Path) -> None:
    make(inside, "a/Dockerfile", "b/Dockerfile", "b/Dockerfile.dev")

    def excluded(folder: str, path: str, is_folder: bool) -> bool:
        assert os.path.dirname(path) == folder
        return path.endswith("/a" if is_folder else ".dev")

    assert find(["."], excluded) == Found(("b/Dockerfile",), ())
    # Whoever names an excluded folder means it.
    assert find(["a"], excluded) == Found(("a/Dockerfile",), ())


class TestGitignore:
    def test_at_every_level_the_innermost_decides(self, inside: Path) -> None:
        make(
            inside,
            "Dockerfile.gen",
            "a/Dockerfile.gen",
            "a/b/Dockerfile.gen",
            "out/Dockerfile",
            "a/out/Dockerfile",
        )
        (inside / ".gitignore").write_text("*.gen\n/out/\n")
        (inside / "a/.gitignore").write_text("!Dockerfile.gen\n")
        (inside / "a/b/.gitignore").write_text("Dockerfile.*\n")
        assert found(".") == ["a/Dockerfile.gen", "a/out/Dockerfile"]

    def test_from_above_the_named_folder_up_to_the_repository(self, inside: Path) -> None:
        make(inside, "repo/a/Dockerfile", "repo/a/Dockerfile.gen", "repo/a/Dockerfile.dev")
        (inside / "repo/.git/info").mkdir(parents=True)
        (inside / ".gitignore").write_text("*\n")
        (inside / "repo/.gitignore").write_text("*.gen\n")
        (inside / "repo/.git/info/exclude").write_text("*.dev\n")
        assert found("repo/a") == ["repo/a/Dockerfile"]
        assert found("repo") == ["repo/a/Dockerfile"]

    def test_a_named_ignored_folder_is_walked(self, inside: Path) -> None:
        make(inside, "out/x/Dockerfile")
        (inside / ".git").mkdir()
        (inside / ".gitignore").write_text("out/\n")
        assert found(".") == []
        assert found("out") == ["out/x/Dockerfile"]
        assert found("out/x") == ["out/x/Dockerfile"]

    def test_malformed_lines_are_passed_over(self, inside: Path) -> None:
        make(inside, "Dockerfile", "Dockerfile.gen")
        (inside / ".gitignore").write_bytes(b"\xef\xbb\xbf*.gen\n!\n\\\n[z-a]\n\xff\n")
        assert found(".") == ["Dockerfile"]

    @pytest.mark.filterwarnings("error")
    def test_character_classes_of_git_warn_of_nothing(self, inside: Path) -> None:
        make(inside, "Dockerfile", "out/Dockerfile")
        (inside / ".git").mkdir()
        (inside / ".gitignore").write_text("[[:digit:]]\nout/\n")
        assert found(".") == ["Dockerfile"]

    def test_nested_repository_answers_to_its_own(self, inside: Path) -> None:
        make(inside, "sub/Dockerfile.gen")
        (inside / ".git").mkdir()
        (inside / "sub/.git").mkdir()
        (inside / ".gitignore").write_text("*.gen\n")
        assert found(".") == ["sub/Dockerfile.gen"]

    def test_as_git_has_it(self, inside: Path) -> None:
        names = [
            f"{folder}{name}"
            for folder in ("", "a/", "a/b/", "build/", "build/keep/", "a/build/", "doc/x/")
            for name in ("Dockerfile", "Dockerfile.dev", "Dockerfile.gen", "x.Dockerfile")
        ]
        make(inside, *names)
        (inside / ".gitignore").write_text(
            "# comment\n\n*.gen\n!a/b/*.gen\nbuild/*\n!build/keep/\n/x.Dockerfile\n"
            "doc/**/Dockerfile.d[a-e]v\n\\#odd\ntrailing \n"
        )
        (inside / "a/.gitignore").write_text("build\n/b/Dockerfile.dev\n")
        subprocess.run(["git", "init", "-q"], check=True)
        (inside / ".git/info/exclude").write_text("doc/x/Dockerfile\n")
        listed = subprocess.run(
            ["git", "ls-files", "-o", "--exclude-standard"], check=True, capture_output=True, text=True
        )
        expected = sorted(name for name in listed.stdout.split() if not name.endswith(".gitignore"))
        assert len(expected) < len(names)
        assert found(".") == expected

    def test_exclude_of_a_linked_work_tree(self, inside: Path) -> None:
        def git(*words: str) -> None:
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

        git("init", "-q", "main")
        git("-C", "main", "commit", "-q", "--allow-empty", "-m", "x")
        git("-C", "main", "worktree", "add", "-q", "../tree")
        make(inside, "tree/Dockerfile", "tree/Dockerfile.gen")
        (inside / "main/.git/info/exclude").write_text("*.gen\n")
        assert found("tree") == ["tree/Dockerfile"]

    def test_pathspec_is_imported_only_where_there_are_patterns(self, inside: Path) -> None:
        make(inside, "a/Dockerfile")
        (inside / ".gitignore").write_text("# nothing\n\n")
        code = (
            "import sys; from dockopt.workspace.discovery import find;"
            "find(['.'], lambda *_: False); print('pathspec' in sys.modules)"
        )
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout == "False\n"
