"""JSON schemas for kubeconform, made from what an API server says of itself: its OpenAPI v3, with our CRD in it.

`tests/cluster/test_chart.py` calls it. Kubeconform's default would fetch schemas from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

FILE_NAMES = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
"""The names of the files, as kubeconform's `-schema-location` has them."""
REFERENCE = "#/components/schemas/"


def write_schemas(fetch: Callable[[str], Any], folder: Path) -> None:
    """Write one file for each kind. `fetch` returns the JSON document at a path of the API server."""
    for entry in fetch("/openapi/v3")["paths"].values():
        schemas = fetch(entry["serverRelativeURL"]).get("components", {}).get("schemas", {})
        strict = {name: _strict(schema) for name, schema in schemas.items()}
        for name, schema in schemas.items():
            for kind in schema.get("x-kubernetes-group-version-kind", ()):
                found = {"$ref": f"#/definitions/{name}", "definitions": dict(_used(name, strict))}
                (folder / _file_name(kind)).write_text(json.dumps(found))


def _file_name(kind: Mapping[str, str]) -> str:
    group = kind["group"].split(".")[0]
    return "-".join(word.lower() for word in (kind["kind"], group, kind["version"]) if word) + ".json"


def _used(name: str, schemas: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a schema and all that it refers to."""
    waiting, seen = [name], {name}
    while waiting:
        name = waiting.pop()
        yield name, schemas[name]
        new = set(_references(schemas[name])) - seen
        seen |= new
        waiting.extend(new)


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _strict(node: Any) -> Any:
    """Return a schema that refuses unknown fields, in the words of JSON schema."""
    if isinstance(node, list):
        return [_strict(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: {name: _strict(inner) for name, inner in value.items()} if key == "properties" else _strict(value)
        for key, value in node.items()
        if not key.startswith("x-kubernetes-") and key not in {"nullable", "default"}
    }
    if isinstance(reference := node.get("$ref"), str):
        found["$ref"] = "#/definitions/" + reference.removeprefix(REFERENCE)
    if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    if node.get("nullable") and isinstance(node.get("type"), str):
        found["type"] = [node["type"], "null"]
    return found
