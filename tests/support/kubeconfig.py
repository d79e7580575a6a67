"""Kubeconfig files of test clusters: one cluster, one user, everything in the file itself.

`tests/support/control_plane.py` calls it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.certificates import Pair


def client_access(server: str, authority: Path, pair: Pair) -> Mapping[str, Any]:
    """Return the kubeconfig of a user with a client certificate."""
    user = {"client-certificate-data": _encoded(pair.certificate), "client-key-data": _encoded(pair.key)}
    return _kubeconfig(server, authority, user, "default")


def token_access(server: str, authority: Path, token: str, namespace: str) -> Mapping[str, Any]:
    """Return the kubeconfig of a user with a token."""
    return _kubeconfig(server, authority, {"token": token}, namespace)


def write_kubeconfig(path: Path, content: Mapping[str, Any]) -> None:
    """Write it where only this user can read it."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))  # JSON is YAML


def _kubeconfig(server: str, authority: Path, user: Mapping[str, str], namespace: str) -> Mapping[str, Any]:
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
