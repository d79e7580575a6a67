"""Operations as SQL, the same for every database. `leases.py` executes what this module writes."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from migaga.storage.leases_operations import Add, AtMost, Delete, Insert, Update, Value
from migaga.storage.leases_tables import TABLES


def table_of(operation: Update | Insert | Delete) -> sa.Table:
    """Return the table that an operation names. Raises KeyError for one that is no table of ownership."""
    return TABLES[operation.table]


def update_statement(operation: Update) -> sa.Update:
    """Write a compare-and-swap by primary key."""
    table = table_of(operation)
    values = {name: _new(table.c[name], value) for name, value in operation.change.items()}
    return sa.update(table).where(_where(table, {**operation.key, **operation.expect})).values(values)


def delete_statement(operation: Delete) -> sa.Delete:
    """Write the deletion of one row by primary key."""
    table = table_of(operation)
    return sa.delete(table).where(_where(table, {**operation.key, **operation.expect}))


def _new(column: sa.Column[object], value: Value | Add) -> object:
    return column + value.amount if isinstance(value, Add) else value


def _where(table: sa.Table, expect: Mapping[str, Value | AtMost]) -> sa.ColumnElement[bool]:
    return sa.and_(*(_is(table.c[name], value) for name, value in expect.items()))


def _is(column: sa.Column[object], value: Value | AtMost) -> sa.ColumnElement[bool]:
    if isinstance(value, AtMost):
        return column <= value.limit
    return column.is_(None) if value is None else column == value
