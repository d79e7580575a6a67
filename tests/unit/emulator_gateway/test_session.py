"""Replay buffer and session against a model that keeps everything."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.gateway.opcodes import CloseCode
from migaga_emulator.gateway.replay import ReplayBuffer
from migaga_emulator.gateway.session import Event, Generation, Session
from migaga_emulator.rules import Rules

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.floats(0, 5)),
        st.tuples(st.just("ack"), st.integers(0, 40)),
        st.tuples(st.just("resume"), st.integers(0, 40)),
    ),
    max_size=60,
)


@given(ACTIONS, st.integers(1, 10))
def test_a_resume_brings_all_missed_events_in_order_or_nothing(actions: list[tuple[str, float]], most: int) -> None:
    buffer: ReplayBuffer[int] = ReplayBuffer(max_events=most, max_age_s=10)
    now, seq, acknowledged = 0.0, 0, 0
    times: dict[int, float] = {}
    for action, value in actions:
        if action == "event":
            now += value
            seq += 1
            times[seq] = now
            buffer.append(seq, seq, now)
        elif action == "ack":
            acknowledged = max(acknowledged, min(int(value), seq))
            buffer.acknowledge(min(int(value), seq))
        else:
            asked = min(int(value), seq)
            missed = buffer.since(asked, now)
            expected = list(range(asked + 1, seq + 1))
            gone = max([acknowledged, seq - most] + [n for n, at in times.items() if now - at > 10])
            if asked >= gone:
                assert missed is not None
                assert [kept.item for kept in missed] == expected
            else:
                assert missed is None
        assert len(buffer) <= most


@dataclass(eq=False)
class Wire:
    """A connection that writes what it is told to."""

    session: Session
    events: list[Event] = field(default_factory=list)
    closed: int | None = None

    def deliver(self, event: Event) -> None:
        self.events.append(event)

    def close(self, code: int) -> None:
        self.closed = code

    def replaced(self) -> None:
        self.closed = CloseCode.UNKNOWN_ERROR


@dataclass(eq=False)
class Fate:
    """What became of one event."""

    was_delivered: bool = False
    was_destroyed: bool = False

    def delivered(self) -> None:
        self.was_delivered = True

    def destroyed(self) -> None:
        self.was_destroyed = True


def make() -> Session:
    return Session("s", 1, Generation(0, 1, 0), Rules())


def test_frames_carry_name_number_and_payload() -> None:
    session = make()
    wire = Wire(session)
    session.attach(wire)
    session.push("MESSAGE_CREATE", b'{"id":"1"}', 0)
    session.push("MESSAGE_DELETE", b'{"id":"1"}', 0)
    assert [json.loads(event.frame) for event in wire.events] == [
        {"t": "MESSAGE_CREATE", "s": 1, "op": 0, "d": {"id": "1"}},
        {"t": "MESSAGE_DELETE", "s": 2, "op": 0, "d": {"id": "1"}},
    ]


@given(st.integers(0, 10), st.integers(0, 10), st.booleans())
def test_only_what_was_never_written_is_destroyed_and_only_by_a_fault(
    pushed: int, written: int, injected: bool
) -> None:
    session, fates = make(), [Fate() for _ in range(pushed)]
    for fate in fates:
        session.push("X", b"{}", 0, fate)
    session.written(min(written, pushed))
    session.destroy(injected=injected)
    delivered = min(written, pushed)
    assert [fate.was_delivered for fate in fates] == [n < delivered for n in range(pushed)]
    assert [fate.was_destroyed for fate in fates] == [injected and n >= delivered for n in range(pushed)]


def test_a_new_sink_sends_the_old_one_away() -> None:
    session = make()
    first, second = Wire(session), Wire(session)
    session.attach(first)
    session.attach(second)
    assert (first.closed, second.closed) == (CloseCode.UNKNOWN_ERROR, None)
    session.push("X", b"{}", 0)
    assert (len(first.events), len(second.events)) == (0, 1)


def test_a_session_waits_for_its_resume_as_long_as_the_rules_say() -> None:
    session = make()
    session.attach(Wire(session))
    assert not session.expired(1e9)
    session.detach(100)
    assert not session.expired(190)
    assert session.expired(190.1)


@given(st.integers(0, 2**63), st.integers(1, 512))
def test_every_guild_belongs_to_exactly_one_shard(guild_id: int, count: int) -> None:
    owners = [n for n in range(count) if Generation(n, count, 0).covers(guild_id)]
    assert owners == [(guild_id >> 22) % count]
    assert [n for n in range(count) if Generation(n, count, 0).covers(None)] == [0]
