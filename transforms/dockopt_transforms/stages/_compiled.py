"""Go, Rust, C, C++, Java and .NET: what was built goes to an image that only runs it.

That is the bare distribution the compiler's image stands on, the JRE of the JDK, or .NET's own image for running.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
    BaseImage,
    Command,
    Document,
    Facts,
    Known,
    Launch,
    ScriptView,
    Stage,
    Unknown,
    base_name,
    lookup,
    runtime,
    slim,
    unwrap,
)
from dockopt_transforms._render import render
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.stages._plan import (
    LAYOUT,
    Impossible,
    Kinds,
    Split,
    Unit,
    copies_into,
    install_text,
    kinds,
    later_text,
    missing,
    system_packages,
    touches_project,
)
from dockopt_transforms.stages._programs import needed_programs
from dockopt_transforms.stages._system import bare

if TYPE_CHECKING:
    from dockopt.api import Context


class Language(NamedTuple):
    """What is particular to a compiled language."""

    name: str
    managers: frozenset[str]  #: package managers of the table whose calls build
    tools: frozenset[str]  #: other commands that build
    sources: re.Pattern[str]  #: names that only a build reads
    suffixes: tuple[str, ...]  #: where calls of other programs are looked for
    bins: tuple[str, ...]  #: where an install puts programs that are called by name
    environment: re.Pattern[str]  #: variables of the toolchain
    images: frozenset[str]  #: base images it is built on


_ANY = r".*\.?dockerignore|.*\.dockerfile|Containerfile.*|\.git\w*|\.github|\.vscode|\.idea|\.editorconfig|.*\.md|LICENSE.*|COPYING.*|NOTICE.*|AUTHORS.*|CHANGELOG.*|Dockerfile.*|(?:docker-)?compose.*\.ya?ml|tests?|docs?|examples?|benches|bench|\.circleci|\.travis\.yml|\.golangci\.ya?ml"
GO = Language(
    "Go",
    frozenset(("go",)),
    frozenset(),
    re.compile(rf"(?:{_ANY}|.*\.go|go\.(?:mod|sum|work|work\.sum)|Makefile|vendor|testdata)\Z", re.I),
    (".go",),
    ("/go/bin",),
    re.compile(r"GO\w+|CGO_\w+|CC|CXX"),
    frozenset(("golang",)),
)
RUST = Language(
    "Rust",
    frozenset(("cargo",)),
    frozenset(("rustup", "rustc")),
    re.compile(
        rf"(?:{_ANY}|.*\.rs|Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|\.cargo|rustfmt\.toml|clippy\.toml|Makefile|target)\Z",
        re.I,
    ),
    (".rs",),
    ("/usr/local/cargo/bin",),
    re.compile(r"CARGO_\w+|RUSTFLAGS|RUSTUP_\w+|RUST_TOOLCHAIN"),
    frozenset(("rust",)),
)
NATIVE = Language(
    "C",
    frozenset(),
    words("""gcc g++ cc c++ clang clang++ make gmake cmake ninja meson ctest autoreconf autoconf automake aclocal libtoolize configure
    autogen.sh bootstrap.sh ./configure strip"""),
    re.compile(rf"(?:{_ANY}|.*\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|o|a|am|ac|m4|in|cmake|S|asm)|CMakeLists\.txt|CMakePresets\.json|(?:GNU)?[Mm]akefile.*|meson\.build|meson_options\.txt|configure|m4|cmake)\Z"),
    (".c", ".cc", ".cpp", ".cxx"),
    ("/usr/local/bin",),
    re.compile(r"CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS|CPPFLAGS|MAKEFLAGS"),
    frozenset(("gcc", "debian", "ubuntu", "alpine")),
)  # fmt: skip
JAVA = Language(
    "Java",
    frozenset(),
    words("mvn mvnw gradle gradlew javac jar"),
    re.compile(
        rf"(?:{_ANY}|src|pom\.xml|.*\.java|.*\.kt|(?:build|settings)\.gradle(?:\.kts)?|gradle\.properties|gradlew(?:\.bat)?|gradle|\.gradle|"
        r"mvnw(?:\.cmd)?|\.mvn|target|build|bin|out|buildSrc|lombok\.config)\Z",
        re.I,
    ),
    (".java", ".kt"),
    (),
    re.compile(r"MAVEN_\w+|GRADLE_\w+"),
    frozenset(("maven", "gradle", "eclipse-temurin", "openjdk", "amazoncorretto")),
)
DOTNET = Language(
    ".NET",
    frozenset(),
    words("dotnet"),
    re.compile(
        rf"(?:{_ANY}|.*\.(?:cs|fs|vb|csproj|fsproj|vbproj|sln|slnx|props|targets|user|razor|cshtml|resx)|bin|obj|Properties|nuget\.config|"
        r"global\.json|\.vs|\.config|packages\.lock\.json)\Z",
        re.I,
    ),
    (".cs", ".fs", ".vb"),
    (),
    re.compile(r"NUGET_\w+|DOTNET_CLI_\w+"),
    frozenset(("mcr.microsoft.com/dotnet/sdk", "mcr.microsoft.com/dotnet/core/sdk")),
)
LANGUAGES = (GO, RUST, NATIVE, JAVA, DOTNET)

# Cargo's -sys crates by the -dev package their library comes from; the empty ones bring it along or need none.
_SYS_CRATES: dict[str, tuple[str, ...]] = {
    "alsa-sys": ("libasound2-dev",),
    "aws-lc-fips-sys": (),
    "aws-lc-sys": (),
    "bzip2-sys": ("libbz2-dev",),
    "cc": (),
    "clang-sys": (),
    "core-foundation-sys": (),
    "curl-sys": ("libcurl4-openssl-dev",),
    "dirs-sys": (),
    "fsevent-sys": (),
    "hermit-abi-sys": (),
    "iana-time-zone-sys": (),
    "inotify-sys": (),
    "io-uring-sys": (),
    "jemalloc-sys": (),
    "js-sys": (),
    "kqueue-sys": (),
    "libgit2-sys": (),
    "libmimalloc-sys": (),
    "libsqlite3-sys": ("libsqlite3-dev",),
    "libssh2-sys": ("libssh2-1-dev",),
    "libz-ng-sys": (),
    "libz-sys": ("zlib1g-dev",),
    "linux-raw-sys": (),
    "lz4-sys": (),
    "lzma-sys": ("liblzma-dev",),
    "mach2-sys": (),
    "mysqlclient-sys": ("default-libmysqlclient-dev",),
    "ndk-sys": (),
    "objc-sys": (),
    "openssl-sys": ("libssl-dev",),
    "pq-sys": ("libpq-dev",),
    "rdkafka-sys": (),
    "redox_sys": (),
    "ring": (),
    "secp256k1-sys": (),
    "security-framework-sys": (),
    "snmalloc-sys": ("g++",),
    "system-configuration-sys": (),
    "tikv-jemalloc-sys": (),
    "wasm-bindgen-sys": (),
    "web-sys": (),
    "windows-sys": (),
    "winreg-sys": (),
    "zstd-sys": (),
}
_MANIFESTS = frozenset(
    (
        "go.mod",
        "Cargo.toml",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "CMakeLists.txt",
        "Makefile",
        "meson.build",
        "configure",
    )
)
_PLACING = frozenset(("cp", "mv", "install", "ln"))
_ROOT_OWNED = ("root", "0")
_FETCHERS = words("git mercurial subversion curl wget unzip bzip2 xz-utils xz file patch openssh-client")


def language(facts: Facts, stage: Stage) -> Language | None:
    """The language whose tools build in the stage, on an image for it; None where none does."""
    image = facts.base_image(stage)
    if image is None:
        return None
    for one in LANGUAGES:
        if image.name not in one.images:
            continue
        if any(
            view.stage is stage and call.verb in _BUILD_VERBS
            for name in one.managers
            for view, call in facts.invocations(name)
        ):
            return one
        if any(view.stage is stage for name in one.tools for view, _ in facts.commands(name)):
            return one
    return None


_BUILD_VERBS = frozenset(("build", "install", "run", "test"))


def applies(facts: Facts, stage: Stage) -> bool:
    """Whether a compiler of these languages builds in the stage."""
    return language(facts, stage) is not None


def split(document: Document, facts: Facts, stage: Stage) -> tuple[Split, str, tuple[str, ...]]:
    """The two stages, the image of the one that runs, and what was relied on.

    :raises Impossible: where it cannot be done.
    """
    tongue = language(facts, stage)
    image = facts.base_image(stage)
    assert tongue is not None and image is not None and stage.base is not None
    if isinstance(facts.context, Unknown):
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {facts.context.reason}")
    context = facts.context.value
    if isinstance(facts.launch, Unknown):
        raise Impossible("needs-unknown", f"what the image runs is not known: {facts.launch.reason}")
    launch = facts.launch.value
    small = _bare_image(tongue, image, stage.base, context)

    plan = Split(document, facts, stage)
    read = {unit.node.id: _kinds(facts.script(unit.node), tongue) for unit in plan.units if unit.node.name == "RUN"}
    working = [unit for unit in plan.units if unit.node.name == "RUN" and "build" in read[unit.node.id].kinds]
    root = _folder(facts, working)
    for unit in plan.units[plan.units.index(working[-1]) + 1 :]:
        if unit.node.name == "RUN" and _places_built(facts, stage, unit, root):
            working.append(unit)
            found = read[unit.node.id]
            others = tuple(name for name in found.others if name not in (*_PLACING, "strip"))
            read[unit.node.id] = Kinds((found.kinds - {"other", "layout"}) | {"build"}, found.packages, others)
    last = plan.units.index(working[-1])
    before, after = plan.units[: last + 1], plan.units[last + 1 :]
    wanted = _needs(facts, tongue, image, context, plan)
    packages = system_packages(image, before, after, read, small)
    # What fetches sources is for the build, unless the program itself is seen to call it.
    fetchers = (
        frozenset(bare(word) for unit in before if unit.node.name == "RUN" for word in read[unit.node.id].packages)
        & _FETCHERS
    )
    packages = {word: () if bare(word) in fetchers else known for word, known in packages.items()}
    if tongue is DOTNET:
        source, target = _published(facts, stage, context, working, launch)
        _check_port(facts, image, small, context)
    elif tongue is JAVA:
        source, target = _archive(facts, stage, context, working, launch, root)
    else:
        source, target = _binary(facts, stage, tongue, working, launch, root)
    _check_places(facts, working, source)
    _check_linking(facts, tongue, image, working, context)
    programs = needed_programs(
        facts,
        stage,
        [unit.node for unit in after],
        image,
        small,
        suffixes=tongue.suffixes,
        present=frozenset(packages) - fetchers,
        dropped=fetchers,
    )
    extra = missing([*wanted, *programs.packages], packages)
    kept = _kept(facts, stage, tongue, context, before, source, launch)
    if tongue is DOTNET and launch.cwd == source:
        kept = _Kept([], frozenset())  # the app reads what is beside it, and publishing puts that there
    if tongue is not JAVA and not any(
        name.endswith(tongue.suffixes) or posixpath.basename(name) in _MANIFESTS for name in context.listing.files
    ):
        raise Impossible("context-unknown", f"no source of {tongue.name} is in {context.evidence}")
    copies = [_Copy((source,), target), *_copies(kept)] if source != root else [_Copy((root,), root)]
    _assign(plan, facts, tongue, image, before, read, packages, extra, copies, kept, root)
    return plan, small, (facts.launch.evidence, *programs.evidence)


def _bare_image(tongue: Language, image: BaseImage, base: str, context: Context) -> str:
    if image.name in ("debian", "ubuntu", "alpine"):
        smaller = slim(base)
        return smaller.value if isinstance(smaller, Known) else base
    if tongue is DOTNET and image.family == "alpine":
        raise Impossible("needs-unknown", "Alpine's image for running has no culture data, which the SDK's has")
    found = runtime(base, "aspnet" if tongue is DOTNET and _web(context) else "runtime")
    if isinstance(found, Unknown):
        raise Impossible("base-unknown", found.reason)
    return found.value


def _kinds(view: ScriptView | None, tongue: Language) -> Kinds:
    what = kinds(view, tongue.managers)
    if view is None or view.opaque is not None:
        return what
    found = set(what.kinds)
    if "install" in found:
        found.discard("install")
        found.add("build")
    others = []
    for command in view.commands:
        at = unwrap(command)
        value = command.words[at].value if at < len(command.words) else None
        name = base_name(value) if value else None
        if name is None or name not in what.others:
            continue
        if name in tongue.tools:
            found.add("build")
        elif name == "rm" or (name == "cd" and _under_project(command.values[at + 1 :])):
            found.add("neutral")  # what it takes away is taken away where the RUN runs: in the builder
        elif name in _PLACING:
            found.add("placing")  # checked when the program's place is known
        else:
            others.append(name)
    if not others:
        found.discard("other")
    if "build" not in found and found & {"placing"}:
        others.append("cp")
    layout = [
        command
        for command in view.commands
        if base_name(command.name or "") in LAYOUT and base_name(command.name or "") not in _PLACING
    ]
    if "build" in found and all(_under_project(command.values[1:]) for command in layout):
        found.discard("layout")
    for call in view.invocations:
        if (call.manager.name == "go" and call.verb in ("run", "generate")) or (
            call.manager.name == "cargo" and call.verb == "run"
        ):
            raise Impossible(
                "unknown-step", f"what {call.manager.name} {call.verb} does is not known", view.instruction
            )
    return Kinds(frozenset(found), what.packages, tuple(others))


def _places_built(facts: Facts, stage: Stage, unit: Unit, root: str) -> bool:
    """Whether a RUN below the last build step only moves about what that made: ``cp target/release/app app``."""
    view = facts.script(unit.node)
    workdir = facts.state(unit.node).workdir
    if view is None or view.opaque is not None or not isinstance(workdir, Known):
        return False
    built = False
    for command in view.commands:
        name = base_name(command.name or "")
        if name not in (*_PLACING, "strip", "mkdir", "chmod", "rm", "cd", "echo", "set"):
            return False
        for value in command.values[1:] if name in (*_PLACING, "strip") else ():
            path = posixpath.normpath(posixpath.join(workdir.value, value or ""))
            inside = bool(value) and not (value or "").startswith("-") and path.startswith(root.rstrip("/") + "/")
            built = built or (inside and facts.context_file(path, stage) is None)
    return built


def _under_project(values: tuple[str | None, ...]) -> bool:
    """Whether every operand is a relative path: inside the folder the build works in."""
    return all(
        value is not None and (value.startswith("-") or (not value.startswith("/") and ".." not in value))
        for value in values
    )


def _folder(facts: Facts, working: list[Unit]) -> str:
    """The folder the last build step starts in."""
    workdir = facts.state(working[-1].node).workdir
    if isinstance(workdir, Unknown):
        raise Impossible("needs-unknown", workdir.reason, working[-1].node)
    return workdir.value


def _binary(
    facts: Facts, stage: Stage, tongue: Language, working: list[Unit], launch: Launch, root: str
) -> tuple[str, str]:
    """Where the program that the image runs was built, and where it shall stand.

    It is not in the build context, nothing copies or downloads it, so a build step made it.
    """
    word = launch.argv[0]
    if "$" in word or launch.program in ("go", "cargo", "make", "sh", "bash"):
        raise Impossible(
            "needs-unknown", f"{launch.evidence} starts {word}: the toolchain itself, or what only the run knows"
        )
    if "/" in word:
        path = posixpath.normpath(posixpath.join(launch.cwd, word))
        if facts.context_file(path, stage) is not None:
            raise Impossible("needs-unknown", f"{launch.evidence} starts {word}, which is a file of the build context")
        inside = path.startswith((root.rstrip("/") + "/", *(folder + "/" for folder in tongue.bins)))
        if not inside and not _named(facts, working, path):
            raise Impossible("needs-unknown", f"no build step is known to make {word}")
        return path, path
    if not any(_installs(facts, unit, tongue) for unit in working):
        path = "/usr/local/bin/" + word
        if _named(facts, working, path):
            return path, path
        raise Impossible("needs-unknown", f"no build step is known to put {word} where it is found by name")
    if tongue.name == "C":
        raise Impossible("needs-unknown", "what the project's own install puts where is not known")
    return f"{tongue.bins[0]}/{word}", f"/usr/local/bin/{word}"


_THIN = re.compile(
    r"addClasspath|copy-dependencies|classpathPrefix|Class-Path|installDist|getSystemJavaCompiler|launcher\.jar|layertools"
)


def _archive(
    facts: Facts, stage: Stage, context: Context, working: list[Unit], launch: Launch, root: str
) -> tuple[str, str]:
    """The archive (or folder of classes) that Java starts."""
    words_ = launch.argv
    if launch.program != "java":
        raise Impossible(
            "needs-unknown", f"{launch.evidence} starts {words_[0]}: the toolchain itself, or what is not known"
        )
    for name in context.listing.files:
        if posixpath.basename(name) in ("pom.xml", "build.gradle", "build.gradle.kts") or name.endswith(
            (".java", ".kt")
        ):
            text = context.text(name)
            found = _THIN.search(text.value) if isinstance(text, Known) else None
            if found is not None:
                raise Impossible(
                    "needs-unknown", f"{name} speaks of {found[0]}: what is needed beside the archive is not known"
                )
    if "-jar" in words_[:-1]:
        jar = words_[words_.index("-jar") + 1]
        path = posixpath.normpath(posixpath.join(launch.cwd, jar))
        if "$" in jar or facts.context_file(path, stage) is not None:
            raise Impossible("needs-unknown", f"{launch.evidence}: no build step is known to make {jar}")
        if not path.startswith(root.rstrip("/") + "/") and not _named(facts, working, path):
            raise Impossible("needs-unknown", f"no build step is known to make {jar}")
        if posixpath.basename(posixpath.dirname(path)) == "quarkus-app":
            return posixpath.dirname(path), posixpath.dirname(path)
        return path, path if "*" not in path else posixpath.dirname(path) + "/"
    compilers = [command for unit in working for command in _commands(facts, unit) if "javac" in command.values]
    if compilers and launch.cwd == root:
        folder = _classes(context, compilers, words_)
        path = root if folder is None else posixpath.join(root, folder)
        return path, path
    raise Impossible("needs-unknown", f"which classes {launch.evidence} starts from is not known")


def _classes(context: Context, compilers: list[Command], argv: tuple[str, ...]) -> str | None:
    """The folder javac writes to and Java looks in for all it runs; None where that may be more than one folder.

    What lies among the sources and is none, only the project's whole folder keeps where it is.
    """
    if any("/" in name and not name.endswith(".java") for name in context.listing.files):
        return None
    written = {_operand(command.values, "-d") for command in compilers}
    read = _operand(argv, "-cp", "-classpath", "--class-path")
    if read is None or written != {read} or not re.fullmatch(r"\w[\w./-]*", read) or ".." in read:
        return None
    return read.rstrip("/")


def _operand(values: Sequence[str | None], *options: str) -> str | None:
    """The word behind the one of the options that is given."""
    return next((values[index + 1] for index, value in enumerate(values[:-1]) if value in options), None)


def _web(context: Context) -> bool:
    """Whether a project of the context is a web application, which needs ASP.NET Core."""
    for name in context.listing.files:
        if name.endswith(("proj",)):
            text = context.text(name)
            if (
                isinstance(text, Unknown)
                or "Microsoft.NET.Sdk.Web" in text.value
                or "Microsoft.AspNetCore.App" in text.value
            ):
                return True
    return False


def _published(facts: Facts, stage: Stage, context: Context, working: list[Unit], launch: Launch) -> tuple[str, str]:
    """The folder ``dotnet publish`` wrote, which holds all the app needs by what publishing means."""
    if launch.program != "dotnet" or len(launch.argv) < 2 or not launch.argv[1].endswith(".dll"):
        raise Impossible("needs-unknown", f"{launch.evidence} starts no published assembly")
    path = posixpath.normpath(posixpath.join(launch.cwd, launch.argv[1]))
    folder = posixpath.dirname(path)
    for unit in working:
        workdir = facts.state(unit.node).workdir
        for command in _commands(facts, unit):
            values = [value or "" for value in command.values]
            if values[:2] != ["dotnet", "publish"] or isinstance(workdir, Unknown):
                continue
            given = next((values[i + 1] for i, value in enumerate(values[:-1]) if value in ("-o", "--output")), None)
            if given is not None and posixpath.normpath(posixpath.join(workdir.value, given)) == folder:
                break
        else:
            continue
        break
    else:
        raise Impossible("needs-unknown", f"no dotnet publish is seen to write {folder}")
    return folder, folder


_ADDRESSES = ("ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS")


def _check_port(facts: Facts, image: BaseImage, small: str, context: Context) -> None:
    """Whether a web application listens where it did: up to .NET 7 the SDK's image set another address."""
    if not _web(context) or facts.mentions("aspnetcore_urls", "aspnetcore_http_ports", "--urls"):
        return
    other = lookup(small)
    if other is not None and all(image.env.get(name) == other.env.get(name) for name in _ADDRESSES):
        return
    sources = [name for name in context.listing.files if name.endswith(".cs")]
    texts = [text.value for name in sources if isinstance(text := context.text(name), Known)]
    if not any(re.search(r"UseUrls|ListenAnyIP|app\.Run\(\s*\"http|Urls\.Add", text) for text in texts):
        raise Impossible("needs-unknown", "the port is the image's default, which is another in the image for running")


