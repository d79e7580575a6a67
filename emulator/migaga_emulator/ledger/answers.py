"""What people asked of a bot and what it answered: interactions, and messages that were marked as commands.

The world tells of what is made, the REST side of answers that were refused. Interactions are read from
the world's own state, so an answer that is edited later shows its last content.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from migaga_emulator.ledger.topics import Topics
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.drafts import LOADING
from migaga_emulator.world.state import Interaction, Message
from migaga_emulator.world.world import World

REMEMBERED = 50
"""Text commands of one channel that a later message of the bot may still belong to."""


@dataclass(slots=True)
class Asked:
    """An interaction, and whether its bot answered too late."""

    interaction: Interaction
    late: bool = False
    calls: int = 0
    """First answers, edits and further messages, also those that were refused: who answers once calls once."""

    @property
    def acknowledged(self) -> bool:
        """Whether the first answer came in time."""
        return self.interaction.answer_type is not None

    @property
    def answered(self) -> bool:
        """Whether there is content: a deferred answer counts when it has been filled."""
        response = self.interaction.response
        return self.acknowledged and not (response is not None and response.flags & LOADING)


@dataclass(slots=True)
class TextCommand:
    """A message that asks a bot for something, and what the bot said to it."""

    message_id: int
    channel_id: int
    bot_id: int
    at: float
    answers: list[Message] = field(default_factory=list)
    answered_at: float | None = None


class AnswerBook:
    """Interactions and text commands of all bots."""

    def __init__(self, world: World, topics: Topics) -> None:
        self._world = world
        self._topics = topics
        self._asked: dict[int, Asked] = {}
        self._commands: dict[int, TextCommand] = {}
        self._open: dict[int, deque[TextCommand]] = {}
        world.subscribe(self._on_dispatch)

    def interaction(self, interaction_id: int) -> Asked | None:
        """One interaction."""
        return self._asked.get(interaction_id)

    def interactions(self, bot_id: int) -> list[Asked]:
        """The interactions of one bot, oldest first."""
        return [asked for asked in self._asked.values() if asked.interaction.application_id == bot_id]

    def command(self, message_id: int) -> TextCommand | None:
        """One text command."""
        return self._commands.get(message_id)

    def commands(self, bot_id: int) -> list[TextCommand]:
        """The text commands of one bot, oldest first."""
        return [command for command in self._commands.values() if command.bot_id == bot_id]

    def expect(self, message_id: int, channel_id: int, bot_id: int, at: float) -> TextCommand:
        """Expect the bot to answer this message: what it says in the channel from now on is looked at."""
        command = self._commands.get(message_id)
        if command is None:
            command = self._commands[message_id] = TextCommand(message_id, channel_id, bot_id, at)
            self._open.setdefault(channel_id, deque(maxlen=REMEMBERED)).append(command)
            self._look_back(command)
        return command

    def called(self, interaction_id: int) -> None:
        """A bot has tried to answer an interaction, or to say more about it."""
        asked = self._asked.get(interaction_id)
        if asked is not None:
            asked.calls += 1

    def answered(self, interaction_id: int, *, refused: bool) -> None:
        """A bot has answered an interaction over REST, or tried to and was refused."""
        asked = self._asked.get(interaction_id)
        if asked is None:
            return
        if refused and not asked.acknowledged:
            asked.late = True
        self._topics.tell(f"interaction {interaction_id}")

    def _on_dispatch(self, dispatch: Dispatch) -> None:
        if dispatch.name == "INTERACTION_CREATE":
            interaction = self._world.interactions.get(int(str(dispatch.payload["id"])))
            self._asked[interaction.id] = Asked(interaction)
        elif dispatch.name == "MESSAGE_CREATE" and dispatch.channel_id in self._open:
            self._bot_said(dispatch.channel_id, dispatch.payload)

    def _bot_said(self, channel_id: int, payload: Mapping[str, object]) -> None:
        author, reference = payload.get("author"), payload.get("message_reference")
        author_id = int(str(author["id"])) if isinstance(author, Mapping) else 0
        candidates = [command for command in self._open[channel_id] if command.bot_id == author_id]
        if isinstance(reference, Mapping):
            wanted = str(reference.get("message_id"))
            candidates = [command for command in candidates if str(command.message_id) == wanted]
        elif "interaction_metadata" in payload:
            return
        else:
            candidates = [command for command in candidates if not command.answers] or candidates[-1:]
        message = self._world.core.channel(channel_id).messages.get(int(str(payload["id"])))
        if candidates and message is not None:
            self._answer(candidates[0], message)

    def _look_back(self, command: TextCommand) -> None:
        """A command that is expected after the fact may have its answer already."""
        channel = self._world.core.channels.get(command.channel_id)
        for message in channel.messages.values() if channel is not None else ():
            if message.id > command.message_id and message.author.id == command.bot_id:
                self._answer(command, message)

    def _answer(self, command: TextCommand, message: Message) -> None:
        command.answers.append(message)
        if command.answered_at is None:
            command.answered_at = self._world.clock.monotonic()
        self._topics.tell(f"message {command.message_id}")
