"""Python applications: app objects, servers, ports, health routes, and where nothing may be said."""

from typing import Any

import pytest

from dockopt.facts.facts import Facts
from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project, app_of

HEAD = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
FASTAPI = 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/health")\ndef health():\n    return {}\n'


def facts_of(project: Project, command: str, files: dict[str, str], head: str = HEAD) -> Facts:
    return project(head + command + "\n", **{"requirements.txt": "fastapi\n", **files})


def value(fact: Known[Any] | Unknown) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def reason(fact: Known[Any] | Unknown) -> str:
    assert isinstance(fact, Unknown), fact
    return fact.reason


def test_fastapi(project: Project) -> None:
    app = app_of(
        facts_of(
            project, 'CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8080"]', {"app/main.py": FASTAPI}
        )
    )
    assert app.ecosystem == "python" and app.root == "."
    assert app.framework == Known("fastapi", "app/main.py:3")
    assert app.server == Known("uvicorn", "line 4: CMD") and value(app.app_object) == "app.main:app"
    assert app.port == Known(8080, "line 4: CMD")
    assert app.health == Known("/health", "app/main.py:7")
    assert app.manager == Known("pip", "requirements.txt") and app.manifests == ("requirements.txt",)
    assert app.needs_sources == Known(False, "requirements.txt")


@pytest.mark.parametrize(
    ("command", "port", "server"),
    [
        ('CMD ["uvicorn", "m:app"]', 8000, "uvicorn"),
        ("CMD uvicorn m:app --port=9000", 9000, "uvicorn"),
        ("CMD exec uvicorn m:app --port 9001", 9001, "uvicorn"),
        ('CMD ["python", "-m", "uvicorn", "m:app", "--port", "9002"]', 9002, "uvicorn"),
        ('CMD ["sh", "-c", "alembic upgrade head && exec uvicorn m:app --port 9003"]', 9003, "uvicorn"),
        ("ENV PORT=9004\nCMD uvicorn m:app --port $PORT", 9004, "uvicorn"),
        ("CMD uvicorn m:app --port ${PORT:-9005}", 9005, "uvicorn"),
        ('ENTRYPOINT ["uvicorn"]\nCMD ["m:app", "--port", "9006"]', 9006, "uvicorn"),
        ('CMD ["poetry", "run", "uvicorn", "m:app"]', 8000, "uvicorn"),
        (
            'ENTRYPOINT ["tini", "--"]\nCMD ["gunicorn", "-b", "0.0.0.0:9007", "-k", "uvicorn.workers.UvicornWorker", "m:app"]',
            9007,
            "gunicorn",
        ),
        ('CMD ["gunicorn", "--bind=:9008", "m:app"]', 9008, "gunicorn"),
        ('CMD ["gunicorn", "m:app"]', 8000, "gunicorn"),
        ('ENV PORT=9009\nCMD ["gunicorn", "m:app"]', 9009, "gunicorn"),
        ('CMD ["hypercorn", "m:app", "--bind", "0.0.0.0:9010"]', 9010, "hypercorn"),
        ('CMD ["fastapi", "run", "m.py", "--port", "9011"]', 9011, "uvicorn"),
        ('CMD ["granian", "--interface", "asgi", "--port", "9012", "m:app"]', 9012, "granian"),
        ('CMD ["python", "-u", "m.py"]', 9100, "uvicorn"),
        ('CMD ["opentelemetry-instrument", "uvicorn", "m:app"]', 8000, "uvicorn"),
    ],
)
def test_servers(project: Project, command: str, port: int, server: str) -> None:
    text = (
        FASTAPI
        + '\nif __name__ == "__main__":\n    import uvicorn\n\n    uvicorn.run(app, host="0.0.0.0", port=9100)\n'
    )
    app = app_of(facts_of(project, command, {"m.py": text}))
    assert (value(app.port), value(app.server), value(app.health)) == (port, server, "/health")


