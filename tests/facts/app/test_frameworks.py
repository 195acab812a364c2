"""Every framework with every server: app objects, factories, ports, and health routes behind their prefixes."""

from typing import NamedTuple

import pytest

from dockopt.facts.app.model import App
from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project, app_of


class Source(NamedTuple):
    """The sources of one application, with its app object made at once and by a factory."""

    framework: str
    object: str  #: defines ``app`` in shop/main.py
    factory: str  #: defines ``create_app()`` there
    rest: dict[str, str]  #: other modules of the package
    health: str


FASTAPI_ROUTES = """
from fastapi import APIRouter

PREFIX = "/internal"
router = APIRouter(prefix=PREFIX)

@router.get("/healthz")
async def healthz() -> dict:
    return {}
"""
STARLETTE_ROUTES = """
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

async def ping(request):
    return PlainTextResponse("")

routes = [Mount("/ops", routes=[Route("/ping", ping)])]
"""
FLASK_ROUTES = """
from flask import Blueprint

bp = Blueprint("ops", __name__, url_prefix="/ops")

@bp.route("/ready")
def ready():
    return ""
"""
SANIC_ROUTES = """
from sanic import Blueprint, text

bp = Blueprint("ops", url_prefix="/ops")

@bp.get("/health")
async def health(request):
    return text("")
"""
LITESTAR_ROUTES = """
from litestar import Router, get

@get("/health")
async def health() -> str:
    return ""

ops = Router(path="/ops", route_handlers=[health])
"""
ASGI = {
    "fastapi": Source(
        "fastapi",
        "from fastapi import FastAPI\nfrom .routes import router\napp = FastAPI()\napp.include_router(router, prefix='/v1')\n",
        "from fastapi import FastAPI\nfrom .routes import router\ndef create_app() -> FastAPI:\n    app = FastAPI()\n"
        "    app.include_router(router, prefix='/v1')\n    return app\n",
        {"shop/routes.py": FASTAPI_ROUTES},
        "/v1/internal/healthz",
    ),
    "starlette": Source(
        "starlette",
        "from starlette.applications import Starlette\nfrom .routes import routes\napp = Starlette(routes=routes)\n",
        "from starlette.applications import Starlette\nfrom .routes import routes\n"
        "def create_app():\n    return Starlette(routes=routes)\n",
        {"shop/routes.py": STARLETTE_ROUTES},
        "/ops/ping",
    ),
    "sanic": Source(
        "sanic",
        "from sanic import Sanic\nfrom .routes import bp\napp = Sanic('shop')\napp.blueprint(bp)\n",
        "from sanic import Sanic\nfrom .routes import bp\ndef create_app():\n    app = Sanic('shop')\n    app.blueprint(bp)\n    return app\n",
        {"shop/routes.py": SANIC_ROUTES},
        "/ops/health",
    ),
    "litestar": Source(
        "litestar",
        "from litestar import Litestar\nfrom .routes import ops\napp = Litestar(route_handlers=[ops])\n",
        "from litestar import Litestar\nfrom .routes import ops\ndef create_app() -> Litestar:\n    return Litestar(route_handlers=[ops])\n",
        {"shop/routes.py": LITESTAR_ROUTES},
        "/ops/health",
    ),
}
WSGI = {
    "flask": Source(
        "flask",
        "from flask import Flask\nfrom .routes import bp\napp = Flask(__name__)\napp.register_blueprint(bp)\n",
        "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    from .routes import bp\n"
        "    app.register_blueprint(bp)\n    return app\n",
        {"shop/routes.py": FLASK_ROUTES},
        "/ops/ready",
    ),
}

#: A server's command for an ASGI object, for a factory, and its default port.
ASGI_SERVERS = {
    "uvicorn": ("uvicorn shop.main:app", "uvicorn --factory shop.main:create_app", 8000),
    "python -m uvicorn": ("python -m uvicorn shop.main:app", "python -m uvicorn shop.main:create_app --factory", 8000),
    "hypercorn": ("hypercorn shop.main:app", "hypercorn 'shop.main:create_app()'", 8000),
    "gunicorn": (
        "gunicorn -k uvicorn.workers.UvicornWorker shop.main:app",
        "gunicorn --worker-class uvicorn.workers.UvicornWorker 'shop.main:create_app()'",
        8000,
    ),
}
WSGI_SERVERS = {
    "gunicorn": ("gunicorn shop.main:app", "gunicorn 'shop.main:create_app()'", 8000),
    "flask": (
        "flask --app shop.main run --host 0.0.0.0",
        "flask --app 'shop.main:create_app' run --host 0.0.0.0",
        5000,
    ),
}
BIND = {
    "uvicorn": "--host 0.0.0.0 --port {}",
    "python -m uvicorn": "--host 0.0.0.0 --port {}",
    "hypercorn": "--bind 0.0.0.0:{}",
    "gunicorn": "-b 0.0.0.0:{}",
    "flask": "--port {}",
}


