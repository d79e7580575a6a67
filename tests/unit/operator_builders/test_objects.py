"""The objects around the pods."""

from __future__ import annotations

import pytest
from tests.unit.operator_builders.test_pods import OWNER, fleet, shards, workers
from tests.unit.operator_crd.manifests import drop, put

from migaga_operator.builders.all import KINDS, build_around
from migaga_operator.builders.fleet import selector_text
from migaga_operator.builders.monitor import API
from migaga_operator.crd.read import API_VERSION
from migaga_operator.json_types import as_list, as_mapping, as_text, at_path

AROUND = build_around(fleet(), [API])
OBJECTS = [*AROUND, shards(), workers()]
BY_KIND = {as_text(item["kind"]): item for item in AROUND}


@pytest.mark.parametrize("manifest", OBJECTS, ids=lambda item: str(item["kind"]))
def test_every_object_belongs_to_the_bot_and_can_never_hold_up_a_deletion(manifest: object) -> None:
    (owner,) = as_list(at_path(manifest, "metadata", "ownerReferences"))
    assert at_path(owner, "uid") == "uid-1"
    assert at_path(owner, "apiVersion") == API_VERSION
    assert at_path(owner, "controller") is True
    assert at_path(owner, "blockOwnerDeletion") is False
    assert at_path(manifest, "metadata", "finalizers") is None
    assert at_path(manifest, "metadata", "namespace") == "bots"
    assert as_mapping(at_path(manifest, "metadata", "labels"))["migaga.dev/bot"] == "my-bot"


def test_every_kind_that_is_built_is_known_to_be_ours() -> None:
    assert {as_text(item["kind"]) for item in OBJECTS} == set(KINDS)


def test_names_differ_within_each_kind() -> None:
    keys = [(item["kind"], at_path(item, "metadata", "name")) for item in OBJECTS]
    assert len(set(keys)) == len(keys)


def test_the_service_has_no_address_and_names_pods_early() -> None:
    spec = at_path(BY_KIND["Service"], "spec")
    assert at_path(spec, "clusterIP") == "None"
    assert at_path(spec, "publishNotReadyAddresses") is True
    assert at_path(spec, "selector") == at_path(shards(), "spec", "selector", "matchLabels")


def test_the_account_has_no_token() -> None:
    assert at_path(BY_KIND["ServiceAccount"], "automountServiceAccountToken") is False


def test_a_node_is_drained_one_pod_at_a_time_and_never_held_up_by_pods_that_are_not_ready() -> None:
    spec = at_path(BY_KIND["PodDisruptionBudget"], "spec")
    assert at_path(spec, "maxUnavailable") == 1
    assert at_path(spec, "unhealthyPodEvictionPolicy") == "AlwaysAllow"


def test_the_workers_port_is_open_to_the_bots_own_shard_pods_alone() -> None:
    http, pool = as_list(at_path(BY_KIND["NetworkPolicy"], "spec", "ingress"))
    assert at_path(http, "from") is None
    (source,) = as_list(at_path(pool, "from"))
    assert at_path(source, "podSelector", "matchLabels") == at_path(shards(), "spec", "selector", "matchLabels")
    assert at_path(source, "namespaceSelector") is None


def test_without_workers_only_the_http_port_is_open() -> None:
    (policy,) = [
        item for item in build_around(fleet(drop("modules"), put([], "workers")), []) if item["kind"] == "NetworkPolicy"
    ]
    assert len(as_list(at_path(policy, "spec", "ingress"))) == 1
    assert at_path(policy, "spec", "policyTypes") == ["Ingress"]


@pytest.mark.parametrize(("mode", "told"), [("Running", "running"), ("Paused", "paused"), ("Stopped", "stopped")])
def test_pods_are_told_their_mode_by_a_file(mode: str, told: str) -> None:
    (config,) = [item for item in build_around(fleet(put(mode, "mode")), []) if item["kind"] == "ConfigMap"]
    assert at_path(config, "data", "mode") == told
    (volume,) = [
        item
        for item in as_list(at_path(shards(), "spec", "template", "spec", "volumes"))
        if at_path(item, "name") == "fleet"
    ]
    assert at_path(volume, "configMap", "name") == at_path(config, "metadata", "name")


def test_the_selector_of_the_scale_subresource_chooses_the_shard_pods() -> None:
    parts = dict(part.split("=") for part in selector_text(OWNER).split(","))
    assert parts == at_path(shards(), "spec", "selector", "matchLabels")
