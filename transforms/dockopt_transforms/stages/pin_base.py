"""A base image without a version → the tag with one that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dockopt.api import (
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
    Unknown,
    is_windows,
    pinned,
    split_reference,
    split_tag,
    table_of,
)

EFFECTS = Effects(files_removed=("/**",), files_added=("/**",))
# Their tags without a number name a release (``bookworm``), which is what one pins them by.
_BY_RELEASE = frozenset(("debian", "ubuntu", "buildpack-deps"))


class PinBase(Transform):
    """Name the version of a base image.

    What:
        An image without a tag, with ``latest``, or with a tag that names a variant alone (``node:alpine``,
        ``python:slim``) gets the tag with major and minor version which that stood for on the day the table of
        base images was made; the variant stays.

    Why:
        ``latest`` is another image after the next release: a build that worked yesterday fails today, and
        nobody can say which version runs.

    Safety:
        Unsafe: the next release no longer arrives by itself, and an image that was built before the
        table's date may have had an older one.

    Refuses:
        image-unknown: the image is not in the table, so its versions are not known
        variable-tag: the reference holds a variable, whose value the build gives

    References:
        https://docs.docker.com/build/building/best-practices/#pin-base-image-versions
        hadolint DL3006, DL3007
    """

    id = "pin-base"
    phase = Phase.STAGES
    aliases = ("DL3006", "DL3007")
    safety = "unsafe"
    mildest = "unsafe"
    after = ("split-stages", "slim-base")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            if stage.parent is not None or stage.base is None or stage.base == "scratch":
                continue
            node = stage.from_
            written = node.args[0]
            name, tag, digest = split_reference(stage.base)
            if digest or is_windows(stage.base):
                continue
            floats = tag in ("", "latest")
            if not floats and (split_tag(tag)[0] or name in _BY_RELEASE or table_of(name) is None):
                continue
            if "$" in written:
                if floats:
                    yield Refusal(node, "variable-tag", f"the tag of {written} is the value of a build argument")
                continue
            exact = pinned(stage.base)
            if isinstance(exact, Unknown):
                if floats:
                    yield Refusal(node, "image-unknown", exact.reason)
                continue
            new = _prefix(written, name) + exact.value
            yield Proposal(
                node,
                f"Name the version: {exact.value}",
                partial(_edit, node, written, new),
                safety=Safety.UNSAFE,
                effects=EFFECTS,
                evidence=(exact.evidence,),
            )


def _prefix(written: str, name: str) -> str:
    """What stands before the image's name: ``docker.io/library/``."""
    return written[: written.index(name)] if name in written else ""


def _edit(node: Instruction, written: str, new: str, editor: Editor) -> None:
    start = node.line.index(written, node.args_start)
    editor.splice(node, [(start, start + len(written), new)])
