"""What a process records of the shards that it holds, while it runs. `statefile.py` opens the file under it.

The file has two halves. Records are appended to one; when it has grown, a snapshot goes into the other. So a kill at
any moment leaves all that was written before, and nothing here makes, renames or removes a file: it may be called in
the event loop.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from migaga.continuity.finished import mark
from migaga.continuity.local import LocalState
from migaga.continuity.progress import Point
from migaga.fleet.staterecords import COMPLETE, DONE, FLUSHED, LET_GO, MAGIC, SHORT, Header, Key, Writing

HALF = 4 * 1024 * 1024
"""Bytes of a half. The file is sparse: what was never written takes no room."""
SNAPSHOT_AFTER = 256 * 1024
"""Bytes appended after which a snapshot is made."""
_NO_ROOM = "there was no room for a whole record"


class Log:
    """The file as it is written."""

    def __init__(self, file: int) -> None:
        """`file` is an open, locked, empty file; it is closed by its owner, after `end`."""
        self.broken: str | None = "nothing was written yet"
        """Why nothing is recorded: what finishes now may be handled again after a crash. A snapshot mends it."""
        self._file = file
        self._turn = -1
        self._writing = Writing()
        self._begin = self._at = self._end = 0

    @property
    def has_grown(self) -> bool:
        """Whether a snapshot should be made."""
        return self.broken is not None or self._at - self._begin > SNAPSHOT_AFTER

    def short(self, kind: int, number: int, seq: int) -> None:
        """Append a record of a track. An error breaks the log; it is never raised."""
        if self.broken is not None:
            return
        try:
            data = self._writing.short(kind, number, seq)
            written = os.pwrite(self._file, data, self._at)
        except (OSError, struct.error) as error:
            self.broken = _reason(error)
        else:
            self._advance(written, len(data))

    def track(self, number: int, key: Key, state: LocalState) -> None:
        """Append the beginning of a track."""
        if self.broken is not None:
            return
        try:
            data = self._writing.track(number, key, state)
            self._advance(os.pwrite(self._file, data[: self._end - self._at], self._at), len(data))
        except (OSError, struct.error) as error:
            self.broken = _reason(error)

    def snapshot(self, boot: str, process_id: str, tracks: Iterable[Track]) -> None:
        """Write all there is into the other half, which counts once it is complete; until then this one does."""
        turn, writing = self._turn + 1, Writing()
        begin = turn % 2 * HALF
        header = writing.header(Header(turn, boot, process_id))
        try:
            states = [writing.track(track.number, track.key, track.state()) for track in tracks]
            data = b"".join([MAGIC, header, *states, writing.record(COMPLETE)])
            written = os.pwrite(self._file, data[:HALF], begin)
        except (OSError, struct.error) as error:
            self.broken = _reason(error)
        else:
            self.broken = None if written == len(data) else _NO_ROOM
        if self.broken is None:
            self._turn, self._writing = turn, writing
            self._begin = self._at = begin + len(data)
            self._end = begin + HALF

    def end(self) -> int:
        """Stop recording, and return the file to be closed."""
        file, self._file = self._file, -1
        self.broken = "it is closed"
        return file

    def _advance(self, written: int, whole: int) -> None:
        """Go on after a record. There must always be room for one short record more."""
        self._at += written
        if written != whole:
            self.broken = _NO_ROOM
        elif self._at > self._end - SHORT:
            self.broken = "the database has not taken anything for too long, and the file is full"


def _reason(error: OSError | struct.error) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class Tracks:
    """The shards that this process holds, as its file tells of them."""

    def __init__(self, log: Log, boot: str, process_id: str) -> None:
        self.log = log
        self.process_id = process_id
        self._boot = boot
        self._tracks: dict[Key, Track] = {}
        self._last_number = 0
        self.snapshot()

    @property
    def states(self) -> dict[Key, LocalState]:
        """What a reader would be told."""
        return {key: track.state() for key, track in self._tracks.items()}

    def begin(self, key: Key, state: LocalState) -> Track:
        """Begin a track; the one before it of the same shard ends. A number is never used again."""
        self._last_number += 1
        before, track = self._tracks.get(key), Track(self, self._last_number, key, state)
        self._tracks[key] = track
        self.log.track(track.number, key, state)
        if before is not None:
            before.detach()
        self.tidy()
        return track

    def remove(self, key: Key) -> None:
        """Forget a track."""
        self._tracks.pop(key, None)

    def rename(self, process_id: str) -> None:
        """Forget every track, and go on under another id."""
        for track in self._tracks.values():
            track.detach()
        self._tracks.clear()
        self.process_id = process_id
        self.snapshot()

    def tidy(self) -> None:
        """Make a snapshot when much was appended, or what was to be written could not be."""
        if self.log.has_grown:
            self.snapshot()

    def snapshot(self) -> None:
        """Write all there is anew."""
        self.log.snapshot(self._boot, self.process_id, self._tracks.values())


class Track:
    """What has finished of one session of one shard, under one claim."""

    def __init__(self, tracks: Tracks, number: int, key: Key, state: LocalState) -> None:
        self.number = number
        self.key = key
        self._tracks = tracks
        self._log: Log | None = tracks.log
        self._token, self._session, self._seq, self._done = state.token, state.session, state.seq, set(state.done)

    def finished(self, seq: int) -> None:
        """Note that every handler of an event has ended: one write of 19 bytes, never an error.

        What a track is told after its end means nothing: a handler may end after its shard has moved on.
        """
        if self._log is not None:
            self._done.add(seq)
            self._log.short(DONE, self.number, seq)

    def flushed(self, point: Point) -> None:
        """Note what the database has. A point of another session means nothing."""
        if self._log is None or mark(point.session_id) != self._session:
            return
        self._seq = max(self._seq, point.seq)
        self._done = {seq for seq in self._done | point.done if seq > self._seq}
        self._log.short(FLUSHED, self.number, self._seq)
        self._tracks.tidy()

    def let_go(self) -> None:
        """Note that the shard is somebody else's, or nobody's: the track ends."""
        if self._log is not None:
            self._tracks.remove(self.key)
            self._log.short(LET_GO, self.number, 0)
            self.detach()

    def detach(self) -> None:
        """End the track without a word: another one has begun, or this process has."""
        self._log = None

    def state(self) -> LocalState:
        """Return what a reader would be told."""
        return LocalState(self._token, self._session, self._seq, frozenset(self._done))
