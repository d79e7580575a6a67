"""What a handler wants to send, checked against Discord's limits before it is sent. Used by `replies.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import hikari
from hikari import UNDEFINED
from hikari.api import special_endpoints as builders

MAX_CONTENT = 2_000
_MAX_EMBEDS = 10
_MAX_EMBED_TEXT = 6_000
_MAX_ROWS = 5
_MAX_IN_ROW = 5
_MAX_ATTACHMENTS = 10

Mentions: TypeAlias = bool | Sequence[hikari.Snowflakeish]
"""True: all that the text mentions; False: none; ids: those."""
Attachments: TypeAlias = Sequence[hikari.Resourceish]


class ReplyError(ValueError):
    """Discord would refuse this reply: the author has to change the code. Says what is too long or missing."""


class MessageFields(TypedDict):
    """The arguments that hikari's calls which create or edit a message share."""

    content: hikari.UndefinedNoneOr[str]
    embeds: hikari.UndefinedOr[Sequence[hikari.Embed]]
    components: hikari.UndefinedOr[Sequence[builders.ComponentBuilder]]
    attachments: hikari.UndefinedOr[Attachments]
    user_mentions: hikari.SnowflakeishSequence[hikari.PartialUser] | bool
    role_mentions: hikari.SnowflakeishSequence[hikari.PartialRole] | bool
    mentions_everyone: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent, or what to change in one. None: leave as it is."""

    content: str | None = None
    embeds: Sequence[hikari.Embed] | None = None
    components: Sequence[builders.ComponentBuilder] | None = None
    attachments: Attachments | None = None
    user_mentions: Mentions = False
    role_mentions: Mentions = False

    def check(self, *, new: bool) -> Outgoing:
        """Return self when Discord takes it.

        Args:
            new: A new message must have something to show; an edit may change as little as it likes.

        Raises:
            ReplyError: What is wrong, in the author's terms.
        """
        reasons = list(_problems(self, new=new))
        if reasons:
            raise ReplyError("this reply cannot be sent: " + "; ".join(reasons))
        return self

    def needs(self) -> hikari.Permissions:
        """Return what the bot must be allowed to in the channel to show this, besides writing."""
        needed = hikari.Permissions.NONE
        if self.embeds:
            needed |= hikari.Permissions.EMBED_LINKS
        if self.attachments:
            needed |= hikari.Permissions.ATTACH_FILES
        return needed

    def fields(self) -> MessageFields:
        """Return the arguments for hikari. Nothing pings unless it was asked for."""
        return MessageFields(
            content=UNDEFINED if self.content is None else self.content,
            embeds=UNDEFINED if self.embeds is None else self.embeds,
            components=UNDEFINED if self.components is None else self.components,
            attachments=UNDEFINED if self.attachments is None else self.attachments,
            user_mentions=_mentions(self.user_mentions),
            role_mentions=_mentions(self.role_mentions),
            mentions_everyone=False,
        )


def _mentions(allowed: Mentions) -> list[hikari.Snowflake] | bool:
    return allowed if isinstance(allowed, bool) else [hikari.Snowflake(one) for one in allowed]


def _problems(message: Outgoing, *, new: bool) -> Iterator[str]:
    if message.content is not None and len(message.content) > MAX_CONTENT:
        yield (
            f"its text has {len(message.content)} characters, Discord takes {MAX_CONTENT}: "
            "shorten it, split it, or send it as a file"
        )
    blank = message.content is None or not message.content.strip()
    if new and blank and not (message.embeds or message.components or message.attachments):
        yield "it is empty: give it a text, an embed, a component or an attachment"
    yield from _embed_problems(message.embeds or ())
    yield from _row_problems(message.components or ())
    if message.attachments and len(message.attachments) > _MAX_ATTACHMENTS:
        yield f"it has {len(message.attachments)} attachments, Discord takes {_MAX_ATTACHMENTS}"


def _embed_problems(embeds: Sequence[hikari.Embed]) -> Iterator[str]:
    if len(embeds) > _MAX_EMBEDS:
        yield f"it has {len(embeds)} embeds, Discord takes {_MAX_EMBEDS}"
    total = sum(embed.total_length() for embed in embeds)
    if total > _MAX_EMBED_TEXT:
        yield f"its embeds have {total} characters together, Discord takes {_MAX_EMBED_TEXT}"


def _row_problems(rows: Sequence[builders.ComponentBuilder]) -> Iterator[str]:
    action_rows = [row for row in rows if isinstance(row, builders.MessageActionRowBuilder)]
    if len(action_rows) == len(rows) > _MAX_ROWS:
        yield f"it has {len(rows)} rows of components, Discord takes {_MAX_ROWS}"
    for number, row in enumerate(action_rows, start=1):
        count = len(row.components)
        if not 1 <= count <= _MAX_IN_ROW:
            yield f"its row {number} of components has {count}, Discord takes 1 to {_MAX_IN_ROW}"


def reply_nonce(event_key: str, handler: str, number: int) -> str:
    """Return the nonce of a handler's `number`-th message, at most 25 characters: the same when the event repeats."""
    return hashlib.blake2b(f"{event_key}|{handler}|{number}".encode(), digest_size=12).hexdigest()
