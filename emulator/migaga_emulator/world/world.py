"""The world as a whole: makes the collaborators and answers what the gateway asks. Made once by each emulator."""

from __future__ import annotations

from collections.abc import Iterable

from migaga_emulator.rules import Rules
from migaga_emulator.world import message_payloads, payloads
from migaga_emulator.world.channels import Channels
from migaga_emulator.world.clock import Clock
from migaga_emulator.world.commands import Commands
from migaga_emulator.world.core import Access, Core, Listener
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.emojis import Emojis
from migaga_emulator.world.guilds import Guilds
from migaga_emulator.world.intents import APPLICATION_FLAGS, Intent
from migaga_emulator.world.interactions import Interactions
from migaga_emulator.world.invites import Invites
from migaga_emulator.world.invocations import Invocations
from migaga_emulator.world.members import Members
from migaga_emulator.world.messages import Messages
from migaga_emulator.world.people import People
from migaga_emulator.world.pins import Pins
from migaga_emulator.world.reactions import Reactions
from migaga_emulator.world.roles import Roles
from migaga_emulator.world.sight import Sight
from migaga_emulator.world.state import Bot, Guild, Member
from migaga_emulator.world.threads import Threads
from migaga_emulator.world.wire import JsonObject


class World:
    """State and mutations of one emulated Discord."""

    def __init__(self, rules: Rules, *, clock: Clock, seed: int) -> None:
        self.core = Core(rules, clock, seed)
        self.rules = rules
        self.clock = clock
        self.access = Access(self.core)
        self._sight = Sight(self.core, self.access)
        self.roles = Roles(self.core, self.access)
        self.channels = Channels(self.core, self.access)
        self.messages = Messages(self.core, self.access)
        self.reactions = Reactions(self.core, self.access)
        self.members = Members(self.core, self.access, self.roles, self.messages.purge)
        self.commands = Commands(self.core)
        self.interactions = Interactions(self.core, self.access, self.messages)
        self.emojis = Emojis(self.core, self.access)
        self.invites = Invites(self.core, self.access)
        self.pins = Pins(self.core, self.access, self.messages)
        self.threads = Threads(self.core, self.access)
        self.guilds = Guilds(self.core, self.access, roles=self.roles, members=self.members, emojis=self.emojis)
        self.people = People(
            self.core,
            guilds=self.guilds,
            channels=self.channels,
            members=self.members,
            messages=self.messages,
            reactions=self.reactions,
            invites=self.invites,
            pins=self.pins,
            invocations=Invocations(self.core, self.access, self.commands, self.interactions),
        )

    @property
    def bots(self) -> dict[int, Bot]:
        """The applications, by id."""
        return self.core.bots

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called with each `Dispatch`, synchronously, in the order of the mutations."""
        self.core.listeners.append(listener)

    def may_see(self, bot_id: int, dispatch: Dispatch) -> bool:
        """Whether Discord sends this event to this bot, whatever its intents: by membership and permissions."""
        return self._sight.may_see(bot_id, dispatch)

    def bot_by_token(self, token: str) -> Bot | None:
        """The bot that a token belongs to; None for a wrong or revoked one."""
        for bot in self.core.bots.values():
            if bot.token == token and not bot.revoked:
                return bot
        return None

    def guild_ids_of(self, bot_id: int) -> list[int]:
        """The guilds that a bot is in, in order."""
        return sorted(self.core.bots[bot_id].guild_ids)

    def guild_create(self, guild_id: int, bot_id: int, *, intents: int, large_threshold: int = 50) -> JsonObject:
        """The payload of GUILD_CREATE for a session with these intents.

        Without GUILD_MEMBERS and GUILD_PRESENCES, or in a guild above `large_threshold`, only the bot is listed.
        A guild in an outage gives `{"id": ..., "unavailable": true}`. Raises 10004 for a guild that is gone.
        """
        guild = self.core.guild(guild_id)
        if guild.unavailable:
            return {"id": str(guild_id), "unavailable": True}
        return payloads.guild_create(
            guild,
            bot_id,
            all_members=bool(intents & (Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES)),
            large_threshold=large_threshold,
            now=self.clock.time(),
        )

    def ready_user(self, bot_id: int) -> JsonObject:
        """`user` of READY."""
        return payloads.own_user(self.core.bots[bot_id].user)

    def partial_application(self, bot_id: int) -> JsonObject:
        """`application` of READY."""
        return {"id": str(bot_id), "flags": self.application_flags(bot_id)}

    def application_flags(self, bot_id: int) -> int:
        """The flags of the application: which privileged intents are switched on."""
        allowed = self.core.bots[bot_id].privileged_intents
        return sum(flag for intent, flag in APPLICATION_FLAGS.items() if allowed & intent)

    def strip_content(self, dispatch: Dispatch, bot_id: int) -> JsonObject:
        """The payload for a session without MESSAGE_CONTENT; see `message_payloads.strip_content`."""
        return message_payloads.strip_content(dispatch, bot_id)

    def request_members(
        self, guild_id: int, *, query: str | None = None, limit: int = 0, user_ids: Iterable[int] = ()
    ) -> list[JsonObject]:
        """Members for op 8: those of `user_ids`, else those whose name starts with `query` (`limit` 0: all)."""
        guild = self.core.guild(guild_id)
        wanted = list(user_ids)
        if wanted:
            return [payloads.full_member(guild.members[item]) for item in wanted if item in guild.members]
        found = self.find_members(guild, query or "")
        return [payloads.full_member(item) for item in (found[:limit] if limit else found)]

    def find_members(self, guild: Guild, query: str) -> list[Member]:
        """Members whose user name, display name or nick starts with `query`, case ignored."""
        start = query.casefold()
        return [item for item in guild.members.values() if not start or _named(item, start)]


def _named(member: Member, start: str) -> bool:
    names = (member.user.username, member.user.global_name, member.nick)
    return any(name is not None and name.casefold().startswith(start) for name in names)
