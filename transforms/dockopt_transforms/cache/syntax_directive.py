"""The version of the Dockerfile language."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Directive, Document, Editor, Facts, Instruction, Phase, Proposal, Refusal, Transform

# A flag of an instruction, and the release of docker/dockerfile that brought it.
_FLAGS = {
    ("RUN", "mount"): "1.2",
    ("RUN", "network"): "1.3",
    ("RUN", "security"): "1.20",
    ("COPY", "chmod"): "1.2",
    ("ADD", "chmod"): "1.2",
    ("COPY", "link"): "1.4",
    ("ADD", "link"): "1.4",
    ("ADD", "checksum"): "1.6",
    ("ADD", "keep-git-dir"): "1.1",
    ("ADD", "unpack"): "1.17",
    ("COPY", "parents"): "1.20",
    ("COPY", "exclude"): "1.19",
    ("ADD", "exclude"): "1.19",
}


class SyntaxDirective(Transform):
    """Name the Dockerfile language where newer parts of it are used.

    What:
        Adds ``# syntax=docker/dockerfile:1`` at the very top of a file that uses heredocs, mounts, ``--chmod``,
        ``--link``, ``--checksum``, ``--exclude`` and the like. It runs only when it is selected by name: a builder
        that cannot reach the registry cannot follow the directive.

    Why:
        An older Docker then fetches a frontend that knows them instead of stopping at what it cannot read.

    Safety:
        Safe: version 1 of the frontend gives the same image.

    Refuses:
        directive-there: the file names a frontend already, which may be older than what it uses

    References:
        https://docs.docker.com/reference/dockerfile/#syntax
        https://docs.docker.com/build/buildkit/dockerfile-release-notes/
    """

    id = "syntax-directive"
    phase = Phase.CACHE
    default = False
    mentions = (
        "--mount",
        "--network",
        "--security",
        "--ch",
        "--link",
        "--keep-git",
        "--unpack",
        "--parents",
        "--ex",
        "<<",
    )

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        used = next(((node, what) for node in document.instructions if (what := _newer(node)) is not None), None)
        if used is None:
            return
        node, what = used
        named = next((one for one in document.nodes if isinstance(one, Directive) and one.name == "syntax"), None)
        if named is not None:
            if named.value != "docker/dockerfile:1":
                yield Refusal(named, "directive-there", f"the file names {named.value}")
            return
        first = document.nodes[0]

        def edit(editor: Editor) -> None:
            editor.add_directive("syntax", "docker/dockerfile:1")

        yield Proposal(first, f"name the language: {what}", edit, evidence=(f"line {node.start_line}: {what}",))


def _newer(node: Instruction) -> str | None:
    """What in an instruction the oldest BuildKit does not read, and since when it is read."""
    if node.heredocs:
        return "a heredoc needs version 1.4"
    for flag in node.flags:
        since = _FLAGS.get((node.name, flag.name))
        if since is not None:
            return f"{node.name} --{flag.name} needs version {since}"
    return None
