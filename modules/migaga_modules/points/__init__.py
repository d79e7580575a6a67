"""Points of members: given and taken by moderators, gifted among members, ranked."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import hikari

from migaga.api import (
    Autocomplete,
    AutocompleteContext,
    BaseModule,
    Choice,
    Context,
    Describe,
    Emoji,
    GuildOptions,
    Length,
    UserError,
    autocomplete,
    escape_markdown,
    fold,
    group,
    option,
)
from migaga_modules.common import guild_of, reference_of
from migaga_modules.points import amounts, boards, money, tables, texts
from migaga_modules.points.money import Change, NotEnoughPoints, Receipt
from migaga_modules.points.teams import TeamMembers

_TOP = 10
_MANAGE = hikari.Permissions.MANAGE_GUILD

Amount = Annotated[Decimal, Describe("How many, such as 5 or 2.50")]
Reason = Annotated[str, Describe("Why; it is kept with the change"), Length(0, 512)]
BoardName = Annotated[str, Describe("Name of the leaderboard"), Autocomplete("suggest_boards")]


class Points(BaseModule):
    """Points that members earn, gift to each other and compare."""

    metadata = tables.metadata

    class Options(GuildOptions):
        """What points are called here."""

        name: str = option("points", "What points are called", max_length=30)
        emoji: Emoji | None = option(None, "Shown before amounts")

    def __init__(self) -> None:
        super().__init__()
        self._teams = TeamMembers()

    points = group("points", "Points of members")
    setup = points.group("setup-leaderboard", "Named leaderboards, on which roles compete as teams")

    @points.command(aliases=["points add"], permissions=_MANAGE)
    async def give(self, ctx: Context, member: hikari.User, amount: Amount, reason: Reason = "") -> None:
        """Give somebody points.

        Args:
            member: Who gets them.
        """
        await self._change(ctx, amount, reason, receiver=member, moderator=ctx.author)

    @points.command(aliases=["points remove"], permissions=_MANAGE)
    async def take(self, ctx: Context, member: hikari.User, amount: Amount, reason: Reason = "") -> None:
        """Take points away from somebody, at most as many as they have.

        Args:
            member: Who loses them.
        """
        await self._change(ctx, amount, reason, sender=member, moderator=ctx.author)

    @points.command(text="gift", aliases=["points gift"])
    async def gift(self, ctx: Context, member: hikari.Member, amount: Amount, reason: Reason = "") -> None:
        """Give somebody some of your own points.

        Args:
            member: Who gets them.
        """
        if member.id == ctx.author.id:
            raise UserError("You cannot gift yourself.")
        if member.is_bot:
            raise UserError("Bots have no use for that. Gift a person.")
        await self._change(ctx, amount, reason, sender=ctx.author, receiver=member)

    @points.command(text="inventory", aliases=["points inventory"])
    async def inventory(self, ctx: Context, member: hikari.User | None = None) -> None:
        """Show how much somebody has, and their rank.

        Args:
            member: Whose; your own when left out.
        """
        who = member or ctx.author
        options = await ctx.options(self.Options)
        standing = await money.standing(ctx.db, guild_of(ctx), who.id)
        has = texts.label(standing.total, options.name, options.emoji)
        await ctx.respond(f"{who.mention} has {has}, rank **#{standing.rank}**.")

    @points.command(text="leaderboard", aliases=["points leaderboard"])
    async def leaderboard(self, ctx: Context, name: BoardName | None = None) -> None:
        """Show who has the most: the ten richest members, or the teams of a named leaderboard.

        Args:
            name: A named leaderboard; the members when left out.
        """
        options = await ctx.options(self.Options)
        if name is None:
            standings = amounts.rank(await money.top(ctx.db, guild_of(ctx), _TOP))
            title, mention = f"Leaderboard: {escape_markdown(options.name)}", "<@{}>"
        else:
            board = await self._board(ctx, name)
            standings = await self._team_standings(ctx, board)
            title, mention = escape_markdown(board.name), "<@&{}>"
        text = texts.describe_standings(standings, mention, options.name, options.emoji)
        await ctx.respond(embed=hikari.Embed(title=title, description=text))

    @setup.command(name="create", permissions=_MANAGE)
    async def create_board(
        self,
        ctx: Context,
        name: Annotated[str, Describe("What it is called"), Length(1, boards.MAX_NAME)],
        team: hikari.Role,
        *,
        team2: hikari.Role | None = None,
        team3: hikari.Role | None = None,
        team4: hikari.Role | None = None,
        team5: hikari.Role | None = None,
        team6: hikari.Role | None = None,
        team7: hikari.Role | None = None,
        team8: hikari.Role | None = None,
        team9: hikari.Role | None = None,
        team10: hikari.Role | None = None,
    ) -> None:
        """Create a leaderboard on which roles compete: a team has the points of all its members.

        In the text form, a name of several words goes between quotation marks.
        """
        roles = (team, team2, team3, team4, team5, team6, team7, team8, team9, team10)
        chosen = list(dict.fromkeys(role.id for role in roles if role is not None))
        if ctx.guild_id in chosen:
            raise UserError("Everybody is in @everyone: it cannot be a team.")
        title = boards.check_name(name)
        if await ctx.once() and not await boards.create(ctx.db, guild_of(ctx), title, chosen):
            raise UserError(f"There is a leaderboard named **{escape_markdown(title)}** already. Delete it first.")
        teams = ", ".join(f"<@&{role}>" for role in chosen)
        await ctx.respond(f"Created the leaderboard **{escape_markdown(title)}** with {teams}.")

    @setup.command(name="delete", permissions=_MANAGE)
    async def delete_board(self, ctx: Context, name: BoardName) -> None:
        """Delete a named leaderboard. Nobody's points change."""
        if await ctx.once():
            await boards.delete(ctx.db, await self._board(ctx, name))
        await ctx.respond(f"Deleted the leaderboard **{escape_markdown(' '.join(name.split()))}**.")

    @setup.command(name="list", permissions=_MANAGE)
    async def list_boards(self, ctx: Context) -> None:
        """List the named leaderboards."""
        found = await boards.names(ctx.db, guild_of(ctx))
        lines = [f"• {escape_markdown(name)}" for name in found]
        await ctx.respond("\n".join(lines) or "There are no named leaderboards yet.")

    @autocomplete
    async def suggest_boards(self, ctx: AutocompleteContext, value: str) -> list[Choice]:
        """Suggest the leaderboards whose name holds what was typed."""
        if ctx.guild_id is None:
            return []
        found = await boards.names(ctx.db, ctx.guild_id)
        return [Choice(name, name) for name in found if fold(value) in fold(name)][: boards.MAX_BOARDS]

    async def _change(
        self,
        ctx: Context,
        amount: Decimal,
        reason: str,
        *,
        sender: hikari.User | None = None,
        receiver: hikari.User | None = None,
        moderator: hikari.User | None = None,
    ) -> None:
        """Move points once, also when the command is delivered twice, and answer from what is stored."""
        options = await ctx.options(self.Options)
        reference = reference_of(ctx)
        change = Change(
            guild_id=guild_of(ctx),
            amount=amounts.check_amount(amount),
            reference=reference,
            sender_id=None if sender is None else sender.id,
            receiver_id=None if receiver is None else receiver.id,
            moderator_id=None if moderator is None else moderator.id,
            reason=reason.strip(),
        )
        receipt: Receipt | None
        if await ctx.once():
            try:
                receipt = await money.move(ctx.db, change, datetime.now(UTC))
            except NotEnoughPoints as error:
                whose = "You have" if error.user_id == ctx.author.id else f"<@{error.user_id}> has"
                has = texts.label(error.balance, options.name, options.emoji)
                raise UserError(f"{whose} only {has}.") from error
        else:
            receipt = await money.find(ctx.db, change.guild_id, reference)
        if receipt is None:
            raise UserError("This was done already.")
        await ctx.respond(texts.describe_receipt(receipt, options.name, options.emoji))

    async def _team_standings(self, ctx: Context, board: boards.Board) -> list[amounts.Standing]:
        await ctx.defer()
        known = (await ctx.guild()).roles
        teams = [role for role in board.role_ids if role in known]
        if not teams:
            raise UserError("All roles of that leaderboard are gone. Delete it, and create a new one.")
        members = await self._teams.find(ctx.rest, guild_of(ctx), teams)
        return amounts.rank_teams(teams, await money.balances_of(ctx.db, guild_of(ctx)), members)

    async def _board(self, ctx: Context, name: str) -> boards.Board:
        board = await boards.find(ctx.db, guild_of(ctx), " ".join(name.split()))
        if board is not None:
            return board
        known = ", ".join(f"**{escape_markdown(each)}**" for each in await boards.names(ctx.db, guild_of(ctx)))
        raise UserError(
            f"There is no leaderboard of that name. There are: {known}."
            if known
            else "There are no named leaderboards yet. Create one with `points setup-leaderboard create`."
        )
