"""Custom commands and their responses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.api import Folded, Snowflake, Text, UtcDateTime

revision = "custom_commands_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "discord_commands",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
        sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
        sa.Column("name", Text(50), nullable=False, comment="As it was written"),
        sa.Column("name_folded", Folded(200), nullable=False, comment="As it is found"),
        sa.Column("response", Text(), nullable=False, comment="What the bot says"),
        sa.Column("created_at", UtcDateTime, nullable=False, comment="When it was added"),
        comment="Custom commands; several rows of one name are its several responses",
        if_not_exists=True,
    )
    op.create_index(
        "ix_discord_commands_guild_id_name_folded", "discord_commands", ["guild_id", "name_folded"], if_not_exists=True
    )


def downgrade() -> None:
    op.drop_table("discord_commands")
