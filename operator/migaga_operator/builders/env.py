"""The environment of shard and worker pods: settings of docs/configuration.md, made of the spec."""

from __future__ import annotations

import json

from migaga.common.values import INTENTS
from migaga_operator.builders.fleet import HTTP_PORT, Fleet
from migaga_operator.crd.pod import EnvVar
from migaga_operator.crd.record import dump
from migaga_operator.json_types import Json, Manifest, as_list, as_text, at_path

TOKEN_FOLDER = "/etc/migaga/token"  # noqa: S105 - a folder
MODE_FOLDER = "/etc/migaga/fleet"
STATE_FOLDER = "/var/lib/migaga"
REVISION = "MIGAGA_FLEET_REVISION"
COUNT = "MIGAGA_SHARDS_COUNT"
INTENT_NAMES = "MIGAGA_BOT_INTENTS"
RECOMMENDED = "recommended"
STORING = 5
"""Seconds of the grace period that are kept for what comes after the handover: the last store, the process's end."""

LONGEST_WAIT = 30
"""Seconds: time for another pod to start. Longer, and stopping or deleting a bot would take long for nothing."""


def shard_env(fleet: Fleet) -> list[Json]:
    """Return the environment of the shard pods. Each name is there once, in a fixed order."""
    spec, grace = fleet.spec, fleet.spec.pod.termination_grace_period_seconds - STORING
    own = [
        _value("MIGAGA_ENV_CLIENTID", spec.application_id),
        _value("MIGAGA_ENV_TOKENFILE", f"{TOKEN_FOLDER}/token"),
        _value(INTENT_NAMES, " ".join(in_order(fleet.intents))),
        _value(COUNT, RECOMMENDED if fleet.count is None else str(fleet.count)),
        _value("MIGAGA_FLEET_CAPACITY", str(spec.shards.max_per_pod)),
        _value("MIGAGA_FLEET_MULTIPLEOF", str(spec.shards.multiple_of)),
        _value("MIGAGA_FLEET_IDENTIFYRESERVE", str(spec.identify.reserve)),
        _value("MIGAGA_FLEET_STATEDIRECTORY", f"{STATE_FOLDER}/state"),
        _value("MIGAGA_FLEET_MODEFILE", f"{MODE_FOLDER}/mode"),
        # A pod that leaves alone waits for the one that replaces it, and still has time to store.
        _value("MIGAGA_FLEET_WAITFORTAKER", str(min(LONGEST_WAIT, grace - STORING))),
    ]
    options = {module.name: dict(module.options) for module in spec.modules or () if module.options}
    if options:
        own.append(_value("MIGAGA_MODULES_OPTIONS", json.dumps(options, sort_keys=True, separators=(",", ":"))))
    return [*_common(fleet, spec.shard_modules), *own, *map(_written, spec.pod.env)]


def worker_env(fleet: Fleet, pool: str) -> list[Json]:
    """Return the environment of a worker pool's pods. There is no token in it."""
    modules = tuple(module.name for module in fleet.spec.modules or () if module.workers == pool)
    return [*_common(fleet, modules), *map(_written, fleet.spec.pod.env)]


def in_order(intents: tuple[str, ...]) -> list[str]:
    """Return names of intents in Discord's order, so that writing them in another order changes nothing."""
    return sorted(intents, key=lambda name: INTENTS.get(name, 0))


def read_env(template: object, name: str) -> str:
    """Return the value of a variable of a live pod template's first container; empty when it is not there."""
    containers = as_list(at_path(template, "spec", "containers"))
    for item in as_list(at_path(containers[0], "env")) if containers else ():
        if at_path(item, "name") == name:
            return as_text(at_path(item, "value"))
    return ""


def _common(fleet: Fleet, modules: tuple[str, ...] | None) -> list[Json]:
    url = fleet.spec.database.url_secret_ref
    grace = fleet.spec.pod.termination_grace_period_seconds - STORING
    secret: Manifest = {"secretKeyRef": {"name": url.name, "key": url.key}}
    address: Manifest = {"fieldRef": {"fieldPath": "status.podIP"}}
    found: list[Json] = [
        {"name": "MIGAGA_DATABASE_URL", "valueFrom": secret},
        # The pod's own address: it is right for IPv4, IPv6 and for pods that share a machine's network.
        {"name": "MIGAGA_HTTP_HOST", "valueFrom": address},
        _value("MIGAGA_HTTP_PORT", str(HTTP_PORT)),
        _value("MIGAGA_FLEET_ADDRESS", f"$(MIGAGA_HTTP_HOST):{HTTP_PORT}"),
        _value(REVISION, str(fleet.revision)),
        _value("MIGAGA_SHARDS_STOPGRACE", str(grace)),
    ]
    return found if modules is None else [*found, _value("MIGAGA_MODULES_LOAD", " ".join(modules))]


def _value(name: str, value: str) -> Manifest:
    return {"name": name, "value": value}


def _written(item: EnvVar) -> Json:
    return dump(item)
