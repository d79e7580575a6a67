"""The spec of a `BotDeployment`: what a person may ask for. `definition.py` makes the CRD of it, `read.py` reads it.

The descriptions are what `kubectl explain` shows. A field that is left out and has no default is None here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migaga.common.sections import DEFAULT_INTENTS
from migaga.common.values import INTENTS
from migaga_operator.crd.kinds import Choice, Free, ListOf, Text, Whole
from migaga_operator.crd.pod import Pod, Resources
from migaga_operator.crd.record import Record, Validation, entry
from migaga_operator.json_types import Json

LABEL_NAME = r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$"
MODULE_NAME = r"^[a-z][a-z0-9_]{0,49}$"
SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Where the bot token is."""

    name: str = field(
        metadata=entry(
            Text(253, pattern=SUBDOMAIN, expected="the name of a Secret"), "The name of a Secret in the same namespace."
        )
    )
    key: str = field(
        default="token",
        metadata=entry(
            Text(253, pattern=r"^[-._a-zA-Z0-9]+$", expected="a key of that Secret, such as token"),
            "The key in that Secret whose value is the bot token and nothing else.",
            default="token",
        ),
    )


@dataclass(frozen=True, slots=True)
class UrlKey:
    """Where the address of the database is."""

    name: str = field(
        metadata=entry(
            Text(253, pattern=SUBDOMAIN, expected="the name of a Secret"), "The name of a Secret in the same namespace."
        )
    )
    key: str = field(
        default="database-url",
        metadata=entry(
            Text(253, pattern=r"^[-._a-zA-Z0-9]+$", expected="a key of that Secret, such as database-url"),
            "The key in that Secret whose value is an address such as mysql+asyncmy://USER:PASSWORD@HOST:3306/NAME "
            "(special characters url-encoded). MySQL 8.0 or MariaDB 10.6, and later.",
            default="database-url",
        ),
    )


@dataclass(frozen=True, slots=True)
class Database:
    """The database that all pods of the bot share."""

    url_secret_ref: UrlKey = field(
        metadata=entry(
            Record(UrlKey),
            "The Secret that holds the database's address. Pods read it when they start: roll them after a change.",
        )
    )


@dataclass(frozen=True, slots=True)
class Reshard:
    """When Discord's recommendation is followed."""

    min_interval_minutes: int = field(
        default=360,
        metadata=entry(
            Whole(0, 43_200),
            "Minutes that lie at least between two changes of the shard count by recommendation.",
            default=360,
        ),
    )
    tolerance_percent: int = field(
        default=20,
        metadata=entry(
            Whole(0, 1_000),
            "By how many percent the recommendation must be above the present count before the bot is resharded; "
            "it must be below by twice as much before shards are taken away (with 50 and more, none ever are).",
            default=20,
        ),
    )


@dataclass(frozen=True, slots=True)
class Shards:
    """How many gateway connections, and how many of them in one pod."""

    mode: str = field(
        default="Recommended",
        metadata=entry(
            Choice(("Recommended", "Fixed")),
            "Recommended: as many shards as Discord recommends, followed with hysteresis. Fixed: as many as count "
            "says.",
            default="Recommended",
        ),
    )
    count: int | None = field(
        default=None,
        metadata=entry(
            Whole(1, 16_384),
            "The shard count of the whole bot; only with mode Fixed. A change reshards without losing an event, "
            "and costs that many IDENTIFYs of Discord's daily budget.",
        ),
    )
    max_per_pod: int = field(
        default=16,
        metadata=entry(
            Whole(1, 1_000),
            "How many shards one pod holds at most while all pods are well. When pods are missing the others take up "
            "to four times as many.",
            default=16,
        ),
    )
    multiple_of: int = field(
        default=1,
        metadata=entry(
            Whole(1, 10_000),
            "The shard count is a multiple of this number. Discord assigns one to bots in over 150,000 guilds.",
            default=1,
        ),
    )
    reshard: Reshard = field(
        default_factory=Reshard,
        metadata=entry(
            Record(Reshard), "When Discord's recommendation is followed; only with mode Recommended.", default={}
        ),
    )


@dataclass(frozen=True, slots=True)
class Identify:
    """The daily budget of IDENTIFYs."""

    reserve: int = field(
        default=100,
        metadata=entry(
            Whole(0, 100_000),
            "IDENTIFYs of the daily budget that are kept for shards that lose their session. What would use them is "
            "not begun.",
            default=100,
        ),
    )


