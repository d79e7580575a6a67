"""Reads request bodies as Discord does: checks types and lengths, notes every fault where it is, goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from migaga_emulator.world.errors import Problems
from migaga_emulator.world.wire import JsonObject, parse_timestamp

Path = tuple[str | int, ...]
_SNOWFLAKE = re.compile(r"[0-9]{1,20}\Z")


class Body:
    """One object of a request body. Faults go to `problems`; a faulty value reads as absent."""

    def __init__(self, data: Mapping[str, object], problems: Problems, path: Path = ()) -> None:
        self.data = data
        self.problems = problems
        self.path = path

    def has(self, key: str) -> bool:
        """Whether the key was sent, be it null."""
        return key in self.data

    def given(self, key: str) -> bool:
        """Whether the key was sent and is not null."""
        return self.data.get(key) is not None

    def fault(self, key: str | int | None, code: str, message: str) -> None:
        """Note a fault of `key`, or of the object itself."""
        self.problems.add(self.path if key is None else (*self.path, key), code, message)

    def required(self, key: str) -> bool:
        """Whether the key is there; notes a fault when not."""
        if self.given(key):
            return True
        self.fault(key, "BASE_TYPE_REQUIRED", "This field is required")
        return False

    def text(
        self, key: str, *, minimum: int = 0, maximum: int | None = None, required: bool = False, strip: bool = True
    ) -> str | None:
        """Text of `minimum` to `maximum` characters; None when absent, null or faulty."""
        if required and not self.required(key):
            return None
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.fault(key, "STRING_TYPE_CONVERT", "Could not interpret as string.")
            return None
        return self._sized(key, str(value), minimum, maximum, strip)

    def _sized(self, key: str, value: str, minimum: int, maximum: int | None, strip: bool) -> str | None:
        length = len(value.strip()) if strip else len(value)
        if required_but_blank(length, minimum):
            self.fault(key, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        if maximum is not None and (length > maximum or length < minimum):
            code, message = _length_fault(minimum, maximum, length)
            self.fault(key, code, message)
            return None
        return value

    def integer(
        self, key: str, *, minimum: int | None = None, maximum: int | None = None, required: bool = False
    ) -> int | None:
        """A whole number within bounds; None when absent, null or faulty."""
        if required and not self.required(key):
            return None
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
            return None
        return value if self._within(key, value, minimum, maximum) else None

    def number(self, key: str) -> float | None:
        """Any number; None when absent, null or faulty."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(key, "NUMBER_TYPE_COERCE", f'Value "{value}" is not float.')
            return None
        return float(value)

    def _within(self, key: str, value: int, minimum: int | None, maximum: int | None) -> bool:
        if minimum is not None and value < minimum:
            self.fault(key, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {minimum}.")
            return False
        if maximum is not None and value > maximum:
            self.fault(key, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {maximum}.")
            return False
        return True

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """A truth value; `default` when absent, null or faulty."""
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(key, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
            return default
        return value

    def choice(self, key: str, allowed: Collection[int], *, required: bool = False) -> int | None:
        """A number that is one of `allowed`."""
        value = self.integer(key, required=required)
        if value is not None and value not in allowed:
            listed = ", ".join(str(item) for item in sorted(allowed))
            self.fault(key, "BASE_TYPE_CHOICES", f"Value must be one of ({listed}).")
            return None
        return value

    def snowflake(self, key: str, *, required: bool = False) -> int | None:
        """An id, as text or number."""
        if required and not self.required(key):
            return None
        value = self.data.get(key)
        return None if value is None else self._snowflake(key, value)

    def _snowflake(self, key: str | int, value: object) -> int | None:
        if not isinstance(value, bool) and isinstance(value, str | int) and _SNOWFLAKE.match(str(value)):
            return int(value)
        self.fault(key, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
        return None

    def permissions(self, key: str) -> int | None:
        """Permission bits, sent as text."""
        return self.snowflake(key)

    def time(self, key: str) -> float | None:
        """An ISO 8601 time as seconds since the Unix epoch."""
        value = self.text(key)
        if value is None:
            return None
        try:
            return parse_timestamp(value)
        except ValueError:
            self.fault(key, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")
            return None

    def array(self, key: str, *, minimum: int = 0, maximum: int | None = None, required: bool = False) -> list[object]:
        """The values of an array of allowed length; empty when absent, null or faulty."""
        if required and not self.required(key):
            return []
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(key, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if len(value) < minimum or (maximum is not None and len(value) > maximum):
            code, message = _length_fault(minimum, maximum, len(value))
            self.fault(key, code, message)
            return []
        return value

    def snowflakes(self, key: str, *, minimum: int = 0, maximum: int | None = None) -> list[int]:
        """The ids of an array."""
        inner = Body({}, self.problems, (*self.path, key))
        read = (
            inner._snowflake(index, value)
            for index, value in enumerate(self.array(key, minimum=minimum, maximum=maximum))
        )
        return [value for value in read if value is not None]

    def bodies(
        self, key: str, *, minimum: int = 0, maximum: int | None = None, required: bool = False
    ) -> Iterator[Body]:
        """The objects of an array, each to be read on its own."""
        for index, value in enumerate(self.array(key, minimum=minimum, maximum=maximum, required=required)):
            if isinstance(value, dict):
                yield Body(value, self.problems, (*self.path, key, index))
            else:
                self.problems.add((*self.path, key, index), "MODEL_TYPE_CONVERT", _ONLY_OBJECTS)

    def body(self, key: str, *, required: bool = False) -> Body | None:
        """The object under `key`."""
        if required and not self.required(key):
            return None
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Body(value, self.problems, (*self.path, key))
        self.fault(key, "MODEL_TYPE_CONVERT", _ONLY_OBJECTS)
        return None


_ONLY_OBJECTS = "Only dictionaries may be used in a ModelType"


def required_but_blank(length: int, minimum: int) -> bool:
    """Whether a text that must not be empty is."""
    return length == 0 and minimum > 0


def _length_fault(minimum: int, maximum: int | None, length: int) -> tuple[str, str]:
    if minimum and maximum is not None:
        return "BASE_TYPE_BAD_LENGTH", f"Must be between {minimum} and {maximum} in length."
    if maximum is not None and length > maximum:
        return "BASE_TYPE_MAX_LENGTH", f"Must be {maximum} or fewer in length."
    return "BASE_TYPE_MIN_LENGTH", f"Must be {minimum} or more in length."


def read(data: Mapping[str, object], reader: Callable[[Body], None]) -> JsonObject:
    """Run `reader` over a body and raise what it found; returns the body for those who store it as it is."""
    problems = Problems()
    reader(Body(data, problems))
    problems.raise_if_any()
    return dict(data)
