"""Where a game of blackjack is kept, so that it outlives the bot's process. Used by the commands of `games`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.api import NAMING, Snowflake, Text, UtcDateTime
from migaga_modules.games.blackjack import Game, State

metadata = sa.MetaData(naming_convention=NAMING)

GAMES = sa.Table(
    "discord_blackjack_games",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True, comment="Number, part of the custom ids"),
    sa.Column("guild_id", Snowflake, nullable=False, index=True, comment="Guild"),
    sa.Column("channel_id", Snowflake, nullable=False, comment="Channel"),
    sa.Column("message_id", Snowflake, nullable=True, comment="The message that shows it"),
    sa.Column("user_id", Snowflake, nullable=False, index=True, comment="Who plays"),
    sa.Column("reference", Snowflake, nullable=False, comment="Message or interaction that began it"),
    sa.Column("player", Text(128), nullable=False, comment="Cards joined by blanks, such as A♠ 10♦"),
    sa.Column("dealer", Text(128), nullable=False, comment="Cards of the dealer"),
    sa.Column("deck", Text(255), nullable=False, comment="Cards left; drawn from the end"),
    sa.Column("state", Text(16), nullable=False, comment="playing, or how it ended"),
    sa.Column("moved_at", UtcDateTime, nullable=False, index=True, comment="When it was last played on"),
    sa.UniqueConstraint("reference"),
    comment="Games of blackjack",
)


class StoredGame:
    """A game with its place: who plays it, and which message shows it."""

    __slots__ = ("channel_id", "game", "id", "message_id", "moved_at", "user_id")

    def __init__(self, row: sa.Row[tuple[object, ...]]) -> None:
        """Read a row of `GAMES`."""
        fields = row._mapping
        self.id: int = fields["id"]
        self.user_id: int = fields["user_id"]
        self.channel_id: int = fields["channel_id"]
        self.message_id: int | None = fields["message_id"]
        self.moved_at: datetime = fields["moved_at"]
        self.game = Game(
            tuple(fields["player"].split()),
            tuple(fields["dealer"].split()),
            tuple(fields["deck"].split()),
            State(fields["state"]),
        )


def _columns(game: Game) -> dict[str, str]:
    return {
        "player": " ".join(game.player),
        "dealer": " ".join(game.dealer),
        "deck": " ".join(game.deck),
        "state": game.state.value,
    }


async def add(
    session: AsyncSession, game: Game, *, guild_id: int, channel_id: int, user_id: int, reference: int, now: datetime
) -> None:
    """Store a new game."""
    place = {"guild_id": guild_id, "channel_id": channel_id, "user_id": user_id, "reference": reference}
    await session.execute(sa.insert(GAMES).values(**place, **_columns(game), moved_at=now))


async def by_reference(session: AsyncSession, reference: int) -> StoredGame | None:
    """Find the game that a command began."""
    row = (await session.execute(sa.select(GAMES).where(GAMES.c.reference == reference))).first()
    return None if row is None else StoredGame(row)


async def locked(session: AsyncSession, game_id: int) -> StoredGame | None:
    """Find a game and keep it locked until the transaction ends, so that two presses come one after the other."""
    row = (await session.execute(sa.select(GAMES).where(GAMES.c.id == game_id).with_for_update())).first()
    return None if row is None else StoredGame(row)


async def save(session: AsyncSession, game_id: int, game: Game, now: datetime) -> None:
    """Store a game after a move."""
    await session.execute(sa.update(GAMES).where(GAMES.c.id == game_id).values(**_columns(game), moved_at=now))


async def set_message(session: AsyncSession, game_id: int, message_id: int) -> None:
    """Remember which message shows a game."""
    await session.execute(sa.update(GAMES).where(GAMES.c.id == game_id).values(message_id=message_id))


async def idle(session: AsyncSession, before: datetime, limit: int) -> Sequence[int]:
    """Ids of the games that go on though nobody has moved since `before`."""
    waiting = (GAMES.c.state == State.PLAYING.value) & (GAMES.c.moved_at < before)
    return (
        (await session.execute(sa.select(GAMES.c.id).where(waiting).order_by(GAMES.c.id).limit(limit))).scalars().all()
    )


async def forget(session: AsyncSession, before: datetime) -> None:
    """Delete games that ended before a moment."""
    ended = (GAMES.c.state != State.PLAYING.value) & (GAMES.c.moved_at < before)
    await session.execute(sa.delete(GAMES).where(ended))
