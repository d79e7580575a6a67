"""How old something is does not depend on this machine's time of day."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.common.discord_time import WINDOW, DiscordTime, time_of

TRUE_START = 1_790_000_000.0


class HandClock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 5_000.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def snowflake(moment: float) -> int:
    """An id made at a moment (Unix seconds)."""
    return (int(moment * 1_000) - 1_420_070_400_000) << 22


def test_the_time_in_a_snowflake_is_read_as_discord_documents_it() -> None:
    assert time_of(175928847299117063) == pytest.approx(1462015105.796)


@given(skew=st.floats(-600, 600), age=st.floats(0, 10), delays=st.lists(st.floats(0.02, 0.3), min_size=1, max_size=20))
def test_an_age_is_right_to_the_shortest_delay_however_wrong_the_local_time_is(
    skew: float, age: float, delays: list[float]
) -> None:
    clock = HandClock()
    discord = DiscordTime(clock, wall=TRUE_START + skew)
    true_now = TRUE_START
    for delay in delays:
        clock.seconds += 1.0
        true_now += 1.0
        discord.heard(true_now - delay)
    told = discord.age_of(snowflake(true_now - age))
    assert max(0.0, age - min(delays)) - 0.01 <= told <= age + 0.01


def test_the_date_of_an_answer_is_enough_to_a_second() -> None:
    clock = HandClock()
    discord = DiscordTime(clock, wall=TRUE_START + 120.0)
    discord.heard_date(formatdate(TRUE_START - 0.1, usegmt=True))
    assert 2.0 <= discord.age_of(snowflake(TRUE_START - 3.0)) <= 3.1


@pytest.mark.parametrize("header", [None, "", "yesterday", "Sat, 99 Nov 2026 00:00:00 GMT"])
def test_a_date_that_is_none_is_passed_over(header: str | None) -> None:
    discord = DiscordTime(HandClock(), wall=TRUE_START)
    discord.heard_date(header)
    assert discord.age_of(snowflake(TRUE_START - 2.0)) == pytest.approx(2.0, abs=0.01)


def test_a_bound_is_forgotten_when_the_clocks_may_have_drifted() -> None:
    clock = HandClock()
    discord = DiscordTime(clock, wall=TRUE_START)
    discord.heard(TRUE_START + 1.0)
    for turn in (1, 2):
        clock.seconds += WINDOW
        discord.heard(TRUE_START + turn * WINDOW)
    assert discord.age_of(snowflake(TRUE_START + 2 * WINDOW - 2.0)) == pytest.approx(2.0, abs=0.01)


def test_nothing_is_older_than_it_can_be() -> None:
    discord = DiscordTime(HandClock(), wall=TRUE_START - 60.0)
    assert discord.age_of(snowflake(TRUE_START)) == 0.0
