"""I6 and Discord's pace: IDENTIFYs by any interleaving of processes, pauses, lost answers and late commits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.continuity.conftest import PROFILE, TIMEOUT
from tests.unit.continuity.modeldb import ModelDb

from migaga.continuity.budget import Answer, Budget
from migaga.continuity.slots import Slot, Slots
from migaga.storage.leases_operations import Insert, Operation, Outcome
from migaga.storage.leases_rows import BucketRow, DayRow

APP, BUCKETS, TOTAL, REMAINING, RESERVE, RESETS_AT = 1, 2, 40, 12, 4, 86_400
PAUSE = 5.0
"""Discord's seconds between two IDENTIFYs of one bucket."""
WAY = [0.0, 0.1, 0.25]
"""Seconds that an IDENTIFY takes to Discord: it differs by no more than what the slots allow for."""
picks = st.integers(0, 1_000)


@dataclass
class Request:
    """A write under way: executed or not, answered or not."""

    operation: Operation
    settle: Callable[[Outcome], None]
    outcome: Outcome | None = None


@dataclass
class Member:
    """One process. It does one thing after the other, as the ledger does; between two it may be stopped for long."""

    offset: float
    slots: Slots = field(default_factory=lambda: Slots(APP, BUCKETS))
    budget: Budget = field(default_factory=lambda: Budget(APP, RESERVE))
    slot: Slot | None = None
    sent: Slot | None = None
    recovery: bool = False
    may_send: bool = False
    request: Request | None = None
    reading: tuple[float, list[BucketRow], DayRow] | None = None


class Town:
    """Everything, and what must hold."""

    def __init__(self) -> None:
        self.time, self.db, self.count = 1_000.0, ModelDb(), 0
        self.members = [Member(0.0), Member(5_000.0), Member(1e6)]
        self.ghosts: list[Operation] = []
        self.received: list[tuple[int, float, bool]] = []
        """Bucket, when Discord has it, whether it was recovery."""
        for bucket in range(BUCKETS):
            self.db.execute(Insert("identify_bucket", asdict(BucketRow(APP, bucket))))
        self.db.execute(Insert("identify_day", asdict(DayRow(APP, 1, RESETS_AT, TOTAL, TOTAL - REMAINING))))

    def day(self) -> DayRow:
        return DayRow(**self.db.tables["identify_day"][APP,])  # type: ignore[arg-type]

    def read(self, member: Member) -> None:
        """Begin a reading, or take it however late: what it shows is as old as its beginning."""
        if member.reading is None:
            rows = [BucketRow(**row) for row in self.db.tables["identify_bucket"].values()]  # type: ignore[arg-type]
            member.reading = (self.time + member.offset, rows, self.day())
            return
        (asked_at, rows, day), member.reading = member.reading, None
        for row in rows:
            member.slots.read(row, self.time + member.offset, asked_at)
        member.budget.read(day)

    def ask_discord(self, member: Member) -> None:
        """Ask for the budget: our count first, then the slots, then Discord, which knows what it has received."""
        member.reading, before = None, self.day()
        self.read(member)
        self.read(member)
        now = self.time + member.offset
        known = sum(at <= self.time for _, at, _ in self.received)
        answer = Answer(TOTAL, REMAINING - known, RESETS_AT, now, max_concurrency=BUCKETS)
        assert member.budget.asked(before, answer, member.slots.in_flight(now)) is None

    def begin(self, member: Member, bucket: int, *, recovery: bool) -> None:
        """Ask for a slot."""
        if member.request is not None or member.slot is not None:
            return
        self.count += 1
        slot = member.slots.ask(bucket, self.time + member.offset, f"slot{self.count}")
        if slot is not None:
            member.slot, member.recovery, member.may_send = slot, recovery, False
            member.request = Request(slot.operation, lambda outcome: self._asked(member, slot, outcome))

    def _asked(self, member: Member, slot: Slot, outcome: Outcome) -> None:
        if outcome in {Outcome.DONE, Outcome.UNKNOWN}:
            member.slots.won(slot, self.time + member.offset)
        count = member.budget.spend(self.time + member.offset, recovery=member.recovery)
        if outcome is not Outcome.DONE:
            member.slot = None
        elif count is None:
            self._give_back(member, slot)
        else:
            member.request = Request(count, lambda result: self._counted(member, slot, result))

    def _counted(self, member: Member, slot: Slot, outcome: Outcome) -> None:
        if outcome in {Outcome.DONE, Outcome.UNKNOWN}:
            member.budget.counted()
        if outcome in {Outcome.REFUSED, Outcome.UNKNOWN}:
            member.budget.forget()
        if outcome is Outcome.DONE and member.slots.may_send(slot, self.time + member.offset):
            member.may_send = True
        else:
            self._give_back(member, slot)

    def _give_back(self, member: Member, slot: Slot) -> None:
        member.slot, member.may_send = None, False
        member.request = Request(member.slots.give_back(slot), lambda outcome: None)

    def send(self, member: Member, way: float) -> None:
        """Send, if the slot is still good at this very moment."""
        slot, now = member.slot, self.time + member.offset
        if slot is None or not member.may_send or member.request is not None:
            return
        if not member.slots.may_send(slot, now):
            self._give_back(member, slot)
            return
        self.received.append((slot.bucket, self.time + way, member.recovery))
        member.slot, member.may_send = None, False
        member.sent = slot
        member.request = Request(member.slots.sent(slot, now), lambda outcome: None)

    def say_late(self, member: Member) -> None:
        """Say of what was sent that it may just have arrived; however late that is said."""
        slot = member.sent
        if slot is not None and member.request is None and member.slot is None:
            self.count, member.sent = self.count + 1, None
            late = member.slots.sent_late(slot, self.time + member.offset, f"late{self.count}")
            member.request = Request(late, lambda outcome: None)

    def execute(self, member: Member) -> None:
        if member.request is not None and member.request.outcome is None:
            member.request.outcome = self.db.execute(member.request.operation)

    def answer(self, member: Member, *, lost: bool) -> None:
        """Deliver an outcome; one that is lost, or not there yet, is doubt, and may still come true later."""
        request, member.request = member.request, None
        if request is None:
            return
        if request.outcome is None:
            self.ghosts.append(request.operation)
        request.settle(Outcome.UNKNOWN if lost or request.outcome is None else request.outcome)

    def run(self, member: Member, bucket: int, *, recovery: bool) -> None:
        """Let it go the whole way without any trouble."""
        self.ask_discord(member)
        self.begin(member, bucket, recovery=recovery)
        for _ in range(5):
            self.execute(member)
            self.answer(member, lost=False)
            self.send(member, 0.1)

    def crash(self, member: Member) -> None:
        """End a process; another one starts in its place."""
        if member.request is not None and member.request.outcome is None:
            self.ghosts.append(member.request.operation)
        self.members[self.members.index(member)] = Member(member.offset + 3)

    def a_ghost_comes_true(self, which: int = 0) -> None:
        if self.ghosts:
            self.db.execute(self.ghosts.pop(which % len(self.ghosts)))

    def check(self) -> None:
        counted = self.day().spent - (TOTAL - REMAINING)
        assert len(self.received) <= counted, "I6: more were sent than counted"
        assert len(self.received) <= REMAINING, "more than Discord allows"
        assert sum(not recovery for *_, recovery in self.received) <= REMAINING - RESERVE, "the reserve is for recovery"
        for bucket in range(BUCKETS):
            times = sorted(at for number, at, _ in self.received if number == bucket)
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert all(gap >= PAUSE - 1e-6 for gap in gaps), f"op 9: {gaps}"


