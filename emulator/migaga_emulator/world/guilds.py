"""Guilds themselves, their emoji, and the bots in them. Called by REST and the control API."""

from __future__ import annotations

import base64
import string

from migaga_emulator.world import payloads, permissions, snowflakes
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.emojis import Emojis
from migaga_emulator.world.intents import PRIVILEGED, Intent
from migaga_emulator.world.members import Members
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.roles import Roles
from migaga_emulator.world.state import Bot, Emoji, Guild, Role, User
from migaga_emulator.world.wire import JsonObject

_ALPHABET = string.ascii_letters + string.digits


class Guilds:
    """Makes users, bots and guilds, and changes what belongs to a guild as a whole."""

    def __init__(self, core: Core, access: Access, *, roles: Roles, members: Members, emojis: Emojis) -> None:
        self._core = core
        self._access = access
        self._roles = roles
        self._members = members
        self._emojis = emojis
        self._last_guild_id = 0

    def create_user(self, username: str, *, global_name: str | None = None, user_id: int | None = None) -> User:
        """A person. ValueError when the id is taken."""
        user = User(self._core.ids.next() if user_id is None else user_id, username, global_name)
        return self._register(user)

    def create_bot(
        self,
        name: str,
        *,
        owner: User | None = None,
        bot_id: int | None = None,
        token: str | None = None,
        privileged_intents: int = int(PRIVILEGED),
    ) -> Bot:
        """An application with its bot user; the first part of the token is the id, as in real ones."""
        user = self._register(User(self._core.ids.next() if bot_id is None else bot_id, name, bot=True))
        owner = owner or self.create_user(f"{name.lower()}_owner")
        bot = Bot(user.id, user, token or self.new_token(user.id), name, owner, privileged_intents)
        self._core.bots[user.id] = bot
        return bot

    def new_token(self, bot_id: int) -> str:
        """A token in the form of real ones: the id, then two random parts."""
        head = base64.b64encode(str(bot_id).encode()).decode().rstrip("=")
        parts = ("".join(self._core.random.choices(_ALPHABET, k=size)) for size in (6, 38))
        return ".".join((head, *parts))

    def create(self, name: str, owner: User, *, guild_id: int | None = None) -> Guild:
        """An empty guild with @everyone and its owner. ValueError when the id is taken."""
        now = self._core.clock.time()
        new_id = self._next_guild_id() if guild_id is None else guild_id
        if new_id in self._core.guilds:
            raise ValueError(f"there is a guild {new_id} already")
        guild = Guild(new_id, name, owner.id, now)
        guild.roles[new_id] = Role(new_id, "@everyone", permissions.EVERYONE_DEFAULT, 0)
        self._core.guilds[new_id] = guild
        self._members.join(guild, owner)
        return guild

    def add_bot(
        self, guild: Guild, bot: Bot, *, bits: int = permissions.ALL & ~Permission.ADMINISTRATOR, top: bool = True
    ) -> None:
        """A bot joins: its member, its managed role (above all others when `top`), GUILD_CREATE for it."""
        if bot.user.id in guild.bot_ids:
            return
        member = self._members.join(guild, bot.user)
        self._roles.add_for_bot(guild, member, bot.name, int(bits), None if top else 1)
        guild.bot_ids.add(bot.user.id)
        bot.guild_ids.add(guild.id)
        self._emit_create(guild, bot.user.id)

    def remove_bot(self, guild: Guild, bot: Bot) -> None:
        """A bot leaves or is removed: GUILD_DELETE for it, GUILD_MEMBER_REMOVE for the others."""
        if bot.user.id in guild.bot_ids:
            self._members.leave(guild, bot.user.id)

    def set_available(self, guild: Guild, available: bool) -> None:
        """An outage begins (GUILD_DELETE with `unavailable`) or ends (GUILD_CREATE)."""
        if guild.unavailable != available:
            return
        guild.unavailable = not available
        for bot_id in guild.bot_ids:
            if available:
                self._emit_create(guild, bot_id)
            else:
                self._emit_delete(guild, bot_id, {"id": str(guild.id), "unavailable": True})

    def edit(self, by: User | None, guild: Guild, changes: JsonObject, reason: str | None = None) -> Guild:
        """Set checked attributes (names of `Guild`). Raises 50013 without MANAGE_GUILD."""
        self._access.in_guild(by, guild, Permission.MANAGE_GUILD)
        lines = []
        for key, value in changes.items():
            old = getattr(guild, key)
            if old != value:
                setattr(guild, key, value)
                lines.append(change(key, _plain(old), _plain(value)))
        if lines:
            self._core.emit("GUILD_UPDATE", payloads.guild_update(guild), intents=Intent.GUILDS, guild_id=guild.id)
            audit(self._core, guild, by, 1, guild.id, reason=reason, changes=lines)
        return guild

    def add_emoji(self, guild: Guild, name: str, *, animated: bool = False, creator: User | None = None) -> Emoji:
        """A custom emoji."""
        return self._emojis.add(guild, name, animated=animated, creator=creator)

    def remove_emoji(self, guild: Guild, emoji_id: int) -> None:
        """Delete a custom emoji; one that is gone changes nothing."""
        self._emojis.remove(guild, emoji_id)

    def rename_user(self, user: User, *, username: str | None = None, avatar: str | None = None) -> None:
        """A person or bot changes name or avatar: USER_UPDATE for the bot itself, member updates in their guilds."""
        user.username = username or user.username
        user.avatar = avatar or user.avatar
        if user.id in self._core.bots:
            self._core.emit("USER_UPDATE", payloads.own_user(user), intents=0, bot_id=user.id)
        for guild in self._core.guilds.values():
            if member := guild.members.get(user.id):
                self._members.emit_update(guild, member)

    def _register(self, user: User) -> User:
        if user.id in self._core.users:
            raise ValueError(f"there is a user {user.id} already")
        self._core.users[user.id] = user
        return user

    def _next_guild_id(self) -> int:
        """Ids one millisecond apart: `(id >> 22) % shards` spreads evenly, as it does for guilds made over years."""
        if self._last_guild_id == 0:
            self._last_guild_id = snowflakes.at(self._core.clock.time() - 365 * 86_400)
        self._last_guild_id = ((self._last_guild_id >> 22) + 1) << 22
        return self._next_guild_id() if self._last_guild_id in self._core.guilds else self._last_guild_id

    def _emit_create(self, guild: Guild, bot_id: int) -> None:
        now = self._core.clock.time()
        payload = payloads.guild_create(guild, bot_id, all_members=True, large_threshold=250, now=now)
        self._core.emit("GUILD_CREATE", payload, intents=Intent.GUILDS, guild_id=guild.id, bot_id=bot_id)

    def _emit_delete(self, guild: Guild, bot_id: int, payload: JsonObject) -> None:
        self._core.emit("GUILD_DELETE", payload, intents=Intent.GUILDS, guild_id=guild.id, bot_id=bot_id)


def _plain(value: object) -> object:
    """Ids as text, for audit log entries."""
    return str(value) if isinstance(value, int) and value > 1 << 32 else value
