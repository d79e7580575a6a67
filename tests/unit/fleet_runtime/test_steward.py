"""What a process makes of rows that name it."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from tests.unit.fleet_runtime.shards import GENERATION, holding

from migaga.continuity.generations import Wish
from migaga.continuity.holding import Hold
from migaga.fleet.steward import Steward
from migaga.fleet.turnover import Change
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Insert, Outcome
from migaga.storage.leases_rows import GenerationRow, GenerationState


async def _no_obstacle(count: int) -> str | None:
    return None


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_row_that_names_this_process_is_held_unless_it_leaves(store: LeaseStore, leaves: bool) -> None:
    """A release that nobody took leaves such a row; whoever held it again would handle what nobody stores."""
    live = GenerationRow(1, GENERATION, 1, 1, 10, GenerationState.LIVE)
    assert await store.execute(Insert("generation", asdict(live))) is Outcome.DONE
    async with holding(store) as shop:
        if leaves:
            assert await shop.member.say_leaving(5.0)
        steward = Steward(shop.held.parts, Change(Wish(1, 1, 10), _no_obstacle))
        await steward.round()
        assert {key: held.state for key, held in steward.held.items()} == (
            {} if leaves else {(GENERATION, 0): Hold.TO_RETAKE}
        )
