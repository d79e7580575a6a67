"""Carries out what people do, at a steady rate. Called by the scenarios with a plan of `traffic`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.person import Person
from migaga_emulator.control.shapes import Crowd, MessageInfo
from migaga_emulator.scenarios.traffic import REMEMBERED, Action

LANES = 8
"""Actions that go on at once. A guild is always in the same lane, so its actions keep their order."""
_QUEUED = 50


@dataclass(slots=True)
class _Guild:
    """One guild as its visitors remember it."""

    id: int
    channels: Sequence[int]
    old: Sequence[MessageInfo] = ()
    remembered: deque[MessageInfo] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def message(self, action: Action) -> MessageInfo:
        """The message that an action is about."""
        return self.old[action.back] if action.old else self.remembered[-1 - action.back]


class CrowdRunner:
    """Lets the people of a crowd act."""

    def __init__(
        self,
        control: ControlClient,
        crowd: Crowd,
        channels: Sequence[str],
        old: Sequence[Sequence[MessageInfo]] | None = None,
    ) -> None:
        """`old` are messages of yesterday, for each guild."""
        self._people = [control.person(user.id) for user in crowd.users]
        self._guilds = [
            _Guild(guild.id, [guild.channel(name) for name in channels], old[number] if old else ())
            for number, guild in enumerate(crowd.guilds)
        ]
        self.awake = asyncio.Event()
        """While it is cleared, nobody begins anything; the time does not count for the rate."""
        self.awake.set()
        self.done = 0
        """Actions carried out."""

    async def run(self, plan: Iterable[Action], rate: float, end: asyncio.Event) -> None:
        """Carry out the plan until `end` is set.

        Args:
            plan: actions without end.
            rate: actions in a second. A crowd that is behind catches up.
            end: no action begins after it.
        """
        lanes: list[asyncio.Queue[Action | None]] = [asyncio.Queue(_QUEUED) for _ in range(LANES)]
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(lanes):
                group.create_task(self._walk(lane), name=f"crowd {number}")
            await self._pace(plan, rate, end, lanes)
            for lane in lanes:
                await lane.put(None)

    async def _pace(
        self, plan: Iterable[Action], rate: float, end: asyncio.Event, lanes: list[asyncio.Queue[Action | None]]
    ) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, action in enumerate(plan):
            ahead = start + number / rate - loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            if not self.awake.is_set():
                asleep = loop.time()
                await self.awake.wait()
                start += loop.time() - asleep
            if end.is_set():
                return
            await lanes[action.guild % LANES].put(action)

    async def _walk(self, lane: asyncio.Queue[Action | None]) -> None:
        while (action := await lane.get()) is not None:
            guild = self._guilds[action.guild]
            await self._act(action, guild, self._people[action.member])
            self.done += 1

    async def _act(self, action: Action, guild: _Guild, person: Person) -> None:
        match action.kind:
            case "post":
                guild.remembered.append(await person.post(guild.channels[action.channel], action.content))
            case "join":
                await person.join(guild.id)
            case "leave":
                await person.leave(guild.id)
            case "react" | "unreact":
                message = guild.message(action)
                act = person.react if action.kind == "react" else person.unreact
                await act(message.channel_id, message.id, action.emoji)
            case "edit" | "delete":
                await self._change(action, guild)

    async def _change(self, action: Action, guild: _Guild) -> None:
        """Edit or delete a message, which only its author does."""
        message = guild.message(action)
        author = next(person for person in self._people if person.id == message.author_id)
        if action.kind == "edit":
            await author.edit(message.channel_id, message.id, action.content)
            return
        guild.remembered.remove(message)
        await author.delete(message.channel_id, message.id)
