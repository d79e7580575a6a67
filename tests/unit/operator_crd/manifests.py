"""A right manifest with everything in it, and ways to change it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

Node = dict[str, object]
Change = Callable[[Node], None]


def right() -> Node:
    """A manifest that uses most fields."""
    return {
        "apiVersion": "migaga.dev/v1alpha1",
        "kind": "BotDeployment",
        "metadata": {"name": "my-bot", "namespace": "bots"},
        "spec": {
            "applicationId": "123456789012345678",
            "image": "registry.example/migaga:5.0.0",
            "tokenSecretRef": {"name": "my-bot", "key": "token"},
            "database": {"urlSecretRef": {"name": "my-bot", "key": "database-url"}},
            "intents": ["GUILDS", "GUILD_MEMBERS", "GUILD_MESSAGES"],
            "mode": "Running",
            "replicas": 3,
            "shards": {"mode": "Fixed", "count": 32, "maxPerPod": 16, "multipleOf": 1},
            "identify": {"reserve": 100},
            "modules": [{"name": "points"}, {"name": "starboard", "workers": "heavy", "options": {"stars": 3}}],
            "workers": [{"name": "heavy", "replicas": 2}],
            "pod": {
                "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
                "env": [
                    {"name": "MIGAGA_LOG_LEVEL", "value": "DEBUG"},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "other", "key": "key"}}},
                ],
                "volumes": [{"name": "files", "configMap": {"name": "files"}}],
                "volumeMounts": [{"name": "files", "mountPath": "/srv/files", "readOnly": True}],
                "imagePullSecrets": [{"name": "registry"}],
                "nodeSelector": {"kubernetes.io/arch": "amd64"},
                "tolerations": [{"key": "bots", "operator": "Exists", "effect": "NoSchedule"}],
                "affinity": {},
                "topologySpreadConstraints": [],
                "terminationGracePeriodSeconds": 60,
                "labels": {"team": "bots"},
                "annotations": {"example.com/note": "hello"},
            },
        },
    }


def smallest() -> Node:
    """A manifest with nothing but what is required."""
    spec = node(right(), "spec")
    kept = {name: spec[name] for name in ("applicationId", "image", "tokenSecretRef", "database")}
    return {**right(), "spec": kept}


def node(manifest: Node, *path: str) -> Node:
    """The object at a path inside a manifest."""
    for name in path:
        manifest = cast("Node", manifest[name])
    return manifest


def put(value: object, *path: str) -> Change:
    """A change: write a value at a path below `spec`."""

    def change(manifest: Node) -> None:
        node(manifest, "spec", *path[:-1])[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """A change: remove what is at a path below `spec`."""

    def change(manifest: Node) -> None:
        del node(manifest, "spec", *path[:-1])[path[-1]]

    return change


def changed(*changes: Change) -> Node:
    """The right manifest after some changes."""
    manifest = copy.deepcopy(right())
    for change in changes:
        change(manifest)
    return manifest
