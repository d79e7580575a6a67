"""Objects that handlers take by their type.

Modules provide their own in `start()`: `self.services.provide(T, value)`.
"""

from __future__ import annotations

from typing import TypeVar, cast

T = TypeVar("T")


class UnknownServiceError(LookupError):
    """A handler asks for a type that nobody provides."""


class Services:
    """A registry by type. A module's own registry falls back to the process's one."""

    def __init__(self, parent: Services | None = None) -> None:
        self._parent = parent
        self._values: dict[object, object] = {}

    def provide(self, kind: type[T], value: T) -> None:
        """Give handlers `value` where they ask for `kind`. A later value replaces an earlier one."""
        self._values[kind] = value

    def get(self, kind: type[T]) -> T:
        """Return the value provided for `kind`.

        Raises:
            UnknownServiceError: Nobody provides it.
        """
        if kind in self._values:
            return cast("T", self._values[kind])
        if self._parent is not None:
            return self._parent.get(kind)
        name = getattr(kind, "__name__", str(kind))
        raise UnknownServiceError(
            f"no service of type {name}: call self.services.provide({name}, value) in the module's start()"
        )

    def has(self, kind: object) -> bool:
        """Whether `get` would find a value."""
        return kind in self._values or (self._parent is not None and self._parent.has(kind))