def _commands(facts: Facts, unit: Unit) -> tuple[Command, ...]:
    view = facts.script(unit.node)
    return view.commands if view is not None else ()


def _named(facts: Facts, working: list[Unit], path: str) -> bool:
    """Whether a build step names the path, or the folder it stands in, as its output."""
    folder = posixpath.dirname(path)
    for unit in working:
        view = facts.script(unit.node)
        for command in view.commands if view is not None else ():
            values = [value or "" for value in command.values]
            for index, value in enumerate(values[:-1]):
                if values[0].rsplit("/", 1)[-1] in _PLACING and values[-1].rstrip("/") in (path, folder):
                    return True
                if value in ("-o", "--out-dir", "--root") and values[index + 1].rstrip("/") in (
                    path,
                    folder,
                    posixpath.dirname(folder),
                ):
                    return True
    return False


def _check_places(facts: Facts, working: list[Unit], binary: str) -> None:
    """Whether what the build steps copy about the image is the program, or stays in the project's folder."""
    for unit in working:
        view = facts.script(unit.node)
        for command in view.commands if view is not None else ():
            at = unwrap(command)
            values = command.values[at:]
            if not values or base_name(values[0] or "") not in _PLACING:
                continue
            target = values[-1]
            if target is None or (
                target.startswith("/") and target.rstrip("/") not in (binary, posixpath.dirname(binary))
            ):
                raise Impossible(
                    "unknown-step", f"a build step puts files at {target or 'a place only the build knows'}", unit.node
                )


