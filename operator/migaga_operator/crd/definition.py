"""The CustomResourceDefinition, made of the dataclasses in `spec.py` and `status.py` and the rules in `rules.py`."""

from __future__ import annotations

import yaml

from migaga_operator.crd.read import GROUP, KIND, VERSION
from migaga_operator.crd.record import Record
from migaga_operator.crd.rules import NAME_MESSAGE, NAME_RULE, RULES
from migaga_operator.crd.spec import BotSpec
from migaga_operator.crd.status import BotStatus
from migaga_operator.json_types import Json, Manifest

PLURAL = "botdeployments"
NAME = f"{PLURAL}.{GROUP}"

_READY = '.status.conditions[?(@.type=="Ready")]'
_COLUMNS: tuple[tuple[str, str, str, str, int], ...] = (
    ("Desired", "integer", ".status.desiredReplicas", "Shard pods that are asked for.", 0),
    ("Ready", "integer", ".status.readyReplicas", "Shard pods that are ready.", 0),
    ("Shards", "integer", ".status.shards.count", "The shard count that is in force.", 0),
    ("Connected", "integer", ".status.shards.connected", "Shards that are connected.", 0),
    ("Ready-condition", "string", f"{_READY}.status", "Whether all of it is there.", 0),
    ("Age", "date", ".metadata.creationTimestamp", "How old the object is.", 0),
    ("Reason", "string", f"{_READY}.reason", "Why it is ready or not.", 1),
    ("Mode", "string", ".spec.mode", "Running, Paused or Stopped.", 1),
    ("Revision", "integer", ".status.revision", "The newest revision of the pods.", 1),
    ("Image", "string", ".spec.image", "The image of the pods.", 1),
)


def definition() -> Manifest:
    """Return the CustomResourceDefinition as a plain object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": PLURAL,
                "singular": KIND.lower(),
                "kind": KIND,
                "listKind": f"{KIND}List",
                "shortNames": ["bot", "bots"],
                "categories": ["all"],
            },
            "versions": [_version()],
        },
    }


def _version() -> Manifest:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": doc, **({"priority": 1} if priority else {})}
            for name, kind, path, doc, priority in _COLUMNS
        ],
    }


def _schema() -> Manifest:
    validations: list[Json] = [
        {"rule": rule.cel, "message": rule.message, "fieldPath": f".{rule.field}"} for rule in RULES
    ]
    spec: Manifest = {
        "description": "What the bot is to be.",
        **Record(BotSpec).schema(),
        "x-kubernetes-validations": validations,
    }
    status: Manifest = {"description": "What the bot is. The operator writes it.", **Record(BotStatus).schema()}
    text = {"type": "string"}
    return {
        "description": "A Discord bot, run as a fleet of gateway shards that never drops an event.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "The version of this object's schema.", **text},
            "kind": {"description": "What this object is: BotDeployment.", **text},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": [{"rule": NAME_RULE, "message": f"metadata.name: {NAME_MESSAGE}"}],
    }


def as_yaml(value: Json) -> str:
    """Return a value as YAML that people can read: block style, in the order given, lines of at most 120 characters."""
    text: str = yaml.safe_dump(value, sort_keys=False, width=120, allow_unicode=True, default_flow_style=False)
    return text


def definition_yaml() -> str:
    """Return the CustomResourceDefinition as YAML, with where it comes from."""
    made_by = "# Made by `python -m migaga_operator.crd`. Change operator/migaga_operator/crd/ instead.\n"
    return made_by + as_yaml(definition())
