"""The probe tells the emulator's ledger what the bot has handled."""

from __future__ import annotations

import asyncio

import pytest

from migaga.testing.bot import TestBot
from migaga.testing.people import Person
from migaga_emulator.ledger.figures import Totals
from migaga_modules import probe
from migaga_modules.probe import settings


@pytest.fixture
def _address(bot: TestBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.URL, bot.emulator.control_url)


def totals(bot: TestBot) -> Totals:
    return bot.emulator.ledger.of(bot.id).events.totals()


@pytest.mark.usefixtures("_address")
async def test_every_event_is_reported_once_it_is_handled(bot: TestBot, ann: Person, ben: Person) -> None:
    await bot.load("probe")
    for number in range(20):
        said = await ann.says(f"message {number}")
    await ben.reacts(said, "🎉")
    await ben.unreacts(said, "🎉")
    await ben.reacts(said, bot.guild.emoji("gem").strip("<>").removeprefix(":"))
    await ann.edits(said, "edited")
    await ann.deletes(said)
    await ben.leaves()
    await bot.quiet()
    found = totals(bot)
    assert found.sent > 25
    assert (found.lost, found.repeated, found.unexpected) == (0, 0, 0)


@pytest.mark.usefixtures("_address")
async def test_an_event_is_in_flight_until_its_report_has_arrived(
    bot: TestBot, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.SECONDS, "0.2")
    await bot.load("probe")
    bot.emulator.world.people.post(ann.id, bot.guild.general.id, "hello")
    async with asyncio.timeout(2):
        while not any(module.running for module in bot.runtime.modules.loaded):
            await asyncio.sleep(0.005)
    assert totals(bot).lost == 1
    await bot.close()  # a graceful stop gives handlers their time
    assert totals(bot).lost == 0


@pytest.mark.parametrize("url", ["", "emulator", "ftp://127.0.0.1"])
async def test_without_an_address_it_does_not_start_and_says_why(
    bot: TestBot, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.URL, url)
    with pytest.raises(AssertionError, match=r"PROBE_URL is .*: set it to the address of the emulator"):
        await bot.load("probe")


async def test_it_is_not_loaded_unless_it_is_named() -> None:
    assert probe.Probe.load_by_default is False
