"""How often shards move while a fleet starts, is rolled, grows, shrinks and loses members: the deciding core alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.continuity.fleets import G, process
from tests.unit.continuity.modeldb import ModelDb

from migaga.continuity.claims import Claims
from migaga.continuity.generations import missing_shards
from migaga.continuity.handed import RESUMED_WITHIN, Handed
from migaga.continuity.offers import Offers, Pace, Takes
from migaga.continuity.readiness import PROVED_AFTER, Facts, Readiness
from migaga.continuity.shares import quotas
from migaga.continuity.view import View
from migaga.storage.leases_operations import Insert, Outcome
from migaga.storage.leases_rows import GenerationRow, ShardPhase

GOOD = Facts(database=True, modules=True, token=True, hello=True)


class Deciding:
    """One process that decides, and whose hand-overs and connections take no time."""

    def __init__(self, name: str, *, good: bool) -> None:
        self.name, self.good = name, good
        self.claims, self.takes = Claims(), Takes()
        self.offers, self.readiness = Offers(Pace(settled=10, round_every=60)), Readiness()
        self.offered_at: dict[tuple[str, int], float] = {}
        self.live_since: float | None = None
        self.dud = False
        """It takes shards, and never goes live with them."""
        self.handed: dict[int, tuple[str, Handed]] = {}


class Fleet:
    def __init__(self, shards: int) -> None:
        self.db, self.now, self.count = ModelDb(), 0.0, 0
        self.members: dict[str, Deciding] = {}
        self.moves: Counter[int] = Counter()
        self.db.execute(Insert("generation", asdict(GenerationRow(1, G, shards, 1, 10, "LIVE"))))
        for insert in missing_shards(View("x", self.db.observe())):
            assert self.db.execute(insert) is Outcome.DONE

    def start(self, name: str, revision: int = 1, *, good: bool = True, capacity: int = 16) -> None:
        self.members[name] = Deciding(name, good=good)
        row = process(name, revision=revision, ready=False, capacity=capacity)
        self.db.execute(Insert("process", asdict(row)))

    def leave(self, name: str, grace: int = 60) -> None:
        self.db.tables["process"][name,]["leaving"] = grace

    def die(self, name: str) -> None:
        del self.members[name]
        self.db.tables["process"][name,]["dead"] = True

    def token(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def run(self, seconds: float, step: float = 0.5) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += step
            for member in list(self.members.values()):
                self._decide(member)

    def _decide(self, member: Deciding) -> None:
        view = View(member.name, self.db.observe())
        facts = replace(GOOD, hello=member.good)
        holds = any(row.owner == member.name and row.state in {"LIVE", "OFFERED"} for row in view.shards)
        member.live_since = (member.live_since or self.now) if holds else None
        ready = member.readiness.judge(facts, view, self.now, member.live_since) is None
        self.db.tables["process"][member.name,]["ready"] = ready
        for claim in member.claims.decide(view, self.now, self.token):
            if self.db.execute(claim) is Outcome.DONE and member.good:
                self._row(claim.key["id"])["state"] = ShardPhase.LIVE
        view = View(member.name, self.db.observe())
        for key in member.offers.decide(view, self.now):
            self._row(key[1])["state"] = ShardPhase.OFFERED
            member.offered_at[key] = self.now
        mine = {row.key for row in view.shards if row.owner == member.name and row.state == ShardPhase.OFFERED}
        member.offered_at = {key: at for key, at in member.offered_at.items() if key in mine or at == self.now}
        for key in member.offers.withdrawn(view, member.offered_at, self.now):
            self._row(key[1])["state"] = ShardPhase.LIVE
        for row in member.takes.decide(View(member.name, self.db.observe()), self.now) if member.good else []:
            token = self.token()
            phase = ShardPhase.CLAIMED if member.dud else ShardPhase.LIVE
            self.members[str(row.owner)].handed[row.id] = (member.name, Handed(str(row.owner), token, self.now))
            self._row(row.id).update(owner=member.name, token=token, state=phase)
            self.moves[row.id] += 1
        self._swap_back(member)

    def _swap_back(self, member: Deciding) -> None:
        for number, (taker, handed) in list(member.handed.items()):
            back = handed.swap_back(self.db.shard((G, number)), self.now, self.token())
            if back is not None and self.db.execute(back) is Outcome.DONE:
                del member.handed[number]
                self._row(number)["state"] = ShardPhase.LIVE
                self.tell(member, taker)

    def tell(self, member: Deciding, taker: str) -> None:
        """Let who has taken a shard back say so to its core."""
        member.offers.failed(taker, self.now)

    def _row(self, number: object) -> dict[str, object]:
        return self.db.tables["shard"][G, number]

    def held(self) -> list[int]:
        owners = Counter(row.owner for row in self.db.shards())
        return sorted((owners[name] for name in self.members), reverse=True)


@pytest.mark.parametrize(("shards", "processes"), [(16, 4), (10, 3), (25, 6)])
@pytest.mark.parametrize("start_takes", [4, 25])
def test_in_a_rolling_update_every_shard_moves_exactly_once(shards: int, processes: int, start_takes: int) -> None:
    fleet = Fleet(shards)
    for number in range(processes):
        fleet.start(f"o{number}", capacity=40)
    fleet.run(30)
    assert max(fleet.held()) - min(fleet.held()) <= 1
    assert not fleet.moves
    for number in range(processes):
        fleet.run(start_takes)
        fleet.start(f"n{number}", revision=2, capacity=40)
        ready = False
        for _ in range(60):
            fleet.run(1)
            ready = bool(fleet.db.tables["process"][f"n{number}",]["ready"])
            if ready:
                break
        assert ready
        fleet.leave(f"o{number}")
    fleet.run(60)
    assert {row.owner for row in fleet.db.shards()} == {f"n{number}" for number in range(processes)}
    assert sum(fleet.moves.values()) == shards, fleet.moves
    for number in range(processes):
        fleet.die(f"o{number}")
    assert max(fleet.held()) - min(fleet.held()) <= 1


def test_a_bad_image_holds_nothing_in_the_end_and_the_others_keep_everything() -> None:
    fleet = Fleet(16)
    for number in range(4):
        fleet.start(f"o{number}")
    fleet.run(30)
    fleet.start("bad", revision=2, good=False)
    fleet.run(120)
    assert fleet.held() == [4, 4, 4, 4, 0]
    assert not fleet.moves
    assert fleet.db.tables["process"]["bad",]["ready"] is False
    fleet.die("o0")
    fleet.run(20)
    owners = Counter(row.owner for row in fleet.db.shards())
    assert owners["bad"] <= 1


@pytest.mark.parametrize(("shards", "olds", "told"), [(8, 3, True), (8, 3, False), (1, 1, True), (1, 2, False)])
def test_an_image_that_never_goes_live_with_a_shard_gets_one_now_and_then_and_never_is_ready(
    shards: int, olds: int, told: bool
) -> None:
    """Each time costs two seconds. Whoever gives next has seen it in the rows, also when nobody says it."""
    fleet = Fleet(shards)
    if not told:
        fleet.tell = lambda member, taker: None  # type: ignore[method-assign]
    for number in range(olds):
        fleet.start(f"o{number}")
    fleet.run(30)
    fleet.start("dud", revision=2)
    fleet.members["dud"].dud = True
    missing = 0.0
    for _ in range(600):
        fleet.run(0.5)
        missing += 0.5 * any(row.state == ShardPhase.CLAIMED for row in fleet.db.shards())
        assert fleet.db.tables["process"]["dud",]["ready"] is False
    assert sum(fleet.moves.values()) == 3, "at once, after one minute, after two more"
    assert missing <= 3 * (RESUMED_WITHIN + 0.5)
    assert fleet.held()[-1] == 0
    fleet.members["dud"].dud = False
    fleet.run(240)
    assert fleet.db.tables["process"]["dud",]["ready"] is True, "it can reach Discord again: nothing is for ever"


def test_growing_and_shrinking_moves_a_shard_at_most_once_a_step_and_ends_even() -> None:
    fleet = Fleet(16)
    for number in range(2):
        fleet.start(f"p{number}")
    fleet.run(70)
    assert fleet.held() == [8, 8]
    for number in range(2, 6):
        fleet.start(f"p{number}")
        fleet.run(2)
    fleet.run(120)
    assert fleet.held() == [3, 3, 3, 3, 2, 2]
    assert max(fleet.moves.values()) == 1
    fleet.moves.clear()
    for number in range(3):
        fleet.leave(f"p{number}")
    fleet.run(30)
    for number in range(3):
        fleet.die(f"p{number}")
    fleet.run(120)
    assert fleet.held() == [6, 5, 5]
    assert max(fleet.moves.values()) == 1


def test_after_a_crash_the_shards_are_owned_at_once_by_the_others_evenly() -> None:
    fleet = Fleet(16)
    for number in range(4):
        fleet.start(f"p{number}", capacity=4)
    fleet.run(30)
    fleet.die("p2")
    fleet.run(3.5)
    assert all(row.owner in fleet.members for row in fleet.db.shards()), "also above their capacity"
    assert fleet.held() == [6, 5, 5]


def test_a_fleet_that_starts_one_after_the_other_ends_even_and_then_rests() -> None:
    fleet = Fleet(16)
    for number in range(3):
        fleet.start(f"p{number}")
        fleet.run(3)
    fleet.run(300)
    assert fleet.held() == [6, 5, 5]
    fleet.moves.clear()
    fleet.run(300)
    assert not fleet.moves


def test_a_process_that_proves_itself_does_so_in_little_more_than_five_seconds() -> None:
    fleet = Fleet(8)
    for number in range(2):
        fleet.start(f"o{number}")
    fleet.run(30)
    fleet.start("new", revision=2)
    fleet.run(PROVED_AFTER + 2)
    assert fleet.db.tables["process"]["new",]["ready"] is True
    assert sum(fleet.moves.values()) == 1


@settings(max_examples=50)
@given(st.integers(0, 60), st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_quotas_add_up_and_differ_by_at_most_one_and_who_holds_more_keeps_more(total: int, held: list[int]) -> None:
    members = [process(f"p{number}") for number in range(len(held))]
    holding = {f"p{number}": count for number, count in enumerate(held)}
    shared = quotas(total, members, holding)
    assert sum(shared.values()) == total
    assert max(shared.values()) - min(shared.values()) <= 1
    for one in members:
        for other in members:
            assert holding[one.id] <= holding[other.id] or shared[one.id] >= shared[other.id]
