"""What each process loads. import-linter reads import statements; this looks at what really ended up in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("hikari", "sqlalchemy", "alembic", "discord", "kopf", "kubernetes")


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter holds after `statement`."""
    program = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("statement", ["import migaga", "import migaga.cli.main", "import migaga.common.settings"])
def test_the_command_line_loads_nothing_heavy_before_it_knows_the_command(statement: str) -> None:
    assert loaded_by(statement).isdisjoint({*HEAVY, "aiohttp"})


@pytest.mark.parametrize("module", ["migaga_emulator.cli", "migaga_emulator.scenarios.demo"])
def test_the_emulator_loads_no_discord_library_and_no_database(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint(HEAVY)


NEVER_IN_A_SHARD = {"kopf", "kubernetes", "discord", "migaga_emulator", "migaga_operator", "pytest"}


@pytest.mark.parametrize("module", ["migaga.process.app", "migaga_modules.points"])
def test_a_shard_process_never_loads_kubernetes_or_the_emulator(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert "hikari" in loaded
    assert loaded.isdisjoint(NEVER_IN_A_SHARD)


@pytest.mark.parametrize("command", ["run", "shard --ids 0 --count 1"])
def test_what_the_commands_really_load(command: str, tmp_path: Path) -> None:
    """The command up to its refusal of the configuration, then its composition root and every feature module."""
    words = ["migaga", *command.split(), "--config", str(tmp_path / "config.ini")]
    (tmp_path / "config.ini").write_text(
        f"[Env]\nToken = MTExMTExMTExMTExMTExMTEx.a.b\n[Http]\nPort = 0\n"
        f"[Database]\nUrl = sqlite+aiosqlite:///{tmp_path}/bot.db\n[Discord]\nApiUrl = not a url\n"
    )
    loaded = loaded_by(
        "from migaga.cli import main\n"
        f"assert main.main({words[1:]!r}) == 78\n"
        "from migaga.framework.loader import load_modules\n"
        "import migaga.process.app\n"
        "assert not load_modules(None, ()).failures\n"
    )
    assert {"hikari", "sqlalchemy", "migaga_modules"} <= loaded
    assert loaded.isdisjoint(NEVER_IN_A_SHARD)


def test_stop_signals_are_taken_before_anything_heavy_is_loaded() -> None:
    assert loaded_by("import migaga.cli.run, migaga.cli.shard").isdisjoint({*HEAVY, "aiohttp"})


def test_the_standard_librarys_operator_is_found_from_the_checkout() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.add(1, 2))"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "3"
