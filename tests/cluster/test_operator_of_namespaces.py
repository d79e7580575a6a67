"""An operator that serves some namespaces, with a Role in each; and one whose API server goes away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.bots import FIXED, delete, deployment, make, status
from tests.support.control_plane import ControlPlane
from tests.support.operator import (
    ACCOUNT,
    OperatorProcess,
    refusals_of,
    rights_of_the_chart,
    running_operator,
    until,
)

WORDS = ("--namespace=bots", "--lease=migaga")


@pytest.fixture(scope="module")
def kubeconfig(bots: ControlPlane) -> Iterator[Path]:
    """Return the kubeconfig of an operator's account that has rights in one namespace."""
    with rights_of_the_chart(bots, "--set", "watch.allNamespaces=false", "--set", "watch.namespaces={bots}") as path:
        yield path


def test_bots_of_other_namespaces_are_not_its_business(bots: ControlPlane, kubeconfig: Path) -> None:
    refused = len(refusals_of(bots))
    bots.kubectl("create", "namespace", "others")
    make(bots, "other", FIXED, namespace="others")
    with running_operator(bots, kubeconfig, words=WORDS) as operator:
        make(bots, "mine", FIXED)
        until("the Deployment", lambda: deployment(bots, "mine"), 40.0)
        until("a status", lambda: status(bots, "mine"))
        assert not status(bots, "other", "others")
        assert not deployment(bots, "other", "others")
        assert operator.metric("bots") == 1
        assert operator.end() == 0
    assert refusals_of(bots)[refused:] == []
    asked = {one.get("objectRef", {}).get("namespace") for one in bots.audit() if one["user"]["username"] == ACCOUNT}
    assert "others" not in asked
    delete(bots, "mine")
    bots.kubectl("delete", "namespace", "others", "--timeout=60s")


def test_an_operator_without_an_api_server_ends_and_its_successor_waits_for_it(
    bots: ControlPlane, kubeconfig: Path
) -> None:
    with running_operator(bots, kubeconfig, words=WORDS) as operator:
        until("it acts", lambda: operator.acts, 40.0)
        bots.api_server.stop()
        try:
            assert operator.wait(30.0) == 69
            successor = OperatorProcess(bots, kubeconfig, "successor", WORDS)
            until("it asks in vain", lambda: "cannot be asked yet" in successor.text)
        finally:
            bots.api_server.start()
            bots.api_server.wait(120.0)
    try:
        until("the successor acts", lambda: successor.acts, 60.0)
        assert successor.end() == 0
    finally:
        if successor.code is None:
            successor.end(signal.SIGKILL)
