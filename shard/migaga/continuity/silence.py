"""Which shards of a process hear nothing, or not a kind of event that they should hear; when to ask, when to RESUME.

`fleet/silence.py` calls `step` every second with what each shard has heard, and does what it answers. Discord's
sessions sometimes heartbeat and bring no events; a RESUME mends that and costs nothing of the day's budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from migaga.continuity.hearing import ENOUGH, Hearing, missing

Key = tuple[str, int]
"""Generation and shard id."""

STALLED = 3.0
"""Seconds between two steps after which what was silent may only have been unread."""
SLOTS = (5.0, 60.0)
"""Seconds of the slots in which kinds are counted: the short ones for frequent kinds, the long ones for rare ones."""
PATIENCE = (10.0, 60.0)
"""Seconds of silence after which a shard is asked: the least, for one that is always busy, and the most."""
SURPRISE_TO_ASK = 8.0
"""How improbable silence must be (one in e^8) for asking before the most patience is over."""
ASK_AGAIN = 5.0
"""Seconds without an answer after which another guild is asked about."""
NO_ANSWER = 10.0
"""Seconds after the first question at which a shard counts as silent."""
INTERVAL = (600.0, 9_600.0)
"""Seconds from one reconnection of a shard to its next: at first; at most, doubled while it does not help."""
AT_ONCE = 2
"""Shards of a process that may be on their way back: one is until it has heard something, or for `WAY_BACK`."""
WAY_BACK = 30.0

_HANDSHAKE = frozenset({"READY", "RESUMED"})
_NO_HABIT = frozenset(
    {*_HANDSHAKE, "GUILD_CREATE", "GUILD_MEMBERS_CHUNK", "RATE_LIMITED", "SOUNDBOARD_SOUNDS", "VOICE_SERVER_UPDATE"}
)
"""Kinds that belong to one session, or answer it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one shard has done since the last step."""

    live: bool
    """Its handshake is over, and it reads: no handler, database or stop keeps it from its socket."""
    counts: Mapping[str, int]
    """Dispatches by name, all of them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask about the bot's own membership in a guild of this shard: Discord answers with a dispatch."""

    key: Key
    nonce: str
    attempt: int
    """1, or 2: another guild than the first time, if there is one."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close the connection so that the session stays, and RESUME it."""

    key: Key
    reason: str
    kinds: Sequence[str] = ()
    """The kinds that do not come; none: nothing comes."""


@dataclass(slots=True)
class _Question:
    """A question about one silent shard."""

    nonce: str
    attempt: int = 1
    first_sent: float | None = None
    last_sent: float | None = None
    """None while it is being sent."""

    def is_due_again(self, now: float) -> bool:
        return self.attempt == 1 and self.last_sent is not None and now - self.last_sent >= ASK_AGAIN

    def is_unanswered(self, now: float) -> bool:
        first = None if self.last_sent is None else self.first_sent
        return first is not None and now - first >= NO_ANSWER


@dataclass(slots=True)
class _Pace:
    """How often one shard may be reconnected for one cause."""

    ready_at: float = 0.0
    interval: float = INTERVAL[0]
    helped: bool = True
    """Whether what was missing has come since."""

    def used(self, now: float) -> None:
        self.interval = INTERVAL[0] if self.helped else min(self.interval * 2, INTERVAL[1])
        self.ready_at = now + self.interval
        self.helped = False


@dataclass(slots=True)
class _Ear:
    """One shard."""

    hearings: tuple[Hearing, ...] = field(default_factory=lambda: tuple(Hearing(slot) for slot in SLOTS))
    silent_since: float | None = None
    """None while it cannot hear."""
    ask_from: float = 0.0
    """From when on its silence counts for the next question."""
    question: _Question | None = None
    missing: list[Collection[str]] = field(default_factory=lambda: [()] * len(SLOTS))
    """Kinds that are missing now, by each hearing."""
    for_silence: _Pace = field(default_factory=_Pace)
    for_kinds: _Pace = field(default_factory=_Pace)
    lacked: Collection[str] = ()
    """The kinds for which it was reconnected the last time."""
    way_back: float | None = None
    """Until when it is on its way back."""

    def take(self, reading: Reading, now: float, *, stalled: bool) -> list[int]:
        """Take in what was heard; returns the hearings of which a slot has ended."""
        if reading.counts:
            self._heard(reading.counts)
        if not reading.live or stalled:
            self.silent_since = now if reading.live else None
            self.ask_from = now
            self.question, self.missing = None, [()] * len(SLOTS)
            for hearing in self.hearings:
                hearing.interrupt()
            return []
        if reading.counts or self.silent_since is None:
            self.silent_since = self.ask_from = now
        habits = {name: n for name, n in reading.counts.items() if name not in _NO_HABIT}
        return [number for number, hearing in enumerate(self.hearings) if hearing.hear(habits, now)]

    def _heard(self, counts: Mapping[str, int]) -> None:
        self.way_back = None
        self.question = None
        self.for_silence.helped |= bool(counts.keys() - _HANDSHAKE)
        self.for_kinds.helped |= any(name in counts for name in self.lacked)
        self.missing = [[name for name in names if name not in counts] for names in self.missing]

    @property
    def lacks(self) -> Sequence[str]:
        """The kinds that are missing now."""
        return sorted({name for names in self.missing for name in names})

    def is_out_of_patience(self, now: float) -> bool:
        """Whether it has been silent for long enough to be asked."""
        silent = now - self.ask_from
        if silent < PATIENCE[0]:
            return False
        rate = self.hearings[0].any_rate()
        usual = SLOTS[0] * SURPRISE_TO_ASK / rate if rate else PATIENCE[1]
        return silent >= min(PATIENCE[1], max(PATIENCE[0], usual))

    def reconnects(self, now: float, lacked: Collection[str]) -> None:
        """Note a reconnection: for these kinds; none: because it hears nothing."""
        used, other = (self.for_kinds, self.for_silence) if lacked else (self.for_silence, self.for_kinds)
        used.used(now)
        other.ready_at = max(other.ready_at, now + INTERVAL[0])
        self.lacked, self.missing = lacked or self.lacked, [()] * len(SLOTS)
        self.way_back = now + WAY_BACK
        self.question, self.silent_since = None, None
        for hearing in self.hearings:
            hearing.start_over()


