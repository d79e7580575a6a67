"""What a database error means: wrong configuration, not reachable, worth another try.

`database.py` translates with it at its edge, `portable.retrying` decides with it, and the framework asks what became of
a handler (`blame`). Nobody else reads error numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sqlalchemy import exc

from migaga.common.errors import ConfigError, MigagaError, UnavailableError

# Error numbers: https://mariadb.com/docs/server/reference/error-codes and MySQL's "Server Error Message Reference".
_REFUSED = {
    1044: "the user may not use this database: grant it, or correct the url",
    1045: "the server refuses user or password: correct them in the url",
    1049: "this database does not exist on the server: create it, or correct its name in the url",
    1251: "the driver cannot log in that way: use mysql_native_password or caching_sha2_password",
    1698: "the server refuses user or password: correct them in the url",
    3159: "the server only takes TLS connections: add `?ssl=true` or `?ssl_ca=FILE` to the url",
}
_DOWN = frozenset(
    {
        1040,
        1047,
        1053,
        1129,
        1152,
        1158,
        1159,
        1160,
        1161,
        1184,
        1203,
        1226,
        1290,
        1317,
        1836,
        1927,
        2002,
        2003,
        2005,
        2006,
        2013,
        2055,
        3032,
        4031,
    }
)
_LOGIN = frozenset({1045, 1251, 1698, 3159})
"""Nothing was executed: nobody was let in."""
_AGAIN = frozenset({1020, 1205, 1213, 3572})
_DUPLICATE = frozenset({1022, 1062, 1169, 1586})

_REFUSED_BY_TEXT = {
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted: name its authority by `ssl_ca` in the "
    "url, and use the host name that is in the certificate",
    "unable to open database file": "the file cannot be opened: does its folder exist, and may this user write there?",
    "readonly database": "the file may not be written by this user: change its owner or mode, or the url",
    "not a database": "the file is something else than a SQLite database: choose another file",
    "malformed": "the file is damaged: restore a backup",
}


def _origin(error: BaseException) -> BaseException:
    """Return the driver's own error."""
    return error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error


def number(error: BaseException) -> int:
    """Return the server's error number of a MySQL family error; 0 when it has none."""
    arguments = _origin(error).args
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def is_temporary_conflict(error: BaseException) -> bool:
    """Tell whether the same transaction may succeed when it runs again: deadlock, lock time-out, SQLite's lock."""
    text = str(_origin(error))
    return number(error) in _AGAIN or "database is locked" in text or "database table is locked" in text


def is_duplicate(error: exc.IntegrityError) -> bool:
    """Tell whether a row with that key is there already."""
    text = str(_origin(error))
    return number(error) in _DUPLICATE or text.startswith(("UNIQUE constraint failed", "PRIMARY KEY must be unique"))


def is_unreachable(error: BaseException) -> bool:
    """Tell whether the server did not answer, or the connection broke."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    return number(error) in _DOWN or isinstance(_origin(error), OSError)


class Blame(Enum):
    """Why the database is to blame for a failure."""

    AWAY = "away"
    """It could not be reached, or broke off: what became of a commit is unknown."""
    CONFLICT = "conflict"
    """It has rolled the transaction back because of others: a deadlock, a lock that was held too long."""


def blame(error: BaseException) -> Blame | None:
    """Tell whether the database is to blame for what a handler raised; None for every error of the handler's own.

    Looks into groups of errors, and at what an error was raised from. A socket's error alone says nothing: it may be of
    any server that a handler calls.
    """
    found = {one for cause in _causes(error) if (one := _blame(cause)) is not None}
    return Blame.AWAY if Blame.AWAY in found else next(iter(found), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error, what it was raised from, and the members of a group."""
    seen: set[int] = set()
    left: list[BaseException] = [error]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if one.__cause__ is not None:
            left.append(one.__cause__)
        if isinstance(one, BaseExceptionGroup):
            left.extend(one.exceptions)


def _blame(error: BaseException) -> Blame | None:
    match error:
        case UnavailableError() | exc.TimeoutError():
            return Blame.AWAY
        case exc.DBAPIError():
            if is_temporary_conflict(error):
                return Blame.CONFLICT
            return Blame.AWAY if is_unreachable(error) or number(error) in _LOGIN else None
        case _:
            return None


def locked(target: str) -> UnavailableError:
    """Say that somebody keeps the database, or a table of it, locked."""
    return UnavailableError(f"database {target}: another process keeps it locked: end it, or try again later.")


def explain(error: exc.SQLAlchemyError, target: str) -> MigagaError | None:
    """Translate what people can act on; None for an error of the statement itself.

    Args:
        error: What SQLAlchemy raised.
        target: The database's url without its password.
    """
    if isinstance(error, exc.TimeoutError):
        return UnavailableError(
            f"database {target}: no connection became free in time: the modules hold all of them. "
            "Look for handlers that keep a transaction open while they wait."
        )
    text = str(_origin(error))
    advice = _REFUSED.get(number(error)) or next((a for part, a in _REFUSED_BY_TEXT.items() if part in text), None)
    if advice is not None:
        return ConfigError(f"database {target}: {advice} ({_reason(error)})")
    if is_unreachable(error):
        return UnavailableError(
            f"database {target}: not reachable ({_reason(error)}). Is the server running at this address?"
        )
    return None


def _reason(error: BaseException) -> str:
    """Return the driver's text, one line; it holds no password."""
    origin = _origin(error)
    text = str(origin.args[-1]) if origin.args else type(origin).__name__
    return " ".join(text.split()).rstrip(".") or type(origin).__name__
