"""The facts of one application, the same for every language."""

from __future__ import annotations

from typing import NamedTuple

from dockopt.facts.value import Known, Unknown


class Launch(NamedTuple):
    """The command a container of the final stage runs, wrappers (``exec``, ``tini``, ``poetry run``) removed."""

    argv: tuple[str, ...]
    env: dict[str, str | None]  #: the stage's environment, and assignments before the command; never to be changed
    cwd: str  #: working directory in the image
    evidence: str  #: ``line 9: CMD``, and the script it leads through
    wrappers: tuple[str, ...] = ()  #: what stood before it: ``tini``, ``poetry``
    scripts: tuple[str, ...] = ()  #: the shell scripts of the context it leads through, by their names there

    @property
    def program(self) -> str:
        return self.argv[0].rsplit("/", 1)[-1]


_NOT_READ = Unknown("dockopt does not read this for the ecosystem")
_NOT_BUILT = Unknown("the application has no build step that dockopt knows")


class App(NamedTuple):
    """One application in a build context. Paths are relative to the context, with slashes."""

    ecosystem: (
        str  #: ``python``, ``node``, ``go``, ``rust``, ``java``, ``dotnet``, ``ruby``, ``php``, ``native``, ``static``
    )
    root: str  #: its folder, ``.`` for the context itself
    evidence: str  #: the manifest it was known by
    manager: (
        Known[str] | Unknown
    )  #: ``pip``, ``poetry``, ``uv``, ``pipenv``, ``npm``, ``yarn``, ``pnpm``, ``go``, ``maven`` …
    manifests: tuple[str, ...] = ()  #: the files an install of the dependencies reads
    locks: tuple[str, ...] = ()  #: those that pin versions
    #: whether installing the dependencies needs more of the sources than manifests and locks, and why
    needs_sources: Known[bool] | Unknown = _NOT_READ
    framework: Known[str] | Unknown = _NOT_READ  #: ``fastapi``, ``flask``, ``express``, ``spring-boot`` …
    server: Known[str] | Unknown = _NOT_READ  #: the program that serves it: ``uvicorn``, ``gunicorn`` …
    app_object: Known[str] | Unknown = _NOT_READ  #: ``app.main:app``; ``app.main:create_app()`` for a factory
    entry: Known[tuple[str, ...]] | Unknown = _NOT_READ  #: the argument list that starts it
    port: Known[int] | Unknown = (
        _NOT_READ  #: the TCP port it listens on; that it speaks HTTP there only ``health`` proves
    )
    health: Known[str] | Unknown = _NOT_READ  #: the path of a route made to be probed: ``/healthz``
    build: Known[tuple[str, ...]] | Unknown = _NOT_BUILT  #: the command that builds it
    outputs: Known[tuple[str, ...]] | Unknown = _NOT_BUILT  #: what the build makes, relative to ``root``
    metadata: dict[str, Known[str]] = {}  # noqa: RUF012  #: ``name``, ``version``, ``description``, ``license``, ``authors``, ``url``
    details: dict[str, Known[str]] = {}  # noqa: RUF012  #: what only one ecosystem has: ``module``, ``java``, ``assembly``; Node's ``command``, what a script of package.json runs …


#: Last parts of a path that say a route is there to be probed, the best first.
HEALTH_NAMES = (
    "healthz", "health", "healthcheck", "health-check", "health_check", "_health", "readyz", "ready", "readiness", "livez", "live",
    "liveness", "alive", "ping", "heartbeat",
)  # fmt: skip


def health_rank(path: str) -> int | None:
    """How well a path (``/api/health``) suits as a probe, low is best; None for one that is no health route."""
    if "{" in path or "<" in path or ":" in path or "*" in path or "(" in path:
        return None
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    last = parts[-1].lower()
    if last in HEALTH_NAMES:
        return HEALTH_NAMES.index(last) * 10 + min(len(parts), 9)
    if (
        len(parts) > 1
        and parts[-2].lower() in ("health", "healthz")
        and last in ("live", "liveness", "ready", "readiness", "check", "ping")
    ):
        return 500 + len(parts)
    return None


def best_health(found: list[Known[str]]) -> Known[str] | None:
    """The route best to be probed."""
    ranked = [(rank, index) for index, route in enumerate(found) if (rank := health_rank(route.value)) is not None]
    return found[min(ranked)[1]] if ranked else None


def valid_port(text: str | int | None) -> int | None:
    """A TCP port as a number, None for what is none."""
    if isinstance(text, str):
        text = text.strip()
        if not text.isdigit():
            return None
        text = int(text)
    return text if text is not None and 0 < text < 65536 else None
