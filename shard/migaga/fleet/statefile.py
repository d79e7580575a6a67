"""The local file of a process (P2, P5): what it has finished, exactly, readable after it was killed.

Every process has a file of its own and keeps it locked for its whole life, so an unlocked file proves that its writer
is dead. The steward opens it at the start, claims what its predecessors had, and then says `taken_over`. Intakes tell
a `Track` of each event that has finished; the flusher tells it what the database has.

Files are named at random, and no name is used twice: whoever has read a dead one may remove it. Only the folder is
shared; nobody waits for anybody.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from migaga.common.errors import MigagaError
from migaga.continuity.finished import mark
from migaga.continuity.local import LocalState
from migaga.continuity.progress import Point
from migaga.fleet.statelog import HALF, Log, Track, Tracks
from migaga.fleet.staterecords import Key, read
from migaga.storage.leases_rows import ShardRow

SUFFIX = ".state"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TRIES = 16
# Not following links, and never waiting for the other side of a pipe.
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NAMES = "[0-9a-f]" * 16 + SUFFIX


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A process of this machine that is dead, and what its file tells."""

    process_id: str | None
    """It may be declared dead at once. None: nothing proves that it is, because the file was written before the
    machine was started, or by another machine that shares the folder."""
    shards: Mapping[Key, LocalState]


@dataclass(frozen=True, slots=True)
class _Useless:
    """A file that means nothing."""

    reason: str
    is_dead: bool
    """Its writer is: it may be removed."""


class StateFile:
    """The locked file of this process. `open_state` makes it."""

    def __init__(self, path: Path, tracks: Tracks) -> None:
        self.path = path
        self.predecessors: Sequence[Predecessor] = ()
        self.ignored: Sequence[str] = ()
        """Files that mean nothing, and why: for the log."""
        self._tracks = tracks
        self._told: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def broken(self) -> str | None:
        """Why nothing is recorded now, or None. It is tried again with each flush; until then events that finish
        may be handled again after a crash."""
        return self._tracks.log.broken

    def hold(self, key: Key, token: str, point: Point) -> Track:
        """Begin a track at a claim, and at each new session. The track before it of the same shard ends.

        It may be called before the claim is sent: while its token is not in the row, it means nothing.

        Args:
            key: Generation name and shard id.
            token: Of the claim. Only its mark is written.
            point: Where the session begins, or is resumed from, with what is finished above.
        """
        return self._tracks.begin(key, LocalState(mark(token), mark(point.session_id), point.seq, point.done))

    def local(self, row: ShardRow) -> LocalState | None:
        """Return what a predecessor tells of a shard. The row is as it was **before** the claim."""
        told = (one.shards[row.key] for one in self.predecessors if row.key in one.shards)
        return next((state for state in told if state.is_of(row)), None)

    def taken_over(self) -> None:
        """Remove the files of the predecessors: what they tell is claimed, and in this one. It blocks; no errors."""
        while self._told:
            _remove(self._told.pop())

    def rename(self, process_id: str) -> None:
        """Go on under a new id, after this process was declared dead: every track ends.

        What it has finished is of use again for shards that nobody else has claimed.
        """
        self.predecessors = (*self.predecessors, Predecessor(None, self._tracks.states))
        self._tracks.rename(process_id)

    def close(self) -> None:
        """Unlock the file. That says that this process is dead: nothing of it may run any more. It blocks.

        A file that tells of no shard is removed. Again: nothing happens.
        """
        file = self._tracks.log.end()
        if file >= 0:
            if not self._tracks.states:
                _remove(self.path)
            os.close(file)

    def read_others(self) -> None:
        """Read every file of the folder that nobody has locked. It blocks."""
        paths = sorted(path for path in self.path.parent.glob(_NAMES) if path != self.path)
        told = {path: one for path in paths if (one := _read(path)) is not None}
        self.predecessors = [one for one in told.values() if isinstance(one, Predecessor)]
        self.ignored = [f"{path.name}: {one.reason}" for path, one in told.items() if isinstance(one, _Useless)]
        self._told = [path for path, one in told.items() if isinstance(one, Predecessor) or one.is_dead]


def open_state(directory: Path, process_id: str) -> StateFile:
    """Make and lock the file of this process, and read those of its dead predecessors. It blocks.

    Raises:
        MigagaError: The folder cannot be used. A process can do without: a crash then repeats up to 250 ms.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, file = _create(directory)
        state = StateFile(path, Tracks(Log(file), _boot_id(), process_id))
        state.read_others()
    except OSError as error:
        raise MigagaError(
            f"The folder for local state, {directory}, cannot be used: {error.strerror or error}. Let this user write "
            "to it, or name another one with [Fleet] StateDirectory (none: do without, and repeat more after a crash)."
        ) from error
    return state


def _create(directory: Path) -> tuple[Path, int]:
    """Make a file and lock it. Others may see it before it is locked, and remove it while it is empty."""
    for _ in range(_TRIES):
        path = directory / (secrets.token_hex(8) + SUFFIX)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            if _lock(file, fcntl.LOCK_EX) and _is_at(path, file):
                return path, file
        except OSError:
            os.close(file)
            _remove(path)
            raise
        os.close(file)
    raise OSError(errno.EBUSY, "others remove what is made there")


def _read(path: Path) -> Predecessor | _Useless | None:
    """Return what a dead process tells; None while its writer lives, or is being born."""
    try:
        file = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _Useless(f"it cannot be read: {error.strerror}", is_dead=False)
    try:
        return _judge(path, file)
    except OSError as error:
        return _Useless(f"it cannot be read: {error.strerror}", is_dead=False)
    finally:
        os.close(file)


def _judge(path: Path, file: int) -> Predecessor | _Useless | None:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        return _Useless("it is not a file", is_dead=False)
    # Shared: several processes that start together all learn of the dead.
    if not _lock(file, fcntl.LOCK_SH):
        return None
    if os.fstat(file).st_size == 0:
        if _lock(file, fcntl.LOCK_EX):
            _remove(path)
        return None
    told = read(os.pread(file, HALF, half * HALF) for half in range(2))
    if isinstance(told, str):
        return _Useless(told, is_dead=True)
    return Predecessor(told.header.process_id if told.header.boot == _boot_id() else None, told.shards)


def _lock(file: int, how: int) -> bool:
    """Lock without waiting; tell whether nobody else has it."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            return False
        raise
    return True


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    """Remove a file, if that is possible: one that stays is read again, and means nothing by then."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _boot_id() -> str:
    """Name this start of this machine; empty where the system has no name for it."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
