"""What has to be known before anything is watched: whether the API server answers, and which of our kinds it has."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from migaga.common.clock import Clock
from migaga_operator.cluster import AwayError, RefusedError
from migaga_operator.kube.client import Client
from migaga_operator.kube.discovery import may_watch, serves
from migaga_operator.kube.kinds import BOT, MONITOR, WATCHED, Resource

_LOG = logging.getLogger(__name__)
_AGAIN_SECONDS = 2.0


async def find_resources(client: Client, namespaces: Sequence[str], clock: Clock) -> list[Resource]:
    """Wait until the API server answers and knows our kind, and return what is there to be watched."""
    while True:
        try:
            if await serves(client, BOT):
                return [*WATCHED, *([MONITOR] if await _has_monitors(client, namespaces) else [])]
            _LOG.warning("the API server does not know the kind %s yet. Install the chart, or its CRD", BOT.kind)
        except (AwayError, RefusedError) as error:
            _LOG.warning("the API server cannot be asked yet: %s", error)
        await clock.sleep(_AGAIN_SECONDS)


async def _has_monitors(client: Client, namespaces: Sequence[str]) -> bool:
    if not await serves(client, MONITOR):
        return False
    if await may_watch(client, MONITOR, namespaces):
        return True
    _LOG.warning(
        "no %s is made: this account may not. Upgrade the release of the chart, it adds the right", MONITOR.kind
    )
    return False
