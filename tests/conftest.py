"""The hostile harness: warnings fail (pyproject), leftover tasks fail, blocking calls in our event loops fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

OURS = ["migaga", "migaga_emulator", "migaga_modules"]


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[BlockBuster]:
    """Fail a test in which our own code blocks a running event loop."""
    with blockbuster_ctx(OURS) as blockbuster:
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
