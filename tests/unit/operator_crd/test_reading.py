"""What `read_bot` makes of manifests."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.operator_crd.manifests import changed, drop, node, put, right, smallest
from tests.unit.operator_crd.wrong import WRONG, Wrong

from migaga_operator.crd.read import judge_change, read_bot
from migaga_operator.crd.record import dump
from migaga_operator.crd.spec import BotSpec
from migaga_operator.problems import Problem, describe


def spec_of(manifest: object) -> BotSpec:
    """The spec of a manifest that is right."""
    found = read_bot(manifest)
    assert isinstance(found, BotSpec), describe(found)
    return found


def problems_of(manifest: object) -> tuple[Problem, ...]:
    """The problems of a manifest that is wrong."""
    found = read_bot(manifest)
    assert isinstance(found, tuple)
    return found


def test_the_smallest_manifest_gets_all_defaults() -> None:
    spec = spec_of(smallest())
    assert spec.mode == "Running"
    assert spec.replicas is None
    assert spec.shards.mode == "Recommended"
    assert (spec.shards.max_per_pod, spec.shards.multiple_of, spec.identify.reserve) == (16, 1, 100)
    assert spec.pod.termination_grace_period_seconds == 60
    assert "MESSAGE_CONTENT" in spec.intents
    assert spec.modules is None
    assert spec.shard_modules is None


def test_a_full_manifest_is_read_field_by_field() -> None:
    spec = spec_of(right())
    assert spec.shards.count == 32
    assert spec.shard_modules == ("points",)
    assert [pool.name for pool in spec.workers] == ["heavy"]
    assert spec.pod.env[1].value_from is not None
    assert spec.pod.volumes[0].config_map is not None
    assert spec.pod.resources.limits == {"memory": "512Mi"}


def test_what_is_read_and_written_again_is_the_same() -> None:
    spec = spec_of(right())
    assert spec_of({**right(), "spec": dump(spec)}) == spec


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1: 2}, {"a": [{3}]}])
def test_what_yaml_can_hold_and_json_cannot_is_refused(value: object) -> None:
    (problem,) = problems_of(changed(put([{"name": "points", "options": {"x": value}}], "modules"), drop("workers")))
    assert problem.field == "spec.modules[0].options"
    assert "JSON" in problem.reason


def test_the_order_of_maps_does_not_matter() -> None:
    one = changed(put({"a": "1", "b": "2"}, "pod", "labels"))
    other = changed(put({"b": "2", "a": "1"}, "pod", "labels"))
    assert list(spec_of(one).pod.labels) == list(spec_of(other).pod.labels)


def test_a_null_is_the_default_where_there_is_one_and_refused_elsewhere() -> None:
    """As the API server does with structural schemas."""
    assert spec_of(changed(put(None, "mode"))).mode == "Running"
    for name in ("replicas", "image"):
        assert [problem.field for problem in problems_of(changed(put(None, name)))] == [f"spec.{name}"]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.written)
def test_every_wrong_manifest_names_the_field_and_the_remedy(case: Wrong) -> None:
    found = problems_of(case.manifest)
    fitting = [problem for problem in found if problem.field.startswith(case.field)]
    assert fitting, describe(found)
    assert case.remedy in f"{fitting[0].reason}. {fitting[0].remedy}", str(fitting[0])
    assert fitting[0].reason
    assert str(fitting[0]).endswith(("?", "."))
    assert "?." not in str(fitting[0])


def test_there_are_at_least_forty_wrong_manifests() -> None:
    assert len(WRONG) >= 40
    assert len({case.written for case in WRONG}) == len(WRONG)


def test_all_problems_are_told_at_once() -> None:
    fields = [item.field for item in problems_of(changed(drop("image"), put("x", "mode"), put(-1, "replicas")))]
    assert fields == ["spec.image", "spec.mode", "spec.replicas"]


def test_what_looks_like_a_token_is_not_shown() -> None:
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcde.abcdefghijklmnopqrstuvwxyz0123456789"
    text = describe(problems_of(changed(put(token, "mode"), put([token], "intents"))))
    assert token[:26] not in text
    assert "***" in text


@pytest.mark.parametrize("manifest", [None, 3, "text", [], [{}], {}, {"spec": 3}, {"spec": {}, "metadata": []}])
def test_what_is_no_manifest_at_all_is_refused_in_words(manifest: object) -> None:
    assert all(problem.remedy for problem in problems_of(manifest))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    [
        ("applicationId",), ("tokenSecretRef",), ("database", "urlSecretRef"), ("intents",), ("replicas",), ("shards",),
        ("shards", "count"), ("shards", "reshard"), ("modules",), ("workers",), ("pod",), ("pod", "env"), ("mode",),
        ("pod", "resources"), ("pod", "volumes"), ("pod", "volumeMounts"), ("pod", "affinity"), ("pod", "tolerations"),
        ("pod", "labels"),
    ]
)  # fmt: skip


@given(PATHS, JSON)
def test_whatever_is_written_nothing_raises_and_what_is_read_can_be_written(
    path: tuple[str, ...], value: object
) -> None:
    manifest = copy.deepcopy(right())
    parent = node(manifest, "spec", *path[:-1])
    parent[path[-1]] = value
    found = read_bot(manifest)
    if isinstance(found, BotSpec):
        dump(found)
    else:
        assert found
        assert len(describe(found)) < 2_000


@given(JSON)
def test_whatever_the_manifest_is_nothing_raises(value: object) -> None:
    read_bot(value)


def test_another_application_is_refused_also_without_an_api_server() -> None:
    before, after = spec_of(right()), spec_of(changed(put("223456789012345678", "applicationId")))
    assert judge_change(before, before) == ()
    (problem,) = judge_change(before, after)
    assert problem.field == "spec.applicationId"
    assert "another BotDeployment" in problem.remedy
