"""Settings of a guild: prefix, log channel, what points are called and look like."""

from __future__ import annotations

from typing import Annotated, Literal

import hikari

from migaga.api import (
    MAX_PREFIX,
    Application,
    BaseModule,
    Context,
    Describe,
    Emoji,
    GuildSettings,
    Length,
    TextNames,
    UserError,
    check_prefix,
    group,
)
from migaga_modules.common import channel_of, guild_of
from migaga_modules.config import checks
from migaga_modules.config.emoji import Origin, is_here, try_out
from migaga_modules.config.settings import CoreOptions, PointsOptions, settings_embed

_MANAGE = hikari.Permissions.MANAGE_GUILD
_LOGGING = hikari.Permissions.VIEW_CHANNEL | hikari.Permissions.SEND_MESSAGES | hikari.Permissions.EMBED_LINKS
"""What the bot needs where it writes a log."""

_WARNINGS = {
    Origin.ELSEWHERE: "⚠️ That emoji belongs to another server: it stops working when that server deletes it.",
    Origin.UNCERTAIN: (
        "⚠️ That emoji is not one of this server's, and I may not add reactions here to try it out: "
        "it may belong to another server, or be gone."
    ),
}
_RESETS = {
    "prefix": ("core", "prefix"),
    "log-channel": ("core", "log_channel"),
    "points-name": ("points", "name"),
    "points-emoji": ("points", "emoji"),
}


class Config(BaseModule):
    """Settings of this server."""

    config = group("config", "Settings of this server")

    @config.command(text="config", aliases=["config show"], permissions=_MANAGE)
    async def show(self, ctx: Context) -> None:
        """Show the settings of this server."""
        await ctx.respond(embed=await self._embed(ctx))

    @config.command(permissions=_MANAGE)
    async def prefix(
        self, ctx: Context, prefix: Annotated[str, Describe("At most five characters"), Length(1, MAX_PREFIX)]
    ) -> None:
        """Set what text commands begin with here. Mentioning me works as well."""
        await self._set(ctx, "core", "prefix", check_prefix(prefix))

    @config.command(name="log-channel", permissions=_MANAGE)
    async def log_channel(self, ctx: Context, channel: hikari.TextableGuildChannel) -> None:
        """Set the channel for the server's log.

        Args:
            channel: A channel that I can write in.
        """
        view = await ctx.guild()
        if channel.id in view.channels:
            me = ctx.service(Application).bot_id
            lacking = _LOGGING & ~view.permissions_in(channel.id, me, view.my_roles)
            if lacking:
                names = ", ".join(str(each.name).replace("_", " ").title() for each in lacking)
                raise UserError(f"I could not write the log in <#{channel.id}>: there I lack {names}.")
        await self._set(ctx, "core", "log_channel", str(channel.id))

    @config.command(name="points-name", permissions=_MANAGE)
    async def points_name(
        self, ctx: Context, name: Annotated[str, Describe("Such as gems"), Length(1, checks.MAX_POINTS_NAME)]
    ) -> None:
        """Set what points are called here."""
        await self._set(ctx, "points", "name", checks.check_points_name(name))

    @config.command(name="points-emoji", permissions=_MANAGE)
    async def points_emoji(self, ctx: Context, emoji: Emoji) -> None:
        """Set the emoji that is shown before amounts of points.

        Args:
            emoji: One of this server's, or a usual one.
        """
        origin = await self._origin(ctx, emoji)
        if origin is Origin.GONE:
            reason = (
                f"There is no emoji `{emoji.name}` that I can use: it was deleted, or belongs to a server that I am "
                "not in. Choose one of this server's."
            )
            if ctx.answered:
                await ctx.edit(reason)
                return
            raise UserError(reason)
        await self._set(ctx, "points", "emoji", str(emoji), _WARNINGS.get(origin))

    @config.command(permissions=_MANAGE)
    async def reset(
        self, ctx: Context, setting: Literal["prefix", "log-channel", "points-name", "points-emoji"]
    ) -> None:
        """Set one setting back to how it was in the beginning.

        Args:
            setting: Which one.
        """
        await ctx.service(GuildSettings).reset(guild_of(ctx), *_RESETS[setting])
        await ctx.respond(embed=await self._embed(ctx))

    async def _origin(self, ctx: Context, emoji: Emoji) -> Origin:
        if await is_here(ctx.rest, guild_of(ctx), emoji):
            return Origin.HERE
        if ctx.message is not None:
            return await try_out(ctx.rest, channel_of(ctx), ctx.message.id, emoji)
        reply = await ctx.respond("One moment, I am trying that emoji out.")
        if reply.message_id is None:
            return Origin.UNCERTAIN
        return await try_out(ctx.rest, channel_of(ctx), reply.message_id, emoji)

    async def _set(self, ctx: Context, module: str, name: str, value: str, warning: str | None = None) -> None:
        """Store a value and show all settings."""
        await ctx.service(GuildSettings).set(guild_of(ctx), module, name, value)
        embed = await self._embed(ctx)
        if ctx.answered:
            await ctx.edit(warning or "", embed=embed)
        else:
            await ctx.respond(warning, embed=embed)

    async def _embed(self, ctx: Context) -> hikari.Embed:
        prefix = ctx.service(TextNames).prefix(ctx.guild_id)
        return settings_embed(prefix, await ctx.options(CoreOptions), await ctx.options(PointsOptions))
