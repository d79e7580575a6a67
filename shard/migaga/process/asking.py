"""Ask Discord now and then how many shards it recommends, and how many IDENTIFYs are left. `joining.py` runs it.

Both change without this process: guilds come, a day of the budget ends. The operator decides by what `/status` shows.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable

from migaga.common.clock import Clock
from migaga.common.errors import CredentialsError, MigagaError
from migaga.fleet.breaker import FleetBreaker
from migaga.gateway.discord import GatewayInfo

_LOG = logging.getLogger(__name__)


async def keep_asking(
    ask: Callable[[], Awaitable[GatewayInfo]],
    heard: Callable[[GatewayInfo], None],
    breaker: FleetBreaker,
    clock: Clock,
    *,
    every: float,
    jitter: Callable[[float, float], float] = random.uniform,
) -> None:
    """Ask every so many seconds, a tenth more or less, and tell `heard`. Runs until cancelled.

    While the breaker is open nothing is asked: its own questions are enough. A refusal opens it.
    """
    while True:
        await clock.sleep(every * jitter(0.9, 1.1))
        if not breaker.is_closed:
            continue
        try:
            info = await ask()
        except CredentialsError as error:
            await breaker.refused(str(error))
        except MigagaError as error:
            _LOG.debug("the recommended shard count could not be asked for: %s", error)
        else:
            heard(info)
