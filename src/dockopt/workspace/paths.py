"""How paths are shown."""

from __future__ import annotations

import os


def shown(path: str) -> str:
    """An absolute path as a person would name it: relative when it lies in the current folder."""
    here = os.getcwd().rstrip(os.sep) + os.sep
    return path[len(here) :] if path.startswith(here) else path
