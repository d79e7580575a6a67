"""What REST tells those who watch: the ledger implements `RestHooks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from migaga_emulator.world.state import Interaction, Message
from migaga_emulator.world.wire import JsonObject


@dataclass(frozen=True, slots=True)
class InteractionAnswer:
    """One thing a bot did with an interaction."""

    interaction: Interaction
    kind: Literal["callback", "edit", "followup", "delete"]
    type: int | None
    """The callback's type; None for the other kinds."""
    data: JsonObject
    """What the bot sent."""
    message: Message | None
    """The message that shows it, when one does."""
    at: float
    """Seconds since the Unix epoch."""


class RestHooks(Protocol):
    """Called synchronously, after the world has changed."""

    def interaction_answered(self, answer: InteractionAnswer) -> None:
        """A bot answered an interaction, or changed an answer."""
        ...

    def message_created(self, bot_id: int, message: Message) -> None:
        """A bot sent a message over REST (not as an answer to an interaction)."""
        ...

    def request(self, bot_id: int | None, method: str, route: str, status: int) -> None:
        """A request ended. `route` is the template, like `/channels/{channel_id}/messages`."""
        ...


class NoHooks:
    """Watches nothing."""

    def interaction_answered(self, answer: InteractionAnswer) -> None:
        """Ignore it."""

    def message_created(self, bot_id: int, message: Message) -> None:
        """Ignore it."""

    def request(self, bot_id: int | None, method: str, route: str, status: int) -> None:
        """Ignore it."""
