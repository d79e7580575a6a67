"""Discord's REST API for one process: the client, who the bot is, and what `GET /gateway/bot` says.

The composition root opens one `Discord`; the fleet, the framework and hikari's own objects call it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
import hikari
from hikari import errors, traits
from hikari.impl.entity_factory import EntityFactoryImpl
from hikari.impl.event_factory import EventFactoryImpl

from migaga.common.discord_time import DiscordTime
from migaga.common.errors import ConfigError, CredentialsError
from migaga.common.settings import Credentials
from migaga.gateway.events import FleetEventManager
from migaga.gateway.identify import Budget
from migaga.gateway.pace import PacedBuckets, quiet_rate_limits
from migaga.gateway.privates import change_token
from migaga.gateway.refusals import NOT_DISCORD, disallowed_intents, failed_call, missing_intents, not_discord
from migaga.gateway.token import BotToken

CALLS_PER_SECOND = 45
"""REST calls of one process: a few less than the 50 that Discord allows a bot."""


class DiscordApp(traits.RESTAware):
    """What hikari's objects reach through their `app`: the REST client and the entity factory. No cache, no voice."""

    def __init__(self, http: hikari.impl.HTTPSettings, proxy: hikari.impl.ProxySettings) -> None:
        self._http = http
        self._proxy = proxy
        self._entity_factory = EntityFactoryImpl(self)
        self._rest: hikari.impl.RESTClientImpl | None = None

    def connect(self, rest: hikari.impl.RESTClientImpl) -> None:
        """Give the app its REST client, which itself needs the app."""
        self._rest = rest

    @property
    def rest(self) -> hikari.impl.RESTClientImpl:
        """The REST client."""
        if self._rest is None:
            raise errors.ComponentStateConflictError("the REST client is not open yet")
        return self._rest

    @property
    def entity_factory(self) -> hikari.api.EntityFactory:
        """What makes hikari's objects of payloads."""
        return self._entity_factory

    @property
    def executor(self) -> Executor | None:
        """The executor for blocking work: the loop's own."""
        return None

    @property
    def http_settings(self) -> hikari.impl.HTTPSettings:
        """How connections are made."""
        return self._http

    @property
    def proxy_settings(self) -> hikari.impl.ProxySettings:
        """Proxies: those of the environment."""
        return self._proxy


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """The answer of `GET /gateway/bot`."""

    url: str
    recommended_shards: int
    budget: Budget


@dataclass(frozen=True, slots=True)
class Discord:
    """An open connection to Discord's REST API with a token that it has accepted."""

    app: DiscordApp
    user: hikari.OwnUser
    """The bot."""
    application: hikari.Application
    token: BotToken
    event_factory: hikari.api.EventFactory
    time: DiscordTime
    """Tells how old something is, without trusting the local time of day."""
    rest: hikari.impl.RESTClientImpl
    """hikari's REST client as it is: what `app.rest` is may be put in front of it, for handlers."""
    open_rest: Callable[[str], hikari.impl.RESTClientImpl]
    """Makes another client, with another token."""

    def event_manager(self, intents: hikari.Intents) -> FleetEventManager:
        """Make the event manager of a fleet."""
        return FleetEventManager(self.app.entity_factory, self.event_factory, intents)

    def check_intents(self, intents: hikari.Intents) -> None:
        """Raise ConfigError, naming them, when privileged intents are not switched on for the application."""
        missing = missing_intents(intents, self.application.flags)
        if missing:
            raise disallowed_intents(missing)

    async def gateway(self) -> GatewayInfo:
        """Ask for gateway address, recommended shards and IDENTIFY budget.

        Raises CredentialsError when the token of now is refused, UnavailableError when Discord does not answer.
        """
        asked_with = self.token.number
        try:
            return await _ask_gateway(self.rest)
        except CredentialsError:
            if self.token.number == asked_with:
                raise
        return await _ask_gateway(self.rest)  # It was changed meanwhile: the refusal is that of the one before.

    async def check(self, token: str, where: str) -> GatewayInfo:
        """Ask Discord whether it accepts another token, which is not used for anything else.

        `where` names the place that it came from.

        Raises CredentialsError when it does not, ConfigError when the token is another bot's, UnavailableError when
        Discord does not answer.
        """
        async with self.open_rest(token) as rest:
            user = await _ask_user(rest)
            if user.id != self.user.id:
                raise ConfigError(f"{where}: the token belongs to bot {user.id}, and this bot is {self.user.id}.")
            return await _ask_gateway(rest)

    def use(self, token: str) -> None:
        """Use another token, which `check` has accepted: REST from the next call on, shards when they connect."""
        change_token(self.rest, token)
        self.token.change(token)


