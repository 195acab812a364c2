"""dockopt's built-in transforms. ``index`` lists them without importing them."""

from __future__ import annotations


def index() -> list[tuple[object, ...]]:
    """The rows of the generated catalogue (``tools/catalogue.py`` writes it; CI fails when it is stale)."""
    from dockopt_transforms._index import ROWS

    return ROWS
