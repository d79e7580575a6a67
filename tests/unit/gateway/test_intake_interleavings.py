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

DONE = frozenset({2, 5, 6})
"""What an owner before had finished above the watermark."""


class Everything:
    """Wants all events but each seventh; handlers end, miss the database, or ask people, as the test says."""

    def __init__(self) -> None:
        self.begun: Counter[int] = Counter()
        self.handled: Counter[int] = Counter()
        self.waiting: dict[int, asyncio.Future[str]] = {}
        self.let_go: set[int] = set()

    def route(self, one: Received) -> Handlers | None:
        if one.seq % 7 == 0:
            self.handled[one.seq] += 1
            return None

        async def run(put_aside: PutAside) -> None:
            self.begun[one.seq] += 1
            self.waiting[one.seq] = asyncio.get_running_loop().create_future()
            while (how := await self.waiting[one.seq]) == "ask":
                self.let_go.add(one.seq)
                put_aside()
                self.waiting[one.seq] = asyncio.get_running_loop().create_future()
            del self.waiting[one.seq]
            if how == "again":
                raise AgainError
            self.handled[one.seq] += 1

        return run

    def refuse(self, one: Received, reason: str) -> Handlers | None:
        return None

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Nothing is kept of a guild."""

    def answer(self, number: int, how: str) -> None:
        """Decide about one of the running handlers."""
        undecided = [seq for seq in sorted(self.waiting) if not self.waiting[seq].done()]
        if undecided:
            self.waiting[undecided[number % len(undecided)]].set_result(how)


class Play:
    """One interleaving."""

    def __init__(self, limit: int) -> None:
        self.router, self.life, self.told = Everything(), Life(), list[int]()
        self.passed: set[int] = set()
        self.last = 0
        self.came: set[int] = set()
        self.intake = Intake(
            0,
            self.router,
            Unobserved(),
            alive=self.life,
            clock=StepClock(),
            on_finished=self.told.append,
            limit=limit,
        )
        self.intake.begin_session("s", 0, DONE)

    async def step(self, what: str, number: int) -> None:
        """Do one thing."""
        acts: dict[str, Callable[[], object]] = {
            "repeat": lambda: self.intake.receive(event(max(0, self.last - number))),
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
            self.came.add(self.last)
            self.intake.receive(event(self.last))

    def pass_over(self, count: int) -> None:
        """Let the watermark pass what runs, as if it were stored."""
        for running in self.intake.unfinished()[:count]:
            self.passed.add(running.event.seq)
            self.intake.pass_over(running)

    def check(self) -> None:
        """Compare the point with what has happened."""
        point = self.intake.point()
        over = {seq for seq, count in self.router.handled.items() if count} | self.passed | self.router.let_go | DONE
        assert {seq for seq in self.came if seq <= point.seq} <= over
        assert point.done <= over
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
        assert sorted(self.told) == sorted(self.router.begun)
        assert self.intake.point().seq == self.last
        await self.intake.close()


# Twice what moves events on.
WHAT = ["receive", "end", "open", "valid", "turns"] * 2 + ["repeat", "again", "ask", "shut", "invalid", "pass over"]
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
