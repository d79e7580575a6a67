"""One shard that this process holds (P4, P5): what it may do, how it writes, how it lets go.

Every write is fenced by the token; fields of the session also by the session. What a write means for the holder is
told by `settled`. After a refusal the row has to be read (`see`), after a hand-over that did not surely succeed it has
to be written (`retake`): until then the process holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from migaga.continuity.claims import shard_key
from migaga.continuity.finished import encode
from migaga.continuity.poison import STEADY
from migaga.continuity.progress import Point
from migaga.continuity.wants import Want
from migaga.storage.leases_operations import Add, AtMost, Insert, Operation, Outcome, Together, Update, Value
from migaga.storage.leases_rows import ShardPhase, ShardRow


class Hold(Enum):
    """How far a process has a shard."""

    CLAIMED = auto()
    """It may connect and resume, and handles nothing yet."""
    WARM = auto()
    """Of the next generation: connected and muted."""
    LIVE = auto()
    OFFERED = auto()
    """As LIVE; whoever wants it gets it."""
    PASSING = auto()
    """It takes no further event, and stores what there is."""
    TO_READ = auto()
    """A write was refused: hold nothing until the row has been read."""
    TO_RETAKE = auto()
    """A hand-over did not succeed, or nobody knows: hold nothing until the row was written anew."""
    LOST = auto()
    """It belongs to somebody else, or nobody. Final: a later claim makes another holding."""


_CONNECTABLE = frozenset({Hold.CLAIMED, Hold.WARM, Hold.LIVE, Hold.OFFERED})
_HANDLING = frozenset({Hold.LIVE, Hold.OFFERED})
_OF_ROW = {
    ShardPhase.CLAIMED: Hold.CLAIMED,
    ShardPhase.WARM: Hold.WARM,
    ShardPhase.LIVE: Hold.LIVE,
    ShardPhase.OFFERED: Hold.OFFERED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """A write of a holding, and what it holds when that is done."""

    operation: Operation
    then: Hold | None
    """None: as before."""
    token: str | None = field(default=None, repr=False)
    """The token that the row then has; None: as before."""
    session_id: str | None = field(default=None, repr=False)
    """The session that is then stored; None: as before."""

    @property
    def lets_go(self) -> bool:
        """Whether the shard is somebody else's, or nobody's, when this is done."""
        return self.then is Hold.LOST


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows that must be stored together with a watermark."""

    aside: Sequence[Insert] = ()
    """Events that the watermark passes although they are not finished."""
    journal: Sequence[Insert] = ()

    @property
    def rows(self) -> tuple[Insert, ...]:
        """All of them."""
        return (*self.aside, *self.journal)


@dataclass(frozen=True, slots=True)
class _Heir:
    """Whose a shard is when its holder has let go."""

    owner: str | None
    state: ShardPhase
    token: str = field(repr=False)


