"""Backup and restore as docs/operating.md tells it: a dump of a bot that runs, and the bot on that older database."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.integration.runtime.bots import run_to_end, running
from tests.integration.runtime.stage import open_stage
from tests.support.mariadb import PASSWORD, USER, MariaDbServer

from migaga_emulator.rules import Rules

PAGE = Path(__file__).parents[3] / "docs" / "operating.md"


def documented(program: str, server: MariaDbServer, database: str) -> list[str]:
    """The page's command line of a program, with this server's values."""
    (line,) = re.findall(rf"^{program} (.*?) [<>] bot\.sql$", PAGE.read_text("utf-8"), re.MULTILINE)
    values = {"HOST": "127.0.0.1", "USER": USER, "NAME": database}
    words = [re.sub(r"\b(HOST|USER|NAME)\b", lambda found: values[found[0]], word) for word in line.split()]
    found = shutil.which(program)
    assert found is not None, f"{program} comes with MariaDB's client"
    words[words.index("--password")] = f"--password={PASSWORD}"
    return [found, "--no-defaults", f"--port={server.port}", *words]


async def dump(server: MariaDbServer, database: str, file: Path) -> None:
    """Make a backup as the page says."""
    with file.open("wb") as output:
        await asyncio.to_thread(
            subprocess.run, documented("mariadb-dump", server, database), stdout=output, check=True, timeout=60
        )


async def restore(server: MariaDbServer, database: str, file: Path) -> None:
    """Put a backup back as the page says: into an empty database."""
    await server.execute(f"DROP DATABASE {database}")
    await server.execute(f"CREATE DATABASE {database}")
    with file.open("rb") as given:
        await asyncio.to_thread(
            subprocess.run, documented("mariadb", server, database), stdin=given, check=True, timeout=60
        )


async def ban(server: MariaDbServer, database: str, user: int) -> None:
    """Write a row that can be told from others."""
    names = "user_id, reason, banned_at"
    await server.execute(f"INSERT INTO {database}.banned_user ({names}) VALUES ({user}, 'spam', NOW())")


@pytest.mark.mariadb
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("window", "identifies", "again"),
    [pytest.param(2.0, 2, False, id="Discord has forgotten the sessions"),
     pytest.param(90.0, 1, True, id="Discord still has the sessions")],
)  # fmt: skip
async def test_a_bot_goes_on_upon_a_database_of_yesterday(
    tmp_path: Path, mariadb_server: MariaDbServer, window: float, identifies: int, again: bool
) -> None:
    file = tmp_path / "bot.sql"
    async with (
        open_stage(tmp_path, Rules(resume_window_s=window), guilds=2) as stage,
        mariadb_server.fresh_database() as url,
    ):
        name = url.rpartition("/")[2]
        config = stage.config_with(url) + "[Fleet]\nStateDirectory = none\n"
        async with running(stage.folder, config, env=stage.env) as bot:
            await bot.ready()
            first = await stage.say(2)
            await stage.until_seen(first)
            await ban(mariadb_server, name, 1)
            await bot.until(lambda status: status["shards"][0]["watermark_lag"] == 0)
            await dump(mariadb_server, name, file)
            later = await stage.say(2)
            await stage.until_seen(later)
            await ban(mariadb_server, name, 2)
            assert await bot.stop() == 0
        await restore(mariadb_server, name, file)
        assert await mariadb_server.execute(f"SELECT user_id FROM {name}.banned_user") == [(1,)]
        await asyncio.sleep(0 if again else 1.5 * window)
        async with running(stage.folder, config, env=stage.env) as bot:
            # It looks alone for 9 s: the rows of the backup tell of a process that has been gone for long.
            await stage.control.wait_for_sessions(1, timeout=100)
            last = await stage.say(2)
            await stage.until_seen(last)
            assert await bot.stop() == 0
        checked = await run_to_end("db", "check", "--config", str(stage.folder / "config.ini"), cwd=tmp_path)
        assert checked.code == 0, checked.out
        assert (await stage.control.ledger()).identifies == identifies
        assert [stage.seen().count(message) for message in [*later, *last]] == [1 + again] * 2 + [1] * 2
