"""What an image needs to run with a root file system that cannot be written to."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Phase, Proposal, Refusal, Safety, Transform
from dockopt_transforms.runtime._start import start_of


class ReadOnlyReady(Transform):
    """Show how to run the container with a read-only root file system.

    What:
        Names the folders that the Dockerfile shows to be written, as ``docker run`` options. ``dockopt harden``
        prints the whole command, a compose service and a Kubernetes pod. Nothing in the file changes, so it is off
        by default.

    Why:
        Who breaks into a program that may write nowhere cannot leave anything behind.

    Safety:
        Manual: it is how the container is run, not how the image is built.

    Refuses:
        no-start: no CMD or ENTRYPOINT in the file says what runs

    References:
        https://docs.docker.com/reference/cli/docker/container/run/#read-only
        https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """

    id = "read-only-ready"
    phase = Phase.RUNTIME
    after = ("exec-form", "add-user")
    default = False
    safety = "manual"
    mildest = "manual"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        if stage.windows:
            return
        start = start_of(facts)
        if start is None:
            yield Refusal(stage.from_, "no-start", "no CMD or ENTRYPOINT in the file says what runs")
            return
        from dockopt.api import writable

        folders = writable(facts, stage, start.program)
        options = [f"--volume NAME:{each.path}" if each.keep else f"--tmpfs {each.path}" for each in folders]
        evidence = tuple(f"{each.path}: {each.evidence}" for each in folders)

        def edit(editor: Editor) -> None:
            raise AssertionError("a manual proposal is only shown")

        yield Proposal(
            start.node,
            f"run it with docker run --read-only {' '.join(options)}; dockopt harden prints the rest",
            edit,
            safety=Safety.MANUAL,
            evidence=evidence,
        )
