"""What JSON is made of, and how it is read without trusting it. Used by every part of the operator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None
"""A value of a Kubernetes object."""
Manifest = Mapping[str, Json]
"""A whole object, or an object inside one."""


def as_mapping(value: object) -> Mapping[str, object]:
    """Return `value` when it is an object, else an empty one. What is not JSON may have keys that are no texts."""
    # Nearly all are dicts; asking an abstract class is slow.
    return value if isinstance(value, dict) or isinstance(value, Mapping) else {}  # noqa: SIM101


def as_list(value: object) -> Sequence[object]:
    """Return `value` when it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def as_text(value: object) -> str:
    """Return `value` when it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def as_whole(value: object) -> int | None:
    """Return `value` when it is a whole number (true and false are none), else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def at_path(value: object, *path: str) -> object:
    """Return what stands at a path of names inside nested objects, or None."""
    for name in path:
        value = as_mapping(value).get(name)
    return value


def digest(value: object) -> str:
    """Return a short name for a JSON value: equal values have equal names, whatever the order of their keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
