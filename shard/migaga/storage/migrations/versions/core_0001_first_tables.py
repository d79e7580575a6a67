"""The first tables.

Revision: core_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.storage import types

revision = "core_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them. `if_not_exists`: MySQL commits each statement, so a broken attempt is taken up again."""
    _fleet()
    _catalogue()
    _guilds()


def _fleet() -> None:
    """The bot, its sessions and what it did once."""
    op.create_table(
        "application",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False, comment="Always 1: there is one row"),
        sa.Column("id", types.Snowflake(), nullable=False, comment="Application id of the bot that owns this database"),
        sa.Column("claimed_at", types.UtcDateTime(), nullable=False, comment="When the bot first used it"),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_application")),
        comment="The bot that owns this database",
        if_not_exists=True,
    )
    op.create_table(
        "shard",
        sa.Column("generation", types.Text(64), nullable=False, comment="Shard count, intents and API version"),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="Shard id in that generation"),
        sa.Column("session_id", types.Text(128), nullable=False, comment="Discord's session: a secret"),
        sa.Column("resume_url", types.Text(255), nullable=False, comment="Where to resume"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="Watermark: all events up to it are finished"),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False, comment="When it was stored, for display"),
        sa.PrimaryKeyConstraint("generation", "id", name=op.f("pk_shard")),
        comment="Resumable gateway sessions",
        if_not_exists=True,
    )
    op.create_table(
        "effect",
        sa.Column("key", types.Text(160), nullable=False, comment="Event, and what of it"),
        sa.Column("module", types.Text(64), nullable=False, comment="Module"),
        sa.Column("handler", types.Text(64), nullable=False, comment="Handler"),
        sa.Column("created_at", types.UtcDateTime(), nullable=False, comment="For purging"),
        sa.PrimaryKeyConstraint("key", "module", "handler", name=op.f("pk_effect")),
        comment="Effects that must not happen again",
        if_not_exists=True,
    )
    op.create_index(op.f("ix_effect_created_at"), "effect", ["created_at"], unique=False, if_not_exists=True)
    op.create_table(
        "task_run",
        sa.Column("name", types.Text(160), nullable=False, comment="module.handler"),
        sa.Column("due_at", types.UtcDateTime(), nullable=False, comment="When it runs next"),
        sa.Column("owner", types.Text(64), nullable=True, comment="The process that runs it now"),
        sa.Column("claimed_at", types.UtcDateTime(), nullable=True, comment="When that process began"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task_run")),
        comment="Tasks that run once for the fleet",
        if_not_exists=True,
    )
    op.create_table(
        "command_registration",
        sa.Column("scope", types.Text(32), nullable=False, comment="global, or a guild id"),
        sa.Column("digest", types.Digest(), nullable=False, comment="Of what Discord was last told"),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False, comment="When Discord was told"),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_command_registration")),
        comment="Which commands Discord knows",
        if_not_exists=True,
    )


