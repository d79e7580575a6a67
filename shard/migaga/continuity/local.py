"""What a restarted process makes of its predecessor's local file (P5, P2).

The file says exactly what was finished, later than the last flush. It counts only for the very claim that wrote it. It
holds no secret: claim and session are compared by their marks.
"""

from __future__ import annotations

from dataclasses import dataclass

from migaga.continuity.finished import decode, mark
from migaga.continuity.progress import Point
from migaga.storage.leases_rows import ShardRow


@dataclass(frozen=True, slots=True)
class LocalState:
    """One shard in the local file."""

    token: str
    """The `mark` of the token of the claim under which it was written."""
    session: str
    """The `mark` of the session id that the numbers belong to."""
    seq: int
    """A watermark: all before it is finished, or stored aside."""
    done: frozenset[int]
    """Finished numbers above `seq`."""

    def is_of(self, row: ShardRow) -> bool:
        """Whether it was written by the last owner of a row, about the session in it."""
        return bool(row.token) and self.token == mark(row.token) and self.session == mark(row.session_id)


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
    if local is None or not local.is_of(row):
        return stored
    seq = max(stored.seq, local.seq)
    return Point(row.session_id, seq, frozenset(one for one in stored.done | local.done if one > seq))
