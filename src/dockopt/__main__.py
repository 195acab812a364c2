"""``dockopt`` on the command line."""

from __future__ import annotations

import sys


def main() -> int:
    """Run ``sys.argv``; the exit code (see :mod:`dockopt.cli.commands`)."""
    import gc

    # Documents and facts are freed by counting; looking for circles every 700 objects takes a twentieth of a run.
    gc.set_threshold(50_000, 20, 50)
    try:
        from dockopt.cli.options import parse

        arguments = parse(sys.argv[1:])
        if arguments is not None:
            from dockopt.cli.commands import run

            return run(arguments)
        from dockopt.cli.app import main as through_typer

        return through_typer(sys.argv[1:])
    except KeyboardInterrupt:
        print("dockopt: interrupted; what is not yet rewritten is untouched", file=sys.stderr)
        return 130
    except Exception as error:
        import os

        if os.environ.get("DOCKOPT_DEBUG") == "1":
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"dockopt: internal error, please report it ({text})", file=sys.stderr)
        return 2


def script() -> None:
    """The console script: :func:`main`, and out.

    Taking the interpreter apart object by object takes as long as handling a file, and nothing is left to do.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # the reader of a pipe is gone, or the disk is full: Python says so
    import os

    os._exit(code)


if __name__ == "__main__":
    script()
