"""Where the responses of custom commands are kept. Used by the commands of `custom_commands`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.api import NAMING, Folded, Snowflake, Text, UserError, UtcDateTime, fold
from migaga_modules.custom_commands.matching import MAX_FOLDED, MAX_NAME, MAX_PER_GUILD, MAX_PER_NAME

metadata = sa.MetaData(naming_convention=NAMING)

COMMANDS = sa.Table(
    "discord_commands",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number"),
    sa.Column("guild_id", Snowflake, nullable=False, comment="Guild"),
    sa.Column("name", Text(MAX_NAME), nullable=False, comment="As it was written"),
    # Folding may make a text longer: one ligature can become up to 18 characters.
    sa.Column("name_folded", Folded(MAX_FOLDED), nullable=False, comment="As it is found"),
    sa.Column("response", Text(), nullable=False, comment="What the bot says"),
    sa.Column("created_at", UtcDateTime, nullable=False, comment="When it was added"),
    sa.Index(None, "guild_id", "name_folded"),
    comment="Custom commands; several rows of one name are its several responses",
)


@dataclass(frozen=True, slots=True)
class Response:
    """One response of a custom command."""

    id: int
    name: str
    text: str


def _called(guild_id: int, name: str) -> sa.ColumnElement[bool]:
    return (COMMANDS.c.guild_id == guild_id) & (COMMANDS.c.name_folded == name)


async def add(session: AsyncSession, guild_id: int, name: str, response: str, now: datetime) -> int:
    """Store a response and return how many that name has now.

    Raises:
        UserError: the same response is there already, or there are as many as there may be.
    """
    present = await responses(session, guild_id, name)
    if any(each.text == response for each in present):
        raise UserError("That command has this very response already.")
    if len(present) >= MAX_PER_NAME:
        raise UserError(f"That command has {len(present)} responses, which is the most. Delete one first.")
    count = sa.select(sa.func.count()).select_from(COMMANDS).where(COMMANDS.c.guild_id == guild_id)
    if (await session.execute(count)).scalar_one() >= MAX_PER_GUILD:
        raise UserError(f"This server has {MAX_PER_GUILD:,} custom commands, which is the most. Delete one first.")
    # The name is shown as it was first written, whatever the case of later additions.
    shown = present[0].name if present else name
    row = {"guild_id": guild_id, "name": shown, "name_folded": name, "response": response, "created_at": now}
    await session.execute(sa.insert(COMMANDS).values(row))
    return len(present) + 1


async def responses(session: AsyncSession, guild_id: int, name: str) -> Sequence[Response]:
    """Read the responses under a name, whatever its case, the oldest first."""
    if len(fold(name)) > MAX_FOLDED:
        return ()
    query = sa.select(COMMANDS.c.id, COMMANDS.c.name, COMMANDS.c.response).where(_called(guild_id, name))
    return [Response(*row) for row in await session.execute(query.order_by(COMMANDS.c.id))]


async def delete(session: AsyncSession, guild_id: int, ids: Sequence[int]) -> None:
    """Delete responses; those that are gone already are no error."""
    await session.execute(sa.delete(COMMANDS).where((COMMANDS.c.guild_id == guild_id) & COMMANDS.c.id.in_(ids)))


async def names(session: AsyncSession, guild_id: int) -> frozenset[str]:
    """Read the folded names of a guild's commands."""
    query = sa.select(COMMANDS.c.name_folded).where(COMMANDS.c.guild_id == guild_id).distinct()
    return frozenset((await session.execute(query)).scalars())


async def search(session: AsyncSession, guild_id: int, term: str) -> Sequence[tuple[str, int]]:
    """List (name, number of responses) of the commands whose name holds a term, whatever its case, by name."""
    query = (
        sa.select(COMMANDS.c.name_folded, sa.func.min(COMMANDS.c.name), sa.func.count())
        .where(COMMANDS.c.guild_id == guild_id)
        .group_by(COMMANDS.c.name_folded)
        .order_by(COMMANDS.c.name_folded)
    )
    wanted = fold(term)
    return [(name, count) for folded, name, count in await session.execute(query) if wanted in folded]
