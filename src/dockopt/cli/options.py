"""The one table of what ``fix`` and ``check`` take, and the quick way to read it.

typer costs 50 ms to import, half of what a single file may take in all. So a plain command line is read here,
by the table from which :mod:`dockopt.cli.app` builds typer's options; whatever is not plain (help, a mistake)
goes to typer, whose answer is the same wherever both have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Arguments(NamedTuple):
    """A command line of ``fix`` or ``check``, as given; names of transforms are not looked up yet."""

    command: str
    paths: tuple[str, ...] = ()
    diff: bool = False
    check: bool = False
    unsafe_fixes: bool | None = None  #: ``None``: the configuration decides
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    output_format: str = "text"
    output: str | None = None
    exit_non_zero_on_fix: bool = False
    verbose: bool = False
    quiet: bool = False


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


PATHS_HELP = "Dockerfiles, folders to search, or - for standard input. None: the current folder."

OPTIONS = (
    Option("--diff", "flag", "Print a unified diff and change nothing.", ("fix",)),
    Option("--check", "flag", "Change nothing; exit 1 if something would change.", ("fix",)),
    Option("--unsafe-fixes", "switch", "Apply changes that alter the image as declared, too.", ("fix",)),
    Option("--select", "texts", "Run only these: ids, aliases, families, comma-separated.", metavar="IDS"),
    Option("--ignore", "texts", "Do not run these.", metavar="IDS"),
    Option("--output-format", "text", "How to report.", choices=("text", "json")),
    Option("--output", "text", "Write the report or the diff to this file.", metavar="FILE"),
    Option("--exit-non-zero-on-fix", "flag", "Exit 1 if a file was rewritten.", ("fix",)),
    Option("--verbose", "flag", "Show every finding, and every refusal with its reason."),
    Option("--quiet", "flag", "Show errors only, beside what was asked for."),
)

COMMANDS = {
    "fix": "Rewrite Dockerfiles in place, or show what would change.",
    "check": "List what could be better; change nothing.",
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
