"""All built-in modules in one bot: they load, register and answer."""

from __future__ import annotations

import pytest

from migaga.testing.bot import TestBot


@pytest.mark.modules("people", "games", "config", "custom_commands", "points")
async def test_the_built_in_modules_run_side_by_side(bot: TestBot) -> None:
    anna = await bot.member("Anna")
    assert [one.error for one in bot.runtime.status()] == [None] * 6
    shown = await bot.owner.says("!help")
    first = shown.content
    await bot.owner.press(shown, "Next")
    assert "**Points**" in first + shown.content
    assert "**Core**" in shown.content
    assert (await anna.says("!roll 1d1")).content or (await anna.says("!roll 1d1")).embeds
    assert await anna.slash("help")


@pytest.mark.mariadb
async def test_a_module_on_mariadb(mariadb_bot: TestBot) -> None:
    await mariadb_bot.load("points")
    reply = await mariadb_bot.owner.says("!help points")
    assert "points" in reply.content
    await mariadb_bot.owner.says("!options set core prefix ?")
    assert (await mariadb_bot.owner.says("?help")).content
