"""Messages that begin with the prefix and call no command: what custom commands of guilds are made of.

`texts.py` makes the events, modules listen to them; `TextNames` tells modules which names are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
import hikari

from migaga.framework.building import Built
from migaga.framework.rawguild import Payload
from migaga.framework.spec import ModuleSpec


@attrs.define(kw_only=True, weakref_slot=False)
class UnknownCommandEvent(hikari.Event):
    """A new message in a guild that begins with the prefix, or a mention of the bot, but calls no command.

    Listeners get it for what people (and whitelisted bots) write. No other object is built for it.
    """

    app: hikari.RESTAware
    name: str
    """The first word after the prefix, as it was written."""
    arguments: str
    """What stands after that word."""
    prefix: str
    """As it was written."""
    guild_id: hikari.Snowflake
    channel_id: hikari.Snowflake
    message_id: hikari.Snowflake
    author_id: hikari.Snowflake
    payload: Payload
    """The raw message."""


def read_unknown(built: Built, prefix: str, line: str) -> UnknownCommandEvent | None:
    """Make the event of a message; None when nothing stands after the prefix, or it is a direct message."""
    payload = built.received.payload
    words = line.split(maxsplit=1)
    if not words or not payload.get("guild_id"):
        return None
    return UnknownCommandEvent(
        app=built.payload().app,
        name=words[0],
        arguments=words[1].strip() if len(words) > 1 else "",
        prefix=prefix,
        guild_id=hikari.Snowflake(payload["guild_id"]),
        channel_id=hikari.Snowflake(payload["channel_id"]),
        message_id=hikari.Snowflake(payload["id"]),
        author_id=hikari.Snowflake(payload["author"]["id"]),
        payload=payload,
    )


class TextNames:
    """A service for modules: what text commands begin with, and which names they have."""

    def __init__(self, prefix_of: Callable[[int | None], str], specs: Callable[[], Iterable[ModuleSpec]]) -> None:
        """Take the prefix of a guild, and the modules that are loaded now."""
        self._prefix_of = prefix_of
        self._specs = specs

    def prefix(self, guild_id: int | None) -> str:
        """Return the prefix that counts in a guild; None: in direct messages."""
        return self._prefix_of(guild_id)

    def first_words(self) -> frozenset[str]:
        """Return the first word of each text command, case folded."""
        return frozenset(
            words[0].casefold()
            for spec in self._specs()
            for command in spec.commands
            if command.text
            for words in command.text_names
        )
