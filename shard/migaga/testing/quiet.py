"""Know when the bot has finished what people caused. Used by `bot.py` and `people.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from migaga.fleet.fleet import Fleet, ShardStatus
from migaga.framework.runtime import FrameworkRuntime
from migaga_emulator.server import Emulator
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.state import Bot, Message

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds after which a test is told that the bot does not come to rest."""
_STEP = 0.002


class Quiet:
    """Compares what the emulator has sent with what the bot has finished, and keeps what the bot said."""

    def __init__(self, emulator: Emulator, account: Bot, runtime: FrameworkRuntime) -> None:
        self.emulator = emulator
        self.account = account
        self.fleet: Fleet | None = None
        self.said: list[Message] = []
        """The bot's messages since `begin`."""
        self._runtime = runtime
        emulator.world.subscribe(self._on_dispatch)

    def begin(self) -> None:
        """Forget what the bot has said so far: a person does something."""
        self.said = []

    def _on_dispatch(self, dispatch: Dispatch) -> None:
        if dispatch.name != "MESSAGE_CREATE":
            return
        author = dispatch.payload.get("author")
        if isinstance(author, Mapping) and str(author.get("id")) == str(self.account.user.id):
            channel = self.emulator.world.core.channel(int(str(dispatch.payload["channel_id"])))
            message = channel.messages.get(int(str(dispatch.payload["id"])))
            if message is not None:
                self.said.append(message)

    async def connected(self) -> None:
        """Wait until the bot's session is open."""
        await self.until(lambda: self.fleet is not None and self.fleet.is_live, "the bot does not connect")

    async def wait(self) -> None:
        """Wait until every event that was sent is finished, but for handlers that wait for people."""
        if self.fleet is None:
            return
        await self.until(self._rests, "the bot does not come to rest")

    def _rests(self) -> bool:
        assert self.fleet is not None
        sent = max((s.seq for s in self.emulator.hub.sessions() if s.bot_id == self.account.user.id), default=0)
        status = self.fleet.status()[0]
        return _received(status) >= sent and status.in_flight + status.put_aside <= len(
            self._runtime.environment.waiting
        )

    async def until(self, holds: Callable[[], T], otherwise: str) -> T:
        """Wait until `holds` returns something that is true. Fails with `otherwise` after `PATIENCE` seconds."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            await asyncio.sleep(_STEP)
        status = [] if self.fleet is None else self.fleet.status()
        raise AssertionError(f"{otherwise} within {PATIENCE:g} s: {status}")


def _received(status: ShardStatus) -> int:
    return (status.watermark or 0) + status.watermark_lag
