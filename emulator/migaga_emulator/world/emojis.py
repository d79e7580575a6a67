"""Custom emoji of guilds. Called by REST and, through `Guilds`, by the control API."""

from __future__ import annotations

from dataclasses import dataclass, field

from migaga_emulator.world import errors, payloads
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Emoji, Guild, User
from migaga_emulator.world.wire import JsonObject

_ROOM = (50, 100, 150, 250)
"""Emoji of each kind (still, animated) that a guild may have, by its level of boosts."""
_CREATED, _CHANGED, _DELETED = 60, 61, 62
"""Actions of the audit log."""


@dataclass(slots=True)
class EmojiChange:
    """What of an emoji is to change; only the keys in `given` count."""

    given: frozenset[str] = frozenset()
    name: str = ""
    roles: list[int] = field(default_factory=list)


class Emojis:
    """Changes emoji and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def get(self, guild: Guild, emoji_id: int) -> Emoji:
        """Raises 10014."""
        if found := guild.emojis.get(emoji_id):
            return found
        raise errors.unknown("Emoji")

    def create(
        self, by: User, guild: Guild, wanted: EmojiChange, *, animated: bool, reason: str | None = None
    ) -> Emoji:
        """A new emoji. Raises 50013 without CREATE_GUILD_EXPRESSIONS, 30008 or 30018 when there is no room."""
        self._access.in_guild(by, guild, Permission.CREATE_GUILD_EXPRESSIONS)
        room = _ROOM[payloads.premium_tier(guild)]
        if sum(item.animated == animated for item in guild.emojis.values()) >= room:
            kind, code = ("animated emojis", 30018) if animated else ("emojis", 30008)
            raise errors.DiscordError(400, code, f"Maximum number of {kind} reached ({room})")
        emoji = self.add(guild, wanted.name, animated=animated, creator=by, role_ids=tuple(wanted.roles))
        audit(self._core, guild, by, _CREATED, emoji.id, reason=reason, changes=[change("name", None, emoji.name)])
        return emoji

    def edit(self, by: User, guild: Guild, emoji_id: int, wanted: EmojiChange, reason: str | None = None) -> Emoji:
        """Change name or roles. Raises 10014, 50013."""
        emoji = self._changeable(by, guild, emoji_id)
        before = (emoji.name, emoji.role_ids)
        if "name" in wanted.given:
            emoji.name = wanted.name
        if "roles" in wanted.given:
            emoji.role_ids = tuple(wanted.roles)
        if (emoji.name, emoji.role_ids) != before:
            self._emit(guild)
            line = change("name", before[0], emoji.name)
            audit(self._core, guild, by, _CHANGED, emoji.id, reason=reason, changes=[line])
        return emoji

    def delete(self, by: User, guild: Guild, emoji_id: int, reason: str | None = None) -> None:
        """Raises 10014, 50013."""
        emoji = self._changeable(by, guild, emoji_id)
        self.remove(guild, emoji_id)
        audit(self._core, guild, by, _DELETED, emoji_id, reason=reason, changes=[change("name", emoji.name, None)])

    def add(
        self,
        guild: Guild,
        name: str,
        *,
        animated: bool = False,
        creator: User | None = None,
        role_ids: tuple[int, ...] = (),
    ) -> Emoji:
        """A new emoji, without asking who may."""
        emoji = Emoji(self._core.ids.next(), name, guild.id, animated, role_ids, creator)
        guild.emojis[emoji.id] = self._core.emojis[emoji.id] = emoji
        self._emit(guild)
        return emoji

    def remove(self, guild: Guild, emoji_id: int) -> None:
        """Delete an emoji without asking who may; one that is gone changes nothing."""
        if guild.emojis.pop(emoji_id, None) is not None:
            del self._core.emojis[emoji_id]
            self._emit(guild)

    def payload(self, by: User, guild: Guild, emoji: Emoji) -> JsonObject:
        """An emoji as REST answers it: who made it is told to those who may change it."""
        payload = payloads.emoji(emoji)
        if emoji.creator is not None and self._may_change(by, guild, emoji):
            payload["user"] = payloads.user(emoji.creator)
        return payload

    def _may_change(self, by: User, guild: Guild, emoji: Emoji) -> bool:
        bits = self._access.of_guild(by, guild)
        own = emoji.creator is by and bool(bits & Permission.CREATE_GUILD_EXPRESSIONS)
        return own or bool(bits & Permission.MANAGE_GUILD_EXPRESSIONS)

    def _changeable(self, by: User, guild: Guild, emoji_id: int) -> Emoji:
        emoji = self.get(guild, emoji_id)
        if not self._may_change(by, guild, emoji):
            raise errors.missing_permissions()
        return emoji

    def _emit(self, guild: Guild) -> None:
        emojis = [payloads.emoji(item) for item in guild.emojis.values()]
        payload: JsonObject = {"guild_id": str(guild.id), "emojis": emojis}
        self._core.emit("GUILD_EMOJIS_UPDATE", payload, intents=Intent.GUILD_EXPRESSIONS, guild_id=guild.id)
