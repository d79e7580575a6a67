"""The ledger counts how often a bot has tried to answer an interaction, whatever Discord said to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import pytest

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import Answer
from migaga_emulator.server import Emulator, run_emulator
from migaga_emulator.world.state import Interaction

SAID = {"type": 4, "data": {"content": "hi"}}


@dataclass
class Desk:
    """A bot whose command somebody has used, and who answers by hand."""

    emulator: Emulator
    http: aiohttp.ClientSession
    interaction: Interaction
    shown: Answer

    async def call(self, method: str, path: str, body: Mapping[str, object]) -> int:
        async with self.http.request(method, self.emulator.api_url + path, json=body) as answer:
            return answer.status

    async def callback(self, body: Mapping[str, object] = SAID) -> int:
        place = f"/interactions/{self.interaction.id}/{self.interaction.token}/callback"
        return await self.call("POST", place, body)

    @property
    def calls(self) -> int:
        asked = self.emulator.answers.interaction(self.interaction.id)
        assert asked is not None
        return asked.calls


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        run_emulator() as emulator,
        ControlClient(emulator.control_url) as control,
        aiohttp.ClientSession() as http,
    ):
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(1, members=1, bot=bot.id)
        path = f"{emulator.api_url}/applications/{bot.application_id}/commands"
        command = {"name": "greet", "description": "Greets"}
        async with http.post(path, json=command, headers={"Authorization": f"Bot {bot.token}"}) as answer:
            assert answer.status == 201
        shown = await control.person(crowd.users[0].id).slash(crowd.guilds[0].channel("general"), "greet", wait=0)
        yield Desk(emulator, http, emulator.world.interactions.get(shown.id), shown)


async def test_nobody_has_answered_yet(desk: Desk) -> None:
    assert (desk.shown.calls, desk.calls) == (0, 0)


async def test_a_second_first_answer_counts_though_it_is_refused(desk: Desk) -> None:
    assert await desk.callback() == 204
    assert desk.calls == 1
    assert await desk.callback() == 400
    assert desk.calls == 2


async def test_a_first_answer_that_is_faulty_counts(desk: Desk) -> None:
    assert await desk.callback({"type": 99}) == 400
    assert desk.calls == 1


async def test_edits_and_further_messages_count(desk: Desk) -> None:
    await desk.callback({"type": 5})
    hook = f"/webhooks/{desk.interaction.application_id}/{desk.interaction.token}"
    assert await desk.call("PATCH", f"{hook}/messages/@original", {"content": "hi"}) == 200
    assert await desk.call("POST", hook, {"content": "and more"}) == 200
    assert desk.calls == 3
