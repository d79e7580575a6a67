"""Which shards of how many: what the configuration says, what Discord recommends, what is there already."""

from __future__ import annotations

import hikari
import pytest

from migaga.common.errors import ConfigError
from migaga.fleet.parts import event_of, row_of
from migaga.fleet.plan import FleetPlan, bound_to
from migaga.gateway.received import Received
from migaga.storage.leases_rows import InflightRow

NONE = hikari.Intents.NONE


@pytest.mark.parametrize(
    ("wanted", "recommended", "generations", "multiple_of", "count", "is_advised"),
    [
        (8, 2, [], 1, 8, False),
        ("recommended", 3, [], 1, 3, False),
        ("recommended", 3, [], 16, 16, False),
        ("recommended", 3, ["2:513:v10"], 1, 2, True),
        ("recommended", 4, ["2:513:v10"], 1, 2, True),
        ("recommended", 5, ["2:513:v10"], 1, 5, False),
        ("recommended", 3, ["8:513:v10", "2:513:v10"], 1, 8, True),
        ("recommended", 16, ["12:513:v10"], 16, 16, False),
        ("recommended", 3, ["strange"], 1, 3, False),
        (8, 3, ["2:513:v10"], 1, 8, False),
    ],
)
def test_the_count(
    wanted: int | str, recommended: int, generations: list[str], multiple_of: int, count: int, is_advised: bool
) -> None:
    plan = FleetPlan.choose(wanted, (), NONE, recommended, generations, multiple_of=multiple_of)
    assert plan.count == count
    assert (plan.advice is not None) is is_advised


def test_a_count_that_is_no_multiple_is_refused_with_the_next_one() -> None:
    with pytest.raises(ConfigError, match=r"Count = 17 is no multiple of 16.*Write 32"):
        FleetPlan.choose(17, (), NONE, 1, multiple_of=16)


def test_an_id_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no shard 4 among 4: ids go from 0 to 3"):
        FleetPlan.choose(4, (0, 4), NONE, 1)


def test_the_name_of_a_generation_tells_what_its_sessions_are_bound_to() -> None:
    plan = FleetPlan.choose(4, (), hikari.Intents.GUILDS, 1)
    assert bound_to(plan.wish.name) == (4, hikari.Intents.GUILDS)
    with pytest.raises(ValueError, match="strange"):
        bound_to("strange:1")


def test_an_event_comes_back_from_its_row_as_it_was() -> None:
    event = Received("MESSAGE_CREATE", 3, "s", 9, {"id": "5", "guild_id": "7", "content": "ü 🙂 \u0000"})
    row = row_of(("4:1:v10", 3), event, "me")
    back = event_of(row)
    assert (back.name, back.shard_id, back.session_id, back.seq, back.payload) == (
        *("MESSAGE_CREATE", 3, "s", 9),
        event.payload,
    )
    assert (row.guild_id, row.owner, row.attempts) == (7, "me", 1)


@pytest.mark.parametrize("payload", ["[]", "nonsense", "null", ""])
def test_a_row_whose_payload_is_no_event_is_an_error(payload: str) -> None:
    with pytest.raises(ValueError, match="the stored MESSAGE_CREATE of shard 0 is no JSON object"):
        event_of(InflightRow("4:1:v10", 0, "s", 1, "me", "MESSAGE_CREATE", payload))
