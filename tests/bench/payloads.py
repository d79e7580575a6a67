"""The event that the benchmarks measure: a MESSAGE_CREATE of about 1.6 kB, as a busy guild sends it."""

from __future__ import annotations

import orjson

GUILD_ID = 1_000_000_000_000_000_001
CHANNEL_ID = 1_000_000_000_000_000_002
BOT_ID = 1_000_000_000_000_000_003


def message_create(number: int) -> bytes:
    """Return the whole frame of message `number`."""
    author = str(1_100_000_000_000_000_000 + number % 500)
    payload = {
        "id": str(1_200_000_000_000_000_000 + number),
        "type": 0,
        "channel_id": str(CHANNEL_ID),
        "guild_id": str(GUILD_ID),
        "content": "the fleet keeps every event " * 12,
        "timestamp": "2026-08-01T12:00:00.123000+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mention_roles": [],
        "mentions": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
        "nonce": str(number),
        "channel_type": 0,
        "author": {
            "id": author,
            "username": f"person{author[-4:]}",
            "global_name": "A person",
            "discriminator": "0",
            "avatar": "d41d8cd98f00b204e9800998ecf8427e",
            "avatar_decoration_data": None,
            "public_flags": 0,
            "primary_guild": None,
            "clan": None,
        },
        "member": {
            "roles": [str(1_300_000_000_000_000_000 + n) for n in range(12)],
            "nick": None,
            "avatar": None,
            "banner": None,
            "joined_at": "2024-01-01T00:00:00.000000+00:00",
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        },
    }
    return orjson.dumps({"t": "MESSAGE_CREATE", "s": number + 1, "op": 0, "d": payload})


def guild() -> dict[str, object]:
    """Return the guild that the messages come from, as GUILD_CREATE has it."""
    return {
        "id": str(GUILD_ID),
        "name": "Benchmark",
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": "1100000000000000000",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "stickers": [],
        "safety_alerts_channel_id": None,
        "joined_at": "2024-01-01T00:00:00.000000+00:00",
        "large": False,
        "unavailable": False,
        "member_count": 1,
        "voice_states": [],
        "members": [],
        "channels": [
            {
                "id": str(CHANNEL_ID),
                "type": 0,
                "name": "general",
                "position": 0,
                "permission_overwrites": [],
                "parent_id": None,
                "topic": None,
                "nsfw": False,
                "last_message_id": None,
                "rate_limit_per_user": 0,
            }
        ],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
