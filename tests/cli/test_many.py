"""Many files: all cores, the order kept, a progress bar on a terminal only."""

from __future__ import annotations

import os
import pty
import re
import subprocess

import pytest

from tests.cli.support import AFTER, BEFORE, SELECT, Run

COUNT = 60
NO_FORK = "import dockopt.workspace.pool as pool\npool.can_fork = lambda: False\n"
TWO_CORES = "import dockopt.workspace.pool as pool\npool.cores = lambda: 2\n"
ONE_CORE = "import dockopt.workspace.pool as pool\npool.cores = lambda: 1\n"


@pytest.fixture
def many(dockopt: Run) -> Run:
    for number in range(COUNT):
        folder = dockopt.folder / f"{number % 7}/{number:02}"
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_bytes(BEFORE)
    return dockopt


def test_the_same_on_one_core_and_on_more(many: Run) -> None:
    one = many("fix", "--diff", "--verbose", SELECT, patch=ONE_CORE)
    assert one.out.count(b"--- a/") == COUNT
    names = re.findall(rb"--- a/(.*)\n", one.out)
    assert names == sorted(names)
    for patch in (TWO_CORES, TWO_CORES + NO_FORK):
        other = many("fix", "--diff", "--verbose", SELECT, patch=patch)
        assert (other.code, other.out, other.err) == (one.code, one.out, one.err)


@pytest.mark.parametrize("patch", [TWO_CORES, TWO_CORES + NO_FORK, ONE_CORE])
def test_all_are_rewritten_but_the_bad_one(many: Run, patch: str) -> None:
    (many.folder / "3/Dockerfile").write_bytes(b"")
    done = many("fix", SELECT, patch=patch)
    assert done.code == 2
    assert done.err == (
        "dockopt: 3/Dockerfile: is empty; there is nothing to rewrite\n"
        f"  pip-no-cache-dir        {COUNT} in {COUNT} files\n"
        f"  replace-maintainer      {COUNT} in {COUNT} files\n"
        f"{COUNT + 1} files, {COUNT} fixed with {2 * COUNT} changes; "
        "'dockopt check' tells what --unsafe-fixes would add; 1 error\n"
    )
    assert done.out.count(b"\n") == COUNT
    rewritten = [path for path in many.folder.rglob("Dockerfile") if path.read_bytes() == AFTER]
    assert len(rewritten) == COUNT


def test_a_progress_bar_on_a_terminal_once_it_takes_long(many: Run) -> None:
    def shown(*words: str, patience: float = 0.5) -> str:
        patch = (
            f"{TWO_CORES}import time\nimport dockopt.workspace.run as run\nrewrite = run.rewrite\n"
            "run.rewrite = lambda *_: time.sleep(0.05) or rewrite(*_)\n"
            f"import dockopt.report.progress as progress\nprogress.PATIENCE = {patience}\n"
        )
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            many.command("fix", "--check", SELECT, *words, patch=patch),
            stdout=subprocess.DEVNULL,
            stderr=follower,
            cwd=many.folder,
            env=many.environment({"TERM": "xterm"}),
        )
        os.close(follower)
        text = b""
        try:
            while part := os.read(leader, 1 << 16):
                text += part
        except OSError:
            pass  # the other end is closed
        os.close(leader)
        process.wait()
        return text.decode()

    bar = shown()
    assert f"/{COUNT}" in bar
    assert f"{COUNT} files, {COUNT} would be fixed" in bar
    assert f"/{COUNT}" not in shown("--quiet")
    assert f"/{COUNT}" not in shown(patience=600)
