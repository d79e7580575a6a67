"""How people, roles, channels and emoji look on the wire: state in, JSON-ready objects out."""

from __future__ import annotations

from migaga_emulator.world import permissions
from migaga_emulator.world.state import Bot, Channel, Emoji, Guild, Member, Overwrite, Role, User
from migaga_emulator.world.wire import JsonObject, optional_id, optional_timestamp, timestamp

THREADS = (10, 11, 12)
"""Channel types that are threads."""


def user(source: User) -> JsonObject:
    """A user as everybody sees them."""
    payload: JsonObject = {
        "id": str(source.id),
        "username": source.username,
        "discriminator": f"{source.id % 9999 + 1:04}" if source.bot else "0",
        "global_name": source.global_name,
        "avatar": source.avatar,
        "public_flags": 0,
    }
    return payload | {"bot": True} if source.bot else payload


def own_user(source: User) -> JsonObject:
    """A bot's user as the bot itself sees it."""
    return user(source) | {
        "verified": True,
        "email": None,
        "mfa_enabled": True,
        "flags": 0,
        "bio": "",
        "locale": "en-US",
    }


def member(source: Member) -> JsonObject:
    """A member without the user."""
    return {
        "nick": source.nick,
        "avatar": source.avatar,
        "banner": None,
        "roles": [str(role_id) for role_id in source.role_ids],
        "joined_at": timestamp(source.joined_at),
        "premium_since": optional_timestamp(source.premium_since),
        "deaf": source.deaf,
        "mute": source.mute,
        "flags": source.flags,
        "pending": source.pending,
        "communication_disabled_until": optional_timestamp(source.timeout_until),
    }


def full_member(source: Member) -> JsonObject:
    """A member with the user."""
    return member(source) | {"user": user(source.user)}


def member_event(source: Member) -> JsonObject:
    """A member as GUILD_MEMBER_ADD and GUILD_MEMBER_UPDATE carry it."""
    return full_member(source) | {"guild_id": str(source.guild_id)}


def interaction_member(source: Member, bits: int) -> JsonObject:
    """A member with permissions, as interactions carry it."""
    return full_member(source) | {"permissions": str(bits)}


def role(source: Role) -> JsonObject:
    """A role."""
    payload: JsonObject = {
        "id": str(source.id),
        "name": source.name,
        "color": source.color,
        "colors": {"primary_color": source.color, "secondary_color": None, "tertiary_color": None},
        "hoist": source.hoist,
        "icon": None,
        "unicode_emoji": None,
        "position": source.position,
        "permissions": str(source.permissions),
        "managed": source.managed,
        "mentionable": source.mentionable,
        "flags": 0,
    }
    return payload if source.bot_id is None else payload | {"tags": {"bot_id": str(source.bot_id)}}


def emoji(source: Emoji) -> JsonObject:
    """A custom emoji as guilds list it: without who made it."""
    return {
        "id": str(source.id),
        "name": source.name,
        "roles": [str(role_id) for role_id in source.role_ids],
        "require_colons": True,
        "managed": False,
        "animated": source.animated,
        "available": True,
    }


def overwrite(source: Overwrite) -> JsonObject:
    """A permission overwrite."""
    return {"id": str(source.id), "type": source.type, "allow": str(source.allow), "deny": str(source.deny)}


def channel(source: Channel) -> JsonObject:
    """A guild channel or thread with its guild's id."""
    payload = guild_channel(source)
    return payload | {"guild_id": optional_id(source.guild_id)}


