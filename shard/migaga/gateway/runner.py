"""Keeps one shard alive: makes a `FleetShard`, and another from its session when hikari gives one up.

`fleet.py` runs one for each shard.
"""

from __future__ import annotations

import logging
import zlib

import aiohttp
from hikari import errors

from migaga.common.errors import MigagaError
from migaga.gateway.lease import ShardLease
from migaga.gateway.privates import FATAL_CLOSES, Session
from migaga.gateway.refusals import fatal_close
from migaga.gateway.shard import TOKEN_REFUSED, FleetShard, ShardLife, ShardState, Shared

_LOG = logging.getLogger(__name__)

RESTART_AFTER = (1.0, 60.0)
"""Seconds before a broken shard is made anew: at first, at most. Doubled each time, forgotten after that much life."""

# What a connection can break with: hikari's own errors, a stream that does not decompress, JSON of a wrong shape.
_BROKEN = (errors.HikariError, aiohttp.ClientError, OSError, zlib.error, ValueError, LookupError, TypeError)


class ShardRunner:
    """One shard of this process, from start to stop."""

    def __init__(self, life: ShardLife, shared: Shared, lease: ShardLease, session: Session | None) -> None:
        """`session` is resumed; without one the shard identifies."""
        self.life = life
        self._shared = shared
        self._lease = lease
        self._session = session
        self._shard = self._make()

    @property
    def session(self) -> Session | None:
        """The session as far as it has been received."""
        return self._shard.session

    @property
    def connection(self) -> FleetShard:
        """The connection of now."""
        return self._shard

    async def run(self) -> None:
        """Run until `leave`. Raises MigagaError for what trying again cannot mend."""
        wait = RESTART_AFTER[0]
        while True:
            began = self._shared.clock.now()
            try:
                await self._shard.run()
            except MigagaError as error:
                self._fail(str(error))
                raise
            except errors.GatewayServerClosedConnectionError as error:
                if error.code == TOKEN_REFUSED and self._shard.has_old_token:
                    _LOG.info("shard %d: the token before is refused, it connects with the new one", self.life.shard_id)
                    self._remake()
                    continue
                refused = self._refusal(error)
                self._fail(str(refused))
                raise refused from error
            except _BROKEN:
                _LOG.exception("shard %d broke, it starts again in %.0f s", self.life.shard_id, wait)
            else:
                return
            self.life.reason = "error"
            self._set(ShardState.RECONNECTING)
            self._shared.observer.reconnected("error")
            await self._shared.clock.sleep(wait)
            lived = self._shared.clock.now() - began - wait
            wait = RESTART_AFTER[0] if lived > RESTART_AFTER[1] else min(wait * 2, RESTART_AFTER[1])
            self._remake()

    def pause(self) -> None:
        """Take no further event."""
        self._shard.pause()

    async def leave(self) -> None:
        """Close the connection so that the session can be resumed."""
        await self._shard.leave()
        self._shared.manager.detach(self._shard)
        if self.life.state is not ShardState.FAILED:
            self._set(ShardState.STOPPED)

    def _remake(self) -> None:
        self._session = self._shard.session
        self._shared.manager.detach(self._shard)
        self._shard = self._make()

    def _make(self) -> FleetShard:
        shard = FleetShard(self.life, self._shared, self._lease, self._session)
        self._shared.manager.attach(shard, self.life.intake)
        return shard

    def _refusal(self, error: errors.GatewayServerClosedConnectionError) -> MigagaError:
        code = 1006 if error.code is None else int(error.code)
        number = f"{self.life.shard_id} of {self._shared.shard_count}"
        if code in FATAL_CLOSES:
            return fatal_close(code, error.reason, self._shared.intents, number)
        return fatal_close(code, f"{error.reason} (unexpected)", self._shared.intents, number)

    def _fail(self, reason: str) -> None:
        self.life.reason = reason
        self._set(ShardState.FAILED)

    def _set(self, state: ShardState) -> None:
        self.life.state = state
        self.life.since = self._shared.clock.now()
        self._shared.observer.shard_state(self.life.shard_id, state.value)
