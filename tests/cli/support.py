"""The command line as users have it: a process of its own, bytes in and out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

#: What the tests' files are rewritten by, whatever else the catalogue holds by now.
SELECT = "--select=replace-maintainer,pip-no-cache-dir,drop-sudo"

#: Two safe changes, one unsafe, one refusal.
BEFORE = b"""FROM python:3.12
MAINTAINER Ann <ann@example.com>
RUN pip install flask
RUN --mount=type=cache,target=/root/.cache/pip pip install gunicorn
RUN sudo make
"""

AFTER = (
    BEFORE.replace(b"MAINTAINER ", b'LABEL org.opencontainers.image.authors="')
    .replace(b"com>\n", b'com>"\n')
    .replace(b"install flask", b"install --no-cache-dir flask")
)


class Run:
    """Calls ``dockopt`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, extra: Mapping[str, str] = {}) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
        return {**inherited, "PYTHONPATH": path, **extra}

    def command(self, *words: str, patch: str = "") -> list[str]:
        """:param patch: code run before ``main``, to bring about what cannot be had otherwise."""
        if not patch:
            return [sys.executable, "-m", "dockopt", *words]
        code = f"import sys\n{patch}\nfrom dockopt.__main__ import main\nsys.exit(main())"
        return [sys.executable, "-c", code, *words]

    def __call__(
        self,
        *words: str,
        stdin: bytes = b"",
        patch: str = "",
        env: Mapping[str, str] = {},
    ) -> Done:
        done = subprocess.run(
            self.command(*words, patch=patch),
            input=stdin,
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "surrogateescape"))


class Done:
    """How a call ended."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"Done({self.code}, {self.out!r}, {self.err!r})"
