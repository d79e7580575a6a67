"""Games against the bot: slots, rock paper scissors, blackjack and dice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Annotated, Literal

import hikari
from hikari.impl import MessageActionRowBuilder

from migaga.api import BaseModule, Context, Describe, NotAllowed, UserError, command, component, task
from migaga_modules.common import channel_of, guild_of, reference_of
from migaga_modules.games import blackjack, dice, rps, slots, tables
from migaga_modules.games.rps import EMOJI, Hand

IDLE = timedelta(minutes=10)
"""How long a game of blackjack waits for the next move."""

KEPT = timedelta(days=7)
"""How long an ended game can still be looked at by its buttons."""

_SWEPT_AT_ONCE = 50


class Games(BaseModule):
    """Games to play with the bot: dice, slots, blackjack and rock, paper, scissors."""

    metadata = tables.metadata

    async def start(self) -> None:
        """Use the system's randomness unless the process provides another."""
        if not self.services.has(Random):
            self.services.provide(Random, SystemRandom())

    @property
    def random(self) -> Random:
        """Where luck comes from."""
        return self.services.get(Random)

    @command(aliases=["dice"])
    async def roll(
        self, ctx: Context, notation: Annotated[str, Describe("Such as d6, 3d20, 2d6+3, 4d6k3 or 4d6kl1")] = "d6"
    ) -> None:
        """Roll dice.

        Write how many dice of how many sides: `3d20`. Add or subtract numbers: `2d6+3`. Keep the highest dice with `k`
        (`4d6k3`) or the lowest with `kl` (`4d6kl1`); only kept dice count.
        """
        expression = dice.parse(notation)
        await ctx.respond(dice.describe(expression, expression.roll(self.random)))

    @command()
    async def slots(self, ctx: Context) -> None:
        """Pull the lever of the slot machine."""
        await ctx.respond(slots.describe(slots.spin(self.random)))

    @command()
    async def rps(
        self,
        ctx: Context,
        hand: Annotated[Literal["rock", "paper", "scissors"] | None, Describe("Leave out to choose by buttons")] = None,
    ) -> None:
        """Play rock, paper, scissors against me."""
        if hand is not None:
            await ctx.respond(rps.describe(Hand(hand), rps.draw(self.random)))
            return
        row = MessageActionRowBuilder()
        for each in Hand:
            row.add_interactive_button(
                hikari.ButtonStyle.SECONDARY,
                self.custom_id("rps-hand", ctx.author.id, each.value),
                label=each.value.title(),
                emoji=EMOJI[each],
            )
        await ctx.respond("Rock, paper or scissors?", components=[row])

    @component("rps-hand")
    async def rps_hand(self, ctx: Context, player: hikari.Snowflake, hand: str) -> None:
        """Show the bot's hand when the player has pressed theirs."""
        if ctx.author.id != player:
            raise NotAllowed("This is not your game. Start your own with `rps`.")
        await ctx.edit(rps.describe(Hand(hand), rps.draw(self.random)), components=[])

    @command(name="blackjack")
    async def start_blackjack(self, ctx: Context) -> None:
        """Play blackjack against the dealer."""
        reference = reference_of(ctx)
        if await ctx.once():
            await tables.add(
                ctx.db,
                blackjack.deal(blackjack.shuffled(self.random)),
                guild_id=guild_of(ctx),
                channel_id=channel_of(ctx),
                user_id=ctx.author.id,
                reference=reference,
                now=datetime.now(UTC),
            )
        stored = await tables.by_reference(ctx.db, reference)
        if stored is None:
            raise UserError("That game is gone. Start a new one with `blackjack`.")
        reply = await ctx.respond(blackjack.describe(stored.game), components=self._buttons(stored.id, stored.game))
        if reply.message_id is not None:
            await tables.set_message(ctx.db, stored.id, reply.message_id)

    @component("blackjack")
    async def move(self, ctx: Context, game: int, action: Literal["hit", "stand"]) -> None:
        """Play on when the player has pressed a button; a press that is delivered twice moves once."""
        first = await ctx.once()
        stored = await tables.locked(ctx.db, game)
        if stored is None:
            raise UserError("That game is gone. Start a new one with `blackjack`.")
        if ctx.author.id != stored.user_id:
            raise NotAllowed("This is not your game. Start your own with `blackjack`.")
        after = stored.game
        if first:
            after = blackjack.hit(after) if action == "hit" else blackjack.stand(after)
            await tables.save(ctx.db, game, after, datetime.now(UTC))
        await ctx.edit(blackjack.describe(after), components=self._buttons(game, after))

    @task(every=timedelta(minutes=1), once_per="fleet")
    async def sweep(self) -> None:
        """End games of blackjack that nobody plays on, and forget old ones."""
        now = datetime.now(UTC)
        async with self.database.transaction() as session:
            await tables.forget(session, now - KEPT)
            waiting = await tables.idle(session, now - IDLE, _SWEPT_AT_ONCE)
        for game_id in waiting:
            async with self.database.transaction() as session:
                stored = await tables.locked(session, game_id)
                # Somebody may have played on, or another process swept, since the list was made.
                if stored is None or stored.moved_at >= now - IDLE or stored.game.state is not blackjack.State.PLAYING:
                    continue
                ended = blackjack.abandon(stored.game)
                await tables.save(session, game_id, ended, now)
            await self._show_end(stored, ended)

    async def _show_end(self, stored: tables.StoredGame, ended: blackjack.Game) -> None:
        """Take the buttons off an abandoned game; a message that is gone or out of reach needs nothing."""
        if stored.message_id is None:
            return
        try:
            await self.rest.edit_message(stored.channel_id, stored.message_id, blackjack.describe(ended), components=[])
        except (hikari.NotFoundError, hikari.ForbiddenError):
            self.log.info("the message of an abandoned game is out of reach")

    def _buttons(self, game_id: int, game: blackjack.Game) -> list[MessageActionRowBuilder]:
        if game.state is not blackjack.State.PLAYING:
            return []
        row = MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, self.custom_id("blackjack", game_id, "hit"), label="Hit")
        row.add_interactive_button(
            hikari.ButtonStyle.SECONDARY, self.custom_id("blackjack", game_id, "stand"), label="Stand"
        )
        return [row]
