"""How much later than usual a shard's events were handled around an interruption. Pure; called by the scenarios' judge.

The formula is in docs/emulator.md, "Scenarios".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

BEFORE = 0.5
"""Seconds before an interruption from which on its shard's events count: who leaves in order stops taking them."""
AFTER = 1.0
"""Seconds after it in which they still count: what was missed is handled beside what comes."""
NEIGHBOURS = 3
"""Events in a row of which the quickest counts, where the handlers do not tell how long they took on purpose."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One handled event of one shard. Seconds."""

    at: float
    """When it was published."""
    delay: float
    """From then until it was handled, without the time that its handler took on purpose."""
    told: bool = True
    """Whether the handler told how long it took; else all of its time is in `delay`."""


@dataclass(frozen=True, slots=True)
class Window:
    """An interruption of one shard."""

    shard: tuple[int, int]
    """Shard id and shard count."""
    begun: float
    ended: float

    def has(self, at: float) -> bool:
        """Whether what was published then could be late because of it."""
        return self.begun - BEFORE <= at <= self.ended + AFTER


@dataclass(frozen=True, slots=True)
class Gap:
    """What an interruption cost its shard's events."""

    window: Window
    seconds: float
    """How much later than usual the latest one was handled: 0 or more."""
    at: float
    """When that one was published."""


def gaps(samples: Mapping[tuple[int, int], Sequence[Sample]], windows: Sequence[Window]) -> list[Gap]:
    """The gap of each interruption; one in which nothing was published has none.

    Args:
        samples: of each shard, in any order.
        windows: the interruptions.
    """
    found: list[Gap] = []
    for shard in sorted({window.shard for window in windows}):
        mine = [window for window in windows if window.shard == shard]
        ordered = smoothed(sorted(samples.get(shard, ()), key=lambda sample: sample.at))
        quiet = [sample.delay for sample in ordered if not any(window.has(sample.at) for window in mine)]
        usual = median(quiet) if quiet else 0.0
        for window in mine:
            late = [sample for sample in ordered if window.has(sample.at)]
            if late:
                latest = max(late, key=lambda sample: sample.delay)
                found.append(Gap(window, max(0.0, latest.delay - usual), latest.at))
    return found


def smoothed(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Samples whose handlers told how long they took, as they are; else each with the least delay of its neighbours.

    A handler that lasts long on purpose and does not say so cannot be told from a late one by itself; several in a row
    are late only when the shard is.
    """
    if all(sample.told for sample in samples):
        return samples
    return [
        Sample(
            sample.at, min(other.delay for other in samples[max(0, at - NEIGHBOURS // 2) : at + NEIGHBOURS // 2 + 1])
        )
        for at, sample in enumerate(samples)
    ]