@asynccontextmanager
async def open_discord(
    credentials: Credentials,
    api_url: str,
    traces: Sequence[aiohttp.TraceConfig] = (),
    *,
    calls_per_second: int = CALLS_PER_SECOND,
) -> AsyncIterator[Discord]:
    """Open the REST client and check the token by one question.

    `traces` see every call; `calls_per_second` is this process's part of what Discord allows the bot.

    Raises CredentialsError (after one attempt) when Discord refuses the token, ConfigError
    when it belongs to another application than its text says, UnavailableError when Discord does not answer.
    """
    # hikari's default opens a new connection for every call.
    http = hikari.impl.HTTPSettings(force_close_transports=False)
    proxy = hikari.impl.ProxySettings(trust_env=True)
    app = DiscordApp(http, proxy)
    connector = aiohttp.TCPConnector(limit=http.connection_limit, ssl=http.ssl)
    timeout = aiohttp.ClientTimeout(
        total=http.timeouts.total,
        connect=http.timeouts.acquire_and_connect,
        sock_read=http.timeouts.request_socket_read,
        sock_connect=http.timeouts.request_socket_connect,
    )
    time = DiscordTime()
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, trust_env=True, trace_configs=[*traces, _date_trace(time)]
    ) as session:

        def open_rest(token: str) -> hikari.impl.RESTClientImpl:
            return hikari.impl.RESTClientImpl(
                cache=None,
                entity_factory=app.entity_factory,
                executor=None,
                http_settings=http,
                bucket_manager=PacedBuckets(calls_per_second),
                proxy_settings=proxy,
                client_session=session,
                client_session_owner=False,
                token=token,
                token_type=hikari.TokenType.BOT,
                rest_url=api_url,
            )

        rest = open_rest(credentials.token)
        app.connect(rest)
        with quiet_rate_limits():
            async with rest:
                yield await _log_in(app, credentials, time, open_rest)


def _date_trace(time: DiscordTime) -> aiohttp.TraceConfig:
    """Hear the time of day from every answer of Discord."""

    async def ended(_: aiohttp.ClientSession, __: SimpleNamespace, call: aiohttp.TraceRequestEndParams) -> None:
        time.heard_date(call.response.headers.get("Date"))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace


async def _log_in(
    app: DiscordApp,
    credentials: Credentials,
    time: DiscordTime,
    open_rest: Callable[[str], hikari.impl.RESTClientImpl],
) -> Discord:
    rest = app.rest
    user = await _ask_user(rest)
    try:
        application = await rest.fetch_application()
    except errors.HTTPError as error:
        raise failed_call(error, "checking the bot token") from error
    except NOT_DISCORD as error:
        raise not_discord("checking the bot token") from error
    # The token holds the bot's user id; only the oldest bots have an application id that differs from it.
    if user.id != credentials.application_id:
        raise ConfigError(
            f"Discord says that the token belongs to bot {user.id}, but its text says {credentials.application_id}. "
            "Correct Token in section [Env]."
        )
    token = BotToken(credentials.application_id, credentials.token)
    return Discord(app, user, application, token, EventFactoryImpl(app), time, rest, open_rest)


async def _ask_user(rest: hikari.impl.RESTClientImpl) -> hikari.OwnUser:
    try:
        return await rest.fetch_my_user()
    except errors.HTTPError as error:
        raise failed_call(error, "checking the bot token") from error
    except NOT_DISCORD as error:
        raise not_discord("checking the bot token") from error


async def _ask_gateway(rest: hikari.impl.RESTClientImpl) -> GatewayInfo:
    try:
        info = await rest.fetch_gateway_bot_info()
    except errors.HTTPError as error:
        raise failed_call(error, "asking for the gateway") from error
    except NOT_DISCORD as error:
        raise not_discord("asking for the gateway") from error
    limit = info.session_start_limit
    budget = Budget(limit.total, limit.remaining, limit.reset_after, limit.max_concurrency)
    return GatewayInfo(info.url, info.shard_count, budget)
