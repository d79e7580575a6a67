"""All metrics of the operator's process. `/metrics` of `health.py` shows them."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class OperatorMetrics:
    """Counts what the operator does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._looks = Counter(
            "migaga_operator_reconciles",
            "Reconciles of bots. result: ok, gone, stale, refused, away, fault.",
            ["result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "migaga_operator_reconcile_seconds",
            "How long a reconcile of one bot took.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._requests = Counter(
            "migaga_operator_api_requests",
            "Requests to the API server without watches. code: HTTP status; 0: no answer.",
            ["verb", "code"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "migaga_operator_api_request_seconds",
            "How long a request to the API server took.",
            ["verb"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def looked(self, result: str, seconds: float) -> None:
        """A reconcile has ended."""
        self._looks.labels(result).inc()
        self._seconds.observe(seconds)

    def requested(self, verb: str, status: int, seconds: float) -> None:
        """A request to the API server has ended. Called from any thread."""
        self._requests.labels(verb, str(status)).inc()
        self._request_seconds.labels(verb).observe(seconds)

    def show(self, name: str, doc: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for when somebody looks."""
        Gauge(f"migaga_operator_{name}", doc, registry=self.registry).set_function(value)

    def exposition(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)
