"""What each process loads. import-linter reads import statements; this looks at what really ended up in memory."""

from __future__ import annotations

import subprocess
import sys

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


@pytest.mark.parametrize("module", ["migaga.cli.run", "migaga.process.app", "migaga_modules.points"])
def test_a_shard_process_never_loads_kubernetes_or_the_emulator(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert "hikari" in loaded
    assert loaded.isdisjoint({"kopf", "kubernetes", "discord", "migaga_emulator", "pytest"})


def test_the_standard_librarys_operator_is_found_from_the_checkout() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.add(1, 2))"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "3"
