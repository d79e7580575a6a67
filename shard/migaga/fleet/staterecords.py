"""The format of a process's local file: records, and what can be believed of them. `statefile.py` writes and reads it.

A half of the file begins with `MAGIC`; records follow, each with a checksum over all before it. A half counts once its
snapshot is complete, up to the first record that is not as it was written: torn, damaged, or left over from before.

Every record is true for ever: what is finished stays so, and the number of a track is never used twice. So what is
missing at the end can only mean that an event is handled again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from struct import Struct
from zlib import crc32

from migaga.continuity.local import LocalState

Key = tuple[str, int]
"""Generation name and shard id."""

MAGIC = b"migaga-state 1\n"
_FAMILY = b"migaga-state "

HEADER, HOLD, COMPLETE, DONE, FLUSHED, LET_GO = range(1, 7)
"""The kinds of records. A snapshot is one HEADER, a HOLD and many DONE for each track, and COMPLETE."""

_HEAD = Struct("<HB")
_SHORT = Struct("<HBIQ")
_NUMBERS = Struct("<IQ")
_SUM = 4
SHORT = _SHORT.size + _SUM
"""Bytes of a record of what has finished."""


@dataclass(frozen=True, slots=True)
class Header:
    """Who wrote a half of a file."""

    turn: int
    """Grows with each snapshot: the half with the higher one is the newer."""
    boot: str
    """The start of the machine during which it was written."""
    process_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a file tells."""

    header: Header
    shards: Mapping[Key, LocalState]


class Writing:
    """The records of one half: each is made with the checksum of all before it."""

    def __init__(self) -> None:
        self.check = crc32(MAGIC)

    def record(self, kind: int, text: str = "") -> bytes:
        """Make a record of a text."""
        payload = text.encode()
        return self._sealed(_HEAD.pack(len(payload), kind) + payload)

    def short(self, kind: int, number: int, seq: int) -> bytes:
        """Make a record of a track's number and a sequence number: the hot path."""
        return self._sealed(_SHORT.pack(_NUMBERS.size, kind, number, seq))

    def header(self, header: Header) -> bytes:
        """Make the first record."""
        return self.record(HEADER, f"{header.turn}\n{header.boot}\n{header.process_id}")

    def track(self, number: int, key: Key, state: LocalState) -> bytes:
        """Make the records of one track: what it is, and each number that is finished."""
        generation, shard = key
        hold = self.record(HOLD, f"{number}\n{shard}\n{state.seq}\n{state.token}\n{state.session}\n{generation}")
        return hold + b"".join(self.short(DONE, number, seq) for seq in sorted(state.done))

    def _sealed(self, body: bytes) -> bytes:
        self.check = crc32(body, self.check)
        return body + self.check.to_bytes(_SUM, "little")


def read(halves: Iterable[bytes]) -> Told | str:
    """Return what the newest complete half tells, or why nothing can be believed."""
    found: list[Told] = []
    reason = "it is empty"
    for half in halves:
        if half.startswith(MAGIC):
            told = _read_half(half)
            found += [] if told is None else [told]
            reason = "it is damaged, or was never complete"
        elif half.startswith(_FAMILY):
            reason = "it was written by another version of Migaga"
        elif half.strip(b"\0") and not found:
            reason = "it is damaged, or not a state file"
    return max(found, key=lambda told: told.header.turn, default=reason)


def _read_half(half: bytes) -> Told | None:
    reading = _Reading()
    try:
        for kind, payload in _records(half):
            reading.take(kind, payload)
    except (
        ValueError,
        LookupError,
        struct.error,
    ):  # Of a version that should have said so, or a checksum that fits by accident.
        return None
    return reading.told if reading.complete else None


def _records(half: bytes) -> Iterator[tuple[int, bytes]]:
    at, check = len(MAGIC), crc32(MAGIC)
    while at + _HEAD.size + _SUM <= len(half):
        length, kind = _HEAD.unpack_from(half, at)
        end = at + _HEAD.size + length
        check = crc32(half[at:end], check)
        if half[end : end + _SUM] != check.to_bytes(_SUM, "little"):
            return
        yield kind, half[at + _HEAD.size : end]
        at = end + _SUM


@dataclass(slots=True)
class _Track:
    key: Key
    token: str
    session: str
    seq: int
    done: set[int] = field(default_factory=set)

    def state(self) -> LocalState:
        return LocalState(self.token, self.session, self.seq, frozenset(one for one in self.done if one > self.seq))


class _Reading:
    """What the records up to here mean."""

    def __init__(self) -> None:
        self.complete = False
        self._header: Header | None = None
        self._tracks: dict[int, _Track] = {}
        self._take: Mapping[int, Callable[[bytes], None]] = {
            HEADER: self._take_header,
            HOLD: self._hold,
            COMPLETE: self._take_end,
            DONE: self._done,
            FLUSHED: self._flushed,
            LET_GO: self._let_go,
        }

    @property
    def told(self) -> Told | None:
        shards = {track.key: track.state() for track in self._tracks.values()}
        return None if self._header is None else Told(self._header, shards)

    def take(self, kind: int, payload: bytes) -> None:
        self._take[kind](payload)

    def _take_header(self, payload: bytes) -> None:
        turn, boot, process_id = payload.decode().split("\n", 2)
        self._header = Header(int(turn), boot, process_id)

    def _take_end(self, _payload: bytes) -> None:
        self.complete = True

    def _hold(self, payload: bytes) -> None:
        number, shard, seq, token, session, generation = payload.decode().split("\n", 5)
        key = generation, int(shard)
        self._tracks = {other: track for other, track in self._tracks.items() if track.key != key}
        self._tracks[int(number)] = _Track(key, token, session, int(seq))

    def _done(self, payload: bytes) -> None:
        track, seq = self._named(payload)
        if track is not None:
            track.done.add(seq)

    def _flushed(self, payload: bytes) -> None:
        track, seq = self._named(payload)
        if track is not None:
            track.seq = max(track.seq, seq)

    def _let_go(self, payload: bytes) -> None:
        self._tracks.pop(_NUMBERS.unpack(payload)[0], None)

    def _named(self, payload: bytes) -> tuple[_Track | None, int]:
        number, seq = _NUMBERS.unpack(payload)
        return self._tracks.get(number), seq