def read(project: Project, source: Source, code: str, command: str, *, env: str = "") -> App:
    files = {"requirements.txt": f"{source.framework}\n", "shop/__init__.py": "", "shop/main.py": code, **source.rest}
    return app_of(project(f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n{env}CMD {command}\n", **files))


def value(found: Known[object] | Unknown) -> object:
    return found.value if isinstance(found, Known) else found


CASES = [(name, ASGI[name], server, *ASGI_SERVERS[server]) for name in ASGI for server in ASGI_SERVERS] + [
    (name, WSGI[name], server, *WSGI_SERVERS[server]) for name in WSGI for server in WSGI_SERVERS
]


@pytest.mark.parametrize(
    ("name", "source", "server", "plain", "factory", "port"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_object_and_factory(
    project: Project, name: str, source: Source, server: str, plain: str, factory: str, port: int
) -> None:
    program = server.rpartition(" ")[2]
    for code, command, shown in (
        (source.object, plain, "shop.main:app"),
        (source.factory, factory, "shop.main:create_app()"),
    ):
        app = read(project, source, code, f"{command} {BIND[server].format(8123)}")
        found = (value(app.framework), value(app.server), value(app.app_object), value(app.port), value(app.health))
        assert found == (name, program, shown, 8123, source.health), command
        # Nothing but the default says the port: that of the documentation.
        assert value(read(project, source, code, command).port) == port, command


@pytest.mark.parametrize(
    ("name", "source", "server", "plain", "factory", "port"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_ports_from_env(
    project: Project, name: str, source: Source, server: str, plain: str, factory: str, port: int
) -> None:
    command = f"{plain} {BIND[server].format('$PORT')}"
    assert value(read(project, source, source.object, command, env="ENV PORT=8200\n").port) == 8200
    assert isinstance(read(project, source, source.object, command, env="ARG PORT\n").port, Unknown)
    default = f"{plain} {BIND[server].format('${PORT:-8201}')}"
    assert value(read(project, source, source.object, default).port) == 8201


RUNS = {
    "uvicorn.run(app, host='0.0.0.0', port=8300)": ("fastapi", 8300),
    "uvicorn.run('shop.main:app', host='0.0.0.0', port=8300)": ("fastapi", 8300),
    "uvicorn.run(app, port=int(os.environ.get('PORT', '8301')))": ("fastapi", 8301),
    "uvicorn.run(app, port=int(os.getenv('PORT', 8302)))": ("fastapi", 8302),
    "uvicorn.run(app, port=PORT)": ("fastapi", 8303),
    "uvicorn.run(app)": ("fastapi", 8000),
}


@pytest.mark.parametrize("run", RUNS)
def test_ports_from_code(project: Project, run: str) -> None:
    framework, port = RUNS[run]
    source = ASGI[framework]
    head = "import os\nimport uvicorn\nPORT = 8303\n"
    app = read(project, source, f"{head}{source.object}if __name__ == '__main__':\n    {run}\n", "python -m shop.main")
    assert (value(app.framework), value(app.port), value(app.health)) == (framework, port, source.health)


@pytest.mark.parametrize(
    ("run", "port"),
    [
        ("app.run(host='0.0.0.0', port=8400)", 8400),
        ("app.run(host='0.0.0.0')", 5000),
        ("app.run(host='0.0.0.0', port=int(os.environ.get('PORT', 8401)))", 8401),
        ("from waitress import serve\n    serve(app, host='0.0.0.0', port=8402)", 8402),
    ],
)
def test_flasks_ports_from_code(project: Project, run: str, port: int) -> None:
    source = WSGI["flask"]
    app = read(
        project, source, f"import os\n{source.object}if __name__ == '__main__':\n    {run}\n", "python -m shop.main"
    )
    assert (value(app.framework), value(app.port), value(app.health)) == ("flask", port, "/ops/ready")


@pytest.mark.parametrize(
    ("code", "command", "port"),
    [
        ("web.run_app(app, port=8500)", "python -m shop.main", 8500),
        ("web.run_app(app)", "python -m shop.main", 8080),
        ("pass", "gunicorn shop.main:app --worker-class aiohttp.GunicornWebWorker -b 0.0.0.0:8501", 8501),
    ],
)
def test_aiohttp(project: Project, code: str, command: str, port: int) -> None:
    text = (
        "from aiohttp import web\nroutes = web.RouteTableDef()\n@routes.get('/alive')\nasync def alive(request):\n    return web.Response()\n"
        "ops = web.Application()\nops.add_routes(routes)\napp = web.Application()\napp.add_subapp('/ops', ops)\n"
        f"if __name__ == '__main__':\n    {code}\n"
    )
    app = read(project, Source("aiohttp", "", "", {}, ""), text, command)
    assert (value(app.framework), value(app.port), value(app.health)) == ("aiohttp", port, "/ops/alive")


def test_sanics_own_server(project: Project) -> None:
    source = ASGI["sanic"]
    app = read(project, source, source.object, "sanic shop.main:app --host=0.0.0.0 --port=8600")
    assert (value(app.server), value(app.port), value(app.health)) == ("sanic", 8600, "/ops/health")
    app = read(
        project, source, source.object + "if __name__ == '__main__':\n    app.run(port=8601)\n", "python -m shop.main"
    )
    assert (value(app.port), value(app.health)) == (8601, "/ops/health")


def test_litestars_own_server(project: Project) -> None:
    source = ASGI["litestar"]
    app = read(project, source, source.object, "litestar --app shop.main:app run --host 0.0.0.0 --port 8700")
    assert (value(app.port), value(app.health)) == (8700, "/ops/health")


def test_fastapis_own_server(project: Project) -> None:
    source = ASGI["fastapi"]
    app = read(project, source, source.object, "fastapi run shop/main.py --port 8800")
    assert (value(app.port), value(app.health)) == (8800, source.health)


DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nALLOWED_HOSTS = ['*']\nMIDDLEWARE = []\n",
    "shop/urls.py": "from django.urls import include, path\nurlpatterns = [path('ops/', include('ops.urls'))]\n",
    "ops/__init__.py": "",
    "ops/urls.py": "from django.urls import path\nfrom . import views\nurlpatterns = [path('healthz/', views.healthz)]\n",
    "ops/views.py": "from django.http import HttpResponse\ndef healthz(request):\n    return HttpResponse()\n",
    "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\nimport os\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\napplication = get_wsgi_application()\n",
    "shop/asgi.py": "from django.core.asgi import get_asgi_application\nimport os\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\napplication = get_asgi_application()\n",
}


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("gunicorn shop.wsgi:application -b 0.0.0.0:8900", 8900),
        ("gunicorn shop.wsgi -b 0.0.0.0:8901", 8901),
        ("uvicorn shop.asgi:application --host 0.0.0.0 --port 8902", 8902),
        ("hypercorn shop.asgi:application --bind 0.0.0.0:8903", 8903),
        ("gunicorn -k uvicorn.workers.UvicornWorker shop.asgi:application --bind=0.0.0.0:8904", 8904),
        ("python manage.py runserver 0.0.0.0:8905", 8905),
    ],
)
def test_django(project: Project, command: str, port: int) -> None:
    app = read(project, Source("django", "", "", DJANGO, ""), "", command)
    assert (value(app.framework), value(app.port), value(app.health)) == ("django", port, "/ops/healthz/")


@pytest.mark.parametrize(
    "route", ["/health", "/healthz", "/ready", "/readyz", "/livez", "/ping", "/api/health", "/health/live"]
)
def test_routes_that_are_there_to_be_probed(project: Project, route: str) -> None:
    code = f"from fastapi import FastAPI\napp = FastAPI()\n@app.get('{route}')\ndef h(): return 1\n@app.get('/')\ndef i(): return 1\n"
    assert value(read(project, ASGI["fastapi"]._replace(rest={}), code, "uvicorn shop.main:app").health) == route
