"""The core's tables. Those of ownership are in `leases_tables.py`, but for `shard`: lease and session are one row.

The stores of this package write them. A change here needs a revision in
`migrations/versions/`: see docs/database.md.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from migaga.storage.types import Digest, Folded, Json, Snowflake, Text, UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints and indexes: migrations must be able to name what they drop. Modules use it too."""

metadata = sa.MetaData(naming_convention=NAMING)

_BEFORE_ACCESS = {"keep": "whom the owners banned stays banned"}

application = sa.Table(
    "application",
    metadata,
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False, comment="Always 1: there is one row"),
    sa.Column("id", Snowflake, nullable=False, comment="Application id of the bot that owns this database"),
    sa.Column("claimed_at", UtcDateTime, nullable=False, comment="When the bot first used it"),
    comment="The bot that owns this database",
)


def _now() -> datetime:
    return datetime.now(UTC)


shard = sa.Table(
    "shard",
    metadata,
    sa.Column("generation", Text(64), primary_key=True, comment="Shard count, intents and API version"),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="Shard id in that generation"),
    sa.Column("session_id", Text(128), nullable=False, comment="Discord's session: a secret"),
    sa.Column("resume_url", Text(255), nullable=False, comment="Where to resume"),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="Watermark: all events up to it are finished"),
    sa.Column(
        "updated_at",
        UtcDateTime,
        nullable=False,
        default=_now,
        onupdate=_now,
        comment="When it was stored, for display",
    ),
    sa.Column("owner", Text(32), nullable=True, comment="The process that holds it"),
    sa.Column("token", Text(32), nullable=False, server_default="", comment="Random for each owner: fences writes"),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0", comment="Counts owners, for people"),
    sa.Column("state", Text(16), nullable=False, server_default="FREE", comment="Where it is in its life"),
    sa.Column("done_set", Text(), nullable=True, comment="What is finished above the watermark"),
    sa.Column("suspect_seq", sa.BigInteger, nullable=True, comment="The event that may kill its process"),
    sa.Column("suspect_count", sa.Integer, nullable=False, server_default="0", comment="How often it was suspected"),
    sa.Column("died_seq", sa.BigInteger, nullable=True, comment="Watermark at which the last owner died"),
    sa.Column("deaths", sa.Integer, nullable=False, server_default="0", comment="Owners in a row that died there"),
    sa.Column("want", Text(32), nullable=True, comment="The process that wants it"),
    sa.Column("want_beat", sa.BigInteger, nullable=False, server_default="0", comment="Grows while it wants it"),
    sa.Column("journaled", sa.Integer, nullable=False, server_default="0", comment="Generation it journals for"),
    comment="Resumable gateway sessions",
)

module = sa.Table(
    "module",
    metadata,
    sa.Column("name", Text(64), primary_key=True, comment="As in config.ini"),
    sa.Column("title", Text(100), nullable=False, comment="As people see it"),
    sa.Column("description", Text(), nullable=False, comment="What it does"),
    sa.Column("loaded", sa.Boolean, nullable=False, comment="Loaded by the newest process"),
    sa.Column("error", Text(), nullable=True, comment="Why it is not loaded"),
    sa.Column("intents", sa.BigInteger, nullable=False, comment="Gateway intents that it needs, as bits"),
    sa.Column("updated_at", UtcDateTime, nullable=False, comment="When it was recorded"),
    comment="Catalogue: modules",
)

module_command = sa.Table(
    "module_command",
    metadata,
    sa.Column("module", Text(64), primary_key=True, comment="Module"),
    sa.Column("name", Text(160), primary_key=True, comment="Slash path, words joined by a blank, or a menu's name"),
    sa.Column("type", Text(16), primary_key=True, comment="command, user or message"),
    sa.Column("description", Text(), nullable=False, comment="What it does"),
    sa.Column("text_names", Json, nullable=False, comment="Names of the text form, the main one first"),
    sa.Column("usage", Text(), nullable=False, comment="How the text form is written"),
    sa.Column("permissions", Snowflake, nullable=False, comment="What the person needs, as bits"),
    sa.Column("bot_permissions", Snowflake, nullable=False, comment="What the bot needs, as bits"),
    sa.Column("owner_only", sa.Boolean, nullable=False, comment="For owners of the bot only"),
    sa.Column("guild_only", sa.Boolean, nullable=False, comment="Not in direct messages"),
    comment="Catalogue: commands of modules",
)

module_option = sa.Table(
    "module_option",
    metadata,
    sa.Column("module", Text(64), primary_key=True, comment="Module"),
    sa.Column("name", Text(64), primary_key=True, comment="Option"),
    sa.Column("kind", Text(32), nullable=False, comment="What it takes"),
    sa.Column("default", Json, nullable=False, comment="Value where a guild has set none"),
    sa.Column("description", Text(), nullable=False, comment="What it does"),
    comment="Catalogue: options of modules",
)

