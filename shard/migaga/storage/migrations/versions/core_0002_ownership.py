"""Ownership of shards by processes.

Revision: core_0002. The release before knows only the first columns of `shard`: all others have defaults, and stored
sessions stay as they are, free to be claimed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.storage import types

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create and add them. What a broken attempt has done is left: MySQL commits each statement."""
    _shard()
    _fleet()
    _events()
    _identify()


def _shard() -> None:
    """Lease and session are one row."""
    columns = [
        sa.Column("owner", types.Text(32), nullable=True, comment="The process that holds it"),
        sa.Column(
            "token", types.Text(32), nullable=False, server_default="", comment="Random for each owner: fences writes"
        ),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default="0", comment="Counts owners, for people"),
        sa.Column("state", types.Text(16), nullable=False, server_default="FREE", comment="Where it is in its life"),
        sa.Column("done_set", types.Text(), nullable=True, comment="What is finished above the watermark"),
        sa.Column("suspect_seq", sa.BigInteger(), nullable=True, comment="The event that may kill its process"),
        sa.Column(
            "suspect_count", sa.Integer(), nullable=False, server_default="0", comment="How often it was suspected"
        ),
        sa.Column("died_seq", sa.BigInteger(), nullable=True, comment="Watermark at which the last owner died"),
        sa.Column(
            "deaths", sa.Integer(), nullable=False, server_default="0", comment="Owners in a row that died there"
        ),
        sa.Column("want", types.Text(32), nullable=True, comment="The process that wants it"),
        sa.Column("want_beat", sa.BigInteger(), nullable=False, server_default="0", comment="Grows while it wants it"),
        sa.Column("journaled", sa.Integer(), nullable=False, server_default="0", comment="Generation it journals for"),
    ]
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("shard")}
    for column in columns:
        if column.name not in there:
            op.add_column("shard", column)


def _fleet() -> None:
    op.create_table(
        "process",
        sa.Column("id", types.Text(32), nullable=False, comment="Random for each start"),
        sa.Column("beat", sa.BigInteger(), nullable=False, comment="Grows while it lives"),
        sa.Column("dead", sa.Boolean(), nullable=False, comment="Others declared it dead: final"),
        sa.Column("ready", sa.Boolean(), nullable=False, comment="It has proved itself"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="Grows with each roll"),
        sa.Column("capacity", sa.Integer(), nullable=False, comment="Shards that it would like to hold at most"),
        sa.Column(
            "leaving", sa.Integer(), nullable=False, comment="Seconds of grace when it began to leave; 0: it stays"
        ),
        sa.Column("address", types.Text(255), nullable=False, comment="Where it answers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
        comment="Processes of the fleet",
        if_not_exists=True,
    )
    op.create_table(
        "generation",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False, comment="Counts generations"),
        sa.Column("name", types.Text(64), nullable=False, comment="As rows of shards name it"),
        sa.Column("shard_count", sa.Integer(), nullable=False, comment="Shards"),
        sa.Column("intents", sa.BigInteger(), nullable=False, comment="Gateway intents, as bits"),
        sa.Column("api_version", sa.Integer(), nullable=False, comment="Version of Discord's gateway"),
        sa.Column("state", types.Text(16), nullable=False, comment="Where it is in its life"),
        sa.Column("warm_seconds", sa.Integer(), nullable=False, comment="How long it may take until it is cut in"),
        sa.Column("reason", types.Text(), nullable=True, comment="Why it was aborted"),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_generation")),
        sa.UniqueConstraint("name", name=op.f("uq_generation_name")),
        comment="What sessions are bound to",
        if_not_exists=True,
    )


def _events() -> None:
    op.create_table(
        "inflight",
        sa.Column("generation", types.Text(64), nullable=False, comment="Generation"),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False, comment="Shard id"),
        sa.Column("session_id", types.Text(128), nullable=False, comment="Session of the event: a secret"),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="Its number there"),
        sa.Column("owner", types.Text(32), nullable=False, comment="The process that runs it"),
        sa.Column("name", types.Text(64), nullable=False, comment="Discord's event name"),
        sa.Column("payload", types.Text(), nullable=False, comment="Raw d, as JSON"),
        sa.Column("guild_id", types.Snowflake(), nullable=True, comment="Guild"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="Processes that have run it"),
        sa.Column("quarantined", sa.Boolean(), nullable=False, comment="Kept for inspection, never run"),
        sa.PrimaryKeyConstraint("generation", "shard", "session_id", "seq", name=op.f("pk_inflight")),
        comment="Events behind the watermark that are not finished",
        if_not_exists=True,
    )
    op.create_table(
        "journal",
        sa.Column("generation", types.Text(64), nullable=False, comment="Generation"),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False, comment="Shard id"),
        sa.Column("guild_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Guild; 0: none"),
        sa.Column("digest", types.Digest(), nullable=False, comment="Of the event"),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False, comment="Which one of those"),
        sa.Column("process", types.Text(32), nullable=False, comment="Whose clock the time is of"),
        sa.Column(
            "at_ms", sa.BigInteger(), nullable=False, comment="When it was received, in milliseconds of that clock"
        ),
        sa.PrimaryKeyConstraint("generation", "shard", "guild_id", "digest", "n", name=op.f("pk_journal")),
        comment="What a generation finished while the next one was armed",
        if_not_exists=True,
    )


def _application() -> sa.Column[int]:
    return sa.Column("application_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Application")


def _identify() -> None:
    op.create_table(
        "identify_bucket",
        _application(),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False, comment="shard id % max_concurrency"),
        sa.Column("token", types.Text(32), nullable=False, comment="Random for each slot"),
        sa.Column("sent", sa.Boolean(), nullable=False, comment="IDENTIFY was sent in this slot"),
        sa.PrimaryKeyConstraint("application_id", "bucket", name=op.f("pk_identify_bucket")),
        comment="Turns to IDENTIFY",
        if_not_exists=True,
    )
    op.create_table(
        "identify_day",
        _application(),
        sa.Column("span", sa.Integer(), nullable=False, comment="Counts Discord's periods of 24 hours"),
        sa.Column("resets_at", sa.BigInteger(), nullable=False, comment="When the period ends: Unix time"),
        sa.Column("total", sa.Integer(), nullable=False, comment="What Discord allows in it"),
        sa.Column("spent", sa.Integer(), nullable=False, comment="IDENTIFYs counted in it"),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_identify_day")),
        comment="The budget of IDENTIFYs",
        if_not_exists=True,
    )
    op.create_table(
        "breaker",
        _application(),
        sa.Column("is_open", sa.Boolean(), nullable=False, comment="Discord refuses the token"),
        sa.Column("fingerprint", types.Text(64), nullable=False, comment="Of the refused token, salted"),
        sa.Column("probe", sa.BigInteger(), nullable=False, comment="Counts questions whether it is accepted"),
        sa.Column("reason", types.Text(), nullable=True, comment="What Discord said"),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_breaker")),
        comment="Whether Discord refuses the token",
        if_not_exists=True,
    )
