"""The Deployment of one worker pool."""

from __future__ import annotations

from dataclasses import replace

from migaga_operator.builders.deployment import REVISION, SURGE, TEMPLATE
from migaga_operator.builders.fleet import WORKERS, Fleet, metadata, pool_name, selector
from migaga_operator.builders.pods import worker_template
from migaga_operator.builders.template import template_digest
from migaga_operator.crd.spec import WorkerPool
from migaga_operator.json_types import Manifest


def worker_deployment(fleet: Fleet, pool: WorkerPool, revision: int) -> Manifest:
    """Return the Deployment of a pool. Its revision is its own: a change of the shard pods does not roll workers."""
    template = worker_template(replace(fleet, revision=revision), pool)
    annotations: Manifest = {TEMPLATE: template_digest(template), REVISION: str(revision)}
    name = pool_name(fleet.owner, pool.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata(fleet.owner, name, WORKERS, pool.name), "annotations": annotations},
        "spec": {
            "replicas": 0 if fleet.is_stopped else pool.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": SURGE, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector(fleet.owner, WORKERS, pool.name)},
            "template": template,
        },
    }
