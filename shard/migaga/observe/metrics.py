"""All metrics of a shard process, in one place.

The composition root makes one `Metrics` and hands it to the gateway (its `Observer`), the framework (its `Metrics`)
and the REST client (`rest_trace`). `docs/metrics.md` is made from the catalogue: `python -m migaga.observe.metrics`.
No label ever holds an id of a guild, a channel or a person: there are too many, and they are nobody's business.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_STATES = (
    *("starting", "waiting to identify", "connecting", "resuming", "live"),
    *("reconnecting", "stopping", "stopped", "failed"),
)
_LONGEST_NAME = 48
_MOST_CHILDREN = 1_000

CATALOGUE = {
    "events_received_total": "Dispatches received from the gateway, by Discord's event name.",
    "events_routed_total": "Dispatches that at least one handler took, by event name.",
    "events_repeated_total": "Dispatches that came again although they were received before, and were left out.",
    "events_paused_total": "Dispatches that were not handled because the bot is paused, by event name.",
    "events_in_flight": "Events being handled now, by shard.",
    "watermark_lag_events": "Events received after the watermark (what a crash now would repeat), by shard.",
    "handler_runs_total": "Runs of handlers by module, handler and outcome.",
    "handler_seconds": "Duration of handlers by module and handler.",
    "commands_total": "Uses of commands by module, command and outcome.",
    "command_seconds": "Time from a command's start to its end, by module.",
    "shards": "Shards of this process by state.",
    "shard_latency_seconds": "Time from the last heartbeat to its acknowledgement, by shard.",
    "identifies_total": "IDENTIFYs sent: each is one of the day's budget.",
    "resumes_total": "RESUMEs sent.",
    "connections_ended_total": "Ends of gateway connections by reason.",
    "session_stores_total": "Flushes of sessions to the database by outcome.",
    "shards_claimed_total": "Shards claimed that nobody owned, or a dead process.",
    "shards_passed_total": "Shards passed on to another process that wanted them.",
    "silence_probes_total": "Questions to shards that had heard nothing for long.",
    "silent_reconnects_total": "Shards resumed because they heard `nothing`, or not a `kind` of event.",
    "events_quarantined_total": "Events that ended several processes, or could not be run, and are kept, by name.",
    "rest_requests_total": "Calls of Discord's REST API by method and status (`error` when no answer came).",
    "rest_seconds": "Duration of REST calls by method.",
    "rest_rate_limited_total": "Answers 429 of the REST API by scope (`user`, `global`, `shared`).",
    "database_errors_total": "Failed uses of the database: `connection` (lost, or none to be had) or `statement`.",
    "process_ready": "1 while /readyz answers 200.",
}
"""Name without the prefix `migaga_` -> what it means."""

_LABELS: dict[str, tuple[str, ...]] = {
    "events_received_total": ("event",),
    "events_routed_total": ("event",),
    "events_paused_total": ("event",),
    "events_in_flight": ("shard",),
    "watermark_lag_events": ("shard",),
    "handler_runs_total": ("module", "handler", "outcome"),
    "handler_seconds": ("module", "handler"),
    "commands_total": ("module", "command", "outcome"),
    "command_seconds": ("module",),
    "shards": ("state",),
    "shard_latency_seconds": ("shard",),
    "connections_ended_total": ("reason",),
    "session_stores_total": ("outcome",),
    "silent_reconnects_total": ("cause",),
    "events_quarantined_total": ("event",),
    "rest_requests_total": ("method", "status"),
    "rest_seconds": ("method",),
    "rest_rate_limited_total": ("scope",),
    "database_errors_total": ("operation",),
}


class _Children(dict[str, Counter]):
    """The children of a counter by what is counted: prometheus-client takes longer to find one than to count."""

    def __init__(self, metric: Counter, label: Callable[[str], str]) -> None:
        super().__init__()
        self._metric = metric
        self._label = label

    def __missing__(self, name: str) -> Counter:
        child: Counter = self._metric.labels(self._label(name))
        if len(self) < _MOST_CHILDREN:
            self[name] = child
        return child


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        # They double the number of series, and nobody reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._events_received = self._counter("events_received_total")
        self._events_routed = self._counter("events_routed_total")
        self._events_repeated = self._counter("events_repeated_total")
        self._events_paused = self._counter("events_paused_total")
        self._in_flight = self._gauge("events_in_flight")
        self._lag = self._gauge("watermark_lag_events")
        self._handler_runs = self._counter("handler_runs_total")
        self._handler_seconds = self._histogram("handler_seconds")
        self._commands = self._counter("commands_total")
        self._command_seconds = self._histogram("command_seconds")
        self._shards = self._gauge("shards")
        self._latency = self._gauge("shard_latency_seconds")
        self._identifies = self._counter("identifies_total")
        self._resumes = self._counter("resumes_total")
        self._ended = self._counter("connections_ended_total")
        self._stores = self._counter("session_stores_total")
        self._claimed = self._counter("shards_claimed_total")
        self._passed = self._counter("shards_passed_total")
        self._probes = self._counter("silence_probes_total")
        self._silent = self._counter("silent_reconnects_total")
        self._quarantined = self._counter("events_quarantined_total")
        self._rest = self._counter("rest_requests_total")
        self._rest_seconds = self._histogram("rest_seconds")
        self._rate_limited = self._counter("rest_rate_limited_total")
        self._database_errors = self._counter("database_errors_total")
        self._ready = self._gauge("process_ready")
        self._received_by_name = _Children(self._events_received, _event)
        self._routed_by_name = _Children(self._events_routed, _event)
        self._paused_by_name = _Children(self._events_paused, _event)
        self._states: dict[int, str] = {}
        for state in _STATES:
            self._shards.labels(state).set(0)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)

    # ---- the gateway's Observer

    def event_received(self, name: str) -> None:
        """Count a dispatch."""
        self._received_by_name[name].inc()

    def event_routed(self, name: str) -> None:
        """Count a dispatch that is wanted."""
        self._routed_by_name[name].inc()

    def event_repeated(self) -> None:
        """Count a dispatch that came again."""
        self._events_repeated.inc()

    def intake(self, shard_id: int, *, in_flight: Callable[[], int], lag: Callable[[], int]) -> None:
        """Ask a shard's intake whenever metrics are read."""
        self._in_flight.labels(shard_id).set_function(in_flight)
        self._lag.labels(shard_id).set_function(lag)

    def shard_state(self, shard_id: int, state: str) -> None:
        """Count a shard under its new state only."""
        before = self._states.get(shard_id)
        if before is not None:
            self._shards.labels(before).dec()
        self._states[shard_id] = state
        self._shards.labels(state).inc()

    def shard_latency(self, shard_id: int, seconds: float) -> None:
        """Set a shard's latency."""
        self._latency.labels(shard_id).set(seconds)

    def identify_sent(self) -> None:
        """Count an IDENTIFY."""
        self._identifies.inc()

    def resume_sent(self) -> None:
        """Count a RESUME."""
        self._resumes.inc()

    def reconnected(self, reason: str) -> None:
        """Count the end of a connection."""
        self._ended.labels(reason).inc()

    def sessions_stored(self, *, ok: bool) -> None:
        """Count a flush of sessions."""
        self._stores.labels("ok" if ok else "error").inc()

    def shard_gone(self, shard_id: int) -> None:
        """Forget a shard."""
        before = self._states.pop(shard_id, None)
        if before is not None:
            self._shards.labels(before).dec()
        for gauge in (self._in_flight, self._lag, self._latency):
            with suppress(KeyError):
                gauge.remove(shard_id)

    def shard_claimed(self) -> None:
        """Count a claim."""
        self._claimed.inc()

    def shard_passed(self) -> None:
        """Count a shard that was passed on."""
        self._passed.inc()

    def probe_sent(self) -> None:
        """Count a question to a shard that was silent."""
        self._probes.inc()

    def silent_reconnect(self, cause: str) -> None:
        """Count a shard that was reconnected because it heard nothing, or not a kind of event."""
        self._silent.labels(cause).inc()

    def event_quarantined(self, name: str) -> None:
        """Count an event that is never handled."""
        self._quarantined.labels(_event(name)).inc()

    # ---- the framework's Metrics

    def command(self, module: str, command: str, outcome: str, seconds: float) -> None:
        """Count one use of a command, and how long it took."""
        self._commands.labels(module, command, outcome).inc()
        self._command_seconds.labels(module).observe(seconds)

    def handler(self, module: str, handler: str, outcome: str, seconds: float) -> None:
        """Count one run of a listener, component, menu, autocomplete or task."""
        self._handler_runs.labels(module, handler, outcome).inc()
        self._handler_seconds.labels(module, handler).observe(seconds)

    def event_paused(self, name: str) -> None:
        """Count an event that is not handled."""
        self._paused_by_name[name].inc()

    # ---- the rest of the process

    def database_error(self, operation: str) -> None:
        """Count a failed use of the database."""
        self._database_errors.labels(operation).inc()

    def ready(self, *, is_ready: bool) -> None:
        """Set whether the process is ready."""
        self._ready.set(1 if is_ready else 0)

    def rest_trace(self) -> aiohttp.TraceConfig:
        """Make what an aiohttp session calls for each of its requests."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(_rest_started)
        trace.on_request_end.append(self._rest_ended)
        trace.on_request_exception.append(self._rest_failed)
        return trace

    async def _rest_ended(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, call: aiohttp.TraceRequestEndParams
    ) -> None:
        self._note_rest(call.method, str(call.response.status), context)
        if call.response.status == 429:
            self._rate_limited.labels(call.response.headers.get("X-RateLimit-Scope", "unknown")).inc()

    async def _rest_failed(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, call: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self._note_rest(call.method, "error", context)

    def _note_rest(self, method: str, status: str, context: SimpleNamespace) -> None:
        self._rest.labels(method, status).inc()
        self._rest_seconds.labels(method).observe(time.monotonic() - float(context.started))

    # ---- making them

    def _counter(self, name: str) -> Counter:
        return Counter(f"migaga_{name}", CATALOGUE[name], _LABELS.get(name, ()), registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        return Gauge(f"migaga_{name}", CATALOGUE[name], _LABELS.get(name, ()), registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        labels = _LABELS.get(name, ())
        return Histogram(f"migaga_{name}", CATALOGUE[name], labels, buckets=_SHORT, registry=self.registry)


async def _rest_started(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams
) -> None:
    context.started = time.monotonic()


def _event(name: str) -> str:
    """Keep names that Discord may send; anything else would make a label of its own."""
    plain = name.replace("_", "")
    return name if plain.isascii() and plain.isupper() and len(name) <= _LONGEST_NAME else "OTHER"


def metrics_page() -> str:
    """Return the reference page of all metrics, in Markdown."""
    rows = "\n".join(
        f"| `migaga_{name}` | {', '.join(f'`{label}`' for label in _LABELS.get(name, ()))} | {text} |"
        for name, text in CATALOGUE.items()
    )
    return f"""# Metrics

<!-- Made by `python -m migaga.observe.metrics`. Change shard/migaga/observe/metrics.py instead. -->

Served at `/metrics` in Prometheus's text format, on `Host` and `Port` of section `[Http]`. Durations of handlers,
commands and REST calls are histograms. No label holds an id of a guild, a channel or a person.

| metric | labels | meaning |
|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
