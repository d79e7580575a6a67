"""Tables of ownership: who lives, which generations there are, what is put aside, what may be identified.

Part of the core's metadata; `leases.py` reads and writes them. A change here needs a revision in
`migrations/versions/`.
"""

from __future__ import annotations

import sqlalchemy as sa

from migaga.storage.tables import metadata, shard
from migaga.storage.types import Digest, Snowflake, Text

process = sa.Table(
    "process",
    metadata,
    sa.Column("id", Text(32), primary_key=True, comment="Random for each start"),
    sa.Column("beat", sa.BigInteger, nullable=False, comment="Grows while it lives"),
    sa.Column("dead", sa.Boolean, nullable=False, comment="Others declared it dead: final"),
    sa.Column("ready", sa.Boolean, nullable=False, comment="It has proved itself"),
    sa.Column("revision", sa.BigInteger, nullable=False, comment="Grows with each roll"),
    sa.Column("capacity", sa.Integer, nullable=False, comment="Shards that it would like to hold at most"),
    sa.Column("leaving", sa.Integer, nullable=False, comment="Seconds of grace when it began to leave; 0: it stays"),
    sa.Column("address", Text(255), nullable=False, comment="Where it answers"),
    comment="Processes of the fleet",
)

generation = sa.Table(
    "generation",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False, comment="Counts generations"),
    sa.Column("name", Text(64), nullable=False, unique=True, comment="As rows of shards name it"),
    sa.Column("shard_count", sa.Integer, nullable=False, comment="Shards"),
    sa.Column("intents", sa.BigInteger, nullable=False, comment="Gateway intents, as bits"),
    sa.Column("api_version", sa.Integer, nullable=False, comment="Version of Discord's gateway"),
    sa.Column("state", Text(16), nullable=False, comment="Where it is in its life"),
    sa.Column("warm_seconds", sa.Integer, nullable=False, comment="How long it may take until it is cut in"),
    sa.Column("reason", Text(), nullable=True, comment="Why it was aborted"),
    comment="What sessions are bound to",
)

inflight = sa.Table(
    "inflight",
    metadata,
    sa.Column("generation", Text(64), primary_key=True, comment="Generation"),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False, comment="Shard id"),
    sa.Column("session_id", Text(128), primary_key=True, comment="Session of the event: a secret"),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="Its number there"),
    sa.Column("owner", Text(32), nullable=False, comment="The process that runs it"),
    sa.Column("name", Text(64), nullable=False, comment="Discord's event name"),
    sa.Column("payload", Text(), nullable=False, comment="Raw d, as JSON"),
    sa.Column("guild_id", Snowflake, nullable=True, comment="Guild"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="Processes that have run it"),
    sa.Column("quarantined", sa.Boolean, nullable=False, comment="Kept for inspection, never run"),
    comment="Events behind the watermark that are not finished",
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("generation", Text(64), primary_key=True, comment="Generation"),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False, comment="Shard id"),
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False, comment="Guild; 0: none"),
    sa.Column("digest", Digest, primary_key=True, comment="Of the event"),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False, comment="Which one of those"),
    sa.Column("process", Text(32), nullable=False, comment="Whose clock the time is of"),
    sa.Column("at_ms", sa.BigInteger, nullable=False, comment="When it was received, in milliseconds of that clock"),
    comment="What a generation finished while the next one was armed",
)

identify_bucket = sa.Table(
    "identify_bucket",
    metadata,
    sa.Column("application_id", Snowflake, primary_key=True, autoincrement=False, comment="Application"),
    sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False, comment="shard id % max_concurrency"),
    sa.Column("token", Text(32), nullable=False, comment="Random for each slot"),
    sa.Column("sent", sa.Boolean, nullable=False, comment="IDENTIFY was sent in this slot"),
    comment="Turns to IDENTIFY",
)

identify_day = sa.Table(
    "identify_day",
    metadata,
    sa.Column("application_id", Snowflake, primary_key=True, autoincrement=False, comment="Application"),
    sa.Column("span", sa.Integer, nullable=False, comment="Counts Discord's periods of 24 hours"),
    sa.Column("resets_at", sa.BigInteger, nullable=False, comment="When the period ends: Unix time"),
    sa.Column("total", sa.Integer, nullable=False, comment="What Discord allows in it"),
    sa.Column("spent", sa.Integer, nullable=False, comment="IDENTIFYs counted in it"),
    comment="The budget of IDENTIFYs",
)

breaker = sa.Table(
    "breaker",
    metadata,
    sa.Column("application_id", Snowflake, primary_key=True, autoincrement=False, comment="Application"),
    sa.Column("is_open", sa.Boolean, nullable=False, comment="Discord refuses the token"),
    sa.Column("fingerprint", Text(64), nullable=False, comment="Of the refused token, salted"),
    sa.Column("probe", sa.BigInteger, nullable=False, comment="Counts questions whether it is accepted"),
    sa.Column("reason", Text(), nullable=True, comment="What Discord said"),
    comment="Whether Discord refuses the token",
)

CORE_METADATA = metadata
"""All tables of the core: those of `tables.py` and these."""

TABLES = {
    table.name: table
    for table in (process, shard, generation, inflight, journal, identify_bucket, identify_day, breaker)
}
"""Tables by the names that operations use."""
