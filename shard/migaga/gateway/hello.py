"""Whether Discord's gateway can be reached: a connection up to HELLO, which costs nothing (P10).

`fleet.py` asks before its process joins the others: an image that cannot reach Discord must take no shard.
"""

from __future__ import annotations

import asyncio

import aiohttp
import hikari
from hikari import urls

from migaga.common.errors import UnavailableError
from migaga.gateway.privates import RESUMABLE_CLOSE

HELLO_WITHIN = 10.0
OP_HELLO = 10


async def hear_hello(url: str, http: hikari.impl.HTTPSettings, proxy: hikari.impl.ProxySettings) -> None:
    """Return when the gateway at `url` has said HELLO. Raises UnavailableError, saying why, when it does not."""
    address = f"{url}/?v={urls.VERSION}&encoding=json"
    try:
        async with (
            asyncio.timeout(HELLO_WITHIN),
            aiohttp.ClientSession(trust_env=proxy.trust_env) as session,
            session.ws_connect(address, ssl=http.ssl, proxy=proxy.url) as connection,
        ):
            hello = await connection.receive_json()
            await connection.close(code=RESUMABLE_CLOSE)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError) as error:
        raise UnavailableError(
            f"Discord's gateway {url} cannot be reached ({type(error).__name__}). It is tried again. "
            "Does this machine reach it, directly or through its proxy?"
        ) from error
    if not isinstance(hello, dict) or hello.get("op") != OP_HELLO:
        raise UnavailableError(f"what answers at {url} does not begin as Discord's gateway does. It is tried again.")
