"""Builds the embeds that show a person. Pure: called by the commands `info` and `avatar` with what Discord said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import hikari

from migaga.api import RoleView, escape_markdown

FIELD_LIMIT = 1_024
"""Characters in one field of an embed (Discord's rule)."""

FULL_SIZE = 4_096
"""Pixels: the largest picture that Discord's image server gives."""


def timestamp(moment: datetime) -> str:
    """Show a moment in the reader's own time zone, and how long ago it was."""
    seconds = int(moment.timestamp())
    return f"<t:{seconds}:F> (<t:{seconds}:R>)"


def plain_name(user: hikari.User) -> str:
    """Name people by what they chose to be called, with markdown and mentions made harmless."""
    return escape_markdown(user.display_name or user.username)


def join_mentions(mentions: Iterable[str], limit: int = FIELD_LIMIT) -> str:
    """Join mentions by spaces within `limit` characters and count those that did not fit; `None` without any."""
    everything = list(mentions)
    reserve = len(" and 1,000 more")
    shown: list[str] = []
    used = 0
    for mention in everything:
        if used + len(mention) + 1 > limit - reserve:
            break
        shown.append(mention)
        used += len(mention) + 1
    left = len(everything) - len(shown)
    return (" ".join(shown) + (f" and {left:,} more" if left else "")) or "None"


def sort_roles(member: hikari.Member, roles: Iterable[RoleView]) -> list[str]:
    """Mention the member's roles, the highest first, without @everyone. Roles that are gone are left out."""
    held = [role for role in roles if role.id in member.role_ids and role.id != member.guild_id]
    return [f"<@&{role.id}>" for role in sorted(held, key=lambda role: (-role.position, role.id))]


def info_embed(user: hikari.User, member: hikari.Member | None, roles: Iterable[RoleView]) -> hikari.Embed:
    """Show account age, id and bot; of a member of this guild also the nickname, when they joined and their roles."""
    kind = "Bot" if user.is_bot else "User"
    embed = hikari.Embed(title=f"{kind}: {plain_name(member or user)}"[:256], description=user.mention)
    embed.set_thumbnail((member or user).display_avatar_url)
    embed.add_field("Username", escape_markdown(user.username), inline=True)
    embed.add_field("ID", f"`{user.id}`", inline=True)
    embed.add_field("Bot", "Yes" if user.is_bot else "No", inline=True)
    embed.add_field("Account created", timestamp(user.created_at))
    if member is None:
        return embed.set_footer("Not a member of this server")
    if member.nickname:
        embed.add_field("Nickname", escape_markdown(member.nickname))
    if member.joined_at is not None:
        embed.add_field("Joined this server", timestamp(member.joined_at))
    mentions = sort_roles(member, roles)
    return embed.add_field(f"Roles ({len(mentions)})", join_mentions(mentions))


def avatar_embed(user: hikari.User, member: hikari.Member | None) -> hikari.Embed:
    """Show the avatar in full size; of a member with an avatar for this guild, that one, and a link to the other."""
    own = (user.make_avatar_url(size=FULL_SIZE) or user.default_avatar_url).url
    for_guild = None if member is None else member.make_guild_avatar_url(size=FULL_SIZE)
    embed = hikari.Embed(title=f"Avatar of {plain_name(member or user)}"[:256])
    if for_guild is None:
        return embed.set_image(own)
    embed.description = f"[Avatar in this server]({for_guild.url}) · [Avatar everywhere else]({own})"
    return embed.set_image(for_guild.url).set_thumbnail(own)