class Silence:
    """The shards of one process. Times are seconds of the own clock."""

    def __init__(self) -> None:
        self._ears: dict[Key, _Ear] = {}
        self._stepped: float | None = None
        self._numbers = count(1)

    def step(self, now: float, readings: Mapping[Key, Reading]) -> list[Ask | Reconnect]:
        """Take a reading of every shard of the process; return what is to be done.

        Shards without a reading are forgotten. For each `Ask` call `sent` or `unsent`.
        """
        stalled = self._stepped is not None and now - self._stepped > STALLED
        self._stepped = now
        self._ears = {key: self._ears.get(key) or _Ear() for key in readings}
        for key, ear in self._ears.items():
            for number in ear.take(readings[key], now, stalled=stalled):
                ear.missing[number] = self._missing(key, number)
        return [*self._asks(now), *self._reconnects(now)]

    def sent(self, ask: Ask, now: float) -> None:
        """Note that a question has gone out."""
        question = self._asked(ask)
        if question is not None:
            question.last_sent = now
            if question.first_sent is None:
                question.first_sent = now

    def unsent(self, ask: Ask, now: float) -> None:
        """Note that a question could not be sent, or that no guild is known: the shard is given time again."""
        if self._asked(ask) is not None:
            ear = self._ears[ask.key]
            ear.question, ear.ask_from = None, now

    def _asked(self, ask: Ask) -> _Question | None:
        """Return the question, if it is still open: an event may have answered it meanwhile."""
        ear = self._ears.get(ask.key)
        question = None if ear is None else ear.question
        return question if question is not None and question.nonce == ask.nonce else None

    def _missing(self, key: Key, number: int) -> Collection[str]:
        """Return the kinds that a shard lacks, by itself and compared with others that are well."""
        others = [
            ear.hearings[number]
            for other, ear in self._ears.items()
            if other != key and other[0] == key[0] and ear.silent_since is not None and ear.question is None
        ]
        return missing(self._ears[key].hearings[number], [other for other in others if len(other) >= ENOUGH])

    def _asks(self, now: float) -> Iterator[Ask]:
        for key, ear in self._ears.items():
            if ear.silent_since is None:
                continue
            nonce = f"silence:{next(self._numbers)}"
            if ear.question is None and ear.is_out_of_patience(now):
                ear.question = _Question(nonce)
            elif ear.question is not None and ear.question.is_due_again(now):
                ear.question = _Question(nonce, 2, ear.question.first_sent)
            else:
                continue
            yield Ask(key, nonce, ear.question.attempt)

    def _reconnects(self, now: float) -> Iterator[Reconnect]:
        under_way = sum(1 for ear in self._ears.values() if ear.way_back is not None and now < ear.way_back)
        for key, ear in self._ears.items():
            unanswered = ear.question is not None and ear.question.is_unanswered(now)
            lacks = () if unanswered else ear.lacks
            if not unanswered and not lacks:
                continue
            ready_at = (ear.for_silence if unanswered else ear.for_kinds).ready_at
            if now >= ready_at and under_way < AT_ONCE:
                under_way += 1
                reason = _reason(lacks, now - (ear.silent_since or now))
                ear.reconnects(now, lacks)
                yield Reconnect(key, reason, lacks)
            elif unanswered and now < ready_at:
                # Asked again, so that the answer is fresh when the time has come.
                ear.question, ear.ask_from = None, now


def _reason(kinds: Sequence[str], silent: float) -> str:
    if kinds:
        return f"no {', '.join(kinds)} any more, which it used to get or other shards get"
    return f"no event for {silent:.0f} s, and no answer to a question on the gateway"