class Identifies(RuleBasedStateMachine):
    """Every rule is something that may happen at any moment. A process that no rule names is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()

    def member(self, number: int) -> Member:
        return self.town.members[number % len(self.town.members)]

    @rule(seconds=st.sampled_from([0.05, 0.2, 0.5, 0.9, 0.99, 1.0, 2.5, 4.0, 5.0, 5.25, 6.25]))
    def a_while_passes(self, seconds: float) -> None:
        self.time_passes(seconds)

    def time_passes(self, seconds: float) -> None:
        self.town.time += seconds

    @rule(who=picks)
    def it_reads(self, who: int) -> None:
        self.town.read(self.member(who))

    @rule(who=picks)
    def it_asks_discord(self, who: int) -> None:
        self.town.ask_discord(self.member(who))

    @rule(who=picks, bucket=st.integers(0, BUCKETS - 1), recovery=st.booleans())
    def it_wants_to_identify(self, who: int, bucket: int, recovery: bool) -> None:
        self.town.begin(self.member(who), bucket, recovery=recovery)

    @rule(who=picks, way=st.sampled_from(WAY))
    def it_sends(self, who: int, way: float) -> None:
        self.town.send(self.member(who), way)

    @rule(who=picks)
    def it_is_not_answered_soon(self, who: int) -> None:
        self.town.say_late(self.member(who))

    @rule(who=picks)
    def the_database_executes(self, who: int) -> None:
        self.town.execute(self.member(who))

    @rule(who=picks, lost=st.sampled_from([False, False, False, True]))
    def an_answer_arrives_or_is_lost(self, who: int, lost: bool) -> None:
        self.town.answer(self.member(who), lost=lost)

    @precondition(lambda self: self.town.ghosts)
    @rule(which=picks)
    def a_write_that_was_given_up_comes_true(self, which: int) -> None:
        self.town.a_ghost_comes_true(which)

    @rule(who=picks)
    def it_crashes_and_another_starts(self, who: int) -> None:
        self.town.crash(self.member(who))

    @rule(seed=st.integers(0, 2**32), actions=st.integers(20, 200))
    def much_happens(self, seed: int, actions: int) -> None:
        """Many small things at once, mostly good ones: deeper than single rules get."""
        random, town = Random(seed), self.town
        for _ in range(actions):
            member, bucket = random.choice(town.members), random.randrange(BUCKETS)
            recovery, way, lost = random.random() < 0.3, random.choice(WAY), random.random() < 0.05
            pause = random.choice([0.05, 0.2, 0.9, 0.99, 2.5, 4.1, 5.0])
            things: list[tuple[int, Callable[[], object]]] = [
                (12, partial(town.begin, member, bucket, recovery=recovery)),
                (4, partial(town.say_late, member)),
                (12, partial(town.execute, member)),
                (12, partial(town.answer, member, lost=lost)),
                (12, partial(town.send, member, way)),
                (8, partial(town.read, member)),
                (4, partial(town.ask_discord, member)),
                (10, partial(town.run, member, bucket, recovery=recovery)),
                (1, partial(town.crash, member)),
                (14, partial(self.time_passes, pause)),
                (2, town.a_ghost_comes_true),
            ]
            random.choices([do for _, do in things], [weight for weight, _ in things])[0]()
            town.check()

    @invariant()
    def everything_holds(self) -> None:
        self.town.check()


TestIdentifies = pytest.mark.timeout(TIMEOUT)(Identifies.TestCase)
TestIdentifies.settings = PROFILE


def test_left_alone_the_processes_send_all_that_is_allowed_and_keep_the_reserve_for_recovery() -> None:
    town = Town()
    for recovery, sent in ((False, REMAINING - RESERVE), (True, REMAINING)):
        for number in range(40):
            town.time += 2.0
            town.run(town.members[number % 3], number % BUCKETS, recovery=recovery)
        town.check()
        assert len(town.received) == sent
