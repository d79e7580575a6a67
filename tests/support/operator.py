"""`migaga operator` as a real process against a control plane: with the rights that the chart gives, and no more."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.support.control_plane import ControlPlane

CHART = Path(__file__).parents[2] / "charts" / "migaga"
NAMESPACE = "migaga"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:migaga"
ALL: Sequence[str] = ("--all-namespaces", "--lease=migaga")
_RIGHTS = ("rbac.yaml", "serviceaccount.yaml")
T = TypeVar("T")


def until(what: str, ask: Callable[[], T], seconds: float = 30.0) -> T:
    """Ask until the answer is something, and return it. Raises AssertionError that names what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


@contextmanager
def rights_of_the_chart(plane: ControlPlane, *values: str) -> Iterator[Path]:
    """Give the operator's account the rights that the chart gives it, and return its kubeconfig."""
    shown = [word for name in _RIGHTS for word in ("--show-only", f"templates/{name}")]
    text = plane.helm("template", "migaga", str(CHART), "--namespace", NAMESPACE, *shown, *values).out
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("apply", "-f", "-", stdin=text)
    try:
        yield plane.service_account_kubeconfig(NAMESPACE, "migaga")
    finally:
        plane.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)
        plane.kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


class OperatorProcess:
    """One `migaga operator`. Ends at the latest with the block that `running_operator` opens."""

    def __init__(self, plane: ControlPlane, kubeconfig: Path, name: str, words: Sequence[str]) -> None:
        self.log = plane.logs / f"operator-{name}-{time.monotonic_ns()}.log"
        environ = {
            **plane.environment(kubeconfig),
            "POD_NAME": name,
            "POD_NAMESPACE": NAMESPACE,
            "MIGAGA_HTTP_PORT": "0",
            "PYTHONWARNINGS": "error::RuntimeWarning",
        }
        command = [sys.executable, "-m", "migaga.cli.main", "operator", *words]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True)

    @property
    def text(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Wait until it ends, and return its exit code."""
        return self._process.wait(seconds)

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self._process.pid, number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.send(number)
        return self.wait(seconds)

    def ask(self, path: str) -> tuple[int, str]:
        """Ask its HTTP port; 0 while there is none."""
        found = re.search(r"at http://(127\.0\.0\.1:\d+)", self.text)
        if found is None:
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://{found[1]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        rows = [row.rsplit(" ", 1) for row in self.ask("/metrics")[1].splitlines() if not row.startswith("#")]
        return sum(float(value) for label, value in rows if label.partition("{")[0] == f"migaga_operator_{name}")

    @property
    def acts(self) -> bool:
        """Whether it holds the Lease."""
        return self.metric("is_leader") == 1.0


@contextmanager
def running_operator(
    plane: ControlPlane, kubeconfig: Path, name: str = "operator-1", words: Sequence[str] = ALL
) -> Iterator[OperatorProcess]:
    """Run one and wait until it is ready (it need not act)."""
    operator = OperatorProcess(plane, kubeconfig, name, words)
    try:
        until(f"{name} is ready", lambda: operator.code is not None or operator.ask("/readyz")[0] == 200, 60.0)
        assert operator.code is None, operator.text
        yield operator
    except AssertionError as error:
        error.add_note(f"the end of the log of {name}:\n{operator.text[-4000:]}")
        raise
    finally:
        if operator.code is None:
            operator.end(signal.SIGKILL)


def writes_of(plane: ControlPlane, user: str = ACCOUNT) -> list[dict[str, Any]]:
    """Return a user's writes that the API server was asked for, without Leases and questions about rights."""
    found = []
    for event in plane.audit():
        resource = event.get("objectRef", {}).get("resource")
        is_write = event["verb"] in {"create", "update", "patch", "delete", "deletecollection"}
        if event["user"]["username"] == user and is_write and resource not in {"leases", "selfsubjectaccessreviews"}:
            found.append(event)
    return found


def refusals_of(plane: ControlPlane, user: str = ACCOUNT) -> list[str]:
    """Return what a user was forbidden, in words."""
    return [
        f"{event['verb']} {json.dumps(event.get('objectRef', {}))}"
        for event in plane.audit()
        if event["user"]["username"] == user
        and event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    ]
