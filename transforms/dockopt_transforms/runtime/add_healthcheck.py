"""Containers of which nobody can tell whether the program in them still answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    BaseImage,
    Document,
    Editor,
    Effects,
    Facts,
    Known,
    Launch,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    base_name,
    installed,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.runtime._start import insert_late, json_list, start_of

_WORKERS = word_set("celery sidekiq rq dramatiq")
_SLOW = {"java": "30s", "ruby": "15s", "php": "10s", "dotnet": "10s"}
_PACKAGED = ("apt", "apk", "dnf", "yum", "microdnf", "zypper")


class AddHealthcheck(Transform):
    """Add a HEALTHCHECK that asks the application's own health route.

    What:
        Adds ``HEALTHCHECK`` above CMD, asking the route that the sources have for it (``/health``, ``/healthz``,
        ``/ready``, ``/ping`` …) on the port they listen on, with what the image has: the app's own Python or Node,
        else wget or curl.

    Why:
        A process that runs may answer nothing any more. Docker marks the container unhealthy, Compose waits with
        ``condition: service_healthy``, Swarm replaces it.

    Safety:
        Unsafe: a process is started every thirty seconds, and a container may be called unhealthy.

    Refuses:
        base-unknown: which programs the base image has is not known
        app-unknown: the build context, or which application runs, is not known
        port-unknown: on which port it listens is not proven
        route-unknown: no route that is there to be probed, so that HTTP is not proven either
        not-a-server: a worker or a job, which answers nobody
        no-tool: the image has nothing to ask with

    References:
        Checkov CKV_DOCKER_2
        https://docs.docker.com/reference/dockerfile/#healthcheck
    """

    id = "add-healthcheck"
    phase = Phase.RUNTIME
    aliases = ("CKV_DOCKER_2",)
    after = ("exec-form", "python-env", "node-env", "java-env", "expose-port", "add-user")
    safety = "unsafe"
    mildest = "unsafe"
    instructions = ("CMD", "ENTRYPOINT")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or start.stage.windows or "healthcheck" in facts.config(start.stage):
            return
        stage = start.stage
        image = facts.base_image(stage)
        if image is None:
            yield Refusal(start.node, "base-unknown", "which programs the base image has is not known")
            return
        if image.health:
            return
        if start.program in _WORKERS:
            yield Refusal(start.node, "not-a-server", f"{start.program} answers nobody")
            return
        probe = _probe(facts, stage, image)
        if not isinstance(probe, _Probe):
            yield Refusal(start.node, *probe)
            return

        def edit(editor: Editor) -> None:
            joint = f" {document.escape}{editor.eol}{document.indent}"
            flags = f"--interval=30s --timeout=3s --start-period={probe.start} --retries=3"
            command = f"CMD {json_list(probe.words)}"
            insert_late(editor, stage, f"{document.keyword('HEALTHCHECK')} {flags}{joint}{command}{editor.eol}")

        yield Proposal(
            start.node,
            f"check the health by {probe.url}",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(config=("healthcheck",)),
            evidence=probe.evidence,
        )


class _Probe:
    __slots__ = ("evidence", "start", "url", "words")

    def __init__(self, words: tuple[str, ...], url: str, start: str, evidence: tuple[str, ...]) -> None:
        self.words = words
        self.url = url
        self.start = start
        self.evidence = evidence


def _probe(facts: Facts, stage: Stage, image: BaseImage) -> _Probe | tuple[str, str]:
    app = facts.app
    if not isinstance(app, Known):
        return "app-unknown", app.reason
    launch = facts.launch
    if not isinstance(launch, Known):
        return "app-unknown", launch.reason
    if launch.value.program in _WORKERS:
        return "not-a-server", f"{launch.value.program} answers nobody"
    port, health = app.value.port, app.value.health
    if not isinstance(port, Known):
        return "port-unknown", port.reason
    if not isinstance(health, Known):
        return "route-unknown", health.reason
    if not re.fullmatch(r"/[\w./~-]*", health.value):
        return "route-unknown", f"{health.value} is no plain path"
    words = _words(facts, stage, image, launch.value, f":{port.value}{health.value}")
    if words is None:
        return "no-tool", f"{image.reference} has no Python, Node, wget or curl that dockopt knows of"
    start = _SLOW.get(app.value.ecosystem, "5s")
    return _Probe(words, f"port {port.value}, {health.value}", start, (port.evidence, health.evidence, image.evidence))


def _words(facts: Facts, stage: Stage, image: BaseImage, launch: Launch, where: str) -> tuple[str, ...] | None:
    """The command that asks, the program's own interpreter first: it is certainly there.

    The route is known to answer to the host ``localhost``. Only Python and curl try all its addresses: busybox's
    wget and Node before 20 stop at the first, which is ``::1``, where a server bound to 0.0.0.0 does not listen.
    """
    program = launch.program
    six = "::" in launch.argv or any("[::]" in word for word in launch.argv)
    url = f"http://localhost{where}"
    numeric = f"http://{'[::1]' if six else '127.0.0.1'}{where}"
    python: str | None = next((name for name in ("python", "python3") if name in image.tools), None)
    if python is None and re.fullmatch(r"python[\d.]*", program):
        python = launch.argv[0]
    if python is not None:
        return (python, "-c", f"import urllib.request; urllib.request.urlopen('{url}')")
    if "node" in image.tools or program in ("node", "nodejs"):
        node = "node" if "node" in image.tools else launch.argv[0]
        answer = "r => process.exit(r.statusCode < 400 ? 0 : 1)"
        return (node, "-e", f"require('http').get('{numeric}', {answer}).on('error', () => process.exit(1))")
    has = {base_name(name) for name in image.tools}
    for view in facts.scripts:
        if view.stage in stage.chain and view.opaque is None:
            has |= {
                name.partition(":")[2] for name in installed(view.script.text) if name.partition(":")[0] in _PACKAGED
            }
    if "wget" in has:
        return ("wget", "-q", "-O", "/dev/null", numeric)
    if "curl" in has:
        return ("curl", "-fsS", "-o", "/dev/null", url)
    return None