def _catalogue() -> None:
    """Modules and what they bring."""
    op.create_table(
        "module",
        sa.Column("name", types.Text(64), nullable=False, comment="As in config.ini"),
        sa.Column("title", types.Text(100), nullable=False, comment="As people see it"),
        sa.Column("description", types.Text(), nullable=False, comment="What it does"),
        sa.Column("loaded", sa.Boolean(), nullable=False, comment="Loaded by the newest process"),
        sa.Column("error", types.Text(), nullable=True, comment="Why it is not loaded"),
        sa.Column("intents", sa.BigInteger(), nullable=False, comment="Gateway intents that it needs, as bits"),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False, comment="When it was recorded"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_module")),
        comment="Catalogue: modules",
        if_not_exists=True,
    )
    op.create_table(
        "module_command",
        sa.Column("module", types.Text(64), nullable=False, comment="Module"),
        sa.Column(
            "name", types.Text(160), nullable=False, comment="Slash path, words joined by a blank, or a menu's name"
        ),
        sa.Column("type", types.Text(16), nullable=False, comment="command, user or message"),
        sa.Column("description", types.Text(), nullable=False, comment="What it does"),
        sa.Column("text_names", types.Json(), nullable=False, comment="Names of the text form, the main one first"),
        sa.Column("usage", types.Text(), nullable=False, comment="How the text form is written"),
        sa.Column("permissions", types.Snowflake(), nullable=False, comment="What the person needs, as bits"),
        sa.Column("bot_permissions", types.Snowflake(), nullable=False, comment="What the bot needs, as bits"),
        sa.Column("owner_only", sa.Boolean(), nullable=False, comment="For owners of the bot only"),
        sa.Column("guild_only", sa.Boolean(), nullable=False, comment="Not in direct messages"),
        sa.PrimaryKeyConstraint("module", "name", "type", name=op.f("pk_module_command")),
        comment="Catalogue: commands of modules",
        if_not_exists=True,
    )
    op.create_table(
        "module_option",
        sa.Column("module", types.Text(64), nullable=False, comment="Module"),
        sa.Column("name", types.Text(64), nullable=False, comment="Option"),
        sa.Column("kind", types.Text(32), nullable=False, comment="What it takes"),
        sa.Column("default", types.Json(), nullable=False, comment="Value where a guild has set none"),
        sa.Column("description", types.Text(), nullable=False, comment="What it does"),
        sa.PrimaryKeyConstraint("module", "name", name=op.f("pk_module_option")),
        comment="Catalogue: options of modules",
        if_not_exists=True,
    )
    op.create_table(
        "module_handler",
        sa.Column("module", types.Text(64), nullable=False, comment="Module"),
        sa.Column("handler", types.Text(160), nullable=False, comment="Method"),
        sa.Column(
            "kind", types.Text(16), nullable=False, comment="command, user, message, listener, task, component, ..."
        ),
        sa.Column("answers", types.Text(160), nullable=False, comment="Command, menu, event, custom id or time"),
        sa.Column("context", types.Text(64), nullable=True, comment="Context class that it takes; null: none"),
        sa.Column(
            "parameters", types.Json(), nullable=False, comment="Values that a person gives: name, kind, required"
        ),
        sa.Column("injected", types.Json(), nullable=False, comment="Arguments filled by type: argument, source, type"),
        sa.Column("permissions", types.Snowflake(), nullable=False, comment="What the person needs, as bits"),
        sa.Column("bot_permissions", types.Snowflake(), nullable=False, comment="What the bot needs, as bits"),
        sa.Column("owner_only", sa.Boolean(), nullable=False, comment="For owners of the bot only"),
        sa.Column("guild_only", sa.Boolean(), nullable=False, comment="Not in direct messages"),
        sa.PrimaryKeyConstraint("module", "handler", "kind", "answers", name=op.f("pk_module_handler")),
        comment="Catalogue: what each handler of a module answers and needs",
        if_not_exists=True,
    )
    op.create_table(
        "module_table",
        sa.Column("name", types.Folded(64), nullable=False, comment="A table in this database"),
        sa.Column("module", types.Text(64), nullable=False, comment="The module that owns it"),
        sa.Column(
            "guild_columns", types.Json(), nullable=False, comment="Columns that say which guild a row belongs to"
        ),
        sa.Column("user_columns", types.Json(), nullable=False, comment="Columns that say which people a row is about"),
        sa.Column("keep", types.Text(), nullable=True, comment="Why rows outlive the guild or the person's wish"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_module_table")),
        comment="Whose table is whose, so that data is found and deleted also for modules that are not loaded",
        if_not_exists=True,
    )


def _guilds() -> None:
    """What guilds and owners have set."""
    op.create_table(
        "guild",
        sa.Column("id", types.Snowflake(), autoincrement=False, nullable=False, comment="Guild id"),
        sa.Column("joined_at", types.UtcDateTime(), nullable=False, comment="When the bot was first seen in it"),
        sa.Column("left_at", types.UtcDateTime(), nullable=True, comment="When the bot left: its data goes later"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guild")),
        comment="Guilds of the bot",
        if_not_exists=True,
    )
    op.create_index(op.f("ix_guild_left_at"), "guild", ["left_at"], unique=False, if_not_exists=True)
    op.create_table(
        "guild_option",
        sa.Column("guild_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Guild"),
        sa.Column("module", types.Text(64), nullable=False, comment="Module"),
        sa.Column("name", types.Text(64), nullable=False, comment="Option"),
        sa.Column("value", types.Json(), nullable=False, comment="What the guild has set"),
        sa.PrimaryKeyConstraint("guild_id", "module", "name", name=op.f("pk_guild_option")),
        comment="Options that differ from their defaults",
        if_not_exists=True,
    )
    op.create_table(
        "access_rule",
        sa.Column("guild_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Guild"),
        sa.Column("scope", types.Text(16), nullable=False, comment="module or command"),
        sa.Column("target", types.Text(160), nullable=False, comment="Name of the module or command"),
        sa.Column(
            "channel_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Channel; 0: the whole guild"
        ),
        sa.Column("allowed", sa.Boolean(), nullable=False, comment="Allow or deny"),
        sa.PrimaryKeyConstraint("guild_id", "scope", "target", "channel_id", name=op.f("pk_access_rule")),
        comment="Where modules and commands may be used",
        if_not_exists=True,
    )
    op.create_table(
        "banned_user",
        sa.Column("user_id", types.Snowflake(), autoincrement=False, nullable=False, comment="Person"),
        sa.Column("reason", types.Text(512), nullable=False, comment="Why"),
        sa.Column("banned_at", types.UtcDateTime(), nullable=False, comment="When"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_banned_user")),
        comment="People who may not use the bot",
        if_not_exists=True,
    )
