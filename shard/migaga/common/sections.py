"""The sections of the configuration: small frozen dataclasses, one field a key.

Each field's metadata also holds what the reference page (`reference.py`) says about it.
`settings.py` fills them from `config.ini` and the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from migaga.common import values

DISCORD_API = "https://discord.com/api/v10"
DEFAULT_DATABASE = "sqlite+aiosqlite:///migaga.db"
DEFAULT_INTENTS = (
    "GUILDS GUILD_MEMBERS GUILD_MODERATION GUILD_MESSAGES GUILD_MESSAGE_REACTIONS DIRECT_MESSAGES MESSAGE_CONTENT"
)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known about one key of the configuration."""

    name: str
    parse: Callable[[str], object]
    doc: str
    default: str
    """The default as people would write it; empty when there is none."""
    secret: bool
    """Its value is never shown, not even in a complaint about it."""


def key(
    name: str, parse: Callable[[str], object], doc: str, *, shown: str = "", secret: bool = False
) -> dict[str, Key]:
    """Make the metadata of a field that is a key of the configuration. `shown` is the default as people write it."""
    return {"key": Key(name, parse, doc, shown, secret)}


@dataclass(frozen=True, slots=True)
class EnvSettings:
    """Who the bot is."""

    client_id: int | None = field(
        default=None,
        metadata=key(
            "ClientId", values.snowflake, "The application id. Optional; when given, the token must belong to it."
        ),
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=key(
            "Token",
            values.text,
            "The bot token, from https://discord.com/developers/applications > your application > Bot > Reset Token.",
            secret=True,
        ),
    )
    token_file: Path | None = field(
        default=None,
        metadata=key(
            "TokenFile",
            values.path,
            "A file that holds the token and nothing else, in place of `Token`. A running process notices another "
            "token in it and takes it.",
        ),
    )
    version: str = field(
        default="", metadata=key("Version", values.text, "Your name for this revision; shown in `/status`.")
    )


