"""The breaker of the fleet: a refused token stops everything new, one false refusal stops it for minutes only."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.unit.fleet_identify.town import APPLICATION, Town

from migaga.continuity.breaker import PROBE_EVERY
from migaga.fleet.breaker import OPEN_POLL, fingerprint_of
from migaga.storage.leases_operations import Outcome

REFUSED = "Discord refuses the bot token (close 4004)."


async def closed(town: Town) -> list[bool]:
    """Whether it is closed for each process, once each has read the row."""
    for member in town.members:
        await member.breaker.read()
    return [member.breaker.is_closed for member in town.members]


async def test_one_refusal_opens_it_for_all_and_says_why() -> None:
    town = Town(processes=3)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        assert await closed(town) == [False] * 3
        for member in town.members:
            assert REFUSED in (member.breaker.reason or "")
            assert REFUSED in (member.ledger.status().reason or "")

    await town.run(work())


async def test_nobody_identifies_while_it_is_open_and_all_go_on_when_it_closes() -> None:
    town = Town(processes=2, concurrency=4)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        everybody = asyncio.create_task(town.shared_out(4))
        await town.time.sleep(200)
        assert town.discord.verdicts == []
        assert town.one.ledger.status().waiting == 2
        await everybody

    began = town.time.now
    await town.run(work())
    assert PROBE_EVERY <= min(town.discord.times) - began <= PROBE_EVERY + 2 * OPEN_POLL + 1
    town.discord.assert_content()


async def test_one_false_4004_is_asked_about_by_one_process_and_stops_the_fleet_for_five_minutes_only() -> None:
    town = Town(processes=5)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        await town.time.sleep(PROBE_EVERY - 1)
        assert town.discord.asked == 0
        await town.time.sleep(3 * OPEN_POLL)
        assert town.discord.asked == 1
        assert [member.breaker.is_closed for member in town.members[:1]] == [True]
        assert await closed(town) == [True] * 5

    await town.run(work())


async def test_a_token_that_stays_refused_is_asked_about_every_five_minutes_by_the_fleet_together() -> None:
    town = Town(processes=4)
    town.discord.refuses_token = True

    async def work() -> None:
        for member in town.members:
            await member.breaker.refused(REFUSED)
        await town.time.sleep(3_600)
        assert 10 <= town.discord.asked <= 12
        assert await closed(town) == [False] * 4
        town.discord.refuses_token = False
        await town.time.sleep(PROBE_EVERY + 4 * OPEN_POLL)
        assert await closed(town) == [True] * 4

    await town.run(work())


async def test_two_hundred_shards_that_hear_it_at_once_write_it_once() -> None:
    town = Town()

    async def work() -> None:
        await asyncio.gather(*(town.one.breaker.refused(REFUSED) for _ in range(200)))

    await town.run(work())
    assert town.db.tables["breaker"][APPLICATION,]["probe"] == 1


async def test_a_refusal_in_an_outage_holds_here_and_is_told_when_the_database_is_back() -> None:
    town = Town(processes=2)

    async def work() -> None:
        town.one.rows.is_down = True
        began = town.time.now
        await town.one.breaker.refused(REFUSED)
        assert town.time.now - began < 2
        assert not town.one.breaker.is_closed
        assert await closed(town) == [False, True]
        town.one.rows.is_down = False
        await town.time.sleep(2 * OPEN_POLL)
        assert await closed(town) == [False, False]

    await town.run(work())


@pytest.mark.parametrize("first", [Outcome.UNKNOWN, Outcome.FAILED])
async def test_a_refusal_whose_commit_is_in_doubt_is_told_once(first: Outcome) -> None:
    town = Town(processes=2)
    fates = [None, first]
    town.one.rows.fate = lambda _: fates.pop(0) if fates else None

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        assert await closed(town) == [False, False]

    await town.run(work())
    assert town.db.tables["breaker"][APPLICATION,]["probe"] == 1


async def test_another_token_closes_it_for_the_process_that_has_it_and_an_accepted_one_says_so_to_all() -> None:
    town = Town(processes=2)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        assert await closed(town) == [False, False]
        town.one.breaker.new_token("another")
        assert await closed(town) == [True, False]
        await town.one.breaker.accepted()
        assert await closed(town) == [True, False], "that the new token is good says nothing about the old one"
        await town.members[1].breaker.accepted()
        assert await closed(town) == [True, True]

    await town.run(work())


async def test_two_refused_tokens_do_not_free_each_other() -> None:
    town = Town(processes=2)
    town.discord.refuses_token = True
    town.one.breaker.new_token("another")

    async def work() -> None:
        for member in town.members:
            await member.breaker.refused(REFUSED)
        await town.time.sleep(4 * PROBE_EVERY)
        assert await closed(town) == [False, False]
        for member in town.members:
            member.breaker.new_token("good")
        assert await closed(town) == [True, True]

    await town.run(work())


async def test_a_token_that_was_refused_before_is_known_to_a_process_that_starts_with_it() -> None:
    town = Town(processes=2)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        town.members[1].breaker.new_token("another")
        assert await closed(town) == [False, True]
        town.members[1].breaker.new_token(f"token-{town.token}")
        assert not town.members[1].breaker.is_closed

    await town.run(work())


async def test_an_answer_that_nobody_can_give_leaves_it_open_until_the_next_question() -> None:
    town = Town()
    town.discord.is_down = True

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        await town.time.sleep(PROBE_EVERY + OPEN_POLL)
        assert (town.discord.asked, await closed(town)) == (1, [False])
        town.discord.is_down = False
        await town.time.sleep(PROBE_EVERY + OPEN_POLL)
        assert (town.discord.asked, await closed(town)) == (2, [True])

    await town.run(work())


async def test_a_401_to_the_question_for_the_budget_opens_it() -> None:
    town = Town(processes=2)
    town.discord.refuses_token = True

    async def work() -> None:
        first = asyncio.create_task(town.one.identify(0))
        await town.time.sleep(10)
        assert (town.discord.asked, await closed(town)) == (1, [False, False])
        town.discord.refuses_token = False
        await first

    await town.run(work())
    town.discord.assert_content()


async def test_closed_it_costs_nothing_and_the_token_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    town = Town()
    caplog.set_level(logging.DEBUG)

    async def work() -> None:
        await town.time.sleep(3_600)
        assert town.one.rows.statements == 0
        await town.one.breaker.refused(REFUSED)
        town.one.breaker.new_token("a-secret")
        await town.one.breaker.refused(REFUSED)

    await town.run(work())
    secrets = ("a-secret", f"token-{town.token}", fingerprint_of(APPLICATION, "a-secret"))
    row = town.db.tables["breaker"][APPLICATION,]
    assert row["fingerprint"] == secrets[2]
    assert len(str(row["fingerprint"])) == 64
    assert not any(secret in caplog.text + str(town.one.breaker.reason) for secret in secrets)
    assert fingerprint_of(1, "a") != fingerprint_of(2, "a")


async def test_a_reading_by_somebody_else_counts() -> None:
    town = Town(processes=2)

    async def work() -> None:
        await town.one.breaker.refused(REFUSED)
        town.members[1].breaker.note(await town.members[1].rows.breaker(APPLICATION))
        assert not town.members[1].breaker.is_closed
        town.members[1].breaker.note(None)
        assert town.members[1].breaker.is_closed, "a row that is gone was deleted by people"

    await town.run(work())
