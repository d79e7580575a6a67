"""Objects in a `BotDeployment` as frozen dataclasses whose fields say what they hold: schema, reading and writing.

`spec.py`, `pod.py` and `status.py` declare such dataclasses; `definition.py` makes the CRD of them, `read.py` reads
them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from migaga.common.text import did_you_mean
from migaga_operator.crd.kinds import Kind, Problems, SchemaNode
from migaga_operator.json_types import Json
from migaga_operator.problems import Problem, quoted

T = TypeVar("T")
_KEY = "entry"


@dataclass(frozen=True, slots=True)
class Validation:
    """A CEL rule of one field, with the message of its refusal."""

    rule: str
    message: str

    def schema(self) -> SchemaNode:
        """Return the entry of `x-kubernetes-validations`."""
        return {"rule": self.rule, "message": self.message}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about one field beside its Python type."""

    kind: Kind
    doc: str
    default: Json = None
    """Written into the object by the API server when the field is left out. None: nothing is."""
    validations: tuple[Validation, ...] = ()


def entry(kind: Kind, doc: str, *, default: Json = None, validations: tuple[Validation, ...] = ()) -> dict[str, Entry]:
    """Make the metadata of a dataclass field that is a field of the resource."""
    return {_KEY: Entry(kind, doc, default, validations)}


def entries_of(cls: type) -> dict[str, tuple[Entry, dataclasses.Field[object]]]:
    """Return the fields of a declared dataclass by their names in YAML (`max_per_pod` is `maxPerPod`)."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is not a dataclass")
    return {_yaml_name(item.name): (item.metadata[_KEY], item) for item in dataclasses.fields(cls)}


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """An object that is a declared dataclass."""

    cls: type[T]

    def schema(self) -> SchemaNode:
        """Return the schema of the object: every field with its description."""
        found = entries_of(self.cls)
        properties: SchemaNode = {}
        for name, (item, _) in found.items():
            node = {"description": item.doc, **item.kind.schema()}
            if item.default is not None:
                node["default"] = item.default
            if item.validations:
                shape = node.get("x-kubernetes-validations")
                own = [rule.schema() for rule in item.validations]
                node["x-kubernetes-validations"] = [*shape, *own] if isinstance(shape, list) else own
            properties[name] = node
        required = [name for name, (item, field) in found.items() if item.default is None and _is_required(field)]
        node = {"type": "object", "properties": properties}
        return {**node, "required": required} if required else node

    def read(self, value: object, at: str, problems: Problems) -> T | None:
        """Read the object. None, and at least one problem more, when it cannot be read."""
        if not isinstance(value, Mapping):
            problems.append(Problem(at, f"{quoted(value)} is not an object", "Write `name: value` lines below it"))
            return None
        found, before = entries_of(self.cls), len(problems)
        problems.extend(_strangers(value, found, at))
        values: dict[str, object] = {}
        for name, (item, field) in found.items():
            # As the API server does: a null becomes the default where there is one, and is refused elsewhere.
            given = item.default if value.get(name) is None else value[name]
            if given is not None:
                values[field.name] = item.kind.read(given, f"{at}.{name}", problems)
            elif _is_required(field):
                what = f"{item.doc[:1].lower()}{_first(item.doc)}"
                problems.append(Problem(f"{at}.{name}", "it is missing", f"Write {what}"))
            elif name in value:
                problems.append(Problem(f"{at}.{name}", "it is empty", "Write a value, or leave the field out"))
        return None if len(problems) > before else self.cls(**values)


def _strangers(value: Mapping[object, object], known: Mapping[str, object], at: str) -> Iterator[Problem]:
    for name in value:
        if name not in known:
            hint = did_you_mean(str(name), known).strip() or f"There are {', '.join(known)}"
            yield Problem(f"{at}.{name}", "there is no such field", hint.removesuffix("."))


def dump(value: object) -> Json:
    """Return a declared dataclass as it is written in YAML. What is None is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dump_record(value)
    if isinstance(value, Mapping):
        return {str(name): dump(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [dump(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no form in YAML")


def _dump_record(value: object) -> dict[str, Json]:
    pairs = ((name, getattr(value, field.name)) for name, (_, field) in entries_of(type(value)).items())
    return {name: dump(item) for name, item in pairs if item is not None}


def _is_required(field: dataclasses.Field[object]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _yaml_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _first(doc: str) -> str:
    """Return the first sentence of a description without its first letter and its full stop."""
    return doc.split(". ", maxsplit=1)[0].removesuffix(".")[1:]
