"""What the fleet knows of its guilds: a compact view, kept by raw events, fetched by REST when unknown.

After a RESUME in a new process Discord sends no GUILD_CREATE, so a guild that nobody asked for yet is fetched.
The runtime calls `GuildDirectory.observe` for every event before it is routed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from hikari import Permissions

from migaga.framework.departures import Departures, HasLeft
from migaga.framework.permissions import ChannelView, RoleView, base_permissions, channel_permissions
from migaga.framework.rawguild import Payload, read_channel, read_role, when

_WATCHED = ("GUILD_", "CHANNEL_", "THREAD_")


@dataclass(slots=True, eq=False)
class GuildView:
    """One guild as the bot sees it. Events keep it up to date in place."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, RoleView] = field(default_factory=dict)
    channels: dict[int, ChannelView] = field(default_factory=dict)
    """Channels and active threads."""
    emoji_ids: frozenset[int] = frozenset()
    my_roles: tuple[int, ...] = ()
    """Roles of the bot itself."""
    my_timeout: float = 0.0
    """Until when the bot is timed out, in seconds since the epoch."""

    def base_permissions(self, member_id: int, member_roles: tuple[int, ...]) -> Permissions:
        """Return what a member may do in the guild, without channel overwrites."""
        return base_permissions(
            guild_id=self.id,
            owner_id=self.owner_id,
            roles=self.roles,
            member_id=member_id,
            member_roles=member_roles,
        )

    def permissions_in(
        self, channel_id: int, member_id: int, member_roles: tuple[int, ...], *, timed_out: bool = False
    ) -> Permissions:
        """Return what a member may do in a channel or thread; none when the channel is unknown."""
        channel = self.channels.get(channel_id)
        if channel is None:
            return Permissions.NONE
        return channel_permissions(
            guild_id=self.id,
            owner_id=self.owner_id,
            roles=self.roles,
            channel=channel,
            parent=self.channels.get(channel.parent_id or 0),
            member_id=member_id,
            member_roles=member_roles,
            timed_out=timed_out,
        )


class GuildSource(Protocol):
    """Where an unknown guild is fetched: Discord's REST, as raw payloads."""

    async def fetch_guild(self, guild_id: int) -> Payload:
        """Return a guild as in GUILD_CREATE, with `channels`, `roles`, `emojis`, and the bot itself in `members`."""
        ...

    async def fetch_channel(self, channel_id: int) -> Payload:
        """Return one channel or thread."""
        ...


