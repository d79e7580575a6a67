"""What the fleet knows of its guilds: a compact view, kept by raw events, fetched by REST when unknown.

After a RESUME in a new process Discord sends no GUILD_CREATE, so what nobody asked for yet is fetched: only those parts
that a check needs. The runtime calls `GuildDirectory.observe` for every event before it is routed.

What is fetched may be newer than events that are still to come (a replay, or what waited). They are applied all the
same, in their order: a message is always judged by a state that has every change that came before it, as Discord
would have judged it then, or by a newer one; and when the last of them has come, the view is as Discord has it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Protocol

from migaga.common.ending import end_tasks
from migaga.framework.departures import Departures, HasLeft
from migaga.framework.guild_view import EVERYTHING, GuildView, Part, apply, fill, read_guild
from migaga.framework.rawguild import Payload, read_channel

_Event = tuple[str, Payload]
_WATCHED = ("GUILD_", "CHANNEL_", "THREAD_")


class GuildSource(Protocol):
    """Where an unknown guild is fetched: Discord's REST, as raw payloads."""

    async def fetch_guild(self, guild_id: int, parts: Part) -> Payload:
        """Return these parts of a guild as in GUILD_CREATE; the bot itself is in `members`."""
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
        self._fetches: dict[int, asyncio.Task[GuildView | None]] = {}
        self._missed: dict[int, list[_Event]] = {}
        self._tasks: set[asyncio.Task[GuildView | None]] = set()
        self.unavailable: set[int] = set()
        """Guilds in an outage: known, but nothing can be asked of them."""

    def __len__(self) -> int:
        return len(self._views)

    def peek(self, guild_id: int) -> GuildView | None:
        """Return a guild's view when it is here, without waiting."""
        return self._views.get(guild_id)

    async def get(self, guild_id: int, parts: Part = EVERYTHING) -> GuildView:
        """Return a guild's view in which `parts` are known, fetched when they are not: one call for each.

        Callers at the same time share one fetch.
        """
        while True:
            view = self._views.get(guild_id)
            if view is not None and parts in view.parts:
                self._views.move_to_end(guild_id)
                return view
            fetch = self._fetches.get(guild_id)
            if fetch is None:
                fetch = self._begin_fetch(guild_id, parts | Part.BASICS if view is None else parts & ~view.parts)
            found = await asyncio.shield(fetch)
            if found is not None and parts in found.parts:
                return found

    async def with_channel(self, guild_id: int, channel_id: int) -> GuildView:
        """Return a view that knows the channels, and this one. One that no event brought, an old thread, is fetched."""
        view = await self.get(guild_id, Part.BASICS | Part.CHANNELS)
        if channel_id not in view.channels:
            payload = await self._source.fetch_channel(channel_id)
            if int(str(payload.get("guild_id", 0))) == guild_id:
                view.channels.setdefault(channel_id, read_channel(payload))
        return view

    async def close(self) -> None:
        """Stop fetches that are under way."""
        await end_tasks(*self._tasks)

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
        view, missed = self._views.get(guild_id), self._missed.get(guild_id)
        if view is not None:
            apply(view, name, payload, self._me)
        if missed is not None:
            missed.append((name, payload))

    def _create(self, payload: Payload) -> None:
        guild_id = int(payload["id"])
        if payload.get("unavailable"):
            self._delete(guild_id, outage=True)
            return
        self.unavailable.discard(guild_id)
        if guild_id in self._missed:
            self._missed[guild_id].clear()
        self._store(read_guild(payload, self._me))

    def _delete(self, guild_id: int, *, outage: bool) -> None:
        self._views.pop(guild_id, None)
        self._fetches.pop(guild_id, None)
        self._missed.pop(guild_id, None)
        if outage:
            self.unavailable.add(guild_id)
        else:
            self.unavailable.discard(guild_id)

    def _store(self, view: GuildView) -> None:
        self._views[view.id] = view
        self._views.move_to_end(view.id)
        while len(self._views) > self._capacity:
            self._views.popitem(last=False)

    def _begin_fetch(self, guild_id: int, parts: Part) -> asyncio.Task[GuildView | None]:
        missed = self._missed[guild_id] = []
        fetch = asyncio.create_task(self._fetch(guild_id, parts, missed), name=f"fetch guild {guild_id}")
        self._fetches[guild_id] = fetch
        self._tasks.add(fetch)
        fetch.add_done_callback(self._tasks.discard)
        return fetch

    async def _fetch(self, guild_id: int, parts: Part, missed: list[_Event]) -> GuildView | None:
        """Fetch parts of a guild, then apply what happened meanwhile. A GUILD_CREATE that came meanwhile is newer.

        None: what was known of the guild was forgotten meanwhile, and it has to be fetched as a whole.
        """
        try:
            payload = await self._source.fetch_guild(guild_id, parts)
        finally:
            is_current = self._missed.get(guild_id) is missed
            if is_current:  # Else it was forgotten, and somebody may have asked anew.
                del self._fetches[guild_id], self._missed[guild_id]
        view = self._views.get(guild_id) if is_current else None
        if view is not None:
            fill(view, payload, self._me, parts & ~view.parts)
        elif Part.BASICS in parts:
            view = read_guild(payload, self._me, parts)
            if is_current and not self._departures.has_left(guild_id):
                self._store(view)
        else:
            return None
        for name, event in missed:
            apply(view, name, event, self._me)
        return view