@pytest.mark.parametrize(
    ("code", "env", "port"),
    [
        ("8100", "", 8100),
        ('int(os.environ.get("PORT", 8101))', "", 8101),
        ('int(os.getenv("PORT", "8102"))', "", 8102),
        ('int(os.environ.get("PORT", 8101))', "ENV PORT=8103\n", 8103),
        ('int(os.environ["PORT"])', "ENV PORT=8104\n", 8104),
        ('int(os.getenv("PORT") or 8105)', "", 8105),
        ("PORT", "", 8106),
        ('int(os.environ["PORT"])', "", None),
        ("choose()", "", None),
        ("settings.port", "", None),
        ('int(os.environ.get("PORT", 8101))', "ARG PORT\n", None),
    ],
)
def test_ports_from_code(project: Project, code: str, env: str, port: int | None) -> None:
    text = f"import os\nimport uvicorn\n{FASTAPI}\nPORT = 8106\n\n\ndef main():\n    uvicorn.run(app, port={code})\n\n\nif __name__ == '__main__':\n    main()\n"
    app = app_of(facts_of(project, env + 'CMD ["python", "m.py"]', {"m.py": text}))
    if port is None:
        assert "m.py:16" in reason(app.port) and "does not evaluate" in reason(app.port)
    else:
        assert value(app.port) == port


def test_expose_where_nothing_else_says(project: Project) -> None:
    files = {"m.py": "import os\nimport uvicorn\n" + FASTAPI + 'uvicorn.run(app, port=int(os.environ["PORT"]))\n'}
    assert app_of(facts_of(project, 'EXPOSE 8200\nCMD ["python", "m.py"]', files)).port == Known(8200, "EXPOSE 8200")
    assert isinstance(app_of(facts_of(project, 'EXPOSE 8200 8201\nCMD ["python", "m.py"]', files)).port, Unknown)
    assert isinstance(app_of(facts_of(project, 'EXPOSE 8200/udp\nCMD ["python", "m.py"]', files)).port, Unknown)


def test_routers_prefixes_and_constants(project: Project) -> None:
    app = app_of(
        facts_of(
            project,
            'CMD ["uvicorn", "app.main:app"]',
            {
                "app/__init__.py": "",
                "app/main.py": "from fastapi import FastAPI\nfrom app.api import router as api\nfrom .config import PREFIX\n\napp = FastAPI()\napp.include_router(api, prefix=PREFIX)\n",
                "app/config.py": 'PREFIX = "/api" + "/v1"\n',
                "app/api/__init__.py": "from fastapi import APIRouter\nfrom . import ops\n\nrouter = APIRouter()\nrouter.include_router(ops.router)\n",
                "app/api/ops.py": 'from fastapi import APIRouter\n\nrouter = APIRouter(prefix="/ops")\n\n\n@router.get("/ready")\nasync def ready():\n    return {}\n',
            },
        )
    )
    assert app.health == Known("/api/v1/ops/ready", "app/api/ops.py:7")


def test_a_prefix_that_is_no_text_is_not_guessed(project: Project) -> None:
    files = {
        "m.py": "from fastapi import FastAPI, APIRouter\nfrom s import settings\napp = FastAPI()\nr = APIRouter()\n@r.get('/health')\ndef h(): ...\napp.include_router(r, prefix=settings.prefix)\n"
    }
    assert "prefix is no text" in reason(app_of(facts_of(project, 'CMD ["uvicorn", "m:app"]', files)).health)


FACTORY = """\
from flask import Flask
from .routes import register


def create_app(config=None):
    app = Flask(__name__)
    register(app)
    return app
"""


@pytest.mark.parametrize(
    "command",
    [
        'CMD ["gunicorn", "web:create_app()"]',
        "CMD gunicorn 'web:create_app()'",
        'ENV FLASK_APP=web:create_app\nCMD ["flask", "run"]',
        'ENV FLASK_APP=web\nCMD ["flask", "run"]',
        'CMD ["gunicorn", "web.wsgi:app"]',
    ],
)
def test_flask_factory_helper_and_blueprint(project: Project, command: str) -> None:
    files = {
        "web/__init__.py": FACTORY,
        "web/wsgi.py": "from web import create_app\n\napp = create_app()\n",
        "web/routes.py": "from .ops import bp\n\n\ndef register(application):\n    application.register_blueprint(bp, url_prefix='/ops')\n",
        "web/ops.py": "from flask import Blueprint\n\nbp = Blueprint('ops', __name__, url_prefix='/unused')\n\n\n@bp.route('/healthz', methods=['GET'])\ndef ok():\n    return ''\n",
    }
    app = app_of(facts_of(project, command, files))
    assert (value(app.framework), value(app.health)) == ("flask", "/ops/healthz")