@dataclass(frozen=True, slots=True)
class Module:
    """One feature module."""

    name: str = field(
        metadata=entry(
            Text(50, pattern=MODULE_NAME, expected="the name of a module, such as points"),
            "The name of the module, as `migaga modules` lists it.",
        )
    )
    workers: str | None = field(
        default=None,
        metadata=entry(
            Text(30, pattern=LABEL_NAME, expected="the name of one of spec.workers"),
            "The worker pool (a name of spec.workers) that runs this module. Left out: the shard pods run it.",
        ),
    )
    options: Mapping[str, Json] | None = field(
        default=None,
        metadata=entry(Free(), "What the module's options are in guilds that have not set them: names and values."),
    )


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Pods that run modules, and hold neither a gateway connection nor the token."""

    name: str = field(
        metadata=entry(Text(30, pattern=LABEL_NAME, expected="a name such as heavy"), "The name that modules refer to.")
    )
    replicas: int = field(default=1, metadata=entry(Whole(0, 100), "How many pods the pool has.", default=1))
    resources: Resources | None = field(
        default=None,
        metadata=entry(
            Record(Resources), "What each pod of the pool may use. Left out: the same as spec.pod.resources."
        ),
    )


@dataclass(frozen=True, slots=True)
class BotSpec:
    """What a person asks for."""

    application_id: str = field(
        metadata=entry(
            Text(20, 17, r"^[1-9][0-9]{16,19}$", 'the application id, such as "123456789012345678"'),
            "The application id of the bot, between quotation marks: General Information > Application ID at "
            "https://discord.com/developers/applications. It never changes.",
            validations=(
                Validation(
                    "self == oldSelf",
                    "applicationId never changes: its database belongs to this application. Make another BotDeployment "
                    "with a database of its own for another bot",
                ),
            ),
        )
    )
    image: str = field(
        metadata=entry(
            Text(
                512,
                pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$",
                expected="an image such as registry.example/migaga:5.0.0",
            ),
            "The image of the shard and worker pods, best with a tag or digest that never changes. A new one is "
            "rolled out shard by "
            "shard, and stops at the first pod that does not become ready.",
        )
    )
    token_secret_ref: TokenKey = field(
        metadata=entry(
            Record(TokenKey),
            "The Secret that holds the bot token. It is mounted as a file: pods take a new value without a restart.",
        )
    )
    database: Database = field(metadata=entry(Record(Database), "The database that all pods of the bot share."))
    image_pull_policy: str | None = field(
        default=None,
        metadata=entry(
            Choice(("Always", "IfNotPresent", "Never")),
            "When the image is pulled. Left out: as Kubernetes decides by its tag.",
        ),
    )
    intents: tuple[str, ...] = field(
        default=tuple(DEFAULT_INTENTS.split()),
        metadata=entry(
            ListOf(Choice(tuple(INTENTS)), len(INTENTS), least=1, unique=True),
            "The gateway intents to ask for. GUILD_MEMBERS, GUILD_PRESENCES and MESSAGE_CONTENT must be switched on at "
            "https://discord.com/developers/applications > Bot > Privileged Gateway Intents. A change costs as many "
            "IDENTIFYs as there are shards.",
            default=DEFAULT_INTENTS.split(),
        ),
    )
    mode: str = field(
        default="Running",
        metadata=entry(
            Choice(("Running", "Paused", "Stopped")),
            "Running. Paused: connections stay, events are counted and not handled, interactions get an apology. "
            "Stopped: no pods; Discord keeps what happens for about a minute only.",
            default="Running",
        ),
    )
    replicas: int | None = field(
        default=None,
        metadata=entry(
            Whole(0, 1_000),
            "How many shard pods. Left out: as many as the shards need, and one to spare. `kubectl scale` and a "
            "HorizontalPodAutoscaler write it; shards move by RESUME, the shard count stays.",
        ),
    )
    shards: Shards = field(
        default_factory=Shards,
        metadata=entry(Record(Shards), "How many gateway connections, and how many in one pod.", default={}),
    )
    identify: Identify = field(
        default_factory=Identify,
        metadata=entry(Record(Identify), "How Discord's daily budget of IDENTIFYs is used.", default={}),
    )
    modules: tuple[Module, ...] | None = field(
        default=None,
        metadata=entry(
            ListOf(Record(Module), 100, least=1, key="name"),
            "The feature modules to load. Left out: all that the image has.",
        ),
    )
    workers: tuple[WorkerPool, ...] = field(
        default=(),
        metadata=entry(
            ListOf(Record(WorkerPool), 20, key="name"), "Pools of pods that run modules outside the shard pods."
        ),
    )
    pod: Pod = field(default_factory=Pod, metadata=entry(Record(Pod), "What else the pods need.", default={}))

    @property
    def shard_modules(self) -> tuple[str, ...] | None:
        """The modules that shard pods run; None means all."""
        return None if self.modules is None else tuple(item.name for item in self.modules if item.workers is None)
