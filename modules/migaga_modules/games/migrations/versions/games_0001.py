"""Games of blackjack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.api import Snowflake, Text, UtcDateTime

revision = "games_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = "discord_blackjack_games"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number, part of the custom ids"),
        sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
        sa.Column("channel_id", Snowflake, nullable=False, comment="Channel"),
        sa.Column("message_id", Snowflake, nullable=True, comment="The message that shows it"),
        sa.Column("user_id", Snowflake, nullable=False, comment="Who plays"),
        sa.Column("reference", Snowflake, nullable=False, comment="Message or interaction that began it"),
        sa.Column("player", Text(128), nullable=False, comment="Cards joined by blanks, such as A♠ 10♦"),
        sa.Column("dealer", Text(128), nullable=False, comment="Cards of the dealer"),
        sa.Column("deck", Text(255), nullable=False, comment="Cards left; drawn from the end"),
        sa.Column("state", Text(16), nullable=False, comment="playing, or how it ended"),
        sa.Column("moved_at", UtcDateTime, nullable=False, comment="When it was last played on"),
        sa.UniqueConstraint("reference", name=f"uq_{TABLE}_reference"),
        comment="Games of blackjack",
        if_not_exists=True,
    )
    for column in ("guild_id", "user_id", "moved_at"):
        op.create_index(f"ix_{TABLE}_{column}", TABLE, [column], if_not_exists=True)


def downgrade() -> None:
    op.drop_table(TABLE)
