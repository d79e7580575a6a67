"""Reads the body of a message that is to be sent or edited. Used by REST, interactions and people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from migaga_emulator.rules import Rules
from migaga_emulator.world import errors
from migaga_emulator.world.components import read_components
from migaga_emulator.world.embeds import read_embeds
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject

_UNSAFE = re.compile(r"[^\w.-]+")
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15


@dataclass(slots=True)
class Upload:
    """A file that came with a request: the `n` of `files[n]`, its name, type and bytes."""

    key: str
    filename: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class AllowedMentions:
    """What of the mentions in a message may ping."""

    parse: frozenset[str] = frozenset(("users", "roles", "everyone"))
    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    replied_user: bool = True


@dataclass(slots=True)
class MessageDraft:
    """A checked message body. `given` holds the keys that were sent, for edits."""

    given: frozenset[str] = frozenset()
    content: str = ""
    embeds: list[JsonObject] = field(default_factory=list)
    components: list[JsonObject] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    descriptions: dict[str, str | None] = field(default_factory=dict)
    kept_attachments: frozenset[int] | None = None
    allowed: AllowedMentions = field(default_factory=AllowedMentions)
    flags: int = 0
    nonce: str | int | None = None
    enforce_nonce: bool = False
    tts: bool = False
    reply_to: int | None = None
    reply_channel: int | None = None
    reply_must_exist: bool = True
    forward: bool = False

    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.content.strip() or self.embeds or self.components or self.uploads or self.forward)


def read_draft(
    data: JsonObject,
    rules: Rules,
    uploads: list[Upload] | None = None,
    *,
    by_webhook: bool = False,
    old_flags: int = 0,
) -> MessageDraft:
    """Check a body; raises 50035 with everything that is wrong.

    `by_webhook`: interactions, which ping users only. `old_flags`: of the message that is edited; IS_COMPONENTS_V2
    can be set and never be taken away.
    """
    problems = Problems()
    body = Body(data, problems)
    draft = MessageDraft(given=frozenset(data), uploads=uploads or [])
    draft.flags = (body.integer("flags", minimum=0) or 0) | old_flags & COMPONENTS_V2
    draft.content = body.text("content", maximum=rules.content_length) or ""
    draft.embeds = read_embeds(body, rules)
    draft.components = read_components(body, v2=bool(draft.flags & COMPONENTS_V2))
    draft.tts = body.boolean("tts")
    draft.allowed = _read_allowed(body, by_webhook)
    _read_nonce(body, draft)
    _read_reference(body, draft)
    _read_attachments(body, draft, rules)
    if draft.flags & COMPONENTS_V2:
        for key, used in (("content", draft.content), ("embeds", draft.embeds)):
            if used:
                message = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                body.fault(key, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    problems.raise_if_any()
    return draft


def read_new_draft(
    data: JsonObject, rules: Rules, uploads: list[Upload] | None = None, *, by_webhook: bool = False
) -> MessageDraft:
    """The same for a new message, which must not be empty: raises 50006."""
    draft = read_draft(data, rules, uploads, by_webhook=by_webhook)
    if draft.empty():
        raise errors.empty_message()
    return draft


def _read_nonce(body: Body, draft: MessageDraft) -> None:
    nonce = body.data.get("nonce")
    if isinstance(nonce, bool) or not isinstance(nonce, str | int | None):
        body.fault("nonce", "NONCE_TYPE_CONVERT", "Must be a string or an integer.")
    elif isinstance(nonce, str) and len(nonce) > 25:
        body.fault("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
    else:
        draft.nonce = nonce
    draft.enforce_nonce = body.boolean("enforce_nonce")


def _read_reference(body: Body, draft: MessageDraft) -> None:
    reference = body.body("message_reference")
    if reference is None:
        return
    draft.forward = reference.choice("type", (0, 1)) == 1
    draft.reply_to = reference.snowflake("message_id", required=True)
    draft.reply_channel = reference.snowflake("channel_id", required=draft.forward)
    draft.reply_must_exist = reference.boolean("fail_if_not_exists", default=True)


def _read_attachments(body: Body, draft: MessageDraft, rules: Rules) -> None:
    check_files(len(draft.uploads), rules)
    if any(len(upload.data) > rules.attachment_bytes for upload in draft.uploads):
        raise errors.too_large()
    if not body.given("attachments"):
        return
    kept: set[int] = set()
    names = {upload.key: upload for upload in draft.uploads}
    for item in body.bodies("attachments", maximum=rules.attachments_per_message):
        key = item.snowflake("id", required=True)
        if key is None:
            continue
        draft.descriptions[str(key)] = item.text("description", maximum=1024)
        upload = names.get(str(key))
        if upload is None:
            kept.add(key)
        elif name := item.text("filename", maximum=1024):
            upload.filename = file_name(name)
    draft.kept_attachments = frozenset(kept)


def file_name(given: str) -> str:
    """A name as Discord keeps it: no folders, and nothing that a url would have to encode. (observed)"""
    return _UNSAFE.sub("_", given.replace("\\", "/").rsplit("/", 1)[-1]).strip(".") or "unknown"


def check_files(count: int, rules: Rules) -> None:
    """Raises 30015 for a message with more files than it may have."""
    most = rules.attachments_per_message
    if count > most:
        raise errors.DiscordError(400, 30015, f"Maximum number of attachments in a message reached ({most})")


def _read_allowed(body: Body, by_webhook: bool) -> AllowedMentions:
    inner = body.body("allowed_mentions")
    if inner is None:
        return AllowedMentions(frozenset(("users",))) if by_webhook else AllowedMentions()
    parse: set[str] = set()
    for index, value in enumerate(inner.array("parse")):
        if value in ("users", "roles", "everyone"):
            parse.add(str(value))
        else:
            message = "Value must be one of ('users', 'roles', 'everyone')."
            body.problems.add((*inner.path, "parse", index), "BASE_TYPE_CHOICES", message)
    for key in ("users", "roles"):
        if key in parse and inner.data.get(key):
            message = f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.'
            inner.fault(None, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
    return AllowedMentions(
        frozenset(parse),
        frozenset(inner.snowflakes("users", maximum=100)),
        frozenset(inner.snowflakes("roles", maximum=100)),
        inner.boolean("replied_user"),
    )
