"""Settings of a process: what `config.ini` and the environment say, checked at load.

The composition roots and the sub-commands call `load_settings`. Names are matched without case; environment
variables `MIGAGA_<SECTION>_<KEY>` win over the file. Version 4's file works unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from migaga.common.credentials import GET_ONE, check_token, read_token_file
from migaga.common.errors import ConfigError
from migaga.common.ini import Entry, read_ini
from migaga.common.sections import (
    DEFAULT_DATABASE,
    BotSettings,
    DatabaseSettings,
    DiscordSettings,
    EnvSettings,
    FleetSettings,
    HttpSettings,
    Key,
    LogSettings,
    ModuleSettings,
    RetentionSettings,
    ShardSettings,
)
from migaga.common.text import did_you_mean

S = TypeVar("S")

PREFIX = "MIGAGA_"
NO_TOKEN = (
    "there is no bot token. Set Token (or TokenFile) in section [Env] of the configuration file, or the environment "
    f"variable MIGAGA_ENV_TOKEN. {GET_ONE}"
)
_PARTS = ("host", "user", "password", "port", "database")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The token, and the application it belongs to."""

    application_id: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, by section."""

    env: EnvSettings = field(default_factory=EnvSettings)
    bot: BotSettings = field(default_factory=BotSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    discord: DiscordSettings = field(default_factory=DiscordSettings)
    shards: ShardSettings = field(default_factory=ShardSettings)
    fleet: FleetSettings = field(default_factory=FleetSettings)
    modules: ModuleSettings = field(default_factory=ModuleSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    log: LogSettings = field(default_factory=LogSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    source: Path | None = None
    """The file that was read."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value in here that must never be shown."""
        found = (self.env.token, self.database.password, url_password(self.database.url))
        return tuple(secret for secret in found if secret)

    def credentials(self) -> Credentials:
        """Return the token and its application. Raises ConfigError, saying where to get one, when there is none."""
        if self.env.token is None:
            raise ConfigError(f"{self.source}: {NO_TOKEN}" if self.source else NO_TOKEN)
        return Credentials(check_token(self.env.token, self.env.client_id, "[Env] Token"), self.env.token)


SECTIONS: Mapping[str, type] = {
    "Env": EnvSettings,
    "Bot": BotSettings,
    "Database": DatabaseSettings,
    "Discord": DiscordSettings,
    "Shards": ShardSettings,
    "Fleet": FleetSettings,
    "Modules": ModuleSettings,
    "Http": HttpSettings,
    "Log": LogSettings,
    "Retention": RetentionSettings,
}
"""Name as it is written -> its dataclass. The attribute of `Settings` is the name in lower case."""


