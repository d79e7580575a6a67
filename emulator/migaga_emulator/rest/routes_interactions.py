"""Routes that answer interactions: the callback, and the webhook of the interaction's token."""

from __future__ import annotations

from typing import Literal

from migaga_emulator.rest.call import NOTHING, Call, Reply
from migaga_emulator.rest.hooks import InteractionAnswer
from migaga_emulator.rest.router import Router
from migaga_emulator.world.interactions import callback_payload
from migaga_emulator.world.message_payloads import message
from migaga_emulator.world.state import Interaction, Message
from migaga_emulator.world.wire import JsonObject


def add_to(router: Router) -> None:
    """Add the routes. None of them asks for the bot's token: the interaction's is enough."""
    router.add("POST", "/interactions/{interaction_id}/{interaction_token}/callback", answer, public=True)
    base = "/webhooks/{application_id}/{interaction_token}"
    router.add("POST", base, follow_up, public=True)
    router.add("GET", f"{base}/messages/{{message_id}}", get_message, public=True)
    router.add("PATCH", f"{base}/messages/{{message_id}}", edit_message, public=True)
    router.add("DELETE", f"{base}/messages/{{message_id}}", delete_message, public=True)


def answer(call: Call) -> Reply:
    """The first answer; with `with_response` it is told what came of it."""
    interactions = call.world.interactions
    token = call.params["interaction_token"]
    interaction = interactions.answer(call.id("interaction_id"), token, call.data, call.uploads)
    _tell(call, interaction, "callback", interaction.response)
    if call.query.get("with_response") not in ("true", "1"):
        return NOTHING
    shown = None if interaction.response is None else message(interaction.response, interaction.application_id)
    return Reply(callback_payload(interaction, shown))


def _interaction(call: Call) -> Interaction:
    return call.world.interactions.by_webhook(call.id("application_id"), call.params["interaction_token"])


def _message_id(call: Call) -> int | None:
    return None if call.params["message_id"] == "@original" else call.id("message_id")


def follow_up(call: Call) -> Reply:
    """One more message."""
    interaction = _interaction(call)
    sent = call.world.interactions.follow_up(interaction, call.data, call.uploads)
    _tell(call, interaction, "followup", sent)
    return Reply(message(sent, interaction.application_id))


def get_message(call: Call) -> Reply:
    """An answer."""
    interaction = _interaction(call)
    found = call.world.interactions.message(interaction, _message_id(call))
    return Reply(message(found, interaction.application_id))


def edit_message(call: Call) -> Reply:
    """Change an answer."""
    interaction = _interaction(call)
    edited = call.world.interactions.edit(interaction, _message_id(call), call.data, call.uploads)
    _tell(call, interaction, "edit", edited)
    return Reply(message(edited, interaction.application_id))


def delete_message(call: Call) -> Reply:
    """Delete an answer."""
    interaction = _interaction(call)
    call.world.interactions.delete(interaction, _message_id(call))
    _tell(call, interaction, "delete", None)
    return NOTHING


def _tell(
    call: Call,
    interaction: Interaction,
    kind: Literal["callback", "edit", "followup", "delete"],
    shown: Message | None,
) -> None:
    data: JsonObject = interaction.answer_data if kind == "callback" else call.data
    answer_type = interaction.answer_type if kind == "callback" else None
    now = call.world.clock.time()
    call.hooks.interaction_answered(InteractionAnswer(interaction, kind, answer_type, data, shown, now))
