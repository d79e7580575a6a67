"""A shard whose connection lived comes back at once; one that cannot connect leaves the gateway alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migaga.gateway.reconnects import LIVED, LONGEST_WAIT, Reconnects


def test_the_first_connection_and_one_after_a_good_one_do_not_wait() -> None:
    reconnects = Reconnects()
    assert reconnects.wait(0) == 0
    reconnects.begins(0)
    assert reconnects.wait(LIVED) == 0


def test_waits_grow_while_connections_end_young_and_are_forgotten_after_a_good_one() -> None:
    reconnects, now, waits = Reconnects(), 0.0, []
    for _ in range(10):
        reconnects.begins(now)
        waits.append(reconnects.wait(now + 0.1))
        now += 0.1 + waits[-1]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    reconnects.begins(now)
    assert reconnects.wait(now + LIVED) == 0
    reconnects.begins(now + LIVED)
    assert reconnects.wait(now + LIVED + 1) == 0.5


def test_a_session_that_discord_has_ended_is_begun_anew_without_a_wait() -> None:
    """4009 on a young connection, and again on its RESUME: every event until the next IDENTIFY is lost."""
    reconnects = Reconnects()
    reconnects.begins(0)
    assert reconnects.wait(1) == 0.5
    reconnects.begins(1.5)
    reconnects.session_lost()
    assert reconnects.wait(1.6) == 0
    reconnects.begins(1.6)
    assert reconnects.wait(1.7) == 0.5, "the gateway is left alone as ever after that"


@given(st.lists(st.floats(0, 100), max_size=60))
def test_no_wait_is_longer_than_a_minute(lives: list[float]) -> None:
    reconnects, now = Reconnects(), 0.0
    for life in lives:
        reconnects.begins(now)
        assert 0 <= reconnects.wait(now + life) <= LONGEST_WAIT
        now += life
