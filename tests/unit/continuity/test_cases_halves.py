"""The cases of which the core decides one half, and the runtime, the database or the framework the other.

`docs/architecture.md` says which tests see the other halves.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.continuity.fleets import G, deciding, ops, process, shard, tokens, view
from tests.unit.continuity.modeldb import ModelDb

from migaga.continuity.claims import Claims
from migaga.continuity.finished import encode
from migaga.continuity.generations import Generations, Wish, missing_shards
from migaga.continuity.holding import Hold, Holding
from migaga.continuity.life import BEAT_EVERY, Life
from migaga.continuity.local import resume_point
from migaga.continuity.progress import Point, Progress
from migaga.continuity.wants import Want
from migaga.storage.leases_operations import Insert, Outcome
from migaga.storage.leases_rows import GenerationRow, ShardPhase, ShardRow


def stored(row: ShardRow) -> tuple[ModelDb, Holding]:
    """A database with one row, and its holder as after a claim."""
    db = ModelDb()
    db.execute(Insert("shard", ops(row)))
    return db, Holding(replace(row, state=ShardPhase.CLAIMED), 0.0)


@pytest.mark.parametrize("what", ["flush", "go_live", "pass_to", "release", "start_session"])
def test_case_5_a_statement_that_a_stopped_process_commits_after_it_was_replaced_changes_nothing(what: str) -> None:
    """The row is locked no longer than the server allows; whatever is committed after that finds another token."""
    db, holding = stored(shard(0, "stopped", ShardPhase.LIVE, session_id="s", seq=4, want="b", want_beat=1))
    point = Point("s", 9, frozenset())
    late = {
        "flush": holding.flush(point),
        "go_live": holding.go_live(),
        "pass_to": holding.pass_to(Want("b", 1, 0.0), "passed", point),
        "release": holding.release("freed", point),
        "start_session": holding.start_session("another", "wss://x", 1),
    }[what]
    seen = view("c", [process("c")], db.shards())
    (taken,) = Claims().decide(seen, 0.0, tokens())
    assert db.execute(taken) is Outcome.DONE
    before = db.snapshot()
    assert db.execute(late.operation) is Outcome.REFUSED
    assert db.tables == before


def test_case_12_a_session_of_the_old_intents_is_never_resumed_with_the_new_ones() -> None:
    """A generation has rows of its own, which begin without a session: IDENTIFY, and the old session stays beside."""
    db, machine = ModelDb(), Generations(Wish(2, 513, 10))
    db.execute(Insert("process", ops(process("a"))))
    for number in range(2):
        db.execute(Insert("shard", ops(shard(number, "a", ShardPhase.LIVE, session_id=f"old{number}", seq=7))))
    seen = view("a", db.processes(), db.shards())
    begun = deciding(machine, seen, 0.0)
    assert begun is not None
    assert db.execute(begun) is Outcome.DONE
    for insert in missing_shards(view("a", db.processes(), db.shards(), [*seen.generations, *db.generations()])):
        assert db.execute(insert) is Outcome.DONE
    points = {row.key: resume_point(row, None) for row in db.shards()}
    assert {key: point and point.session_id for key, point in points.items()} == {
        (G, 0): "old0",
        (G, 1): "old1",
        ("2:513:v10", 0): None,
        ("2:513:v10", 1): None,
    }


def test_case_15_a_role_update_that_was_not_stored_comes_again_although_what_followed_it_is_finished() -> None:
    """Whoever keeps state from events is a handler like any other: its end is what the watermark waits for."""
    progress = Progress("s", 10)
    for seq in (11, 12, 13):
        assert progress.received(seq, 0.0)
    for seq in (12, 13):
        progress.finished(seq)
    point = progress.point()
    assert point == Point("s", 10, frozenset({12, 13}))
    row = shard(0, "dead", ShardPhase.LIVE, session_id="s", seq=point.seq, done_set=encode("s", point.seq, point.done))
    begin = resume_point(row, None)
    assert begin is not None
    after = Progress(begin.session_id, begin.seq, begin.done)
    assert [seq for seq in (11, 12, 13) if after.received(seq, 1.0)] == [11]


def test_case_18_a_beat_waits_for_nothing_but_its_own_answer() -> None:
    """What modules do to their connections reaches the core only through beats: one a period keeps a process alive."""
    life, now = Life("a", 0.0), 0.0
    for _ in range(100):
        now = life.due_at()
        assert now <= 100 * BEAT_EVERY
        life.answered(life.beat(now), Outcome.DONE)
        assert life.is_valid(now + BEAT_EVERY)


def test_case_21_every_claim_names_one_row_by_its_whole_key_and_the_token_that_was_seen() -> None:
    rows = [shard(number, "dead", ShardPhase.LIVE) for number in range(12)]
    claims = Claims().decide(view("a", [process("a")], rows), 0.0, tokens())
    assert len(claims) == 12
    for update, row in zip(sorted(claims, key=lambda one: int(str(one.key["id"]))), rows, strict=True):
        assert (update.key, update.expect) == ({"generation": G, "id": row.id}, {"token": row.token})


def test_case_23_nothing_is_finished_while_not_valid_so_nothing_is_skipped_later() -> None:
    life, progress = Life("a", 0.0), Progress("s", 1)
    for seq in range(2, 10):
        assert progress.received(seq, 8.0)
        assert not life.is_valid(8.0)
    assert progress.point() == Point("s", 1, frozenset())


def test_case_23_what_was_never_read_in_an_outage_is_replayed_after_it_without_a_gap() -> None:
    """Nothing is dropped when the buffer is full: the socket is read no further, so nothing newer is received."""
    sent = range(2, 100)
    outage = Progress("s", 1)
    for seq in sent[:20]:
        assert outage.received(seq, 0.0)
    outage.finished(7)
    begin = outage.point()
    afterwards = Progress(begin.session_id, begin.seq, begin.done)
    handled = [seq for seq in sent if afterwards.received(seq, 30.0)]
    assert handled == [seq for seq in sent if seq != 7]
    assert afterwards.point().seq == 1, "nor has it told Discord that it may forget them"


def test_case_24_of_two_generations_of_a_shard_only_one_may_act_at_a_time() -> None:
    db, old = stored(shard(0, "a", session_id="s"))
    row = replace(shard(0, "a"), generation="next")
    db.execute(Insert("shard", ops(row)))
    new = Holding(row, 0.0)
    for holding, step in ((old, old.go_live()), (new, new.warm())):
        holding.settled(step, db.execute(step.operation), 1.0)
    assert (old.may_handle, new.may_handle) == (True, False), "one is live, the other muted"
    old.stop()
    assert (old.may_handle, new.may_handle) == (False, False)
    drained = old.drain("over", Point("s", 5, frozenset()))
    old.settled(drained, db.execute(drained.operation), 2.0)
    live = new.go_live()
    new.settled(live, db.execute(live.operation), 3.0)
    assert (old.state, new.may_handle) == (Hold.LOST, True)
    rows = [GenerationRow(1, G, 2, 1, 10, "LIVE"), GenerationRow(2, "next", 2, 3, 10, "CUTTING")]
    assert Claims().decide(view("b", [process("b")], [db.shard((G, 0))], rows), 9.0, tokens()) == [], "for ever"


def test_case_25_a_click_after_the_hand_over_reaches_the_taker_and_nobody_else() -> None:
    db, giver = stored(shard(0, "giver", ShardPhase.OFFERED, session_id="s", seq=4, want="taker", want_beat=1))
    progress = Progress("s", 4)
    assert progress.received(5, 0.0), "it opened the dialogue, which is still there"
    giver.stop()
    assert not giver.may_handle, "from here on it takes no click"
    step = giver.pass_to(Want("taker", 1, 0.0), "passed", progress.point())
    giver.settled(step, db.execute(step.operation), 1.0)
    assert giver.state is Hold.LOST
    taker = Holding(db.shard((G, 0)), 1.0)
    live = taker.go_live()
    taker.settled(live, db.execute(live.operation), 2.0)
    assert taker.may_handle
    begin = resume_point(db.shard((G, 0)), None)
    assert begin is not None
    assert Progress(begin.session_id, begin.seq, begin.done).received(6, 3.0)
