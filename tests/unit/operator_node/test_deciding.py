"""Thresholds of probes, pauses, and the status that comes of what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_operator.json_types import as_list, as_mapping, at_path
from migaga_operator.node.pauses import BackOff, Times
from migaga_operator.node.probes import Exec, Probe, Tally
from migaga_operator.node.records import Ended, Record, Running, Waiting
from migaga_operator.node.status import Known, build_status, phase_of

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
PROBE = Probe(Exec(("true",)))


@pytest.mark.parametrize(
    ("successes", "failures", "outcomes", "verdicts"),
    [
        (1, 1, "+-+", "+-+"),
        (1, 3, "+--+---", "++++++-"),
        (2, 1, "+-++", "---+"),
        (3, 2, "+++-+--", "--++++-"),
        (1, 2, "--", "--"),
    ],
)
def test_a_verdict_changes_after_enough_outcomes_in_a_row(
    successes: int, failures: int, outcomes: str, verdicts: str
) -> None:
    tally = Tally(replace(PROBE, successes=successes, failures=failures), verdict=False)
    found = ""
    for outcome in outcomes:
        tally.take(outcome == "+")
        found += "+" if tally.verdict else "-"
    assert found == verdicts


@given(st.lists(st.booleans()), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_a_verdict_follows_from_the_last_run_that_was_long_enough(
    outcomes: list[bool], successes: int, failures: int, begun: bool
) -> None:
    tally = Tally(replace(PROBE, successes=successes, failures=failures), verdict=begun)
    wanted = begun
    for end in range(1, len(outcomes) + 1):
        before = tally.verdict, tally.decided
        changed = tally.take(outcomes[end - 1])
        needed = successes if outcomes[end - 1] else failures
        run = outcomes[max(0, end - needed) : end]
        if len(run) == needed and len(set(run)) == 1:
            wanted = outcomes[end - 1]
        assert tally.verdict is wanted
        assert changed is ((tally.verdict, tally.decided) != before)


@pytest.mark.parametrize(
    ("delay", "period", "asked", "due"),
    [(0, 10, None, 100), (5, 10, None, 105), (5, 10, 101.0, 111), (30, 10, 101.0, 130)],
)
def test_when_a_probe_is_due(delay: int, period: int, asked: float | None, due: float) -> None:
    tally = Tally(replace(PROBE, initial_delay=delay, period=period), verdict=True)
    if asked is not None:
        tally.asked(asked)
    assert tally.due(100.0) == due


def test_pauses_double_up_to_a_bound_and_begin_anew_after_a_calm_time() -> None:
    back_off = BackOff(Times())
    pauses, at = [], 0.0
    for _ in range(8):
        pauses.append(back_off.pause(at))
        at += pauses[-1] + 1
    assert pauses == [0, 10, 20, 40, 80, 160, 300, 300]
    assert back_off.pause(at + 600) == 0
    assert back_off.pause(at + 601) == 10


def test_pauses_may_begin_with_the_first_failure() -> None:
    back_off = BackOff(Times(), first_is_free=False)
    assert [back_off.pause(0), back_off.pause(11)] == [10, 20]


@given(st.lists(st.integers(0, 2_000), max_size=30))
def test_no_pause_is_longer_than_the_longest_and_a_soon_failure_never_shortens_it(gaps: list[int]) -> None:
    back_off, at, before = BackOff(Times()), 0.0, 0.0
    for gap in gaps:
        at += gap
        pause = back_off.pause(at)
        assert 0 <= pause <= 300
        assert gap > 600 or pause >= before
        before, at = pause, at + pause


def ended(code: int) -> Ended:
    return Ended(code, "Completed" if code == 0 else "Error", NOW, NOW)


def record(state: Waiting | Running | Ended, **further: object) -> Record:
    return replace(Record("main", "x", state), **further)  # type: ignore[arg-type]


WAITS, RUNS = Waiting("ContainerCreating"), Running(NOW)


@pytest.mark.parametrize(
    ("known", "phase"),
    [
        (Known((record(WAITS),)), "Pending"),
        (Known((record(RUNS),)), "Running"),
        (Known((record(RUNS), record(WAITS))), "Running"),
        (Known((record(Waiting("CrashLoopBackOff"), last=ended(1)),)), "Running"),
        (Known((record(ended(0)),)), "Running"),
        (Known((record(ended(0)),), is_final=True), "Succeeded"),
        (Known((record(ended(0)), record(ended(1))), is_final=True), "Failed"),
        (Known((record(WAITS),), is_final=True), "Failed"),
        (Known((record(WAITS),), inits=(record(RUNS),)), "Pending"),
        (Known((record(RUNS),), inits=(record(ended(0)),)), "Running"),
        (Known((record(RUNS),), inits=(record(RUNS, is_sidecar=True, is_started=True),)), "Running"),
        (Known((record(RUNS),), fault=("NodeFault", "x")), "Failed"),
    ],
)
def test_phases(known: Known, phase: str) -> None:
    assert phase_of(known) == phase


def conditions(status: object) -> dict[str, tuple[str, str]]:
    found = map(as_mapping, as_list(at_path(status, "conditions")))
    return {str(item["type"]): (str(item["status"]), str(item["lastTransitionTime"])) for item in found}


def test_conditions_keep_their_times_until_they_change_and_those_of_others_stay() -> None:
    target = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    known = Known((record(RUNS, is_started=True),))
    first = build_status(known, {"conditions": [target, "nonsense"]}, NOW)
    later = build_status(replace(known, containers=(record(RUNS, is_ready=True),)), first, NOW + timedelta(minutes=1))
    assert conditions(first)["Ready"] == ("False", "2026-05-01T12:00:00Z")
    assert conditions(later) == {
        "DisruptionTarget": ("True", "2026-01-01T00:00:00Z"),
        "PodScheduled": ("True", "2026-05-01T12:00:00Z"),
        "Initialized": ("True", "2026-05-01T12:00:00Z"),
        "ContainersReady": ("True", "2026-05-01T12:01:00Z"),
        "Ready": ("True", "2026-05-01T12:01:00Z"),
    }


def test_an_unready_container_is_named() -> None:
    status = build_status(Known((record(RUNS),)), {}, NOW)
    (ready,) = (item for item in as_list(status["conditions"]) if at_path(item, "type") == "Ready")
    assert at_path(ready, "message") == "containers with unready status: [main]"


def test_a_status_says_everything_that_a_kubelet_says() -> None:
    crashed = Ended(137, "Error", NOW, NOW, 9, "out of patience", "process://1")
    known = Known(
        (record(Waiting("CrashLoopBackOff", "back-off 10s"), last=crashed, restarts=2, container_id="process://2"),),
        (),
        "127.9.0.2",
        "127.9.0.1",
        NOW,
    )
    status = build_status(known, {}, NOW)
    assert {key: status[key] for key in ("phase", "podIP", "podIPs", "hostIP", "startTime")} == {
        "phase": "Running",
        "podIP": "127.9.0.2",
        "podIPs": [{"ip": "127.9.0.2"}],
        "hostIP": "127.9.0.1",
        "startTime": "2026-05-01T12:00:00Z",
    }
    assert status["containerStatuses"] == [
        {
            "name": "main",
            "image": "x",
            "imageID": "",
            "restartCount": 2,
            "ready": False,
            "started": False,
            "containerID": "process://2",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {
                "terminated": {
                    "exitCode": 137,
                    "signal": 9,
                    "reason": "Error",
                    "message": "out of patience",
                    "startedAt": "2026-05-01T12:00:00Z",
                    "finishedAt": "2026-05-01T12:00:00Z",
                    "containerID": "process://1",
                }
            },
        }
    ]
