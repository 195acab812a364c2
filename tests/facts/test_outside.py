"""Facts from around the file: loaded when asked, once a run, those of the file as it was read."""

import subprocess
import sys
from pathlib import Path

import dockopt.api
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known
from dockopt.syntax.document import load


def test_a_start_loads_nothing_that_reads_around_the_file() -> None:
    code = (
        "import sys, dockopt.api as d\n"
        "d.rewrite(b'FROM python:3.12\\nRUN pip install x\\n', d.Options(select=('replace-maintainer',)), d.Outside('Dockerfile'))\n"
        "print([n for n in ('libcst', 'yaml', 'dockopt.facts.context', 'dockopt.facts.app.detect') if n in sys.modules])"
    )
    import os

    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "[]"


def test_only_one_module_imports_libcst() -> None:
    source = Path(dockopt.api.__file__).parent
    users = [path.name for path in source.rglob("*.py") if "import libcst" in path.read_text(encoding="utf-8")]
    assert users == ["pysource.py"]


def test_edited_documents_share_what_stands_around_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("", encoding="utf-8")
    first = Facts(load(b"FROM debian:12\nCOPY a /\n"), Outside(str(tmp_path / "Dockerfile")))
    second = Facts(load(b"FROM debian:12\nCOPY b /\n"), first.surroundings)
    assert isinstance(first.context, Known) and second.context is first.context
    assert second.app is first.app and second.launch is first.launch


def test_types_are_part_of_the_public_face() -> None:
    for name in ("App", "Context", "Launch"):
        assert getattr(dockopt.api, name).__name__ == name
    assert not hasattr(dockopt.api, "Nonesuch")


def test_a_from_without_an_image_is_no_crash() -> None:
    facts = Facts(load(b"FROM\nCOPY a /\n"))
    assert facts.base_image(facts.stages.all[0]) is None
    assert isinstance(facts.state(facts.stages.all[0].instructions[0]).user, tuple)
