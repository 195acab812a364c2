"""The scripts a start command leads through, and files by their path in the image."""

from __future__ import annotations

from pathlib import Path

from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.document import load

DOCKERFILE = b'FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD ["./start.sh"]\n'


def _facts(folder: Path) -> Facts:
    (folder / "Dockerfile").write_bytes(DOCKERFILE)
    (folder / "start.sh").write_text("#!/bin/sh\nexec python app.py\n")
    (folder / "app.py").write_text("print()\n")
    return Facts(load(DOCKERFILE), Outside(str(folder / "Dockerfile")))


def test_the_scripts_are_named(tmp_path: Path) -> None:
    launch = _facts(tmp_path).launch
    assert isinstance(launch, Known)
    assert (launch.value.argv, launch.value.scripts) == (("python", "app.py"), ("start.sh",))


def test_a_copied_file_is_read_by_its_path_in_the_image(tmp_path: Path) -> None:
    facts = _facts(tmp_path)
    stage = facts.stages.all[-1]
    assert facts.copied_text("/app/app.py", stage) == Known("print()\n", "app.py")
    assert facts.copied_text("/opt/app.py", stage) == Unknown("no COPY puts /opt/app.py there")


def test_without_a_place_no_file_is_read() -> None:
    facts = Facts(load(DOCKERFILE))
    assert isinstance(facts.copied_text("/app/app.py", facts.stages.all[-1]), Unknown)
