"""One process that makes gifts as fast as it can. Started four times by `test_gifts_by_processes`.

Usage: `python -m tests.integration.modules.gifts URL FIRST COUNT SEED`: `COUNT` gifts with the references from `FIRST`
on. Waits for a line on its standard input, so that all begin together, and prints how many gifts were made and refused.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import UTC, datetime
from decimal import Decimal

from migaga.storage.database import Database, open_database
from migaga_modules.points import money
from migaga_modules.points.money import Change, NotEnoughPoints

GUILD = 300_000_000_000_000_000
MEMBERS = tuple(range(400_000_000_000_000_000, 400_000_000_000_000_010))


async def gift(database: Database, reference: int, dice: random.Random) -> bool:
    """Make one gift in one transaction; False when the sender had too little."""
    sender, receiver = dice.sample(MEMBERS, 2)
    change = Change(GUILD, Decimal(dice.randint(1, 2_000)) / 100, reference, sender, receiver)
    try:
        async with database.transaction() as session:
            await money.move(session, change, datetime.now(UTC))
    except NotEnoughPoints:
        return False
    return True


async def main(url: str, first: int, count: int, seed: int) -> None:
    """Make the gifts, ten at a time."""
    dice = random.Random(seed)
    async with open_database(url) as database:
        await asyncio.to_thread(sys.stdin.readline)
        made = 0
        for start in range(first, first + count, 10):
            batch = range(start, min(start + 10, first + count))
            made += sum(await asyncio.gather(*(gift(database, reference, dice) for reference in batch)))
    print(made, count - made)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