def _installs(facts: Facts, unit: Unit, tongue: Language) -> bool:
    view = facts.script(unit.node)
    if view is None:
        return False
    if tongue.name == "C":
        return any("install" in command.values for command in view.commands)
    return any(
        call.verb == "install" and call.option("--root") is None
        for call in view.invocations
        if call.manager.name in tongue.managers
    )


def _check_linking(facts: Facts, tongue: Language, image: BaseImage, working: list[Unit], context: Context) -> None:
    """Libraries the build itself makes, or the compiler's image alone has."""
    if tongue.name == "C":
        for name in context.listing.files:
            if re.search(
                r"(?:\A|/)(?:CMakeLists\.txt|.*\.cmake|(?:GNU)?[Mm]akefile(?:\.\w+)?|meson\.build|.*\.mk|configure\.ac)\Z",
                name,
            ):
                text = context.text(name)
                if isinstance(text, Unknown):
                    raise Impossible("needs-unknown", text.reason)
                if re.search(
                    r"\bSHARED\b|-shared\b|shared_library|LT_INIT|BUILD_SHARED_LIBS|FetchContent|ExternalProject|\bdlopen\b",
                    text.value,
                ):
                    raise Impossible(
                        "needs-unknown",
                        f"{name} makes shared libraries, which must be where the program looks for them",
                    )
        made = " ".join(unit.node.text for unit in working)
        if re.search(r"-shared\b", made):
            raise Impossible(
                "needs-unknown", "shared libraries are built, which must be where the program looks for them"
            )
        if image.name == "gcc" and any(
            name.endswith((".cc", ".cpp", ".cxx", ".C", ".f90", ".f")) for name in context.listing.files
        ):
            raise Impossible(
                "needs-unknown",
                f"C++ programs of {image.reference} link with its own libstdc++, newer than the distribution's",
            )


