"""A property worked out once an object: ``functools.cached_property`` without its lock.

Until Python 3.12 that lock costs as much as many of the values it guards. Nothing here is shared between
threads: documents and facts belong to the run that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # it is used as a decorator, like property
    """Decorates a method without arguments; its value replaces it in the instance's ``__dict__``."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | lazy[T]:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work(instance)
        return value
