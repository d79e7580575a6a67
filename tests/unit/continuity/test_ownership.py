"""Ownership under any interleaving: crashes, pauses, lost and delayed requests, outages. I1 to I5 after every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.continuity.conftest import PROFILE, TIMEOUT
from tests.unit.continuity.world import G, Key, Member, World

from migaga.continuity.holding import Hold
from migaga.storage.leases_rows import ShardPhase

T = TypeVar("T")
picks = st.integers(0, 1_000)


def pick(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


class Ownership(RuleBasedStateMachine):
    """Every rule is something that may happen to a fleet at any moment. A member that no rule names is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.start(0.0)
        self.world.start(5_000.0)
        self.world.settle_down()
        self.replica = self.world.db.snapshot()

    def member(self, number: int) -> Member:
        return pick(list(self.world.members.values()), number)

    def key(self, number: int) -> Key:
        return pick(self.world.keys, number)

    @rule(seconds=st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 6.9, 9.1]))
    def time_passes(self, seconds: float) -> None:
        self.world.time += seconds

    @rule(rounds=st.integers(1, 40), who=picks)
    def a_member_is_stopped_while_the_others_run(self, rounds: int, who: int) -> None:
        stopped = self.member(who)
        for _ in range(rounds):
            self.world.time += 0.25
            for member in [one for one in self.world.members.values() if one is not stopped]:
                self._run(member)

    @rule(who=picks)
    def a_member_runs(self, who: int) -> None:
        self._run(self.member(who))

    def _run(self, member: Member) -> None:
        member.beat()
        for _ in range(4):
            self.world.read_step(member)
        for key in self.world.keys:
            member.connect(key)
            member.go_live(key)
            member.handle(key)
            member.flush(key)
        for request in [one for one in self.world.requests if one.sender == member.id]:
            if request in self.world.requests:
                self.world.execute(request)
                self.world.answer(request)
        self.world.check()

    @rule(seed=st.integers(0, 2**32), actions=st.integers(20, 200))
    def much_happens(self, seed: int, actions: int) -> None:
        """Many small things at once, mostly good ones: deeper than single rules get."""
        random = Random(seed)
        for _ in range(actions):
            self._little(random)
            self.world.check()

    def _little(self, random: Random) -> None:
        world, who, what = self.world, random.randrange(1_000), random.randrange(1_000)
        member, key = self.member(who), self.key(what)
        things: list[tuple[int, Callable[[], object]]] = [
            (25, lambda: self._run(member)),
            (8, lambda: self.time_passes_for(random.choice([0.1, 0.1, 0.25, 0.25, 0.5, 1.0]))),
            (10, lambda: world.read_step(member)),
            (4, lambda: world.emit(key, random.choice([1, 1, 2]))),
            (3, lambda: self.offer_any(what)),
            (1, lambda: self.it_releases_it(member, key)),
            (2, lambda: member.handle_newest(key)),
            (2, lambda: member.flush(key)),
            (2, lambda: member.go_live(key)),
            (2, lambda: member.connect(key)),
        ]
        if world.requests:
            request = pick(world.requests, who)
            things += [
                (8, lambda: world.execute(request)),
                (6 if request.outcome else 1, lambda: world.answer(request)),
                (1, lambda: world.lose_answer(request)),
            ]
        if world.ghosts:
            things.append((4, lambda: world.execute_ghost(pick(world.ghosts, what))))
        random.choices([do for _, do in things], [weight for weight, _ in things])[0]()

    def time_passes_for(self, seconds: float) -> None:
        self.world.time += seconds

    def offer_any(self, number: int) -> None:
        holders = [(m, k) for m in self.world.members.values() for k, h in m.holdings.items() if h.state is Hold.LIVE]
        if holders:
            member, key = pick(holders, number)
            member.offer(key)

    def it_releases_it(self, member: Member, key: Key) -> None:
        if key in member.holdings and member.holdings[key].may_handle and not self.world.busy(member.id, key):
            member.release(key)

    @rule(who=picks)
    def it_beats(self, who: int) -> None:
        self.member(who).beat()

    @rule(who=picks)
    def it_reads_a_part(self, who: int) -> None:
        self.world.read_step(self.member(who))

    @rule(who=picks, what=picks)
    def it_connects(self, who: int, what: int) -> None:
        self.member(who).connect(self.key(what))

    @rule(who=picks, what=picks)
    def it_goes_live(self, who: int, what: int) -> None:
        self.member(who).go_live(self.key(what))

    @rule(who=picks, what=picks)
    def it_offers(self, who: int, what: int) -> None:
        self.member(who).offer(self.key(what))

    @rule(who=picks, what=picks)
    def it_releases(self, who: int, what: int) -> None:
        self.it_releases_it(self.member(who), self.key(what))

    @rule(who=picks, what=picks, newest=st.booleans())
    def it_finishes_an_event(self, who: int, what: int, newest: bool) -> None:
        member, key = self.member(who), self.key(what)
        (member.handle_newest if newest else member.handle)(key)

    @rule(who=picks, what=picks)
    def it_flushes(self, who: int, what: int) -> None:
        self.member(who).flush(self.key(what))

    @rule(what=picks, gap=st.integers(1, 3))
    def discord_sends_an_event(self, what: int, gap: int) -> None:
        self.world.emit(self.key(what), gap)

    @rule(what=picks)
    def discord_ends_a_session(self, what: int) -> None:
        session = self.world.sessions.get(self.world.session_of.get(self.key(what), ""))
        if session is not None:
            session.alive, session.connected = False, None

    @precondition(lambda self: self.world.requests)
    @rule(which=picks)
    def the_database_executes(self, which: int) -> None:
        self.world.execute(pick(self.world.requests, which))

    @precondition(lambda self: self.world.requests)
    @rule(which=picks)
    def an_answer_arrives_or_is_given_up(self, which: int) -> None:
        self.world.answer(pick(self.world.requests, which))

    @precondition(lambda self: self.world.requests)
    @rule(which=picks)
    def an_answer_is_lost(self, which: int) -> None:
        self.world.lose_answer(pick(self.world.requests, which))

    @precondition(lambda self: self.world.ghosts)
    @rule(which=picks)
    def the_database_executes_what_was_given_up(self, which: int) -> None:
        self.world.execute_ghost(pick(self.world.ghosts, which))

    @precondition(lambda self: len(self.world.members) > 1)
    @rule(who=picks)
    def a_member_dies(self, who: int) -> None:
        self.world.crash(self.member(who))

    @precondition(lambda self: len(self.world.members) < 4)
    @rule(offset=st.sampled_from([0.0, 17.0, 1e6]))
    def a_member_starts(self, offset: float) -> None:
        self.world.start(offset)

    @rule()
    def the_database_goes_or_comes_back(self) -> None:
        self.world.outage = not self.world.outage

    @rule()
    def the_replica_catches_up(self) -> None:
        self.replica = self.world.db.snapshot()

    @rule()
    def the_replica_takes_over_without_the_last_commits(self) -> None:
        self.world.fail_over(self.replica)

    @invariant()
    def everything_holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        """I7 and liveness: whatever has happened, left alone the fleet serves every shard again."""
        for member in list(self.world.members.values()):
            if not member.is_valid and len(self.world.members) > 1:
                self.world.crash(member)
        self.world.start(3.0)
        self.world.settle_down()
        for key in self.world.keys:
            row = self.world.db.shard(key)
            assert row.state in {ShardPhase.LIVE, ShardPhase.OFFERED}, row
            assert sum(member.handles(key) for member in self.world.members.values()) == 1
        assert G in {row.generation for row in self.world.db.shards()}


TestOwnership = pytest.mark.timeout(TIMEOUT)(Ownership.TestCase)
TestOwnership.settings = PROFILE
