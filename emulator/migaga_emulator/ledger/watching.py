"""How the ledger hears of REST: hooks that the routes call, and refused requests. Put in place by `server.py`."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from migaga_emulator.ledger.answers import AnswerBook
from migaga_emulator.rest.hooks import InteractionAnswer
from migaga_emulator.world.state import Message

_CALLBACK = re.compile(r".*/interactions/([0-9]{1,20})/[^/]+/callback\Z")


class LedgerHooks:
    """The `RestHooks` of the ledger."""

    def __init__(self, answers: AnswerBook) -> None:
        self._answers = answers

    def interaction_answered(self, answer: InteractionAnswer) -> None:
        """Wake those who wait for this interaction."""
        if answer.kind != "callback":  # `watch_interactions` counts those, because it also sees what is refused.
            self._answers.called(answer.interaction.id)
        self._answers.answered(answer.interaction.id, refused=False)

    def message_created(self, bot_id: int, message: Message) -> None:
        """The world tells of messages; nothing is left to do."""

    def request(self, bot_id: int | None, method: str, route: str, status: int) -> None:
        """Refused answers are seen by `watch_interactions`, which knows the interaction."""


def watch_interactions(answers: AnswerBook) -> Middleware:
    """A middleware that tells the ledger of every first answer, and of those that Discord refused for being late."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        match = _CALLBACK.match(request.path)
        if match is None:
            return await handler(request)
        answers.called(int(match.group(1)))
        response = await handler(request)
        if response.status == 404:
            answers.answered(int(match.group(1)), refused=True)
        return response

    return watch
