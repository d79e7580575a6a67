"""Until when a fault excuses a client that has no session, and who was connected when."""

from __future__ import annotations

from migaga_emulator.gateway.recovery import AT_ONCE_S, PAUSE_AFTER_OP_9_S, Recovery
from migaga_emulator.gateway.session import RECONNECT_S, Generation, Session
from migaga_emulator.ledger.connections import Begun, ConnectionBook, Ended
from migaga_emulator.rules import Rules


def shard(number: int, count: int = 4) -> Generation:
    return Generation(number, count, 0)


def guild(number: int) -> int:
    return number << 22


def recovery(concurrency: int = 4) -> Recovery:
    return Recovery(max_concurrency=concurrency, interval_s=5.0)


def test_without_a_fault_nobody_is_excused() -> None:
    assert not recovery().excuses(guild(1), 0.0)


def test_a_fault_excuses_the_guilds_of_its_shard_until_a_quick_client_had_identified() -> None:
    book = recovery()
    book.cut(shard(1), 10.0)
    assert book.excuses(guild(1), 10.0 + AT_ONCE_S)
    assert not book.excuses(guild(1), 10.1 + AT_ONCE_S)
    assert not book.excuses(guild(2), 10.0)


def test_op_9_adds_the_pause_that_discord_asks_for() -> None:
    book = recovery()
    book.cut(shard(1), 10.0, pause_s=PAUSE_AFTER_OP_9_S)
    assert book.excuses(guild(1), 10.0 + PAUSE_AFTER_OP_9_S + AT_ONCE_S)
    assert not book.excuses(guild(1), 10.1 + PAUSE_AFTER_OP_9_S + AT_ONCE_S)


def test_shards_of_one_bucket_wait_for_each_other_and_for_its_last_identify() -> None:
    book = recovery(concurrency=1)
    book.identified(shard(0), 9.0)
    for number in (1, 2, 3):
        book.cut(shard(number), 10.0)
    assert [book.deadline(shard(number)) for number in (1, 2, 3)] == [at + AT_ONCE_S for at in (14.0, 19.0, 24.0)]
    book.identified(shard(3), 14.0)  # Another order is as good.
    assert [book.deadline(shard(number)) for number in (1, 2)] == [at + AT_ONCE_S for at in (19.0, 24.0)]
    assert not book.excuses(guild(3), 14.0)


def test_a_refused_token_excuses_until_it_is_good_again() -> None:
    book = recovery()
    book.hold()
    book.cut(shard(1), 10.0)
    assert book.excuses(guild(1), 9_999.0)
    book.release(10_000.0)
    assert book.excuses(guild(1), 10_000.0 + AT_ONCE_S)
    assert not book.excuses(guild(1), 10_000.1 + AT_ONCE_S)


def test_a_used_up_budget_excuses_until_it_is_renewed() -> None:
    book = recovery()
    book.cut(shard(1), 10.0)
    assert book.excuses(guild(1), 50.0, budget_in=100.0)
    assert book.excuses(guild(1), 150.0 + AT_ONCE_S)
    assert not book.excuses(guild(1), 150.1 + AT_ONCE_S)


class Fate:
    gone = False

    def delivered(self) -> None: ...

    def destroyed(self) -> None:
        self.gone = True


def test_what_waited_for_a_client_that_stays_away_is_the_clients_loss() -> None:
    gone = []
    for away in (RECONNECT_S, RECONNECT_S + 0.1):
        session, fate = Session("s", 1, shard(0), Rules()), Fate()
        session.detach(100.0)
        session.push("X", b"{}", 100.0, fate)
        session.destroy(injected=True, now=100.0 + away)
        gone.append(fate.gone)
    assert gone == [True, False]


def test_interruptions_are_from_the_first_end_to_the_next_beginning() -> None:
    book = ConnectionBook()
    book.begun(Begun(1.0, (0, 2), "identify", 11))
    book.begun(Begun(2.0, (1, 2), "identify", 12))
    book.ended(Ended(5.0, (0, 2), "dropped"))
    book.ended(Ended(5.5, (0, 2), "destroyed"))
    book.begun(Begun(6.0, (0, 2), "resume", 13, 4))
    book.begun(Begun(7.0, (1, 2), "resume", 14))
    book.ended(Ended(8.0, (1, 2), "client 3000"))
    first, second = book.interruptions(100.0)
    assert (first.shard, first.begun, first.ended, first.why, first.replayed) == ((0, 2), 5.0, 6.0, "dropped", 4)
    assert (second.begun, second.ended, second.why, second.peer_before, second.peer) == (7.0, 7.0, "replaced", 12, 14)
    assert book.interruptions(6.5) == [first]


def test_who_asks_is_told_of_connections_while_they_live() -> None:
    book, told = ConnectionBook(), list[Begun]()
    book.on_begun = told.append
    book.begun(Begun(1.0, (0, 1), "identify", 11))
    assert [begun.peer for begun in told] == [11]
