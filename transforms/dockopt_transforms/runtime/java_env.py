"""How much of the container's memory Java's heap may take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Phase, Proposal, Refusal, Safety, Transform
from dockopt_transforms.runtime._start import env_text, insert_late, start_of

_IMAGES = ("eclipse-temurin", "openjdk", "amazoncorretto", "sapmachine", "ibm-semeru-runtimes")
_SET_ALREADY = ("-xmx", "maxram", "java_opts", "java_tool_options", "jdk_java_options", "jvm_opts", "_java_options")
_PACKAGE = r"(?:openjdk-?|java-)(\d+)(?:[.\d]*)(?:-j|-openjdk|-amazon)"
_FIRST_WITH_BOTH = 10  #: JDK_JAVA_OPTIONS came with Java 9, MaxRAMPercentage with 10


class JavaEnv(Transform):
    """Let Java's heap take three quarters of the container's memory.

    What:
        Adds ``ENV JDK_JAVA_OPTIONS="-XX:MaxRAMPercentage=75"``, which the ``java`` command reads, above CMD.

    Why:
        By default the heap takes a quarter of what the container may have, and the rest is paid for in vain.

    Safety:
        Unsafe: the program may take more memory; java says on standard error that it picked the options up.

    Refuses:
        version-unknown: which Java runs is not known
        too-old: Java before 10 does not know the option
        base-unknown: what the base image sets by itself is not known

    References:
        https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#using-the-jdk_java_options-launcher-environment-variable
    """

    id = "java-env"
    phase = Phase.RUNTIME
    after = ("exec-form", "node-env")
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("java",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or start.program != "java" or facts.mentions(*_SET_ALREADY):
            return
        stage = start.stage
        image = facts.base_image(stage)
        if image is None:
            yield Refusal(start.node, "base-unknown", "what the base image sets by itself is not known")
            return
        version = _version(facts, image.name, image.tag)
        if version is None:
            yield Refusal(start.node, "version-unknown", f"which Java runs on {image.reference} is not known")
        elif version < _FIRST_WITH_BOTH:
            yield Refusal(start.node, "too-old", f"Java {version} does not know the option")
        elif not {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"} & image.env.keys():

            def edit(editor: Editor) -> None:
                pairs = [("JDK_JAVA_OPTIONS", '"-XX:MaxRAMPercentage=75"')]
                insert_late(editor, stage, env_text(document, pairs, editor.eol))

            yield Proposal(
                start.node,
                "let the heap take 75 % of the container's memory",
                edit,
                safety=Safety.UNSAFE,
                effects=Effects(config=("env:JDK_JAVA_OPTIONS",)),
                evidence=(image.evidence,),
            )


def _version(facts: Facts, name: str, tag: str) -> int | None:
    """Which Java runs: by the image's tag, else by the one package that is installed."""
    if name in _IMAGES:
        found = re.match(r"(?:open-)?(?:jdk-?|jre-?)?(\d+)", tag)
        return int(found[1]) if found else None
    if name in ("maven", "gradle"):
        found = re.search(r"(?:jdk|jre|temurin|openjdk|corretto|sapmachine)-?(\d+)", tag)
        return int(found[1]) if found else None
    stage = facts.stages.all[-1]
    versions = {
        int(match[1])
        for view in facts.scripts
        if view.stage in stage.chain
        for match in re.finditer(_PACKAGE, view.script.text)
    }
    return versions.pop() if len(versions) == 1 else None
