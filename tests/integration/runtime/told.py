"""A process that is told what to do by files, as pods are: its token and its mode are mounted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.runtime.bots import Bot
from tests.integration.runtime.stage import Stage

WORKER = '''
"""Everything that a module can start."""

import asyncio
import os
from datetime import timedelta
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migaga.api import AutocompleteContext, Autocomplete, BaseModule, Context, autocomplete, command, task
from typing import Annotated

NOTES = Path(os.environ["PROBE_FILE"])


class Works(BaseModule):
    """Works."""

    @command
    async def pick(self, ctx: Context, word: Annotated[str, Autocomplete("suggest")] = "a") -> None:
        """Say a word."""
        await ctx.respond(word)

    @autocomplete
    async def suggest(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest words."""
        return ["apple"]

    @command
    async def work(self, ctx: Context) -> None:
        """Work until the test says that it is enough."""
        await ctx.respond("At work")
        while not NOTES.with_suffix(".enough").exists():
            await asyncio.sleep(0.02)
        await ctx.respond("Done")

    @command
    async def who(self, ctx: Context) -> None:
        """Ask for a name."""
        await ctx.respond(f"Hello {await ctx.ask('Who?', timeout=600)}")

    @task(every=timedelta(seconds=1), once_per="process")
    async def tick(self) -> None:
        """Write one mark."""
        with open(NOTES.with_suffix(".ticks"), "ab", buffering=0) as file:
            file.write(b"x")
'''


class Mounts:
    """Mounted files, swapped as a kubelet does: a symbolic link is renamed over another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0

    def write(self, **files: str) -> None:
        """Replace all files at once."""
        self._version += 1
        data = self._folder / f"..{self._version}"
        data.mkdir(parents=True)
        for name, text in files.items():
            (data / name).write_text(text)
            if not (self._folder / name).is_symlink():
                (self._folder / name).symlink_to(Path("..data") / name)
        link = self._folder / "..new"
        link.symlink_to(data.name)
        link.rename(self._folder / "..data")

    def path(self, name: str) -> Path:
        """Where a file is mounted."""
        return self._folder / name


def config(stage: Stage, mounts: Mounts, extra: str = "") -> str:
    """The configuration of such a process."""
    (stage.modules / "works.py").write_text(WORKER)
    text = stage.config_with(f"sqlite+aiosqlite:///{stage.folder}/bot.db", "notes_messages works")
    token = f"TokenFile = {mounts.path('token')}"
    return f"{text.replace(f'Token = {stage.bot.token}', token)}[Fleet]\nModeFile = {mounts.path('mode')}\n{extra}"


async def count(bot: Bot, metric: str) -> float:
    """A metric of the process, summed over its labels."""
    async with bot.http.get(f"http://127.0.0.1:{bot.port}/metrics") as answer:
        found = re.findall(rf"^migaga_{metric}(?:{{.*}})? ([\d.]+)$", await answer.text(), re.MULTILINE)
    return sum(map(float, found))


async def written(mounts: Mounts, **files: str) -> None:
    """Swap mounted files, off the event loop."""
    await asyncio.to_thread(lambda: mounts.write(**files))


async def ready(bot: Bot) -> Mapping[str, Any]:
    """Wait until it is ready, also beside much else on the machine; returns its status."""
    return await bot.until(lambda status: bool(status["ready"]), seconds=120)
