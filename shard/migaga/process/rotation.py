"""Another token in the mounted file (`[Env] TokenFile`): it is checked with Discord, then used. `joining.py` runs one.

A token that cannot be used is not tried by any shard: the one before stays, and the status says why. Discord ends the
sessions of a token that was reset; their shards IDENTIFY again with the new one (`gateway/shard.py`).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Protocol

from migaga.common import logs
from migaga.common.clock import Clock
from migaga.common.credentials import check_token
from migaga.common.errors import ConfigError, CredentialsError, UnavailableError
from migaga.continuity.breaker import PROBE_EVERY
from migaga.gateway.token import BotToken
from migaga.process.files import LOOK_EVERY, Content, SmallFile

_LOG = logging.getLogger(__name__)

NO_ANSWER = (5.0, 60.0)
"""Seconds until Discord is asked again when it did not answer: at first, at most."""


class Discord(Protocol):
    """What of `gateway.discord.Discord` is used."""

    @property
    def token(self) -> BotToken:
        """The token of now."""

    async def check(self, token: str, where: str) -> object:
        """Ask Discord about a token. Raises CredentialsError, ConfigError or UnavailableError."""

    def use(self, token: str) -> None:
        """Use it from now on."""


class Breaker(Protocol):
    """What of `fleet.breaker.FleetBreaker` is used."""

    @property
    def is_closed(self) -> bool:
        """Whether shards may connect."""

    def new_token(self, token: str) -> None:
        """Take another token."""

    async def accepted(self) -> None:
        """Note that Discord has accepted it."""


class Rotation:
    """Takes the tokens that appear in a file."""

    def __init__(
        self,
        file: SmallFile,
        discord: Discord,
        breaker: Breaker,
        clock: Clock,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._file = file
        self._discord = discord
        self._breaker = breaker
        self._clock = clock
        self._jitter = jitter
        self._content: Content | None = None
        self._ask_at = 0.0
        self._wait = NO_ANSWER[0]
        self.problem: str | None = None
        """Why the token in the file is not used; None when it is."""

    async def run(self) -> None:
        """Look at the file, and take what is new in it, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Look once. Nothing is asked of Discord but about a token that is new, or when it is time to ask again."""
        content = await self._file.change()
        if content is not None:
            self._content, self._ask_at, self._wait = content, self._clock.now(), NO_ANSWER[0]
        if self._content is None or self._clock.now() < self._ask_at:
            return
        again = await self._consider(self._content)
        if again is None:
            self._content = None
        else:
            self._ask_at = self._clock.now() + again * self._jitter(0.9, 1.1)

    async def _consider(self, content: Content) -> float | None:
        """Take the token if it can be used. Returns the seconds until it is worth asking again."""
        where = f"the token file {self._file.path}"
        try:
            token = self._token_in(content, where)
            if token != self._discord.token.value:
                await self._discord.check(token, where)
                await self._take(token)
        except CredentialsError:
            self._keep(f"{where}: Discord refuses the token in it. Write the one that Discord shows for this bot now.")
            return PROBE_EVERY
        except ConfigError as error:
            self._keep(str(error))
        except UnavailableError as error:
            _LOG.warning("%s holds another token, which could not be checked yet: %s", where, error)
            wait, self._wait = self._wait, min(2 * self._wait, NO_ANSWER[1])
            return wait
        else:
            self.problem = None
        return None

    def _token_in(self, content: Content, where: str) -> str:
        """Return a text that can be this bot's token. Raises ConfigError."""
        if content.problem is not None:
            raise ConfigError(f"{where}: {content.problem}.")
        check_token(content.text, self._discord.token.application_id, where)
        logs.protect(content.text)
        return content.text

    def _keep(self, problem: str) -> None:
        """Go on with the token of before, and say why."""
        said, self.problem = self.problem, f"{problem} The token before stays in use."
        if said != self.problem:
            _LOG.error("%s", self.problem)

    async def _take(self, token: str) -> None:
        _LOG.info("the token file %s holds another token, which Discord accepts: it is used now", self._file.path)
        self._discord.use(token)
        self._breaker.new_token(token)
        if not self._breaker.is_closed:  # The row tells that this one was refused: it no longer is.
            await self._breaker.accepted()
