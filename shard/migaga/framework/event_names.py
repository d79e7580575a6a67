"""Which of hikari's events a raw event becomes, so that listeners are found before any object is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import hikari
from hikari.events import (
    application_events,
    auto_mod_events,
    channel_events,
    guild_events,
    interaction_events,
    monetization_events,
    stage_events,
)

BUILDS: Mapping[str, tuple[type[hikari.Event], ...]] = {
    "READY": (hikari.ShardReadyEvent,),
    "RESUMED": (hikari.ShardResumedEvent,),
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE": (application_events.ApplicationCommandPermissionsUpdateEvent,),
    "CHANNEL_CREATE": (hikari.GuildChannelCreateEvent,),
    "CHANNEL_UPDATE": (hikari.GuildChannelUpdateEvent,),
    "CHANNEL_DELETE": (hikari.GuildChannelDeleteEvent,),
    "CHANNEL_PINS_UPDATE": (hikari.GuildPinsUpdateEvent, hikari.DMPinsUpdateEvent),
    "THREAD_CREATE": (hikari.GuildThreadCreateEvent, hikari.GuildThreadAccessEvent),
    "THREAD_UPDATE": (hikari.GuildThreadUpdateEvent,),
    "THREAD_DELETE": (hikari.GuildThreadDeleteEvent,),
    "THREAD_LIST_SYNC": (hikari.ThreadListSyncEvent,),
    "THREAD_MEMBERS_UPDATE": (hikari.ThreadMembersUpdateEvent,),
    "GUILD_CREATE": (hikari.GuildAvailableEvent, hikari.GuildJoinEvent),
    "GUILD_UPDATE": (hikari.GuildUpdateEvent,),
    "GUILD_DELETE": (hikari.GuildUnavailableEvent, hikari.GuildLeaveEvent),
    "GUILD_BAN_ADD": (hikari.BanCreateEvent,),
    "GUILD_BAN_REMOVE": (hikari.BanDeleteEvent,),
    "GUILD_EMOJIS_UPDATE": (hikari.EmojisUpdateEvent,),
    "GUILD_STICKERS_UPDATE": (guild_events.StickersUpdateEvent,),
    "GUILD_AUDIT_LOG_ENTRY_CREATE": (guild_events.AuditLogEntryCreateEvent,),
    "INTEGRATION_CREATE": (hikari.IntegrationCreateEvent,),
    "INTEGRATION_UPDATE": (hikari.IntegrationUpdateEvent,),
    "INTEGRATION_DELETE": (hikari.IntegrationDeleteEvent,),
    "GUILD_MEMBER_ADD": (hikari.MemberCreateEvent,),
    "GUILD_MEMBER_UPDATE": (hikari.MemberUpdateEvent,),
    "GUILD_MEMBER_REMOVE": (hikari.MemberDeleteEvent,),
    "GUILD_MEMBERS_CHUNK": (hikari.MemberChunkEvent,),
    "GUILD_ROLE_CREATE": (hikari.RoleCreateEvent,),
    "GUILD_ROLE_UPDATE": (hikari.RoleUpdateEvent,),
    "GUILD_ROLE_DELETE": (hikari.RoleDeleteEvent,),
    "INVITE_CREATE": (hikari.InviteCreateEvent,),
    "INVITE_DELETE": (hikari.InviteDeleteEvent,),
    "MESSAGE_CREATE": (hikari.GuildMessageCreateEvent, hikari.DMMessageCreateEvent),
    "MESSAGE_UPDATE": (hikari.GuildMessageUpdateEvent, hikari.DMMessageUpdateEvent),
    "MESSAGE_DELETE": (hikari.GuildMessageDeleteEvent, hikari.DMMessageDeleteEvent),
    "MESSAGE_DELETE_BULK": (hikari.GuildBulkMessageDeleteEvent,),
    "MESSAGE_REACTION_ADD": (hikari.GuildReactionAddEvent, hikari.DMReactionAddEvent),
    "MESSAGE_REACTION_REMOVE": (hikari.GuildReactionDeleteEvent, hikari.DMReactionDeleteEvent),
    "MESSAGE_REACTION_REMOVE_ALL": (hikari.GuildReactionDeleteAllEvent, hikari.DMReactionDeleteAllEvent),
    "MESSAGE_REACTION_REMOVE_EMOJI": (hikari.GuildReactionDeleteEmojiEvent, hikari.DMReactionDeleteEmojiEvent),
    "PRESENCE_UPDATE": (hikari.PresenceUpdateEvent,),
    "TYPING_START": (hikari.GuildTypingEvent, hikari.DMTypingEvent),
    "USER_UPDATE": (hikari.OwnUserUpdateEvent,),
    "VOICE_STATE_UPDATE": (hikari.VoiceStateUpdateEvent,),
    "VOICE_SERVER_UPDATE": (hikari.VoiceServerUpdateEvent,),
    "WEBHOOKS_UPDATE": (channel_events.WebhookUpdateEvent,),
    "INTERACTION_CREATE": (
        interaction_events.InteractionCreateEvent,
        hikari.CommandInteractionCreateEvent,
        hikari.ComponentInteractionCreateEvent,
        hikari.AutocompleteInteractionCreateEvent,
        hikari.ModalInteractionCreateEvent,
    ),
    "GUILD_SCHEDULED_EVENT_CREATE": (hikari.ScheduledEventCreateEvent,),
    "GUILD_SCHEDULED_EVENT_UPDATE": (hikari.ScheduledEventUpdateEvent,),
    "GUILD_SCHEDULED_EVENT_DELETE": (hikari.ScheduledEventDeleteEvent,),
    "GUILD_SCHEDULED_EVENT_USER_ADD": (hikari.ScheduledEventUserAddEvent,),
    "GUILD_SCHEDULED_EVENT_USER_REMOVE": (hikari.ScheduledEventUserRemoveEvent,),
    "ENTITLEMENT_CREATE": (monetization_events.EntitlementCreateEvent,),
    "ENTITLEMENT_UPDATE": (monetization_events.EntitlementUpdateEvent,),
    "ENTITLEMENT_DELETE": (monetization_events.EntitlementDeleteEvent,),
    "STAGE_INSTANCE_CREATE": (stage_events.StageInstanceCreateEvent,),
    "STAGE_INSTANCE_UPDATE": (stage_events.StageInstanceUpdateEvent,),
    "STAGE_INSTANCE_DELETE": (stage_events.StageInstanceDeleteEvent,),
    "MESSAGE_POLL_VOTE_ADD": (hikari.PollVoteCreateEvent,),
    "MESSAGE_POLL_VOTE_REMOVE": (hikari.PollVoteDeleteEvent,),
    "AUTO_MODERATION_RULE_CREATE": (auto_mod_events.AutoModRuleCreateEvent,),
    "AUTO_MODERATION_RULE_UPDATE": (auto_mod_events.AutoModRuleUpdateEvent,),
    "AUTO_MODERATION_RULE_DELETE": (auto_mod_events.AutoModRuleDeleteEvent,),
    "AUTO_MODERATION_ACTION_EXECUTION": (auto_mod_events.AutoModActionExecutionEvent,),
}


def names_for(wanted: tuple[type[hikari.Event], ...]) -> Iterator[str]:
    """Return the raw events that can become one of these classes or of those that inherit from them."""
    for name, builds in BUILDS.items():
        if any(issubclass(built, wanted) for built in builds):
            yield name
