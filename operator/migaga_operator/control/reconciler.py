"""Looks at each bot when it is woken and when its time has come: a bot once at a time, several bots side by side.

Watches wake it, `look.py` looks. What happens to one bot, a fault of ours included, does not disturb the others.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from migaga.common.clock import Clock
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.control.leadership import LostLeaseError
from migaga_operator.control.metrics import OperatorMetrics
from migaga_operator.control.schedule import Schedule
from migaga_operator.control.seen import BotKey

_LOG = logging.getLogger(__name__)
AT_ONCE = 32
"""Bots that are looked at side by side: most of a look is waiting for pods."""

Look = Callable[[BotKey], Awaitable[float | None]]


class Reconciler:
    """The loop of the operator."""

    def __init__(self, look: Look, clock: Clock, metrics: OperatorMetrics, at_once: int = AT_ONCE) -> None:
        self._look = look
        self._clock = clock
        self._metrics = metrics
        self._schedule: Schedule[BotKey] = Schedule(random.random)
        self._at_once = at_once
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._running = 0

    def wake(self, bot: BotKey) -> None:
        """Look at a bot soon. Several wakes are one look."""
        self._schedule.wake(bot, self._clock.now())
        self._woken.set()

    @property
    def due(self) -> int:
        """Bots whose look is due by now."""
        return self._schedule.due(self._clock.now())

    @property
    def running(self) -> int:
        """Bots that are looked at now."""
        return self._running

    def stop(self) -> None:
        """Begin no look any more; `run` returns when those under way have ended."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Look at bots until `stop`, or until cancelled. Raises LostLeaseError when this process must not act."""
        async with asyncio.TaskGroup() as group:
            while not self._is_stopping:
                bot = self._schedule.take(self._clock.now()) if self._running < self._at_once else None
                if bot is None:
                    await self._wait()
                else:
                    self._running += 1
                    group.create_task(self._one(bot), name=f"look at {bot}")

    async def _wait(self) -> None:
        """Wait for a wake, for the end of a look, or for the next that is due."""
        at = self._schedule.next_at() if self._running < self._at_once else None
        self._woken.clear()
        waiter = asyncio.ensure_future(self._woken.wait())
        timer = asyncio.ensure_future(self._clock.sleep(3600.0 if at is None else at - self._clock.now()))
        try:
            await asyncio.wait({waiter, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
            timer.cancel()
            await asyncio.gather(waiter, timer, return_exceptions=True)

    async def _one(self, bot: BotKey) -> None:
        begun, result = self._clock.now(), "ok"
        try:
            again_in = await self._look(bot)
            self._schedule.done(bot, self._clock.now(), again_in)
            result = "gone" if again_in is None else "ok"
        except StaleError as error:
            result = "stale"
            self._failed(bot, error)
        except RefusedError as error:
            result = "refused"
            self._failed(bot, error)
        except AwayError as error:
            result = "away"
            self._failed(bot, error, error.retry_after or 0.0)
        except (LostLeaseError, asyncio.CancelledError):
            result = "stopped"
            raise
        except Exception as error:  # one bot must not end the others, whatever is wrong
            result = "fault"
            _LOG.exception("the look at bot %s has failed; this is a fault of migaga, please report it", bot)
            self._failed(bot, error)
        finally:
            self._running -= 1
            self._woken.set()
            self._metrics.looked(result, self._clock.now() - begun)

    def _failed(self, bot: BotKey, error: Exception, not_before: float = 0.0) -> None:
        pause = self._schedule.failed(bot, self._clock.now(), not_before)
        level = logging.INFO if isinstance(error, StaleError) else logging.WARNING
        _LOG.log(level, "bot %s: tried again in %.1f s: %s", bot, pause, error)
