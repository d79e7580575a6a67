"""Where modules and commands may be used, and who may not use the bot at all.

The framework asks before it runs a command; `/config` writes the rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa

from migaga.storage.database import Database
from migaga.storage.portable import delete_where, retrying, upsert
from migaga.storage.tables import access_rule, banned_user

Scope = Literal["module", "command"]

_WHOLE_GUILD = 0
_CACHED_GUILDS = 20_000


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule of a guild."""

    scope: Scope
    target: str
    """Name of the module, or of the command with its words joined by a blank."""
    allowed: bool
    channel_id: int | None = None
    """None: in the whole guild."""


@dataclass(frozen=True, slots=True)
class BannedUser:
    """A person who may not use the bot."""

    user_id: int
    reason: str
    banned_at: datetime


def decide(rules: Sequence[AccessRule], channel_id: int, module: str, command: str | None) -> bool:
    """Tell whether a module, or one command of it, may be used in a channel.

    The most specific rule decides: one for the channel before one for the guild, and among those one for the command
    (or a group above it, the nearest first) before one for the module. No rule: allowed.

    Args:
        rules: Of one guild.
        channel_id: Where it is to be used.
        module: The module's name.
        command: The command, its words joined by a blank; None for listeners.
    """
    index = {(rule.channel_id, rule.scope, rule.target): rule.allowed for rule in rules}
    words = command.split() if command else []
    targets: list[tuple[Scope, str]] = [("command", " ".join(words[:n])) for n in range(len(words), 0, -1)]
    targets.append(("module", module))
    for channel in (channel_id, None):
        for scope, target in targets:
            if (channel, scope, target) in index:
                return index[channel, scope, target]
    return True


class AccessStore:
    """Rules and bans of one fleet. What other processes change is seen after `ttl` seconds at most."""

    def __init__(self, database: Database, *, ttl: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ttl = ttl
        self._clock = clock
        self._rules: dict[int, tuple[float, Sequence[AccessRule]]] = {}
        self._banned: tuple[float, Mapping[int, BannedUser]] | None = None
        self._changes = 0

    async def rules(self, guild_id: int) -> Sequence[AccessRule]:
        """Return a guild's rules."""
        cached = self._rules.get(guild_id)
        if cached is not None and self._clock() < cached[0]:
            return cached[1]
        before = self._changes
        query = sa.select(access_rule).where(access_rule.c.guild_id == guild_id)
        query = query.order_by(access_rule.c.scope, access_rule.c.target, access_rule.c.channel_id)
        async with self._database.read() as session:
            rows = (await session.execute(query)).mappings().all()
        rules = [AccessRule(row["scope"], row["target"], row["allowed"], row["channel_id"] or None) for row in rows]
        if before == self._changes:
            self._rules.pop(guild_id, None)
            if len(self._rules) >= _CACHED_GUILDS:
                self._rules.pop(next(iter(self._rules)))
            self._rules[guild_id] = (self._clock() + self._ttl, rules)
        return rules

    async def is_allowed(self, guild_id: int, channel_id: int, module: str, command: str | None = None) -> bool:
        """Tell whether a module, or one command of it, may be used in a channel; see `decide`."""
        return decide(await self.rules(guild_id), channel_id, module, command)

    async def set_rule(self, guild_id: int, rule: AccessRule) -> None:
        """Set a rule, in place of one for the same scope, target and channel."""
        row = {
            "guild_id": guild_id,
            "scope": rule.scope,
            "target": rule.target,
            "channel_id": rule.channel_id or _WHOLE_GUILD,
            "allowed": rule.allowed,
        }
        await retrying(self._database, lambda session: upsert(session, access_rule, row))
        self._forget_rules(guild_id)

    async def remove_rule(self, guild_id: int, scope: Scope, target: str, channel_id: int | None = None) -> bool:
        """Remove a rule; tell whether there was one."""
        where = sa.and_(
            access_rule.c.guild_id == guild_id,
            access_rule.c.scope == scope,
            access_rule.c.target == target,
            access_rule.c.channel_id == (channel_id or _WHOLE_GUILD),
        )
        gone = await retrying(self._database, lambda session: delete_where(session, access_rule, where))
        self._forget_rules(guild_id)
        return gone > 0

    async def banned(self) -> Mapping[int, BannedUser]:
        """Return everybody who is banned: user id -> ban."""
        if self._banned is not None and self._clock() < self._banned[0]:
            return self._banned[1]
        before = self._changes
        async with self._database.read() as session:
            rows = (await session.execute(sa.select(banned_user).order_by(banned_user.c.banned_at))).mappings().all()
        found = {row["user_id"]: BannedUser(row["user_id"], row["reason"], row["banned_at"]) for row in rows}
        if before == self._changes:
            self._banned = (self._clock() + self._ttl, found)
        return found

    async def is_banned(self, user_id: int) -> bool:
        """Tell whether a person may not use the bot."""
        return user_id in await self.banned()

    async def ban(self, user_id: int, reason: str = "") -> None:
        """Keep a person from using the bot."""
        row = {"user_id": user_id, "reason": reason[:512], "banned_at": datetime.now(UTC)}
        await retrying(self._database, lambda session: upsert(session, banned_user, row))
        self._forget_bans()

    async def unban(self, user_id: int) -> bool:
        """Let a person use the bot again; tell whether they were banned."""
        gone = await retrying(
            self._database, lambda session: delete_where(session, banned_user, banned_user.c.user_id == user_id)
        )
        self._forget_bans()
        return gone > 0

    def _forget_rules(self, guild_id: int) -> None:
        self._changes += 1
        self._rules.pop(guild_id, None)

    def _forget_bans(self) -> None:
        self._changes += 1
        self._banned = None
