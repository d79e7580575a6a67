"""The CustomResourceDefinition as people and the API server see it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from migaga_operator.crd.definition import definition, definition_yaml
from migaga_operator.crd.rules import OWN_VARIABLES, RULES
from migaga_operator.json_types import as_list, as_mapping, as_text, at_path

ROOT = Path(__file__).parents[3]
CHART_COPY = ROOT / "charts" / "migaga" / "files" / "botdeployments.yaml"


def version() -> object:
    """The one version of the definition."""
    return as_list(at_path(definition(), "spec", "versions"))[0]


def nodes(schema: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every schema inside a schema, with its path."""
    yield at, schema
    for name, inner in as_mapping(at_path(schema, "properties")).items():
        yield from nodes(inner, f"{at}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(at_path(schema, key), dict):
            yield from nodes(at_path(schema, key), f"{at}{suffix}")


def schema() -> object:
    """The schema of the objects."""
    return at_path(version(), "schema", "openAPIV3Schema")


def test_the_charts_copy_is_what_the_code_makes() -> None:
    assert CHART_COPY.read_text("utf-8") == definition_yaml(), "run `python -m migaga_operator.crd` into it"


def test_the_command_prints_the_definition() -> None:
    run = subprocess.run([sys.executable, "-m", "migaga_operator.crd"], capture_output=True, text=True, check=True)
    assert yaml.safe_load(run.stdout) == definition()


def test_names_are_short_and_shown_by_get_all() -> None:
    names = as_mapping(at_path(definition(), "spec", "names"))
    assert names["shortNames"] == ["bot", "bots"]
    assert names["categories"] == ["all"]


def test_every_field_is_described() -> None:
    bare = [at for at, node in nodes(schema()) if not at_path(node, "description")]
    assert {at for at in bare if not at.endswith(("[]", ".*"))} == {".metadata"}


def test_everything_is_bounded_so_that_rules_have_a_known_cost() -> None:
    needs = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",), "integer": ("maximum",)}
    for at, node in nodes(schema()):
        kind = as_text(at_path(node, "type"))
        if at not in {".apiVersion", ".kind", ".metadata"}:
            assert kind not in needs or any(at_path(node, word) is not None for word in needs[kind]), at
        if isinstance(at_path(node, "additionalProperties"), dict):
            assert at_path(node, "maxProperties"), at


def test_every_rule_says_what_to_write_and_where() -> None:
    rules = as_list(at_path(schema(), "properties", "spec", "x-kubernetes-validations"))
    assert len(rules) == len(RULES)
    for rule in rules:
        assert as_text(at_path(rule, "message")).count(": ") >= 1
        steps = as_text(at_path(rule, "fieldPath")).split(".")[1:]
        node = at_path(schema(), "properties", "spec")
        for step in steps:
            node = at_path(node, "properties", step)
            assert node is not None, steps


def test_pods_are_scaled_and_never_shards() -> None:
    assert at_path(version(), "subresources", "scale") == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    assert at_path(version(), "subresources", "status") == {}


def test_get_shows_the_six_columns() -> None:
    columns = [as_mapping(item) for item in as_list(at_path(version(), "additionalPrinterColumns"))]
    shown = [column["name"] for column in columns if not column.get("priority")]
    assert shown == ["Desired", "Ready", "Shards", "Connected", "Ready-condition", "Age"]


def test_conditions_are_a_map_by_type() -> None:
    conditions = at_path(schema(), "properties", "status", "properties", "conditions")
    assert at_path(conditions, "x-kubernetes-list-type") == "map"
    assert at_path(conditions, "x-kubernetes-list-map-keys") == ["type"]
    fields = set(as_mapping(at_path(conditions, "items", "properties")))
    assert {"observedGeneration", "reason", "message", "lastTransitionTime"} <= fields


def test_status_has_no_room_for_single_shards_or_sessions() -> None:
    text = definition_yaml().lower()
    assert "session_id" not in text
    assert "sessionid" not in text
    shards = at_path(schema(), "properties", "status", "properties", "shards")
    assert at_path(shards, "type") == "object"


def test_variables_that_the_operator_sets_are_settings_of_processes() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    later = {"MIGAGA_FLEET_MODEFILE", "MIGAGA_MODULES_OPTIONS"}
    assert {name for name in OWN_VARIABLES if f"`{name}`" not in page} <= later
