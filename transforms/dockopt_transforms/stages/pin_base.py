"""A base image without a version → the tag with one that it stands for; any tag → its digest, where one is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    Unknown,
    is_windows,
    pinned,
    split_reference,
    split_tag,
    table_of,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.stages._base_files import SYSTEM_FILES

EFFECTS = Effects(files_removed=SYSTEM_FILES, files_added=SYSTEM_FILES)
# Their tags without a number name a release (``bookworm``), which is what one pins them by.
_BY_RELEASE = frozenset(("debian", "ubuntu", "buildpack-deps"))


# An older image of theirs, by a dated tag or a digest, meets mirrors whose packages may no longer fit.
_ROLLING = word_set("archlinux archlinux/archlinux opensuse/tumbleweed kalilinux/kali-rolling gentoo/stage3")
_ROLLING_TAGS = {
    "alpine": word_set("edge"),
    "fedora": word_set("rawhide"),
    "debian": word_set("sid unstable testing experimental rc-buggy"),
    "buildpack-deps": word_set("sid testing"),
}


class PinBase(Transform):
    """Name the version of a base image.

    What:
        An image without a tag, with ``latest``, or with a tag that names a variant alone (``node:alpine``,
        ``python:slim``) gets the tag with major and minor version which that stood for on the day the table of
        base images was made; the variant stays. With ``--online`` an image that is not in the table gets the tag
        which names the same image in its registry now. Where a digest is known, from ``dockopt.lock`` or with
        ``--online`` from the registry, every base image gets it behind its tag: that of the index, so that it
        builds for each platform as before. A distribution that always moves on gets one from ``dockopt.lock`` alone.

    Why:
        ``latest`` is another image after the next release: a build that worked yesterday fails today, and
        nobody can say which version runs. A tag may be moved as well; a digest names the very bytes.

    Safety:
        Unsafe: the next release no longer arrives by itself, and an image that was built before the
        table's date may have had an older one. With a digest nor do security fixes: have a bot renew it.

    Refuses:
        image-unknown: the image is not in the table, so its versions are not known
        variable-tag: the reference holds a variable, whose value the build gives
        rolling-release: the tag is that of a distribution that always moves on, and its packages with it
        digest-unknown: a digest is asked for, and neither ``dockopt.lock`` nor the registry has one

    References:
        https://docs.docker.com/build/building/best-practices/#pin-base-image-versions
        https://github.com/opencontainers/distribution-spec/blob/main/spec.md
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
            if stage.parent is None and stage.base is not None and stage.base != "scratch":
                yield from _pin(facts, stage, stage.base)


def _pin(facts: Facts, stage: Stage, base: str) -> Iterator[Proposal | Refusal]:
    node = stage.from_
    written = node.args[0]
    name, tag, digest = split_reference(base)
    if digest or is_windows(base):
        return
    if "$" in written:
        if tag in ("", "latest"):
            yield Refusal(node, "variable-tag", f"the tag of {written} is the value of a build argument")
        return
    named, evidence = written, ""
    rolling = name in _ROLLING or tag.partition("-")[0] in _ROLLING_TAGS.get(name, ())
    exact = None if rolling else _exact(facts, base)
    if isinstance(exact, Known):
        # What stands before the image's name is kept: ``docker.io/library/``.
        named = (written[: written.index(name)] if name in written else "") + exact.value
        evidence = exact.evidence
    found = facts.digest(named, lock_only=rolling)
    new = f"{named}@{found.value}" if isinstance(found, Known) else named
    if new == written and rolling:
        shown = f"{name}:{tag}" if tag else name
        yield Refusal(node, "rolling-release", f"{shown} has no version: its package mirrors move on with it")
    elif isinstance(found, Unknown):
        yield Refusal(node, "digest-unknown", found.reason)
    elif new == written and isinstance(exact, Unknown):
        yield Refusal(node, "image-unknown", exact.reason)
    if new != written:
        yield Proposal(
            node,
            f"Name the version: {new}" if exact is not None else f"Name the digest: {new}",
            partial(_edit, node, written, new),
            safety=Safety.UNSAFE,
            effects=EFFECTS,
            evidence=tuple(each for each in (evidence, found.evidence if isinstance(found, Known) else "") if each),
        )


def _exact(facts: Facts, base: str) -> Known[str] | Unknown | None:
    """The reference with a version that one without stands for; None for one that has a version, or may have."""
    name, tag, _ = split_reference(base)
    floats = tag in ("", "latest")
    known = table_of(name) is not None
    if not floats and (split_tag(tag)[0] or name in _BY_RELEASE or not known):
        return None
    if known:
        exact = pinned(base)
        return None if isinstance(exact, Unknown) and not floats else exact
    current = facts.current_version(base)
    if current is None:
        return pinned(base)
    return Known(f"{name}:{current.value}", current.evidence) if isinstance(current, Known) else current


def _edit(node: Instruction, written: str, new: str, editor: Editor) -> None:
    start = node.line.index(written, node.args_start)
    editor.splice(node, [(start, start + len(written), new)])
