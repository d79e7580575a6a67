"""A fleet in a box: processes made of the deciding core, a model database, a model Discord, and everything between.

Each request can be executed late, twice-told, lost, or executed after its sender has given it up; a process that is not
stepped is a stopped one. Nothing here decides anything about ownership.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from tests.unit.continuity.modeldb import ModelDb, Tables

from migaga.continuity.claims import Claims
from migaga.continuity.deaths import DeathWatch
from migaga.continuity.finished import decode
from migaga.continuity.handed import Handed
from migaga.continuity.holding import Beside, Hold, Holding, Step
from migaga.continuity.inflight import put_aside
from migaga.continuity.life import VALID_FOR, Beat, Life
from migaga.continuity.progress import Point, Progress
from migaga.continuity.view import View
from migaga.continuity.wants import TakerWatch, Want, WantWatch
from migaga.storage.leases_operations import Insert, Operation, Outcome, Together, Update
from migaga.storage.leases_rows import GenerationRow, InflightRow, Observation, ProcessRow, ShardPhase, ShardRow

Key = tuple[str, int]
G = "2:1:v10"


@dataclass
class Request:
    """An operation between its sender and the database."""

    sender: str
    operation: Operation
    settle: Callable[[Outcome], None]
    topic: object
    outcome: Outcome | None = None


@dataclass
class Reading:
    """A reading under way: shards first, then processes."""

    asked_at: float
    shards: list[ShardRow] | None = None
    processes: list[ProcessRow] | None = None


@dataclass
class Session:
    """One of Discord's sessions."""

    id: str
    events: list[int] = field(default_factory=list)
    connected: str | None = None
    alive: bool = True


