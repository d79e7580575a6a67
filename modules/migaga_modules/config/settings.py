"""The options that the commands of `config` set, and how they are shown. They belong to the core and to `points`."""

from __future__ import annotations

import hikari

from migaga.api import MAX_PREFIX, ChannelId, Emoji, GuildOptions, escape_markdown, option
from migaga_modules.config.checks import MAX_POINTS_NAME


class CoreOptions(GuildOptions):
    """What the core reads of a guild."""

    module_name = "core"

    prefix: str | None = option(None, "What text commands begin with", max_length=MAX_PREFIX)
    log_channel: ChannelId | None = option(None, "Where the server's log goes")


class PointsOptions(GuildOptions):
    """What the module `points` reads of a guild."""

    module_name = "points"

    name: str = option("points", "What points are called", max_length=MAX_POINTS_NAME)
    emoji: Emoji | None = option(None, "Shown before amounts")


def settings_embed(prefix: str, core: CoreOptions, points: PointsOptions) -> hikari.Embed:
    """Show all settings of a guild; what is not set shows its default."""
    embed = hikari.Embed(title="Settings of this server")
    embed.add_field("Prefix", f"`{prefix.replace('`', 'ˋ')}`", inline=True)
    embed.add_field("Log channel", "Not set" if core.log_channel is None else f"<#{core.log_channel}>", inline=True)
    embed.add_field("Points name", escape_markdown(points.name), inline=True)
    return embed.add_field("Points emoji", "Not set" if points.emoji is None else str(points.emoji), inline=True)