def _needs(facts: Facts, tongue: Language, image: BaseImage, context: Context, plan: Split) -> list[str]:
    """System packages the program needs that the full image has and the bare one lacks."""
    from dockopt_transforms.stages._system import at_run_time

    found: list[str] = []
    if tongue in (JAVA, DOTNET):
        return found
    if tongue.name == "C":
        files = [name for name in context.listing.files if tongue.sources.match(posixpath.basename(name))]
        texts = [text.value for name in files if isinstance(text := context.text(name), Known)]
        if image.manager == "apt" and any(re.search("openmp|pragma omp", text, re.I) for text in texts):
            found.append("libgomp1")
        return found
    if image.manager == "apt":
        found.append("ca-certificates")
    if tongue.name == "Go":
        for name in context.listing.files:
            if name.endswith(".go"):
                text = context.text(name)
                if (
                    isinstance(text, Known)
                    and re.search(r"\btime\.LoadLocation\b", text.value)
                    and image.manager == "apt"
                ):
                    found.append("tzdata")
                    break
        return found
    lock = next((name for name in context.listing.files if posixpath.basename(name) == "Cargo.lock"), None)
    if lock is None:
        raise Impossible("needs-unknown", "there is no Cargo.lock: which libraries the crates link with is not known")
    text = context.text(lock)
    if isinstance(text, Unknown):
        raise Impossible("needs-unknown", text.reason)
    names = re.findall(r'^name = "([^"]+)"', text.value, re.M)
    for crate in sorted(set(names)):
        if not crate.endswith("-sys") or (crate == "openssl-sys" and "openssl-src" in names):
            continue
        known = _SYS_CRATES.get(crate)
        if known is None:
            raise Impossible("needs-unknown", f"which library {crate} ({lock}) links with is not known")
        for one in known:
            packages = at_run_time(one, image)
            if isinstance(packages, Unknown):
                raise Impossible("package-unknown", packages.reason)
            found += packages.value
    return found


