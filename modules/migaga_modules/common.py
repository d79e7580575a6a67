"""What several feature modules need of a context. Imported by them; it knows none of them."""

from __future__ import annotations

import hikari

from migaga.api import Context


def guild_of(ctx: Context) -> hikari.Snowflake:
    """Return the guild of a command that works in guilds only."""
    if ctx.guild_id is None:
        raise LookupError("this handler is for guilds: it must be declared with guild_only=True")
    return ctx.guild_id


def channel_of(ctx: Context) -> hikari.Snowflake:
    """Return the channel where a command was used; every command has one."""
    if ctx.channel_id is None:
        raise LookupError("this handler must be used in a channel")
    return ctx.channel_id


def reference_of(ctx: Context) -> hikari.Snowflake:
    """Return the id of what the person did: of the interaction or message, the same when it is delivered twice."""
    cause = ctx.interaction or ctx.message
    if cause is None:
        raise LookupError("a context has an interaction or a message")
    return cause.id
