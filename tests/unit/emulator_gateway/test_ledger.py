"""Counting events: multisets, what was lost, repeated, and what nobody could have had."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.ledger.events import EventBook
from migaga_emulator.ledger.gaps import GapBook
from migaga_emulator.ledger.keys import natural_key
from migaga_emulator.ledger.report import latency


@given(st.lists(st.tuples(st.sampled_from(["sent", "handled"]), st.integers(0, 3)), max_size=60))
def test_a_handling_belongs_to_an_event_that_waits_for_one_else_it_is_too_much(steps: list[tuple[str, int]]) -> None:
    book, sent, waiting, surplus = EventBook(), Counter[int](), Counter[int](), Counter[int]()
    for now, (step, key) in enumerate(steps):
        if step == "sent":
            book.published("X", f"X:{key}", now)
            sent[key] += 1
            waiting[key] += 1
        else:
            book.handled("X", f"X:{key}", now)
            (waiting if waiting[key] else surplus)[key] += -1 if waiting[key] else 1
    totals = book.totals()
    assert totals.sent == sent.total()
    assert totals.lost == waiting.total() == book.open
    assert totals.handled == totals.sent - totals.lost
    assert totals.repeated == sum(surplus[key] for key in sent)
    assert totals.unexpected == sum(count for key, count in surplus.items() if key not in sent)
    assert book.settled() is (totals.lost == 0)


def test_what_a_fault_destroyed_before_anybody_had_it_is_undeliverable_not_lost() -> None:
    book = EventBook()
    destroyed, delivered, also = (book.published("X", f"X:{n}", 0) for n in range(3))
    destroyed.destroyed()
    delivered.destroyed()
    delivered.delivered()
    also.unsent = True
    totals = book.totals()
    assert (totals.lost, totals.undeliverable) == (1, 2)
    book.handled("X", "X:1", 1)
    assert book.settled()


def test_an_event_that_another_session_delivered_was_deliverable() -> None:
    book = EventBook()
    occurrence = book.published("X", "X:1", 0)
    occurrence.destroyed()
    occurrence.delivered()
    assert (book.totals().lost, book.totals().undeliverable) == (1, 0)


def test_of_two_equal_events_the_one_that_arrived_is_the_handled_one() -> None:
    book = EventBook()
    first, second = book.published("X", "X:1", 0), book.published("X", "X:1", 1)
    first.destroyed()
    second.delivered()
    book.handled("X", "X:1", 2)
    totals = book.totals()
    assert (totals.lost, totals.undeliverable, totals.handled) == (0, 1, 1)


def test_per_session_events_are_never_unexpected_and_guild_creates_may_be_handled() -> None:
    book = EventBook()
    book.handled("READY", "READY", 0)
    book.allow("GUILD_CREATE", "GUILD_CREATE:1")
    book.handled("GUILD_CREATE", "GUILD_CREATE:1", 0)
    book.handled("GUILD_CREATE", "GUILD_CREATE:1", 0)
    totals = book.totals()
    assert (totals.sent, totals.repeated, totals.unexpected) == (0, 1, 0)
    assert book.per_session_handled == {"READY": 1}


@pytest.mark.parametrize(
    ("name", "payload", "key"),
    [
        ("MESSAGE_CREATE", {"id": "1", "channel_id": "2"}, "MESSAGE_CREATE:1"),
        ("INTERACTION_CREATE", {"id": 5}, "INTERACTION_CREATE:5"),
        (
            "MESSAGE_REACTION_ADD",
            {"message_id": "1", "user_id": "2", "emoji": {"id": None, "name": "x"}},
            "MESSAGE_REACTION_ADD:1:2:x",
        ),
        (
            "MESSAGE_REACTION_ADD",
            {"message_id": "1", "user_id": "2", "emoji": {"id": "9", "name": "x"}},
            "MESSAGE_REACTION_ADD:1:2:9",
        ),
        ("GUILD_MEMBER_ADD", {"guild_id": "1", "user": {"id": "2"}}, "GUILD_MEMBER_ADD:1:2"),
        ("GUILD_MEMBER_ADD", {"guild_id": 1, "user_id": 2}, "GUILD_MEMBER_ADD:1:2"),
        ("GUILD_ROLE_UPDATE", {"guild_id": "1", "role": {"id": "3"}}, "GUILD_ROLE_UPDATE:1:3"),
        ("GUILD_ROLE_DELETE", {"guild_id": "1", "role_id": "3"}, "GUILD_ROLE_DELETE:1:3"),
        ("MESSAGE_DELETE_BULK", {"channel_id": "1", "ids": ["30", "4"]}, "MESSAGE_DELETE_BULK:1:4:2"),
        ("SOMETHING_NEW", {"guild_id": "1", "user_id": "2"}, "SOMETHING_NEW:1:2"),
        ("TYPING_START", {"channel_id": "1"}, "TYPING_START:1:-"),
    ],
)
def test_keys_are_made_of_ids_that_discord_sends(name: str, payload: dict[str, object], key: str) -> None:
    assert natural_key(name, payload) == key


def test_a_gap_is_the_time_in_which_nobody_covers_a_guild() -> None:
    book = GapBook()
    book.update([1, 2, 3], lambda guild: False, 0)
    assert book.totals(5).count == 0
    book.update([1, 2, 3], lambda guild: True, 10)
    book.update([1, 2, 3], lambda guild: guild == 3, 20)
    assert book.totals(21).open_guilds == 2
    book.update([1, 2, 3], lambda guild: True, 23)
    totals = book.totals(100)
    assert (totals.count, totals.longest_s, totals.guild_seconds, totals.open_guilds) == (1, 3, 6, 0)


@given(st.lists(st.floats(0, 100), min_size=1))
def test_quantiles_are_values_that_occurred(values: list[float]) -> None:
    told = latency(sorted(values))
    assert {told.p50, told.p99, told.max} <= set(values)
    assert told.p50 <= told.p99 <= told.max == max(values)
