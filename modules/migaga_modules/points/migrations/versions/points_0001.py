"""Balances, transactions and named leaderboards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migaga.api import Amount, Folded, Snowflake, Text, UtcDateTime

revision = "points_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "discord_point_balances",
        sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False, comment="Guild"),
        sa.Column("user_id", Snowflake, primary_key=True, autoincrement=False, comment="Member"),
        sa.Column("balance", Amount, nullable=False, comment="Sum of the member's transactions, never below zero"),
        comment="What members have. The row is the lock under which a member's points change",
        if_not_exists=True,
    )
    op.create_index(
        "ix_discord_point_balances_guild_id_balance",
        "discord_point_balances",
        ["guild_id", "balance"],
        if_not_exists=True,
    )
    op.create_table(
        "discord_point_transactions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
        sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
        sa.Column("reference", Snowflake, nullable=True, comment="The message or interaction that caused it"),
        sa.Column("sender_id", Snowflake, nullable=True, comment="Who lost points"),
        sa.Column("receiver_id", Snowflake, nullable=True, comment="Who got points"),
        sa.Column("moderator_id", Snowflake, nullable=True, comment="Who decided it; none: a gift"),
        sa.Column("amount", Amount, nullable=False, comment="Always above zero"),
        sa.Column("sender_balance", Amount, nullable=True, comment="What the sender had afterwards"),
        sa.Column("receiver_balance", Amount, nullable=True, comment="What the receiver had afterwards"),
        sa.Column("reason", Text(512), nullable=False, comment="What the person wrote, or nothing"),
        sa.Column("created_at", UtcDateTime, nullable=False, comment="When"),
        sa.UniqueConstraint("guild_id", "reference", name="uq_discord_point_transactions_guild_id_reference"),
        comment="Every change of points",
        if_not_exists=True,
    )
    for column in ("sender_id", "receiver_id"):
        op.create_index(
            f"ix_discord_point_transactions_{column}", "discord_point_transactions", [column], if_not_exists=True
        )
    op.create_table(
        "discord_point_leaderboards",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
        sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
        sa.Column("name", Text(50), nullable=False, comment="As it was written"),
        sa.Column("name_folded", Folded(100), nullable=False, comment="As it is found"),
        sa.UniqueConstraint("guild_id", "name_folded", name="uq_discord_point_leaderboards_guild_id_name_folded"),
        comment="Named leaderboards: teams of members, each a role",
        if_not_exists=True,
    )
    op.create_table(
        "discord_point_leaderboard_teams",
        sa.Column("leaderboard_id", sa.Integer, primary_key=True, autoincrement=False, comment="Leaderboard"),
        sa.Column(
            "role_id", Snowflake, primary_key=True, autoincrement=False, comment="Role whose members are the team"
        ),
        sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
        comment="Teams of the named leaderboards",
        if_not_exists=True,
    )
    op.create_index(
        "ix_discord_point_leaderboard_teams_guild_id",
        "discord_point_leaderboard_teams",
        ["guild_id"],
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_table("discord_point_leaderboard_teams")
    op.drop_table("discord_point_leaderboards")
    op.drop_table("discord_point_transactions")
    op.drop_table("discord_point_balances")