def test_flask_run_ports(project: Project) -> None:
    text = "from flask import Flask\napp = Flask(__name__)\n@app.route('/ping')\ndef p(): return ''\nif __name__ == '__main__':\n    app.run(host='0.0.0.0')\n"
    app = app_of(facts_of(project, 'CMD ["python", "app.py"]', {"app.py": text}))
    assert (value(app.port), value(app.server), value(app.health)) == (5000, "flask", "/ping")
    app = app_of(
        facts_of(project, 'CMD ["flask", "--app", "app", "run", "--host", "0.0.0.0", "-p", "5001"]', {"app.py": text})
    )
    assert value(app.port) == 5001


def test_starlette(project: Project) -> None:
    text = (
        "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\nfrom h import ok\n"
        "inner = [Route('/live', ok)]\nroutes = [Mount('/sys', routes=inner), Route('/post-health', ok, methods=['POST'])]\n"
        "app = Starlette(routes=routes)\n"
    )
    assert value(app_of(facts_of(project, 'CMD ["uvicorn", "m:app"]', {"m.py": text})).health) == "/sys/live"


def test_aiohttp(project: Project) -> None:
    text = (
        "from aiohttp import web\nroutes = web.RouteTableDef()\n@routes.get('/health')\nasync def h(r): ...\n"
        "def make():\n    app = web.Application()\n    app.add_routes(routes)\n    app.add_routes([web.get('/ping', h)])\n    return app\n"
        "if __name__ == '__main__':\n    web.run_app(make(), port=8085)\n"
    )
    app = app_of(facts_of(project, 'CMD ["python3", "m.py"]', {"m.py": text}))
    assert (value(app.framework), value(app.port), value(app.health)) == ("aiohttp", 8085, "/health")


def test_sanic(project: Project) -> None:
    text = "from sanic import Sanic, Blueprint\napp = Sanic('x')\nbp = Blueprint('b', url_prefix='/b')\n@bp.get('/health')\nasync def h(r): ...\napp.blueprint(bp)\n"
    app = app_of(facts_of(project, 'CMD ["sanic", "m:app", "--host=0.0.0.0", "--port=8086"]', {"m.py": text}))
    assert (value(app.framework), value(app.port), value(app.health)) == ("sanic", 8086, "/b/health")


def test_litestar(project: Project) -> None:
    text = (
        "from litestar import Controller, Litestar, Router, get\n\n\nclass Ops(Controller):\n    path = '/ops'\n\n    @get('/ready')\n    async def ready(self) -> str: ...\n\n\n"
        "api = Router(path='/api', route_handlers=[Ops])\napp = Litestar(route_handlers=[api])\n"
    )
    app = app_of(facts_of(project, 'CMD ["litestar", "--app", "m:app", "run", "--port", "8087"]', {"m.py": text}))
    assert (value(app.framework), value(app.health)) == ("litestar", "/api/ops/ready")


