"""Whatever comes in between: the point never passes what is not handled, and each event is handled exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.gateway.desk import Life, StepClock, event, turns

from migaga.gateway.handling import AgainError, Handlers, PutAside
from migaga.gateway.intake import Intake
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received

Key = tuple[str, int]
"""Session and number."""
DONE = frozenset({("s", 2), ("s", 5), ("s", 6)})
"""What an owner before had finished above the watermark."""


def key(one: Received) -> Key:
    return one.session_id, one.seq


class Everything:
    """Wants all events but each seventh; handlers end, miss the database, or ask people, as the test says."""

    def __init__(self) -> None:
        self.begun: Counter[Key] = Counter()
        self.handled: Counter[Key] = Counter()
        self.waiting: dict[Key, asyncio.Future[str]] = {}
        self.let_go: set[Key] = set()

    def route(self, one: Received) -> Handlers | None:
        this = key(one)
        if one.seq % 7 == 0:
            self.handled[this] += 1
            return None

        async def run(put_aside: PutAside) -> None:
            self.begun[this] += 1
            self.waiting[this] = asyncio.get_running_loop().create_future()
            while (how := await self.waiting[this]) == "ask":
                self.let_go.add(this)
                put_aside()
                self.waiting[this] = asyncio.get_running_loop().create_future()
            del self.waiting[this]
            if how == "again":
                raise AgainError
            self.handled[this] += 1

        return run

    def refuse(self, one: Received, reason: str) -> Handlers | None:
        return None

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Nothing is kept of a guild."""

    def answer(self, number: int, how: str) -> None:
        """Decide about one of the running handlers."""
        undecided = [one for one in sorted(self.waiting) if not self.waiting[one].done()]
        if undecided:
            self.waiting[undecided[number % len(undecided)]].set_result(how)


class Play:
    """One interleaving."""

    def __init__(self, limit: int) -> None:
        self.router, self.life, self.told = Everything(), Life(), list[int]()
        self.passed: set[Key] = set()
        self.session, self.last = "s", 0
        self.came: set[Key] = set()
        self.intake = Intake(
            0,
            self.router,
            Unobserved(),
            alive=self.life,
            clock=StepClock(),
            on_finished=self.told.append,
            limit=limit,
        )
        self.intake.begin_session("s", 0, {seq for _, seq in DONE})

    async def step(self, what: str, number: int) -> None:
        """Do one thing."""
        acts: dict[str, Callable[[], object]] = {
            "repeat": lambda: self.intake.receive(event(max(0, self.last - number), self.session)),
            "begin late": self.intake.begin_late,
            "new session": self.begin_new_session,
            "open": self.intake.open,
            "shut": self.intake.shut,
            "valid": self.life.begin,
            "invalid": self.life.end,
        }
        match what:
            case "receive":
                self.receive(number + 1)
            case "end" | "again" | "ask":
                self.router.answer(number, what)
            case "pass over":
                self.pass_over(number + 1)
            case "turns":
                await turns(number + 1)
            case _:
                acts[what]()
        self.check()

    def receive(self, count: int) -> None:
        """Receive the next events. Their numbers may have gaps."""
        for _ in range(count):
            self.last += 1 + (self.last % 4 == 3)
            self.came.add((self.session, self.last))
            self.intake.receive(event(self.last, self.session))

    def begin_new_session(self) -> None:
        """Let READY begin another session. What runs, or waits, of the one before is stored as rows."""
        self.pass_over(len(self.intake.unfinished()))
        self.session, self.last = f"{self.session}+", 0
        self.intake.begin_session(self.session, 1, ready=True)
        self.receive(1)

    def pass_over(self, count: int) -> None:
        """Let the watermark pass what runs, as if it were stored."""
        for running in self.intake.unfinished()[:count]:
            self.passed.add(key(running.event))
            self.intake.pass_over(running)

    def check(self) -> None:
        """Compare the point with what has happened."""
        point = self.intake.point()
        over = {one for one, count in self.router.handled.items() if count} | self.passed | self.router.let_go | DONE
        # No RESUME may name a number below READY's, handled or not.
        mine = {seq for session, seq in over if session == point.session_id} | (
            {1} if point.session_id != "s" else set()
        )
        assert point.session_id == self.session
        assert {seq for session, seq in self.came if session == self.session and seq <= point.seq} <= mine
        assert point.done <= mine
        assert all(seq > point.seq for seq in point.done)

    async def finish(self) -> None:
        """Let everything end, and look at what was handled."""
        self.intake.open()
        self.life.begin()
        async with asyncio.timeout(5):
            while self.intake.in_flight or self.intake.put_aside:
                self.router.answer(0, "end")
                await asyncio.sleep(0)
        self.check()
        assert self.router.handled == Counter(self.came - DONE)
        begun = Counter(seq for _, seq in self.router.begun)
        assert Counter(self.told) <= begun, "of a session that is over it need not be told"
        assert self.session != "s" or Counter(self.told) == begun
        assert self.intake.point().seq == self.last
        await self.intake.close()


# Twice what moves events on.
WHAT = ["receive", "end", "open", "valid", "turns"] * 2 + ["repeat", "again", "ask", "shut", "invalid", "pass over"]
WHAT += ["new session", "begin late"]
STEPS = st.tuples(st.sampled_from(WHAT), st.integers(0, 5))


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=60), limit=st.integers(1, 8))
def test_the_point_passes_nothing_that_is_not_handled_and_each_event_is_handled_once(
    steps: list[tuple[str, int]], limit: int
) -> None:
    async def play() -> None:
        one = Play(limit)
        for what, number in steps:
            await one.step(what, number)
        await one.finish()

    asyncio.run(play())