class _Kept(NamedTuple):
    pairs: list[tuple[str, str]]  #: paths in the builder and in the image that runs
    whole: frozenset[int]  #: the COPY instructions all of whose files are kept: they stay as they are
    files: frozenset[str] = frozenset()  #: those of the paths that are no folders
    stay: tuple[str, ...] = ()  #: the paths that the COPY instructions of ``whole`` write


def _kept(
    facts: Facts, stage: Stage, tongue: Language, context: Context, before: list[Unit], binary: str, launch: Launch
) -> _Kept:
    """What else of the project's folder must be there: everything that is no source, and what the command names."""
    found: list[str] = []
    files: set[str] = set()
    covered: list[str] = []
    stay: list[str] = []
    whole: set[int] = set()
    if context.listing.truncated:
        raise Impossible("needs-unknown", "the build context has more files than dockopt reads")
    for unit in before:
        node = unit.node
        if node.name not in ("COPY", "ADD"):
            continue
        if node.name == "ADD" or node.flag("from") is not None:
            raise Impossible("needs-unknown", f"what {node.name} brings here is not known", node)
        target = copies_into(facts, node)
        folder = node.args[-1].endswith(("/", "/.")) or node.args[-1] == "." or len(node.args) > 2
        kept: list[str] = []
        left = False
        for word in node.args[:-1]:
            matched = context.sources(word)
            if isinstance(matched, Unknown):
                raise Impossible("needs-unknown", matched.reason, node)
            for name in matched.value:
                if context.is_dir(name):
                    entries, some_left = _entries(context, name, tongue)
                    kept += [posixpath.join(target, entry) for entry in entries]
                    files.update(
                        posixpath.join(target, entry)
                        for entry in entries
                        if not context.is_dir(posixpath.normpath(posixpath.join(name, entry)))
                    )
                    left = left or some_left
                elif tongue.sources.match(posixpath.basename(name)):
                    left = True
                else:
                    kept.append(posixpath.join(target, posixpath.basename(name)) if folder else target)
                    files.add(kept[-1])
        if kept and not left:
            whole.add(node.id)
            stay += kept
        else:
            found += kept
        covered += kept
    for word in launch.argv[1:]:
        path = posixpath.normpath(posixpath.join(launch.cwd, word.rpartition("=")[2]))
        there = any(path == one or path.startswith(one.rstrip("/") + "/") for one in covered)
        if not there and facts.context_file(path, stage) is not None:
            found.append(path)
            files.add(path)
    return _Kept(
        [(path, path) for path in dict.fromkeys(found) if path != binary],
        frozenset(whole),
        frozenset(files),
        tuple(stay),
    )


