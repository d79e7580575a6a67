"""How soon a bot is looked at again when nothing wakes: what happens inside pods is told by no watch. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from migaga_operator.json_types import as_list, as_mapping, as_text

SOON = 2.0
"""Bots that move: pods come or go, shards connect, a generation comes."""
LATER = 10.0
"""Bots that have moved for long without a change: something waits for a person, for a node or for the next day."""
REST = 45.0
LONG = 300.0
"""Seconds without a change of the status after which a bot that moves is looked at less often."""

_HELD = {"GenerationUnderWay", "BudgetUnknown", "WaitingForBudget", "WaitingForPods", "GivenUp"}


def pause(status: Mapping[str, object], unchanged_for: float) -> float:
    """Return the seconds to the next look.

    Args:
        status: The status as it is written.
        unchanged_for: Seconds since it was changed last.
    """
    if not _moves(status):
        return REST
    return SOON if unchanged_for < LONG else LATER


def _moves(status: Mapping[str, object]) -> bool:
    conditions = {as_text(as_mapping(item).get("type")): as_mapping(item) for item in as_list(status.get("conditions"))}

    def says(kind: str, *values: str) -> bool:
        return conditions.get(kind, {}).get("status") in values

    is_stopped = conditions.get("Ready", {}).get("reason") == "Stopped"
    is_halted = conditions.get("Progressing", {}).get("reason") == "Halted"
    if is_stopped or (is_halted and not says("Ready", "True")):
        return says("Progressing", "True")
    pauses = conditions.get("Paused", {}).get("reason") in {"Pausing", "GoingOn"}
    is_held = conditions.get("Resharding", {}).get("reason") in _HELD
    return not says("Ready", "True") or says("Progressing", "True") or says("Resharding", "True") or is_held or pauses
