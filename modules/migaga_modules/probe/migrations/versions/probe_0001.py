"""Effects of the probe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.api import Json, Snowflake, Text

revision = "probe_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "probe_effects",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
        sa.Column("name", Text(64), nullable=False, comment="Discord's name of the event"),
        sa.Column("payload", Json, nullable=False, comment="The ids that name the event"),
        sa.Column("guild_id", Snowflake, nullable=True, comment="Guild, if it has one"),
        comment="What a scenario's probe has done, a row for each effect",
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_table("probe_effects")
