"""Questions of handlers that wait for a person: the next message, a pressed button, a submitted modal.

Contexts open them; the router hands over messages and interactions. A question lives in this process only: when the
process is stopped, or a shard leaves it, `Waiting.close` or `Waiting.left` ends them at once. Whoever presses a button
of it afterwards is told by the process that has the shard then: "please run it again" (`interactions.py`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from migaga.framework.aside import let_go
from migaga.framework.departures import Departures, HasLeft
from migaga.framework.errors import UserError
from migaga.framework.rawguild import Payload

DIALOGUE = "~"
"""First part of the custom ids of questions, which no module can be named."""


class Unanswered(UserError):  # noqa: N818 (public name)
    """A question was not answered in time. Handlers may catch it; else the person is told."""


class Restarting(UserError):  # noqa: N818 (public name)
    """A handler waits, or wants to wait, for a person, and the answer would not come here: the person is told.

    The process is being stopped, or the guild's shard has gone to another process.

    It is no `Unanswered`: a handler that goes on without an answer must not ask the next question now.
    """

    def __init__(self) -> None:
        super().__init__("I am being restarted just now and could not wait for you. Please run it again in a moment.")


@dataclass(slots=True, eq=False)
class Question:
    """One open question to one person."""

    user_id: int
    guild_id: int | None
    """Where it was asked; None in direct messages."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    answers: asyncio.Queue[Payload] = field(default_factory=lambda: asyncio.Queue(maxsize=32))
    _deadline: asyncio.Timeout | None = None
    """While somebody waits."""
    _closed: bool = False

    def custom_id(self, key: str) -> str:
        """Return the custom id of one of the question's components."""
        return f"{DIALOGUE}:{self.token}:{key}"

    def offer(self, payload: Payload) -> bool:
        """Take an answer; False when more came than anybody could have meant."""
        if self.answers.full():
            return False
        self.answers.put_nowait(payload)
        return True

    async def answer(self, timeout: float) -> Payload:
        """Wait for the next answer, as the raw message or interaction. The handler's event is let go.

        Raises:
            Unanswered: None came within `timeout` seconds.
            Restarting: The answer would go to another process.
        """
        if self._closed and self.answers.empty():
            raise Restarting
        let_go()
        try:
            async with asyncio.timeout(timeout) as self._deadline:
                return await self.answers.get()
        except TimeoutError:
            if self._closed:
                raise Restarting from None
            seconds = max(1, round(timeout))
            within = f"{seconds} second{'' if seconds == 1 else 's'}"
            raise Unanswered(
                f"You did not answer within {within}, so I stopped waiting. Please run it again."
            ) from None
        finally:
            self._deadline = None

    def leftover(self) -> Payload | None:
        """Return an answer that came beside the one that counted, such as a second press; None when there is none."""
        return None if self.answers.empty() else self.answers.get_nowait()

    def close(self) -> None:
        """Wait no longer. An answer that is here already still counts."""
        self._closed = True
        if self._deadline is not None and self.answers.empty():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    @property
    def is_open(self) -> bool:
        """Whether the handler has asked and waits, and nobody has answered yet."""
        return self._deadline is not None and self.answers.empty()


class Waiting:
    """All open questions of this process."""

    def __init__(self, departures: Departures | None = None) -> None:
        self._departures = departures or Departures()
        self._presses: dict[str, Question] = {}
        self._messages: dict[tuple[int, int], list[Question]] = {}
        self._closed = False

    def __len__(self) -> int:
        """Return how many handlers wait for a person."""
        return sum(question.is_open for question in self._all())

    def close(self) -> None:
        """End every question, and refuse further ones, with `Restarting`: the process is being stopped."""
        self._closed = True
        for question in self._all():
            question.close()

    def left(self, has_left: HasLeft) -> None:
        """End the questions in guilds whose shard has gone, with `Restarting`."""
        for question in self._all():
            if has_left(question.guild_id):
                question.close()

    def _all(self) -> list[Question]:
        written = [question for questions in self._messages.values() for question in questions]
        return [*self._presses.values(), *written]

    def _open(self, user_id: int, guild_id: int | None) -> Question:
        if self._closed or self._departures.has_left(guild_id):
            raise Restarting
        return Question(user_id, guild_id)

    @contextmanager
    def for_press(self, user_id: int, guild_id: int | None) -> Iterator[Question]:
        """Open a question that is answered by components or modals with its custom ids.

        Raises:
            Restarting: The answer would go to another process.
        """
        question = self._open(user_id, guild_id)
        self._presses[question.token] = question
        try:
            yield question
        finally:
            self._presses.pop(question.token, None)

    @contextmanager
    def for_message(self, channel_id: int, user_id: int, guild_id: int | None) -> Iterator[Question]:
        """Open a question that is answered by the person's next message in the channel.

        Raises:
            Restarting: The answer would go to another process.
        """
        question = self._open(user_id, guild_id)
        questions = self._messages.setdefault((channel_id, user_id), [])
        questions.append(question)
        try:
            yield question
        finally:
            questions.remove(question)
            if not questions:
                self._messages.pop((channel_id, user_id), None)

    def offer_message(self, channel_id: int, user_id: int, payload: Payload) -> bool:
        """Give a message to the newest question that waits for it. Returns whether one took it."""
        questions = self._messages.get((channel_id, user_id))
        if not questions:
            return False
        for question in reversed(questions):
            if question.answers.empty():
                question.answers.put_nowait(payload)
                return True
        return False

    def pressed(self, token: str) -> Question | None:
        """Return the open question that a custom id belongs to."""
        return self._presses.get(token)
