"""Asking pods for their status, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from migaga_operator.control import asking
from migaga_operator.control.asking import open_asker, status_url

RUNNING = [{"state": {"running": {"startedAt": "2026-03-01T00:00:00Z"}}}]


def pod(name: str, port: int, address: str = "127.0.0.1", **status: object) -> dict[str, object]:
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/component": "shards"}},
        "spec": {"containers": [{"ports": [{"name": "workers", "containerPort": 1}]}, _main(port)]},
        "status": {"podIP": address, "containerStatuses": RUNNING, **status},
    }


def _main(port: int) -> dict[str, object]:
    return {"ports": [{"name": "http", "containerPort": port}]}


@asynccontextmanager
async def server(handle: object) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/status", handle)  # type: ignore[arg-type]
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def well(_: web.Request) -> web.Response:
    return web.json_response({"phase": "running"})


async def silent(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_pods_that_answer_are_heard_and_a_silent_one_is_missing() -> None:
    async with server(well) as one, server(silent) as other, open_asker(0.5) as asker:
        found = await asker.ask([pod("a", one), pod("b", one), pod("c", other)])
    assert found == {"a": {"phase": "running"}, "b": {"phase": "running"}}


async def test_answers_that_are_no_status_count_as_none() -> None:
    async def wrong(request: web.Request) -> web.Response:
        return {
            "text": web.Response(text="hello"),
            "error": web.json_response({"phase": "running"}, status=503),
            "elsewhere": web.Response(status=302, headers={"Location": "/status"}),
            "deep": web.Response(text="[" * 100_000),
            "bytes": web.Response(body=b"\xff\xfe\x00"),
        }[kind]

    for kind in ("text", "error", "elsewhere", "deep", "bytes"):
        async with server(wrong) as port, open_asker() as asker:
            assert await asker.ask([pod("a", port)]) == {}, kind


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        sent = 0
        try:
            while True:
                await response.write(b" " * 65536)
                sent += 65536
        finally:
            sizes.append(sent)

    sizes: list[int] = []
    async with server(endless) as port, open_asker(10.0) as asker:
        assert await asker.ask([pod("a", port)]) == {}
    assert sizes[0] < 4 * asking.LARGEST


async def test_a_pod_where_nobody_listens_is_missing() -> None:
    async with server(well) as port:
        pass
    async with open_asker() as asker:
        assert await asker.ask([pod("a", port)]) == {}


def test_pods_that_have_not_begun_are_not_asked() -> None:
    assert status_url(pod("a", 8080, "")) == ""
    assert status_url(pod("a", 8080, containerStatuses=[{"state": {"waiting": {}}}])) == ""
    assert status_url({**pod("a", 8080), "metadata": {"labels": {"app.kubernetes.io/component": "workers"}}}) == ""
    assert status_url(None) == ""


def test_addresses_of_version_6_and_pods_that_name_no_port() -> None:
    assert status_url(pod("a", 9000, "fd00::1")) == "http://[fd00::1]:9000/status"
    assert status_url({**pod("a", 9000), "spec": {}}) == "http://127.0.0.1:8080/status"
