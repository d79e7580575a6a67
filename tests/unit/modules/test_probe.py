"""The probe names events as the ledger does, and loses no report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from migaga_emulator.ledger.keys import natural_key
from migaga_modules.probe.naming import naming_fields
from migaga_modules.probe.reporter import MOST, Report, Reporter
from migaga_modules.probe.settings import (
    EFFECTS,
    LONG_SECONDS,
    LONG_SHARE,
    SECONDS,
    SEED,
    URL,
    ProbeError,
    read_range,
    read_settings,
)

MESSAGE = {
    "id": "11",
    "channel_id": "12",
    "guild_id": "13",
    "content": "what somebody wrote",
    "author": {"id": "14", "username": "ann"},
    "member": {"nick": "annie", "roles": ["15"]},
}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("MESSAGE_CREATE", MESSAGE),
        ("MESSAGE_DELETE_BULK", {"ids": ["3", "2"], "channel_id": "1", "guild_id": "4"}),
        ("MESSAGE_REACTION_ADD", {"message_id": "1", "user_id": "2", "emoji": {"id": None, "name": "💎"}}),
        ("MESSAGE_REACTION_ADD", {"message_id": "1", "user_id": "2", "emoji": {"id": "9", "name": "gem"}}),
        ("GUILD_MEMBER_ADD", {"guild_id": "1", "user": {"id": "2", "username": "ann"}, "nick": "annie"}),
        ("GUILD_ROLE_CREATE", {"guild_id": "1", "role": {"id": "2", "name": "boss", "permissions": "8"}}),
        ("GUILD_ROLE_DELETE", {"guild_id": "1", "role_id": "2"}),
        ("INVITE_CREATE", {"code": "abc", "channel_id": "1"}),
        ("TYPING_START", {"channel_id": "1", "user_id": "2", "member": {"user": {"id": "2"}}, "timestamp": 5}),
        ("AUTO_MODERATION_ACTION_EXECUTION", {"guild_id": "1", "rule_id": "2", "user_id": "3", "content": "bad"}),
        ("GUILD_CREATE", {"id": "1", "name": "guild", "channels": [{"id": "2"}]}),
        ("SOMETHING_NEW", {"guild_id": "1", "user_id": "3"}),
    ],
)
def test_the_ledger_makes_the_same_key_of_what_is_kept(name: str, payload: dict[str, object]) -> None:
    assert natural_key(name, naming_fields(payload)) == natural_key(name, payload)


def test_nothing_that_people_wrote_is_reported() -> None:
    assert naming_fields(MESSAGE) == {"id": "11", "channel_id": "12", "guild_id": "13"}


class Ledger:
    """Takes reports when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[Report]] = []
        self.open = asyncio.Event()
        self.broken = False

    async def send(self, reports: Sequence[Report]) -> None:
        await self.open.wait()
        if self.broken:
            raise ConnectionError
        self.batches.append(list(reports))

    @property
    def numbers(self) -> list[object]:
        return [report["n"] for batch in self.batches for report in batch]


async def test_reports_at_the_same_time_go_together_and_in_order() -> None:
    ledger = Ledger()
    ledger.open.set()
    reporter = Reporter(ledger.send)
    await asyncio.gather(*(reporter.report({"n": number}) for number in range(100)))
    assert ledger.numbers == list(range(100))
    assert len(ledger.batches) == 1


async def test_nobody_goes_on_before_the_report_has_arrived() -> None:
    ledger = Ledger()
    reporter = Reporter(ledger.send, window=0)
    waiting = [asyncio.create_task(reporter.report({"n": number})) for number in range(3)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert not done
    ledger.open.set()
    await asyncio.gather(*waiting)
    assert ledger.numbers == [0, 1, 2]


async def test_a_batch_has_a_size() -> None:
    ledger = Ledger()
    ledger.open.set()
    reporter = Reporter(ledger.send)
    await asyncio.gather(*(reporter.report({"n": number}) for number in range(MOST + 1)))
    assert sorted(len(batch) for batch in ledger.batches) == [1, MOST]


async def test_a_handler_that_is_cancelled_does_not_take_the_reports_of_others_with_it() -> None:
    ledger = Ledger()
    reporter = Reporter(ledger.send, window=0)
    first, second = (asyncio.create_task(reporter.report({"n": number})) for number in range(2))
    await asyncio.sleep(0)
    first.cancel()
    ledger.open.set()
    await second
    assert first.cancelled()
    assert ledger.numbers == [0, 1]


async def test_closing_waits_for_what_was_reported() -> None:
    ledger = Ledger()
    reporter = Reporter(ledger.send, window=0)
    report = asyncio.create_task(reporter.report({"n": 1}))
    await asyncio.sleep(0)
    closing = asyncio.create_task(reporter.close())
    await asyncio.sleep(0)
    assert not closing.done()
    ledger.open.set()
    await closing
    await report
    assert ledger.numbers == [1]


async def test_a_ledger_that_cannot_be_reached_fails_all_who_wait() -> None:
    ledger = Ledger()
    ledger.open.set()
    ledger.broken = True
    reporter = Reporter(ledger.send, window=0)
    results = await asyncio.gather(*(reporter.report({"n": n}) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3
    await reporter.close()


ADDRESS = {URL: "http://127.0.0.1:1/control"}


@pytest.mark.parametrize("text", ["", "soon", "-1", "inf", "nan", "0.5-0.1", "1-", "0-soon"])
def test_a_duration_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(ProbeError, match="PROBE_SECONDS"):
        read_range(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (LONG_SECONDS, "long"),
        (LONG_SHARE, "1.5"),
        (LONG_SHARE, "nan"),
        (EFFECTS, "-0.1"),
        (SEED, "x"),
        (URL, "127.0.0.1"),
    ],
)
def test_what_is_wrong_is_named(name: str, text: str) -> None:
    with pytest.raises(ProbeError, match=name):
        read_settings({**ADDRESS, name: text})


def test_durations_are_read() -> None:
    assert read_range("0.05") == (0.05, 0.05)
    assert read_range("0-0.5") == (0, 0.5)


def test_an_event_gets_the_same_fate_every_time_and_another_seed_another_one() -> None:
    wanted = {SECONDS: "0-0.5", LONG_SECONDS: "20", LONG_SHARE: "0.1", EFFECTS: "0.5"}
    one, again, other = (read_settings({**ADDRESS, **wanted, SEED: seed}) for seed in ("1", "1", "2"))
    events: list[dict[str, object]] = [{"id": str(number)} for number in range(400)]
    fates = [one.fate("MESSAGE_CREATE", event) for event in events]
    assert fates == [again.fate("MESSAGE_CREATE", event) for event in events]
    assert fates != [other.fate("MESSAGE_CREATE", event) for event in events]
    assert {fate.seconds for fate in fates if fate.seconds > 0.5} == {20}
    assert 20 < sum(fate.seconds == 20 for fate in fates) < 70
    assert 150 < sum(fate.effect for fate in fates) < 250
    usual = [fate.seconds for fate in fates if fate.seconds < 20]
    assert min(usual) < 0.05 < 0.45 < max(usual) <= 0.5
