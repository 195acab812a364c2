"""typer's side of the command line: help, mistakes, and the commands that are not in a hurry."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from typing import Annotated, Any, Optional

import typer

from dockopt import __version__
from dockopt.cli.options import COMMANDS, FILES_HELP, OPTIONS, PATHS_HELP, Arguments, Option

# Whichever click typer stands on: since 0.24 it brings its own.
_ClickException: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Rewrites Dockerfiles: smaller, safer, faster to build - and proves that nothing broke.",
)


class Format(StrEnum):
    """``--output-format``."""

    text = "text"
    json = "json"


def main(argv: Sequence[str]) -> int:
    """Run the command line ``argv`` (without the program's name); the exit code."""
    try:
        code = app(list(argv), prog_name="dockopt", standalone_mode=False)
    except _ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
        else:
            message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
            print(f"dockopt: {message} (dockopt --help shows what is allowed)", file=sys.stderr)
        return 2
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dockopt {__version__}")
        raise typer.Exit()


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None: ...


def _command(name: str) -> Callable[..., int]:
    """The function typer needs for ``name``, its parameters made from the table."""

    def command(**values: Any) -> int:
        from dockopt.cli.commands import run

        return run(arguments(name, values))

    paths = inspect.Parameter(
        "paths",
        inspect.Parameter.KEYWORD_ONLY,
        # Not among typer's "Arguments", where it would be shown with its type as Python writes it.
        default=typer.Argument(None, metavar="PATH", show_default=False, hidden=True),
        annotation=Optional[list[str]],  # noqa: UP045 - typer reads the annotation itself
    )
    options = [_parameter(option) for option in OPTIONS if name in option.commands]
    command.__signature__ = inspect.Signature([paths, *options])  # type: ignore[attr-defined]
    command.__doc__ = f"{COMMANDS[name]}\n\n{FILES_HELP if name in ('verify', 'measure') else PATHS_HELP}"
    return command


def arguments(command: str, values: dict[str, Any]) -> Arguments:
    """typer's values as :class:`Arguments`."""
    fields: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Enum):
            value = value.value
        fields[key] = tuple(value) if isinstance(value, (list, tuple)) else value
    fields["paths"] = fields["paths"] or ()
    for option in OPTIONS:
        if option.kind == "texts":
            fields[option.field] = fields.get(option.field) or ()
    return Arguments(command, **fields)


def _parameter(option: Option) -> inspect.Parameter:
    names = [option.name]
    default: Any = None
    annotation: Any
    if option.kind == "flag":
        annotation, default = bool, False
    elif option.kind == "switch":
        annotation = Optional[bool]  # noqa: UP045
        names = [f"{option.name}/--no-{option.name[2:]}"]
    elif option.kind == "texts":
        annotation = Optional[list[str]]  # noqa: UP045
    elif option.choices:
        make: Any = Enum  # whose members a type checker would want spelled out
        annotation = make("Choice", {choice: choice for choice in option.choices})
        default = annotation(option.choices[0])
    else:
        annotation = Optional[str]  # noqa: UP045
    return inspect.Parameter(
        option.field,
        inspect.Parameter.KEYWORD_ONLY,
        default=typer.Option(default, *names, help=option.help, metavar=option.metavar),
        annotation=annotation,
    )


for _name in COMMANDS:
    app.command(_name)(_command(_name))


@app.command()
def explain(
    transform: Annotated[str, typer.Argument(metavar="ID", hidden=True)],
) -> int:
    """Show what a transform does and when it refuses.

    And why, how safe it is, where to read more, and an example.

    ID: a transform's id, another linter's name for it (DL3059), or a family.
    """
    from dockopt.cli.commands import explain

    return explain(transform)


@app.command()
def rules(
    output_format: Annotated[Format, typer.Option(help="How to show them.")] = Format.text,
) -> int:
    """List all transforms."""
    from dockopt.cli.commands import rules

    return rules(output_format.value)
