"""The one table of what the commands on files take, and the quick way to read it.

typer costs 50 ms to import, half of what a single file may take in all. So a plain command line is read here,
by the table from which :mod:`dockopt.cli.app` builds typer's options; whatever is not plain (help, a mistake)
goes to typer, whose answer is the same wherever both have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Arguments(NamedTuple):
    """A command line, as given; names of transforms are not looked up yet."""

    command: str
    paths: tuple[str, ...] = ()
    diff: bool = False
    check: bool = False
    unsafe_fixes: bool | None = None  #: ``None``: the configuration decides
    online: bool | None = None  #: the same
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    output_format: str = "text"
    output: str | None = None
    exit_non_zero_on_fix: bool = False
    verbose: bool = False
    quiet: bool = False
    verify: bool = False
    engine: str | None = None
    builder: str | None = None
    context: str | None = None
    target: str | None = None
    platform: str | None = None
    build_arg: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    network: str | None = None
    smoke: tuple[str, ...] = ()
    no_run: bool = False
    no_bake: bool = False
    keep: bool = False
    build_timeout: str | None = None
    start_timeout: str | None = None
    stop_timeout: str | None = None
    touch: str | None = None
    fail_under: str | None = None


class Option(NamedTuple):
    """One option. ``kind``: ``flag``, ``switch`` (has a ``--no-`` form), ``text``, ``texts`` (may repeat)."""

    name: str
    kind: str
    help: str
    commands: tuple[str, ...] = ("fix", "check")
    choices: tuple[str, ...] = ()
    metavar: str | None = None

    @property
    def field(self) -> str:
        """The field of :class:`Arguments` it fills."""
        return self.name[2:].replace("-", "_")


_REPORTED = ("fix", "check", "verify", "score", "harden")
_APPLIED = ("fix", "verify", "measure")
_BUILT = ("fix", "verify", "measure")
_RUN = ("fix", "verify")
_ALL = ("fix", "check", "verify", "measure")
_PLACED = ("fix", "check", "verify", "measure", "score", "harden")

FILES_HELP = "PATH: Dockerfiles, or folders to search; without any, the current folder."
PATHS_HELP = "PATH: Dockerfiles, folders to search, or - for standard input; without any, the current folder."

OPTIONS = (
    Option("--diff", "flag", "Print a unified diff and change nothing.", ("fix",)),
    Option("--check", "flag", "Change nothing; exit 1 if something would change.", ("fix",)),
    Option("--unsafe-fixes", "switch", "Apply changes that alter the image as declared, too.", _APPLIED),
    Option("--select", "texts", "Run only these: ids, aliases, families, comma-separated.", _ALL, metavar="IDS"),
    Option("--ignore", "texts", "Do not run these.", _ALL, metavar="IDS"),
    Option("--output-format", "text", "How to report.", _REPORTED, choices=("text", "json")),
    Option("--output-format", "text", "How to report.", ("measure",), choices=("text", "json", "markdown", "html")),
    Option("--touch", "text", "The source file to change for the rebuild.", ("measure",), metavar="FILE"),
    Option("--output", "text", "Write the report or the diff to this file.", _PLACED, metavar="FILE"),
    Option("--fail-under", "text", "Exit 1 if a file has fewer points.", ("score",), metavar="POINTS"),
    Option("--exit-non-zero-on-fix", "flag", "Exit 1 if a file was rewritten.", ("fix",)),
    Option("--verbose", "flag", "Show every finding, and every refusal with its reason.", _ALL),
    Option("--quiet", "flag", "Show errors only, beside what was asked for.", _ALL),
    Option("--verify", "flag", "Build both sides and write only what holds; see dockopt verify.", ("fix",)),
    Option("--engine", "text", "The container engine: docker, podman or nerdctl.", _BUILT, metavar="NAME"),
    Option("--builder", "text", "The buildx builder that does the work.", _BUILT, metavar="NAME"),
    Option(
        "--context",
        "text",
        "The build context; default: from compose and bake files, else the file's folder.",
        _PLACED,
        metavar="FOLDER",
    ),
    Option("--online", "switch", "Ask registries what base images are and for digests.", _PLACED),
    Option("--target", "text", "The stage to build.", _BUILT, metavar="STAGE"),
    Option("--platform", "text", "The platform to build for.", _BUILT, metavar="OS/ARCH"),
    Option(
        "--build-arg",
        "texts",
        "Set a build argument; without a value from the environment.",
        _BUILT,
        metavar="NAME[=VALUE]",
    ),
    Option("--secret", "texts", "A secret for the build, as docker build takes it.", _BUILT, metavar="SPEC"),
    Option("--network", "text", "The network of builds and containers.", _BUILT, metavar="NAME"),
    Option("--smoke", "texts", "A command both containers must answer alike.", _RUN, metavar="COMMAND"),
    Option("--no-run", "flag", "Compare the images only, do not run them.", _RUN),
    Option("--no-bake", "flag", "Do not read compose and bake files.", _BUILT),
    Option("--keep", "flag", "Leave the images and containers made in place.", _BUILT),
    Option("--build-timeout", "text", "Seconds a build may take (1800).", _BUILT, metavar="SECONDS"),
    Option(
        "--start-timeout",
        "text",
        "Seconds a container may take to be healthy or to answer (60).",
        _RUN,
        metavar="SECONDS",
    ),
    Option("--stop-timeout", "text", "Seconds a container may take to end on SIGTERM (10).", _RUN, metavar="SECONDS"),
)

COMMANDS = {
    "fix": "Rewrite Dockerfiles in place, or show what would change.",
    "check": "List what could be better; change nothing.",
    "score": "Judge by a checklist, with points; change nothing.\n\n"
    "Each line has its evidence, and what puts it right. The score goes from 0 to 100.",
    "harden": "Show how to run the image without rights.\n\n"
    "Read-only and without capabilities, for docker run, compose and Kubernetes.",
    "verify": "Build before and after and compare them; change nothing.",
    "measure": "Build before and after, show what is gained; change nothing.",
}


def parse(argv: Sequence[str]) -> Arguments | None:
    """Read a plain command line; ``None`` leaves it to typer."""
    if not argv or argv[0] not in COMMANDS:
        return None
    command = argv[0]
    known = {option.name: option for option in OPTIONS if command in option.commands}
    values: dict[str, object] = {}
    lists: dict[str, list[str]] = {}
    paths: list[str] = []
    rest = iter(argv[1:])
    for word in rest:
        if word == "-" or not word.startswith("-"):
            paths.append(word)
            continue
        name, equals, value = word.partition("=")
        option = known.get(name) or known.get(name.replace("--no-", "--", 1))
        if option is None:
            return None
        if option.kind == "switch":
            if equals:
                return None
            values[option.field] = name == option.name
        elif name != option.name or (equals and option.kind == "flag"):
            return None
        elif option.kind == "flag":
            values[option.field] = True
        else:
            if not equals:
                value = next(rest, "-")
                if value.startswith("-"):
                    return None
            if option.choices and value not in option.choices:
                return None
            if option.kind == "texts":
                lists.setdefault(option.field, []).append(value)
            else:
                values[option.field] = value
    values.update((field, tuple(texts)) for field, texts in lists.items())
    return Arguments(command, tuple(paths))._replace(**values)  # type: ignore[arg-type]