class _Copy(NamedTuple):
    sources: tuple[str, ...]
    target: str  #: a folder where there are several sources


def _copies(kept: _Kept) -> list[_Copy]:
    """What is kept, the files of one folder together."""
    found: dict[str, _Copy] = {}
    for source, target in kept.pairs:
        folder = posixpath.dirname(target)
        if target not in kept.files:
            found[target] = _Copy((source,), target)
        elif folder in found and found[folder].sources[0] in kept.files:
            found[folder] = _Copy((*found[folder].sources, source), folder.rstrip("/") + "/")
        else:
            found[folder] = _Copy((source,), target)
    return list(found.values())


def _entries(context: Context, folder: str, tongue: Language) -> tuple[list[str], bool]:
    """The names in a folder that are no sources, and whether there are others."""
    found: list[str] = []
    left = False
    for name in context.names(folder):
        path = posixpath.normpath(posixpath.join(folder, name))
        inside = [one for one in context.listing.files if one.startswith(path + "/")] if context.is_dir(path) else []
        only_sources = context.is_dir(path) and all(tongue.sources.match(posixpath.basename(one)) for one in inside)
        if tongue.sources.match(name) or only_sources:
            left = True
        else:
            found.append(name)
    return found, left


def _assign(
    plan: Split, facts: Facts, tongue: Language, image: BaseImage, before: list[Unit], read: dict[int, Kinds],
    packages: dict[str, tuple[str, ...]], extra: list[str], copies: list[_Copy], kept: _Kept, root: str,
) -> None:  # fmt: skip
    document, whole = plan.document, kept.whole
    later = later_text(plan, before)
    placed = [
        posixpath.join(one.target, posixpath.basename(source)) if len(one.sources) > 1 else one.target
        for one in copies
        for source in one.sources
    ]
    owners = {flag.value for unit in before if (flag := unit.node.flag("chown")) is not None}
    user = facts.state(before[-1].node).user
    if owners or isinstance(user, Unknown) or user.value.partition(":")[0] not in _ROOT_OWNED:
        raise Impossible(
            "build-user", "the build runs as, or its files belong to, another account than root", before[-1].node
        )
    libraries: list[str] = []
    for unit in before:
        node = unit.node
        if node.name in ("COPY", "ADD"):
            plan.into_builder(unit, comments=node.id not in whole)
            if node.id not in whole:
                plan.drop(unit)
        elif node.name == "RUN" and "build" in read[node.id].kinds:
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
            libraries += [one for word in read[node.id].packages for one in packages[word]]
        elif node.name == "RUN" and touches_project(facts, unit, read[node.id], root):
            stays = _of_what_stays(facts, unit, kept.stay)
            plan.into_builder(unit, comments=not stays)
            if not stays:
                plan.drop(unit)
        elif node.name == "RUN" and _comes_with(facts, unit, placed):
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
        elif node.name == "RUN":
            libraries += plan.prepare(unit, read[node.id], packages, owned=False)
        elif node.name == "ENV" and all(tongue.environment.fullmatch(pair.key) for pair in node.pairs):
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
            plan.lost += [pair.key for pair in node.pairs]
        else:
            plan.carry(unit, later)
    text = install_text(document, image, [*libraries, *extra], keep_lists=plan.lists_read(packages))
    pairs = [(" ".join(one.sources), _shorter(one.target, root)) for one in copies]
    text += render(document, "copy_from", builder=plan.builder, pairs=pairs, chown=None)
    place = next((unit for unit in before if unit.node.id in whole), None)
    if place is not None and (libraries or extra):
        # Above what may change with every commit.
        installs = install_text(document, image, [*libraries, *extra], keep_lists=plan.lists_read(packages))
        plan.put_above(place, installs)
        text = text.removeprefix(installs)
    plan.swap(before[-1], text, comments=False)


