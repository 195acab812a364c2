"""The full variant of a base image → its slim one, where nothing needs more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from dockopt.api import (
    BaseImage,
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
    base_name,
    lookup,
    slim,
    split_reference,
    unwrap,
)
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.runtime._start import prompts, start_of
from dockopt_transforms.stages._base_files import SYSTEM_FILES
from dockopt_transforms.stages._plan import BASIC, Impossible, written_like
from dockopt_transforms.stages._programs import called_by, command_names, needed_programs, started

EFFECTS = Effects(files_removed=SYSTEM_FILES, packages_removed=("apt:~*",))
_DISTRIBUTIONS = frozenset(("debian", "ubuntu"))
_MANAGERS = frozenset(
    ("apt-get", "apt", "dpkg", "apt-cache", "apt-key", "apt-mark", "dpkg-reconfigure", "addgroup", "adduser")
)
# Besides what the table's definitions call, Debian's slim images hold every essential package.
_ESSENTIAL = words("""
    useradd groupadd usermod groupmod userdel groupdel passwd chpasswd su login getent bash dash perl tar gzip sed grep find xargs diff cmp
    mount umount ldconfig ldd iconv locale localedef debconf-set-selections update-alternatives start-stop-daemon
    mawk awk hostname arch dpkg-divert dpkg-query apt-config runuser nproc numfmt shuf tac tsort base32 sha1sum sha512sum
    python python3 pip pip3 node npm npx yarn corepack ruby gem bundle bundler
    """)
# Build from source, or call what does, with whatever the image has.
_BUILDERS = words(
    "mix rebar rebar3 stack cabal swift cpan cpanm julia lein sbt clojure mvn mvnw gradle gradlew ant rake R Rscript pecl luarocks"
)
_SCRIPTS = frozenset(("npm", "yarn", "pnpm", "bun", "npx", "bunx"))
_ON_JAVA = frozenset(("openjdk", "tomcat", "maven", "gradle", "jetty", "groovy", "clojure"))
# Java's own drawing, and libraries that draw: they need the fonts and libfreetype that the slim variants leave out.
_DRAWS = re.compile(
    r"java\.awt|javax\.(?:swing|imageio|print)\b|javafx|\bpoi\b|jasperreports|jfreechart|itext|openpdf|pdfbox|captcha|thumbnailator|batik|easyexcel"
    r"|barcode|zxing|openhtmltopdf|flying-saucer|aspose|docx4j|tess4j|jmeter"
)
# Their own CMD is a prompt: a file without one makes an image to build on, or to work in.
_PROMPTS = frozenset(
    (
        "python",
        "node",
        "ruby",
        "perl",
        "openjdk",
        "erlang",
        "elixir",
        "haskell",
        "julia",
        "pypy",
        "rust",
        "gcc",
        "maven",
        "gradle",
        "swift",
        "clojure",
    )
)
# Their update-alternatives fail without /usr/share/man/man1 and man7 (https://bugs.debian.org/863199), or those of the
# Java that they bring.
_NEEDS_MANUALS = re.compile(
    r"openjdk-|default-(?:jdk|jre)|postgresql|ca-certificates-java|maven|ant\b|gradle|tomcat|oracle-java|temurin|zulu\d*"
    r"|adoptopenjdk|bellsoft-java|icedtea|openjfx|libreoffice\b|scala\b|leiningen|clojure|groovy|jython|android-sdk"
)
# What debuerreotype's slimify takes out, of the image and of each package installed later, but for a few files.
_DOCUMENTATION = re.compile(
    r"/usr/share/(?:doc|info|linda|man|omf|gnome/help|locale(?!/(?:locale\.alias|all_languages|languages|currency|l10n)\b))\b"
)
# "Debian 10 and older non-slim images included both ping and ip" (debuerreotype's examples/debian.sh).
_WITH_NETWORKING = frozenset(("wheezy", "jessie", "stretch", "buster"))
_NETWORKING = {
    "ip": "iproute",
    "ss": "iproute",
    "tc": "iproute",
    "bridge": "iproute",
    "ping": "-ping",
    "ping6": "-ping",
}
_NETWORKING_WORDS = re.compile(r"""["'`](?:/usr)?(?:/s?bin/)?(ip|ss|tc|bridge|ping6?)(?=["'`\s])""")


class SlimBase(Transform):
    """Start the final stage from the slim variant of its base image.

    What:
        ``FROM debian:bookworm`` becomes ``FROM debian:bookworm-slim``, ``FROM node:20`` becomes ``FROM node:20-slim``
        and so on, with the same version on the same release of the same distribution, in a final stage whose
        every command is one the slim variant has or the stage installs itself.

    Why:
        The full variants of the language images carry compilers, headers and tools for building anything:
        most of their size. Debian's slim image leaves out manuals and documentation.

    Safety:
        Unsafe: programs of the full image that the app calls in ways nobody can see are gone.

    Refuses:
        needs-more: a command of the stage, or the start command, is not known to be in the slim variant, or a step
            reads what packages put beside their documentation
        may-compile: packages of a language are installed, which the compilers of the full image may build
        context-unknown: the build context, whose sources may call programs, is not known
        needs-unknown: a program that the app calls has no package that is known
        unread-script: a RUN's script is not read
        no-start: nothing says what the image runs: others build on it, or people work in it
        may-draw: a Java program may draw or print, for which the slim variant has no fonts
        base-unknown: a variable hides the part of the tag that would change

    References:
        https://github.com/docker-library/docs/tree/master/python#image-variants
        https://github.com/debuerreotype/debuerreotype (what Debian's slim leaves out)
    """

    id = "slim-base"
    phase = Phase.STAGES
    safety = "unsafe"
    mildest = "unsafe"
    after = ("split-stages",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        if stage.parent is not None or stage.base is None:
            return
        image = facts.base_image(stage)
        if image is None or image.family != "debian" or not image.exact or "slim" in image.tag:
            return
        new = slim(stage.base)
        if isinstance(new, Unknown):
            return
        try:
            written = stage.from_.args[0]
            name = split_reference(stage.base)[0]
            plain = written[written.index(name) :] if name in written else written
            text = written_like(plain, image.reference if image.tag else plain, new.value)
            if text is None:
                raise Impossible(
                    "base-unknown", f"the variable in {written} hides the part of the tag that would change"
                )
            _check(facts, stage, image, new.value)
        except Impossible as why:
            yield Refusal(why.node or stage.from_, why.cause, why.reason)
            return
        made = written[: len(written) - len(plain)] + text
        yield Proposal(
            stage.from_,
            f"Start from {text}",
            partial(_edit, stage.from_, written, made),
            safety=Safety.UNSAFE,
            effects=EFFECTS,
            evidence=(new.evidence,),
        )


def _check(facts: Facts, stage: Stage, image: BaseImage, small: str) -> None:
    """Whether everything the stage runs is in the slim variant.

    Between Debian and its slim image no program differs but ``ip`` and ``ping`` in what is older than bullseye, only
    documentation.

    :raises Impossible: where something is not, or may not be.
    """
    for place, call in facts.invocations("apt"):
        for word in call.operands if place.stage is stage and call.action == "install" else ():
            if _NEEDS_MANUALS.match(word.text):
                why = f"{word.text} links its manual pages into folders that the slim variant has not"
                raise Impossible("needs-more", why, place.instruction)
    _check_documentation(facts, stage)
    if image.release in _WITH_NETWORKING:
        _check_networking(facts, stage)
    if image.name in _DISTRIBUTIONS:
        return
    if prompts(start_of(facts)):
        raise Impossible("no-start", "the image starts a shell: what is called in it is not known")
    if image.name in _PROMPTS and not {"cmd", "entrypoint"} & facts.config(stage).keys():
        raise Impossible("no-start", "nothing says what the image runs: it is there to build on, or to work in")
    if image.name in _ON_JAVA:
        _check_drawing(facts, small)
    there = lookup(small)
    tools = BASIC | _ESSENTIAL | _MANAGERS | (there.tools if there is not None else frozenset())
    for node in stage.instructions:
        if node.name == "ONBUILD":
            raise Impossible("needs-more", "ONBUILD runs in images built from this one", node)
        if node.name != "RUN":
            continue
        view = facts.script(node)
        if view is None or view.opaque is not None or view.script.error:
            raise Impossible("unread-script", "what the RUN calls is not read", node)
        for call in view.invocations:
            builds = call.manager.name in ("cargo", "go") and call.action != "clean"
            if builds or (call.manager.name != "apt" and call.action in ("install", "upgrade")):
                raise Impossible(
                    "may-compile",
                    f"{call.manager.name} may build what it installs with the full image's compilers",
                    node,
                )
            if (
                call.manager.name in _SCRIPTS
                and call.action != "clean"
                and call.verb not in ("config", "version", "-v", "--version")
            ):
                what = f"what {call.manager.name} {call.verb or ''}".rstrip()
                raise Impossible("may-compile", f"{what} runs may need the full image's compilers", node)
        for command in view.commands:
            values = [value or "" for value in command.values[unwrap(command) :]]
            name = base_name(values[0]) if values else ""
            builds = name in _BUILDERS or (name in ("bundle", "bundler") and "exec" in values)
            builds = builds or (name.startswith("python") and ("setup.py" in values or values[1:3] == ["-m", "build"]))
            if builds or (name in _SCRIPTS and name not in ("npm", "yarn", "pnpm", "bun")):
                raise Impossible("may-compile", f"{name} may build with the full image's compilers and programs", node)
        for name in command_names(view.script.text):
            if name not in tools:
                raise Impossible("needs-more", f"{name} is not known to be in {small}", node)
    needed = needed_programs(
        facts, stage, [], image, small, suffixes=(".py", ".js", ".mjs", ".ts", ".rb", ".pl", ".php")
    )
    if needed.packages:
        raise Impossible("needs-more", f"{needed.evidence[0]} is not in {small}")


def _check_documentation(facts: Facts, stage: Stage) -> None:
    """Whether no step reads what packages put beside their documentation: schemas, examples, templates.

    :raises Impossible: where one may.
    """
    for node in stage.instructions:
        found = _DOCUMENTATION.search(node.rest)
        if found is None or node.name not in ("RUN", "COPY", "CMD", "ENTRYPOINT"):
            continue
        view = facts.script(node)
        removed = [
            word.text
            for command in (view.commands if view is not None and view.opaque is None else ())
            for word in command.words
            if command.name in ("rm", "mkdir")
        ]
        if len(_DOCUMENTATION.findall(node.rest)) == len(_DOCUMENTATION.findall(" ".join(removed))):
            continue
        raise Impossible("needs-more", f"it names {found[0]}, which packages leave empty in the slim variant", node)


def _check_networking(facts: Facts, stage: Stage) -> None:
    """Whether nothing calls ``ip`` or ``ping``, which the full image of an older Debian has and the slim one has not.

    :raises Impossible: where something does, or may.
    """
    named = {
        word.text
        for view, call in facts.invocations("apt")
        if view.stage is stage and call.action == "install"
        for word in call.operands
    }

    def use(names: Iterable[str], where: str, node: Instruction | None) -> None:
        for name in names:
            package = _NETWORKING.get(name)
            if package is not None and not any(package in one for one in named):
                raise Impossible("needs-more", f"{where} calls {name}, which the slim variant has not", node)

    copies = False
    for node in stage.instructions:
        where = f"line {node.start_line}"
        if node.name == "RUN":
            view = facts.script(node)
            if view is not None:
                use(command_names(view.script.text), where, node)
        elif node.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            use(started(node), where, node)
        copies = copies or (node.name in ("COPY", "ADD") and node.flag("from") is None)
    context = facts.context
    if not copies:
        return
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"whether a source calls ip or ping is not known: {context.reason}")
    for name in context.value.listing.files:
        bare = "." not in base_name(name)
        if not bare and not name.endswith((".sh", ".py", ".js", ".mjs", ".ts", ".rb", ".pl", ".php")):
            continue
        text = context.value.text(name)
        if not isinstance(text, Known):
            continue
        shell = name.endswith(".sh") or (bare and re.match(r"#!.*sh\b", text.value) is not None)
        use(called_by(text.value, _NETWORKING_WORDS, shell=shell), name, None)


def _check_drawing(facts: Facts, small: str) -> None:
    """Whether the sources of a Java program show that it draws nothing.

    :raises Impossible: where they do not, or are not there.
    """
    context = facts.context
    if isinstance(context, Unknown):
        raise Impossible("context-unknown", f"whether the program draws is not known: {context.reason}")
    read = False
    for name in context.value.listing.files:
        if not name.endswith(
            (".java", ".kt", ".scala", ".groovy", ".clj", ".gradle", ".gradle.kts", "pom.xml", "build.sbt")
        ):
            continue
        text = context.value.text(name)
        found = _DRAWS.search(text.value) if isinstance(text, Known) else None
        if found is not None or isinstance(text, Unknown):
            why = f"speaks of {found[0]}" if found is not None else "is not read"
            raise Impossible("may-draw", f"{name} {why}: {small} has no fonts and no libfreetype")
        read = read or not name.endswith((".gradle", ".gradle.kts", "pom.xml", "build.sbt"))
    if not read or context.value.listing.truncated:
        raise Impossible("may-draw", f"the sources of the program are not in the build context; {small} has no fonts")


def _edit(node: Instruction, written: str, new: str, editor: Editor) -> None:
    start = node.line.index(written, node.args_start)
    editor.splice(node, [(start, start + len(written), new)])
