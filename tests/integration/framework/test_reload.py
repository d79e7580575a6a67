"""Reloading a module from disk: the new code takes over when it has started, else the old runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from migaga.testing.bot import TestBot

CODE = '''
from migaga.api import BaseModule, Context, command

class Changing(BaseModule):
    """Changes."""

    async def start(self):
        self.stopped = False
        {start}

    async def stop(self):
        self.stopped = True

    @command
    async def show(self, ctx: Context{more}) -> None:
        """Show."""
        await ctx.respond("{text}")

    @command
    async def ask(self, ctx: Context) -> None:
        """Ask."""
        await ctx.respond("{text} " + await ctx.ask("What?"))
'''


def write(folder: Path, text: str, start: str = "pass", more: str = "") -> None:
    (folder / "changing.py").write_text(CODE.format(text=text, start=start, more=more))


@pytest.fixture
async def running(bot: TestBot, tmp_path: Path) -> TestBot:
    folder = tmp_path / "mine"
    folder.mkdir()
    write(folder, "old")
    await bot.load_from(folder, "changing")
    return bot


async def test_new_code_answers_after_a_reload_and_questions_end_in_the_old(running: TestBot, tmp_path: Path) -> None:
    anna, owner = await running.member("Anna"), await running.join_owner()
    assert (await anna.says("!show")).content == "old"
    await anna.says("!ask")
    old = running.runtime.modules.loaded[-1].instance
    write(tmp_path / "mine", "new")
    assert "loaded again" in (await owner.says("!module reload changing")).content
    assert (await owner.says("!show")).content == "new"
    assert not old.stopped  # type: ignore[attr-defined]  # of the class above
    assert (await anna.says("blue")).content == "old blue"
    await running.wait_for(lambda: old.stopped)  # type: ignore[attr-defined]  # of the class above


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": "new", "start": "raise RuntimeError('no start')"}, "no start"),
        ({"text": "new", "more": ", what: object"}, "object"),
        ({"text": '" + unknown +'}, "not valid Python"),
    ],
)
async def test_code_that_does_not_work_leaves_the_old_running(
    running: TestBot, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    anna, owner = await running.member("Anna"), await running.join_owner()
    write(tmp_path / "mine", **change)
    told = await owner.says("!module reload changing")
    assert reason in told.content
    assert (await anna.says("!show")).content == "old"
