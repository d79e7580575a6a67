"""Probes: how they are read, and what their outcomes come to. What asks is `asking.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path

_LONGEST = 86_400
Port = int | str
"""A number, or the name of a port of the container."""


@dataclass(frozen=True, slots=True)
class HttpGet:
    """Fine is a status from 200 to 399."""

    port: Port
    path: str = "/"
    scheme: str = "http"
    host: str = ""
    """Empty: the pod's own address."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """Fine is a connection."""

    port: Port
    host: str = ""


@dataclass(frozen=True, slots=True)
class Exec:
    """Fine is exit code 0."""

    command: tuple[str, ...]


Action = HttpGet | TcpSocket | Exec


@dataclass(frozen=True, slots=True)
class Probe:
    """How a container is asked, and how often it must answer well or badly until that counts. Times in seconds."""

    action: Action
    initial_delay: int = 0
    period: int = 10
    timeout: int = 1
    successes: int = 1
    failures: int = 3
    grace: int | None = None
    """After a failed probe: from SIGTERM to SIGKILL. None: as the pod says."""


class Tally:
    """What a probe's outcomes come to: a verdict that changes only after enough of them in a row.

    Knows no clock: times are given. Source: kubernetes/pkg/kubelet/prober/worker.go.
    """

    def __init__(self, probe: Probe, *, verdict: bool) -> None:
        self._probe = probe
        self._run = 0
        self._last: bool | None = None
        self._asked: float | None = None
        self.verdict = verdict
        """What holds: fine or not. Before the first outcome it is what was given."""
        self.decided = False
        """Whether outcomes have ever been enough for a verdict."""

    def take(self, outcome: bool) -> bool:
        """Take the outcome of one question; returns whether the verdict changed, or was reached for the first time."""
        self._run = self._run + 1 if outcome is self._last else 1
        self._last = outcome
        if self._run < (self._probe.successes if outcome else self._probe.failures):
            return False
        changed = self.verdict is not outcome or not self.decided
        self.verdict, self.decided = outcome, True
        return changed

    def asked(self, at: float) -> None:
        """Note when the container was asked, by any clock that only goes forward."""
        self._asked = at

    def due(self, began: float) -> float:
        """Return when to ask next, for a container whose process began at `began`."""
        first = began + self._probe.initial_delay
        return first if self._asked is None else max(first, self._asked + self._probe.period)


def read_probe(value: object) -> Probe | None:
    """Read a probe; None when there is none that could be asked."""
    given = as_mapping(value)
    action = read_action(given)
    if action is None:
        return None
    grace = as_whole(given.get("terminationGracePeriodSeconds"))
    return Probe(
        action,
        initial_delay=_seconds(given, "initialDelaySeconds", default=0, least=0),
        period=_seconds(given, "periodSeconds", default=10),
        timeout=_seconds(given, "timeoutSeconds", default=1),
        successes=_seconds(given, "successThreshold", default=1),
        failures=_seconds(given, "failureThreshold", default=3),
        grace=None if grace is None else min(max(1, grace), _LONGEST),
    )


def read_action(value: object) -> Action | None:
    """Read what a probe or a hook does. A `grpc` probe only looks whether the port takes connections."""
    given = as_mapping(value)
    command = tuple(item for item in as_list(at_path(given, "exec", "command")) if isinstance(item, str))
    if command:
        return Exec(command)
    http = as_mapping(given.get("httpGet"))
    port = read_port(http.get("port"))
    if port is not None:
        path = as_text(http.get("path")) or "/"
        return HttpGet(
            port,
            path if path.startswith("/") else f"/{path}",
            "https" if as_text(http.get("scheme")).upper() == "HTTPS" else "http",
            as_text(http.get("host")),
            tuple(_headers(http)),
        )
    for kind in ("tcpSocket", "grpc"):
        port = read_port(at_path(given, kind, "port"))
        if port is not None:
            return TcpSocket(port, as_text(at_path(given, kind, "host")))
    return None


def read_port(value: object) -> Port | None:
    """Read a port: a number from 1 to 65535, or a name."""
    if isinstance(value, str):
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None
        return (number if 0 < number < 65_536 else None) if number is not None else value or None
    given = as_whole(value)
    return given if given is not None and 0 < given < 65_536 else None


def port_number(port: Port, names: Mapping[str, int]) -> int | None:
    """Return the number of a port, or None when the container has none of that name."""
    return port if isinstance(port, int) else names.get(port)


def _headers(http: Mapping[str, object]) -> list[tuple[str, str]]:
    given = [
        (as_text(at_path(item, "name")), as_text(at_path(item, "value"))) for item in as_list(http.get("httpHeaders"))
    ]
    return [(name, text) for name, text in given if name and not set("\r\n\0") & set(name + text)]


def _seconds(given: Mapping[str, object], name: str, *, default: int, least: int = 1) -> int:
    found = as_whole(given.get(name))
    # As in the API: 0 means that nothing was said.
    return default if found is None or found == 0 else min(max(least, found), _LONGEST)