DJANGO = {
    "manage.py": "import os\n\n\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n",
    "site_/__init__.py": "",
    "site_/settings.py": "ALLOWED_HOSTS = ['*']\nROOT_URLCONF = 'site_.urls'\n",
    "site_/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\napplication = get_wsgi_application()\n",
    "site_/urls.py": "from django.urls import include, path\n\nurlpatterns = [path('admin/', None), path('ops/', include('ops.urls'))]\n",
    "ops/urls.py": "from django.urls import path\nfrom . import views\n\nurlpatterns = [path('healthz', views.ok)]\nurlpatterns += [path('x', views.x)]\n",
}


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ('CMD ["gunicorn", "site_.wsgi:application", "--bind", "0.0.0.0:8088"]', 8088),
        ('CMD ["python", "manage.py", "runserver", "0.0.0.0:8089"]', 8089),
        ("CMD gunicorn site_.wsgi", 8000),
    ],
)
def test_django(project: Project, command: str, port: int) -> None:
    app = app_of(facts_of(project, command, DJANGO))
    assert (value(app.framework), value(app.port), value(app.health)) == ("django", port, "/ops/healthz")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("ROOT_URLCONF = 'site_.urls'\nALLOWED_HOSTS = ['example.org']\n", "ALLOWED_HOSTS"),
        ("ROOT_URLCONF = 'site_.urls'\nALLOWED_HOSTS = os.environ['H'].split()\n", "ALLOWED_HOSTS"),
        ("ROOT_URLCONF = 'site_.urls'\nALLOWED_HOSTS = ['*']\nSECURE_SSL_REDIRECT = True\n", "SECURE_SSL_REDIRECT"),
        ("ALLOWED_HOSTS = ['*']\n", "ROOT_URLCONF"),
        ("ALLOWED_HOSTS = [\n", "syntax error"),
    ],
)
def test_django_that_would_refuse_a_probe(project: Project, settings: str, why: str) -> None:
    app = app_of(facts_of(project, 'CMD ["gunicorn", "site_.wsgi"]', {**DJANGO, "site_/settings.py": settings}))
    assert why in reason(app.health)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "from fastapi import FastAPI, Depends\napp = FastAPI()\n@app.get('/health', dependencies=[Depends(x)])\ndef h(): ...\n",
            "not open to a probe",
        ),
        (
            "from fastapi import FastAPI, Depends\napp = FastAPI(dependencies=[Depends(x)])\n@app.get('/health')\ndef h(): ...\n",
            "not open to a probe",
        ),
        (
            "from fastapi import FastAPI, Depends\napp = FastAPI()\n@app.get('/health')\ndef h(user=Depends(get_current_user)): ...\n",
            "not open to a probe",
        ),
        (
            "from fastapi import FastAPI\napp = FastAPI()\napp.add_middleware(AuthMiddleware)\n@app.get('/health')\ndef h(): ...\n",
            "AuthMiddleware",
        ),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.post('/health')\ndef h(): ...\n", "no route"),
        (
            "from fastapi import FastAPI\napp = FastAPI()\nif DEBUG:\n    @app.get('/health')\n    def h(): ...\n",
            "no route",
        ),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/{name}/health')\ndef h(): ...\n", "no route"),
        ("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/healthy-food')\ndef h(): ...\n", "no route"),
        (
            "from flask import Flask\nfrom flask_login import login_required\napp = Flask(__name__)\n@app.route('/health')\n@login_required\ndef h(): ...\n",
            "login_required",
        ),
    ],
)
def test_routes_that_are_no_probe(project: Project, code: str, why: str) -> None:
    assert why in reason(app_of(facts_of(project, 'CMD ["uvicorn", "m:app"]', {"m.py": code})).health)


def test_a_syntax_error_is_said_and_nothing_guessed(project: Project) -> None:
    app = app_of(
        facts_of(project, 'EXPOSE 8000\nCMD ["uvicorn", "m:app", "--port", "8000"]', {"m.py": "app = FastAPI(\n"})
    )
    for fact in (app.framework, app.app_object, app.health):
        assert reason(fact).startswith("m.py: line ") and "syntax error" in reason(fact)
    assert value(app.port) == 8000


def test_a_syntax_error_in_a_router_is_said(project: Project) -> None:
    files = {
        "m.py": "from fastapi import FastAPI\nfrom r import router\napp = FastAPI()\napp.include_router(router)\n",
        "r.py": "def (:\n",
    }
    assert "r.py" in reason(app_of(facts_of(project, 'CMD ["uvicorn", "m:app"]', files)).health)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ('CMD ["celery", "-A", "m", "worker"]', "worker"),
        ('CMD ["uvicorn", "m:app", "--ssl-keyfile", "k"]', "no plain HTTP"),
        ('CMD ["uvicorn", "m:app", "--uds", "/s"]', "no plain HTTP"),
        ('CMD ["gunicorn", "-b", "unix:/s", "m:app"]', "no TCP port"),
        ("ARG P\nCMD uvicorn m:app --port $P", "not known before the run"),
        ('CMD ["gunicorn", "-c", "none.py", "m:app"]', "none.py"),
        ('CMD ["python", "other.py"]', "no file of the build context"),
        ('CMD ["python"]', "without a file"),
        ('CMD ["python", "m.py"]', "starts no server"),
    ],
)
def test_ports_that_are_not_known(project: Project, command: str, why: str) -> None:
    assert why in reason(app_of(facts_of(project, command, {"m.py": FASTAPI})).port)


def test_gunicorn_configuration(project: Project) -> None:
    files = {"m.py": FASTAPI, "gunicorn.conf.py": "import os\nbind = '0.0.0.0:8090'\nwsgi_app = 'm:app'\n"}
    app = app_of(facts_of(project, 'CMD ["gunicorn"]', files))
    assert (value(app.port), value(app.app_object)) == (8090, "m:app")
    app = app_of(
        facts_of(project, 'CMD ["gunicorn", "m:app"]', {**files, "gunicorn.conf.py": "bind = f'0.0.0.0:{x}'\n"})
    )
    assert "gunicorn.conf.py:1" in reason(app.port)


