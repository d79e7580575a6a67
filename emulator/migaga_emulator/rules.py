"""The limits the emulator enforces, by default Discord's own. Read by the world, the REST side and the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Every number that decides how the emulator treats a client. A test may lower one; a serious run changes none."""

    heartbeat_interval_ms: int = 41_250
    """What HELLO asks for. A session that is silent for longer than one interval and a half is closed."""
    identify_total: int = 1_000
    """IDENTIFYs of one application in `identify_window_s`. Going over it resets the token."""
    identify_window_s: float = 86_400.0
    """Length of the window of `identify_total`: one day."""
    max_concurrency: int = 1
    """Number of IDENTIFY buckets; the bucket of a shard is `shard_id % max_concurrency`."""
    recommended_shards: int = 1
    """`shards` of GET /gateway/bot."""
    identify_interval_s: float = 5.0
    """One IDENTIFY per bucket in this time; an earlier one is answered with op 9."""
    replay_events: int = 1_000
    """Events that the replay buffer of one session holds; a RESUME that needs older ones fails. (observed)"""
    replay_seconds: float = 90.0
    """Age at which an event leaves the replay buffer. (observed)"""
    resume_window_s: float = 90.0
    """How long a session without a connection can be resumed. (observed: "a few minutes" in the documentation)"""
    sends_per_minute: int = 120
    """Payloads a client may send on one connection in 60 s; more closes it with 4008."""
    max_payload_bytes: int = 4_096
    """Largest payload a client may send; a larger one closes the connection with 4002."""
    presences_per_20_s: int = 5
    """Presence updates that count in 20 s."""
    guilds_per_shard: int = 2_500
    """Guilds a shard may have; more closes the connection with 4011."""
    large_bot_guilds: int = 150_000
    """From this number of guilds on the shard count must be a multiple of `shard_multiple`."""
    shard_multiple: int = 1
    """What a large bot's shard count must be a multiple of (4010 else). Above 1 it holds for a bot of any size."""
    member_chunk: int = 1_000
    """Members in one GUILD_MEMBERS_CHUNK."""
    all_members_interval_s: float = 30.0
    """One request for all members per guild and bot in this time."""

    rest_global_per_s: int = 50
    """REST requests of one bot in a second. Interaction end-points are exempt."""
    rest_invalid_per_10_min: int = 10_000
    """Answers 401, 403 or 429 (not scope `shared`) that one address may cause in ten minutes before its ban."""
    rest_dead_webhook_calls: int = 10
    """Calls to a webhook that had answered 404 before, by one address, until the address is restricted. Discord says
    "repeated attempts" and no number."""
    rest_dead_webhook_s: float = 60.0
    """How long that restriction lasts; Discord says "temporary"."""
    rest_limits: tuple[tuple[str, str, int, float], ...] = (
        ("POST", "/channels/{channel_id}/messages", 5, 5.0),
        ("PATCH", "/channels/{channel_id}/messages/{message_id}", 5, 5.0),
        ("DELETE", "/channels/{channel_id}/messages/{message_id}", 5, 1.0),
        ("POST", "/channels/{channel_id}/messages/bulk-delete", 1, 3.0),
        ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me", 1, 0.25),
        ("POST", "/channels/{channel_id}/typing", 5, 5.0),
        ("PATCH", "/channels/{channel_id}", 5, 15.0),
        ("PATCH", "/guilds/{guild_id}/members/{user_id}", 10, 10.0),
        ("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", 10, 10.0),
        ("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", 10, 10.0),
        ("POST", "/users/@me/channels", 10, 10.0),
        ("PUT", "/applications/{application_id}/commands", 5, 20.0),
        ("PUT", "/applications/{application_id}/guilds/{guild_id}/commands", 5, 20.0),
    )
    """Requests per route: (method, route, how many, in how many seconds). (observed; Discord documents none of them)"""
    rest_default_limit: int = 30
    """Requests of a route that is not in `rest_limits`, in `rest_default_period_s`."""
    rest_default_period_s: float = 10.0
    """See `rest_default_limit`."""

    interaction_answer_s: float = 3.0
    """Time for the first answer to an interaction; a later one is answered with 10062."""
    interaction_token_s: float = 900.0
    """How long the token of an interaction serves for edits and follow-ups."""

    content_length: int = 2_000
    """Characters of a message."""
    embeds_per_message: int = 10
    """Embeds of a message."""
    embed_characters: int = 6_000
    """Characters of all embeds of a message together."""
    request_bytes: int = 25 * 1024 * 1024
    """Size of a request, files included."""
    attachments_per_message: int = 10
    """Files of a message."""
    attachment_bytes: int = 10 * 1024 * 1024
    """Size of one file."""
    reactions_per_message: int = 20
    """Different emoji on one message."""
    bulk_delete_days: int = 14
    """Age from which on a message cannot be deleted in bulk."""
    nonce_s: float = 300.0
    """How long an enforced nonce stands for the message that it was sent with."""
    timeout_days: int = 28
    """Longest time-out of a member."""
    ban_delete_seconds: int = 604_800
    """Largest `delete_message_seconds` of a ban."""
    commands_per_scope: int = 100
    """Chat commands of a scope (global, or one guild)."""
    context_commands_per_scope: int = 15
    """User commands, and message commands, of a scope."""
    command_creates_per_day: int = 200
    """New commands of a scope in a day; replacing one of the same name is none."""
    command_characters: int = 8_000
    """Characters of all names, descriptions and values of one command."""
    messages_kept_per_channel: int = 2_000
    """Not Discord's: how many messages of a channel the emulator remembers, so that long runs fit in memory."""
    audit_entries_kept: int = 5_000
    """Not Discord's: how many audit log entries of a guild the emulator remembers."""
    files_kept: int = 500
    """Not Discord's: how many files of messages the emulator keeps to be fetched."""
