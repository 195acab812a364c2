"""The port the program listens on, written where people and tools look for it."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Known, Phase, Proposal, Refusal, Safety, Transform
from dockopt_transforms.runtime._start import insert_late, start_of


class ExposePort(Transform):
    """Say with EXPOSE on which port the program listens.

    What:
        Adds ``EXPOSE 8000`` above CMD where the start command or the sources prove the port and the stage, and the
        image it is built on, expose none.

    Why:
        ``docker run -P``, reverse proxies and people read it.

    Safety:
        Unsafe: the image's configuration names a port; ``docker run -P`` publishes it.

    Refuses:
        port-unknown: on which port the program listens is not known
        base-unknown: which ports the base image exposes is not known

    References:
        https://docs.docker.com/reference/dockerfile/#expose
    """

    id = "expose-port"
    phase = Phase.RUNTIME
    after = ("exec-form", "python-env", "node-env", "java-env")
    safety = "unsafe"
    mildest = "unsafe"
    instructions = ("CMD", "ENTRYPOINT")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or start.stage.windows:
            return
        stage = start.stage
        if any(key.startswith("expose:") for key in facts.config(stage)):
            return
        image = facts.base_image(stage)
        if image is None:
            yield Refusal(start.node, "base-unknown", "which ports the base image exposes is not known")
            return
        if image.ports:
            return
        app = facts.app
        port = app.value.port if isinstance(app, Known) else app
        if not isinstance(port, Known):
            yield Refusal(start.node, "port-unknown", port.reason)
            return
        number = port.value

        def edit(editor: Editor) -> None:
            insert_late(editor, stage, f"{document.keyword('EXPOSE')} {number}{editor.eol}")

        yield Proposal(
            start.node,
            f"expose port {number}",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(config=(f"expose:{number}/tcp",)),
            evidence=(port.evidence,),
        )
