"""The module of the docs, tested as its author would."""

from __future__ import annotations

import hikari

from migaga.api import BaseModule, Context, GuildOptions, command, option
from migaga.testing.bot import TestBot


class Greeter(BaseModule):
    """Greets people."""

    class Options(GuildOptions):
        greeting: str = option("Hello", "What to say before the name", max_length=50)

    @command(aliases=["hi"], permissions=hikari.Permissions.SEND_MESSAGES)
    async def hello(self, ctx: Context, who: hikari.User | None = None) -> None:
        """Greet someone.

        Args:
            who: The person to greet; yourself when left out.
        """
        options = await ctx.options(self.Options)
        await ctx.respond(f"{options.greeting}, {(who or ctx.author).mention}!")


async def test_hello_greets_in_both_forms(bot: TestBot) -> None:
    await bot.load(Greeter)
    anna, ben = await bot.member("Anna"), await bot.member("Ben")
    assert (await anna.slash("hello")).content == f"Hello, {anna.mention}!"
    assert (await anna.slash("hello", who=ben)).content == f"Hello, {ben.mention}!"
    reply = await anna.says("!hello")
    assert reply.content == f"Hello, {anna.mention}!"
    assert reply.pings == []
    await bot.options(Greeter, greeting="Ahoy")
    assert (await anna.says(f"!hi {ben.mention}")).content == f"Ahoy, {ben.mention}!"
    await anna.says("hello")
    await bot.no_reply()
