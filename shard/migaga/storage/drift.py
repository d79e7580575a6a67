"""Compare a database with what the code expects of it. For `migaga db check` and for tests of migrations."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from migaga.storage.database import Database
from migaga.storage.schema import ModuleSchema


async def find_drift(database: Database, schema: ModuleSchema) -> Sequence[str]:
    """Return the differences between a schema's tables in the database and in its metadata; empty when there are none.

    Missing and extra columns, indexes and constraints, other types, other nullability.
    """
    async with database.maintenance(reading=True) as connection:
        return await connection.run_sync(_compare, schema.metadata)


async def assert_no_drift(database: Database, schema: ModuleSchema) -> None:
    """Fail with the list of differences. For tests: migrate, then call it.

    Raises:
        AssertionError: The migrations do not lead to the metadata.
    """
    drift = await find_drift(database, schema)
    if drift:
        raise AssertionError(f"migrations of {schema.name} and its metadata differ:\n" + "\n".join(drift))


def _compare(connection: sa.Connection, metadata: sa.MetaData) -> Sequence[str]:
    names = {name.casefold() for name in metadata.tables}

    def is_ours(thing: sa.schema.SchemaItem, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        return kind != "table" or (name or "").casefold() in names

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
    found: list[str] = []
    for difference in compare_metadata(context, metadata):
        # Changes of one column come as a list: (kind, schema, table, column, details, old, new).
        changes = difference if isinstance(difference, list) else [difference]
        found += [_describe(*change) for change in changes]
    return found


def _describe(kind: str, *details: object) -> str:
    """Write one of Alembic's differences: what would have to be done to the database."""
    names = [getattr(detail, "name", detail) for detail in details if detail is not None and detail != {}]
    owner = [
        thing.table.name
        for thing in details
        if isinstance(thing, (sa.Index, sa.UniqueConstraint)) and thing.table is not None
    ]
    return f"{kind.replace('_', ' ')}: {' '.join(str(name) for name in [*owner, *names] if not isinstance(name, dict))}"
