"""Tables of points. Written by `money.py` and `boards.py` only."""

from __future__ import annotations

import sqlalchemy as sa

from migaga.api import NAMING, Amount, Folded, Snowflake, Text, UtcDateTime

metadata = sa.MetaData(naming_convention=NAMING)
MAX_FOLDED = 100
"""Characters that a leaderboard's name may have when it is folded: some letters stand for several."""

BALANCES = sa.Table(
    "discord_point_balances",
    metadata,
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False, comment="Guild"),
    sa.Column("user_id", Snowflake, primary_key=True, autoincrement=False, comment="Member"),
    sa.Column("balance", Amount, nullable=False, comment="Sum of the member's transactions, never below zero"),
    sa.Index(None, "guild_id", "balance"),
    comment="What members have. The row is the lock under which a member's points change",
)

TRANSACTIONS = sa.Table(
    "discord_point_transactions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
    sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
    sa.Column("reference", Snowflake, nullable=True, comment="The message or interaction that caused it"),
    sa.Column("sender_id", Snowflake, nullable=True, index=True, info={"user": True}, comment="Who lost points"),
    sa.Column("receiver_id", Snowflake, nullable=True, index=True, info={"user": True}, comment="Who got points"),
    sa.Column("moderator_id", Snowflake, nullable=True, info={"user": True}, comment="Who decided it; none: a gift"),
    sa.Column("amount", Amount, nullable=False, comment="Always above zero"),
    sa.Column("sender_balance", Amount, nullable=True, comment="What the sender had afterwards"),
    sa.Column("receiver_balance", Amount, nullable=True, comment="What the receiver had afterwards"),
    sa.Column("reason", Text(512), nullable=False, comment="What the person wrote, or nothing"),
    sa.Column("created_at", UtcDateTime, nullable=False, comment="When"),
    sa.UniqueConstraint("guild_id", "reference"),
    comment="Every change of points",
)

LEADERBOARDS = sa.Table(
    "discord_point_leaderboards",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
    sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
    sa.Column("name", Text(50), nullable=False, comment="As it was written"),
    sa.Column("name_folded", Folded(MAX_FOLDED), nullable=False, comment="As it is found"),
    sa.UniqueConstraint("guild_id", "name_folded"),
    comment="Named leaderboards: teams of members, each a role",
)

TEAMS = sa.Table(
    "discord_point_leaderboard_teams",
    metadata,
    sa.Column("leaderboard_id", sa.Integer, primary_key=True, autoincrement=False, comment="Leaderboard"),
    sa.Column("role_id", Snowflake, primary_key=True, autoincrement=False, comment="Role whose members are the team"),
    sa.Column("guild_id", Snowflake, nullable=False, index=True, comment="Guild"),
    comment="Teams of the named leaderboards",
)
