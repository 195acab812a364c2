"""Procfile: the command of an image that has none, and what foreman and honcho run."""

import pytest

from dockopt.facts.app.model import Launch
from dockopt.facts.facts import Facts
from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project, app_of

START = "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
FILES = {
    "requirements.txt": "flask\ngunicorn\n",
    "shop.py": "from flask import Flask\napp = Flask(__name__)\n@app.route('/healthz')\ndef h():\n    return ''\n",
}


def launch_of(facts: Facts) -> Launch:
    assert isinstance(facts.launch, Known), facts.launch
    return facts.launch.value


def reason(facts: Facts) -> str:
    assert isinstance(facts.launch, Unknown), facts.launch
    return facts.launch.reason


def test_an_image_without_a_command(project: Project) -> None:
    facts = project(START, **FILES, Procfile="# all of it\nweb: gunicorn --bind 0.0.0.0:8000 shop:app\n")
    launch = launch_of(facts)
    assert launch.argv == ("gunicorn", "--bind", "0.0.0.0:8000", "shop:app")
    assert (launch.evidence, launch.cwd) == ("Procfile: web", "/app")
    app = app_of(facts)
    assert isinstance(app.port, Known) and app.port.value == 8000
    assert isinstance(app.server, Known) and app.server.value == "gunicorn"
    assert isinstance(app.health, Known) and app.health.value == "/healthz"


@pytest.mark.parametrize(
    ("line", "env", "port"),
    [
        ("gunicorn --bind 0.0.0.0:${PORT:-7000} shop:app", "", 7000),
        ("gunicorn --bind 0.0.0.0:$PORT shop:app", "", None),
        ("gunicorn --bind 0.0.0.0:$PORT shop:app", "ENV PORT=9000\n", 9000),
    ],
)
def test_the_port_is_the_platforms_to_choose(project: Project, line: str, env: str, port: int | None) -> None:
    found = app_of(project(START + env, **FILES, Procfile=f"web: {line}\n")).port
    assert (found.value if isinstance(found, Known) else None) == port


def test_a_node_app(project: Project) -> None:
    files = {
        "package.json": '{"dependencies": {"express": "4"}}',
        "s.js": 'const app = require("express")();\napp.listen(3000);\n',
    }
    facts = project("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n", **files, Procfile="web: node s.js\n")
    assert launch_of(facts).argv == ("node", "s.js")
    port = app_of(facts).port
    assert isinstance(port, Known) and port.value == 3000


@pytest.mark.parametrize(
    ("dockerfile", "procfile", "why"),
    [
        (
            START,
            "web: a\nworker: b\n",
            "there is no CMD or ENTRYPOINT, and Procfile has several processes: web, worker",
        ),
        (
            START,
            "release: migrate\nweb: a\n",
            "there is no CMD or ENTRYPOINT, and Procfile has several processes: release, web",
        ),
        (
            START,
            "web gunicorn\n",
            "there is no CMD or ENTRYPOINT, and Procfile:1 does not parse: it is no name with a command",
        ),
        (START, "# nothing\n", "there is no CMD or ENTRYPOINT, and Procfile names no process"),
        ("FROM acme/base\nWORKDIR /app\nCOPY . .\n", "web: a\n", "there is no CMD or ENTRYPOINT"),
    ],
)
def test_what_is_not_known(project: Project, dockerfile: str, procfile: str, why: str) -> None:
    assert reason(project(dockerfile, **FILES, Procfile=procfile)) == why


@pytest.mark.parametrize(
    ("lines", "program"),
    [
        ('CMD ["python", "shop.py"]\n', "python"),
        ('ENTRYPOINT ["python", "shop.py"]\n', "python"),
    ],
)
def test_the_dockerfiles_own_command_wins(project: Project, lines: str, program: str) -> None:
    assert launch_of(project(START + lines, **FILES, Procfile="web: gunicorn shop:app\n")).program == program


def test_a_server_of_the_base_image_wins(project: Project) -> None:
    facts = project("FROM php:8.3-apache\nCOPY . /var/www/html/\n", Procfile="web: php -S 0.0.0.0:80\n")
    assert launch_of(facts).program == "apache2-foreground"


def test_a_procfile_that_is_not_where_it_runs(project: Project) -> None:
    facts = project("FROM python:3.13\nWORKDIR /app\nCOPY shop.py .\n", **FILES, Procfile="web: gunicorn shop:app\n")
    assert launch_of(facts).argv == ("python3",)


@pytest.mark.parametrize(
    ("command", "procfile", "argv"),
    [
        ("honcho start", "web: gunicorn -b :$PORT shop:app\n", ("gunicorn", "-b", ":5000", "shop:app")),
        (
            "exec honcho start web",
            "web: gunicorn -b :$PORT shop:app\nwork: w\n",
            ("gunicorn", "-b", ":5000", "shop:app"),
        ),
        ("foreman start work", "web: a\nwork: b $PORT\n", ("b", "5100")),
        ("bundle exec foreman start -f Procfile.live", "web: a\n", ("live", "5000")),
        ("goreman -f Procfile.live start", "web: a\n", ("live", "5000")),
        ("forego start -p 7000 web", "web: a $PORT\nwork: b\n", ("a", "7000")),
        ("honcho --port=7000 start web", "web: a $PORT\nwork: b\n", ("a", "7000")),
        ("PORT=8080 honcho start", "web: a $PORT\n", ("a", "8080")),
    ],
)
def test_runners(project: Project, command: str, procfile: str, argv: tuple[str, ...]) -> None:
    files = {**FILES, "Procfile": procfile, "Procfile.live": "web: live $PORT\n"}
    launch = launch_of(project(f"{START}CMD {command}\n", **files))
    assert launch.argv == argv and "Procfile" in launch.evidence and launch.evidence.startswith("line 5: CMD, ")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("honcho start", "line 5: CMD: Procfile has several processes: web, work"),
        ("honcho start none", "line 5: CMD: Procfile has no process none"),
        ("honcho start web work", "line 5: CMD: honcho is not asked to start one process, or all"),
        ("foreman check", "line 5: CMD: foreman is not asked to start one process, or all"),
        ("foreman start -m web=2", "line 5: CMD: what -m makes of foreman is not read"),
        ("foreman start -f", "line 5: CMD: foreman -f lacks its value"),
        ("foreman start -f Gone", "line 5: CMD runs Gone, which is no file of the build context"),
    ],
)
def test_runners_that_are_not_known(project: Project, command: str, why: str) -> None:
    assert reason(project(f"{START}CMD {command}\n", **FILES, Procfile="web: a\nwork: b\n")) == why


def test_a_file_of_variables_may_set_the_port(project: Project) -> None:
    files = {**FILES, "Procfile": "web: a $PORT\n", ".env": "PORT=1234\n"}
    assert launch_of(project(f"{START}CMD honcho start\n", **files)).argv == ("a", "$PORT")
