"""What the control routes work on, and how a route is written: a function of the context and a request, giving JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import orjson
from aiohttp import web

from migaga_emulator.control.given import ControlFault, Given, as_id
from migaga_emulator.gateway.faults import GatewayFaults
from migaga_emulator.gateway.hub import Hub
from migaga_emulator.ledger.answers import AnswerBook
from migaga_emulator.ledger.book import Ledger
from migaga_emulator.ledger.topics import Topics
from migaga_emulator.rest.faults import RestFaults
from migaga_emulator.rules import Rules
from migaga_emulator.world.command_data import PersonRefused
from migaga_emulator.world.errors import DiscordError
from migaga_emulator.world.state import Bot
from migaga_emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a running emulator that the control API reaches."""

    world: World
    rules: Rules
    hub: Hub
    faults: GatewayFaults
    ledger: Ledger
    answers: AnswerBook
    topics: Topics
    rest_faults: RestFaults

    def bot(self, bot_id: int | None) -> Bot:
        """A bot by id; without one the only bot there is. Raises 404 or 400."""
        bots = self.world.bots
        if bot_id is not None:
            if bot_id not in bots:
                raise ControlFault(404, f"there is no bot {bot_id}")
            return bots[bot_id]
        if len(bots) == 1:
            return next(iter(bots.values()))
        many = "there is no bot yet: make one first" if not bots else "there are several bots: say which with 'bot'"
        raise ControlFault(400, many)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a control route."""

    path: Mapping[str, str]
    query_values: Mapping[str, str]
    body_values: Mapping[str, object]

    def id(self, name: str) -> int:
        """An id in the path."""
        return as_id(name, self.path[name])

    def body(self, *allowed: str) -> Given:
        """The JSON body; fields that are not allowed are refused."""
        return Given(self.body_values, allowed)

    def query(self, *allowed: str) -> Given:
        """The query string."""
        return Given(self.query_values, allowed)


Handler: TypeAlias = Callable[[Context, Request], Awaitable[object] | object]
Route: TypeAlias = tuple[str, str, Handler]
"""Method, path below /control, handler."""


def control_app(context: Context, routes: Collection[Route]) -> web.Application:
    """The application that serves the routes and turns faults into JSON."""
    app = web.Application(middlewares=[_faults_as_json], client_max_size=64 * 1024 * 1024)
    for method, path, handler in routes:
        app.router.add_route(method, path, _served(context, handler))
    return app


def _served(context: Context, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        outcome = handler(context, Request(request.match_info, request.query, await _body(request)))
        if isinstance(outcome, Awaitable):
            outcome = await outcome
        return _json(outcome)

    return serve


async def _body(request: web.Request) -> Mapping[str, object]:
    raw = await request.read()
    if not raw:
        return {}
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ControlFault(400, f"the body is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ControlFault(400, "the body must be a JSON object")
    return values


@web.middleware
async def _faults_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ControlFault as fault:
        return _json({"error": fault.message, "code": fault.code}, fault.status)
    except DiscordError as error:
        status = 404 if error.status == 404 else 400
        told = {"error": f"Discord refuses this: {error.message}", "code": error.code, "errors": error.errors}
        return _json(told, status)
    except PersonRefused as refusal:
        return _json({"error": f"Discord's client refuses this: {refusal}", "code": None}, 400)
    except web.HTTPNotFound:
        return _json({"error": f"there is no {request.path}: see docs/emulator.md", "code": None}, 404)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return _json({"error": f"{request.path} takes {allowed}, not {request.method}", "code": None}, 405)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
