"""Control routes that inject faults: into connections, sessions, budgets, tokens, guilds and REST."""

from __future__ import annotations

import re
from dataclasses import asdict

from migaga_emulator.control.context import Context, Request, Route
from migaga_emulator.control.given import ControlFault, Given
from migaga_emulator.gateway.faults import Target

TARGET = ("bot", "shard_id", "shard_count")
CLOSE_CODES = (*range(1000, 1004), *range(1007, 1015), *range(3000, 5000))
"""What a websocket may be closed with."""
FOR_EVER = -1
EVENT_NAME = re.compile(r"[A-Z]+(_[A-Z]+)*")


def _target(given: Given) -> Target:
    return Target(given.optional_id("bot"), given.optional_number("shard_id"), given.optional_number("shard_count"))


def drop(context: Context, request: Request) -> object:
    """Reset TCP connections."""
    return {"hit": context.faults.drop(_target(request.body(*TARGET)))}


def reconnect(context: Context, request: Request) -> object:
    """Op 7."""
    return {"hit": context.faults.reconnect(_target(request.body(*TARGET)))}


def invalidate(context: Context, request: Request) -> object:
    """Op 9; `resumable` false destroys the session, and what it still held is undeliverable."""
    given = request.body(*TARGET, "resumable")
    return {"hit": context.faults.invalidate(_target(given), resumable=given.boolean("resumable"))}


def close(context: Context, request: Request) -> object:
    """Close with any code."""
    given = request.body(*TARGET, "code")
    code = given.number("code")
    if code not in CLOSE_CODES:
        raise ControlFault(400, f"{code} is no close code: use 1000-1003, 1007-1014 or 3000-4999")
    return {"hit": context.faults.close(_target(given), code)}


def heartbeat(context: Context, request: Request) -> object:
    """Op 1: ask for a heartbeat."""
    return {"hit": context.faults.request_heartbeat(_target(request.body(*TARGET)))}


def silence(context: Context, request: Request) -> object:
    """The connections stay open, nothing comes any more, heartbeats are not acknowledged."""
    return {"hit": context.faults.silence(_target(request.body(*TARGET)))}


def withhold(context: Context, request: Request) -> object:
    """Heartbeats are answered, dispatches (only `events`, where given) are not sent until the session is resumed."""
    given = request.body(*TARGET, "events")
    names = given.texts("events")
    if given.has("events") and not names:
        raise ControlFault(400, "'events' is empty: name events such as MESSAGE_CREATE, or leave it out for all")
    for name in names:
        if not EVENT_NAME.fullmatch(name):
            raise ControlFault(400, f"{name!r} is no event: write Discord's name, such as MESSAGE_CREATE")
    return {"hit": context.faults.withhold(_target(given), names)}


def latency(context: Context, request: Request) -> object:
    """Every frame waits `seconds`, also on connections that come; 0 ends it."""
    given = request.body(*TARGET, "seconds")
    return {"hit": context.faults.latency(_target(given), given.seconds("seconds"))}


def refuse(context: Context, request: Request) -> object:
    """Refuse the next `times` connections with 503; without `times` until it is set to 0."""
    given = request.body("times")
    times = given.number("times") if given.has("times") else FOR_EVER
    context.faults.refuse(times)
    return {"times": times}


def reconnect_instead_of_hello(context: Context, request: Request) -> object:
    """The next `times` connections get op 7 instead of HELLO."""
    times = request.body("times").number("times", 1)
    context.faults.reconnect_instead_of_hello(times)
    return {"times": times}


def outage(context: Context, request: Request) -> object:
    """Guilds become unavailable (GUILD_DELETE with `unavailable`); `on` false: available again (GUILD_CREATE)."""
    given = request.body("guilds", "on")
    guilds = [context.world.core.guild(guild_id) for guild_id in given.ids("guilds")]
    on = given.boolean("on", default=True)
    for guild in guilds:
        context.world.guilds.set_available(guild, not on)
    return {"hit": len(guilds)}


