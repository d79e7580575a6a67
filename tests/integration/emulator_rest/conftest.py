from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import aiohttp
import orjson
import pytest
from aiohttp import web

from migaga_emulator.rest.app import add_other_paths, rest_app
from migaga_emulator.rest.faults import RestFaults
from migaga_emulator.rest.files import add_files
from migaga_emulator.rest.hooks import InteractionAnswer
from migaga_emulator.rest.limits import RateLimits
from migaga_emulator.rules import Rules
from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.clock import ManualClock
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.state import Bot, Channel, Guild, Message, User
from migaga_emulator.world.world import World

Json: TypeAlias = Any
"""What a test reads out of an answer or an event: looked into without asking at each step."""
JsonObject: TypeAlias = dict[str, Json]


@dataclass
class Watcher:
    answers: list[InteractionAnswer] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    requests: list[tuple[int | None, str, str, int]] = field(default_factory=list)

    def interaction_answered(self, answer: InteractionAnswer) -> None:
        self.answers.append(answer)

    def message_created(self, bot_id: int, message: Message) -> None:
        self.messages.append(message)

    def request(self, bot_id: int | None, method: str, route: str, status: int) -> None:
        self.requests.append((bot_id, method, route, status))


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    json: Json
    text: str


@dataclass
class Site:
    """An emulated Discord with one guild, one bot, a few people, and a client over a real socket."""

    world: World
    clock: ManualClock
    faults: RestFaults
    limits: RateLimits
    hooks: Watcher
    url: str
    http: aiohttp.ClientSession
    bot: Bot
    owner: User
    ann: User
    guild: Guild
    channel: Channel
    events: list[Dispatch] = field(default_factory=list)

    async def call(self, method: str, path: str, body: object = None, **kwargs: Json) -> Answer:
        headers = {"Authorization": f"Bot {self.bot.token}"} | kwargs.pop("headers", {})
        if body is not None:
            kwargs["data"] = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        async with self.http.request(method, self.url + path, headers=headers, **kwargs) as response:
            raw = await response.read()
            is_json = response.headers.get("Content-Type") == "application/json"
            return Answer(response.status, response.headers, orjson.loads(raw) if is_json else None, raw.decode())

    def seen(self, name: str) -> list[JsonObject]:
        return [event.payload for event in self.events if event.name == name]

    @property
    def messages(self) -> str:
        return f"/channels/{self.channel.id}/messages"


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
async def site(rules: Rules) -> AsyncIterator[Site]:
    clock = ManualClock()
    world = World(rules, clock=clock, seed=1)
    bot = world.guilds.create_bot("Testy")
    owner, ann = world.guilds.create_user("owen"), world.guilds.create_user("ann", global_name="Ann")
    guild = world.guilds.create("Guild", owner)
    channel = world.channels.create(None, guild, 0, ChannelChange(name="general"))
    world.guilds.add_bot(guild, bot)
    world.members.join(guild, ann)
    faults, limits, hooks = RestFaults(clock), RateLimits(rules, clock), Watcher()
    app = web.Application()
    add_other_paths(app)
    app.add_subapp("/api/v10", rest_app(world, limits, faults, hooks))
    add_files(app, world)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.core.file_base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    url = f"{world.core.file_base}/api/v10"
    try:
        async with aiohttp.ClientSession() as http:
            site = Site(world, clock, faults, limits, hooks, url, http, bot, owner, ann, guild, channel)
            world.subscribe(site.events.append)
            yield site
    finally:
        await runner.cleanup()
