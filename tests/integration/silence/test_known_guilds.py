"""Which guilds a shard can be asked about that has heard of none."""

from __future__ import annotations

from migaga.fleet.silence import GUILDS_KEPT, some_guilds
from migaga.storage.database import Database, open_database
from migaga.storage.retention import Retention


def of_shard(shard_id: int, number: int, count: int = 3) -> int:
    """A guild of a shard."""
    return ((number * count + shard_id) << 22) + number


async def test_a_few_guilds_of_the_shard_that_the_bot_is_in_are_known(database: Database) -> None:
    retention = Retention(database)
    for number in range(1, 8):
        for shard_id in range(3):
            await retention.guild_joined(of_shard(shard_id, number))
    await retention.guild_left(of_shard(1, 1))
    assert await some_guilds(database, 1, 3) == [of_shard(1, number) for number in range(2, 2 + GUILDS_KEPT)]
    assert await some_guilds(database, 900, 1_000) == []


async def test_of_a_database_that_is_not_there_nothing_is_known(sqlite_url: str) -> None:
    async with open_database(sqlite_url) as database:
        assert await some_guilds(database, 0, 1) == []
