"""Guilds that the bot was removed from while no process lived to hear of it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule
from migaga.gateway.received import Received
from migaga.storage.tables import guild, shard
from migaga.testing.bot import TestBot
from migaga_emulator.control.client import ControlClient


class Idle(BaseModule):
    """Does nothing."""


async def left(bot: TestBot) -> dict[int, bool]:
    """Return for each guild that the database knows whether it was left."""
    async with bot.database.read() as session:
        return {int(row.id): row.left_at is not None for row in await session.execute(sa.select(guild))}


async def forget_session(bot: TestBot) -> None:
    """Leave the next process nothing to resume."""
    async with bot.database.transaction() as session:
        await session.execute(sa.update(shard).values(session_id="", resume_url="", seq=0, done_set=None))


def ready(guilds: Sequence[int] | None, shard: tuple[int, int] = (0, 1)) -> Received:
    payload: dict[str, object] = {"v": 10, "shard": list(shard)}
    if guilds is not None:
        payload["guilds"] = [{"id": str(one), "unavailable": True} for one in guilds]
    return Received("READY", shard[0], "another session", 1, payload)


async def test_a_removal_that_no_process_saw_is_noted_at_the_next_session(bot: TestBot) -> None:
    stays, goes = bot.guild, bot.make_guild("Second")
    await bot.load(Idle)
    assert await left(bot) == {stays.id: False, goes.id: False}
    await bot.close()
    await forget_session(bot)
    bot.emulator.hub.end_all(bot.id)
    bot.emulator.world.guilds.remove_bot(goes.state, bot.account)
    assert await left(bot) == {stays.id: False, goes.id: False}
    await bot._connect()
    await bot.wait_for(lambda: bot.emulator.hub.of(bot.id))
    await bot.quiet()
    assert await left(bot) == {stays.id: False, goes.id: True}


async def test_a_list_that_is_too_short_makes_no_guild_left(bot: TestBot) -> None:
    await bot.load(Idle)
    sent = Deliveries(bot)
    await sent.deliver(ready([]))
    await sent.deliver(ready(None))
    assert await left(bot) == {bot.guild.id: False}


async def test_only_the_guilds_of_the_shard_that_is_ready_are_compared(bot: TestBot) -> None:
    second = bot.make_guild("Second")
    await bot.load(Idle)
    sent = Deliveries(bot)
    await bot.close()
    for one in (bot.guild, second):
        bot.emulator.world.guilds.remove_bot(one.state, bot.account)
    count = 97
    await sent.deliver(ready([], (((second.id >> 22) + 1) % count, count)))
    assert await left(bot) == {bot.guild.id: False, second.id: False}
    await sent.deliver(ready([], ((second.id >> 22) % count, count)))
    assert await left(bot) == {bot.guild.id: False, second.id: True}


async def test_a_guild_that_cannot_be_asked_for_stays_until_it_can(bot: TestBot) -> None:
    await bot.load(Idle)
    sent = Deliveries(bot)
    await bot.close()
    bot.emulator.world.guilds.remove_bot(bot.guild.state, bot.account)
    async with ControlClient(bot.emulator.control_url) as control:
        await control.faults.rest(route="/guilds/*", status=400)
        await sent.deliver(ready([]))
        assert await left(bot) == {bot.guild.id: False}
        await control.faults.clear()
    await sent.deliver(ready([]))
    assert await left(bot) == {bot.guild.id: True}
