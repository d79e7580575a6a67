"""Op 8: who may ask for which members, and the chunks they get. Used by `connection.py`."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from migaga_emulator.gateway.hub import Hub
from migaga_emulator.gateway.limits import WindowCounter
from migaga_emulator.gateway.opcodes import Opcode
from migaga_emulator.gateway.session import Session
from migaga_emulator.world.intents import Intent

MOST_NAMED = 100
"""Members that a request by query or by ids brings at most."""


def request_members(hub: Hub, session: Session, data: object) -> bool:
    """Answer a request with GUILD_MEMBERS_CHUNKs, or with RATE_LIMITED; False when it cannot be read.

    All members need the GUILD_MEMBERS intent and may be asked for once per guild and bot in 30 s. Without the intent,
    or for a guild that the bot is not in or that is unavailable, Discord answers nothing.
    """
    if not isinstance(data, Mapping):
        return False
    guild_id = _snowflake(data.get("guild_id"))
    query, user_ids = data.get("query"), _ids(data.get("user_ids"))
    if guild_id is None or (query is None and user_ids is None):
        return False
    bot = hub.world.bots[session.bot_id]
    if guild_id not in bot.guild_ids or not session.generation.covers(guild_id):
        return True
    if hub.world.core.guild(guild_id).unavailable:
        return True
    limit = data.get("limit", 0)
    wanted = limit if isinstance(limit, int) and limit > 0 else 0
    nonce = _nonce(data.get("nonce"))
    everyone = user_ids is None and query == "" and wanted == 0
    if everyone and not _may_have_everyone(hub, session, guild_id, nonce):
        return True
    most = None if everyone else min(wanted or MOST_NAMED, MOST_NAMED)
    _push_chunks(hub, session, guild_id, query=str(query or ""), user_ids=user_ids, most=most, nonce=nonce)
    return True


def _may_have_everyone(hub: Hub, session: Session, guild_id: int, nonce: str | None) -> bool:
    if not session.generation.intents & Intent.GUILD_MEMBERS:
        return False
    limits = hub.of(session.bot_id).member_requests
    if guild_id not in limits:
        limits[guild_id] = WindowCounter(1, hub.rules.all_members_interval_s)
    now = hub.clock()
    if limits[guild_id].take(now):
        return True
    meta: dict[str, str] = {"guild_id": str(guild_id)} | ({"nonce": nonce} if nonce else {})
    refused = {
        "opcode": int(Opcode.REQUEST_GUILD_MEMBERS),
        "retry_after": round(limits[guild_id].reset_after(now), 3),
        "meta": meta,
    }
    session.push("RATE_LIMITED", orjson.dumps(refused), now)
    return False


def _push_chunks(
    hub: Hub,
    session: Session,
    guild_id: int,
    *,
    query: str,
    user_ids: list[int] | None,
    most: int | None,
    nonce: str | None,
) -> None:
    nobody = user_ids is not None and not user_ids
    found = [] if nobody else hub.world.request_members(guild_id, query=query, user_ids=user_ids or (), limit=most or 0)
    members_there = hub.world.core.guild(guild_id).members
    not_found = [str(user_id) for user_id in user_ids or () if user_id not in members_there]
    size = hub.rules.member_chunk
    chunks = [found[start : start + size] for start in range(0, len(found), size)] or [[]]
    for index, members in enumerate(chunks):
        payload: dict[str, object] = {
            "guild_id": str(guild_id),
            "members": members,
            "chunk_index": index,
            "chunk_count": len(chunks),
        }
        if not_found and index == 0:
            payload["not_found"] = not_found
        if nonce is not None:
            payload["nonce"] = nonce
        session.push("GUILD_MEMBERS_CHUNK", orjson.dumps(payload), hub.clock())


def _snowflake(value: object) -> int | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else None


def _ids(value: object) -> list[int] | None:
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    return [item for item in map(_snowflake, values) if item is not None][:MOST_NAMED]


def _nonce(value: object) -> str | None:
    return value if isinstance(value, str) and len(value.encode()) <= 32 else None
