"""A database in memory that executes the same operations as the real one, one statement at a time."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from migaga.storage.leases_operations import Add, AtMost, Delete, Insert, Operation, Outcome, Together, Update, Value
from migaga.storage.leases_rows import GenerationRow, InflightRow, Observation, ProcessRow, ShardRow

KEYS: Mapping[str, tuple[str, ...]] = {
    "process": ("id",),
    "shard": ("generation", "id"),
    "generation": ("n",),
    "inflight": ("generation", "shard", "session_id", "seq"),
    "journal": ("generation", "shard", "guild_id", "digest", "n"),
    "identify_bucket": ("application_id", "bucket"),
    "identify_day": ("application_id",),
    "breaker": ("application_id",),
}
Row = dict[str, object]
Tables = dict[str, dict[tuple[object, ...], Row]]


class ModelDb:
    """Tables as dictionaries: primary key -> column -> value."""

    def __init__(self) -> None:
        self.tables: Tables = {name: {} for name in KEYS}
        self.statements = 0

    def snapshot(self) -> Tables:
        return copy.deepcopy(self.tables)

    def execute(self, operation: Operation) -> Outcome:
        self.statements += 1
        if isinstance(operation, Insert):
            return Outcome.DONE if self._insert(operation) else Outcome.REFUSED
        if isinstance(operation, Together):
            if not all(self._matches(fence) for fence in operation.fences):
                return Outcome.REFUSED
            for fence in operation.fences:
                self._change(fence)
            for insert in operation.rows:
                self._insert(insert)
            return Outcome.DONE
        if not self._matches(operation):
            return Outcome.REFUSED
        if isinstance(operation, Delete):
            del self.tables[operation.table][self._key(operation)]
        else:
            self._change(operation)
        return Outcome.DONE

    def shards(self) -> list[ShardRow]:
        return [ShardRow(**row) for row in self.tables["shard"].values()]  # type: ignore[arg-type]

    def shard(self, key: tuple[str, int]) -> ShardRow:
        return ShardRow(**self.tables["shard"][key])  # type: ignore[arg-type]

    def processes(self) -> list[ProcessRow]:
        return [ProcessRow(**row) for row in self.tables["process"].values()]  # type: ignore[arg-type]

    def generations(self) -> list[GenerationRow]:
        return [GenerationRow(**row) for row in self.tables["generation"].values()]  # type: ignore[arg-type]

    def inflight(self) -> list[InflightRow]:
        return [InflightRow(**row) for row in self.tables["inflight"].values()]  # type: ignore[arg-type]

    def observe(self) -> Observation:
        return Observation(self.generations(), self.shards(), self.processes())

    def _insert(self, insert: Insert) -> bool:
        table = self.tables[insert.table]
        key = tuple(insert.row[name] for name in KEYS[insert.table])
        if key in table:
            return False
        table[key] = dict(insert.row)
        return True

    def _matches(self, operation: Update | Delete) -> bool:
        row = self.tables[operation.table].get(self._key(operation))
        return row is not None and all(_is(row[name], value) for name, value in operation.expect.items())

    def _change(self, update: Update) -> None:
        row = self.tables[update.table][self._key(update)]
        for name, value in update.change.items():
            assert name in row, f"{update.table} has no column {name}"
            row[name] = _number(row[name]) + value.amount if isinstance(value, Add) else value

    @staticmethod
    def _key(operation: Update | Delete) -> tuple[object, ...]:
        return tuple(operation.key[name] for name in KEYS[operation.table])


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _is(value: object, expected: Value | AtMost) -> bool:
    return _number(value) <= expected.limit if isinstance(expected, AtMost) else value == expected
