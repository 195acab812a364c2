"""Which command a container runs."""

from pathlib import Path

import pytest

from dockopt.facts.app.launch import ImageFiles, unwrap
from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project


@pytest.mark.parametrize(
    ("lines", "argv"),
    [
        ('CMD ["a", "b"]', ("a", "b")),
        ("CMD a b", ("a", "b")),
        ("CMD exec a 'b c'", ("a", "b c")),
        ("CMD cd /x && a b", ("a", "b")),
        ("CMD setup; a", ("a",)),
        ("ENTRYPOINT a b\nCMD c", ("a", "b")),
        ('ENTRYPOINT ["a"]\nCMD ["b"]', ("a", "b")),
        ('ENTRYPOINT ["a"]\nCMD b', ("a", "/bin/sh", "-c", "b")),
        ('ENTRYPOINT ["/bin/sh", "-c"]\nCMD ["a b"]', ("a", "b")),
        ('ENTRYPOINT ["dumb-init", "--", "env", "X=1", "a"]', ("a",)),
        ("CMD X=1 a $Y", ("a", "$Y")),
        ("ENV Y=2\nCMD a $Y ${Z:-3}", ("a", "2", "3")),
    ],
)
def test_launch(project: Project, lines: str, argv: tuple[str, ...]) -> None:
    found = project(f"FROM acme/base\nWORKDIR /w\n{lines}\n").launch
    assert isinstance(found, Known) and found.value.argv == argv


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("", "no CMD"),
        ("CMD a || b", "alternative"),
        ("CMD a | b", "pipeline"),
        ("CMD a &", "background"),
        ("CMD if x; then a; fi", "if statement"),
        ("CMD 'unclosed", "does not parse"),
        ('CMD ["./none.sh"]', "no file of the build context"),
        ('ENTRYPOINT ["tini", "--"]', "no command is left"),
    ],
)
def test_no_launch(project: Project, lines: str, why: str) -> None:
    found = project(f"FROM acme/base\nWORKDIR /w\n{lines}\n").launch
    assert isinstance(found, Unknown) and why in found.reason


def test_the_commands_of_a_base_image(project: Project) -> None:
    found = project("FROM nginx:1.27\n").launch
    assert (isinstance(found, Unknown) and "/docker-entrypoint.sh" in found.reason) or (
        isinstance(found, Known) and found.value.program == "nginx"
    )
    found = project("FROM php:8.3-apache\n").launch
    assert isinstance(found, Known) and found.value.argv == ("apache2-foreground",)
    found = project('FROM node:22\nWORKDIR /a\nCMD ["node", "x.js"]\n').launch
    assert (
        isinstance(found, Known)
        and found.value.argv == ("node", "x.js")
        and found.value.wrappers == ("docker-entrypoint.sh",)
    )


def test_an_unknown_working_directory(project: Project) -> None:
    assert isinstance(project('FROM acme/base\nCMD ["a"]\n').launch, Unknown)


def test_parents_and_final_stage(project: Project) -> None:
    found = project('FROM acme/base AS a\nWORKDIR /w\nCMD ["x"]\nFROM a\nWORKDIR y\n').launch
    assert isinstance(found, Known) and (found.value.argv, found.value.cwd) == (("x",), "/w/y")


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        (("python", "-u", "-m", "gunicorn", "x"), ("gunicorn", "x")),
        (("python3.12", "-m", "app"), ("python3.12", "-m", "app")),
        (("python", "-u", "x.py"), ("python", "x.py")),
        (("gosu", "app", "a"), ("a",)),
        (("uv", "run", "--no-sync", "a"), ("a",)),
        (("bundle", "exec", "puma"), ("puma",)),
        (("bundle", "install"), ("bundle", "install")),
        (("tini", "-g", "--", "a"), ("a",)),
        (("newrelic-admin", "run-program", "a"), ("a",)),
    ],
)
def test_unwrap(words: tuple[str, ...], rest: tuple[str, ...]) -> None:
    assert unwrap(words)[0] == rest


def test_files_of_the_image(project: Project, tmp_path: Path) -> None:
    text = (
        "FROM acme/base AS b\nWORKDIR /b\nCOPY src/ .\nCOPY one.txt two.txt /etc/\nCOPY one.txt /renamed\nCOPY src/*.py /py/\n"
        "FROM acme/base\nWORKDIR /w\nCOPY . .\nCOPY --from=b /b/a.py /c/\nCOPY --from=b /etc /d\nCOPY --from=acme/other /x /y\n"
    )
    files = {"src/a.py": "", "src/d/e.py": "", "one.txt": "", "two.txt": ""}
    facts = project(text, **files)
    context = facts.context
    assert isinstance(context, Known)
    image = ImageFiles(facts, context.value)
    first, last = facts.stages.all
    found = {
        path: image.find(path, stage)
        for stage, paths in (
            (first, ("/b/a.py", "/b/d/e.py", "/etc/one.txt", "/renamed", "/py/a.py", "/one.txt", "/b")),
            (last, ("/w/src/a.py", "/w", "/c/a.py", "/d/two.txt", "/y", "/w/none")),
        )
        for path in paths
    }
    assert found == {
        "/b/a.py": "src/a.py", "/b/d/e.py": "src/d/e.py", "/etc/one.txt": "one.txt", "/renamed": "one.txt", "/py/a.py": "src/a.py",
        "/one.txt": None, "/b": "src", "/w/src/a.py": "src/a.py", "/w": ".", "/c/a.py": "src/a.py", "/d/two.txt": "two.txt", "/y": None,
        "/w/none": None,
    }  # fmt: skip
