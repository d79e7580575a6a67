"""The HTTP port: health, readiness with reasons, status, metrics of REST calls."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from migaga.common import logs
from migaga.common.errors import ConfigError
from migaga.observe.http import Probes, serve_http
from migaga.observe.metrics import Metrics


async def test_it_is_ready_only_without_reasons_and_shows_no_secret() -> None:
    logs.protect("a-session-id-of-this-test")
    reasons = ["shard 0 waits, a-session-id-of-this-test"]
    metrics = Metrics()
    probes = Probes(lambda: reasons, lambda: {"phase": "starting"})
    async with serve_http("127.0.0.1", 0, metrics, probes) as port, aiohttp.ClientSession() as http:
        base = f"http://127.0.0.1:{port}"
        async with http.get(f"{base}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with http.get(f"{base}/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["reasons"] == ["shard 0 waits, ***"]
        reasons.clear()
        async with http.get(f"{base}/readyz") as answer:
            assert answer.status == 200
        async with http.get(f"{base}/status") as answer:
            assert await answer.json() == {"phase": "starting"}
        async with http.get(f"{base}/metrics") as answer:
            assert answer.content_type == "text/plain"
            assert "migaga_process_ready 1.0" in await answer.text()


async def test_rest_calls_are_counted_by_method_and_status() -> None:
    metrics = Metrics()
    async with (
        serve_http("127.0.0.1", 0, metrics, Probes(lambda: [], lambda: {})) as port,
        aiohttp.ClientSession(trace_configs=[metrics.rest_trace()]) as http,
        http.get(f"http://127.0.0.1:{port}/nothing") as answer,
    ):
        assert answer.status == 404
    with pytest.raises(aiohttp.ClientConnectionError):
        async with aiohttp.ClientSession(trace_configs=[metrics.rest_trace()]) as http:
            await http.get(f"http://127.0.0.1:{port}/")
    text = metrics.exposition().decode()
    assert 'migaga_rest_requests_total{method="GET",status="404"} 1.0' in text
    assert 'migaga_rest_requests_total{method="GET",status="error"} 1.0' in text


async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*\[Http\]"):
            async with serve_http("127.0.0.1", port, Metrics(), Probes(lambda: [], lambda: {})):
                pass
