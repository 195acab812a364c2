"""The variables that make Python behave in a container."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Blank,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Transform,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.runtime._start import env_text, start_of

_PROGRAMS = word_set(
    "python python2 python3 uvicorn gunicorn hypercorn daphne flask fastapi celery streamlit waitress-serve django-admin"
)


class PythonEnv(Transform):
    """Set Python's variables for containers.

    What:
        Adds ``ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1`` to the top of the final stage, and
        ``PIP_DISABLE_PIP_VERSION_CHECK=1`` where the stage runs pip.

    Why:
        Output that is no terminal is held back until a buffer is full: what a program said before it crashed is
        lost. Bytecode written at run time grows the container and fails on a read-only file system. pip asks the
        index for its own newest release in every build.

    Safety:
        Unsafe: three variables are added to the image's configuration; a program may look at them.

    Refuses:
        base-unknown: what the base image sets by itself is not known

    References:
        https://docs.python.org/3/using/cmdline.html#envvar-PYTHONUNBUFFERED
        https://docs.python.org/3/using/cmdline.html#envvar-PYTHONDONTWRITEBYTECODE
        https://pip.pypa.io/en/stable/topics/configuration/
    """

    id = "python-env"
    phase = Phase.RUNTIME
    after = ("exec-form",)
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("python", "uvicorn", "gunicorn", "hypercorn", "daphne", "flask", "fastapi", "celery", "streamlit")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or start.stage.windows:
            return
        stage = start.stage
        image = facts.base_image(stage)
        wanted = ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"]
        if any(view.stage is stage for view, _ in facts.invocations("pip")):
            wanted.append("PIP_DISABLE_PIP_VERSION_CHECK")
        names = [
            name for name in wanted if not facts.mentions(name.lower()) and (image is None or name not in image.env)
        ]
        if not names:
            return
        runs_python = start.program in _PROGRAMS or start.program.startswith("python3.")
        if image is None:
            if runs_python:
                yield Refusal(start.node, "base-unknown", "what the base image sets by itself is not known")
            return
        if not runs_python and image.name != "python":
            return

        def edit(editor: Editor) -> None:
            text = env_text(document, [(name, "1") for name in names], editor.eol)
            below = document.nodes[document.nodes.index(stage.from_) + 1 :]
            apart = bool(below) and isinstance(below[0], Blank)
            first = next((node for node in below if not isinstance(node, Blank)), None)
            if apart and isinstance(first, Instruction) and first.name == "ENV":
                editor.insert_before(first, text)  # merge-env makes one of them
            else:
                editor.insert_after(stage.from_, (editor.eol if apart else "") + text)

        yield Proposal(
            stage.from_,
            f"set {', '.join(names)}",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(
                config=tuple(f"env:{name}" for name in names),
                # What a RUN below imports is no longer compiled on the way.
                files_removed=("/**/__pycache__/**",) if "PYTHONDONTWRITEBYTECODE" in names else (),
            ),
            evidence=(image.evidence,),
        )
