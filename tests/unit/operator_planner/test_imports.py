"""What the deciding part of the operator loads."""

from __future__ import annotations

import pytest
from tests.unit.test_process_imports import loaded_by

NEVER = {"hikari", "sqlalchemy", "alembic", "kopf", "kubernetes", "aiohttp", "migaga_emulator", "migaga_modules"}


@pytest.mark.parametrize("module", ["planner", "crd.definition", "observed", "builders.all", "reasons"])
def test_deciding_loads_no_cluster_client_and_no_discord_library(module: str) -> None:
    loaded = loaded_by(f"import migaga_operator.{module}")
    assert "migaga_operator" in loaded
    assert loaded.isdisjoint(NEVER)
