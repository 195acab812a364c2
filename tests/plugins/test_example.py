"""A plug-in is installed with pip and found by its entry point, from the command line and the library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "example"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder the plug-in is installed into; dockopt itself comes from where the tests run."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def run(site: Path, *arguments: str, **keywords: object) -> subprocess.CompletedProcess[str]:
    paths = [str(site), str(ROOT / "src"), str(ROOT / "transforms")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=env, **keywords)  # type: ignore[call-overload, no-any-return]


def test_the_command_line_runs_it(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_bytes((EXAMPLE / "fixtures/drop-empty-label/plain/before.Dockerfile").read_bytes())
    done = run(site, "-m", "dockopt", "fix", str(file))
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == (EXAMPLE / "fixtures/drop-empty-label/plain/after.Dockerfile").read_bytes()
    rules = run(site, "-m", "dockopt", "rules")
    assert "drop-empty-label" in rules.stdout
    explained = run(site, "-m", "dockopt", "explain", "EX001")
    assert "An empty label says nothing" in explained.stdout


def test_the_public_fixture_runner_checks_it(site: Path) -> None:
    code = (
        "from pathlib import Path; from dockopt.testing import cases, check\n"
        f"found = cases(Path({str(EXAMPLE / 'fixtures')!r}))\n"
        "problems = [problem for case in found for problem in check(case)]\n"
        "print(len(found), problems)"
    )
    done = run(site, "-c", code)
    assert done.stdout.strip() == "3 []", done.stdout + done.stderr


def test_a_plugin_that_is_no_transform_is_one_clear_line(site: Path, tmp_path: Path) -> None:
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[dockopt.transforms]\nbroken = json:loads_not_there\n")
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    done = run(tmp_path, "-m", "dockopt", "fix", str(tmp_path / "Dockerfile"))
    assert done.returncode == 2
    assert "broken" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
