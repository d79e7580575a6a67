"""What a restarted process makes of its predecessor's local file (P5, P2).

The file says exactly what was finished, later than the last flush. It counts only for the very claim that wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from migaga.continuity.finished import decode
from migaga.continuity.progress import Point
from migaga.storage.leases_rows import ShardRow


@dataclass(frozen=True, slots=True)
class LocalState:
    """One shard in the local file."""

    token: str = field(repr=False)
    """Of the claim under which it was written."""
    point: Point


def resume_point(row: ShardRow, local: LocalState | None) -> Point | None:
    """Return from where a claimed shard is resumed, and what to skip; None without a session.

    Args:
        row: As it was **before** the claim: its token is that of the last owner.
        local: What the local file has of this shard. It is ignored when anybody owned the shard after it was written,
            or when it is of another session: its number would mean nothing there.
    """
    if not row.session_id:
        return None
    stored = Point(row.session_id, row.seq, decode(row.done_set, row.session_id, row.seq))
    if local is None or not row.token or local.token != row.token or local.point.session_id != row.session_id:
        return stored
    seq = max(stored.seq, local.point.seq)
    return Point(row.session_id, seq, frozenset(one for one in stored.done | local.point.done if one > seq))
