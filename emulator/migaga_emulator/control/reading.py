"""Control routes of the ledger: what a bot tells it, what it says, and waiting for it without polling."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from migaga_emulator.control import views
from migaga_emulator.control.context import Context, Request, Route
from migaga_emulator.control.given import ControlFault, Given
from migaga_emulator.ledger.events import Entry
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.ledger.keys import natural_key
from migaga_emulator.ledger.report import make_report
from migaga_emulator.world.wire import JsonObject

LONGEST_WAIT_S = 600.0
KINDS = ("lost", "repeated", "unexpected", "undeliverable")


def report_of(context: Context, bot_id: int) -> LedgerReport:
    """The ledger of one bot as it stands."""
    clock = context.world.clock
    return make_report(
        bot_id,
        context.ledger.of(bot_id),
        context.answers,
        context.rules,
        now=clock.monotonic(),
        wall=clock.time(),
        sessions=[session.connected for session in context.hub.of(bot_id).sessions.values()],
    )


def ledger(context: Context, request: Request) -> object:
    """The ledger of one bot."""
    return report_of(context, context.bot(request.query("bot").optional_id("bot")).user.id)


def ledger_events(context: Context, request: Request) -> object:
    """Keys that are lost, repeated, unexpected or undeliverable; all four unless one is asked for."""
    given = request.query("bot", "limit", *KINDS)
    book = context.ledger.of(context.bot(given.optional_id("bot")).user.id).events
    kinds = [kind for kind in KINDS if given.boolean(kind)] or list(KINDS)
    limit = given.number("limit", 1_000, least=1, most=100_000)
    chosen = [(key, entry) for key, entry in book.wrong().items() if any(getattr(entry, kind) for kind in kinds)]
    return {"total": len(chosen), "events": [_entry(key, entry) for key, entry in chosen[:limit]]}


def handled(context: Context, request: Request) -> object:
    """A bot tells which events its handlers have finished: each with its `key`, or `name` and `payload`."""
    given = request.body("bot", "events")
    bot = context.bot(given.optional_id("bot"))
    book, now = context.ledger.of(bot.user.id).events, context.world.clock.monotonic()
    events = given.objects("events", "name", "key", "payload", "seconds", "effect")
    for event, (name, key) in [(event, _named(event)) for event in events]:
        took = event.seconds("seconds") if event.has("seconds") else None
        book.handled(name, key, now, took=took, effect=event.boolean("effect"))
    context.topics.tell(f"handled {bot.user.id}")
    return {"accepted": len(events)}


def interactions(context: Context, request: Request) -> object:
    """Every interaction of a bot and what it answered."""
    bot = context.bot(request.query("bot").optional_id("bot"))
    return [views.interaction_answer(asked) for asked in context.answers.interactions(bot.application_id)]


def commands(context: Context, request: Request) -> object:
    """Every message that was marked as a command, and what the bot said to it."""
    bot = context.bot(request.query("bot").optional_id("bot"))
    return [views.command_answer(command) for command in context.answers.commands(bot.user.id)]


def sessions(context: Context, request: Request) -> object:
    """The gateway sessions that exist, connected or waiting for a RESUME."""
    given = request.query("bot")
    bot_id = given.optional_id("bot")
    return [views.session(session) for session in context.hub.sessions() if bot_id in {None, session.bot_id}]


async def wait(context: Context, request: Request) -> object:
    """Wait for one thing; 408 when `timeout` seconds pass before it."""
    given = request.query("interaction", "message", "handled", "sessions", "bot", "shard_count", "timeout")
    timeout = min(given.seconds("timeout", 10.0), LONGEST_WAIT_S)
    if given.has("interaction"):
        return await _answered(interaction_result(context, given.id("interaction"), timeout), timeout)
    if given.has("message"):
        message_id = given.id("message")
        _expect(context, message_id, given)
        return await _answered(message_result(context, message_id, timeout), timeout)
    if given.has("sessions"):
        return await _wait_for_sessions(context, given, timeout)
    if given.boolean("handled"):
        return await _wait_for_handled(context, given, timeout)
    raise ControlFault(400, "say what to wait for: interaction=ID, message=ID, handled=1 or sessions=N")


async def interaction_result(context: Context, interaction_id: int, timeout: float) -> JsonObject:
    """What became of an interaction, after at most `timeout` seconds."""
    asked = context.answers.interaction(interaction_id)
    if asked is None:
        raise ControlFault(404, f"there is no interaction {interaction_id}")
    await context.topics.until(f"interaction {interaction_id}", lambda: asked.answered, timeout)
    return views.interaction_answer(asked)


async def message_result(context: Context, message_id: int, timeout: float) -> JsonObject:
    """What a bot said to a text command, after at most `timeout` seconds."""
    command = context.answers.command(message_id)
    if command is None:
        raise ControlFault(404, f"message {message_id} is not marked as a command")
    await context.topics.until(f"message {message_id}", lambda: bool(command.answers), timeout)
    return views.command_answer(command)


async def _answered(result: Awaitable[JsonObject], timeout: float) -> JsonObject:
    answer = await result
    if not answer["answered"]:
        raise ControlFault(408, f"no answer within {timeout:g} s")
    return answer


async def _wait_for_sessions(context: Context, given: Given, timeout: float) -> object:
    wanted, count = given.number("sessions"), given.optional_number("shard_count")
    bot_id = context.bot(given.optional_id("bot")).user.id

    def connected() -> int:
        found = context.hub.of(bot_id).sessions.values()
        return sum(1 for s in found if s.connected and count in {None, s.generation.shard_count})

    if not await context.topics.until("sessions", lambda: connected() == wanted, timeout):
        raise ControlFault(408, f"{connected()} sessions are connected after {timeout:g} s, not {wanted}")
    return {"sessions": connected()}


async def _wait_for_handled(context: Context, given: Given, timeout: float) -> object:
    bot_id = context.bot(given.optional_id("bot")).user.id
    book = context.ledger.of(bot_id).events
    if not await context.topics.until(f"handled {bot_id}", book.settled, timeout):
        raise ControlFault(408, f"{book.totals().lost} events are not handled after {timeout:g} s")
    return report_of(context, bot_id)


def _expect(context: Context, message_id: int, given: Given) -> None:
    if context.answers.command(message_id) is not None:
        return
    for channel in context.world.core.channels.values():
        if message_id in channel.messages:
            bot_id = context.bot(given.optional_id("bot")).user.id
            context.answers.expect(message_id, channel.id, bot_id, context.world.clock.monotonic())
            return
    raise ControlFault(404, f"there is no message {message_id}")


def _named(event: Given) -> tuple[str, str]:
    if event.has("key"):
        key = event.text("key")
        return event.text("name", key.partition(":")[0]), key
    name, payload = event.text("name"), event.raw("payload")
    if not isinstance(payload, Mapping):
        raise ControlFault(400, f"event {name!r} needs a 'key' or a 'payload' object")
    return name, natural_key(name, payload)


def _entry(key: str, entry: Entry) -> JsonObject:
    return {
        "key": key,
        "name": entry.name,
        "sent": entry.sent,
        "handled": entry.handled,
        "lost": entry.lost,
        "repeated": entry.repeated,
        "unexpected": entry.unexpected,
        "undeliverable": entry.undeliverable,
        "sent_at": [occurrence.at for occurrence in entry.occurrences],
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/ledger", ledger),
    ("GET", "/ledger/events", ledger_events),
    ("POST", "/ledger/handled", handled),
    ("GET", "/ledger/interactions", interactions),
    ("GET", "/ledger/commands", commands),
    ("GET", "/sessions", sessions),
    ("GET", "/wait", wait),
)
