"""Several sources go into a folder, and a folder's name ends with a slash."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Instruction, Phase, Proposal, Refusal, Transform, expand_known
from dockopt_transforms.repair._destination import destination


class CopyDirectorySlash(Transform):
    """End the destination of a COPY of several sources with a slash.

    What:
        Adds ``/`` to the destination of a COPY that has more than one source.

    Why:
        Without it the classic builder fails, and BuildKit writes one file over the other where the destination
        is not a folder yet.

    Safety:
        Safe: where the build worked the destination was a folder, and the files go into it as before.

    Refuses:
        destination-unknown: the destination is a variable that may be empty or end with a slash already

    References:
        https://docs.docker.com/reference/dockerfile/#copy---destination
        hadolint DL3021
    """

    id = "copy-directory-slash"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("DL3021",)
    after = ("add-to-copy",)
    instructions = ("COPY",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("COPY"):
            if len(node.args) > 2:
                result = self._look(node, facts)
                if result is not None:
                    yield result

    def _look(self, node: Instruction, facts: Facts) -> Proposal | Refusal | None:
        written = node.args[-1]
        bare = written.strip("\"'")
        if bare.endswith(("/", "\\")):
            return None
        known = expand_known(written, facts.state(node).env, node.escape)
        if bare.rstrip("}").rpartition("$")[1] and _ends_with_variable(bare):
            if known is None or not known:
                return Refusal(node, "destination-unknown", f"{written} may be empty, or end with a slash already")
            if known.endswith("/"):
                return None
        _, end = destination(node)

        def edit(editor: Editor) -> None:
            editor.splice(node, [(end, end, "/")])

        return Proposal(node, f"end the destination {written} with a slash: several sources go into it", edit)


def _ends_with_variable(path: str) -> bool:
    head, dollar, tail = path.rpartition("$")
    return bool(dollar) and (tail.endswith("}") or tail.replace("_", "").isalnum()) and not head.endswith("\\")
