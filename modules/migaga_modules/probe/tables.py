"""The effects that the probe leaves in the database: one row for each event, written once. Read by `count.py`."""

from __future__ import annotations

import sqlalchemy as sa

from migaga.api import NAMING, Json, Snowflake, Text

metadata = sa.MetaData(naming_convention=NAMING)

EFFECTS = sa.Table(
    "probe_effects",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
    sa.Column("name", Text(64), nullable=False, comment="Discord's name of the event"),
    sa.Column("payload", Json, nullable=False, comment="The ids that name the event"),
    sa.Column("guild_id", Snowflake, nullable=True, comment="Guild, if it has one"),
    comment="What a scenario's probe has done, a row for each effect",
)
