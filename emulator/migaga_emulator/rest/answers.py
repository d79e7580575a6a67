"""Makes the responses of REST: JSON as Discord sends it, and 429s. Used by `app.py`."""

from __future__ import annotations

import orjson
from aiohttp import web

from migaga_emulator.rest.call import Reply
from migaga_emulator.rest.limits import retry_after_header
from migaga_emulator.world.wire import JsonObject

LIMITED = "You are being rate limited."
SHARED = "The resource is being rate limited."


def answer(reply: Reply) -> web.Response:
    """What a route answers, as a response."""
    return web.Response(status=204) if reply.body is None else json_answer(reply.body, reply.status)


def json_answer(
    body: JsonObject | list[JsonObject], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON answer whose content type is exactly `application/json`: discord.py reads no other."""
    encoded = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return web.Response(body=encoded, status=status, content_type="application/json", headers=headers)


def too_many(
    seconds: float,
    headers: dict[str, str],
    *,
    everywhere: bool = False,
    message: str = LIMITED,
    code: int | None = None,
) -> web.Response:
    """A 429: `seconds` to wait; `everywhere` for the global limit; some limits have an error code."""
    body: JsonObject = {"message": message, "retry_after": round(seconds, 3), "global": everywhere}
    if code is not None:
        body["code"] = code
    return json_answer(body, 429, headers | {"Retry-After": retry_after_header(seconds), "Via": "1.1 google"})