class Member:
    """One process."""

    def __init__(self, world: World, name: str, offset: float) -> None:
        self.world, self.id, self.offset = world, name, offset
        self.life = Life(name, self.now)
        self.watch, self.claims, self.takes = DeathWatch(name), Claims(), TakerWatch(name)
        self.holdings: dict[Key, Holding] = {}
        self.progress: dict[Key, Progress] = {}
        self.wants: dict[Key, WantWatch] = {}
        self.handed: dict[Key, Handed] = {}
        self.reading: Reading | None = None
        self.leaving = False

    @property
    def now(self) -> float:
        return self.world.time + self.offset

    @property
    def is_valid(self) -> bool:
        return self.life.is_valid(self.now)

    def handles(self, key: Key) -> bool:
        holding = self.holdings.get(key)
        return holding is not None and holding.may_handle and self.is_valid

    # ---- what it does

    def beat(self) -> None:
        if self.now >= self.life.due_at():
            beat: Beat = self.life.beat(self.now)
            self.world.send(self, beat.operation, lambda outcome: self._beaten(beat, outcome), "beat")

    def _beaten(self, beat: Beat, outcome: Outcome) -> None:
        self.life.answered(beat, outcome)
        if outcome is Outcome.REFUSED:
            self.holdings.clear()
            self.progress.clear()
            self.world.disconnect_all(self.id)

    def look(self, shards: list[ShardRow], processes: list[ProcessRow], asked_at: float) -> None:
        """Take a reading and do what follows from it."""
        view = View(self.id, Observation(self.world.generations, shards, processes))
        for operation in self.watch.read(processes, asked_at, self.now):
            self.world.send(self, operation, lambda outcome: None, operation.key["id"])
        if view.mine is None:
            self.life.abandon()
            self.holdings.clear()
            return
        rows = {row.key: row for row in shards}
        for key, holding in list(self.holdings.items()):
            holding.see(rows.get(key), asked_at)
            if holding.state is Hold.LOST:
                self.drop(key)
        self.life.rows_read(asked_at)
        for row in shards:
            if row.owner == self.id and row.key not in self.holdings and not self.world.busy(self.id, row.key):
                self.holdings[row.key] = Holding(row, asked_at)
        if self.is_valid:
            self._act(view, rows, asked_at)

    def _act(self, view: View, rows: dict[Key, ShardRow], asked_at: float) -> None:
        for update in self.claims.decide(view, self.now, self.world.token):
            row = rows[update.key["generation"], update.key["id"]]  # type: ignore[index]
            self.send(row.key, update, partial(self._claimed, row, update))
        for key, holding in list(self.holdings.items()):
            if holding.state is Hold.TO_RETAKE:
                self.progress.pop(key, None)
                self.world.cut(key, self.id)
                self.step(key, holding.retake(self.world.token()))
            elif holding.state is Hold.OFFERED:
                watch = self.wants.setdefault(key, WantWatch(asked_at - 9))
                watch.read(rows[key], asked_at)
                want = watch.fresh(self.now)
                if want is not None and not self.world.busy(self.id, key):
                    self.hand_over(key, want)
        for key, handed in list(self.handed.items()):
            back = handed.swap_back(rows[key], self.now, self.world.token()) if key in rows else None
            if back is not None and key not in self.holdings:
                del self.handed[key]
                self.send(key, back, lambda outcome: None)
        for row in rows.values():
            if not self.leaving and row.owner != self.id and (want_it := self.takes.want(row, self.now)):
                self.world.send(self, want_it, lambda outcome: None, row.key)

    def _claimed(self, row: ShardRow, update: Update, outcome: Outcome) -> None:
        if outcome is Outcome.DONE and row.key not in self.holdings:
            token = str(update.change["token"])
            self.holdings[row.key] = Holding(replace(row, token=token, state=ShardPhase.CLAIMED), self.now)

    def hand_over(self, key: Key, want: Want) -> None:
        self.holdings[key].stop()
        self.world.cut(key, self.id)
        token = self.world.token()
        step = self.holdings[key].pass_to(want, token, *self._rest(key))

        def settled(outcome: Outcome) -> None:
            if outcome is Outcome.DONE:
                self.handed[key] = Handed(self.id, token, self.now)

        self.step(key, step, settled)

    def release(self, key: Key) -> None:
        self.holdings[key].stop()
        self.world.cut(key, self.id)
        self.step(key, self.holdings[key].release(self.world.token(), *self._rest(key)))

    def _rest(self, key: Key) -> tuple[Point | None, Beside | None]:
        """The last watermark, with rows for what still runs: the watermark passes those in the same transaction."""
        progress = self.progress.pop(key, None)
        if progress is None or progress.point().session_id != self.holdings[key].session_id:
            return None, None
        rows = [self._row(key, seq) for seq in progress.running]
        for row in rows:
            progress.finished(row.seq)
        return progress.point(), Beside(aside=[put_aside(row) for row in rows])

    def _row(self, key: Key, seq: int) -> InflightRow:
        return InflightRow(*key, self.holdings[key].session_id, seq, self.id, "X", "{}")

    def connect(self, key: Key) -> None:
        """RESUME or IDENTIFY. P1 and the holding are asked inline."""
        holding = self.holdings.get(key)
        if holding is None or not holding.may_connect or not self.is_valid or self.world.busy(self.id, key):
            return
        row = self.world.db.shard(key)
        session = self.world.sessions.get(holding.session_id)
        if session is None or not session.alive:
            if holding.session_id:
                self.step(key, holding.end_session())
                return
            new = self.world.new_session(key)
            new.connected = self.id
            self.step(key, holding.start_session(new.id, "wss://x", 1))
            self.progress[key] = Progress(new.id, 1)
            return
        if session.connected == self.id and key in self.progress:
            return
        self.world.disconnect(session)
        session.connected = self.id
        seq, done = row.seq, decode(row.done_set, row.session_id, row.seq)
        if row.session_id != session.id:
            return
        self.progress[key] = Progress(session.id, seq, done)
        for number in session.events:
            if number > seq:
                self.receive(key, session, number)

    def go_live(self, key: Key) -> None:
        holding = self.holdings.get(key)
        if holding and holding.state is Hold.CLAIMED and key in self.progress and not self.world.busy(self.id, key):
            session = self.world.sessions.get(holding.session_id)
            if session is not None and session.connected == self.id:
                self.step(key, holding.go_live())

    def offer(self, key: Key) -> None:
        holding = self.holdings.get(key)
        if holding and holding.state is Hold.LIVE and self.is_valid and not self.world.busy(self.id, key):
            self.wants[key] = WantWatch(self.now)
            self.step(key, holding.offer())

    def flush(self, key: Key) -> None:
        holding, progress = self.holdings.get(key), self.progress.get(key)
        if holding and progress and holding.may_handle and not self.world.busy(self.id, key):
            late = progress.to_put_aside(self.now)
            if holding.session_id == progress.point().session_id:
                self.step(key, holding.flush(progress.point(), None) if not late else self._flush_aside(key, late))

    def _flush_aside(self, key: Key, late: list[int]) -> Step:
        """Rows and the watermark before them in one transaction; the watermark passes them with the next flush."""
        rows = [put_aside(self._row(key, seq)) for seq in late]
        step = self.holdings[key].flush(self.progress[key].point(), Beside(aside=rows))
        self.world.aside_waiting[id(step.operation)] = (self, key, late, step.operation)
        return step

    def receive(self, key: Key, session: Session, seq: int) -> None:
        progress = self.progress.get(key)
        if progress is not None and progress.point().session_id == session.id:
            progress.received(seq, self.now)

    def handle(self, key: Key) -> None:
        """Finish the oldest running event, if it may be handled."""
        progress = self.progress.get(key)
        if progress is None or not progress.running or not self.handles(key):
            return
        seq = progress.running[0]
        self.world.handled.add((progress.point().session_id, seq))
        progress.finished(seq)

    def handle_newest(self, key: Key) -> None:
        progress = self.progress.get(key)
        if progress is not None and progress.running and self.handles(key):
            seq = progress.running[-1]
            self.world.handled.add((progress.point().session_id, seq))
            progress.finished(seq)

    # ---- sending

    def step(self, key: Key, step: Step, also: Callable[[Outcome], None] = lambda outcome: None) -> None:
        holding = self.holdings[key]

        def settle(outcome: Outcome) -> None:
            holding.settled(step, outcome, self.now)
            waiting = self.world.aside_waiting.pop(id(step.operation), None)
            if waiting is not None and outcome is Outcome.DONE and key in self.progress:
                for seq in waiting[2]:
                    self.progress[key].finished(seq)
            also(outcome)
            if holding.state is Hold.LOST and self.holdings.get(key) is holding:
                self.drop(key)

        self.send(key, step.operation, settle)

    def send(self, key: Key, operation: Operation, settle: Callable[[Outcome], None]) -> None:
        if not self.world.busy(self.id, key):
            self.world.send(self, operation, settle, key)

    def drop(self, key: Key) -> None:
        self.holdings.pop(key, None)
        self.progress.pop(key, None)
        self.wants.pop(key, None)
        self.world.cut(key, self.id)


