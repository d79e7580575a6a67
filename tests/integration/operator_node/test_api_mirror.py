"""What the agent of the cluster tests knows of the pods, over watches that end in every way."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from tests.support.node_api import Access, Api, ListMirror


class Server:
    """Lists and watches as an API server does, by a script: one answer for each request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.script: list[object] = []
        self.url = ""
        self.is_over = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.query.get("resourceVersion", "list"))
        if not self.script:
            await self.is_over.wait()
            return web.Response()
        step = self.script.pop(0)
        if isinstance(step, int):
            return web.json_response({"kind": "Status", "message": "no"}, status=step)
        if isinstance(step, dict):
            return web.json_response(step)
        response = web.StreamResponse()
        await response.prepare(request)
        for event in step if isinstance(step, list) else ():
            if event is None:
                # The network breaks in the middle of a line.
                await response.write(b'{"type": "ADD')
                assert request.transport is not None
                request.transport.close()
                return response
            await response.write(json.dumps(event).encode() + b"\n")
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found, app = Server(), web.Application()
    app.router.add_get("/pods", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    found.is_over.set()
    await runner.cleanup()


def event(kind: str, uid: str, version: int) -> dict[str, object]:
    return {"type": kind, "object": {"metadata": {"uid": uid, "resourceVersion": str(version)}}}


def listed(version: int, *uids: str) -> dict[str, object]:
    items = [{"metadata": {"uid": uid, "resourceVersion": "1"}} for uid in uids]
    return {"metadata": {"resourceVersion": str(version)}, "items": items}


@pytest.mark.parametrize(
    ("script", "states", "asked"),
    [
        ([listed(5, "a"), [event("ADDED", "b", 6), event("DELETED", "a", 7)]], ["a", "ab", "b"], ["list", "5", "7"]),
        ([listed(5, "a"), [event("BOOKMARK", "", 9)]], ["a"], ["list", "5", "9"]),
        ([listed(5, "a"), [event("DELETED", "a", 6), None]], ["a", ""], ["list", "5", "6"]),
        ([listed(5, "a"), 410, listed(8, "b")], ["a", "b"], ["list", "5", "list", "8"]),
        ([listed(5, "a"), [event("ERROR", "", 0)], listed(8)], ["a", ""], ["list", "5", "list", "8"]),
        ([503, listed(5, "a"), 500], ["a"], ["list", "list", "5", "5"]),
    ],
)
async def test_the_list_is_kept_up_to_date(
    server: Server, script: list[object], states: list[str], asked: list[str]
) -> None:
    server.script, seen = script, []
    async with Api(Access(server.url, b"", ssl.create_default_context(), {})) as api:
        mirror = ListMirror(api, "/pods", "x=y")

        async def changed() -> None:
            seen.append("".join(sorted(mirror.objects)))

        following = asyncio.create_task(mirror.follow(changed))
        async with asyncio.timeout(30):
            while len(server.asked) < len(asked):
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert (seen, server.asked) == (states, asked)
