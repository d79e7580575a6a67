"""An event as it came from the gateway, before any object is built for it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

# Events that create something with an id of its own: that id is the same in every session that delivers the event.
_OWN_ID = frozenset({"MESSAGE_CREATE", "INTERACTION_CREATE"})
# Events whose payload is the guild itself.
_GUILDS = frozenset({"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"})


@dataclass(slots=True, eq=False)
class Received:
    """One dispatch of one session, in order of receipt. Nobody changes its payload.

    It is not frozen because one is made of every event that comes: a frozen one takes three times as long.
    """

    name: str
    """Discord's event name, such as `MESSAGE_CREATE`."""
    shard_id: int
    session_id: str
    """A secret: never log it."""
    seq: int
    payload: dict[str, Any]
    """The raw `d` of the dispatch."""
    is_refused: bool = False
    """An interaction whose person has been told that it is not run: only listeners hear of it."""

    @property
    def named_guild(self) -> Any | None:
        """What Discord names as the guild that it is about: an id, unless it errs. None without one."""
        return self.payload.get("guild_id") or (self.payload.get("id") if self.name in _GUILDS else None)

    @property
    def guild_id(self) -> int | None:
        """The guild that it is about; None without one, or when what Discord names is no id."""
        guild = self.named_guild
        try:
            return None if guild is None else int(guild)
        except (TypeError, ValueError):
            return None

    @property
    def key(self) -> str:
        """Name this event for effects that must happen once.

        The own id for what creates one, else session and sequence number. Hashed, because the session id is a secret.
        """
        if self.name in _OWN_ID:
            return f"{self.name}:{self.payload['id']}"
        return blake2b(f"{self.session_id}:{self.seq}".encode(), digest_size=16).hexdigest()