def _of_what_stays(facts: Facts, unit: Unit, stay: tuple[str, ...]) -> bool:
    """Whether a RUN sets up files that the stage that runs copies from the context itself: there too it must.

    :raises Impossible: where it sets up others as well, which are not there.
    """
    workdir = facts.state(unit.node).workdir
    assert isinstance(workdir, Known)
    found: set[bool] = set()
    for command in _commands(facts, unit):
        skipped = 2 if command.name in ("chmod", "chown", "chgrp") else 1
        for value in command.values[skipped:] if base_name(command.name or "") in (*LAYOUT, "rm") else ():
            if value is None or value.startswith("-"):
                continue
            path = posixpath.normpath(posixpath.join(workdir.value, value))
            here = any((path + "/").startswith(one + "/") or one.startswith(path + "/") for one in stay)
            if here or command.name != "rm":
                found.add(here)
    if len(found) > 1:
        raise Impossible("mixed-run", "one RUN sets up files of the build and files of the image", unit.node)
    return found == {True}


def _comes_with(facts: Facts, unit: Unit, targets: list[str]) -> bool:
    """Whether a RUN only makes folders that COPY makes as well."""
    workdir = facts.state(unit.node).workdir
    commands = _commands(facts, unit)
    if not isinstance(workdir, Known) or not commands or any(command.name != "mkdir" for command in commands):
        return False
    for value in (value for command in commands for value in command.values[1:]):
        if value is None:
            return False
        path = posixpath.normpath(posixpath.join(workdir.value, value))
        if not value.startswith("-") and not any(one == path or one.startswith(path + "/") for one in targets):
            return False
    return True


def _shorter(path: str, root: str) -> str:
    """A path below the working directory as people write it."""
    if path.rstrip("/") == root:
        return "./"
    return "./" + path[len(root) + 1 :] if root != "/" and path.startswith(root + "/") else path
