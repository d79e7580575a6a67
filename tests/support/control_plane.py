"""A real Kubernetes control plane for tests: etcd, API server, controller manager and scheduler, on loopback only.

`tests/cluster/conftest.py` has it as the fixture `control_plane`. It has no nodes: tests add them. Everything ends with
the test process. What it cannot do: Services have no endpoints (the API refuses loopback addresses in EndpointSlices,
so that controller is left out), and there is no network between pods but this machine's loopback.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.certificates import Authority, Pair
from tests.support.daemons import Daemon
from tests.support.forked import Done
from tests.support.kubeconfig import client_access, token_access, write_kubeconfig

START_SECONDS = 120
COMMAND_SECONDS = 120
SERVICE_RANGE = "10.0.0.0/24"
MASTERS = "system:masters"
# Those that a fleet of pods needs; one less is a second less at the start, and less noise at rest.
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
    "taint-eviction-controller",
)
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon the control plane gives up a node. Seconds; a cluster in life has 50, 5 and 300."""

    node_grace: int = 12
    """A node whose Lease is older is lost."""
    node_period: int = 1
    """How often nodes are looked at."""
    toleration: int = 5
    """How long pods stay bound to a lost node, unless they say it themselves."""


class CommandError(Exception):
    """A command has failed; the message has its output."""


