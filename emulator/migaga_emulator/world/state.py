"""What the world consists of. Plain data; the collaborators of `World` are the only ones that change it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from migaga_emulator.world.wire import JsonObject

WRITTEN_TYPES = (0, 19, 20, 23)
"""Types of messages that somebody wrote: plain, reply, answer to a command, answer to a context menu."""


@dataclass(slots=True, eq=False)
class User:
    """A person or the user of a bot."""

    id: int
    username: str
    global_name: str | None = None
    avatar: str | None = None
    bot: bool = False
    takes_dms: bool = True


@dataclass(slots=True, eq=False)
class Bot:
    """An application with its bot user."""

    application_id: int
    user: User
    token: str
    name: str
    owner: User
    privileged_intents: int
    revoked: bool = False
    guild_ids: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Role:
    """A role of a guild; the one whose id is the guild's is @everyone."""

    id: int
    name: str
    permissions: int
    position: int
    color: int = 0
    hoist: bool = False
    mentionable: bool = False
    managed: bool = False
    bot_id: int | None = None


@dataclass(slots=True)
class Overwrite:
    """A permission overwrite of a channel: for a role (type 0) or a member (type 1)."""

    id: int
    type: int
    allow: int
    deny: int


@dataclass(slots=True, eq=False)
class Thread:
    """What a channel has more when it is a thread."""

    owner_id: int
    archived: bool
    locked: bool
    auto_archive_minutes: int
    archived_at: float
    member_ids: dict[int, float] = field(default_factory=dict)
    """When each member joined: user id to seconds since the Unix epoch."""
    invitable: bool = True
    message_count: int = 0
    total_messages: int = 0
    """Those that were deleted included."""


@dataclass(slots=True, eq=False)
class Channel:
    """A channel of a guild, a thread, or a direct message channel (guild_id None)."""

    id: int
    type: int
    guild_id: int | None
    name: str = ""
    position: int = 0
    topic: str | None = None
    nsfw: bool = False
    parent_id: int | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    rate_limit_per_user: int = 0
    bitrate: int = 64_000
    user_limit: int = 0
    last_message_id: int | None = None
    last_pin_at: float | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    recipient_ids: tuple[int, ...] = ()
    bot_id: int | None = None
    thread: Thread | None = None


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild."""

    user: User
    guild_id: int
    joined_at: float
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None
    avatar: str | None = None
    premium_since: float | None = None
    timeout_until: float | None = None
    deaf: bool = False
    mute: bool = False
    pending: bool = False
    flags: int = 0


@dataclass(slots=True, eq=False)
class Ban:
    """A user who may not join."""

    user: User
    reason: str | None


@dataclass(slots=True, eq=False)
class Emoji:
    """A custom emoji of a guild."""

    id: int
    name: str
    guild_id: int
    animated: bool = False
    role_ids: tuple[int, ...] = ()
    creator: User | None = None


@dataclass(slots=True, eq=False)
class Invite:
    """A code that lets people join a guild."""

    code: str
    guild_id: int
    channel_id: int
    inviter: User
    created_at: float
    max_age: int
    max_uses: int
    temporary: bool
    uses: int = 0

    @property
    def expires_at(self) -> float | None:
        """Seconds since the Unix epoch; None for an invite that lasts."""
        return self.created_at + self.max_age if self.max_age else None


@dataclass(slots=True)
class AuditEntry:
    """Who did what to whom, and why."""

    id: int
    user_id: int
    target_id: int | None
    action: int
    reason: str | None
    changes: list[JsonObject]
    options: JsonObject | None = None


@dataclass(slots=True, eq=False)
class Guild:
    """A guild and everything that lives in it."""

    id: int
    name: str
    owner_id: int
    joined_at: float
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    bans: dict[int, Ban] = field(default_factory=dict)
    emojis: dict[int, Emoji] = field(default_factory=dict)
    audit_log: deque[AuditEntry] = field(default_factory=deque)
    bot_ids: set[int] = field(default_factory=set)
    description: str | None = None
    icon: str | None = None
    afk_channel_id: int | None = None
    afk_timeout: int = 300
    system_channel_id: int | None = None
    verification_level: int = 0
    default_message_notifications: int = 0
    explicit_content_filter: int = 0
    preferred_locale: str = "en-US"
    features: tuple[str, ...] = ()
    boosts: int = 0
    unavailable: bool = False


@dataclass(slots=True, eq=False)
class Reaction:
    """One emoji under a message and who chose it, in order."""

    emoji_id: int | None
    emoji_name: str
    animated: bool = False
    user_ids: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Attachment:
    """A file of a message; the bytes are kept so that they can be fetched."""

    id: int
    filename: str
    content_type: str
    data: bytes
    url: str
    description: str | None = None
    ephemeral: bool = False


@dataclass(slots=True, eq=False)
class Mentions:
    """Who a message really pings."""

    users: tuple[User, ...] = ()
    role_ids: tuple[int, ...] = ()
    everyone: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """A message."""

    id: int
    channel_id: int
    guild_id: int | None
    author: User
    content: str
    created_at: float
    type: int = 0
    edited_at: float | None = None
    embeds: list[JsonObject] = field(default_factory=list)
    components: list[JsonObject] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: Mentions = field(default_factory=Mentions)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    flags: int = 0
    tts: bool = False
    pinned_at: float | None = None
    nonce: str | int | None = None
    reference: JsonObject | None = None
    referenced: Message | None = None
    snapshot: JsonObject | None = None
    thread: Channel | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_id: int | None = None
    interaction_metadata: JsonObject | None = None
    ephemeral_to: int | None = None

    @property
    def system(self) -> bool:
        """Whether the system said it: somebody joined, boosted, pinned."""
        return self.type not in WRITTEN_TYPES


@dataclass(slots=True, eq=False)
class Interaction:
    """An interaction, its token, and what became of it."""

    id: int
    application_id: int
    token: str
    type: int
    user: User
    guild_id: int | None
    channel_id: int
    created_at: float
    payload: JsonObject
    command_name: str | None = None
    message: Message | None = None
    parent: Interaction | None = None
    answer_type: int | None = None
    answered_at: float | None = None
    answer_data: JsonObject = field(default_factory=dict)
    deferred: bool = False
    ephemeral: bool = False
    response: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal_submitted: bool = False


@dataclass(slots=True, eq=False)
class AppCommand:
    """A registered application command. `body` holds what Discord sends back, without ids and version."""

    id: int
    application_id: int
    guild_id: int | None
    version: int
    type: int
    name: str
    body: JsonObject