module_handler = sa.Table(
    "module_handler",
    metadata,
    sa.Column("module", Text(64), primary_key=True, comment="Module"),
    sa.Column("handler", Text(160), primary_key=True, comment="Method"),
    sa.Column("kind", Text(16), primary_key=True, comment="command, user, message, listener, task, component, ..."),
    sa.Column("answers", Text(160), primary_key=True, comment="Command, menu, event, custom id or time"),
    sa.Column("context", Text(64), nullable=True, comment="Context class that it takes; null: none"),
    sa.Column("parameters", Json, nullable=False, comment="Values that a person gives: name, kind, required"),
    sa.Column("injected", Json, nullable=False, comment="Arguments filled by type: argument, source, type"),
    sa.Column("permissions", Snowflake, nullable=False, comment="What the person needs, as bits"),
    sa.Column("bot_permissions", Snowflake, nullable=False, comment="What the bot needs, as bits"),
    sa.Column("owner_only", sa.Boolean, nullable=False, comment="For owners of the bot only"),
    sa.Column("guild_only", sa.Boolean, nullable=False, comment="Not in direct messages"),
    comment="Catalogue: what each handler of a module answers and needs",
)

module_table = sa.Table(
    "module_table",
    metadata,
    sa.Column("name", Folded(64), primary_key=True, comment="A table in this database"),
    sa.Column("module", Text(64), nullable=False, comment="The module that owns it"),
    sa.Column("guild_columns", Json, nullable=False, comment="Columns that say which guild a row belongs to"),
    sa.Column("user_columns", Json, nullable=False, comment="Columns that say which people a row is about"),
    sa.Column("keep", Text(), nullable=True, comment="Why rows outlive the guild or the person's wish"),
    comment="Whose table is whose, so that data is found and deleted also for modules that are not loaded",
)

guild = sa.Table(
    "guild",
    metadata,
    sa.Column("id", Snowflake, primary_key=True, autoincrement=False, comment="Guild id"),
    sa.Column("joined_at", UtcDateTime, nullable=False, comment="When the bot was first seen in it"),
    sa.Column("left_at", UtcDateTime, nullable=True, index=True, comment="When the bot left: its data goes later"),
    comment="Guilds of the bot",
)

guild_option = sa.Table(
    "guild_option",
    metadata,
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False, comment="Guild"),
    sa.Column("module", Text(64), primary_key=True, comment="Module"),
    sa.Column("name", Text(64), primary_key=True, comment="Option"),
    sa.Column("value", Json, nullable=False, comment="What the guild has set"),
    comment="Options that differ from their defaults",
)

effect = sa.Table(
    "effect",
    metadata,
    sa.Column("key", Text(160), primary_key=True, comment="Event, and what of it"),
    sa.Column("module", Text(64), primary_key=True, comment="Module"),
    sa.Column("handler", Text(64), primary_key=True, comment="Handler"),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True, comment="For purging"),
    comment="Effects that must not happen again",
)

access_rule = sa.Table(
    "access_rule",
    metadata,
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False, comment="Guild"),
    sa.Column("scope", Text(16), primary_key=True, comment="module or command"),
    sa.Column("target", Text(160), primary_key=True, comment="Name of the module or command"),
    sa.Column("channel_id", Snowflake, primary_key=True, autoincrement=False, comment="Channel; 0: the whole guild"),
    sa.Column("allowed", sa.Boolean, nullable=False, comment="Allow or deny"),
    comment="Where modules and commands may be used",
)

banned_user = sa.Table(
    "banned_user",
    metadata,
    sa.Column("user_id", Snowflake, primary_key=True, autoincrement=False, comment="Person"),
    sa.Column("reason", Text(512), nullable=False, comment="Why"),
    sa.Column("banned_at", UtcDateTime, nullable=False, comment="When"),
    comment="People who may not use the bot",
    info=_BEFORE_ACCESS,
)

command_registration = sa.Table(
    "command_registration",
    metadata,
    sa.Column("scope", Text(32), primary_key=True, comment="global, or a guild id"),
    sa.Column("digest", Digest, nullable=False, comment="Of what Discord was last told"),
    sa.Column("updated_at", UtcDateTime, nullable=False, comment="When Discord was told"),
    comment="Which commands Discord knows",
)

task_run = sa.Table(
    "task_run",
    metadata,
    sa.Column("name", Text(160), primary_key=True, comment="module.handler"),
    sa.Column("due_at", UtcDateTime, nullable=False, comment="When it runs next"),
    sa.Column("owner", Text(64), nullable=True, comment="The process that runs it now"),
    sa.Column("claimed_at", UtcDateTime, nullable=True, comment="When that process began"),
    comment="Tasks that run once for the fleet",
)
