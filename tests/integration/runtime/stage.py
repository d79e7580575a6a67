"""A bot process, people around it, and a module of the test's own: what most tests of whole processes need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.runtime.bots import probe_module

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo, Crowd
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator


@dataclass(frozen=True, slots=True)
class Stage:
    """An emulated Discord with one bot in four guilds."""

    emulator: Emulator
    control: ControlClient
    bot: BotInfo
    crowd: Crowd
    folder: Path
    noted: Path
    modules: Path

    @property
    def config(self) -> str:
        return self.config_with(f"sqlite+aiosqlite:///{self.folder}/bot.db")

    def config_with(self, database_url: str, modules: str = "notes_messages") -> str:
        return (
            f"[Env]\nClientId = {self.bot.application_id}\nToken = {self.bot.token}\n"
            f"[Discord]\nApiUrl = {self.emulator.api_url}\n"
            f"[Database]\nUrl = {database_url}\n"
            f"[Modules]\nLoad = {modules}\nDirectories = {self.modules}\n"
        )

    @property
    def env(self) -> dict[str, str]:
        return {"PROBE_FILE": str(self.noted)}

    @property
    def channel(self) -> int:
        return self.crowd.guilds[0].channel("general")

    async def say(self, count: int) -> list[int]:
        """Let people write in all guilds; returns the messages' ids."""
        said = []
        for number in range(count):
            guild = self.crowd.guilds[number % len(self.crowd.guilds)]
            person = self.control.person(self.crowd.users[1].id)
            said.append(int((await person.post(guild.channel("general"), f"message {number}")).id))
        return said

    def seen(self) -> list[int]:
        return [int(line) for line in self.noted.read_text().split()]

    async def until_seen(self, messages: list[int], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not set(messages) <= set(self.seen()):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def open_stage(folder: Path, rules: Rules, guilds: int = 4) -> AsyncIterator[Stage]:
    """Serve an emulated Discord for one test."""
    modules, noted = probe_module(folder)
    async with run_emulator(rules) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(guilds, members=2)
        yield Stage(emulator, control, bot, crowd, folder, noted, modules)
