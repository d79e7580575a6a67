"""Reads what a request to the control API gives, and says clearly what is wrong with it. Used by all its routes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from migaga.common.text import nearest


class ControlFault(Exception):  # noqa: N818 - the fault of the request, not ours
    """A request that cannot be carried out: answered with this status and `{"error": message}`."""

    def __init__(self, status: int, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        """Discord's error code, when Discord would have refused it."""


class Given:
    """The values of one request: a JSON body, or a query string."""

    def __init__(self, values: Mapping[str, object], allowed: Collection[str]) -> None:
        self._values = values
        for key in values:
            if key not in allowed:
                close = nearest(key, allowed)
                hint = f"did you mean {close!r}?" if close else f"allowed are {', '.join(sorted(allowed)) or 'none'}"
                raise ControlFault(400, f"unknown field {key!r}: {hint}")

    def has(self, key: str) -> bool:
        """Whether a value other than null was given."""
        return self._values.get(key) is not None

    def raw(self, key: str) -> object:
        """The value as it came; None when it was not given."""
        return self._values.get(key)

    def id(self, key: str) -> int:
        """A snowflake, as text or number."""
        value = self.optional_id(key)
        if value is None:
            raise ControlFault(400, f"{key!r} is missing: give an id")
        return value

    def optional_id(self, key: str) -> int | None:
        """A snowflake or None."""
        value = self._values.get(key)
        return None if value is None else as_id(key, value)

    def ids(self, key: str) -> list[int]:
        """A list of snowflakes; empty when it was not given."""
        return [as_id(key, item) for item in self.array(key)]

    def text(self, key: str, default: str | None = None) -> str:
        """Text; without a default it must be given."""
        value = self._values.get(key, default)
        if isinstance(value, str):
            return value
        if value is None:
            raise ControlFault(400, f"{key!r} is missing: give a text")
        raise ControlFault(400, f"{key!r} must be a text, not {value!r}")

    def optional_text(self, key: str) -> str | None:
        """Text or None."""
        return self.text(key) if self.has(key) else None

    def number(self, key: str, default: int | None = None, *, least: int = 0, most: int = 2**63) -> int:
        """A whole number within bounds; in a query string it is text."""
        value = self._values.get(key, default)
        if isinstance(value, str) and value.lstrip("-").isdecimal():
            value = int(value)
        if value is None:
            raise ControlFault(400, f"{key!r} is missing: give a whole number")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ControlFault(400, f"{key!r} must be a whole number from {least} to {most}, not {value!r}")
        return value

    def optional_number(self, key: str) -> int | None:
        """A whole number or None."""
        return self.number(key) if self.has(key) else None

    def seconds(self, key: str, default: float | None = None) -> float:
        """A time in seconds, 0 or more."""
        value = self._values.get(key, default)
        if value is None:
            raise ControlFault(400, f"{key!r} is missing: give seconds")
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
        except ValueError:
            number = -1.0
        if not 0 <= number < 1e9:
            raise ControlFault(400, f"{key!r} must be a number of seconds, 0 or more, not {value!r}")
        return number

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """A truth value; in a query string `1`, `0`, `true` or `false`."""
        value = self._values.get(key, default)
        if isinstance(value, str) and value.casefold() in {"1", "0", "true", "false"}:
            return value.casefold() in {"1", "true"}
        if not isinstance(value, bool):
            raise ControlFault(400, f"{key!r} must be true or false, not {value!r}")
        return value

    def array(self, key: str) -> list[object]:
        """A list; empty when it was not given."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ControlFault(400, f"{key!r} must be a list, not {value!r}")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts; empty when it was not given."""
        values = self.array(key)
        if not all(isinstance(item, str) for item in values):
            raise ControlFault(400, f"{key!r} must be a list of texts, not {values!r}")
        return [str(item) for item in values]

    def objects(self, key: str, *allowed: str) -> list[Given]:
        """A list of objects, each with these fields."""
        values = self.array(key)
        if not all(isinstance(item, Mapping) for item in values):
            raise ControlFault(400, f"{key!r} must be a list of objects, not {values!r}")
        return [Given(item, allowed) for item in values if isinstance(item, Mapping)]

    def object(self, key: str) -> Mapping[str, object]:
        """An object; empty when it was not given."""
        value = self._values.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise ControlFault(400, f"{key!r} must be an object, not {value!r}")
        return value


def as_id(key: str, value: object) -> int:
    """Read a snowflake; `key` is for the message."""
    if not isinstance(value, bool) and isinstance(value, str | int):
        text = str(value)
        if text.isascii() and text.isdecimal() and int(text) < 2**64:
            return int(text)
    raise ControlFault(400, f"{key!r} must be an id (a whole number, as text or number), not {value!r}")
