"""Interactions: made by people, answered by bots over REST, in Discord's time limits."""

from __future__ import annotations

import string
from dataclasses import dataclass

from migaga_emulator.world import errors, payloads
from migaga_emulator.world.answers import ANSWERS_OF, read_answer
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.drafts import EPHEMERAL, LOADING, MessageDraft, Upload, read_draft, read_new_draft
from migaga_emulator.world.message_payloads import message as message_payload
from migaga_emulator.world.messages import Messages, Origin
from migaga_emulator.world.state import Bot, Channel, Interaction, Message, User
from migaga_emulator.world.wire import JsonObject, json_object

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
PONG, REPLY, DEFERRED_REPLY, DEFERRED_UPDATE, UPDATE, CHOICES, SHOW_MODAL = 1, 4, 5, 6, 7, 8, 9
_KEPT = 20_000
_TOKEN_ALPHABET = string.ascii_letters + string.digits


@dataclass(slots=True)
class Source:
    """Where an interaction comes from: what the person used and where."""

    type: int
    data: JsonObject
    command_name: str | None = None
    message: Message | None = None
    parent: Interaction | None = None


class Interactions:
    """Makes interactions, takes their answers, and keeps their tokens."""

    def __init__(self, core: Core, access: Access, messages: Messages) -> None:
        self._core = core
        self._access = access
        self._messages = messages
        self._by_id: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}
        self.ephemeral: dict[int, Message] = {}

    def begin(self, bot: Bot, user: User, channel: Channel, source: Source) -> Interaction:
        """A person uses something of a bot: INTERACTION_CREATE goes to that bot."""
        guild = self._core.guild_of(channel)
        if guild is not None and not {user.id, bot.user.id} <= guild.members.keys():
            raise errors.missing_access()
        interaction_id = self._core.ids.next()
        interaction = Interaction(
            interaction_id,
            bot.application_id,
            "".join(self._core.random.choices(_TOKEN_ALPHABET, k=120)),
            source.type,
            user,
            channel.guild_id,
            channel.id,
            self._core.clock.time(),
            {},
            source.command_name,
            source.message,
            source.parent,
        )
        interaction.payload = self._payload(interaction, bot, channel, source)
        self._keep(interaction)
        self._core.emit(
            "INTERACTION_CREATE",
            interaction.payload,
            intents=0,
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=bot.user.id,
        )
        return interaction

    def get(self, interaction_id: int) -> Interaction:
        """Raises 10062."""
        if found := self._by_id.get(interaction_id):
            return found
        raise errors.unknown("interaction")

    def answer(
        self, interaction_id: int, token: str, body: JsonObject, uploads: list[Upload] | None = None
    ) -> Interaction:
        """The first answer. Raises 10062 when it is unknown or too late, 40060 when there was one, 50035."""
        interaction = self.get(interaction_id)
        if interaction.token != token:
            raise errors.unknown("interaction")
        if interaction.answer_type is not None:
            raise errors.already_acknowledged()
        now = self._core.clock.time()
        if now - interaction.created_at > self._core.rules.interaction_answer_s:
            raise errors.unknown("interaction")
        kind = read_answer(body, ANSWERS_OF[interaction.type])
        data = json_object(body.get("data"))
        if kind in (DEFERRED_UPDATE, UPDATE) and interaction.message is None:
            raise errors.invalid_form(("type",), "BASE_TYPE_CHOICES", "There is no message to update.")
        try:
            self._carry_out(interaction, kind, data, uploads or [])
        except errors.DiscordError as error:
            if error.errors is not None:
                error.errors = {"data": error.errors}
            raise
        interaction.answer_type, interaction.answer_data, interaction.answered_at = kind, data, now
        return interaction

    def by_webhook(self, application_id: int, token: str) -> Interaction:
        """The interaction of a token. Raises 10015 for an unknown one or without an answer, 50027 when it is over."""
        interaction = self._by_token.get(token)
        if interaction is None or interaction.application_id != application_id:
            raise errors.unknown("Webhook")
        if self._core.clock.time() - interaction.created_at > self._core.rules.interaction_token_s:
            raise errors.DiscordError(401, 50027, "Invalid Webhook Token")
        if interaction.answer_type is None:
            raise errors.unknown("Webhook")
        return interaction

    def follow_up(self, interaction: Interaction, data: JsonObject, uploads: list[Upload]) -> Message:
        """One more message. The first one after a deferred answer takes the place of "is thinking"."""
        draft = read_new_draft(data, self._core.rules, uploads, by_webhook=True)
        waiting = interaction.response
        if waiting is not None and waiting.flags & LOADING and self._exists(waiting):
            draft.given |= {"content", "embeds", "components"}
            return self._resolve(interaction, waiting, draft)
        message = self._post(interaction, draft, ephemeral=bool(draft.flags & EPHEMERAL))
        interaction.followups.append(message)
        return message

    def message(self, interaction: Interaction, message_id: int | None) -> Message:
        """The first answer (`message_id` None: @original) or a follow-up. Raises 10008."""
        candidates = [*interaction.followups]
        if interaction.response is not None:
            candidates.append(interaction.response)
        if message_id is None:
            found = interaction.response
        else:
            found = next((item for item in candidates if item.id == message_id), None)
        if found is None or not self._exists(found):
            raise errors.unknown("Message")
        return found

    def edit(
        self, interaction: Interaction, message_id: int | None, data: JsonObject, uploads: list[Upload]
    ) -> Message:
        """Change an answer. Raises 10008, 50006, 50035."""
        message = self.message(interaction, message_id)
        draft = read_draft(data, self._core.rules, uploads, by_webhook=True, old_flags=message.flags)
        return self._resolve(interaction, message, draft)

    def delete(self, interaction: Interaction, message_id: int | None) -> None:
        """Delete an answer. Raises 10008."""
        message = self.message(interaction, message_id)
        if message.flags & EPHEMERAL:
            self.ephemeral.pop(message.id, None)
        else:
            self._messages.remove(self._core.channel(message.channel_id), message)

    def find_message(self, message_id: int) -> Message | None:
        """A message that only one person sees."""
        return self.ephemeral.get(message_id)

    def _carry_out(self, interaction: Interaction, kind: int, data: JsonObject, uploads: list[Upload]) -> None:
        rules = self._core.rules
        if kind == REPLY:
            draft = read_new_draft(data, rules, uploads, by_webhook=True)
            interaction.response = self._post(interaction, draft, ephemeral=bool(draft.flags & EPHEMERAL))
        elif kind == DEFERRED_REPLY:
            draft = read_draft(data, rules, by_webhook=True)
            ephemeral = bool(draft.flags & EPHEMERAL)
            interaction.response = self._post(interaction, MessageDraft(), ephemeral=ephemeral, loading=True)
            interaction.deferred = True
        elif kind == UPDATE and interaction.message is not None:
            if not self._exists(interaction.message):
                raise errors.unknown("Message")
            draft = read_draft(data, rules, uploads, by_webhook=True, old_flags=interaction.message.flags)
            interaction.response = self._resolve(interaction, interaction.message, draft)
        elif kind == DEFERRED_UPDATE:
            interaction.response = interaction.message
            interaction.deferred = True

    def _post(
        self, interaction: Interaction, draft: MessageDraft, *, ephemeral: bool, loading: bool = False
    ) -> Message:
        bot = self._core.bots[interaction.application_id]
        channel = self._core.channel(interaction.channel_id)
        data = json_object(interaction.payload.get("data"))
        kind = (20 if data.get("type") == 1 else 23) if interaction.type == COMMAND else 0
        origin = Origin(
            interaction.id,
            bot.application_id,
            interaction.user.id,
            _metadata(interaction),
            kind,
            ephemeral=ephemeral,
            loading=loading,
        )
        message = self._messages.post(bot.user, channel, draft, origin)
        if ephemeral:
            self.ephemeral[message.id] = message
            interaction.ephemeral = True
            if len(self.ephemeral) > _KEPT:
                del self.ephemeral[next(iter(self.ephemeral))]
        return message

    def _resolve(self, interaction: Interaction, message: Message, draft: MessageDraft) -> Message:
        message.flags &= ~LOADING
        self._messages.apply(self._core.channel(interaction.channel_id), message, draft)
        return message

    def _exists(self, message: Message) -> bool:
        if message.flags & EPHEMERAL:
            return message.id in self.ephemeral
        channel = self._core.channels.get(message.channel_id)
        return channel is not None and message.id in channel.messages

    def _keep(self, interaction: Interaction) -> None:
        self._by_id[interaction.id] = self._by_token[interaction.token] = interaction
        if len(self._by_id) > _KEPT:
            oldest = self._by_id.pop(next(iter(self._by_id)))
            del self._by_token[oldest.token]

    def _payload(self, interaction: Interaction, bot: Bot, channel: Channel, source: Source) -> JsonObject:
        bits = self._access.of(interaction.user, channel)
        payload: JsonObject = {
            "id": str(interaction.id),
            "application_id": str(interaction.application_id),
            "type": interaction.type,
            "data": source.data,
            "channel": payloads.partial_channel(channel, bits),
            "channel_id": str(channel.id),
            "token": interaction.token,
            "version": 1,
            "app_permissions": str(self._access.of(bot.user, channel)),
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": self._core.rules.attachment_bytes,
        }
        if source.message is not None:
            payload["message"] = message_payload(source.message)
        guild = self._core.guild_of(channel)
        if guild is None:
            owners: JsonObject = {"0": "0"}
            return payload | {
                "user": payloads.user(interaction.user),
                "context": 1,
                "authorizing_integration_owners": owners,
            }
        return payload | {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": guild.preferred_locale, "features": list(guild.features)},
            "guild_locale": guild.preferred_locale,
            "member": payloads.interaction_member(guild.members[interaction.user.id], bits),
            "context": 0,
            "authorizing_integration_owners": {"0": str(guild.id)},
        }


