"""Finds out whether a custom emoji exists, and whether it is this guild's. Called by `config points-emoji`."""

from __future__ import annotations

from enum import Enum

import hikari

from migaga.api import Emoji

_UNKNOWN_EMOJI = 10_014


class Origin(Enum):
    """Where an emoji comes from."""

    HERE = "of this guild, or of Unicode"
    ELSEWHERE = "of another guild that the bot is in"
    UNCERTAIN = "of another guild, or gone: the bot may not react, so it cannot tell"
    GONE = "deleted, or of a guild that the bot is not in"


async def is_here(rest: hikari.api.RESTClient, guild_id: int, emoji: Emoji) -> bool:
    """Tell whether everybody in this guild can use the emoji. Asks Discord: an emoji may just have been deleted."""
    if emoji.id is None:
        return True
    return any(known.id == emoji.id for known in await rest.fetch_guild_emojis(guild_id))


async def try_out(rest: hikari.api.RESTClient, channel_id: int, message_id: int, emoji: Emoji) -> Origin:
    """Find out whether the bot can use an emoji that is not this guild's, by reacting with it to a message.

    Discord has no question for "which guild is this emoji of", and the bot's other guilds may be served by other
    processes. The reaction stays: it shows the new emoji.
    """
    try:
        await rest.add_reaction(channel_id, message_id, emoji.name, emoji.id or hikari.UNDEFINED)
    except (hikari.BadRequestError, hikari.NotFoundError) as error:
        if error.code == _UNKNOWN_EMOJI:
            return Origin.GONE
        return Origin.UNCERTAIN
    except hikari.ForbiddenError:
        return Origin.UNCERTAIN
    return Origin.ELSEWHERE