class GuildDirectory:
    """Views of the guilds of this process; the least recently used ones are forgotten beyond `capacity`."""

    def __init__(
        self, source: GuildSource, me: int, *, departures: Departures | None = None, capacity: int = 20_000
    ) -> None:
        self._source = source
        self._me = me
        self._departures = departures or Departures()
        self._capacity = capacity
        self._views: OrderedDict[int, GuildView] = OrderedDict()
        self._fetches: dict[int, asyncio.Task[GuildView]] = {}
        self._missed: dict[int, list[tuple[str, Payload]]] = {}
        self.unavailable: set[int] = set()
        """Guilds in an outage: known, but nothing can be asked of them."""

    def __len__(self) -> int:
        return len(self._views)

    def peek(self, guild_id: int) -> GuildView | None:
        """Return a guild's view when it is here, without waiting."""
        return self._views.get(guild_id)

    async def get(self, guild_id: int) -> GuildView:
        """Return a guild's view, fetched when unknown; callers at the same time share one fetch."""
        view = self._views.get(guild_id)
        if view is not None:
            self._views.move_to_end(guild_id)
            return view
        fetch = self._fetches.get(guild_id)
        if fetch is None:
            self._missed[guild_id] = []
            fetch = asyncio.create_task(self._fetch(guild_id), name=f"fetch guild {guild_id}")
            self._fetches[guild_id] = fetch
        return await asyncio.shield(fetch)

    async def channel(self, guild_id: int, channel_id: int) -> ChannelView | None:
        """Return a channel or thread of a guild; one that no event brought, such as an old thread, is fetched."""
        view = await self.get(guild_id)
        if channel_id not in view.channels:
            payload = await self._source.fetch_channel(channel_id)
            if int(str(payload.get("guild_id", 0))) == guild_id:
                view.channels.setdefault(channel_id, read_channel(payload))
        return view.channels.get(channel_id)

    async def close(self) -> None:
        """Stop fetches that are under way."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    def forget(self, has_left: HasLeft) -> None:
        """Forget guilds whose events go elsewhere now. Who still asks for one gets it fresh, each time."""
        for guild_id in [one for one in self._views if has_left(one)]:
            del self._views[guild_id]
        for guild_id in [one for one in self._fetches if has_left(one)]:
            del self._fetches[guild_id], self._missed[guild_id]
        self.unavailable = {one for one in self.unavailable if not has_left(one)}

    def observe(self, name: str, payload: Payload) -> None:
        """Take over what a raw event says. Events of unknown guilds cost a dictionary look-up and are dropped."""
        if not name.startswith(_WATCHED):
            return
        if name == "GUILD_CREATE":
            self._create(payload)
            return
        guild_id = int(payload["id"] if name in ("GUILD_UPDATE", "GUILD_DELETE") else payload.get("guild_id", 0))
        if name == "GUILD_DELETE":
            self._delete(guild_id, outage=bool(payload.get("unavailable")))
            return
        view = self._views.get(guild_id)
        if view is not None:
            apply(view, name, payload, self._me)
        elif guild_id in self._missed:
            self._missed[guild_id].append((name, payload))

    def _create(self, payload: Payload) -> None:
        guild_id = int(payload["id"])
        if payload.get("unavailable"):
            self._delete(guild_id, outage=True)
            return
        self.unavailable.discard(guild_id)
        self._store(read_guild(payload, self._me))

    def _delete(self, guild_id: int, *, outage: bool) -> None:
        self._views.pop(guild_id, None)
        if outage:
            self.unavailable.add(guild_id)
        else:
            self.unavailable.discard(guild_id)

    def _store(self, view: GuildView) -> None:
        self._views[view.id] = view
        self._views.move_to_end(view.id)
        while len(self._views) > self._capacity:
            self._views.popitem(last=False)

    async def _fetch(self, guild_id: int) -> GuildView:
        """Fetch a guild, then apply what happened meanwhile. A GUILD_CREATE that came meanwhile is newer: it wins."""
        missed = self._missed[guild_id]
        try:
            payload = await self._source.fetch_guild(guild_id)
        finally:
            if self._missed.get(guild_id) is missed:  # Else it was forgotten, and somebody may have asked anew.
                del self._fetches[guild_id], self._missed[guild_id]
        known = self._views.get(guild_id)
        if known is not None:
            return known
        view = read_guild(payload, self._me)
        for name, event in missed:
            apply(view, name, event, self._me)
        if not self._departures.has_left(guild_id):
            self._store(view)
        return view


def read_guild(payload: Payload, me: int) -> GuildView:
    """Make a view of a raw guild with its roles, channels, threads, emojis and the bot's own member."""
    view = GuildView(id=int(payload["id"]), name=str(payload.get("name", "")), owner_id=int(payload["owner_id"]))
    for role in payload.get("roles", ()):
        view.roles[int(role["id"])] = read_role(role)
    for channel in (*payload.get("channels", ()), *payload.get("threads", ())):
        view.channels[int(channel["id"])] = read_channel(channel)
    view.emoji_ids = frozenset(int(emoji["id"]) for emoji in payload.get("emojis", ()))
    for member in payload.get("members", ()):
        _read_me(view, member, me)
    return view


def _read_me(view: GuildView, member: Payload, me: int) -> None:
    if int(member["user"]["id"]) != me:
        return
    view.my_roles = tuple(int(role) for role in member.get("roles", ()))
    view.my_timeout = when(member.get("communication_disabled_until"))


def apply(view: GuildView, name: str, payload: Payload, me: int) -> None:
    """Apply one raw event to a view. Each event carries the whole new object, so repeating one changes nothing."""
    if name.startswith("GUILD_ROLE_"):
        _apply_role(view, name, payload)
    elif name.startswith(("CHANNEL_", "THREAD_")):
        _apply_channel(view, name, payload)
    elif name == "GUILD_UPDATE":
        view.name = str(payload.get("name", view.name))
        view.owner_id = int(payload.get("owner_id", view.owner_id))
    elif name == "GUILD_EMOJIS_UPDATE":
        view.emoji_ids = frozenset(int(emoji["id"]) for emoji in payload.get("emojis", ()))
    elif name == "GUILD_MEMBER_UPDATE":
        _read_me(view, payload, me)


def _apply_role(view: GuildView, name: str, payload: Payload) -> None:
    if name == "GUILD_ROLE_DELETE":
        view.roles.pop(int(payload["role_id"]), None)
    else:
        role = read_role(payload["role"])
        view.roles[role.id] = role


def _apply_channel(view: GuildView, name: str, payload: Payload) -> None:
    if name in ("CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"):
        view.channels[int(payload["id"])] = read_channel(payload)
    elif name == "THREAD_DELETE":
        view.channels.pop(int(payload["id"]), None)
    elif name == "CHANNEL_DELETE":
        _forget_channel(view.channels, int(payload["id"]))
    elif name == "THREAD_LIST_SYNC":
        for thread in payload.get("threads", ()):
            view.channels[int(thread["id"])] = read_channel(thread)


def _forget_channel(channels: dict[int, ChannelView], channel_id: int) -> None:
    """Forget a channel and its threads, for which Discord sends no events of their own."""
    channels.pop(channel_id, None)
    for thread in [c.id for c in channels.values() if c.is_thread and c.parent_id == channel_id]:
        del channels[thread]
