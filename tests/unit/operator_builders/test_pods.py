"""The pods that a bot's objects describe: what they are told, what they may do, and what makes them new."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.operator_crd.manifests import Change, changed, drop, put, right

from migaga.common.settings import load_settings
from migaga_operator.builders.deployment import shard_deployment
from migaga_operator.builders.env import read_env
from migaga_operator.builders.fleet import Fleet, Owner
from migaga_operator.builders.template import template_digest
from migaga_operator.builders.workers import worker_deployment
from migaga_operator.crd.read import read_bot
from migaga_operator.crd.rules import OWN_VARIABLES
from migaga_operator.crd.spec import BotSpec
from migaga_operator.json_types import Manifest, as_list, as_mapping, as_text, at_path

OWNER = Owner("my-bot", "bots", "uid-1")


def fleet(*changes: Change, count: int | None = 32, revision: int = 7) -> Fleet:
    """A fleet of the right manifest after some changes."""
    spec = read_bot(changed(*changes))
    assert isinstance(spec, BotSpec), spec
    return Fleet(OWNER, spec, replicas=3, revision=revision, count=count, intents=spec.intents)


def shards(*changes: Change, count: int | None = 32, revision: int = 7) -> Manifest:
    """The Deployment of the shard pods."""
    return shard_deployment(fleet(*changes, count=count, revision=revision))


def workers(*changes: Change) -> Manifest:
    """The Deployment of the first worker pool."""
    found = fleet(*changes)
    return worker_deployment(found, found.spec.workers[0], 3)


def container(deployment: Manifest) -> object:
    """The one container of its pods."""
    (found,) = as_list(at_path(deployment, "spec", "template", "spec", "containers"))
    return found


def env_of(deployment: Manifest) -> dict[str, str]:
    """The environment with plain values."""
    return {
        as_text(at_path(item, "name")): as_text(at_path(item, "value"))
        for item in as_list(at_path(container(deployment), "env"))
    }


BOTH = pytest.mark.parametrize("deployment", [shards(), workers()], ids=["shards", "workers"])


@BOTH
def test_pods_meet_pod_security_restricted(deployment: Manifest) -> None:
    """The rules of Kubernetes' documentation, "Pod Security Standards", Restricted."""
    pod, inner = at_path(deployment, "spec", "template", "spec"), container(deployment)
    assert at_path(pod, "securityContext", "runAsNonRoot") is True
    assert at_path(pod, "securityContext", "seccompProfile", "type") == "RuntimeDefault"
    assert at_path(inner, "securityContext", "allowPrivilegeEscalation") is False
    assert at_path(inner, "securityContext", "capabilities") == {"drop": ["ALL"]}
    assert at_path(inner, "securityContext", "readOnlyRootFilesystem") is True
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(as_mapping(pod))
    sources = {name for volume in as_list(at_path(pod, "volumes")) for name in as_mapping(volume) if name != "name"}
    assert sources <= {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim", "csi", "ephemeral"}


@BOTH
def test_pods_get_no_token_of_the_api_server_and_no_variables_of_services(deployment: Manifest) -> None:
    pod = at_path(deployment, "spec", "template", "spec")
    assert at_path(pod, "automountServiceAccountToken") is False
    assert at_path(pod, "enableServiceLinks") is False


@BOTH
def test_every_mounted_volume_is_there_and_every_name_is_there_once(deployment: Manifest) -> None:
    pod = at_path(deployment, "spec", "template", "spec")
    volumes = [at_path(volume, "name") for volume in as_list(at_path(pod, "volumes"))]
    mounts = [at_path(mount, "name") for mount in as_list(at_path(container(deployment), "volumeMounts"))]
    assert set(mounts) <= set(volumes)
    assert len(set(volumes)) == len(volumes)
    names = [at_path(item, "name") for item in as_list(at_path(container(deployment), "env"))]
    assert len(set(names)) == len(names)


@BOTH
def test_a_deployment_selects_its_own_pods_and_no_others(deployment: Manifest) -> None:
    chosen = as_mapping(at_path(deployment, "spec", "selector", "matchLabels"))
    labels = as_mapping(at_path(deployment, "spec", "template", "metadata", "labels"))
    assert chosen.items() <= labels.items()
    other = shards() if deployment == workers() else workers()
    foreign = as_mapping(at_path(other, "spec", "template", "metadata", "labels"))
    assert not chosen.items() <= foreign.items()


@BOTH
def test_a_rolling_update_adds_first_and_takes_away_then(deployment: Manifest) -> None:
    strategy = at_path(deployment, "spec", "strategy", "rollingUpdate")
    assert strategy == {"maxSurge": "25%", "maxUnavailable": 0}


def test_the_token_is_a_mounted_file_and_the_database_address_a_variable_from_a_secret() -> None:
    pod = at_path(shards(), "spec", "template", "spec")
    (secret,) = [
        at_path(item, "secret") for item in as_list(at_path(pod, "volumes")) if at_path(item, "name") == "token"
    ]
    assert secret == {"secretName": "my-bot", "items": [{"key": "token", "path": "token"}]}
    (url,) = [
        item for item in as_list(at_path(container(shards()), "env")) if at_path(item, "name") == "MIGAGA_DATABASE_URL"
    ]
    assert at_path(url, "valueFrom", "secretKeyRef") == {"name": "my-bot", "key": "database-url"}


def test_workers_get_no_bot_token() -> None:
    text = str(workers())
    assert "MIGAGA_ENV_TOKENFILE" not in text
    assert "/etc/migaga/token" not in text


LATER = {"MIGAGA_FLEET_MODEFILE", "MIGAGA_MODULES_OPTIONS"}


def test_a_process_reads_what_its_pod_is_told(tmp_path: Path) -> None:
    """The environment of the builder, read by the settings of the real process."""
    token = tmp_path / "token"
    token.write_text("MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcde.abcdefghijklmnopqrstuvwxyz0123456789")
    env = {name: value for name, value in env_of(shards()).items() if value and name not in LATER}
    env |= {"MIGAGA_ENV_TOKENFILE": str(token), "MIGAGA_HTTP_HOST": "10.0.0.7"}
    settings = load_settings(None, env)
    assert settings.env.client_id == 123456789012345678
    assert settings.shards.count == 32
    assert settings.fleet.revision == 7
    assert settings.fleet.capacity == 16
    assert settings.fleet.identify_reserve == 100
    assert settings.fleet.multiple_of == 1
    assert settings.fleet.state_directory == Path("/var/lib/migaga/state")
    assert settings.modules.load == ("points",)
    assert settings.http.port == 8080
    assert settings.log.level == "DEBUG"
    grace = 60
    assert settings.fleet.wait_for_taker < settings.shards.stop_grace
    assert settings.shards.stop_grace.total_seconds() < grace


def test_workers_are_told_their_modules() -> None:
    assert env_of(workers())["MIGAGA_MODULES_LOAD"] == "starboard"


def test_without_a_list_of_modules_all_are_loaded() -> None:
    found = shards(drop("modules"), put([], "workers"))
    assert "MIGAGA_MODULES_LOAD" not in env_of(found)


def test_options_of_modules_are_told_in_one_order() -> None:
    options = {"b": 1, "a": "x"}
    env = env_of(shards(put([{"name": "points", "options": options}], "modules"), put([], "workers")))
    assert env["MIGAGA_MODULES_OPTIONS"] == '{"points":{"a":"x","b":1}}'


def test_without_a_count_pods_ask_discord() -> None:
    assert env_of(shards(count=None))["MIGAGA_SHARDS_COUNT"] == "recommended"


def test_every_variable_that_the_builder_sets_is_forbidden_to_people() -> None:
    ours = {name for name in env_of(shards()) if name.startswith("MIGAGA_")} - {"MIGAGA_LOG_LEVEL"}
    assert ours <= set(OWN_VARIABLES)


def test_the_revision_is_in_the_environment_and_not_in_the_digest() -> None:
    one, two = shards(revision=1), shards(revision=2)
    assert read_env(at_path(two, "spec", "template"), "MIGAGA_FLEET_REVISION") == "2"
    assert at_path(one, "spec", "template") != at_path(two, "spec", "template")
    assert template_digest(at_path(one, "spec", "template")) == template_digest(at_path(two, "spec", "template"))


TEMPLATE_CHANGES = [
    put("registry.example/migaga:6", "image"),
    put({"name": "my-bot", "key": "other"}, "tokenSecretRef"),
    put(["GUILDS"], "intents"),
    put(20, "shards", "maxPerPod"),
    put(50, "identify", "reserve"),
    put([{"name": "LEVEL", "value": "x"}], "pod", "env"),
    put(90, "pod", "terminationGracePeriodSeconds"),
    put({"limits": {"memory": "1Gi"}}, "pod", "resources"),
    put({"a": "b"}, "pod", "nodeSelector"),
]


@pytest.mark.parametrize("change", TEMPLATE_CHANGES)
def test_what_pods_must_know_changes_the_digest(change: Change) -> None:
    before = template_digest(at_path(shards(), "spec", "template"))
    assert template_digest(at_path(shards(change, count=32), "spec", "template")) != before


@pytest.mark.parametrize("change", [put(5, "replicas"), put("Paused", "mode"), put({}, "shards", "reshard")])
def test_what_pods_need_not_know_does_not(change: Change) -> None:
    before = template_digest(at_path(shards(), "spec", "template"))
    assert template_digest(at_path(shards(change), "spec", "template")) == before


def test_the_same_spec_gives_the_same_objects() -> None:
    assert shards() == shards()
    assert shard_deployment(replace(fleet(), spec=fleet().spec)) == shards()


def test_probes_ask_the_pages_that_processes_serve() -> None:
    paths = {
        at_path(container(shards()), f"{kind}Probe", "httpGet", "path") for kind in ("startup", "liveness", "readiness")
    }
    assert paths == {"/healthz", "/readyz"}


def test_a_process_that_ends_leaves_its_reason() -> None:
    assert at_path(container(shards()), "terminationMessagePolicy") == "FallbackToLogsOnError"


def test_pods_are_spread_over_nodes_and_zones_unless_somebody_says_otherwise() -> None:
    keys = [
        at_path(item, "topologyKey")
        for item in as_list(at_path(shards(), "spec", "template", "spec", "topologySpreadConstraints"))
    ]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    own = [{"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]
    (item,) = as_list(
        at_path(
            shards(put(own, "pod", "topologySpreadConstraints")),
            "spec",
            "template",
            "spec",
            "topologySpreadConstraints",
        )
    )
    assert at_path(item, "labelSelector", "matchLabels") == at_path(shards(), "spec", "selector", "matchLabels")


def test_a_stopped_bot_keeps_its_deployments_without_pods() -> None:
    assert at_path(shards(put("Stopped", "mode")), "spec", "replicas") == 0
    assert at_path(workers(put("Stopped", "mode")), "spec", "replicas") == 0


def test_no_secret_value_can_be_in_an_object() -> None:
    assert re.search(r"token.{0,4}:\s*M[A-Za-z0-9]{20}", str(shards())) is None
    assert "secretKeyRef" in str(right())
