"""Whose database this is. The composition root asks before anything else is read or written."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.common.errors import ConfigError
from migaga.storage.database import Database
from migaga.storage.portable import insert_ignore, retrying
from migaga.storage.tables import application

_SLOT = 1


async def claim_application(database: Database, application_id: int) -> None:
    """Make the database this bot's, or make sure that it is.

    Args:
        database: Whose.
        application_id: The bot's application id.

    Raises:
        ConfigError: It belongs to another bot.
    """

    async def work(session: AsyncSession) -> int:
        row = {"slot": _SLOT, "id": application_id, "claimed_at": datetime.now(UTC)}
        await insert_ignore(session, application, row)
        owner: int = (await session.scalars(sa.select(application.c.id))).one()
        return owner

    owner = await retrying(database, work)
    if owner != application_id:
        raise ConfigError(
            f"database {database.label} belongs to the bot {owner}, and this is the bot {application_id}: "
            "give each bot a database of its own, or check the token."
        )


async def find_application(database: Database) -> int | None:
    """Return the application id of the bot that owns the database; None when it is new."""
    async with database.read() as session:
        return (await session.scalars(sa.select(application.c.id))).one_or_none()
