"""A control plane for the tests of this folder, one for the session; skipped where its programs are not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cluster_tools import ToolsMissingError, find_tools
from tests.support.control_plane import ControlPlane

DEFINITION = Path(__file__).parents[2] / "charts" / "migaga" / "files" / "botdeployments.yaml"
OPEN_API = "/openapi/v3/apis/migaga.dev/v1alpha1"
PUBLISH_SECONDS = 60
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bots", "labels": RESTRICTED}}


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """Return a running control plane without nodes. Skips where programs are missing; CI=true makes that a failure."""
    try:
        tools = find_tools()
    except ToolsMissingError as missing:
        pytest.skip(str(missing))
    plane = ControlPlane(tools)
    try:
        plane.start()
        yield plane
    finally:
        plane.remove()


def wait_until_published(plane: ControlPlane) -> None:
    """Wait for the CRD in the OpenAPI document, which `kubectl explain` reads: it comes later than the API itself."""
    deadline = time.monotonic() + PUBLISH_SECONDS
    while plane.request("GET", OPEN_API)[0] != 200:
        assert time.monotonic() < deadline, f"{OPEN_API} is not there after {PUBLISH_SECONDS} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def bots(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """Return the control plane with the CRD, and with a namespace `bots` that admits restricted pods only."""
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(NAMESPACE))
    control_plane.kubectl("apply", "--server-side", "-f", str(DEFINITION))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(DEFINITION))
    wait_until_published(control_plane)
    yield control_plane
    control_plane.kubectl("delete", "--timeout=60s", "-f", str(DEFINITION))
