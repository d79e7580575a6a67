"""Keeps of a raw event what names it: its ids. The emulator's ledger makes the event's key of them."""

from __future__ import annotations

from collections.abc import Mapping

_NESTED = frozenset({"user", "role", "emoji"})
"""Objects whose own id (or name, of a unicode emoji) is part of an event's name."""

_OTHERS = frozenset({"id", "ids", "code"})


def naming_fields(payload: Mapping[str, object]) -> dict[str, object]:
    """Return the ids of an event, as it has them, and nothing of what people wrote."""
    kept: dict[str, object] = {}
    for name, value in payload.items():
        if name in _OTHERS or (name.endswith("_id") and isinstance(value, str | int)):
            kept[name] = value
        elif name in _NESTED and isinstance(value, Mapping):
            kept[name] = {part: value[part] for part in ("id", "name") if part in value}
    return kept