class ControlPlane:
    """etcd, API server, controller manager and scheduler, in a folder of their own."""

    def __init__(self, tools: Mapping[str, Path], timing: Timing | None = None) -> None:
        """Take the programs, as `find_tools` returns them. Nothing runs before `start`."""
        self.tools, self.timing = tools, timing or Timing()
        self.folder = Path(tempfile.mkdtemp(prefix="migaga-cluster-"))
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self._authority = Authority(self.folder / "pki")
        self._server = self._authority.server()
        self._token_keys = self._authority.key_pair("service-account")
        self._admin = self._authority.client("migaga-test-admin", (MASTERS,))
        self.etcd = self._daemon("etcd", self._etcd_command, ready="/health", tls=False)
        self.api_server = self._daemon("kube-apiserver", self._api_server_command, ready="/readyz")
        self.controller_manager = self._daemon("kube-controller-manager", self._controllers_command, ready="/healthz")
        self.scheduler = self._daemon("kube-scheduler", self._scheduler_command, ready="/healthz")

    def start(self) -> None:
        """Start all and wait until they are ready. Raises `DaemonError` with the end of the log of one that is not."""
        self.etcd.start_and_wait(START_SECONDS)
        self.api_server.start_and_wait(START_SECONDS)
        write_kubeconfig(self.kubeconfig, self._access(self._admin))
        write_kubeconfig(self.folder / "scheduler", self._access(self._authority.client("system:kube-scheduler")))
        self.controller_manager.start_and_wait(START_SECONDS)
        self.scheduler.start_and_wait(START_SECONDS)
        self.kubectl("wait", "--for=create", "--timeout=60s", "serviceaccount/default", "configmap/kube-root-ca.crt")

    def stop(self) -> None:
        """Stop all, the API server's clients first."""
        daemons = (self.scheduler, self.controller_manager, self.api_server, self.etcd)
        for daemon in daemons[:3]:
            daemon.ask_to_stop()
        for daemon in daemons:
            daemon.stop()

    def remove(self) -> None:
        """Stop all and delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What tests use.

    @property
    def url(self) -> str:
        """The address of the API server."""
        return self.api_server.url

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.kubeconfig"

    def user_kubeconfig(self, user: str, *groups: str) -> Path:
        """Make the kubeconfig of any user, for a node `("system:node:NAME", "system:nodes")`."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        write_kubeconfig(path, self._access(self._authority.client(user, groups)))
        return path

    def service_account_kubeconfig(self, namespace: str, name: str, *, seconds: int = 3600) -> Path:
        """Make the kubeconfig of a ServiceAccount, with a token that the API server issues, and its namespace."""
        token = self.kubectl("create", "token", name, "-n", namespace, f"--duration={seconds}s").out.strip()
        path = self.folder / f"{namespace}-{name}.kubeconfig"
        write_kubeconfig(path, token_access(self.url, self._authority.own.certificate, token, namespace))
        return path

    def context(self, *, is_admin: bool = True) -> ssl.SSLContext:
        """Return what a HTTP client needs to talk to the API server: as administrator, or as nobody."""
        context = ssl.create_default_context(cafile=str(self._authority.own.certificate))
        if is_admin:
            context.load_cert_chain(self._admin.certificate, self._admin.key)
        return context

    def kubectl(
        self, *words: str, stdin: str = "", kubeconfig: Path | None = None, check: bool = True, seconds: float = 120
    ) -> Done:
        """Run kubectl as the administrator. Raises `CommandError` when it fails and `check` is on."""
        return self.run("kubectl", *words, stdin=stdin, kubeconfig=kubeconfig, check=check, seconds=seconds)

    def helm(self, *words: str, check: bool = True, seconds: float = 120) -> Done:
        """Run helm as the administrator. Raises `CommandError` when it fails and `check` is on."""
        return self.run("helm", *words, check=check, seconds=seconds)

    def run(
        self,
        tool: str,
        *words: str,
        stdin: str = "",
        kubeconfig: Path | None = None,
        check: bool = True,
        seconds: float = COMMAND_SECONDS,
    ) -> Done:
        """Run one of the programs, with nothing of this machine's user in its environment."""
        environ = self.environment(kubeconfig)
        done = subprocess.run(
            [self.tools[tool], *words], input=stdin, env=environ, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise CommandError(f"{tool} {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    async def kubectl_async(self, *words: str, stdin: str = "", check: bool = True, seconds: float = 120) -> Done:
        """Run kubectl while the event loop goes on."""
        return await asyncio.to_thread(partial(self.kubectl, *words, stdin=stdin, check=check, seconds=seconds))

    async def helm_async(self, *words: str, check: bool = True, seconds: float = 120) -> Done:
        """Run helm while the event loop goes on."""
        return await asyncio.to_thread(partial(self.helm, *words, check=check, seconds=seconds))

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """Return the environment in which programs find this cluster and a home of their own."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "NO_COLOR": "1",
        }

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Make one request as the administrator; return the status code and the JSON document."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_SECONDS, context=self.context()) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            text = refused.read().decode(errors="replace")
            return refused.code, json.loads(text) if text.startswith("{") else {"message": text}

    def get(self, *words: str) -> Any:
        """Return what `kubectl get WORDS -o json` finds."""
        return json.loads(self.kubectl("get", *words, "-o", "json").out)

    def audit(self) -> list[dict[str, Any]]:
        """Return all requests that the API server has answered, as audit events (who, verb, objectRef, code)."""
        text = (self.logs / "audit.json").read_text()
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    # The four programs.

    def _daemon(self, name: str, command: Any, *, ready: str, tls: bool = True) -> Daemon:
        context = self.context() if tls else None
        return Daemon(name, command, ready=ready, log=self.logs / f"{name}.log", context=context)

    def _access(self, pair: Pair) -> Mapping[str, Any]:
        return client_access(self.url, self._authority.own.certificate, pair)

    def _etcd_command(self, port: int) -> Sequence[str]:
        url = f"http://127.0.0.1:{port}"
        return [
            str(self.tools["etcd"]), f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync", "--log-level=warn",
            f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
            # One member needs no peers: port 0 is never dialled.
            "--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:0",
            "--initial-cluster=default=http://127.0.0.1:0",
        ]  # fmt: skip

    def _api_server_command(self, port: int) -> Sequence[str]:
        policy = self.folder / "audit.yaml"
        policy.write_text(AUDIT_POLICY)
        toleration = self.timing.toleration
        return [
            str(self.tools["kube-apiserver"]), f"--etcd-servers={self.etcd.url}", *self._serving(port),
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
            f"--service-cluster-ip-range={SERVICE_RANGE}", f"--client-ca-file={self._authority.own.certificate}",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction,PodSecurity",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._token_keys.certificate}",
            f"--service-account-signing-key-file={self._token_keys.key}",
            f"--default-not-ready-toleration-seconds={toleration}",
            f"--default-unreachable-toleration-seconds={toleration}",
            f"--audit-policy-file={policy}", f"--audit-log-path={self.logs}/audit.json",
        ]  # fmt: skip

    def _controllers_command(self, port: int) -> Sequence[str]:
        return [
            str(self.tools["kube-controller-manager"]), f"--kubeconfig={self.kubeconfig}", *self._serving(port),
            "--leader-elect=false", f"--controllers={','.join(CONTROLLERS)}",
            f"--root-ca-file={self._authority.own.certificate}",
            f"--service-account-private-key-file={self._token_keys.key}",
            f"--node-monitor-grace-period={self.timing.node_grace}s",
            f"--node-monitor-period={self.timing.node_period}s", f"--node-startup-grace-period={START_SECONDS}s",
            # By default the second of two nodes that are lost together is given up ten seconds later.
            "--node-eviction-rate=10", "--kube-api-qps=500", "--kube-api-burst=1000",
        ]  # fmt: skip

    def _scheduler_command(self, port: int) -> Sequence[str]:
        return [
            str(self.tools["kube-scheduler"]), f"--kubeconfig={self.folder}/scheduler", *self._serving(port),
            "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
        ]  # fmt: skip

    def _serving(self, port: int) -> Sequence[str]:
        return [
            "--bind-address=127.0.0.1", f"--secure-port={port}", "--profiling=false",
            f"--tls-cert-file={self._server.certificate}", f"--tls-private-key-file={self._server.key}",
        ]  # fmt: skip
