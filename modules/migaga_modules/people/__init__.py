"""Who somebody is: account, membership, roles and avatar."""

from __future__ import annotations

import hikari

from migaga.api import BaseModule, Context, RoleView, command, user_command
from migaga_modules.people import profile


class People(BaseModule):
    """Shows who people are, also those who are not in this server."""

    @command()
    async def info(self, ctx: Context, who: hikari.User | None = None) -> None:
        """Show somebody's account: how old it is, when they joined and which roles they have.

        Args:
            who: The person, also one who is not here (by id); yourself when left out.
        """
        await self._info(ctx, who or ctx.author)

    @command()
    async def avatar(self, ctx: Context, who: hikari.User | None = None) -> None:
        """Show somebody's avatar in full size.

        Args:
            who: The person, also one who is not here (by id); yourself when left out.
        """
        await self._avatar(ctx, who or ctx.author)

    @user_command("Info", ephemeral=True)
    async def info_menu(self, ctx: Context, target: hikari.User) -> None:
        """Show somebody's account to the person who asked."""
        await self._info(ctx, target)

    @user_command("Avatar", ephemeral=True)
    async def avatar_menu(self, ctx: Context, target: hikari.User) -> None:
        """Show somebody's avatar to the person who asked."""
        await self._avatar(ctx, target)

    async def _info(self, ctx: Context, user: hikari.User) -> None:
        member = await self._member(ctx, user)
        roles: list[RoleView] = [] if member is None else list((await ctx.guild()).roles.values())
        await ctx.respond(embed=profile.info_embed(user, member, roles))

    async def _avatar(self, ctx: Context, user: hikari.User) -> None:
        await ctx.respond(embed=profile.avatar_embed(user, await self._member(ctx, user)))

    async def _member(self, ctx: Context, user: hikari.User) -> hikari.Member | None:
        """Find the person's membership of this guild; None when they are not in it."""
        if isinstance(user, hikari.Member) and user.guild_id == ctx.guild_id:
            return user
        if ctx.guild_id is None:
            return None
        try:
            return await ctx.rest.fetch_member(ctx.guild_id, user.id)
        except hikari.NotFoundError:
            return None