def test_a_start_script_is_followed(project: Project) -> None:
    files = {
        "m.py": FASTAPI,
        "docker/start.sh": "#!/bin/sh\nset -e\nexport PORT=8091\npython -m migrate\nexec uvicorn m:app --port $PORT\n",
    }
    app = app_of(facts_of(project, 'CMD ["./docker/start.sh"]', files))
    assert app.port == Known(8091, "line 4: CMD, docker/start.sh")
    files["entry.sh"] = '#!/bin/sh\nmigrate\nexec "$@"\n'
    app = app_of(
        facts_of(
            project,
            'COPY entry.sh /entry.sh\nENTRYPOINT ["/entry.sh"]\nCMD ["uvicorn", "m:app", "--port", "8092"]',
            files,
        )
    )
    assert value(app.port) == 8092
    app = app_of(facts_of(project, 'ENTRYPOINT ["/missing.sh"]\nCMD ["uvicorn", "m:app"]', files))
    assert "no file of the build context" in reason(app.port)


def test_sources_through_stages_and_pythonpath(project: Project) -> None:
    head = "FROM python:3.12 AS build\nWORKDIR /b\nCOPY svc/ ./\nFROM python:3.12-slim\nWORKDIR /srv\nENV PYTHONPATH=lib\nCOPY --from=build /b/code /srv/lib\n"
    app = app_of(
        facts_of(project, 'CMD ["uvicorn", "m:app"]', {"svc/requirements.txt": "x\n", "svc/code/m.py": FASTAPI}, head)
    )
    assert value(app.health) == "/health"


def test_no_command(project: Project) -> None:
    facts = project("FROM acme/python\nWORKDIR /app\nCOPY . .\n", **{"requirements.txt": "x\n"})
    assert "no CMD" in reason(facts.launch) and "no CMD" in reason(app_of(facts).port)


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        ({"requirements.txt": "x\n"}, "pip"),
        ({"uv.lock": "", "pyproject.toml": "[project]\nname='a'\n"}, "uv"),
        ({"poetry.lock": "", "pyproject.toml": "[tool.poetry]\nname='a'\n"}, "poetry"),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv"),
        ({"pyproject.toml": "[project]\nname='a'\n"}, "pip"),
        ({"poetry.lock": "", "requirements.txt": "x\n"}, None),
    ],
)
def test_managers(project: Project, files: dict[str, str], manager: str | None) -> None:
    app = app_of(project(HEAD + "CMD true\n", **files))
    assert (app.manager[0] == manager) if manager else ("several managers" in reason(app.manager))


def test_the_manager_the_dockerfile_calls(project: Project) -> None:
    files = {"poetry.lock": "", "pyproject.toml": "[tool.poetry]\nname='a'\n", "requirements.txt": "x\n"}
    app = app_of(project(HEAD + "RUN pip install -r requirements.txt\nCMD true\n", **files))
    assert value(app.manager) == "pip"


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("flask==1\n", False),
        ("-e .\n", True),
        ("./lib\n", True),
        ("pkg @ file:///x\n", True),
        ("-r base.txt\n", None),
        ("git+https://x/y.git\n", False),
        ("a==1 \\\n  --hash=sha256:x\n", False),
    ],
)
def test_requirements_that_need_sources(project: Project, line: str, needs: bool | None) -> None:
    app = app_of(project(HEAD + "CMD true\n", **{"requirements.txt": line}))
    if needs is None:
        assert "base.txt" in reason(app.needs_sources)
    else:
        assert value(app.needs_sources) is needs


def test_metadata(project: Project) -> None:
    text = "[project]\nname = 'shop'\nversion = '1.2'\ndescription = 'Sells'\nlicense = 'MIT'\nauthors = [{name = 'A', email = 'a@b.c'}]\n[project.urls]\nRepository = 'https://example.org/shop.git'\n"
    app = app_of(project(HEAD + "CMD true\n", **{"pyproject.toml": text}))
    assert {key: fact.value for key, fact in app.metadata.items()} == {
        "name": "shop", "version": "1.2", "description": "Sells", "license": "MIT", "authors": "A <a@b.c>", "url": "https://example.org/shop",
    }  # fmt: skip


def test_a_manifest_that_does_not_parse(project: Project) -> None:
    app = app_of(project(HEAD + "CMD true\n", **{"pyproject.toml": "[project\n", "uv.lock": ""}))
    assert "pyproject.toml does not parse" in reason(app.manager) and "pyproject.toml does not parse" in reason(
        app.needs_sources
    )


