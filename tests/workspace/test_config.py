"""dockopt.toml and [tool.dockopt]."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockopt.workspace.config import ConfigProblem, Configurations, Settings

IDS = {"merge-runs": ("merge-runs",), "packages": ("apk-no-cache", "pip-no-cache-dir")}

ALLOWED = "select, ignore, unsafe-fixes, exclude, online, registry-mirrors"
ADDRESSES = "a list of addresses, each https:// and a host (http:// for this machine only)"
TRANSFORMS = "a list of transforms, each an id, an alias or a family"


def resolve(name: str) -> tuple[str, ...]:
    if name not in IDS:
        raise ValueError(f"unknown transform {name!r}; merge-runs?")
    return IDS[name]


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a/b").mkdir(parents=True)
    return tmp_path


def of(folder: Path) -> Settings:
    return Configurations(resolve).of(str(folder))


def problem(folder: Path) -> str:
    with pytest.raises(ConfigProblem) as info:
        of(folder)
    assert "\n" not in str(info.value)
    return str(info.value)


def test_none(inside: Path) -> None:
    assert of(inside / "a") == Settings()


def test_every_key(inside: Path) -> None:
    (inside / "dockopt.toml").write_text(
        'select = ["packages"]\nignore = ["merge-runs"]\nunsafe-fixes = true\nexclude = ["vendor/"]\n'
        'online = true\nregistry-mirrors = ["https://mirror.example/", "http://127.0.0.1:5000"]\n'
    )
    assert of(inside / "a/b") == Settings(
        ("apk-no-cache", "pip-no-cache-dir"),
        ("merge-runs",),
        True,
        ("vendor/",),
        online=True,
        mirrors=("https://mirror.example", "http://127.0.0.1:5000"),
        folder=str(inside),
    )


def test_pyproject(inside: Path) -> None:
    (inside / "pyproject.toml").write_text('[tool.dockopt]\nignore = ["merge-runs"]\n')
    assert of(inside).ignore == ("merge-runs",)


def test_the_nearest_wins_whole(inside: Path) -> None:
    (inside / "dockopt.toml").write_text('ignore = ["merge-runs"]\nunsafe-fixes = true')
    (inside / "a/pyproject.toml").write_text("[tool.dockopt]\nunsafe-fixes = false")
    (inside / "a/b/pyproject.toml").write_text("[tool.other]\nx = 1")
    assert of(inside / "a/b") == Settings(unsafe=False, folder=str(inside / "a"))
    assert of(inside).unsafe is True


def test_dockopt_toml_comes_before_pyproject(inside: Path) -> None:
    (inside / "dockopt.toml").write_text("unsafe-fixes = true")
    (inside / "pyproject.toml").write_text("[tool.dockopt]\nunsafe-fixes = false")
    assert of(inside).unsafe is True


def test_an_empty_dockopt_toml_shields_from_those_above(inside: Path) -> None:
    (inside / "dockopt.toml").write_text("unsafe-fixes = true")
    (inside / "a/dockopt.toml").write_text("")
    assert of(inside / "a") == Settings(folder=str(inside / "a"))


def test_the_repository_is_the_limit(inside: Path) -> None:
    (inside / "dockopt.toml").write_text("unsafe-fixes = true")
    (inside / "a/.git").write_text("gitdir: elsewhere")
    assert of(inside / "a/b") == Settings()
    (inside / "a/dockopt.toml").write_text("unsafe-fixes = true")
    assert of(inside / "a/b").unsafe is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", f"dockopt.toml: unknown key selct, did you mean select? allowed are {ALLOWED}"),
        ("zzz = 1", f"dockopt.toml: unknown key zzz; allowed are {ALLOWED}"),
        ("online = 1", "dockopt.toml: online must be true or false, not 1"),
        ('registry-mirrors = "https://a.example"', f"dockopt.toml: registry-mirrors must be {ADDRESSES}, not 'https://a.example'"),
        ('registry-mirrors = ["http://a.example"]', f"dockopt.toml: registry-mirrors must be {ADDRESSES}, not 'http://a.example'"),
        ("unsafe-fixes = 1", "dockopt.toml: unsafe-fixes must be true or false, not 1"),
        ('unsafe-fixes = "yes"', "dockopt.toml: unsafe-fixes must be true or false, not 'yes'"),
        ('select = "merge-runs"', f"dockopt.toml: select must be {TRANSFORMS}, not 'merge-runs'"),
        ("ignore = [1]", f"dockopt.toml: ignore must be {TRANSFORMS}, not [1]"),
        ("select = []", "dockopt.toml: select is empty, so nothing would run; leave the key out"),
        ('ignore = ["merge-run"]', "dockopt.toml: ignore: unknown transform 'merge-run'; merge-runs?"),
        ("exclude = true", "dockopt.toml: exclude must be a list of patterns as in .gitignore, not True"),
        ('exclude = ["!"]', "dockopt.toml: exclude: '!' is no pattern as git knows them"),
        ('exclude = ["[z-a]"]', "dockopt.toml: exclude: '[z-a]' is no pattern as git knows them"),
    ],
)  # fmt: skip
def test_wrong(inside: Path, text: str, message: str) -> None:
    (inside / "dockopt.toml").write_text(text)
    assert problem(inside / "a") == message


def test_wrong_in_pyproject(inside: Path) -> None:
    (inside / "a/pyproject.toml").write_text("[tool.dockopt]\nfix = true")
    assert problem(inside / "a").startswith("a/pyproject.toml: unknown key fix")
    (inside / "a/pyproject.toml").write_text("[tool]\ndockopt = {fix = true}")
    assert problem(inside / "a").startswith("a/pyproject.toml: unknown key fix")
    (inside / "a/pyproject.toml").write_text("tool.dockopt = 3")
    assert problem(inside / "a").startswith("a/pyproject.toml: tool.dockopt must be a table")


@pytest.mark.parametrize("data", [b"select = [", b'exclude = ["\xff"]'])
def test_not_toml(inside: Path, data: bytes) -> None:
    (inside / "dockopt.toml").write_bytes(data)
    assert problem(inside).startswith("dockopt.toml: is not valid TOML: ")


def test_unreadable(inside: Path) -> None:
    (inside / "dockopt.toml").mkdir()
    assert problem(inside) == "dockopt.toml: cannot be read: is a directory"


def test_a_problem_outside_the_current_folder_is_shown_by_its_full_path(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inside / "dockopt.toml").write_text("x = 1")
    monkeypatch.chdir(inside / "a")
    assert problem(inside / "a").startswith(f"{inside}/dockopt.toml: unknown key x")


class TestExclude:
    def test_patterns_count_from_the_file_that_has_them(self, inside: Path) -> None:
        (inside / "a/dockopt.toml").write_text('exclude = ["/b/", "*.gen"]')
        configurations = Configurations(resolve)
        a, b = str(inside / "a"), str(inside / "a/b")
        assert configurations.excluded(a, b, True)
        assert not configurations.excluded(str(inside), str(inside / "b"), True)
        assert configurations.excluded(b, f"{b}/Dockerfile.gen", False)
        assert not configurations.excluded(a, f"{a}/Dockerfile", False)

    def test_a_wrong_configuration_excludes_nothing(self, inside: Path) -> None:
        (inside / "dockopt.toml").write_text('exclude = ["*"]\nx = 1')
        assert not Configurations(resolve).excluded(str(inside), str(inside / "Dockerfile"), False)


def test_tomllib_is_imported_only_for_a_configuration(inside: Path) -> None:
    (inside / "pyproject.toml").write_text("[tool.other]\nname = 1")
    code = (
        "import os, sys; from dockopt.workspace.config import Configurations;"
        "Configurations(lambda name: ()).of(os.getcwd()); print('tomllib' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path[:0] = " + repr(sys.path) + "; " + code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "False\n"
