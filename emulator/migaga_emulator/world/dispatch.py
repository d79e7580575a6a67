"""What a mutation of the world tells the gateway and the ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One event, as a bot with every intent would get it."""

    name: str
    """`MESSAGE_CREATE`, ..."""
    payload: dict[str, object]
    """JSON-ready `d`; ids are strings. Shared by all receivers: copy before changing."""
    guild_id: int | None
    """The guild it belongs to; None goes to shard 0."""
    channel_id: int | None
    """The channel it belongs to, when there is one."""
    intents: int
    """Bits of which ANY makes a session receive it; 0: every session."""
    bot_id: int | None = None
    """Only for this bot (interactions, DMs, its own GUILD_CREATE and GUILD_DELETE); None: every bot of the guild."""
