"""Who failed its trial is left alone for a while, and is not Ready for want of a shard (case 8)."""

from __future__ import annotations

from tests.unit.continuity.fleets import process, shard, view

from migaga.continuity.offers import Offers
from migaga.continuity.readiness import Facts, Readiness
from migaga.storage.leases_rows import ShardPhase

ALL_THERE = Facts(database=True, modules=True, token=True, hello=True)


def test_case_8_a_process_whose_shard_was_taken_back_is_not_ready_because_it_is_given_none() -> None:
    old, new = process("o1"), process("new", revision=2, ready=False)
    without = view("new", [old, new], [shard(0, "o1", ShardPhase.LIVE)])
    tried = view("new", [old, new], [shard(0, "new"), shard(1, "o1", ShardPhase.LIVE)])
    proving = view("new", [old, new], [shard(0, "new", ShardPhase.LIVE), shard(1, "o1", ShardPhase.LIVE)])
    readiness = Readiness()
    assert readiness.judge(ALL_THERE, without, 0.0, None) is not None
    assert readiness.judge(ALL_THERE, tried, 1.0, None) is not None
    assert "taken it back" in str(readiness.judge(ALL_THERE, without, 3.0, None))
    assert "in about 30 s" in str(readiness.judge(ALL_THERE, without, 33.0, None)), "long after it could be given none"
    assert readiness.judge(ALL_THERE, proving, 70.0, 70.0) is not None
    assert readiness.judge(ALL_THERE, proving, 75.0, 70.0) is None
    assert readiness.judge(ALL_THERE, without, 80.0, None) is None, "what is proved stays so"


def test_case_8_a_bot_with_one_shard_is_not_given_away_to_an_image_that_only_holds_it() -> None:
    """While the newcomer has the only shard, nobody of the revision before holds any."""
    old, new = process("o1"), process("new", revision=2, ready=False)
    readiness = Readiness()
    assert readiness.judge(ALL_THERE, view("new", [old, new], [shard(0, "o1", ShardPhase.LIVE)]), 0.0, None)
    only = [shard(0, "new")]
    assert readiness.judge(ALL_THERE, view("new", [old, new], only), 1.0, None) is not None
    assert readiness.judge(ALL_THERE, view("new", [old, new], only), 50.0, None) is not None
    assert readiness.judge(ALL_THERE, view("new", [new], only), 51.0, None) is None, "nobody is left to prove it to"


def test_case_8_a_giver_remembers_who_failed_twice_as_long_each_time_and_gives_others_their_turn() -> None:
    old, bad, good = process("o1"), process("bad", revision=2, ready=False), process("good", revision=2, ready=False)
    held = [shard(n, "o1", ShardPhase.LIVE) for n in range(4)]
    offers, now, given = Offers(), 0.0, []
    seen = view("o1", [old, bad], held)
    while now < 700.0:
        if offers.decide(seen, now):
            given.append(now)
            offers.failed("bad", now + 2)
            offers.failed("bad", now + 2)
        now += 1.0
    assert given == [0.0, 62.0, 184.0, 426.0]
    assert len(offers.decide(view("o1", [old, bad, good], held), now)) == 1
    offers.decide(view("o1", [old], held), now)
    assert offers.decide(seen, now) != frozenset(), "another life is another try"
