"""Values with evidence, or the reason there is none."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Known(NamedTuple, Generic[T]):
    """A value and where it was read: ``line 3: USER app``, or the name of a table."""

    value: T
    evidence: str


class Unknown(NamedTuple):
    """No value, and why: ``the base image acme/base is not in the table``."""

    reason: str
