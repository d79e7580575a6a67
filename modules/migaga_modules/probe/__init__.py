"""Tells the emulator which events this bot has handled. For scenarios and the demo; never loaded unless it is named.

Two environment variables: `PROBE_URL`, the address of the emulator's control API, and `PROBE_SECONDS`,
how long the handler of each event takes (default 0).
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence

import aiohttp
import hikari

from migaga.api import Application, BaseModule, listen
from migaga_modules.probe.naming import naming_fields
from migaga_modules.probe.reporter import Report, Reporter

URL = "PROBE_URL"
SECONDS = "PROBE_SECONDS"

_ATTEMPTS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class ProbeError(Exception):
    """The probe is not set up, or the ledger cannot be told."""


def read_seconds(text: str) -> float:
    """Return how long a handler takes.

    Raises:
        ProbeError: the text is no number of seconds.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ProbeError(f"{SECONDS} is {text!r}: write a number of seconds, such as 0.05")
    return seconds


class Probe(BaseModule):
    """Reports every handled event to the emulator's ledger."""

    load_by_default = False

    async def start(self) -> None:
        """Read the address of the ledger.

        Raises:
            ProbeError: there is none, or the duration is no number.
        """
        url = os.environ.get(URL, "")
        if not url.startswith(("http://", "https://")):
            raise ProbeError(f"{URL} is {url!r}: set it to the address of the emulator's control API")
        self._url = f"{url.rstrip('/')}/ledger/handled"
        self._seconds = read_seconds(os.environ.get(SECONDS, "0"))
        self._bot = str(self.services.get(Application).bot_id)
        self._session = self.services.get(aiohttp.ClientSession)
        self._reporter = Reporter(self._send)

    async def stop(self) -> None:
        """Wait until the last reports have arrived."""
        await self._reporter.close()

    @listen(hikari.ShardPayloadEvent)
    async def on_event(self, event: hikari.ShardPayloadEvent) -> None:
        """Handle an event for as long as it was asked for, and end when the ledger knows."""
        if self._seconds:
            await asyncio.sleep(self._seconds)
        await self._reporter.report({"name": event.name, "payload": naming_fields(event.payload)})

    async def _send(self, reports: Sequence[Report]) -> None:
        """Post a batch; tried again while the ledger does not answer.

        Raises:
            ProbeError: it was refused, or the ledger cannot be reached.
        """
        body = {"bot": self._bot, "events": list(reports)}
        for attempt in range(_ATTEMPTS):
            try:
                async with self._session.post(self._url, json=body, timeout=_TIMEOUT) as answer:
                    if answer.ok:
                        return
                    raise ProbeError(
                        f"the ledger refused {len(reports)} reports: {answer.status} {await answer.text()}"
                    )
            except (aiohttp.ClientError, TimeoutError) as error:
                self.log.warning("the ledger did not answer: %s", type(error).__name__)
            await asyncio.sleep(0.05 * 2**attempt)
        raise ProbeError(f"the ledger cannot be reached: {len(reports)} reports are lost")