@dataclass(frozen=True, slots=True)
class BotSettings:
    """How the bot behaves."""

    whitelisted_bot_ids: frozenset[int] = field(
        default=frozenset(),
        metadata=key(
            "WhitelistedBotIds",
            values.snowflakes,
            "Bots whose messages may trigger commands, ids separated by spaces. Messages of other bots never do.",
        ),
    )
    owner_ids: frozenset[int] = field(
        default=frozenset(),
        metadata=key(
            "OwnerIds",
            values.snowflakes,
            "People who may use owner-only commands, besides the application's owner and team.",
        ),
    )
    prefix: str = field(
        default="!",
        metadata=key(
            "Prefix", values.prefix, "What text commands begin with where a guild has not chosen its own.", shown="!"
        ),
    )
    intents: int = field(
        default=values.intents(DEFAULT_INTENTS),
        metadata=key(
            "Intents",
            values.intents,
            "Names of the gateway intents to ask for. GUILD_MEMBERS, GUILD_PRESENCES and MESSAGE_CONTENT must be "
            "switched on at https://discord.com/developers/applications > your application > Bot > Privileged Gateway "
            "Intents.",
            shown=DEFAULT_INTENTS,
        ),
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where rows live: `Url`, or the five keys of version 4, which mean a MySQL or MariaDB server."""

    url: str = field(
        default=DEFAULT_DATABASE,
        repr=False,
        metadata=key(
            "Url",
            values.text,
            "`sqlite+aiosqlite:///FILE` or `mysql+asyncmy://USER:PASSWORD@HOST:PORT/NAME` (special characters "
            "url-encoded).",
            shown=DEFAULT_DATABASE,
            secret=True,
        ),
    )
    host: str | None = field(default=None, metadata=key("Host", values.text, "The database server, in place of `Url`."))
    user: str | None = field(default=None, metadata=key("User", values.text, "The user on that server."))
    password: str | None = field(
        default=None, repr=False, metadata=key("Password", values.text, "That user's password, as it is.", secret=True)
    )
    port: int = field(default=3306, metadata=key("Port", values.integer(1, 65_535), "The server's port.", shown="3306"))
    database: str | None = field(
        default=None, metadata=key("Database", values.text, "The name of the database on that server.")
    )
    connect_timeout: timedelta = field(
        default=timedelta(seconds=60),
        metadata=key(
            "ConnectTimeout",
            values.seconds(0, 86_400),
            "Seconds to wait at start for a database that does not answer.",
            shown="60",
        ),
    )


@dataclass(frozen=True, slots=True)
class DiscordSettings:
    """Where Discord is, and how fast it is called."""

    api_url: str = field(
        default=DISCORD_API,
        metadata=key(
            "ApiUrl",
            values.http_url,
            "Address of Discord's REST API with its version. Change it to use an emulator or a proxy.",
            shown=DISCORD_API,
        ),
    )
    calls_per_second: int = field(
        default=45,
        metadata=key(
            "CallsPerSecond",
            values.integer(1, 10_000),
            "REST calls of this process in a second. Discord allows a bot 50 in all its processes together: share them "
            "out when there are several. Answers to interactions do not count.",
            shown="45",
        ),
    )
    ask_every: timedelta = field(
        default=timedelta(seconds=600),
        metadata=key(
            "AskEvery",
            values.seconds(5, 86_400),
            "Seconds after which a process asks Discord again for the recommended shard count and the IDENTIFY budget, "
            "to show them in `/status`.",
            shown="600",
        ),
    )


@dataclass(frozen=True, slots=True)
class ShardSettings:
    """Which shards this process runs."""

    count: int | Literal["recommended"] = field(
        default="recommended",
        metadata=key(
            "Count",
            values.shard_count,
            "Shards of the whole bot: a number, or `recommended` to ask Discord at start.",
            shown="recommended",
        ),
    )
    ids: tuple[int, ...] = field(
        default=(),
        metadata=key(
            "Ids",
            values.shard_ids,
            "The shards that this process may run, such as `0,2` or `0-3`. Processes share them out by themselves: "
            "leave it out.",
            shown="all",
        ),
    )
    stop_grace: timedelta = field(
        default=timedelta(seconds=10),
        metadata=key(
            "StopGrace",
            values.seconds(0, 3_600),
            "Seconds from the order to stop to its end. Until another process has taken a shard, it is served on; "
            "running handlers may end. Events that are not finished by then are handled by the next owner.",
            shown="10",
        ),
    )


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """This process among the others that run the same bot on the same database."""

    revision: int = field(
        default=0,
        metadata=key(
            "Revision",
            values.integer(0, 999_999_999),
            "A number that grows with each new version of the bot or of its configuration. Processes of the highest "
            "one take over, after they have proved themselves on one shard.",
            shown="0",
        ),
    )
    capacity: int = field(
        default=16,
        metadata=key(
            "Capacity",
            values.integer(1, 1_000),
            "Shards that this process would like to hold at most. When processes are missing it takes up to 4 times "
            "as many.",
            shown="16",
        ),
    )
    identify_reserve: int = field(
        default=100,
        metadata=key(
            "IdentifyReserve",
            values.integer(0, 100_000),
            "IDENTIFYs of Discord's daily budget that are kept for shards that lose their session.",
            shown="100",
        ),
    )
    multiple_of: int = field(
        default=1,
        metadata=key(
            "MultipleOf",
            values.integer(1, 10_000),
            "The shard count is a multiple of this number. Discord assigns one to bots above 150,000 guilds.",
            shown="1",
        ),
    )
    warm_within: timedelta = field(
        default=timedelta(seconds=600),
        metadata=key(
            "WarmWithin",
            values.seconds(10, 86_400),
            "Seconds in which all shards of another count, or with other intents, must be connected and have all "
            "guilds. Otherwise the change is given up, and tried again later.",
            shown="600",
        ),
    )
    armed_for: timedelta = field(
        default=timedelta(seconds=60),
        metadata=key(
            "ArmedFor",
            values.seconds(10, 3_600),
            "Seconds for which both sets of shards run beside each other before the new ones take over. Fewer make a "
            "change quicker, and more likely to handle an event twice that is handled late.",
            shown="60",
        ),
    )
    state_directory: Path | None = field(
        default=Path("migaga-state"),
        metadata=key(
            "StateDirectory",
            values.folder,
            "Folder for what this process has finished since it last told the database. After a crash it repeats at "
            "most what was running. It should outlive the process, and holds no secret; `none` does without.",
            shown="migaga-state",
        ),
    )
    mode_file: Path | None = field(
        default=None,
        metadata=key(
            "ModeFile",
            values.path,
            "A file that holds `running`, `paused` or `stopped`. A running process notices a change of it within about "
            "two seconds. While it is paused, its shards stay connected and no event is handled; when the bot is "
            "stopped, a process that is asked to stop waits for no other one.",
        ),
    )
    wait_for_taker: timedelta = field(
        default=timedelta(0),
        metadata=key(
            "WaitForTaker",
            values.seconds(0, 3_600),
            "Seconds that a process which is asked to stop, and is alone, goes on and waits for another one to take "
            "its shards.",
            shown="0",
        ),
    )
    address: str | None = field(
        default=None,
        metadata=key("Address", values.text, "Where other tools reach this process's HTTP port. For display."),
    )


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """Which feature modules are loaded."""

    load: tuple[str, ...] | None = field(
        default=None,
        metadata=key(
            "Load",
            values.words,
            "Names of the modules to load, separated by spaces.",
            shown="all built-in modules and those in `Directories`",
        ),
    )
    directories: tuple[Path, ...] = field(
        default=(), metadata=key("Directories", values.paths, "Folders with modules of your own, separated by commas.")
    )
    options: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict,
        metadata=key(
            "Options",
            values.options,
            "What modules' options are in guilds that have not set them, as a JSON object: "
            '`{"MODULE": {"OPTION": VALUE}}`.',
        ),
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where `/metrics`, `/healthz`, `/readyz` and `/status` are served."""

    host: str = field(
        default="127.0.0.1", metadata=key("Host", values.text, "The address to listen on.", shown="127.0.0.1")
    )
    port: int = field(
        default=8080,
        metadata=key("Port", values.integer(0, 65_535), "The port; `0` takes any free one and logs it.", shown="8080"),
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how. The log goes to stderr; secrets never do."""

    level: str = field(
        default="INFO",
        metadata=key(
            "Level",
            values.one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.",
            shown="INFO",
        ),
    )
    format: str = field(
        default="text",
        metadata=key("Format", values.one_of("text", "json"), "`text`, or `json` for one object a line.", shown="text"),
    )


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long rows of guilds are kept that the bot has left."""

    guild_days: int = field(
        default=30,
        metadata=key(
            "GuildDays",
            values.integer(0, 36_500),
            "Days after which a guild's data is deleted when the bot has left it.",
            shown="30",
        ),
    )
