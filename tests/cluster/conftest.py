"""A control plane for the tests of this folder, one for the session; skipped where its programs are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cluster_tools import ToolsMissingError, find_tools
from tests.support.control_plane import ControlPlane

DEFINITION = Path(__file__).parents[2] / "charts" / "migaga" / "files" / "botdeployments.yaml"


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


@pytest.fixture(scope="module")
def bots(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """Return the control plane with the CRD, and a namespace `bots` that admits restricted pods only."""
    plane = control_plane
    plane.kubectl("apply", "--server-side", "-f", str(DEFINITION))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(DEFINITION))
    plane.kubectl("create", "namespace", "bots")
    plane.kubectl("label", "namespace", "bots", "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield plane
    finally:
        plane.kubectl("delete", "namespace", "bots", "--timeout=60s")
        plane.kubectl("delete", "--timeout=60s", "-f", str(DEFINITION))
