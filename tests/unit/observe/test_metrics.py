"""The metrics: a catalogue, a page, and what ends up in the exposition."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from migaga.framework.scope import Metrics as FrameworkMetrics
from migaga.gateway.observer import Observer
from migaga.gateway.shard import ShardState
from migaga.observe.metrics import CATALOGUE, Metrics, metrics_page

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


def exposed(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in families
        for sample in family.samples
    }


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == metrics_page(), "run: python -m migaga.observe.metrics > docs/metrics.md"


def test_every_metric_of_the_catalogue_is_exposed_and_no_other() -> None:
    names = {family.name for family in text_string_to_metric_families(Metrics().exposition().decode())}
    assert names == {f"migaga_{name.removesuffix('_total')}" for name in CATALOGUE}


def test_it_is_what_the_gateway_and_the_framework_tell() -> None:
    metrics = Metrics()
    observer: Observer = metrics
    framework: FrameworkMetrics = metrics
    observer.resume_sent()
    framework.handler("people", "info", "ok", 0.1)
    assert exposed(metrics)["migaga_resumes_total[]"] == 1


def test_a_shard_is_counted_under_one_state_at_a_time() -> None:
    metrics = Metrics()
    for state in ShardState:
        metrics.shard_state(0, state.value)
        values = exposed(metrics)
        assert values[f"migaga_shards[('state', '{state.value}')]"] == 1
        assert sum(value for name, value in values.items() if name.startswith("migaga_shards[")) == 1


def test_what_is_counted_shows() -> None:
    metrics = Metrics()
    metrics.event_received("MESSAGE_CREATE")
    metrics.event_received("x" * 1_000)
    metrics.command("points", "give", "ok", 0.2)
    metrics.handler("points", "sweep", "error", 0.1)
    metrics.database_error("statement")
    values = exposed(metrics)
    assert values["migaga_events_received_total[('event', 'MESSAGE_CREATE')]"] == 1
    assert values["migaga_events_received_total[('event', 'OTHER')]"] == 1
    assert values["migaga_commands_total[('command', 'give'), ('module', 'points'), ('outcome', 'ok')]"] == 1
    assert values["migaga_database_errors_total[('operation', 'statement')]"] == 1


def test_two_processes_in_one_interpreter_do_not_share_a_registry() -> None:
    one, two = Metrics(), Metrics()
    one.identify_sent()
    assert exposed(one)["migaga_identifies_total[]"] == 1
    assert exposed(two)["migaga_identifies_total[]"] == 0
