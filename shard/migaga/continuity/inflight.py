"""Events that the watermark has passed although their handlers have not ended (P5).

They are rows. Who puts one aside runs it to its end and deletes the row; when it dies, the shard's next owner runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from migaga.continuity.view import View
from migaga.storage.leases_operations import Add, Delete, Insert, Update, Value
from migaga.storage.leases_rows import InflightRow

MOST_RUNS = 10
"""Processes that may run an event; when all of them have died it is quarantined. More than for an event that is
replayed: what is stored has run for seconds, so that kills hit it by chance."""


def put_aside(row: InflightRow) -> Insert:
    """Store an event. It belongs into one transaction with the fenced write of the watermark that passes it."""
    return Insert("inflight", asdict(row))


def finished(row: InflightRow) -> Delete:
    """Delete an event whose handlers have ended, if it is still ours."""
    return Delete("inflight", _key(row), {"owner": row.owner, "attempts": row.attempts})


def take_over(row: InflightRow, view: View) -> Update | None:
    """Take a dead owner's event to run it; None when its owner lives, or it may not be run any more.

    Only the shard's owner asks. DONE, and the event is run; at most `MOST_RUNS` processes run it.
    """
    if row.quarantined or view.is_alive(row.owner) or row.attempts >= MOST_RUNS:
        return None
    expect: dict[str, Value] = {"owner": row.owner, "attempts": row.attempts, "quarantined": False}
    return Update("inflight", _key(row), expect, {"owner": view.me, "attempts": Add(1)})


def quarantine(row: InflightRow, view: View) -> Update | None:
    """Keep an event that all its owners died with for inspection; None when that is not so."""
    if row.quarantined or view.is_alive(row.owner) or row.attempts < MOST_RUNS:
        return None
    return keep(row)


def keep(row: InflightRow) -> Update:
    """Keep an event that cannot be run for inspection, if it is still the row's owner's."""
    return Update("inflight", _key(row), {"owner": row.owner, "quarantined": False}, {"quarantined": True})


def still_running(rows: Sequence[InflightRow]) -> Sequence[InflightRow]:
    """Return the rows that keep a generation from being GONE."""
    return [row for row in rows if not row.quarantined]


def _key(row: InflightRow) -> dict[str, Value]:
    return {"generation": row.generation, "shard": row.shard, "session_id": row.session_id, "seq": row.seq}
