"""Prints the effects in a database as JSON lines: `python -m migaga_modules.probe.count`, for a scenario's judge.

`PROBE_DATABASE` in the environment is the address of the database: it may hold a password, which must not stand on a
command line. A line is `[name, ids, rows]`. A database without the table has no effects.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from migaga_modules.probe.tables import EFFECTS

DATABASE = "PROBE_DATABASE"


async def count_effects(url: str) -> dict[tuple[str, str], int]:
    """Return how many rows each event has, by its name and its ids as JSON."""
    engine = create_async_engine(url, poolclass=NullPool)
    counts: dict[tuple[str, str], int] = {}
    try:
        async with engine.connect() as connection:
            if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table(EFFECTS.name)):
                return counts
            for name, payload in await connection.execute(sa.select(EFFECTS.c.name, EFFECTS.c.payload)):
                key = (name, json.dumps(payload, sort_keys=True))
                counts[key] = counts.get(key, 0) + 1
    finally:
        await engine.dispose()
    return counts


def main() -> int:
    """Print the effects; exit code 64 without an address."""
    url = os.environ.get(DATABASE)
    if not url:
        sys.stderr.write(f"{DATABASE} is not set: it is the address of the database\n")
        return 64
    for (name, payload), rows in asyncio.run(count_effects(url)).items():
        sys.stdout.write(json.dumps([name, json.loads(payload), rows]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
