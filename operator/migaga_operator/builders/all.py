"""All objects of a bot, in the order in which they are applied. `planner.py` calls it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from migaga_operator.builders.account import service_account
from migaga_operator.builders.disruption import disruption_budget
from migaga_operator.builders.fleet import Fleet
from migaga_operator.builders.mode import mode_config
from migaga_operator.builders.monitor import API, pod_monitor
from migaga_operator.builders.network import network_policy
from migaga_operator.builders.service import headless_service
from migaga_operator.json_types import Manifest

Builder = Callable[[Fleet], Manifest]
_BEFORE_PODS: Sequence[Builder] = (service_account, mode_config, network_policy, headless_service, disruption_budget)
KINDS = ("ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "PodDisruptionBudget", "Deployment", "PodMonitor")
"""Every kind that a bot may have."""


def build_around(fleet: Fleet, apis: Collection[str]) -> list[Manifest]:
    """Return what a bot has beside its Deployments, for an API server that has these further APIs."""
    found = [build(fleet) for build in _BEFORE_PODS]
    return [*found, pod_monitor(fleet)] if API in apis else found
