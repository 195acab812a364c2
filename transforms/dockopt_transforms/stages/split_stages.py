"""One stage that builds and runs → a stage that builds and one that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    lookup,
)
from dockopt_transforms.stages import _compiled, _node, _php, _python, _ruby
from dockopt_transforms.stages._plan import Impossible, from_texts, single_stage

if TYPE_CHECKING:
    from dockopt_transforms.stages._plan import Split

EFFECTS = Effects(
    files_removed=("/**",),
    files_added=("/opt/venv/**",),
    config=("env:PATH",),
    packages_added=("apt:*", "apk:*"),
    packages_removed=("apt:~*", "apk:~*"),  # those of the larger base image; what commands name must stay
)
# What each tool goes by.
_MANIFESTS = {
    "poetry": ("pyproject.toml",),
    "uv": ("pyproject.toml",),
    "pipenv": ("Pipfile",),
    "npm": ("package.json",),
    "yarn": ("package.json",),
    "pnpm": ("package.json",),
    "bun": ("package.json",),
    "go": ("go.mod",),
    "cargo": ("Cargo.toml",),
    "mvn": ("pom.xml",),
    "mvnw": ("pom.xml",),
    "gradle": ("build.gradle", "build.gradle.kts"),
    "gradlew": ("build.gradle", "build.gradle.kts"),
    "dotnet": (".csproj", ".fsproj", ".vbproj"),
    "bundle": ("Gemfile",),
    "composer": ("composer.json",),
}
_FETCHING = ("git", "curl", "wget", "svn", "hg")
_ECOSYSTEMS = (_node, _compiled, _ruby, _php, _python)


class SplitStages(Transform):
    """Split a single stage into one that builds and one that runs.

    What:
        The builder keeps the base image, its compilers and ``-dev`` packages and every step that builds; the
        final stage starts from a smaller image of the same release and gets what was built by ``COPY --from``,
        the shared libraries that the ``-dev`` packages stand for (``libpq-dev``: ``libpq5``), and all that
        configures or runs. Comments go with what they describe.
        Python (pip, Poetry, uv, Pipenv): a virtual environment, ``/opt/venv`` or uv's own; the slim variant.
        Where ``uv run`` passed SIGTERM on to an app that ignores it as process 1, ``STOPSIGNAL SIGINT`` ends it.
        Node (npm, Yarn, pnpm): ``node_modules`` without development packages where that is proven to do, what
        the build made, and of the project's folder what no build alone reads; the slim variant.
        Go, Rust, C, C++ (make, CMake): the program, and files that are no sources; the bare distribution.
        Java (Maven, Gradle, javac): the archive or the classes; the JRE.
        .NET: what ``dotnet publish`` wrote; the image of ASP.NET Core or of the runtime.
        Ruby (Bundler): the gems; the slim variant. PHP: the extensions; the same image without what built them.

    Why:
        Compilers, headers and caches of a build make most of an image and most of what a scanner finds in
        it. No process of the container ever uses them.

    Safety:
        Unsafe: the final image loses the build tools, and everything else the larger base image has.

    Refuses:
        multi-stage: the file has several stages already
        target-used: a compose or bake file builds a stage by its name
        base-unknown: the base image or its tag is not in the table, or a variable hides what would change
        context-unknown: the build context, which says what the app needs, is not known
        needs-unknown: a dependency, a program or a file that the app needs at run time cannot be told
        package-unknown: nobody knows which package runs what was built with a ``-dev`` package
        no-build-work: nothing is installed for the build alone, and the base image is small already
        unknown-step: what a RUN does to the image cannot be told
        mixed-run: one RUN installs build packages and sets up the image
        build-user: the install does not run as root
        install-location: packages are installed or looked for outside of a virtual environment
        editable-install: an editable install leaves its files among the sources
        cleaned-already: the RUN that installs build packages removes them too
        manifest-unreadable: the manifest of what is built does not parse, or ``.dockerignore`` hides it
        onbuild: images built from this one need what it has

    References:
        https://docs.docker.com/build/building/multi-stage/
        https://docs.python.org/3/library/venv.html (an environment needs the very Python it was made with)
        https://man7.org/linux/man-pages/man7/pid_namespaces.7.html (the signals process 1 gets)
        https://peps.python.org/pep-0600/ (what a wheel for Linux may rely on)
        Dependencies of -dev packages: the package lists of Debian and Ubuntu
    """

    id = "split-stages"
    phase = Phase.STAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = (
        "pip",
        "uv ",
        "poetry",
        "npm",
        "yarn",
        "pnpm",
        "go ",
        "cargo",
        "make",
        "gcc",
        "g++",
        "clang",
        "cmake",
        "meson",
        "mvn",
        "gradle",
        "javac",
        "dotnet",
        "bundle",
        "docker-php-ext",
        "pecl",
        "ninja",
    )

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        final = facts.stages.all[-1]
        for ecosystem in _ECOSYSTEMS:
            if not ecosystem.applies(facts, final):
                continue
            try:
                stage = single_stage(facts)
                _check_manifests(facts, stage, _unread)
                plan, runtime, evidence = ecosystem.split(document, facts, stage)
                _check_manifests(facts, stage, _missing)
                assert stage.base is not None
                image = facts.base_image(stage)
                if image is not None:
                    plan.keep_workdir(image, runtime)
                builder_from, runtime_from = from_texts(document, stage, stage.base, runtime, plan.builder)
            except Impossible as why:
                yield Refusal(why.node or final.from_, why.cause, why.reason)
                return
            yield Proposal(
                plan.nodes(),
                f"Build in a stage of its own and run from {runtime}",
                partial(_edit, plan, builder_from, runtime_from),
                safety=Safety.UNSAFE,
                effects=EFFECTS._replace(
                    config=(
                        *EFFECTS.config,
                        *plan.lost_config,
                        *(f"env:{name}" for name in plan.lost),
                        *_of_the_base(stage, runtime),
                    ),
                    packages_added=(*EFFECTS.packages_added, *plan.gained_packages),
                    packages_removed=(*EFFECTS.packages_removed, *plan.lost_packages),
                ),
                evidence=evidence,
            )
            return


def _check_manifests(facts: Facts, stage: Stage, judge: Callable[[Facts, Stage, tuple[str, ...]], str | None]) -> None:
    """Whether what the stage's tools go by is there, or can be read.

    :raises Impossible: where it is not: what is built, and what that needs, would be a guess.
    """
    for tool, names in _MANIFESTS.items():
        node = next((view.instruction for view, _ in facts.commands(tool) if view.stage is stage), None)
        if tool == "go" and any(command.values[1:3] == ("mod", "init") for _, command in facts.commands("go")):
            continue  # the build makes it
        if node is not None:
            problem = judge(facts, stage, names)
            if problem is not None:
                raise Impossible("manifest-unreadable", problem, node)


def _unread(facts: Facts, stage: Stage, names: tuple[str, ...]) -> str | None:
    return facts.unread_manifest(*names)


def _missing(facts: Facts, stage: Stage, names: tuple[str, ...]) -> str | None:
    """Why there is no manifest where there has to be one: nothing else brings the sources."""
    context = facts.context
    if not isinstance(context, Known):
        return None
    listing = context.value.listing
    if listing.truncated or any(name.endswith(names) for name in listing.files):
        return None
    fetched = any(view.stage is stage for name in _FETCHING for view, _ in facts.commands(name))
    added = any(node.name == "ADD" or node.flag("from") is not None for node in stage.instructions)
    if fetched or added:
        return None
    return f"the build context ({context.evidence}) holds no {names[0]}"


def _of_the_base(stage: Stage, runtime: str) -> tuple[str, ...]:
    """What the image configures where another one takes the base's place, as effects name it."""
    old, new = lookup(stage.base or ""), lookup(runtime)
    if old is None or new is None or old.name == new.name:
        return ()
    there = {node.name for node in stage.instructions}
    pairs = {
        "ENTRYPOINT": (old.entrypoint, new.entrypoint),
        "CMD": (old.cmd, new.cmd),
        "USER": (old.user, new.user),
        "WORKDIR": (old.workdir, new.workdir),
    }
    changed = (name.lower() for name, (one, other) in pairs.items() if name not in there and one != other)
    return ("env:~*", "label:~*", *changed)


def _edit(plan: Split, builder_from: str, runtime_from: str, editor: Editor) -> None:
    plan.edit(editor, builder_from, runtime_from)
