"""What a fleet's sessions should be bound to: shard count, intents, API version. Settled once, at start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import hikari
from hikari import urls

from migaga.common.errors import ConfigError
from migaga.continuity.generations import Wish
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_rows import GenerationState

KEPT_UP_TO = 2
"""Times the present count that Discord may recommend before the count is changed without being asked."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Which shards of how many, with which intents."""

    count: int
    ids: tuple[int, ...]
    """The shards that this process may run; none: all."""
    intents: hikari.Intents
    recommended: int | None = None
    """The count that Discord recommends."""
    advice: str | None = None
    """What people should know about the count: it was kept though Discord recommends another one."""
    multiple_of: int = 1
    is_given: bool = False
    """People have written the count: no other one is advised."""

    @property
    def wish(self) -> Wish:
        """What sessions should be bound to."""
        return Wish(self.count, int(self.intents), int(urls.VERSION))

    @classmethod
    def choose(
        cls,
        wanted: int | str,
        ids: Sequence[int],
        intents: hikari.Intents,
        recommended: int,
        generations: Sequence[str] = (),
        *,
        multiple_of: int = 1,
    ) -> FleetPlan:
        """Settle count and ids: `wanted` is a number or `recommended`, no ids mean all.

        Another count costs an IDENTIFY for every shard. So what Discord recommends decides the first start; later ones
        keep the count of the newest of the present `generations` while it fits: Discord recommends a shard for about
        1,000 guilds and closes one with more than 2,500 (4011). A count is a `multiple_of` the number that Discord has
        assigned (4010).

        Raises ConfigError for an id that does not exist, and for a number that is no such multiple.
        """
        if isinstance(wanted, int) and wanted % multiple_of:
            raise ConfigError(
                f"[Shards] Count = {wanted} is no multiple of {multiple_of}, which [Fleet] MultipleOf demands. "
                f"Write {_round_up(wanted, multiple_of)}, or correct MultipleOf."
            )
        recommended = _round_up(recommended, multiple_of)
        count = wanted if isinstance(wanted, int) else kept_count(generations, recommended, multiple_of)
        wrong = [shard_id for shard_id in ids if not 0 <= shard_id < count]
        if wrong:
            raise ConfigError(
                f"there is no shard {wrong[0]} among {count}: ids go from 0 to {count - 1}. "
                "Correct Ids or Count in section [Shards]."
            )
        plan = cls(count, tuple(ids), intents, multiple_of=multiple_of, is_given=isinstance(wanted, int))
        return plan.recommending(recommended)

    def recommending(self, recommended: int) -> FleetPlan:
        """Return the same plan with what Discord recommends now."""
        recommended = _round_up(recommended, self.multiple_of)
        advice = None if self.is_given or self.count == recommended else _advice(self.count, recommended)
        return replace(self, recommended=recommended, advice=advice)


async def present_generations(store: LeaseStore) -> list[str]:
    """Return the generations whose sessions are there, the live one first. Raises UnavailableError.

    A database of an earlier release knows none: its sessions tell.
    """
    seen = await store.observe()
    live = [row.name for row in seen.generations if row.state == GenerationState.LIVE]
    return [*live, *sorted({row.generation for row in seen.shards if row.session_id} - set(live))]


def kept_count(generations: Sequence[str], recommended: int, multiple_of: int = 1) -> int:
    """Return the count of the newest present generation that fits, else what Discord recommends."""
    for generation in generations:
        text = generation.partition(":")[0]
        if text.isdigit() and int(text):
            count = int(text)
            return count if recommended <= KEPT_UP_TO * count and count % multiple_of == 0 else recommended
    return recommended


def bound_to(generation: str) -> tuple[int, hikari.Intents]:
    """Read shard count and intents from a generation's name. Raises ValueError for a name that has none."""
    count, intents, *_ = generation.split(":")
    return int(count), hikari.Intents(int(intents))


def _round_up(count: int, multiple_of: int) -> int:
    return -(-count // multiple_of) * multiple_of


def _advice(count: int, recommended: int) -> str:
    return (
        f"Discord recommends {recommended} shards, {count} are kept. "
        f"Set Count = {recommended} in section [Shards] to change over: every shard then identifies anew."
    )
