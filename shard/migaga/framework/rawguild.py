"""Read raw role and channel payloads into the compact views of `permissions.py`. Called by `guilds.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from migaga.framework.permissions import ChannelView, Overwrite, RoleView

Payload: TypeAlias = dict[str, Any]
"""A JSON object as Discord sent it."""


def read_role(payload: Payload) -> RoleView:
    """Make a view of a raw role. Permissions come as a decimal string."""
    return RoleView(
        id=int(payload["id"]),
        name=str(payload.get("name", "")),
        permissions=int(payload.get("permissions", 0)),
        position=int(payload.get("position", 0)),
        managed=bool(payload.get("managed")),
        color=int(payload.get("color", 0)),
    )


def read_channel(payload: Payload) -> ChannelView:
    """Make a view of a raw channel or thread."""
    parent = payload.get("parent_id")
    return ChannelView(
        id=int(payload["id"]),
        name=str(payload.get("name") or ""),
        type=int(payload.get("type", 0)),
        parent_id=None if parent is None else int(parent),
        nsfw=bool(payload.get("nsfw")),
        overwrites={
            int(entry["id"]): Overwrite(int(entry.get("allow", 0)), int(entry.get("deny", 0)))
            for entry in payload.get("permission_overwrites") or ()
        },
    )


def when(value: object) -> float:
    """Return a raw ISO 8601 time in seconds since the epoch; 0 for none."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else 0.0
