"""Named leaderboards: which roles are the teams of which. Called by `/points setup-leaderboard` and `leaderboard`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.api import UserError, fold, insert_ignore
from migaga_modules.points.tables import LEADERBOARDS, MAX_FOLDED, TEAMS

MAX_NAME = 50
MAX_BOARDS = 25


@dataclass(frozen=True, slots=True)
class Board:
    """A named leaderboard and the roles of its teams."""

    id: int
    name: str
    role_ids: tuple[int, ...]


def check_name(name: str) -> str:
    """Return the name with single spaces.

    Raises:
        UserError: it is empty or over 50 characters, or has letters that are many in one.
    """
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= MAX_NAME:
        raise UserError(f"The name of a leaderboard must have 1 to {MAX_NAME} characters; this one has {len(trimmed)}.")
    if len(fold(trimmed)) > MAX_FOLDED:
        raise UserError("The name of a leaderboard cannot be stored: it has too many signs that stand for whole words.")
    return trimmed


async def create(session: AsyncSession, guild_id: int, name: str, role_ids: Sequence[int]) -> bool:
    """Store a leaderboard; False when there is one of that name already, whatever its case.

    Raises:
        UserError: the guild has as many leaderboards as it may have.
    """
    count: int = (
        await session.execute(
            sa.select(sa.func.count()).select_from(LEADERBOARDS).where(LEADERBOARDS.c.guild_id == guild_id)
        )
    ).scalar_one()
    if count >= MAX_BOARDS:
        raise UserError(f"There are {count} leaderboards, which is the most. Delete one first.")
    if not await insert_ignore(session, LEADERBOARDS, {"guild_id": guild_id, "name": name, "name_folded": name}):
        return False
    board = await find(session, guild_id, name)
    if board is None:
        return False
    rows = [{"leaderboard_id": board.id, "role_id": role, "guild_id": guild_id} for role in dict.fromkeys(role_ids)]
    await session.execute(sa.insert(TEAMS), rows)
    return True


async def find(session: AsyncSession, guild_id: int, name: str) -> Board | None:
    """Find a leaderboard by its name, whatever its case."""
    if len(fold(name)) > MAX_FOLDED:
        return None
    called = (LEADERBOARDS.c.guild_id == guild_id) & (LEADERBOARDS.c.name_folded == name)
    row = (await session.execute(sa.select(LEADERBOARDS.c.id, LEADERBOARDS.c.name).where(called))).first()
    if row is None:
        return None
    teams = sa.select(TEAMS.c.role_id).where(TEAMS.c.leaderboard_id == row.id).order_by(TEAMS.c.role_id)
    return Board(row.id, row.name, tuple((await session.execute(teams)).scalars()))


async def names(session: AsyncSession, guild_id: int) -> Sequence[str]:
    """Names of a guild's leaderboards, in alphabetical order."""
    query = (
        sa.select(LEADERBOARDS.c.name).where(LEADERBOARDS.c.guild_id == guild_id).order_by(LEADERBOARDS.c.name_folded)
    )
    return (await session.execute(query)).scalars().all()


async def delete(session: AsyncSession, board: Board) -> None:
    """Delete a leaderboard and its teams."""
    await session.execute(sa.delete(TEAMS).where(TEAMS.c.leaderboard_id == board.id))
    await session.execute(sa.delete(LEADERBOARDS).where(LEADERBOARDS.c.id == board.id))
