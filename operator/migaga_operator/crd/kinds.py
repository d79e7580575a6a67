"""Kinds of single values in a `BotDeployment`: each gives its OpenAPI schema, and reads a value of its kind.

`record.py` builds objects of them; `spec.py` and `pod.py` name one for each field. The API server checks the schema.
`read` checks the same again, because `migaga up` and `migaga plan` have no API server, and an older CRD may let more
pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from migaga.common.text import did_you_mean
from migaga_operator.json_types import Json, as_whole, at_path
from migaga_operator.problems import Problem, quoted

Problems = list[Problem]
SchemaNode = dict[str, Json]


class Kind(Protocol):
    """What a field holds."""

    def schema(self) -> SchemaNode:
        """Return the structural schema (OpenAPI v3) of such a value."""
        ...

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Return the typed value. What is wrong is added to `problems`; the result is then of no use."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text of bounded length, of a shape if there is a pattern (RE2, as the API server reads it)."""

    longest: int
    shortest: int = 1
    pattern: str = ""
    expected: str = "a text"
    """What to write, for the remedy: `a name such as my-bot`."""

    def schema(self) -> SchemaNode:
        """Return the schema of the text. Its shape is a CEL rule: a pattern's refusal would show the pattern alone."""
        if not self.pattern:
            return {"type": "string", "minLength": self.shortest, "maxLength": self.longest}
        rule: SchemaNode = {"rule": f"self.matches({_quote(self.pattern)})", "message": f"write {self.expected}"}
        return {"type": "string", "maxLength": self.longest, "x-kubernetes-validations": [rule]}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the text; a number or a truth value is none, so that YAML's guesses are noticed."""
        if not isinstance(value, str):
            said = f"{quoted(value)} is {_kind_of(value)}, not a text"
            problems.append(Problem(at, said, f"Write {self.expected}, between quotation marks"))
        elif not self.shortest <= len(value) <= self.longest:
            said = f"{len(value)} characters are not between {self.shortest} and {self.longest}"
            problems.append(Problem(at, said, f"Write {self.expected}"))
        elif self.pattern and re.fullmatch(self.pattern.removeprefix("^").removesuffix("$"), value) is None:
            problems.append(Problem(at, f"{quoted(value)} does not have the right shape", f"Write {self.expected}"))
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, written exactly so."""

    words: tuple[str, ...]

    def schema(self) -> SchemaNode:
        """Return the schema of the choice."""
        return {"type": "string", "enum": list(self.words)}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the word."""
        if value not in self.words:
            hint = did_you_mean(value, self.words) if isinstance(value, str) else ""
            remedy = f"Write one of {', '.join(self.words)}"
            problems.append(Problem(at, f"{quoted(value)} is not known", f"{hint.strip()} {remedy}".strip()))
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds, both included."""

    low: int
    high: int
    large: bool = False

    def schema(self) -> SchemaNode:
        """Return the schema of the number."""
        size = "int64" if self.large else "int32"
        return {"type": "integer", "format": size, "minimum": self.low, "maximum": self.high}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the number."""
        number = as_whole(value)
        if number is None or not self.low <= number <= self.high:
            said = f"{quoted(value)} is not a whole number from {self.low} to {self.high}"
            problems.append(Problem(at, said, "Write one, without quotation marks"))
        return value


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no."""

    def schema(self) -> SchemaNode:
        """Return the schema of the truth value."""
        return {"type": "boolean"}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the truth value."""
        if not isinstance(value, bool):
            problems.append(Problem(at, f"{quoted(value)} is neither true nor false", "Write true or false"))
        return value


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as Kubernetes writes it. Only in status, which is never read through its kind."""

    def schema(self) -> SchemaNode:
        """Return the schema of the time."""
        return {"type": "string", "format": "date-time"}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the time as a text."""
        return Text(64, expected="a time such as 2026-01-31T12:00:00Z").read(value, at, problems)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A bounded list. `unique`: a set of values. `key`: a map of objects by that field of theirs."""

    item: Kind
    most: int
    least: int = 0
    unique: bool = False
    key: str = ""

    def schema(self) -> SchemaNode:
        """Return the schema of the list."""
        node: SchemaNode = {"type": "array", "items": self.item.schema(), "maxItems": self.most}
        if self.least:
            node["minItems"] = self.least
        if self.unique:
            node["x-kubernetes-list-type"] = "set"
        elif self.key:
            node |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}
        else:
            node["x-kubernetes-list-type"] = "atomic"
        return node

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the list as a tuple."""
        if not isinstance(value, list | tuple):
            problems.append(Problem(at, f"{quoted(value)} is {_kind_of(value)}, not a list", "Write a list"))
            return ()
        if not self.least <= len(value) <= self.most:
            remedy = "Leave it out, or write at least one" if not value else f"Write at most {self.most}"
            problems.append(Problem(at, f"the list has {len(value)} items", remedy))
        self._find_twins(value, at, problems)
        return tuple(self.item.read(item, f"{at}[{n}]", problems) for n, item in enumerate(value))

    def _find_twins(self, value: Sequence[object], at: str, problems: Problems) -> None:
        seen: set[str] = set()
        for n, item in enumerate(value):
            name = self._name_of(item)
            if name in seen:
                where = f"{at}[{n}].{self.key}".removesuffix(".")
                problems.append(Problem(where, f"{quoted(name)} is there twice", "Keep one of the two"))
            seen.update([name] if name is not None else [])

    def _name_of(self, item: object) -> str | None:
        """Return what tells an item from others; None when nothing has to, or it is not there."""
        name = item if self.unique else at_path(item, self.key)
        return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class MapOf:
    """A bounded object from names to values of one kind."""

    value: Kind
    most: int
    names: str = ""
    """The shape of the names, beyond what a schema can say (RE2)."""

    def schema(self) -> SchemaNode:
        """Return the schema of the map."""
        return {"type": "object", "additionalProperties": self.value.schema(), "maxProperties": self.most}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the map as a dictionary, in the order of its names."""
        if not isinstance(value, Mapping):
            problems.append(
                Problem(at, f"{quoted(value)} is {_kind_of(value)}, not a map", "Write `name: value` lines")
            )
            return {}
        if len(value) > self.most:
            problems.append(Problem(at, f"there are {len(value)} entries", f"Write at most {self.most}"))
        for name in value:
            if not isinstance(name, str) or (self.names and re.fullmatch(self.names, name) is None):
                said = f"{quoted(name)} is not a name that Kubernetes takes here"
                problems.append(Problem(at, said, "Write letters, digits, `-`, `_`, `.`, after an optional `prefix/`"))
        return {name: self.value.read(value[name], f"{at}.{name}", problems) for name in sorted(value, key=str)}


@dataclass(frozen=True, slots=True)
class Free:
    """An object of Kubernetes that is handed on as it is; the API server checks it where it is used."""

    def schema(self) -> SchemaNode:
        """Return the schema of the object."""
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the object as it is, when it is JSON."""
        if not isinstance(value, Mapping):
            problems.append(Problem(at, f"{quoted(value)} is {_kind_of(value)}, not an object", "Write an object"))
            return {}
        if not _is_json(value):
            problems.append(Problem(at, "it holds something that JSON has no form for", "Put texts in quotation marks"))
            return {}
        return value


_QUANTITY = r"^[+]?([0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9})(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$"


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of a resource: `500m`, `256Mi`, `2`."""

    def schema(self) -> SchemaNode:
        """Return the schema of the amount."""
        return {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "x-kubernetes-validations": [
                {
                    "rule": f"type(self) == int || (type(self) == string && self.matches({_quote(_QUANTITY)}))",
                    "message": "write an amount such as 500m, 2 or 256Mi",
                }
            ],
        }

    def read(self, value: object, at: str, problems: Problems) -> object:
        """Read the amount as a text."""
        text = value if isinstance(value, str) else str(as_whole(value))
        if len(text) > 32 or re.fullmatch(_QUANTITY, text) is None:
            problems.append(Problem(at, f"{quoted(value)} is no amount", "Write one such as 500m, 2 or 256Mi"))
        return text


def _quote(pattern: str) -> str:
    return "'" + pattern.replace("\\", "\\\\") + "'"


def _kind_of(value: object) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", type(None): "empty"}
    if isinstance(value, Mapping):
        return "an object"
    return names.get(type(value), "a list" if isinstance(value, list | tuple) else "something else")


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)
