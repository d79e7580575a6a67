"""Errors as Discord answers them: HTTP status, JSON error code, message, and the tree of what is wrong with a body."""

from __future__ import annotations

from migaga_emulator.world.wire import JsonObject


class DiscordError(Exception):
    """What a REST route answers instead of a result."""

    def __init__(self, status: int, code: int, message: str, errors: JsonObject | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> JsonObject:
        """The JSON body of the answer."""
        body: JsonObject = {"message": self.message, "code": self.code}
        return body if self.errors is None else body | {"errors": self.errors}


class RateLimitError(DiscordError):
    """A 429 with an error code of its own: a limit that belongs to what is done, not to the route."""

    def __init__(self, code: int, message: str, retry_after: float) -> None:
        super().__init__(429, code, message)
        self.retry_after = retry_after


def unauthorized() -> DiscordError:
    """The token is missing, wrong or revoked."""
    return DiscordError(401, 0, "401: Unauthorized")


def not_found() -> DiscordError:
    """No such route, or a thing without an error code of its own."""
    return DiscordError(404, 0, "404: Not Found")


def method_not_allowed() -> DiscordError:
    """The route exists for another method."""
    return DiscordError(405, 0, "405: Method Not Allowed")


_UNKNOWN = {
    "Account": 10001,
    "Application": 10002,
    "Channel": 10003,
    "Guild": 10004,
    "Invite": 10006,
    "Member": 10007,
    "Message": 10008,
    "Permission Overwrite": 10009,
    "Role": 10011,
    "User": 10013,
    "Emoji": 10014,
    "Webhook": 10015,
    "Ban": 10026,
    "interaction": 10062,
    "application command": 10063,
    "application command permissions": 10066,
}


def unknown(thing: str) -> DiscordError:
    """404 with the code of `thing`: "Channel", "Message", ... KeyError for a thing Discord has no code for."""
    return DiscordError(404, _UNKNOWN[thing], f"Unknown {thing}")


def missing_access() -> DiscordError:
    """The bot cannot see it."""
    return DiscordError(403, 50001, "Missing Access")


def missing_permissions() -> DiscordError:
    """The bot lacks a permission, or stands too low."""
    return DiscordError(403, 50013, "Missing Permissions")


def empty_message() -> DiscordError:
    """Nothing to send."""
    return DiscordError(400, 50006, "Cannot send an empty message")


def cannot_dm() -> DiscordError:
    """The person takes no direct messages from this bot."""
    return DiscordError(403, 50007, "Cannot send messages to this user")


def dm_channel() -> DiscordError:
    """Something that only a guild's channel can do."""
    return DiscordError(403, 50003, "Cannot execute action on a DM channel")


def system_message() -> DiscordError:
    """Something that cannot be done with what the system said."""
    return DiscordError(403, 50021, "Cannot execute action on a system message")


def archived() -> DiscordError:
    """Something that cannot be done in an archived thread."""
    return DiscordError(400, 50083, "Thread is archived")


def already_acknowledged() -> DiscordError:
    """The interaction has its first answer."""
    return DiscordError(400, 40060, "Interaction has already been acknowledged.")


def invalid_version() -> DiscordError:
    """A version of the API that is not served."""
    return DiscordError(400, 50041, "Invalid API version")


def too_large() -> DiscordError:
    """A request or a file that is too large."""
    return DiscordError(413, 40005, "Request entity too large")


def invalid_json() -> DiscordError:
    """The body is no JSON."""
    return DiscordError(400, 50109, "The request body contains invalid JSON.")


class Problems:
    """Collects what is wrong with a body, in Discord's tree: a level for each key or index, leaves under `_errors`."""

    def __init__(self) -> None:
        self._tree: JsonObject = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Note a fault of the value at `path`."""
        node = self._tree
        for part in path:
            child = node.setdefault(str(part), {})
            if not isinstance(child, dict):
                return
            node = child
        leaves = node.setdefault("_errors", [])
        if isinstance(leaves, list):
            leaves.append({"code": code, "message": message})

    def raise_if_any(self) -> None:
        """Raise 50035 with all faults noted so far."""
        if self._tree:
            raise DiscordError(400, 50035, "Invalid Form Body", self._tree)


def invalid_form(path: tuple[str | int, ...], code: str, message: str) -> DiscordError:
    """50035 with one fault."""
    problems = Problems()
    problems.add(path, code, message)
    try:
        problems.raise_if_any()
    except DiscordError as error:
        return error
    raise AssertionError("a problem was noted")
