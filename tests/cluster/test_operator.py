"""The operator's process on a real API server. There is no node: pods are given their status by the tests."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.bots import FIXED, condition, delete, deployment, make, patch, status
from tests.support.control_plane import ControlPlane
from tests.support.faked_pods import running_on
from tests.support.operator import (
    ACCOUNT,
    NAMESPACE,
    OperatorProcess,
    refusals_of,
    rights_of_the_chart,
    running_operator,
    until,
    writes_of,
)
from tests.unit.operator_crd.manifests import put

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/migaga"
OWNED = {
    "deployment": "{}",
    "service": "{}",
    "serviceaccount": "{}",
    "configmap": "{}-fleet",
    "poddisruptionbudget": "{}",
    "networkpolicy": "{}",
}


@pytest.fixture(scope="module")
def kubeconfig(bots: ControlPlane) -> Iterator[Path]:
    """Return the kubeconfig of the operator's account, cluster-wide."""
    with rights_of_the_chart(bots) as path:
        yield path


@pytest.fixture
def operator(bots: ControlPlane, kubeconfig: Path) -> Iterator[OperatorProcess]:
    """Return a running operator that acts."""
    with running_operator(bots, kubeconfig) as process:
        until("the operator acts", lambda: process.acts, 40.0)
        yield process
        # In good order, so that the next test's operator takes the Lease at once.
        if process.code is None:
            assert process.end() == 0, process.text


