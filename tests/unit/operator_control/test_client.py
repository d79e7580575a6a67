"""The edge to the API server, against a real HTTP server: what is sent, and what its answers become."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from kubernetes import client as official

from migaga_operator.builders.fleet import Owner
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.json_types import Manifest
from migaga_operator.kube.client import Client
from migaga_operator.kube.discovery import may_watch, serves
from migaga_operator.kube.kinds import BOT, MONITOR, WATCHED
from migaga_operator.kube.leases import KubeLease, LeaseRecord
from migaga_operator.kube.objects import KubeCluster
from migaga_operator.ops import Event, Key

OWNER = Owner("my-bot", "bots", "u1")


@dataclass
class Sent:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """Answers everything alike, and remembers what it was asked."""

    status: int = 200
    answer: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    pages: list[object] = field(default_factory=list)
    hangs_up: bool = False
    hangs: asyncio.Event | None = None
    """Until then nothing is answered."""
    sent: list[Sent] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else None
        self.sent.append(Sent(request.method, request.path, dict(request.query), dict(request.headers), body))
        if self.hangs is not None:
            await self.hangs.wait()
        if self.hangs_up:
            assert request.transport is not None
            request.transport.abort()
        answer = self.pages.pop(0) if self.pages else self.answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=self.status, headers=self.headers, text=text)


@asynccontextmanager
async def talking(server: Server) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = Client(official.ApiClient(_configuration(host)))
    try:
        yield client
    finally:
        client.close()
        await runner.cleanup()


def _configuration(host: str) -> official.Configuration:
    known = official.Configuration(host=host)
    known.retries = False
    known.api_key["BearerToken"] = "bearer of-this-account"
    return known


REFUSALS = [
    (400, "BadRequest", RefusedError),
    (401, "Unauthorized", AwayError),
    (403, "Forbidden", RefusedError),
    (404, "NotFound", StaleError),
    (409, "Conflict", StaleError),
    (410, "Expired", StaleError),
    (422, "Invalid", RefusedError),
    (429, "TooManyRequests", AwayError),
    (500, "InternalError", AwayError),
    (503, "ServiceUnavailable", AwayError),
    (504, "Timeout", AwayError),
]


@pytest.mark.parametrize(("status", "reason", "error"), REFUSALS)
async def test_answers_become_our_errors_with_the_servers_words(
    status: int, reason: str, error: type[Exception]
) -> None:
    said = {"kind": "Status", "reason": reason, "message": f"it is {reason}"}
    async with talking(Server(status, said)) as client:
        with pytest.raises(error, match=f"it is {reason}"):
            await client.request("GET", "/api/v1/pods")


async def test_a_webhook_that_fails_is_shown_to_people() -> None:
    said = {"message": 'Internal error occurred: failed calling webhook "x.example": connection refused'}
    async with talking(Server(500, said)) as client:
        with pytest.raises(RefusedError, match="failed calling webhook"):
            await client.request("PATCH", "/api/v1/pods")


async def test_when_to_come_again_is_a_field() -> None:
    async with talking(Server(429, {}, {"Retry-After": "17"})) as client:
        with pytest.raises(AwayError) as caught:
            await client.request("GET", "/api/v1/pods")
    assert caught.value.retry_after == 17.0


async def test_an_answer_that_is_no_json_is_shown_shortened_and_without_secrets() -> None:
    page = f"<html>mysql://root:hunter22@db/x {'x' * 5_000}</html>"
    async with talking(Server(403, page)) as client:
        with pytest.raises(RefusedError) as caught:
            await client.request("GET", "/api/v1/pods")
    assert "hunter22" not in str(caught.value)
    assert len(str(caught.value)) < 1_000


async def test_a_connection_that_breaks_and_one_that_is_refused_are_away() -> None:
    async with talking(Server(hangs_up=True)) as client:
        with pytest.raises(AwayError, match="does not answer"):
            await client.request("GET", "/api/v1/pods")
    client = Client(official.ApiClient(_configuration("http://127.0.0.1:9")))
    with pytest.raises(AwayError, match="does not answer"):
        await client.request("GET", "/api/v1/pods")
    client.close()


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    server = Server(hangs=asyncio.Event())
    async with talking(server) as client:
        with pytest.raises(AwayError, match="does not answer"):
            await client.request("GET", "/api/v1/pods", seconds=0.2)
        assert server.hangs is not None
        server.hangs.set()


async def test_no_request_is_sent_twice_by_itself() -> None:
    server = Server(503, {}, {"Retry-After": "0"})
    async with talking(server) as client:
        for method in ("GET", "PATCH", "DELETE"):
            with pytest.raises(AwayError):
                await client.request(method, "/api/v1/pods", body={})
    assert len(server.sent) == 3


async def test_apply_is_server_side_forced_and_by_our_name() -> None:
    server = Server(answer={"metadata": {"resourceVersion": "5"}})
    manifest: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "my-bot", "namespace": "bots"},
    }
    async with talking(server) as client:
        assert await KubeCluster(client, "me").apply(manifest) == server.answer
    [sent] = server.sent
    assert (sent.method, sent.path) == ("PATCH", "/apis/apps/v1/namespaces/bots/deployments/my-bot")
    assert sent.query == {"fieldManager": "migaga-operator", "force": "true", "fieldValidation": "Strict"}
    assert sent.headers["Content-Type"] == "application/apply-patch+yaml"
    assert sent.headers["Authorization"] == "bearer of-this-account"
    assert sent.body == manifest


async def test_status_is_applied_to_this_one_bot_by_another_name() -> None:
    server = Server()
    async with talking(server) as client:
        await KubeCluster(client, "me").set_status(OWNER, {"replicas": 2})
    [sent] = server.sent
    assert sent.path == "/apis/migaga.dev/v1alpha1/namespaces/bots/botdeployments/my-bot/status"
    assert sent.query["fieldManager"] == "migaga-operator-status"
    assert sent.body["metadata"] == {"name": "my-bot", "namespace": "bots", "uid": "u1"}
    assert sent.body["status"] == {"replicas": 2}


async def test_scale_changes_one_number() -> None:
    server = Server()
    async with talking(server) as client:
        await KubeCluster(client, "me").scale(Key("Deployment", "my-bot"), "bots", 4)
    [sent] = server.sent
    assert sent.headers["Content-Type"] == "application/merge-patch+json"
    assert sent.body == {"spec": {"replicas": 4}}


async def test_delete_is_of_this_one_object_and_one_that_is_gone_is_no_error() -> None:
    server = Server(404)
    async with talking(server) as client:
        await KubeCluster(client, "me").delete(Key("Deployment", "old"), "bots", "u2")
    [sent] = server.sent
    assert (sent.method, sent.body["preconditions"]) == ("DELETE", {"uid": "u2"})


async def test_an_event_is_one_that_describe_shows() -> None:
    server = Server()
    async with talking(server) as client:
        await KubeCluster(client, "me").tell(OWNER, Event("Warning", "NameTaken", "x" * 5_000))
    [sent] = server.sent
    assert sent.path == "/api/v1/namespaces/bots/events"
    assert sent.body["involvedObject"]["uid"] == "u1"
    assert sent.body["source"] == {"component": "migaga-operator"}
    assert len(sent.body["message"]) <= 1_024


async def test_an_object_that_is_not_there_is_none() -> None:
    async with talking(Server(404)) as client:
        assert await KubeCluster(client, "me").read(Key("Service", "my-bot"), "bots") is None


async def test_lists_are_read_page_by_page_and_without_their_contents() -> None:
    pages: list[object] = [
        {"metadata": {"continue": "more"}, "items": [{"metadata": {"uid": "1"}}]},
        {"metadata": {}, "items": [{"metadata": {"uid": "2"}}]},
    ]
    server = Server(pages=pages)
    async with talking(server) as client:
        found = [head["uid"] async for head in KubeCluster(client, "me").heads(WATCHED[1], "")]
    assert found == ["1", "2"]
    first, second = server.sent
    assert first.path == "/apis/apps/v1/deployments"
    assert first.query["labelSelector"] == "migaga.dev/bot"
    assert second.query["continue"] == "more"
    assert "as=PartialObjectMetadataList" in first.headers["Accept"]


async def test_a_lease_is_made_and_then_replaced_by_version() -> None:
    server = Server(answer={"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "me"}})
    async with talking(server) as client:
        lease = KubeLease(client, "migaga", "migaga-operator")
        written = await lease.write(LeaseRecord("me", 12))
        await lease.write(written)
    made, replaced = server.sent
    assert (made.method, made.path) == ("POST", "/apis/coordination.k8s.io/v1/namespaces/migaga/leases")
    assert (replaced.method, replaced.path.rpartition("/")[2]) == ("PUT", "migaga-operator")
    assert replaced.body["metadata"]["resourceVersion"] == "7"
    assert "resourceVersion" not in made.body["metadata"]


async def test_what_the_server_has_and_what_we_may() -> None:
    async with talking(Server(answer={"resources": [{"name": "botdeployments"}]})) as client:
        assert await serves(client, BOT)
        assert not await serves(client, MONITOR)
    async with talking(Server(404)) as client:
        assert not await serves(client, MONITOR)
    yes, no = {"status": {"allowed": True}}, {"status": {"allowed": False}}
    async with talking(Server(201, pages=[yes, yes, yes, yes, no, yes])) as client:
        assert not await may_watch(client, MONITOR, ["a", "b"])
    async with talking(Server(201, pages=[yes, yes, yes])) as client:
        assert await may_watch(client, MONITOR, [""])
