"""Finds out whom a message pings: what its text mentions, what its author allows, what its author may.

The lists `mentions`, `mention_roles` and `mention_everyone` of a message hold what was mentioned AND allowed. The
documentation says of an edit that they are "reconstructed from scratch based on the new content" and that "the
`allowed_mentions` field of the edit request controls how this happens" (resources/message, "Edit Message"), and of
allowed mentions that they are validated "to avoid phantom pings"; and clients highlight a message for those who
are in its `mentions`, so somebody who was not to be pinged cannot be in there.
"""

from __future__ import annotations

import re

from migaga_emulator.world.components import walk
from migaga_emulator.world.drafts import AllowedMentions, MessageDraft
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Guild, Mentions, Message, User

_USER = re.compile(r"<@!?([0-9]{1,20})>")
_ROLE = re.compile(r"<@&([0-9]{1,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def find_mentions(
    draft: MessageDraft, users: dict[int, User], guild: Guild | None, bits: int, replied: Message | None
) -> Mentions:
    """The users, roles and everyone that a message really pings. `bits`: the author's permissions in the channel."""
    text = _CODE.sub("", _text(draft))
    allowed = draft.allowed
    found = [int(match) for match in _USER.findall(text)]
    pinged = [users[item] for item in found if item in users and ("users" in allowed.parse or item in allowed.users)]
    if replied is not None and allowed.replied_user:
        pinged.insert(0, replied.author)
    role_ids = () if guild is None else _roles(text, allowed, guild, bits)
    may_everyone = guild is not None and bool(bits & Permission.MENTION_EVERYONE)
    everyone = may_everyone and "everyone" in allowed.parse and bool(_EVERYONE.search(text))
    return Mentions(tuple(dict.fromkeys(pinged)), role_ids, everyone)


def _roles(text: str, allowed: AllowedMentions, guild: Guild, bits: int) -> tuple[int, ...]:
    found = [int(match) for match in _ROLE.findall(text)]
    wanted = [item for item in found if "roles" in allowed.parse or item in allowed.roles]
    may_all = bool(bits & Permission.MENTION_EVERYONE)
    pinged = [item for item in wanted if item in guild.roles and (may_all or guild.roles[item].mentionable)]
    return tuple(dict.fromkeys(pinged))


def _text(draft: MessageDraft) -> str:
    """The content, or the text displays of a message of components."""
    shown = [str(item.get("content", "")) for item in walk(draft.components) if item.get("type") == 10]
    return "\n".join([draft.content, *shown])