def keys_of(section: type) -> dict[str, Key]:
    """Return the keys of a section's dataclass by the name of their field."""
    return {item.name: item.metadata["key"] for item in fields(section)}


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from a file (None: only from the environment) and `environ`, which wins.

    Raises ConfigError naming the file and line (or the variable), section and key, what is expected, and for an
    unknown name the nearest right one. A file without a token loads: see `Settings.credentials`.
    """
    entries = [*(read_ini(path) if path else ()), *_from_environment(environ)]
    found: dict[str, dict[str, Entry]] = {name: {} for name in SECTIONS}
    for entry in entries:
        section = _section(entry)
        if not entry.key:
            continue
        name = _field(entry, section)
        before = found[section].get(name)
        # The environment's come last and win; a file that says two things is a mistake of its author.
        if before is not None and not entry.where.startswith("environment"):
            raise ConfigError(f"{entry.where}: [{section}] {entry.key} stands in {before.where} already. Keep one.")
        found[section][name] = entry
    _settle_alternatives(found, path)
    settings = Settings(
        env=_read(EnvSettings, found["Env"]),
        bot=_read(BotSettings, found["Bot"]),
        database=_read(DatabaseSettings, found["Database"]),
        discord=_read(DiscordSettings, found["Discord"]),
        shards=_read(ShardSettings, found["Shards"]),
        fleet=_read(FleetSettings, found["Fleet"]),
        modules=_read(ModuleSettings, found["Modules"]),
        http=_read(HttpSettings, found["Http"]),
        log=_read(LogSettings, found["Log"]),
        retention=_read(RetentionSettings, found["Retention"]),
        source=path,
    )
    settings = _with_token(_with_mode_file(_with_database_url(settings, found["Database"]), path), found["Env"], path)
    return _with_shards_checked(settings, found)


def _from_environment(environ: Mapping[str, str]) -> Iterator[Entry]:
    """Make entries of `MIGAGA_<SECTION>_<KEY>`; underscores inside the key do not matter."""
    known = {
        f"{PREFIX}{name}_{key.name}".upper(): (name, key.name)
        for name, section in SECTIONS.items()
        for key in keys_of(section).values()
    }
    plain = {variable.replace("_", ""): target for variable, target in known.items()}
    for variable, value in environ.items():
        if not variable.upper().startswith(PREFIX):
            continue
        target = plain.get(variable.upper().replace("_", ""))
        if target is None:
            raise ConfigError(
                f"environment variable {variable}: there is no such setting.{did_you_mean(variable, known)} "
                "See docs/configuration.md for all of them."
            )
        yield Entry(*target, value.strip(), f"environment variable {variable}")


def _section(entry: Entry) -> str:
    for name in SECTIONS:
        if name.casefold() == entry.section.casefold():
            return name
    raise ConfigError(
        f"{entry.where}: there is no section [{entry.section}].{did_you_mean(entry.section, SECTIONS)} "
        f"There are {', '.join(f'[{name}]' for name in SECTIONS)}."
    )


def _field(entry: Entry, section: str) -> str:
    keys = keys_of(SECTIONS[section])
    for name, key in keys.items():
        if key.name.casefold() == entry.key.casefold():
            return name
    names = [key.name for key in keys.values()]
    elsewhere = [
        f"[{other}]"
        for other, kind in SECTIONS.items()
        if entry.key.casefold() in {key.name.casefold() for key in keys_of(kind).values()}
    ]
    hint = f" It belongs into {elsewhere[0]}." if elsewhere else did_you_mean(entry.key, names)
    raise ConfigError(f"{entry.where}: section [{section}] has no key {entry.key!r}.{hint} It has {', '.join(names)}.")


def _read(section: type[S], entries: Mapping[str, Entry]) -> S:
    """Make the dataclass of a section. An empty value means the default."""
    values: dict[str, object] = {}
    for name, key in keys_of(section).items():
        entry = entries.get(name)
        if entry is None or not entry.value:
            continue
        try:
            values[name] = key.parse(entry.value)
        except ValueError as error:
            said = str(error)
            end = "" if said[-1:] in ".?" else "."
            raise ConfigError(f"{entry.where}: [{entry.section}] {key.name}: {said}{end}") from error
    return section(**values)


def _settle_alternatives(found: Mapping[str, dict[str, Entry]], path: Path | None) -> None:
    """Where two keys say the same thing, keep the environment's; two in one place are a contradiction."""
    for section, first, others in (("Env", "token", ("token_file",)), ("Database", "url", _PARTS)):
        entries = found[section]
        one = entries.get(first)
        rest = [entries[name] for name in others if name in entries and entries[name].value]
        if one is None or not one.value or not rest:
            continue
        from_environment = {entry.where.startswith("environment") for entry in rest}
        if from_environment == {False} and one.where.startswith("environment"):
            for name in others:
                entries.pop(name, None)
        elif True in from_environment and not one.where.startswith("environment"):
            del entries[first]
        else:
            raise ConfigError(
                f"{rest[0].where}: section [{section}] has both {one.key} and {rest[0].key}. Keep one of them."
            )


def _with_token(settings: Settings, entries: Mapping[str, Entry], path: Path | None) -> Settings:
    """Take the token from its file when one is named, and check its shape."""
    env = settings.env
    token, where = env.token, entries["token"].where if "token" in entries else ""
    if env.token_file is not None:
        where = entries["token_file"].where
        file = _beside(env.token_file, path)
        env, token = replace(env, token_file=file), read_token_file(file, where)
    if token is None:
        return settings
    check_token(token, env.client_id, f"{where}: [Env] Token")
    return replace(settings, env=replace(env, token=token))


def _with_mode_file(settings: Settings, path: Path | None) -> Settings:
    if settings.fleet.mode_file is None:
        return settings
    return replace(settings, fleet=replace(settings.fleet, mode_file=_beside(settings.fleet.mode_file, path)))


def _beside(file: Path, path: Path | None) -> Path:
    """Return where a file is that the configuration file at `path` names."""
    return file if path is None else path.parent / file


def _with_database_url(settings: Settings, entries: Mapping[str, Entry]) -> Settings:
    """Make the url of version 4's keys."""
    database = settings.database
    given = [name for name in _PARTS if name in entries and entries[name].value]
    if not given:
        return settings
    missing = [name.capitalize() for name in ("host", "user", "database") if getattr(database, name) is None]
    if missing:
        raise ConfigError(
            f"{entries[given[0]].where}: section [Database] names a server but lacks {', '.join(missing)}. "
            f"Add them, or use Url; leave all of them out for {DEFAULT_DATABASE}."
        )
    return replace(settings, database=replace(database, url=_mysql_url(database)))


def _mysql_url(database: DatabaseSettings) -> str:
    host = database.host or ""
    user = quote(database.user or "", safe="")
    password = "" if database.password is None else ":" + quote(database.password, safe="")
    address = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"mysql+asyncmy://{user}{password}@{address}:{database.port}/{quote(database.database or '', safe='')}"


def _with_shards_checked(settings: Settings, found: Mapping[str, Mapping[str, Entry]]) -> Settings:
    count, ids = settings.shards.count, settings.shards.ids
    if count != "recommended" and ids and ids[-1] >= count:
        where = found["Shards"]["ids"].where
        raise ConfigError(f"{where}: [Shards] Ids: with Count = {count}, ids go from 0 to {count - 1}, not {ids[-1]}.")
    return settings


def url_password(url: str) -> str | None:
    """Return the password in a database url, decoded, or None when there is none."""
    try:
        found = urlsplit(url).password
    except ValueError:
        return None
    return unquote(found) if found else None
