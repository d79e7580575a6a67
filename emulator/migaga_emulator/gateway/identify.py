"""Judges what a client says in IDENTIFY and RESUME. Pure: payload in, request or refusal out. Used by `hub.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migaga_emulator.gateway.opcodes import CloseCode
from migaga_emulator.rules import Rules
from migaga_emulator.world.intents import PRIVILEGED, Intent

ALL_INTENTS = Intent(sum(Intent))
"""Every bit that Discord knows; any other bit is 4013."""


@dataclass(frozen=True, slots=True)
class IdentifyRequest:
    """A well-formed IDENTIFY."""

    token: str
    intents: int
    shard_id: int
    shard_count: int
    compress: bool
    large_threshold: int
    shard_given: bool
    properties: Mapping[str, object]
    presence: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """A well-formed RESUME."""

    token: str
    session_id: str
    seq: int


def bare_token(token: str) -> str:
    """The token without the `Bot ` that some clients put before it."""
    return token.removeprefix("Bot ")


def parse_identify(data: object) -> IdentifyRequest | CloseCode:
    """Read the `d` of an IDENTIFY, or the code to close with."""
    if not isinstance(data, Mapping):
        return CloseCode.DECODE_ERROR
    token, properties = data.get("token"), data.get("properties")
    if not isinstance(token, str) or not isinstance(properties, Mapping):
        return CloseCode.DECODE_ERROR
    intents = data.get("intents")
    if not _is_int(intents) or not isinstance(intents, int):
        return CloseCode.INVALID_INTENTS if "intents" in data else CloseCode.DECODE_ERROR
    shard = _shard(data)
    if shard is None:
        return CloseCode.INVALID_SHARD
    presence = data.get("presence")
    threshold = data.get("large_threshold", 50)
    return IdentifyRequest(
        token=bare_token(token),
        intents=intents,
        shard_id=shard[0],
        shard_count=shard[1],
        compress=data.get("compress") is True,
        large_threshold=threshold if isinstance(threshold, int) else 50,
        shard_given=data.get("shard") is not None,
        properties=properties,
        presence=presence if isinstance(presence, Mapping) else None,
    )


def parse_resume(data: object) -> ResumeRequest | CloseCode:
    """Read the `d` of a RESUME, or the code to close with."""
    if not isinstance(data, Mapping):
        return CloseCode.DECODE_ERROR
    token, session_id, seq = data.get("token"), data.get("session_id"), data.get("seq")
    if not isinstance(token, str) or not isinstance(session_id, str):
        return CloseCode.DECODE_ERROR
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
        return CloseCode.INVALID_SEQ
    return ResumeRequest(bare_token(token), session_id, seq)


def judge_shard(shard_count: int, rules: Rules, guilds_of_shard: int, guilds: int) -> CloseCode | None:
    """Whether this shard may be: the number that large bots must obey (4010), and guilds for one shard (4011)."""
    if (rules.shard_multiple > 1 or guilds >= rules.large_bot_guilds) and shard_count % rules.shard_multiple:
        return CloseCode.INVALID_SHARD
    if guilds_of_shard > rules.guilds_per_shard or (guilds >= rules.guilds_per_shard and shard_count == 1):
        return CloseCode.SHARDING_REQUIRED
    return None


def judge_intents(intents: int, privileged_allowed: int) -> CloseCode | None:
    """4013 for bits that do not exist, 4014 for privileged ones that are not switched on."""
    if intents < 0 or intents & ~int(ALL_INTENTS):
        return CloseCode.INVALID_INTENTS
    if Intent(intents) & PRIVILEGED & ~Intent(privileged_allowed & int(ALL_INTENTS)):
        return CloseCode.DISALLOWED_INTENTS
    return None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shard(data: Mapping[object, object]) -> tuple[int, int] | None:
    shard = data.get("shard")
    if shard is None:
        return 0, 1
    if not isinstance(shard, list) or len(shard) != 2:
        return None
    shard_id, count = shard
    if not isinstance(shard_id, int) or not isinstance(count, int) or isinstance(shard_id, bool):
        return None
    return (shard_id, count) if 0 <= shard_id < count else None