class Holding:
    """One shard as its holder knows it."""

    def __init__(self, row: ShardRow, since: float) -> None:
        """Begin with a row that names this process as its owner; `since` is when that was known.

        Only a claim leads here that nobody handles yet; whatever else the row says is taken anew first.
        """
        self.generation, self.id = row.key
        self.token = row.token
        self.session_id = row.session_id
        self.state = Hold.CLAIMED if row.state == ShardPhase.CLAIMED else Hold.TO_RETAKE
        self._since = since

    @property
    def may_connect(self) -> bool:
        """Whether it may connect, RESUME and IDENTIFY, as long as its life is valid."""
        return self.state in _CONNECTABLE

    @property
    def may_handle(self) -> bool:
        """Whether handlers may start, as long as its life is valid."""
        return self.state in _HANDLING

    # ---- what the owner writes

    def go_live(self) -> Step:
        """Say that it is connected and will handle events: nothing is handled before this is done."""
        was = ShardPhase.WARM if self.state is Hold.WARM else ShardPhase.CLAIMED
        return Step(self._update({"state": was}, {"state": ShardPhase.LIVE}), Hold.LIVE)

    def warm(self) -> Step:
        """Say that it is connected and has all guilds, muted, for a generation that is under way."""
        return Step(self._update({"state": ShardPhase.CLAIMED}, {"state": ShardPhase.WARM}), Hold.WARM)

    def start_session(self, session_id: str, resume_url: str, seq: int, beside: Beside | None = None) -> Step:
        """Store a session that READY has begun, before its first event is handled.

        Events of the session before that still run belong `beside` it: nothing else would bring them back.
        """
        change: dict[str, Value | Add] = {
            "session_id": session_id,
            "resume_url": resume_url,
            "seq": seq,
            "done_set": None,
            "suspect_seq": None,
            "suspect_count": 0,
            "died_seq": None,
            "deaths": 0,
        }
        operation = _with(self._update({"session_id": self.session_id}, change), beside)
        return Step(operation, None, session_id=session_id)

    def end_session(self) -> Step:
        """Forget a session that Discord has ended (op 9 `d: false`, a new token)."""
        change: dict[str, Value | Add] = {"session_id": "", "resume_url": "", "seq": 0, "done_set": None}
        return Step(self._update({"session_id": self.session_id}, change), None, session_id="")

    def flush(
        self, point: Point, beside: Beside | None = None, *, journaled: int | None = None, steady: bool = False
    ) -> Step:
        """Store the watermark and what is finished above it, with what must be stored beside it.

        `steady`: this process has lived with the shard for so long that no event of it is to be suspected (P6).
        """
        change = _stored(point)
        if steady:
            change |= {"died_seq": None, "deaths": STEADY, "suspect_seq": None, "suspect_count": 0}
        if journaled is not None:
            change["journaled"] = journaled
        return Step(_with(self._update(_fence(point), change), beside), None)

    def keep_beside(self, beside: Beside) -> Step:
        """Store rows of events under this shard's token, and nothing else."""
        return Step(_with(self._update({"session_id": self.session_id}, {"session_id": self.session_id}), beside), None)

    def suspect(self, seq: int, count: int) -> Step:
        """Say that the next event may kill its process, before it is handled."""
        change: dict[str, Value | Add] = {"suspect_seq": seq, "suspect_count": count}
        return Step(self._update({"session_id": self.session_id}, change), None)

    def offer(self) -> Step:
        """Give it to whoever wants it; go on as before until then."""
        change: dict[str, Value | Add] = {"state": ShardPhase.OFFERED, "want": None}
        return Step(self._update({"state": ShardPhase.LIVE}, change), Hold.OFFERED)

    def withdraw(self) -> Step:
        """Take an offer back that nobody wants."""
        expect: dict[str, Value | AtMost] = {"state": ShardPhase.OFFERED, "want": None}
        return Step(self._update(expect, {"state": ShardPhase.LIVE}), Hold.LIVE)

    # ---- letting go

    def stop(self) -> None:
        """Take no further event: what follows is `pass_to`, `release` or `drain`."""
        if self.state in _CONNECTABLE:
            self.state = Hold.PASSING

    def pass_to(self, want: Want, token: str, point: Point | None, beside: Beside | None = None) -> Step:
        """Make the taker the owner, if it still wants it. `token` is new."""
        # Not its beat: a living taker says its want again while the giver settles.
        expect: dict[str, Value | AtMost] = {"want": want.taker}
        return self._leave(_Heir(want.taker, ShardPhase.CLAIMED, token), expect, point, beside)

    def release(self, token: str, point: Point | None, beside: Beside | None = None) -> Step:
        """Make nobody the owner: no taker came in time."""
        return self._leave(_Heir(None, ShardPhase.FREE, token), {}, point, beside)

    def drain(self, token: str, point: Point | None, beside: Beside | None = None) -> Step:
        """End a shard of a generation that is over, with the last of its journal. Nobody owns it ever again."""
        return self._leave(_Heir(None, ShardPhase.DRAINED, token), {}, point, beside)

    def retake(self, token: str) -> Step:
        """Take the row anew: done means that a hand-over of unknown result can never be executed any more."""
        change: dict[str, Value | Add] = {
            "token": token,
            "epoch": Add(1),
            "state": ShardPhase.CLAIMED,
            "want": None,
            "journaled": 0,
        }
        return Step(self._update({}, change), Hold.CLAIMED, token)

    # ---- what is learned

    def settled(self, step: Step, outcome: Outcome, now: float) -> None:
        """Take the result of a write, known at `now`."""
        if self.state is Hold.LOST:
            return
        if outcome is Outcome.DONE:
            self._done(step, now)
        elif step.lets_go:
            # Its connection is closed and its watermark may be ahead of the row: it begins again from the row.
            self.state = Hold.TO_RETAKE
        elif outcome is Outcome.REFUSED:
            retaking = step.then is Hold.CLAIMED
            self.state = Hold.LOST if retaking else Hold.TO_READ

    def see(self, row: ShardRow | None, asked_at: float) -> None:
        """Take a reading of the row, asked for at `asked_at`. Older ones than the last own change tell nothing."""
        if asked_at < self._since or self.state is Hold.LOST:
            return
        if row is None or row.token != self.token:
            self.state = Hold.LOST
        elif self.state is Hold.PASSING:
            return
        elif row.session_id != self.session_id:
            # A commit of unknown result has been executed, or a failover has forgotten one: begin again from the row.
            self.session_id = row.session_id
            self.state = Hold.TO_RETAKE
        elif self.state is Hold.TO_READ or (self.state in _CONNECTABLE and row.state != self.state.name):
            self.state = _OF_ROW.get(ShardPhase(row.state), Hold.TO_RETAKE)

    def _done(self, step: Step, now: float) -> None:
        self._since = now
        if step.token is not None:
            self.token = step.token
        if step.session_id is not None:
            self.session_id = step.session_id
        if step.then is not None and (step.lets_go or self.state is not Hold.PASSING):
            self.state = step.then

    def _update(self, expect: dict[str, Value | AtMost], change: dict[str, Value | Add]) -> Update:
        key = shard_key(ShardRow(self.generation, self.id))
        return Update("shard", key, {"token": self.token, **expect}, change)

    def _leave(
        self, heir: _Heir, expect: dict[str, Value | AtMost], point: Point | None, beside: Beside | None
    ) -> Step:
        change: dict[str, Value | Add] = {
            "owner": heir.owner,
            "token": heir.token,
            "epoch": Add(1 if heir.owner else 0),
            "state": heir.state,
            "want": None,
            "journaled": 0,
        }
        if point is not None:
            expect |= _fence(point)
            change |= _stored(point)
        return Step(_with(self._update(expect, change), beside), Hold.LOST)


def _fence(point: Point) -> dict[str, Value | AtMost]:
    return {"session_id": point.session_id, "seq": AtMost(point.seq)}


def _stored(point: Point) -> dict[str, Value | Add]:
    return {"seq": point.seq, "done_set": encode(point.session_id, point.seq, point.done)}


def _with(update: Update, beside: Beside | None) -> Operation:
    return update if beside is None or not beside.rows else Together((update,), beside.rows)
