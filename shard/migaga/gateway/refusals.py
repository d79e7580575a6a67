"""What it means when Discord refuses: its answers and close codes as errors that people can act on.

Foreign errors are translated here and nowhere else. Source: Discord's documentation, opcodes-and-status-codes.
"""

from __future__ import annotations

import hikari
from hikari import errors

from migaga.common.errors import ConfigError, CredentialsError, MigagaError, UnavailableError

PORTAL = "https://discord.com/developers/applications"
PRIVILEGED = {
    hikari.Intents.GUILD_PRESENCES: (
        "GUILD_PRESENCES",
        "Presence Intent",
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_PRESENCES | hikari.ApplicationFlags.GUILD_PRESENCES_INTENT,
    ),
    hikari.Intents.GUILD_MEMBERS: (
        "GUILD_MEMBERS",
        "Server Members Intent",
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_MEMBERS_INTENT | hikari.ApplicationFlags.GUILD_MEMBERS_INTENT,
    ),
    hikari.Intents.MESSAGE_CONTENT: (
        "MESSAGE_CONTENT",
        "Message Content Intent",
        hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT | hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED,
    ),
}
"""Privileged intent -> its name, its switch in the portal, the application flags of which one is needed."""


NOT_DISCORD = (LookupError, TypeError, ValueError, AssertionError, AttributeError)
"""What hikari raises for an answer that is JSON, but none of Discord's."""


def not_discord(doing: str) -> ConfigError:
    """Return the error of an API that answers, but not as Discord does."""
    return ConfigError(f"{doing} failed: what answers there is not Discord. Correct ApiUrl in section [Discord].")


def bad_token() -> CredentialsError:
    """Return the error of a token that Discord refuses (401, close 4004)."""
    return CredentialsError(
        "Discord refuses the bot token (it is wrong, or was reset). No further attempt is made. Get a new one at "
        f"{PORTAL} > your application > Bot > Reset Token, and set Token in section [Env] or MIGAGA_ENV_TOKEN, "
        "or write it into TokenFile."
    )


def disallowed_intents(intents: hikari.Intents) -> ConfigError:
    """Return the error of privileged intents that are not switched on, naming them and their switches."""
    asked = [PRIVILEGED[intent][:2] for intent in PRIVILEGED if intents & intent]
    names = ", ".join(f"{name} ({switch})" for name, switch in asked) or str(intents)
    return ConfigError(
        f"Discord does not allow this bot the intents {names}. Switch them on at {PORTAL} > your application > Bot > "
        "Privileged Gateway Intents, or leave them out of Intents in section [Bot]."
    )


def missing_intents(intents: hikari.Intents, flags: hikari.ApplicationFlags) -> hikari.Intents:
    """Return the privileged intents among `intents` that an application with these flags may not use."""
    missing = hikari.Intents.NONE
    for intent, (_, _, allowing) in PRIVILEGED.items():
        if intents & intent and not flags & allowing:
            missing |= intent
    return missing


def fatal_close(code: int, reason: str, intents: hikari.Intents, shard: str) -> MigagaError:
    """Return the error of a close code after which a shard must not reconnect. `shard` is like `3 of 16`."""
    if code == 4004:
        return bad_token()
    if code == 4014:
        return disallowed_intents(intents)
    meaning = {
        4010: f"it has no shard {shard}; large bots need a multiple of the number that Discord assigned to them. "
        "Correct Count and Ids in section [Shards]",
        4011: f"shard {shard} would have more than 2,500 guilds. Raise Count in section [Shards], "
        "or set it to recommended",
        4012: "it does not know this API version. Correct ApiUrl in section [Discord], or update migaga",
        4013: "the intents are no valid combination. Correct Intents in section [Bot]",
    }.get(code, f"reason: {reason or 'none given'}")
    return ConfigError(f"Discord closed the gateway for good with code {code}: {meaning}.")


def failed_call(error: errors.HTTPError, doing: str) -> MigagaError:
    """Return what a failed REST call means. `doing` is like `asking for the gateway`."""
    if isinstance(error, errors.UnauthorizedError):
        return bad_token()
    if isinstance(error, errors.HTTPResponseError):
        status = f"{error.status:d} {error.message}".strip()
        return UnavailableError(f"{doing} failed: Discord answered {status}. Try again later.")
    return UnavailableError(f"{doing} failed: Discord cannot be reached ({error.message or type(error).__name__}).")