def test_flask_takes_the_one_instance(project: Project) -> None:
    files = {"hello.py": "from flask import Flask\nserver = Flask(__name__)\n@server.route('/health')\ndef h(): ...\n"}
    app = app_of(facts_of(project, 'ENV FLASK_APP=hello.py FLASK_RUN_PORT=8000\nCMD ["flask", "run"]', files))
    assert (value(app.port), value(app.health)) == (8000, "/health")


def test_a_factory_beside_imports_of_its_own_package(project: Project) -> None:
    files = {
        "app/main.py": "import app.models\nfrom fastapi import FastAPI\nfrom app.routes import router\n\n\ndef create_app():\n"
        "    app = FastAPI()\n    app.include_router(router)\n    return app\n\n\napp = create_app()\n\n"
        'if __name__ == "__main__":\n    import uvicorn\n\n    uvicorn.run(app, port=8040)\n',
        "app/models.py": "",
        "app/routes.py": "from fastapi import APIRouter\n\nPREFIX = '/v1'\nrouter = APIRouter()\n\n\n@router.get(f'{PREFIX}/health')\ndef h(): ...\n",
    }
    for command, port in (('["uvicorn", "app.main:app"]', 8000), ('["python", "-m", "app.main"]', 8040)):
        app = app_of(facts_of(project, f"CMD {command}", files))
        assert (value(app.port), value(app.health)) == (port, "/v1/health")
        assert value(app.app_object) == "app.main:app"


def test_flask_runs_what_a_factory_made(project: Project) -> None:
    files = {
        "run.py": "from web import create_app\n\napp = create_app()\n\nif __name__ == '__main__':\n    app.run(port=5055)\n",
        "web/__init__.py": "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n\n    @app.route('/ping')\n    def p():\n        return ''\n\n    return app\n",
    }
    app = app_of(facts_of(project, 'CMD ["python", "run.py"]', files))
    assert (value(app.server), value(app.port), value(app.health)) == ("flask", 5055, "/ping")


SETTINGS = """\
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    api_prefix: str = "/api/v2"


def get_settings():
    return Settings()


settings = get_settings()
"""
SETTLED = """\
from fastapi import APIRouter, FastAPI
from conf import settings

app = FastAPI()
router = APIRouter()


@router.get("/healthz")
def h(): ...


app.include_router(router, prefix=settings.api_prefix)
"""


@pytest.mark.parametrize(
    ("head", "more", "health"),
    [
        ("", {}, "/api/v2/healthz"),
        ("", {".env": "DEBUG=1\n"}, "/api/v2/healthz"),
        ("", {".env": "API_PREFIX=/other\n"}, None),
        ("ENV SHOP_API_PREFIX=/other\n", {}, None),
        ("", {"conf.py": SETTINGS.replace('"/api/v2"', "compute()")}, None),
        ("", {"conf.py": SETTINGS.replace("Settings()", "Settings(api_prefix='/x')")}, None),
    ],
)
def test_a_prefix_from_settings(project: Project, head: str, more: dict[str, str], health: str | None) -> None:
    files = {"conf.py": SETTINGS, "m.py": SETTLED, **more}
    found = app_of(facts_of(project, head + 'CMD ["uvicorn", "m:app"]', files)).health
    assert value(found) == health if health is not None else reason(found)


@pytest.mark.parametrize("path", ["f'/{x!r}/health'", "f'/{x:>3}/health'", "f'/{y}/health'", "f'\\\\x2f{x}/health'"])
def test_f_strings_that_are_not_followed(project: Project, path: str) -> None:
    text = f"from fastapi import FastAPI\nx = 'a'\napp = FastAPI()\n@app.get({path})\ndef h(): ...\n"
    assert reason(app_of(facts_of(project, 'CMD ["uvicorn", "m:app"]', {"m.py": text})).health)


@pytest.mark.parametrize(
    "flag", ['"-c", "conf/g.py"', '"--conf", "conf/g.py"', '"-c conf/g.py"', '"--config=conf/g.py"']
)
def test_the_configuration_of_gunicorn(project: Project, flag: str) -> None:
    files = {"m.py": FASTAPI, "conf/g.py": "bind = '0.0.0.0:8077'\n"}
    assert value(app_of(facts_of(project, f'CMD ["gunicorn", {flag}, "m:app"]', files)).port) == 8077
