"""Tasks end, also those that swallow a cancellation; those that swallow all of them are left behind and named."""

from __future__ import annotations

import asyncio

import pytest

from migaga.common.ending import end_tasks


class Stubborn:
    """Work that goes on after so many cancellations."""

    def __init__(self, swallows: int) -> None:
        self.left = swallows
        self.began = asyncio.Event()

    async def run(self) -> None:
        self.began.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.left -= 1
                if self.left < 0:
                    raise


async def begun(work: Stubborn) -> asyncio.Task[None]:
    task = asyncio.create_task(work.run(), name="stubborn work")
    await work.began.wait()
    return task


async def test_a_task_that_swallows_cancellations_is_cancelled_until_it_ends() -> None:
    tasks = [await begun(Stubborn(swallows)) for swallows in (0, 1, 3)]
    await end_tasks(*tasks, again=0.01)
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_never_ends_is_named_and_left(caplog: pytest.LogCaptureFixture) -> None:
    for_ever = Stubborn(1_000)
    good, bad = await begun(Stubborn(1)), await begun(for_ever)
    await end_tasks(good, bad, again=0.01, within=0.05)
    assert (good.cancelled(), bad.done()) == (True, False)
    assert [record.getMessage() for record in caplog.records] == [
        "stubborn work was cancelled and does not end: it is left behind"
    ]
    for_ever.left = 0
    await end_tasks(bad)


async def test_who_ends_tasks_ends_only_after_them() -> None:
    task = await begun(Stubborn(2))
    ending = asyncio.create_task(end_tasks(task, again=0.01))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.cancelled()


async def test_what_tasks_raise_is_nobodys_concern(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("no")

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    await end_tasks(task)
    del task
    assert caplog.records == []
