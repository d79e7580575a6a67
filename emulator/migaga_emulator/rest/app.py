"""The REST API as an aiohttp application: who asks, how often, and what the route answers. Mounted by the server."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote

from aiohttp import web

from migaga_emulator.rest import (
    routes_channels,
    routes_commands,
    routes_emojis,
    routes_guilds,
    routes_interactions,
    routes_invites,
    routes_members,
    routes_messages,
    routes_pins,
    routes_reactions,
    routes_threads,
    routes_users,
)
from migaga_emulator.rest.answers import LIMITED, SHARED, answer, json_answer, too_many
from migaga_emulator.rest.call import Call
from migaga_emulator.rest.faults import RestFault, RestFaults
from migaga_emulator.rest.hooks import RestHooks
from migaga_emulator.rest.limits import RateLimits, retry_after_header
from migaga_emulator.rest.reading import read_body, reason_of
from migaga_emulator.rest.router import Route, Router
from migaga_emulator.world import errors
from migaga_emulator.world.errors import DiscordError, RateLimitError
from migaga_emulator.world.state import Bot
from migaga_emulator.world.world import World

SERVED_VERSIONS = ("v9", "v10")
_UNKNOWN_WEBHOOK = 10015
_VERSION = re.compile(r"v[0-9]+\Z")
_MAJOR = ("channel_id", "guild_id", "application_id")


def rest_app(world: World, limits: RateLimits, faults: RestFaults, hooks: RestHooks) -> web.Application:
    """The application to mount at /api/v10 (`app.add_subapp`). Serves every path below; unknown ones answer 404."""
    app = web.Application(client_max_size=world.rules.request_bytes)
    app.router.add_route("*", "/{path:.*}", RestApi(world, limits, faults, hooks).serve)
    return app


def add_other_paths(app: web.Application) -> None:
    """Below /api, where no version is mounted: 400 for a version that is not served, else 404, both as JSON.

    To be called before the versions are mounted: the path of a version itself belongs to no route of it.
    """

    async def refuse(request: web.Request) -> web.Response:
        version = request.match_info.get("path", "").strip("/").split("/")[0]
        unknown = _VERSION.match(version) and version not in SERVED_VERSIONS
        error = errors.invalid_version() if unknown else errors.not_found()
        return json_answer(error.body(), error.status)

    for path in ("/api", *(f"/api/{version}" for version in SERVED_VERSIONS)):
        app.router.add_route("*", path, refuse)
    app.router.add_route("*", "/api/{path:.*}", refuse)


def make_router() -> Router:
    """All routes."""
    router = Router()
    for module in (
        routes_users,
        routes_guilds,
        routes_members,
        routes_emojis,
        routes_channels,
        routes_threads,
        routes_invites,
        routes_messages,
        routes_pins,
        routes_reactions,
        routes_commands,
        routes_interactions,
    ):
        module.add_to(router)
    return router


class RestApi:
    """Serves requests."""

    def __init__(self, world: World, limits: RateLimits, faults: RestFaults, hooks: RestHooks) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults
        self._hooks = hooks
        self._router = make_router()

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request as Discord would."""
        address = request.remote or ""
        banned = self._limits.banned_for(address)
        if banned is not None:
            headers = {"Retry-After": retry_after_header(banned)}
            return web.Response(status=429, text="error code: 1015", content_type="text/plain", headers=headers)
        segments = [unquote(part) for part in request.rel_url.raw_path.strip("/").split("/")]
        segments = segments[_prefix_length(request) :]
        bot, template, response = None, "unknown", None
        try:
            route, params = self._router.find(request.method, segments)
            template = route.template
            bot = self._authorize(request, route)
            response = await self._limited(request, route, params, bot)
        except DiscordError as error:
            response = json_answer(error.body(), error.status)
        shared = response.headers.get("X-RateLimit-Scope") == "shared"
        if response.status in (401, 403) or (response.status == 429 and not shared):
            self._limits.invalid(address)
        self._hooks.request(None if bot is None else bot.user.id, request.method, template, response.status)
        return response

    def _authorize(self, request: web.Request, route: Route) -> Bot | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bot = self._world.bot_by_token(token.strip()) if scheme == "Bot" else None
        if bot is None and not route.public:
            raise errors.unauthorized()
        return bot

    async def _limited(
        self, request: web.Request, route: Route, params: dict[str, str], bot: Bot | None
    ) -> web.Response:
        bot_id = None if bot is None else bot.user.id
        fault = self._faults.take(request.method, route.template, request.path, bot_id)
        if fault is not None and fault.latency_s > 0:
            await asyncio.sleep(fault.latency_s)
        if fault is not None and fault.status is not None:
            return self._faulty(fault, request.method, route.template)
        if bot is not None and not route.public:
            wait = self._limits.take_global(bot.user.id)
            if wait is not None:
                return too_many(wait, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, everywhere=True)
        if route.template.endswith("/callback"):
            # (observed) The one route that is in no bucket: its answers carry no rate limit headers.
            return await self._run(request, route, params, bot)
        verdict = self._limits.take(request.method, route.template, _major(params), _who(bot, params))
        if not verdict.allowed:
            return too_many(verdict.reset_after, verdict.headers() | {"X-RateLimit-Scope": "user"})
        response = await self._run(request, route, params, bot)
        response.headers.update(verdict.headers())
        return response

    async def _run(self, request: web.Request, route: Route, params: dict[str, str], bot: Bot | None) -> web.Response:
        try:
            call = Call(self._world, self._hooks, bot, params, request.query)
            call.json, call.uploads = await read_body(request, self._world.rules.request_bytes)
            reason = request.headers.get("X-Audit-Log-Reason")
            call.reason = reason_of(reason)
            reply = route.handler(call)
        except RateLimitError as error:
            return too_many(error.retry_after, {"X-RateLimit-Scope": "user"}, message=error.message, code=error.code)
        except DiscordError as error:
            if error.code == _UNKNOWN_WEBHOOK:
                self._limits.webhook_gone(request.remote or "", params.get("interaction_token", ""))
            return json_answer(error.body(), error.status)
        return answer(reply)

    def _faulty(self, fault: RestFault, method: str, route: str) -> web.Response:
        if fault.status != 429:
            status = fault.status or 500
            return json_answer({"message": f"{status}: {_PHRASES.get(status, 'Error')}", "code": 0}, status)
        headers = {"X-RateLimit-Scope": fault.scope}
        if fault.scope == "global":
            return too_many(fault.retry_after_s, headers | {"X-RateLimit-Global": "true"}, everywhere=True)
        remaining = 1 if fault.scope == "shared" else 0
        headers |= self._limits.refused(method, route, fault.retry_after_s, remaining=remaining).headers()
        return too_many(fault.retry_after_s, headers, message=SHARED if fault.scope == "shared" else LIMITED)


def _prefix_length(request: web.Request) -> int:
    """Segments of the path that belong to the prefix the application is mounted at."""
    whole = request.rel_url.raw_path.strip("/")
    own = request.match_info["path"].strip("/")
    return len(whole.split("/")) - len(own.split("/")) if own else len(whole.split("/"))


_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def _major(params: dict[str, str]) -> str:
    """The top-level resource of a path: buckets are counted apart for each."""
    if "interaction_token" in params:
        # A webhook's limits are those of its id and token together, and each interaction has a token of its own.
        return params["interaction_token"]
    for name in _MAJOR:
        if name in params:
            return params[name]
    return ""


def _who(bot: Bot | None, params: dict[str, str]) -> str:
    token = params.get("interaction_token")
    if token is not None:
        return token
    return "" if bot is None else str(bot.user.id)
