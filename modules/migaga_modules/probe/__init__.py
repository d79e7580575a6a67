"""Tells the emulator which events this bot has handled. For scenarios and the demo; never loaded unless it is named.

Environment (`settings.py`): `PROBE_URL`, the address of the emulator's control API; `PROBE_SECONDS`, how long the
handler of each event lasts (`0.05`, or `0-0.5`; default 0); `PROBE_LONG_SECONDS` for a share `PROBE_LONG_SHARE` of
them; `PROBE_EFFECTS`, the share that leaves a row in `probe_effects`, once; `PROBE_SEED`, which decides about each.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

import aiohttp
import hikari
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from migaga.api import Application, BaseModule, EventContext, listen
from migaga_modules.probe.naming import naming_fields
from migaga_modules.probe.reporter import Report, Reporter
from migaga_modules.probe.settings import ProbeError, read_settings
from migaga_modules.probe.tables import EFFECTS, metadata

_ATTEMPTS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_OF_SESSIONS = frozenset({"READY", "RESUMED"})


class Probe(BaseModule):
    """Reports every handled event to the emulator's ledger."""

    load_by_default = False
    metadata = metadata

    async def start(self) -> None:
        """Read the address of the ledger.

        Raises:
            ProbeError: there is none, or a duration is no number.
        """
        self._settings = read_settings(os.environ)
        self._bot = str(self.services.get(Application).bot_id)
        self._session = self.services.get(aiohttp.ClientSession)
        self._reporter = Reporter(self._send)

    async def stop(self) -> None:
        """Wait until the last reports have arrived."""
        await self._reporter.close()

    @listen(hikari.ShardPayloadEvent)
    async def on_event(self, event: hikari.ShardPayloadEvent, context: EventContext) -> None:
        """Handle an event for as long as it was asked for, leave its effect, and end when the ledger knows."""
        fields = naming_fields(event.payload)
        fate = self._settings.fate(event.name, fields)
        if fate.seconds:
            await asyncio.sleep(fate.seconds)
        effect = fate.effect and event.name not in _OF_SESSIONS
        if effect:
            await self._leave_effect(context, event.name, fields)
        report = {"name": event.name, "payload": fields, "seconds": fate.seconds}
        await self._reporter.report(report | ({"effect": True} if effect else {}))

    async def _leave_effect(self, context: EventContext, name: str, fields: Mapping[str, object]) -> None:
        """Write the row of this event unless it is there; committed before anybody hears that it was handled."""
        row = {"name": name, "payload": dict(fields), "guild_id": context.guild_id}
        for attempt in range(_ATTEMPTS):
            try:
                if await context.once():
                    await context.db.execute(sa.insert(EFFECTS).values(row))
                await context.db.commit()
            except OperationalError as error:
                # A deadlock, a lock time-out, a lost connection: nothing of it was kept.
                await context.db.rollback()
                if attempt == _ATTEMPTS - 1:
                    raise
                self.log.warning("the effect of %s is tried again: %s", name, type(error.orig).__name__)
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return

    async def _send(self, reports: Sequence[Report]) -> None:
        """Post a batch; tried again while the ledger does not answer.

        Raises:
            ProbeError: it was refused, or the ledger cannot be reached.
        """
        body = {"bot": self._bot, "events": list(reports)}
        for attempt in range(_ATTEMPTS):
            try:
                async with self._session.post(self._settings.url, json=body, timeout=_TIMEOUT) as answer:
                    if answer.ok:
                        return
                    raise ProbeError(
                        f"the ledger refused {len(reports)} reports: {answer.status} {await answer.text()}"
                    )
            except (aiohttp.ClientError, TimeoutError) as error:
                self.log.warning("the ledger did not answer: %s", type(error).__name__)
            await asyncio.sleep(0.05 * 2**attempt)
        raise ProbeError(f"the ledger cannot be reached: {len(reports)} reports are lost")
