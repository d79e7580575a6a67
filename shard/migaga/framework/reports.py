"""Turn what went wrong in a handler into a sentence for the person, and into a log record for the owner.

A person learns the reason and what to do. What they cannot understand gets a short reference, which is in the log with
the traceback.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import hikari

from migaga.framework.errors import CannotAnswer, UnknownSubcommand, UserError, WrongArgument
from migaga.framework.outgoing import MAX_CONTENT, Outgoing
from migaga.framework.waiting import Restarting, Unanswered
from migaga.storage.failures import Blame, blame

_log = logging.getLogger(__name__)

# Discord's JSON error codes: topics/opcodes-and-status-codes.
_GONE = {
    10003: "the channel",
    10004: "the server",
    10007: "that member",
    10008: "the message",
    10011: "the role",
    10013: "that user",
    10014: "the emoji",
    10015: "the webhook",
    10026: "the ban",
}
_FORBIDDEN = {
    50001: "I cannot see that channel. Give me access to it and try again.",
    50007: "I cannot send that person a direct message: they do not accept any from here.",
    50013: "Discord says that I lack a permission for this, or that my highest role is not above the other one. "
    "Check my roles and try again.",
}
_REFUSED = {
    30001: "that server is full",
    30005: "this server has as many roles as Discord allows",
    30010: "this message has as many reactions as Discord allows",
    30013: "this server has as many channels as Discord allows",
    50034: "Discord does not delete messages in bulk that are older than two weeks",
    50083: "this thread is archived",
}
_EXPIRED = frozenset({10_062, 50_027})
"""Unknown interaction, invalid webhook token: the person cannot be answered any more."""
WRONG_USE = "wrong_use"
EXPIRED = "expired"
UNAVAILABLE = "unavailable"
NO_DATABASE = "My database cannot be reached at the moment."
BUSY_DATABASE = "My database is busy with what others do at the moment."
RUN_AGAIN = "Please run it again in a moment."


@dataclass(frozen=True, slots=True)
class Report:
    """What to tell the person, and how the run counts."""

    outcome: str
    """`refused`, `wrong_use`, `unanswered`, `unavailable`, `expired` or `error`."""
    message: str
    reference: str | None = None
    """In the log beside the traceback."""


class Answers(Protocol):
    """Where a report is sent."""

    async def send(self, message: Outgoing, ephemeral: bool | None = None) -> object:
        """Send an answer."""
        ...


def explain(error: BaseException, usage: str | None) -> Report:
    """Return what to tell the person who caused this error.

    Args:
        error: What the handler raised.
        usage: How the command is written, when it is one.
    """
    match error:
        case WrongArgument() | UnknownSubcommand():
            return Report(WRONG_USE, f"{error}\nUsage: {usage}" if usage else str(error))
        case Unanswered() | Restarting():
            return Report("unanswered", str(error))
        case UserError():
            return Report("refused", str(error))
        case hikari.HikariError():
            return _explain_discord(error) or _unexpected()
        case _:
            return _explain_database(error) or _unexpected()


def _explain_database(error: BaseException) -> Report | None:
    whose = blame(error)
    if whose is None:
        return None
    return Report(UNAVAILABLE, f"{NO_DATABASE if whose is Blame.AWAY else BUSY_DATABASE} {RUN_AGAIN}")


def _unexpected() -> Report:
    reference = secrets.token_hex(4)
    message = f"Something went wrong here. Tell the owner of the bot this reference: `{reference}`."
    return Report("error", message, reference)


def _explain_discord(error: hikari.HikariError) -> Report | None:
    """Translate what Discord answered; None for what only the owner can understand."""
    match error:
        case hikari.ClientHTTPResponseError(code=code) if code in _EXPIRED:
            return Report(EXPIRED, "")
        case hikari.ForbiddenError(code=code):
            message = _FORBIDDEN.get(code, _FORBIDDEN[50013])
        case hikari.NotFoundError(code=code):
            message = f"I cannot find {_GONE.get(code, 'what this was about')}: it is gone, or not visible to me."
        case hikari.BadRequestError(code=code) if code in _REFUSED:
            message = f"Discord refused this: {_REFUSED[code]}."
        case hikari.RateLimitTooLongError():
            message = "Discord makes me wait too long for this. Please try again later."
        case hikari.ClientHTTPResponseError():
            return None
        case hikari.HTTPError():
            return Report("error", "Discord has a problem at the moment. Please try again in a minute.")
        case _:
            return None
    return Report("refused", message)


async def report(
    error: Exception,
    answers: Answers,
    *,
    module: str,
    handler: str,
    usage: str | None,
    whisper: Callable[[str], Awaitable[None]] | None = None,
) -> Report:
    """Tell the person, log what the owner needs, and return what was told. Never raises.

    Args:
        error: What the handler raised.
        answers: Where the person reads.
        module: For the log.
        handler: For the log.
        usage: How the command is written, when it is one.
        whisper: Tells the person by a direct message, where they wrote and the bot may not.
    """
    found = explain(error, usage)
    log_error(error, found, module=module, handler=handler)
    if found.outcome == EXPIRED:
        return found
    try:
        await _tell(error, answers, found.message, whisper)
    except (hikari.HikariError, OSError, TimeoutError) as failure:
        _log.warning("%s.%s: the person could not be told %r: %s", module, handler, found.message, failure)
    return found


async def _tell(
    error: Exception, answers: Answers, message: str, whisper: Callable[[str], Awaitable[None]] | None
) -> None:
    if whisper is None or not isinstance(error, CannotAnswer):
        try:
            await answers.send(Outgoing(message[:MAX_CONTENT]), ephemeral=True)
        except hikari.ForbiddenError:
            if whisper is None:
                raise
        else:
            return
    await whisper(message)


def log_error(error: Exception, found: Report, *, module: str, handler: str) -> None:
    """Write what the owner needs: a traceback beside the reference, a line for what only the world is to blame for."""
    extra = {"migaga_module": module, "handler": handler, "reference": found.reference}
    if found.reference is not None:
        _log.error("%s.%s failed, reference %s", module, handler, found.reference, exc_info=error, extra=extra)
    elif found.outcome in ("error", EXPIRED, UNAVAILABLE):
        _log.warning("%s.%s: %s: %s", module, handler, found.outcome, error, extra=extra)
    elif not isinstance(error, UserError):
        _log.info("%s.%s was refused by Discord: %s", module, handler, error, extra=extra)
