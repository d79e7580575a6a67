"""Executes what `migaga.continuity` decides, and reads what it judges.

The runtime opens one `LeaseStore` for a process. No result is lost: a write ends as an `Outcome`, also when nobody can
say what became of it; a reading that fails raises UnavailableError.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.common.errors import MigagaError, UnavailableError
from migaga.storage.database import Database
from migaga.storage.failures import is_duplicate, is_temporary_conflict
from migaga.storage.leases_lanes import Lane, NotSentError
from migaga.storage.leases_operations import Delete, Insert, Operation, Outcome, Together
from migaga.storage.leases_rows import (
    BreakerRow,
    BucketRow,
    DayRow,
    GenerationRow,
    InflightRow,
    JournalRow,
    Observation,
    ProcessRow,
    ShardRow,
)
from migaga.storage.leases_statements import delete_statement, table_of, update_statement
from migaga.storage.leases_tables import (
    breaker,
    generation,
    identify_bucket,
    identify_day,
    inflight,
    journal,
    process,
)
from migaga.storage.portable import delete_batch, insert_all_ignore, insert_ignore, retrying
from migaga.storage.tables import shard

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row")
_Values: TypeAlias = tuple[object, ...]
Selected: TypeAlias = sa.Select[_Values]

ANSWER_WITHIN = 4.0
"""Seconds after which an operation is given up. Longer than a hiccup, shorter than a life."""
_BATCH = 500


def _columns(table: sa.Table, row: type[DataclassInstance]) -> Selected:
    """Select what a row consists of, in its order."""
    return sa.select(*(table.c[field.name] for field in fields(row)))


_ALL_GENERATIONS = _columns(generation, GenerationRow).order_by(generation.c.n)
_ALL_SHARDS = _columns(shard, ShardRow).order_by(*shard.primary_key)
_ALL_PROCESSES = _columns(process, ProcessRow)


class _RefusedError(Exception):
    """A fence did not find its row: the transaction is rolled back."""


class LeaseStore:
    """The tables of ownership, on connections that modules cannot exhaust."""

    def __init__(self, database: Database, *, answer_within: float = ANSWER_WITHIN) -> None:
        self._database = database
        self._limit = answer_within
        self._beats, self._rest = Lane(database), Lane(database)
        self._known: Mapping[_Values, ShardRow] = {}
        """Shards as they were read last: most have not changed when they are read again, and making 200 of them every
        two seconds cost more than all else that a process at rest does."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._beats.aclose()
        await self._rest.aclose()

    # ---- writing

    async def execute(self, operation: Operation) -> Outcome:
        """Execute an operation literally.

        FAILED is only said when the server itself has refused it or was never reached; a connection that breaks after
        the statement was sent, and an answer that does not come in time, are UNKNOWN.
        """
        try:
            async with asyncio.timeout(self._limit):
                return Outcome.DONE if await self._perform(operation) else Outcome.REFUSED
        except _RefusedError:
            return Outcome.REFUSED
        except (TimeoutError, MigagaError):
            _raise_if_cancelled()
            return Outcome.UNKNOWN
        except (exc.TimeoutError, NotSentError):
            _raise_if_cancelled()
            return Outcome.FAILED  # No connection was to be had: nothing was sent.
        except exc.SQLAlchemyError as error:
            _raise_if_cancelled()
            return Outcome.FAILED if _was_refused_by_server(error) else Outcome.UNKNOWN

    async def _perform(self, operation: Operation) -> bool:
        if isinstance(operation, Together):
            await self._together(operation)
            return True
        if isinstance(operation, Insert):
            async with self._database.lease_transaction() as session:
                return await insert_ignore(session, table_of(operation), operation.row)
        if isinstance(operation, Delete):
            return await self._rest.change(delete_statement(operation)) == 1
        lane = self._beats if operation.table == process.name else self._rest
        return await lane.change(update_statement(operation)) == 1

    async def _together(self, operation: Together) -> None:
        async with self._database.lease_transaction() as session:
            for fence in operation.fences:
                found = await session.execute(update_statement(fence))
                if not isinstance(found, sa.CursorResult) or found.rowcount != 1:
                    raise _RefusedError
            tables = dict.fromkeys(insert.table for insert in operation.rows)
            for name in tables:
                inserts = [insert for insert in operation.rows if insert.table == name]
                await insert_all_ignore(session, table_of(inserts[0]), [insert.row for insert in inserts])

    # ---- reading

    async def observe(self) -> Observation:
        """Read the fleet: generations, then shards, then processes. That order is what makes judging owners safe."""
        generations = await self._read(_ALL_GENERATIONS, GenerationRow)
        self._known = _made(ShardRow, await self._rows(_ALL_SHARDS), self._known)
        return Observation(generations, [*self._known.values()], await self.processes())

    async def processes(self) -> Sequence[ProcessRow]:
        """Read the processes alone, for watching their beats."""
        return await self._read(_ALL_PROCESSES, ProcessRow)

    async def shard(self, generation_name: str, shard_id: int) -> ShardRow | None:
        """Read one shard."""
        one = _ALL_SHARDS.where(shard.c.generation == generation_name, shard.c.id == shard_id)
        return next(iter(await self._read(one, ShardRow)), None)

    async def inflight(self, generation_name: str, shard_id: int | None = None) -> Sequence[InflightRow]:
        """Read the events that are put aside, of one shard or of a generation."""
        query = _columns(inflight, InflightRow).where(inflight.c.generation == generation_name)
        if shard_id is not None:
            query = query.where(inflight.c.shard == shard_id)
        return await self._read(query.order_by(inflight.c.shard, inflight.c.seq), InflightRow)

    async def journal(self, generation_name: str, shard_id: int) -> Sequence[JournalRow]:
        """Read what one shard of a generation has journaled, in order of receipt."""
        query = _columns(journal, JournalRow).where(
            journal.c.generation == generation_name, journal.c.shard == shard_id
        )
        return await self._read(query.order_by(journal.c.at_ms, journal.c.n), JournalRow)

    async def buckets(self, application_id: int) -> Sequence[BucketRow]:
        """Read the IDENTIFY buckets of an application."""
        query = _columns(identify_bucket, BucketRow).where(identify_bucket.c.application_id == application_id)
        return await self._read(query.order_by(identify_bucket.c.bucket), BucketRow)

    async def day(self, application_id: int) -> DayRow | None:
        """Read what an application has spent."""
        query = _columns(identify_day, DayRow).where(identify_day.c.application_id == application_id)
        return next(iter(await self._read(query, DayRow)), None)

    async def breaker(self, application_id: int) -> BreakerRow | None:
        """Read whether an application's token is refused."""
        query = _columns(breaker, BreakerRow).where(breaker.c.application_id == application_id)
        return next(iter(await self._read(query, BreakerRow)), None)

    async def _read(self, query: Selected, make: Callable[..., Row]) -> Sequence[Row]:
        return [*_made(make, await self._rows(query), {}).values()]

    async def _rows(self, query: Selected) -> Sequence[_Values]:
        try:
            async with asyncio.timeout(self._limit):
                return await self._rest.rows(query)
        except (TimeoutError, NotSentError, exc.SQLAlchemyError) as error:
            _raise_if_cancelled()
            raise UnavailableError(
                f"database {self._database.label}: the fleet could not be read ({type(error).__name__}). "
                "Is the server running, and reachable from here?"
            ) from error

    # ---- what is over

    async def forget_generation(self, name: str) -> int:
        """Delete what a generation that is GONE or ABORTED has left: shards, journal, events. Returns the rows.

        Quarantined events stay for inspection. In batches, each a transaction; several processes may do it at once.
        """
        gone = sa.and_(inflight.c.generation == name, inflight.c.quarantined.is_(False))
        total = await self._delete_all(inflight, gone)
        total += await self._delete_all(journal, journal.c.generation == name)
        return total + await self._delete_all(shard, shard.c.generation == name)

    async def forget_dead(self, process_id: str) -> bool:
        """Delete the row of a dead process. An owner without a row is dead, so nothing changes for its shards."""
        return await self.execute(Delete("process", {"id": process_id}, {"dead": True})) is Outcome.DONE

    async def _delete_all(self, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
        async def work(session: AsyncSession) -> int:
            return await delete_batch(session, table, where, _BATCH)

        total, count = 0, _BATCH
        while count == _BATCH:
            count = await retrying(self._database, work)
            total += count
        return total


@asynccontextmanager
async def open_lease_store(database: Database, *, answer_within: float = ANSWER_WITHIN) -> AsyncIterator[LeaseStore]:
    """Open the store of one process; its connections are opened when they are needed, and closed at the end."""
    store = LeaseStore(database, answer_within=answer_within)
    try:
        yield store
    finally:
        await store.aclose()


def _made(make: Callable[..., Row], read: Sequence[_Values], known: Mapping[_Values, Row]) -> dict[_Values, Row]:
    """Make rows of what was read, but for those that are known."""
    return {values: known.get(values) or make(*values) for values in read}


def _raise_if_cancelled() -> None:
    """Let a cancellation through that came out of the driver as an error of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _was_refused_by_server(error: exc.SQLAlchemyError) -> bool:
    """Whether the server has answered that it did not execute it."""
    if is_temporary_conflict(error):
        return True
    return isinstance(error, exc.IntegrityError) and is_duplicate(error)