class World:
    """Everything."""

    def __init__(self, shards: int = 2) -> None:
        self.time = 1000.0
        self.db = ModelDb()
        self.members: dict[str, Member] = {}
        self.requests: list[Request] = []
        self.ghosts: list[Request] = []
        self.sessions: dict[str, Session] = {}
        self.session_of: dict[Key, str] = {}
        self.handled: set[tuple[str, int]] = set()
        self.aside_waiting: dict[int, tuple[Member, Key, list[int], object]] = {}
        self.outage = False
        self.forgiven_until = 0.0
        self.forgotten: set[tuple[str, int]] = set()
        self._count = 0
        self.db.execute(Insert("generation", asdict(GenerationRow(1, G, shards, 1, 10, "LIVE"))))
        for number in range(shards):
            self.db.execute(Insert("shard", asdict(ShardRow(G, number))))
        self.generations = self.db.generations()
        self.keys = [(G, number) for number in range(shards)]

    def token(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def start(self, offset: float = 0.0) -> Member:
        self._count += 1
        name = f"p{self._count}"
        member = Member(self, name, offset)
        self.members[name] = member
        self.db.execute(Insert("process", asdict(ProcessRow(name, 0, ready=True))))
        return member

    def crash(self, member: Member) -> None:
        del self.members[member.id]
        self.disconnect_all(member.id)
        mine = [request for request in self.requests if request.sender == member.id]
        self.ghosts += [request for request in mine if request.outcome is None]
        self.requests = [request for request in self.requests if request.sender != member.id]

    # ---- between processes and database

    def busy(self, sender: str, topic: object) -> bool:
        return any(request.sender == sender and request.topic == topic for request in self.requests)

    def send(self, member: Member, operation: Operation, settle: Callable[[Outcome], None], topic: object) -> None:
        if not self.busy(member.id, topic):
            self.requests.append(Request(member.id, operation, settle, topic))

    def execute(self, request: Request) -> None:
        if request.outcome is None:
            request.outcome = Outcome.FAILED if self.outage else self._commit(request)

    def answer(self, request: Request) -> None:
        """Deliver the outcome; a request that was never executed ends in doubt, and may still be executed later."""
        self.requests.remove(request)
        if request.outcome is None:
            self.ghosts.append(request)
        request.settle(request.outcome or Outcome.UNKNOWN)

    def lose_answer(self, request: Request) -> None:
        """Execute it and tell its sender nothing."""
        self.execute(request)
        self.requests.remove(request)
        request.settle(Outcome.UNKNOWN)

    def execute_ghost(self, request: Request) -> None:
        self.ghosts.remove(request)
        if not self.outage:
            self._commit(request)

    def _commit(self, request: Request) -> Outcome:
        check_shape(request.operation)
        before = {row.key: row for row in self.db.shards()}
        outcome = self.db.execute(request.operation)
        for row in self.db.shards():
            old = before[row.key]
            assert old.state != ShardPhase.DRAINED or row == old, "I5: DRAINED is final"
            assert row.owner == old.owner or row.token != old.token, "every change of owner changes the token"
        return outcome

    def read_step(self, member: Member) -> None:
        """Advance a reading by one of its parts."""
        reading = member.reading
        if reading is None:
            member.reading = Reading(member.now)
        elif self.outage:
            member.reading = None
            member.watch.failed()
        elif reading.shards is None:
            reading.shards = self.db.shards()
        elif reading.processes is None:
            reading.processes = self.db.processes()
        else:
            member.reading = None
            member.look(reading.shards, reading.processes, reading.asked_at)

    def fail_over(self, forgotten: Tables) -> None:
        """Go on with a replica that never got the last commits. Every connection breaks; what was sent is gone."""
        # Rows of events that were put aside are effects too: their owner, if it lives, still runs them.
        self.forgotten |= {(row.session_id, row.seq) for row in self.db.inflight()}
        self.db.tables = copy.deepcopy(forgotten)
        self.ghosts.clear()
        for request in list(self.requests):
            if request in self.requests:
                self.requests.remove(request)
                request.settle(Outcome.UNKNOWN)
        for member in self.members.values():
            member.reading = None
            member.watch.failed()
            member.life.answered(member.life.beat(member.now), Outcome.UNKNOWN)
        self.forgiven_until = self.time + VALID_FOR

    # ---- Discord

    def new_session(self, key: Key) -> Session:
        self._count += 1
        session = self.sessions[f"s{self._count}"] = Session(f"s{self._count}", [1])
        self.handled.add((session.id, 1))
        self.session_of[key] = session.id
        return session

    def emit(self, key: Key, gap: int = 1) -> None:
        session = self.sessions.get(self.session_of.get(key, ""))
        if session is None or not session.alive:
            return
        number = session.events[-1] + gap
        session.events.append(number)
        if session.connected in self.members:
            self.members[session.connected].receive(key, session, number)

    def disconnect(self, session: Session) -> None:
        session.connected = None

    def disconnect_all(self, name: str) -> None:
        for session in self.sessions.values():
            if session.connected == name:
                session.connected = None

    def cut(self, key: Key, name: str) -> None:
        session = self.sessions.get(self.session_of.get(key, ""))
        if session is not None and session.connected == name:
            session.connected = None

    # ---- what must always hold

    def check(self) -> None:
        for key in self.keys:
            handling = [member.id for member in self.members.values() if member.handles(key)]
            assert len(handling) <= 1 or self.time < self.forgiven_until, f"I1: {handling} handle {key}"
            row = self.db.shard(key)
            if self.time >= self.forgiven_until:
                tokens = [self.members[name].holdings[key].token for name in handling]
                assert tokens in ([], [row.token]), "I1: who handles a shard has the token of its row"
            if not row.session_id:
                continue
            session = self.sessions[row.session_id]
            assert row.seq <= session.events[-1], "I4: the number is of another session"
            aside = {one.seq for one in self.db.inflight() if one.session_id == session.id}
            safe = {seq for sid, seq in self.handled | self.forgotten if sid == session.id} | aside
            lost = [seq for seq in session.events if seq <= row.seq and seq not in safe]
            assert not lost, f"I3: the watermark {row.seq} has passed {lost}"
            wrong = decode(row.done_set, row.session_id, row.seq) - safe
            assert not wrong, f"I3: {wrong} are called finished"

    def settle_down(self, seconds: float = 60.0) -> None:
        """Let everybody run fairly, without any trouble."""
        self.outage = False
        end = self.time + seconds
        while self.time < end and not self._is_quiet():
            self.time += 0.25
            for ghost in list(self.ghosts):
                self.execute_ghost(ghost)
            for member in list(self.members.values()):
                member.beat()
                for _ in range(4):
                    self.read_step(member)
                for key in self.keys:
                    member.connect(key)
                    member.go_live(key)
                    while member.progress.get(key) and member.progress[key].running and member.handles(key):
                        member.handle(key)
                    member.flush(key)
            for request in list(self.requests):
                if request in self.requests:
                    self.execute(request)
                    self.answer(request)
            self.check()

    def _is_quiet(self) -> bool:
        """Whether nothing is under way and every shard is served by somebody who lives, and the rows say so.

        After a failover a process may believe for a while what the rows have forgotten.
        """
        for key in self.keys:
            handling = [member.id for member in self.members.values() if member.handles(key)]
            row = self.db.shard(key)
            if handling != [row.owner] or row.state not in {ShardPhase.LIVE, ShardPhase.OFFERED}:
                return False
        return not self.requests and not self.ghosts and self.time >= self.forgiven_until


def check_shape(operation: Operation) -> None:
    """I2: every write of a shard's row is fenced, of session fields also by the session."""
    fences = operation.fences if isinstance(operation, Together) else (operation,)
    for update in fences:
        if isinstance(update, Update) and update.table == "shard":
            assert "token" in update.expect, "I2: a write without a token"
            if {"seq", "done_set", "session_id"} & set(update.change):
                assert "session_id" in update.expect, "I4: a watermark without its session"
    if isinstance(operation, Insert):
        assert operation.table not in {"inflight", "journal"}, "I2: rows beside a watermark without its fence"
