"""Faults, from the control client: `ControlClient.faults`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migaga_emulator.control.transport import Transport


class Faults:
    """Injects faults. A connection is named by bot, shard id and shard count; without any of them all are hit.

    Each method for connections returns how many were hit.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def drop(self, *, shard_id: int | None = None, shard_count: int | None = None, bot: int | None = None) -> int:
        """Reset TCP connections."""
        return await self._hit("drop", shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def reconnect(
        self, *, shard_id: int | None = None, shard_count: int | None = None, bot: int | None = None
    ) -> int:
        """Op 7."""
        return await self._hit("reconnect", shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def invalidate(
        self,
        *,
        resumable: bool,
        shard_id: int | None = None,
        shard_count: int | None = None,
        bot: int | None = None,
    ) -> int:
        """Op 9."""
        return await self._hit("invalidate", resumable=resumable, shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def close(
        self, code: int, *, shard_id: int | None = None, shard_count: int | None = None, bot: int | None = None
    ) -> int:
        """Close with a code."""
        return await self._hit("close", code=code, shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def heartbeat(
        self, *, shard_id: int | None = None, shard_count: int | None = None, bot: int | None = None
    ) -> int:
        """Op 1."""
        return await self._hit("heartbeat", shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def silence(
        self, *, shard_id: int | None = None, shard_count: int | None = None, bot: int | None = None
    ) -> int:
        """Let connections stay open and say nothing any more."""
        return await self._hit("silence", shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def withhold(
        self,
        *events: str,
        shard_id: int | None = None,
        shard_count: int | None = None,
        bot: int | None = None,
    ) -> int:
        """Send no dispatch (or none of these events) until the session is resumed; heartbeats are answered."""
        return await self._hit(
            "withhold", events=list(events) or None, shard_id=shard_id, shard_count=shard_count, bot=bot
        )

    async def latency(
        self,
        seconds: float,
        *,
        shard_id: int | None = None,
        shard_count: int | None = None,
        bot: int | None = None,
    ) -> int:
        """Let every frame wait; 0 ends it."""
        return await self._hit("latency", seconds=seconds, shard_id=shard_id, shard_count=shard_count, bot=bot)

    async def refuse(self, times: int | None = None) -> None:
        """Refuse the next connections with 503; None: all until `times` is 0."""
        await self._transport.post("/faults/refuse", times=times)

    async def reconnect_instead_of_hello(self, times: int = 1) -> None:
        """Give the next connections op 7 instead of HELLO."""
        await self._transport.post("/faults/reconnect_instead_of_hello", times=times)

    async def outage(self, guilds: Sequence[int], *, on: bool = True) -> int:
        """Make guilds unavailable, or available again."""
        return await self._hit("outage", guilds=list(guilds), on=on)

    async def absent(self, guilds: Sequence[int], *, on: bool = True) -> int:
        """Keep guilds from sessions that begin from now on; `on` false: they get them now."""
        return await self._hit("absent", guilds=list(guilds), on=on)

    async def spend_budget(self, count: int | None = None, *, bot: int | None = None) -> Mapping[str, object]:
        """Use up IDENTIFYs; None: all that are left. Returns the session start limit."""
        return await self._told("budget", count=count, bot=bot)

    async def revoke_token(self, *, bot: int | None = None) -> None:
        """Refuse the token everywhere and end every session."""
        await self._told("token/revoke", bot=bot)

    async def restore_token(self, *, bot: int | None = None) -> None:
        """Accept a revoked token again."""
        await self._told("token/restore", bot=bot)

    async def rotate_token(self, token: str | None = None, *, bot: int | None = None) -> str:
        """Give the bot a new token; returns it."""
        return str((await self._told("token/rotate", token=token, bot=bot))["token"])

    async def rest(
        self,
        *,
        route: str = "*",
        method: str = "*",
        status: int | None = None,
        latency: float = 0.0,
        retry_after: float = 1.0,
        scope: str = "user",
        times: int | None = None,
        seconds: float | None = None,
        bot: int | None = None,
    ) -> int:
        """Make REST answer with an error, slowly, or both; returns the fault's id."""
        told = await self._told(
            "rest",
            route=route,
            method=method,
            status=status,
            latency=latency,
            retry_after=retry_after,
            scope=scope,
            times=times,
            seconds=seconds,
            bot=bot,
        )
        return int(str(told["id"]))

    async def clear(self) -> None:
        """End every lasting fault; outages and tokens stay."""
        await self._transport.post("/faults/clear")

    async def _hit(self, fault: str, **values: object) -> int:
        return int(str((await self._told(fault, **values))["hit"]))

    async def _told(self, fault: str, **values: object) -> Mapping[str, object]:
        told = await self._transport.post(f"/faults/{fault}", **values)
        return told if isinstance(told, Mapping) else {}
