"""How many shard pods a bot has. `planner.py` asks."""

from __future__ import annotations

from migaga_operator.crd.spec import BotSpec
from migaga_operator.resharding import Decision, pods_for
from migaga_operator.situation import Situation

SPARE = 1
"""Pods beyond those that the shards need: when one is lost, the others are not overfull."""


def size(spec: BotSpec, situation: Situation, decision: Decision, live: int | None) -> int:
    """Return the number of shard pods.

    Args:
        spec: What is asked for.
        situation: What is so.
        decision: What the pods are told.
        live: What the live Deployment asks for; None when there is none, or it is stopped.
    """
    wanted = spec.replicas
    if wanted is None:
        counts = [situation.count, decision.desired, decision.count]
        known = [count for count in counts if count]
        if situation.upcoming is not None:
            known.append(situation.upcoming.shard_count)
        # The first pod of a new bot learns the count; nothing is taken away while nobody knows it.
        wanted = pods_for(max(known), spec.shards.max_per_pod) + SPARE if known else live or 1
    if decision.is_template_held and live is not None:
        # Both generations have shards in these pods.
        return max(wanted, live)
    return wanted
