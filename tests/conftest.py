"""The hostile harness: warnings fail (pyproject), leftover tasks fail, blocking calls in our event loops fail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

OURS = ["migaga", "migaga_emulator", "migaga_modules", "migaga_operator"]


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[BlockBuster]:
    """Fail a test in which our own code blocks a running event loop."""
    with blockbuster_ctx(OURS) as blockbuster:
        for name, function in blockbuster.functions.items():
            if name.startswith("sqlite3."):
                # Writing SQLite in the event loop is what this module is for; it says why.
                function.can_block_in("storage/sqlite_inline.py", {"_execute", "_try_to_begin", "stop"})
        yield blockbuster


@pytest.fixture(autouse=True)
async def _no_leftover_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind."""
    before = asyncio.all_tasks()
    yield
    started = asyncio.all_tasks() - before - {asyncio.current_task()}
    leftover = [task for task in started if not task.done()]
    names = sorted(task.get_name() for task in leftover)
    for task in leftover:
        task.cancel()
    await asyncio.gather(*leftover, return_exceptions=True)
    assert not names, f"tasks left behind: {names}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything can be installed, a part that was not run is a part that was not tested."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not be skipped in CI: {reason}"
    return report