def test_the_objects_of_a_bot_appear_and_go_with_it(bots: ControlPlane, operator: OperatorProcess) -> None:
    make(bots, "first", FIXED)
    until("a status", lambda: condition(bots, "first", "Progressing"))
    for kind, name in OWNED.items():
        found = bots.get(kind, name.format("first"), "-n", "bots")
        [owner] = found["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("BotDeployment", "first", True)
        assert "finalizers" not in found["metadata"]
    assert deployment(bots, "first")["spec"]["replicas"] == 3
    bot = bots.get("bot", "first", "-n", "bots")
    # kopf writes to what it handles, unless all that it does is to wake us.
    assert "finalizers" not in bot["metadata"]
    assert "annotations" not in bot["metadata"]
    assert "kopf" not in json.dumps(bots.get("deployment,pod,configmap,service", "-n", "bots"))
    delete(bots, "first")
    until("the garbage collector has cleaned up", lambda: not deployment(bots, "first"), 60.0)
    assert refusals_of(bots) == []


@pytest.mark.parametrize("kind", sorted(OWNED))
def test_what_somebody_deletes_is_made_again(bots: ControlPlane, operator: OperatorProcess, kind: str) -> None:
    make(bots, "deleted", FIXED)
    name = OWNED[kind].format("deleted")
    until("all objects", lambda: condition(bots, "deleted", "Progressing"))
    before = bots.get(kind, name, "-n", "bots")["metadata"]["uid"]
    bots.kubectl("delete", kind, name, "-n", "bots")

    def is_back() -> bool:
        done = bots.kubectl("get", kind, name, "-n", "bots", "-o", "jsonpath={.metadata.uid}", check=False)
        return done.code == 0 and done.out != before

    until(f"another {kind}", is_back)
    delete(bots, "deleted")


def test_what_somebody_edits_is_put_right_and_what_others_add_stays(
    bots: ControlPlane, operator: OperatorProcess
) -> None:
    make(bots, "edited", FIXED)
    until("a status", lambda: condition(bots, "edited", "Progressing"))
    change = {"metadata": {"labels": {"team": "a"}}, "spec": {"replicas": 7, "minReadySeconds": 3}}
    patch(bots, "deployment/edited", change)
    until("three pods again", lambda: deployment(bots, "edited")["spec"]["replicas"] == 3)
    patch(bots, "configmap/edited-fleet", {"data": {"mode": "paused"}})
    until(
        "the mode again",
        lambda: bots.get("configmap", "edited-fleet", "-n", "bots")["data"]["mode"] == "running",
    )
    found = deployment(bots, "edited")
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["spec"]["minReadySeconds"] == 3
    patch(bots, "service/edited", {"metadata": {"labels": {"migaga.dev/bot": None}}})
    until(
        "the label again",
        lambda: "migaga.dev/bot" in bots.get("service", "edited", "-n", "bots")["metadata"]["labels"],
    )
    delete(bots, "edited")


def test_the_spec_is_followed(bots: ControlPlane, operator: OperatorProcess) -> None:
    make(bots, "followed", FIXED)
    until("the Deployment", lambda: deployment(bots, "followed"))
    bots.kubectl("scale", "bot", "followed", "-n", "bots", "--replicas=5")
    until("five pods", lambda: deployment(bots, "followed")["spec"]["replicas"] == 5)
    patch(bots, "bot/followed", {"spec": {"image": "registry.example/migaga:5.0.1"}})
    until(
        "the new image",
        lambda: deployment(bots, "followed")["spec"]["template"]["spec"]["containers"][0]["image"].endswith("5.0.1"),
    )
    managers = {(one["manager"], one["operation"]) for one in deployment(bots, "followed")["metadata"]["managedFields"]}
    assert ("migaga-operator", "Apply") in managers
    until("a status of the newest generation", lambda: status(bots, "followed").get("observedGeneration") == 3)
    assert status(bots, "followed")["selector"]
    patch(bots, "bot/followed", {"spec": {"mode": "Stopped"}})
    until("no pods", lambda: deployment(bots, "followed")["spec"]["replicas"] == 0)
    until("stopped", lambda: condition(bots, "followed", "Ready").get("reason") == "Stopped")
    delete(bots, "followed")


def test_a_wrong_spec_is_in_the_status_and_disturbs_nobody(bots: ControlPlane, operator: OperatorProcess) -> None:
    make(bots, "wrong", FIXED, put({"labels": {"migaga.dev/bot": "other"}}, "pod"))
    make(bots, "right", FIXED)
    stalled = until("a complaint", lambda: condition(bots, "wrong", "Stalled"))
    assert (stalled["status"], stalled["reason"]) == ("True", "InvalidSpec")
    assert "spec.pod.labels.migaga.dev/bot" in stalled["message"]
    until("the other one's Deployment", lambda: deployment(bots, "right"))
    assert not deployment(bots, "wrong")

    def events() -> str:
        told = bots.kubectl("describe", "bot", "wrong", "-n", "bots").out.rpartition("Events:")[2]
        return told if "InvalidSpec" in told else ""

    assert "migaga-operator" in until("an event", events)
    delete(bots, "wrong", "right")


def test_a_name_that_is_taken_is_left_alone(bots: ControlPlane, operator: OperatorProcess) -> None:
    bots.kubectl("create", "configmap", "taken-fleet", "-n", "bots", "--from-literal=mine=yes")
    make(bots, "taken", FIXED)
    until("a complaint", lambda: condition(bots, "taken", "Stalled").get("reason") == "NameTaken")
    found = bots.get("configmap", "taken-fleet", "-n", "bots")
    assert found["data"] == {"mine": "yes"}
    assert "ownerReferences" not in found["metadata"]
    bots.kubectl("delete", "configmap", "taken-fleet", "-n", "bots")
    until("all is well", lambda: condition(bots, "taken", "Stalled").get("reason") != "NameTaken", 20.0)
    delete(bots, "taken")


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-services}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services], resourceNames: [refused]}
  validations: [{expression: "false", message: "no more services here, ask the platform team"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-services}
spec: {policyName: no-services, validationActions: [Deny]}
"""


def test_what_the_api_server_refuses_is_in_the_status(bots: ControlPlane, operator: OperatorProcess) -> None:
    bots.kubectl("apply", "-f", "-", stdin=POLICY)
    # A policy takes effect some time after it is there.
    probe = ("create", "service", "clusterip", "refused", "-n", "bots", "--tcp=80", "--dry-run=server")
    until("the policy is in force", lambda: bots.kubectl(*probe, check=False).code != 0)
    make(bots, "refused", FIXED)
    until("a complaint", lambda: condition(bots, "refused", "Stalled").get("reason") == "ApplyRefused")
    assert "ask the platform team" in condition(bots, "refused", "Stalled")["message"]
    assert deployment(bots, "refused")
    bots.kubectl("delete", "-f", "-", stdin=POLICY)
    until("it is tried again", lambda: condition(bots, "refused", "Stalled").get("reason") != "ApplyRefused", 90.0)
    delete(bots, "refused")


def test_a_bot_is_ready_when_its_pods_say_so_and_unknown_when_they_fall_silent(
    bots: ControlPlane, operator: OperatorProcess
) -> None:
    make(bots, "spoken", FIXED, put(2, "replicas"))
    label = "migaga.dev/bot=spoken"

    def pods() -> list[str]:
        found = [item["metadata"]["name"] for item in bots.get("pods", "-n", "bots", "-l", label)["items"]]
        return found if len(found) == 2 else []

    with ExitStack() as stack:
        for number, name in enumerate(until("two pods", pods)):
            address = f"127.9.8.{number + 1}"
            stack.enter_context(speaking_pod(address, number))
            change = {"status": running_on(address)}
            words = ("--subresource=status", "-p", json.dumps(change))
            bots.kubectl("patch", "pod", name, "-n", "bots", "--type=merge", *words)
        bots.kubectl("wait", "--for=condition=Ready", "bot/spoken", "-n", "bots", "--timeout=30s")
        bots.kubectl("wait", "--for=condition=Progressing=False", "bot/spoken", "-n", "bots", "--timeout=30s")
        found = status(bots, "spoken")
        assert found["shards"] == {"count": 2, "connected": 2, "desired": 2, "recommended": 2}
        assert found["identify"] == {"total": 1000, "remaining": 900}
        assert found["application"] == "Spoken"
        # At rest, pods are looked at rarely; what has changed is told by a watch.
    patch(bots, "bot/spoken", {"spec": {"mode": "Paused"}})
    until("cannot tell", lambda: condition(bots, "spoken", "Ready").get("reason") == "PodsUnreachable")
    assert condition(bots, "spoken", "Ready")["status"] == "Unknown"
    delete(bots, "spoken")


@contextmanager
def speaking_pod(address: str, shard: int) -> Iterator[None]:
    """Serve the `/status` of a process that has one of two shards."""
    document = {
        "application": {"name": "Spoken"},
        "phase": "running",
        "ready": True,
        "shard_count": 2,
        "recommended_shards": 2,
        "shards": [{"id": shard, "state": "live", "lease": "mine"}],
        "identify": {"total": 1000, "remaining": 900},
        "process": {"revision": 1},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((address, 8080), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_two_bots_of_one_application(bots: ControlPlane, operator: OperatorProcess) -> None:
    one = put("999999999999999999", "applicationId")
    make(bots, "elder", FIXED, one)
    until("the elder's Deployment", lambda: deployment(bots, "elder"))
    # Ages are told in seconds.
    time.sleep(1.1)
    make(bots, "younger", FIXED, one)
    until("a complaint", lambda: condition(bots, "younger", "Stalled").get("reason") == "DuplicateApplication")
    assert not deployment(bots, "younger")
    delete(bots, "elder")
    until("the younger one's turn", lambda: deployment(bots, "younger"), 60.0)
    delete(bots, "younger")


def test_at_rest_nothing_is_written_but_the_lease(bots: ControlPlane, operator: OperatorProcess) -> None:
    make(bots, "resting", FIXED)
    make(bots, "stopped", FIXED, put("Stopped", "mode"))
    make(bots, "unwell", FIXED, put({"labels": {"migaga.dev/bot": "other"}}, "pod"))
    until("pods", lambda: condition(bots, "resting", "Stalled").get("reason") == "Unschedulable", 90.0)
    settled, since = len(writes_of(bots)), time.monotonic()
    while time.monotonic() - since < 10.0:
        if len(writes_of(bots)) != settled:
            settled, since = len(writes_of(bots)), time.monotonic()
        time.sleep(0.5)
    time.sleep(60.0)
    assert [f"{one['verb']} {one['objectRef']}" for one in writes_of(bots)[settled:]] == []
    assert operator.ask("/healthz")[0] == 200
    # And a successor that finds everything as it should be writes nothing either.
    operator.end()
    with running_operator(bots, bots.folder / f"{NAMESPACE}-migaga.kubeconfig", "successor") as successor:
        until("the successor acts", lambda: successor.acts, 40.0)
        until("three looks", lambda: successor.metric("reconciles_total") >= 3)
        assert [f"{one['verb']} {one['objectRef']}" for one in writes_of(bots)[settled:]] == []
        assert successor.end() == 0
    delete(bots, "resting", "stopped", "unwell")


def holder(plane: ControlPlane) -> str:
    code, found = plane.request("GET", LEASE)
    return str(found["spec"].get("holderIdentity") or "") if code == 200 else ""


def test_of_two_operators_one_acts_and_the_other_takes_over(bots: ControlPlane, kubeconfig: Path) -> None:
    with (
        running_operator(bots, kubeconfig, "one") as one,
        running_operator(bots, kubeconfig, "two") as two,
    ):
        until("one of them acts", lambda: one.acts or two.acts, 40.0)
        first, second = (one, two) if one.acts else (two, one)
        make(bots, "shared", FIXED)
        until("the Deployment", lambda: deployment(bots, "shared"))
        assert second.metric("is_leader") == 0.0
        assert second.ask("/readyz")[0] == 200
        assert second.metric("reconciles_total") == 0
        # Killed without a word: the Lease has to end.
        first.end(signal.SIGKILL)
        make(bots, "after", FIXED)
        until("the other one acts", lambda: deployment(bots, "after"), 20.0)
        assert second.acts
        # Ended in order: the Lease is given back at once.
        with running_operator(bots, kubeconfig, "three") as third:
            begun = time.monotonic()
            assert second.end() == 0, second.text
            assert time.monotonic() - begun < 15.0
            until("the third one acts", lambda: third.acts, 10.0)
            assert third.end() == 0
    assert holder(bots) == ""
    delete(bots, "shared", "after")


def test_an_operator_that_was_frozen_ends_when_it_wakes(bots: ControlPlane, kubeconfig: Path) -> None:
    with running_operator(bots, kubeconfig, "frozen") as frozen:
        until("it acts", lambda: frozen.acts, 40.0)
        with running_operator(bots, kubeconfig, "other") as other:
            frozen.send(signal.SIGSTOP)
            until("the other one acts", lambda: other.acts, 30.0)
            frozen.send(signal.SIGCONT)
            assert frozen.wait(20.0) == 69
            assert "is lost" in frozen.text
            assert other.acts
            assert other.end() == 0


def test_an_operator_that_starts_after_a_kill_acts_within_20_seconds(bots: ControlPlane, kubeconfig: Path) -> None:
    with running_operator(bots, kubeconfig, "killed") as killed:
        until("it acts", lambda: killed.acts, 40.0)
        killed.end(signal.SIGKILL)
        make(bots, "meanwhile", FIXED)
        begun = time.monotonic()
        with running_operator(bots, kubeconfig, "next") as successor:
            until("the Deployment", lambda: deployment(bots, "meanwhile"), 30.0)
            assert time.monotonic() - begun < 25.0
            assert successor.end() == 0
    delete(bots, "meanwhile")


REFUSED = {
    "secrets": "get list watch create delete",
    "pods": "create delete",
    "pods/exec": "create",
    "pods/log": "get",
    "pods/eviction": "create",
    "nodes": "list",
    "namespaces": "list create",
    "services": "delete",
    "configmaps": "delete",
    "serviceaccounts": "delete",
    "serviceaccounts/token": "create",
    "events": "list",
    "users": "impersonate",
    "leases.coordination.k8s.io": "list",
    "deployments.apps/finalizers": "update",
    "botdeployments.migaga.dev": "update patch delete create",
    "roles.rbac.authorization.k8s.io": "create",
    "rolebindings.rbac.authorization.k8s.io": "create",
    "clusterroles.rbac.authorization.k8s.io": "bind",
    "customresourcedefinitions.apiextensions.k8s.io": "list patch",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "create",
}


def test_what_the_account_may_not_do(bots: ControlPlane, kubeconfig: Path) -> None:
    def may(verb: str, resource: str, namespace: str = "bots") -> str:
        name, _, part = resource.partition("/")
        words = ("auth", "can-i", verb, name, "-n", namespace, *([f"--subresource={part}"] if part else []))
        return bots.kubectl(*words, kubeconfig=kubeconfig, check=False).out.strip()

    asked = [(verb, resource) for resource, verbs in REFUSED.items() for verb in verbs.split()]
    assert [one for one in asked if may(*one) != "no"] == []
    assert may("get", "secrets", NAMESPACE) == "no"
    assert may("patch", "deployments.apps") == "yes"


def test_nothing_was_asked_for_that_the_account_may_not(bots: ControlPlane, kubeconfig: Path) -> None:
    """After all tests before this one; and nobody's Secrets were ever looked at."""
    assert refusals_of(bots) == []
    asked = {one.get("objectRef", {}).get("resource") for one in bots.audit() if one["user"]["username"] == ACCOUNT}
    assert "deployments" in asked
    assert "secrets" not in asked
