"""Routes about the custom emoji of a guild."""

from __future__ import annotations

import base64
import binascii
import re

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors
from migaga_emulator.world.emojis import EmojiChange
from migaga_emulator.world.fields import Body

MOST_BYTES = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9_]{2,32}\Z")
_IMAGE = re.compile(r"data:image/(jpeg|jpg|png|gif|webp|avif);base64,(.+)\Z", re.DOTALL)


def add_to(router: Router) -> None:
    """Add the routes."""
    base = "/guilds/{guild_id}/emojis"
    router.add("GET", base, list_emojis)
    router.add("POST", base, create)
    router.add("GET", f"{base}/{{emoji_id}}", get)
    router.add("PATCH", f"{base}/{{emoji_id}}", edit)
    router.add("DELETE", f"{base}/{{emoji_id}}", delete)


def list_emojis(call: Call) -> Reply:
    """All custom emoji."""
    guild, emojis = call.guild(), call.world.emojis
    return Reply([emojis.payload(call.user, guild, item) for item in guild.emojis.values()])


def get(call: Call) -> Reply:
    """One custom emoji."""
    guild, emojis = call.guild(), call.world.emojis
    return Reply(emojis.payload(call.user, guild, emojis.get(guild, call.id("emoji_id"))))


def create(call: Call) -> Reply:
    """A new emoji: 201."""
    guild, emojis, body = call.guild(), call.world.emojis, call.body()
    wanted, animated = _read(body, new=True), _read_image(body)
    checked(body)
    made = emojis.create(call.user, guild, wanted, animated=animated, reason=call.reason)
    return Reply(emojis.payload(call.user, guild, made), 201)


def edit(call: Call) -> Reply:
    """Change name or roles."""
    guild, emojis, body = call.guild(), call.world.emojis, call.body()
    wanted = _read(body, new=False)
    checked(body)
    changed = emojis.edit(call.user, guild, call.id("emoji_id"), wanted, call.reason)
    return Reply(emojis.payload(call.user, guild, changed))


def delete(call: Call) -> Reply:
    """Delete an emoji."""
    call.world.emojis.delete(call.user, call.guild(), call.id("emoji_id"), call.reason)
    return NOTHING


def _read(body: Body, *, new: bool) -> EmojiChange:
    name = body.text("name", minimum=2, maximum=32, required=new)
    if name is not None and not _NAME.match(name):
        body.fault("name", "STRING_TYPE_REGEX", "String value did not match validation regex.")
    given = frozenset(key for key in ("name", "roles") if body.has(key) and (key == "roles" or name is not None))
    return EmojiChange(given, name or "", body.snowflakes("roles"))


def _read_image(body: Body) -> bool:
    """Whether the image of a data URI is animated. Raises 50046 for what is no image; too large ones are a fault."""
    text = body.text("image", required=True, strip=False)
    if text is None:
        return False
    match = _IMAGE.match(text)
    try:
        data = base64.b64decode(match.group(2), validate=True) if match else b""
    except (binascii.Error, ValueError):
        data = b""
    if match is None or not data:
        raise errors.DiscordError(400, 50046, "Invalid Asset")
    if len(data) > MOST_BYTES:
        body.fault("image", "BINARY_TYPE_MAX_SIZE", f"File cannot be larger than {MOST_BYTES / 1024} kb.")
    return match.group(1) == "gif"
