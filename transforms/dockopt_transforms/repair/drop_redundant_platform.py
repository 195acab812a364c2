"""``--platform=$TARGETPLATFORM`` asks for what FROM does anyway."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Flag, Instruction, Phase, Proposal, Refusal, Safety, Transform

_TARGET = ("$TARGETPLATFORM", "${TARGETPLATFORM}")
_NAMES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}


class DropRedundantPlatform(Transform):
    """Drop ``--platform=$TARGETPLATFORM`` from FROM.

    What:
        Takes the flag out of a FROM that starts from an image. A platform written as a constant is shown.

    Why:
        BuildKit pulls images for the target platform unless told otherwise, so the flag only costs attention;
        a constant keeps the file from being built for anything else.

    Safety:
        Safe for ``$TARGETPLATFORM``. Manual for a constant, which may be meant.

    Refuses:
        platform-redefined: an ARG before FROM gives TARGETPLATFORM a value of its own
        platform-has-default: ``${TARGETPLATFORM:-…}`` has a default for builders that do not set it
        stage-base: FROM names an earlier stage, which has its platform already

    References:
        https://docs.docker.com/reference/build-checks/redundant-target-platform/
        https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed/
    """

    id = "drop-redundant-platform"
    phase = Phase.REPAIR
    local = True
    aliases = ("RedundantTargetPlatform", "FromPlatformFlagConstDisallowed")
    safety = "manual"
    mentions = ("--platform",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        redefined = _redefined(facts)
        for stage in facts.stages.all:
            flag = stage.from_.flag("platform")
            if flag is None or flag.value is None:
                continue
            node, value = stage.from_, flag.value
            if value.startswith("${TARGETPLATFORM") and value not in _TARGET:
                yield Refusal(node, "platform-has-default", "other builders may not set TARGETPLATFORM")
            elif value in _TARGET:
                if redefined is not None:
                    where = f"line {redefined.start_line} gives TARGETPLATFORM a value of its own"
                    yield Refusal(node, "platform-redefined", where)
                elif stage.parent is not None:
                    yield Refusal(node, "stage-base", "FROM names an earlier stage, which has its platform already")
                else:
                    yield _drop(node, flag, "drop --platform: it is the default", Safety.SAFE)
            elif "$" not in value and not _named_for(value, stage.name):
                message = f"let the builder choose the platform: --platform={value} keeps it from any other"
                yield _drop(node, flag, message, Safety.MANUAL)


def _redefined(facts: Facts) -> Instruction | None:
    for node in facts.stages.meta:
        if any(token.text.startswith("TARGETPLATFORM=") for token in node.tokens):
            return node
    return None


def _named_for(platform: str, stage: str) -> bool:
    """Whether the stage's name tells the platform, as BuildKit's check lets it."""
    if not stage:
        return False
    return any(_NAMES.get(part, part) in stage for part in platform.lower().split("/")[:2] if part)


def _drop(node: Instruction, flag: Flag, message: str, safety: Safety) -> Proposal:
    following = next((other.start for other in node.flags if other.start > flag.start), node.args_start)

    def edit(editor: Editor) -> None:
        editor.splice(node, [(flag.start, following, "")])

    return Proposal(node, message, edit, safety=safety)
