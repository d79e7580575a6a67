"""The Python client of the control API. Used by tests, by `migaga.testing`, by the demo and by scenarios.

async with ControlClient(emulator.control_url) as control:
    bot = await control.create_bot("Testy")
    crowd = await control.create_guilds(100, members=5)
    answer = await control.person(crowd.users[1].id).slash(crowd.guilds[0].channel("general"), "ping")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

import aiohttp

from migaga_emulator.control.client_faults import Faults
from migaga_emulator.control.person import Person
from migaga_emulator.control.shapes import (
    Answer,
    BotInfo,
    Crowd,
    GuildInfo,
    LedgerEvent,
    MemberInfo,
    MessageInfo,
    Named,
    SessionInfo,
    UserInfo,
    read,
    read_many,
)
from migaga_emulator.control.transport import ControlError, Transport, WaitTimeout
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.ledger.keys import natural_key

__all__ = ["ControlClient", "ControlError", "WaitTimeout"]


class ControlClient:
    """Everything the control API offers. What is refused raises `ControlError`, what takes too long `WaitTimeout`.

    `bot` may be left out everywhere while there is one bot only.
    """

    def __init__(self, url: str) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._transport = Transport(self._session, url)
        self.faults = Faults(self._transport)

    async def __aenter__(self) -> ControlClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def person(self, user_id: int, *, bot: int | None = None) -> Person:
        """Act as a person; `bot` is the one that commands are for."""
        return Person(self._transport, user_id, bot)

    async def rules(self) -> Mapping[str, object]:
        """The limits in force, by name."""
        told = await self._transport.get("/rules")
        return told if isinstance(told, Mapping) else {}

    async def create_bot(
        self, name: str, *, bot_id: int | None = None, token: str | None = None, privileged_intents: int | None = None
    ) -> BotInfo:
        """Make a bot; all privileged intents are switched on unless told otherwise."""
        told = await self._transport.post(
            "/bots", name=name, id=bot_id, token=token, privileged_intents=privileged_intents
        )
        return read(BotInfo, told)

    async def bots(self) -> list[BotInfo]:
        """All bots."""
        return read_many(BotInfo, await self._transport.get("/bots"))

    async def commands(self, bot: int, *, guild: int | None = None) -> list[Mapping[str, object]]:
        """The registered commands: the global ones, or those of a guild."""
        told = await self._transport.get(f"/bots/{bot}/commands", guild=guild)
        return list(told) if isinstance(told, list) else []

    async def create_user(self, username: str, *, global_name: str | None = None) -> UserInfo:
        """Make a person."""
        told = await self._transport.post("/users", username=username, global_name=global_name)
        return read_many(UserInfo, told)[0]

    async def create_users(self, username: str, count: int) -> list[UserInfo]:
        """Make people called `<username>1`, `<username>2`, ..."""
        return read_many(UserInfo, await self._transport.post("/users", username=username, count=count))

    async def create_guild(
        self,
        name: str,
        *,
        owner: int | None = None,
        channels: Sequence[str] = ("general",),
        members: Sequence[int] = (),
        bots: Sequence[int] = (),
        guild_id: int | None = None,
    ) -> GuildInfo:
        """Make a guild; the bots join when everything else is there."""
        told = await self._transport.post(
            "/guilds",
            name=name,
            owner=owner,
            channels=list(channels),
            members=list(members),
            bots=list(bots),
            id=guild_id,
        )
        return read(GuildInfo, told)

    async def create_guilds(
        self,
        count: int,
        *,
        members: int = 5,
        channels: Sequence[str] = ("general",),
        name: str = "Guild",
        bot: int | None = None,
    ) -> Crowd:
        """Make many guilds, all alike, with the same people."""
        told = await self._transport.post(
            "/guilds/bulk", count=count, members=members, channels=list(channels), name=name, bot=bot
        )
        return read(Crowd, told)

    async def guilds(self) -> list[GuildInfo]:
        """All guilds."""
        return read_many(GuildInfo, await self._transport.get("/guilds"))

    async def guild(self, guild: int) -> GuildInfo:
        """One guild."""
        return read(GuildInfo, await self._transport.get(f"/guilds/{guild}"))

    async def add_members(self, guild: int, users: Sequence[int]) -> list[MemberInfo]:
        """People join; nothing is announced in a channel."""
        return read_many(MemberInfo, await self._transport.post(f"/guilds/{guild}/members", users=list(users)))

    async def members(self, guild: int) -> list[MemberInfo]:
        """The members of a guild."""
        return read_many(MemberInfo, await self._transport.get(f"/guilds/{guild}/members"))

    async def member(self, guild: int, user: int) -> MemberInfo:
        """One member."""
        return read(MemberInfo, await self._transport.get(f"/guilds/{guild}/members/{user}"))

    async def add_bot(self, guild: int, bot: int, *, permissions: int | None = None, top: bool = True) -> GuildInfo:
        """A bot joins a guild; its role gets these permissions and stands above all others when `top`."""
        told = await self._transport.post(f"/guilds/{guild}/bots", bot=bot, permissions=permissions, top=top)
        return read(GuildInfo, told)

    async def remove_bot(self, guild: int, bot: int) -> GuildInfo:
        """A bot leaves a guild."""
        return read(GuildInfo, await self._transport.delete(f"/guilds/{guild}/bots/{bot}"))

    async def create_role(
        self,
        guild: int,
        name: str,
        *,
        permissions: int | None = None,
        color: int | None = None,
        position: int | None = None,
    ) -> Named:
        """Make a role."""
        told = await self._transport.post(
            f"/guilds/{guild}/roles", name=name, permissions=permissions, color=color, position=position
        )
        return read(Named, told)

    async def create_channel(
        self, guild: int, name: str, *, kind: int = 0, overwrites: Sequence[Mapping[str, object]] = ()
    ) -> Named:
        """Make a channel; `kind` is Discord's channel type."""
        told = await self._transport.post(
            f"/guilds/{guild}/channels", name=name, type=kind, overwrites=list(overwrites)
        )
        return read(Named, told)

    async def create_emoji(self, guild: int, name: str) -> Named:
        """Make a custom emoji."""
        return read(Named, await self._transport.post(f"/guilds/{guild}/emojis", name=name))

    async def messages(self, channel: int, *, limit: int = 100) -> list[MessageInfo]:
        """The last messages of a channel, oldest first."""
        return read_many(MessageInfo, await self._transport.get(f"/channels/{channel}/messages", limit=limit))

    async def message(self, channel: int, message: int) -> MessageInfo:
        """One message, also one that only one person sees."""
        return read(MessageInfo, await self._transport.get(f"/channels/{channel}/messages/{message}"))

    async def ledger(self, *, bot: int | None = None) -> LedgerReport:
        """The ledger of a bot."""
        return read(LedgerReport, await self._transport.get("/ledger", bot=bot))

    async def ledger_events(self, kind: str, *, bot: int | None = None) -> list[LedgerEvent]:
        """Keys that are `lost`, `repeated`, `unexpected` or `undeliverable`."""
        told = await self._transport.get("/ledger/events", bot=bot, **{kind: True})
        return read_many(LedgerEvent, told.get("events") if isinstance(told, Mapping) else None)

    async def handled(self, events: Sequence[tuple[str, Mapping[str, object]]], *, bot: int | None = None) -> None:
        """Tell the ledger of events (name and payload) whose handlers have finished."""
        named = [{"name": name, "key": natural_key(name, payload)} for name, payload in events]
        await self._transport.post("/ledger/handled", bot=bot, events=named)

    async def interactions(self, *, bot: int | None = None) -> list[Answer]:
        """Every interaction and its answer."""
        return read_many(Answer, await self._transport.get("/ledger/interactions", bot=bot))

    async def text_commands(self, *, bot: int | None = None) -> list[Answer]:
        """Every text command and its answer."""
        return read_many(Answer, await self._transport.get("/ledger/commands", bot=bot))

    async def sessions(self, *, bot: int | None = None) -> list[SessionInfo]:
        """The gateway sessions that exist."""
        return read_many(SessionInfo, await self._transport.get("/sessions", bot=bot))

    async def wait_for_interaction(self, interaction: int, *, timeout: float = 10.0) -> Answer:
        """Wait until an interaction has its content."""
        return read(Answer, await self._transport.get("/wait", interaction=interaction, timeout=timeout))

    async def wait_for_message(self, message: int, *, timeout: float = 10.0, bot: int | None = None) -> Answer:
        """Wait until the bot has said something to a message."""
        return read(Answer, await self._transport.get("/wait", message=message, timeout=timeout, bot=bot))

    async def wait_until_handled(self, *, timeout: float = 30.0, bot: int | None = None) -> LedgerReport:
        """Wait until everything that was sent and could be delivered is handled."""
        return read(LedgerReport, await self._transport.get("/wait", handled=True, timeout=timeout, bot=bot))

    async def wait_for_sessions(
        self, count: int, *, shard_count: int | None = None, timeout: float = 30.0, bot: int | None = None
    ) -> None:
        """Wait until this many sessions are connected, of one shard count if it is given."""
        await self._transport.get("/wait", sessions=count, shard_count=shard_count, timeout=timeout, bot=bot)
