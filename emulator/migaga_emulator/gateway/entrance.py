"""Who may ask GET /gateway/bot: the same limits and faults as for every other REST route. Used by `routes.py`."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from migaga_emulator.rest.faults import RestFaults
from migaga_emulator.rest.limits import RateLimits, retry_after_header
from migaga_emulator.world.state import Bot
from migaga_emulator.world.world import World

ROUTE = "/gateway/bot"


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON whose content type is exactly `application/json`: discord.py reads no other."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers)


class Entrance:
    """Checks requests before they are answered."""

    def __init__(self, world: World, limits: RateLimits, faults: RestFaults) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults

    async def admit(self, request: web.Request) -> Bot | web.Response:
        """The bot that asks, or what it gets instead: 401, 429, an injected fault."""
        address = request.remote or ""
        if (banned := self._limits.banned_for(address)) is not None:
            headers = {"Retry-After": retry_after_header(banned)}
            return web.Response(status=429, text="error code: 1015", content_type="text/plain", headers=headers)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bot = self._world.bot_by_token(token.strip()) if scheme == "Bot" else None
        if bot is None:
            self._limits.invalid(address)
            return json_response({"message": "401: Unauthorized", "code": 0}, 401)
        fault = self._faults.take(request.method, ROUTE, request.path, bot.user.id)
        if fault is not None and fault.latency_s > 0:
            await asyncio.sleep(fault.latency_s)
        if fault is not None and fault.status is not None and fault.status != 429:
            return json_response({"message": f"{fault.status}: Error", "code": 0}, fault.status)
        wait = self._limits.take_global(bot.user.id)
        if fault is not None and fault.status == 429:
            return self._too_many(address, fault.retry_after_s, fault.scope)
        return bot if wait is None else self._too_many(address, wait, "global")

    def _too_many(self, address: str, seconds: float, scope: str) -> web.Response:
        if scope != "shared":
            self._limits.invalid(address)
        everywhere = scope == "global"
        body = {"message": "You are being rate limited.", "retry_after": round(seconds, 3), "global": everywhere}
        headers = {"Retry-After": retry_after_header(seconds), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
        return json_response(body, 429, headers | ({"X-RateLimit-Global": "true"} if everywhere else {}))
