"""What `migaga operator` is told: its arguments and the environment that the chart gives it."""

from __future__ import annotations

import os
import re
import socket
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from migaga.common.errors import UsageError
from migaga.common.sections import HttpSettings, LogSettings
from migaga.common.settings import load_settings

DEFAULT_LEASE = "migaga-operator"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Options:
    """How this operator runs."""

    namespaces: tuple[str, ...]
    """Those that are watched; one empty name: all."""
    lease: str
    """The name of the Lease."""
    lease_namespace: str | None
    """None: the namespace that this process belongs to."""
    identity: str
    """The name of this process in the Lease; no other has it."""
    kubeconfig: Path | None
    context: str | None
    http: HttpSettings
    log: LogSettings


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--all-namespaces", action="store_true", help="serve the bots of all namespaces")
    scope.add_argument(
        "--namespace", action="append", default=[], metavar="NAME", help="serve the bots of this namespace; repeatable"
    )
    parser.add_argument(
        "--lease", default=DEFAULT_LEASE, metavar="NAME", help=f"the Lease by which one acts (default: {DEFAULT_LEASE})"
    )
    parser.add_argument(
        "--lease-namespace", metavar="NAME", help="where that Lease is (default: POD_NAMESPACE, or that of the context)"
    )
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the API server outside of it")
    parser.add_argument("--context", metavar="NAME", help="the context of the kubeconfig")


def read_options(arguments: Namespace, environ: Mapping[str, str] = os.environ) -> Options:
    """Read arguments and environment. Raises UsageError and ConfigError."""
    if not arguments.all_namespaces and not arguments.namespace:
        raise UsageError("migaga operator: say which bots it serves: --all-namespaces, or --namespace NAME.")
    for name in (*arguments.namespace, arguments.lease, *filter(None, [arguments.lease_namespace])):
        if not _NAME.fullmatch(name):
            raise UsageError(f"migaga operator: {name!r} is no name that Kubernetes takes. Write one such as bots-1.")
    settings = load_settings(None, environ)
    return Options(
        namespaces=tuple(dict.fromkeys(arguments.namespace)) or ("",),
        lease=arguments.lease,
        lease_namespace=arguments.lease_namespace or environ.get("POD_NAMESPACE") or None,
        identity=f"{environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4().hex[:12]}",
        kubeconfig=arguments.kubeconfig,
        context=arguments.context,
        http=settings.http,
        log=settings.log,
    )