def callback_payload(interaction: Interaction, message: JsonObject | None) -> JsonObject:
    """What the callback answers when `with_response` is asked for."""
    inner: JsonObject = {"id": str(interaction.id), "type": interaction.type}
    if interaction.response is not None:
        inner |= {
            "response_message_id": str(interaction.response.id),
            "response_message_loading": bool(interaction.response.flags & LOADING),
            "response_message_ephemeral": bool(interaction.response.flags & EPHEMERAL),
        }
    payload: JsonObject = {"interaction": inner}
    resource: JsonObject = {"type": interaction.answer_type}
    if message is not None and interaction.answer_type in (REPLY, UPDATE):
        resource["message"] = message
    return payload | {"resource": resource}


def _metadata(interaction: Interaction) -> JsonObject:
    metadata: JsonObject = {
        "id": str(interaction.id),
        "type": interaction.type,
        "user": payloads.user(interaction.user),
        "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
    }
    if interaction.type == COMMAND and interaction.command_name is not None:
        metadata["name"] = interaction.command_name
    if interaction.type == COMPONENT and interaction.message is not None:
        metadata["interacted_message_id"] = str(interaction.message.id)
    if interaction.parent is not None:
        metadata["triggering_interaction_metadata"] = _metadata(interaction.parent)
    return metadata