def guild_channel(source: Channel) -> JsonObject:
    """A guild channel or thread as GUILD_CREATE carries it: without the guild's id."""
    if source.thread is not None:
        return _thread(source)
    payload: JsonObject = {
        "id": str(source.id),
        "type": source.type,
        "name": source.name,
        "position": source.position,
        "parent_id": optional_id(source.parent_id),
        "permission_overwrites": [overwrite(item) for item in source.overwrites.values()],
        "flags": 0,
    }
    if source.type in (2, 13):
        payload |= {"bitrate": source.bitrate, "user_limit": source.user_limit, "rtc_region": None}
    if source.type != 4:
        payload |= {
            "topic": source.topic,
            "nsfw": source.nsfw,
            "rate_limit_per_user": source.rate_limit_per_user,
            "last_message_id": optional_id(source.last_message_id),
        }
    if source.last_pin_at is not None:
        payload["last_pin_timestamp"] = timestamp(source.last_pin_at)
    if source.type in (15, 16):
        payload |= {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
        payload |= {"default_forum_layout": 0}
    return payload


def _thread(source: Channel) -> JsonObject:
    thread = source.thread
    if thread is None:
        raise ValueError("a thread was expected")
    return {
        "id": str(source.id),
        "type": source.type,
        "name": source.name,
        "guild_id": optional_id(source.guild_id),
        "parent_id": optional_id(source.parent_id),
        "owner_id": str(thread.owner_id),
        "last_message_id": optional_id(source.last_message_id),
        "rate_limit_per_user": source.rate_limit_per_user,
        "message_count": thread.message_count,
        "total_message_sent": thread.total_messages,
        "member_count": min(50, len(thread.member_ids)),
        "flags": 0,
        "thread_metadata": {
            "archived": thread.archived,
            "locked": thread.locked,
            "auto_archive_duration": thread.auto_archive_minutes,
            "archive_timestamp": timestamp(thread.archived_at),
            "create_timestamp": timestamp(thread.archived_at),
        }
        | ({"invitable": thread.invitable} if source.type == 12 else {}),
    } | ({} if source.last_pin_at is None else {"last_pin_timestamp": timestamp(source.last_pin_at)})


def dm_channel(source: Channel, recipient: User) -> JsonObject:
    """A direct message channel as the bot sees it."""
    return {
        "id": str(source.id),
        "type": source.type,
        "last_message_id": optional_id(source.last_message_id),
        "recipients": [user(recipient)],
        "flags": 0,
    }


def partial_channel(source: Channel, bits: int) -> JsonObject:
    """A channel among the resolved values of an interaction."""
    payload: JsonObject = {
        "id": str(source.id),
        "type": source.type,
        "name": source.name or None,
        "permissions": str(bits),
        "last_message_id": optional_id(source.last_message_id),
        "flags": 0,
    }
    if source.guild_id is None:
        return payload
    payload |= {"guild_id": str(source.guild_id), "parent_id": optional_id(source.parent_id)}
    if source.thread is not None:
        return payload | {"thread_metadata": _thread(source)["thread_metadata"]}
    return payload | {
        "position": source.position,
        "topic": source.topic,
        "nsfw": source.nsfw,
        "rate_limit_per_user": source.rate_limit_per_user,
    }


def thread_member(thread_id: int, user_id: int, joined_at: float) -> JsonObject:
    """A user's place in a thread."""
    return {"id": str(thread_id), "user_id": str(user_id), "join_timestamp": timestamp(joined_at), "flags": 0}


def application(bot: Bot, guild_count: int, flags: int) -> JsonObject:
    """An application as its bot sees it."""
    return {
        "id": str(bot.application_id),
        "name": bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "bot": user(bot.user),
        "owner": user(bot.owner),
        "verify_key": f"{bot.application_id:064x}",
        "team": None,
        "flags": flags,
        "approximate_guild_count": guild_count,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "event_webhooks_url": None,
        "event_webhooks_status": 1,
        "tags": [],
        "install_params": {"scopes": ["applications.commands", "bot"], "permissions": "0"},
        "integration_types_config": {"0": {}},
        "custom_install_url": None,
    }


def premium_tier(source: Guild) -> int:
    """The level that a guild's boosts have reached, 0 to 3."""
    return next((level for level, boosts in ((3, 14), (2, 7), (1, 2)) if source.boosts >= boosts), 0)


def _guild_base(source: Guild) -> JsonObject:
    return {
        "id": str(source.id),
        "name": source.name,
        "icon": source.icon,
        "splash": None,
        "discovery_splash": None,
        "owner_id": str(source.owner_id),
        "afk_channel_id": optional_id(source.afk_channel_id),
        "afk_timeout": source.afk_timeout,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": source.verification_level,
        "default_message_notifications": source.default_message_notifications,
        "explicit_content_filter": source.explicit_content_filter,
        "roles": [role(item) for item in source.roles.values()],
        "emojis": [emoji(item) for item in source.emojis.values()],
        "features": list(source.features),
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": optional_id(source.system_channel_id),
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "max_presences": None,
        "max_members": 25_000_000,
        "vanity_url_code": None,
        "description": source.description,
        "banner": None,
        "premium_tier": premium_tier(source),
        "premium_subscription_count": source.boosts,
        "preferred_locale": source.preferred_locale,
        "public_updates_channel_id": None,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
        "nsfw_level": 0,
        "stickers": [],
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "incidents_data": None,
    }


def guild(source: Guild, *, with_counts: bool = False) -> JsonObject:
    """A guild as REST answers it."""
    payload = _guild_base(source)
    if with_counts:
        payload |= {"approximate_member_count": len(source.members), "approximate_presence_count": len(source.members)}
    return payload


def guild_update(source: Guild) -> JsonObject:
    """A guild as GUILD_UPDATE carries it."""
    return _guild_base(source)


def guild_create(source: Guild, bot_id: int, *, all_members: bool, large_threshold: int, now: float) -> JsonObject:
    """A guild as GUILD_CREATE carries it. Without `all_members` only the bot itself is listed."""
    size = len(source.members)
    own = source.members[bot_id]
    listed = list(source.members.values()) if all_members and size <= large_threshold else [own]
    active = [item for item in source.channels.values() if item.thread is not None and not item.thread.archived]
    visible = [item for item in active if _may_see(source, item, own, now)]
    return _guild_base(source) | {
        "joined_at": timestamp(own.joined_at),
        "large": size > large_threshold,
        "unavailable": False,
        "member_count": size,
        "voice_states": [],
        "members": [full_member(item) for item in listed],
        "channels": [guild_channel(item) for item in source.channels.values() if item.thread is None],
        "threads": [_own_thread(item, bot_id) for item in visible],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def _own_thread(source: Channel, bot_id: int) -> JsonObject:
    """A thread in GUILD_CREATE: with the bot's own place in it, which has no ids there."""
    payload = guild_channel(source)
    if source.thread is None or bot_id not in source.thread.member_ids:
        return payload
    return payload | {"member": {"join_timestamp": timestamp(source.thread.member_ids[bot_id]), "flags": 0}}


def _may_see(source: Guild, item: Channel, own: Member, now: float) -> bool:
    return bool(permissions.in_channel(source, item, own, now) & permissions.Permission.VIEW_CHANNEL)
