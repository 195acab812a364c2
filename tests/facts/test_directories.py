"""In which folder each command of a script runs."""

import pytest

from dockopt.facts.directories import directories
from dockopt.facts.facts import Facts
from dockopt.syntax.document import load


def places(script: str, workdir: str = "WORKDIR /app\n") -> list[str | None]:
    facts = Facts(load(f"FROM debian:13\n{workdir}RUN {script}\n".encode()))
    (view,) = facts.scripts
    return directories(facts, view)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("make", ["/app"]),
        ("cd web && npm ci", ["/app/web", "/app/web"]),
        ("cd /srv/web; npm ci", ["/srv/web", "/srv/web"]),
        ("cd web && npm ci && cd ../api && npm ci", ["/app/web", "/app/web", "/app/api", "/app/api"]),
        ("(cd web && npm ci) && make", ["/app/web", "/app/web", "/app"]),
        ("cd web && (cd lib && npm ci) && make", ["/app/web", "/app/web/lib", "/app/web/lib", "/app/web"]),
        ("apt-get update && cd web && npm ci", ["/app", "/app/web", "/app/web"]),
        ("make || true; cd web && npm ci", ["/app", "/app", "/app/web", "/app/web"]),
        ("(cd web && npm ci) || true", ["/app/web", "/app/web", "/app"]),
        ('cd "web" && npm ci', ["/app/web", "/app/web"]),
        ("<<EOF\ncd web\nnpm ci\nEOF", ["/app/web", "/app/web"]),
    ],
)
def test_known(script: str, expected: list[str]) -> None:
    assert places(script) == expected


@pytest.mark.parametrize(
    "script",
    [
        'cd "$WHERE" && npm ci',
        "cd && npm ci",
        "cd - && npm ci",
        "cd ~/web && npm ci",
        "cd w* && npm ci",
        "cd -P web && npm ci",
        "pushd web && npm ci",
        "pushd web && popd && npm ci",
        "if test -d web; then cd web; fi && npm ci",
        "for one in a b; do cd $one; done; npm ci",
        "test -d web && cd web; npm ci",
        "test -d web || cd web && npm ci",
        "(test -d web && cd web; npm ci)",
        "{ cd web; npm ci; }",
        "cd web | npm ci",
    ],
)
def test_unknown(script: str) -> None:
    assert places(script)[-1] is None


def test_unknown_until_an_absolute_folder_is_not_read_either() -> None:
    assert places("cd $HERE && cd /app/web && npm ci") == [None, None, None]


def test_without_a_working_directory() -> None:
    assert places("cd web && make", "WORKDIR $HERE\n") == [None, None]