def absent(context: Context, request: Request) -> object:
    """Sessions that begin from now on get neither these guilds nor their events; `on` false: they get them now."""
    given = request.body("guilds", "on")
    guilds = [context.world.core.guild(guild_id).id for guild_id in given.ids("guilds")]
    context.faults.absent(guilds, on=given.boolean("on", default=True))
    return {"hit": len(guilds)}


def spend_budget(context: Context, request: Request) -> object:
    """Use up IDENTIFYs; without `count` all that are left."""
    given = request.body("bot", "count")
    bot = context.bot(given.optional_id("bot"))
    budget, now = context.hub.of(bot.user.id).budget, context.hub.clock()
    budget.spend(given.number("count") if given.has("count") else budget.remaining(now), now)
    return context.hub.session_start_limit(bot.user.id)


def revoke_token(context: Context, request: Request) -> object:
    """The token is refused everywhere (401, 4004) and every session ends."""
    bot = context.bot(request.body("bot").optional_id("bot"))
    bot.revoked = True
    context.hub.end_all(bot.user.id)
    return {"token": bot.token, "revoked": True}


def restore_token(context: Context, request: Request) -> object:
    """A revoked token is good again; the sessions are gone."""
    bot = context.bot(request.body("bot").optional_id("bot"))
    context.hub.restore_token(bot)
    return {"token": bot.token, "revoked": False}


def rotate_token(context: Context, request: Request) -> object:
    """The bot gets a new token (or the given one); the old one is refused and every session ends."""
    given = request.body("bot", "token")
    bot = context.bot(given.optional_id("bot"))
    return {"token": context.hub.reset_token(bot, given.optional_text("token")), "revoked": False}


def rest_fault(context: Context, request: Request) -> object:
    """A REST fault by route and method: a status (429, 500, ...), a latency, or both."""
    given = request.body("route", "method", "status", "latency", "retry_after", "scope", "times", "seconds", "bot")
    try:
        fault = context.rest_faults.add(
            route=given.text("route", "*"),
            method=given.text("method", "*"),
            status=given.optional_number("status"),
            latency_s=given.seconds("latency", 0.0),
            retry_after_s=given.seconds("retry_after", 1.0),
            scope=given.text("scope", "user"),
            times=given.optional_number("times"),
            seconds=given.seconds("seconds") if given.has("seconds") else None,
            bot_id=given.optional_id("bot"),
        )
    except ValueError as error:
        raise ControlFault(400, str(error)) from error
    return asdict(fault)


def list_rest_faults(context: Context, request: Request) -> object:
    """The REST faults in force, and how many requests each has met."""
    return [asdict(fault) for fault in context.rest_faults.active()]


def clear(context: Context, request: Request) -> object:
    """End every lasting fault: refusals, latencies, op 7 instead of HELLO, what is withheld or absent, REST faults.

    Outages and tokens stay.
    """
    context.faults.clear()
    context.rest_faults.clear()
    return {"cleared": True}


ROUTES: tuple[Route, ...] = (
    ("POST", "/faults/drop", drop),
    ("POST", "/faults/reconnect", reconnect),
    ("POST", "/faults/invalidate", invalidate),
    ("POST", "/faults/close", close),
    ("POST", "/faults/heartbeat", heartbeat),
    ("POST", "/faults/silence", silence),
    ("POST", "/faults/withhold", withhold),
    ("POST", "/faults/latency", latency),
    ("POST", "/faults/refuse", refuse),
    ("POST", "/faults/reconnect_instead_of_hello", reconnect_instead_of_hello),
    ("POST", "/faults/outage", outage),
    ("POST", "/faults/absent", absent),
    ("POST", "/faults/budget", spend_budget),
    ("POST", "/faults/token/revoke", revoke_token),
    ("POST", "/faults/token/restore", restore_token),
    ("POST", "/faults/token/rotate", rotate_token),
    ("GET", "/faults/rest", list_rest_faults),
    ("POST", "/faults/rest", rest_fault),
    ("POST", "/faults/clear", clear),
)
