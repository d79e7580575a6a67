"""Database urls: what is accepted, what it becomes, and how it is shown.

`database.py` calls it. Passwords leave this module only inside the url that goes to the engine.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from sqlalchemy import URL, exc, make_url

from migaga.common.errors import ConfigError

Dialect = Literal["sqlite", "mysql"]

_DRIVERS: dict[str, tuple[Dialect, str]] = {
    "sqlite": ("sqlite", "sqlite+aiosqlite"),
    "sqlite+aiosqlite": ("sqlite", "sqlite+aiosqlite"),
    "mysql": ("mysql", "mysql+asyncmy"),
    "mysql+asyncmy": ("mysql", "mysql+asyncmy"),
    "mariadb": ("mysql", "mysql+asyncmy"),
    "mariadb+asyncmy": ("mysql", "mysql+asyncmy"),
}
_FORMS = "sqlite+aiosqlite:///migaga.db or mysql+asyncmy://user:password@host:3306/database"
_MYSQL_OPTIONS = ("charset", "ssl", "ssl_ca", "ssl_cert", "ssl_check_hostname", "ssl_key", "unix_socket")
_YES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Target:
    """A checked url."""

    dialect: Dialect
    url: URL = field(repr=False)
    """With the driver's name, without options."""
    label: str
    """As people and logs see it: no password."""
    memory: bool = False
    """A SQLite database that lives no longer than the one who opened it."""
    unix_socket: str | None = None
    ssl_context: ssl.SSLContext | None = None


def redact_url(url: str) -> str:
    """Return the url without its password; what cannot be read as one shows its scheme alone."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (exc.ArgumentError, ValueError):
        scheme, found, _ = url.partition("://")
        return f"{scheme}://..." if found and scheme.replace("+", "").isalnum() else "..."


def parse_url(url: str) -> Target:
    """Check a database url.

    Raises:
        ConfigError: It names no database that Migaga can use.
    """
    label = redact_url(url)
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigError(f"database url `{label}` is malformed: write {_FORMS}") from error
    if parsed.drivername not in _DRIVERS:
        close = get_close_matches(parsed.drivername, _DRIVERS, n=1)
        hint = f" (did you mean `{close[0]}`?)" if close else ""
        raise ConfigError(f"database url `{label}`: `{parsed.drivername}` is not supported{hint}: write {_FORMS}")
    dialect, driver = _DRIVERS[parsed.drivername]
    parsed = parsed.set(drivername=driver)
    return _sqlite(parsed, label) if dialect == "sqlite" else _mysql(parsed, label)


def _sqlite(url: URL, label: str) -> Target:
    if url.host or url.username or url.port:
        raise ConfigError(f"database url `{label}`: a SQLite file needs three slashes: sqlite+aiosqlite:///{url.host}")
    if url.query:
        raise ConfigError(f"database url `{label}`: SQLite takes no options: remove `?{'&'.join(url.query)}`")
    memory = url.database in {None, "", ":memory:"}
    return Target("sqlite", url.set(query={}), label, memory=memory)


def _mysql(url: URL, label: str) -> Target:
    if not url.database:
        raise ConfigError(f"database url `{label}` names no database: write {_FORMS}")
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    for name in options:
        if name not in _MYSQL_OPTIONS:
            close = get_close_matches(name, _MYSQL_OPTIONS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(_MYSQL_OPTIONS)}"
            raise ConfigError(f"database url `{label}`: unknown option `{name}`: {hint}")
    if options.get("charset", "utf8mb4").lower() != "utf8mb4":
        raise ConfigError(f"database url `{label}`: `charset` must be utf8mb4, or emoji are lost: leave it out")
    return Target(
        "mysql",
        url.set(query={}, host=url.host or "127.0.0.1", port=url.port or 3306),
        label,
        unix_socket=options.get("unix_socket"),
        ssl_context=_tls(options, label),
    )


def _tls(options: Mapping[str, str], label: str) -> ssl.SSLContext | None:
    """Build the TLS context: the server's certificate is checked unless `ssl_check_hostname=false` says otherwise."""
    wanted = _switch(options, "ssl", label, default=any(name.startswith("ssl_") for name in options))
    if not wanted:
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca"))
        context.check_hostname = _switch(options, "ssl_check_hostname", label, default=True)
        if "ssl_cert" in options:
            context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    except OSError as error:
        raise ConfigError(
            f"database url `{label}`: the files of `ssl_ca`, `ssl_cert` or `ssl_key` cannot be used ({error})"
        ) from error
    return context


def _switch(options: Mapping[str, str], name: str, label: str, *, default: bool) -> bool:
    if name not in options:
        return default
    value = _YES.get(options[name].lower())
    if value is None:
        raise ConfigError(f"database url `{label}`: `{name}` must be true or false, not `{options[name]}`")
    return value
