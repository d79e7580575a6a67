"""The audit log is read as it grows, also over the change of files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.audit_log import AuditLog


def line(name: str, second: int, stage: str = "ResponseComplete") -> str:
    event = {
        "auditID": f"id of {name}",
        "stage": stage,
        "user": {"username": "somebody"},
        "verb": "patch",
        "objectRef": {"resource": "pods", "subresource": "status", "name": name},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": f"2026-03-01T12:00:{second:02}.250000Z",
        "stageTimestamp": f"2026-03-01T12:00:{second:02}.750000Z",
    }
    return json.dumps(event) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log will be."""
    return tmp_path / "audit.json"


@pytest.fixture
def log(path: Path) -> Iterator[AuditLog]:
    """Return its reader."""
    with AuditLog(path) as found:
        yield found


def names(log: AuditLog) -> list[str]:
    log.read()
    return [request.name for request in log.requests]


def test_what_is_half_written_is_read_when_it_is_whole(path: Path, log: AuditLog) -> None:
    assert names(log) == []
    text = line("a", 1) + line("b", 2)
    path.write_text(text[:-20])
    assert names(log) == ["a"]
    with path.open("a") as file:
        file.write(text[-20:])
    assert names(log) == ["a", "b"]


def test_nothing_is_lost_where_the_server_begins_a_new_file(path: Path, log: AuditLog) -> None:
    path.write_text(line("a", 1))
    assert names(log) == ["a"]
    with path.open("a") as file:
        file.write(line("b", 2))
    path.rename(path.with_name("audit-old.json"))
    path.write_text(line("c", 3))
    assert names(log) == ["a", "b", "c"]


def test_watches_count_when_they_end(path: Path, log: AuditLog) -> None:
    path.write_text(line("a", 1, "ResponseStarted") + line("b", 2))
    assert names(log) == ["b"]


async def test_a_request_that_comes_is_waited_for(path: Path, log: AuditLog) -> None:
    path.write_text(line("a", 1) + line("b", 2))
    found = await log.until(lambda one: one.name == "b", 0, 5.0)
    assert (found.id, found.resource, found.answered - found.received) == ("id of b", "pods/status", 0.5)
    assert found.is_write
    with pytest.raises(TimeoutError):
        await log.until(lambda one: one.name == "b", 2, 0.1)


def test_times_choose(path: Path, log: AuditLog) -> None:
    path.write_text(line("a", 1) + line("b", 2) + line("c", 3))
    log.read()
    begin, end = log.requests[1].received, log.requests[2].received
    assert [request.name for request in log.between(begin, end)] == ["b"]
