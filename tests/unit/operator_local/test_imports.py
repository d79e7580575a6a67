"""What `migaga up` loads."""

from __future__ import annotations

from tests.unit.test_process_imports import loaded_by


def test_a_fleet_on_one_machine_loads_no_cluster_client_and_no_discord_library() -> None:
    loaded = loaded_by("import migaga_operator.local.up_command")
    assert "migaga_operator" in loaded
    assert loaded.isdisjoint({"hikari", "sqlalchemy", "alembic", "kopf", "kubernetes", "migaga_emulator"})
