"""Whether a live object is as it should be."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from tests.unit.operator_crd.manifests import Node, right
from tests.unit.operator_crd.test_reading import JSON

from migaga_operator.drift import describe_differences, differences


@given(JSON)
def test_an_object_does_not_differ_from_itself(value: object) -> None:
    assert list(differences(value, copy.deepcopy(value))) == []


@given(JSON, JSON)
def test_any_two_values_can_be_compared(wanted: object, live: object) -> None:
    assert isinstance(describe_differences(wanted, live), str)


@pytest.mark.parametrize(
    ("wanted", "live", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {}, ["a"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": 0}, {}, []),
        ({"a": ""}, {"a": None}, []),
        ({"a": {}}, {}, []),
        ({"a": {}}, {"a": 3}, ["a"]),
        ({"a": [1, 2]}, {"a": [1, 2]}, []),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a[0]", "a[1]"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B"}, {"name": "A", "value": "1"}]}, []),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}, ["env[A].value"]),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": []}, ["env[A]"]),
        ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "1000m"}}, ["requests.cpu"]),
        ({"resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "1000m"}}}, []),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "2"}}}, ["resources.limits.cpu"]),
    ],
)
def test_what_we_set_has_to_be_there_and_nothing_else(wanted: Node, live: Node, found: list[str]) -> None:
    assert list(differences(wanted, live)) == found


def test_differences_are_told_briefly() -> None:
    wanted = {"spec": {str(n): n + 1 for n in range(9)}}
    assert describe_differences(wanted, {}) == "spec"
    assert describe_differences(wanted, {"spec": {"x": 1}}) == "spec.0, spec.1, spec.2 and 6 more"
    assert describe_differences(right(), right()) == ""
