"""Which edited messages are tried again as commands: those whose last try was a wrong use. Used by `texts.py`.

A message from before this process may have been answered by the process before: its edits are left alone. All times are
Discord's, so that a machine whose clock is wrong decides the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from migaga.common.discord_time import time_of
from migaga.framework.departures import HasLeft
from migaga.framework.rawguild import Payload, when

YOUNGER_THAN = 600.0
"""Seconds after which an edit no longer runs a command."""
_CAPACITY = 20_000


@dataclass(slots=True)
class _Try:
    content: str
    open: bool
    """Whether an edit may try again: it ended as a wrong use."""


class Edits:
    """The text commands of the last minutes. Knows no clock."""

    def __init__(self) -> None:
        self._first: dict[int, tuple[int, int | None]] = {}
        self._tries: OrderedDict[int, _Try] = OrderedDict()

    def seen(self, shard_id: int, message_id: int, guild_id: int | None) -> None:
        """Note a new message: what came to a shard before its first one was another process's."""
        if shard_id not in self._first:
            self._first[shard_id] = (message_id, guild_id)

    def left(self, has_left: HasLeft) -> None:
        """Forget the first message of shards that have gone: when one comes back, its messages were another's again."""
        self._first = {shard_id: first for shard_id, first in self._first.items() if not has_left(first[1])}

    def may_run(self, payload: Payload, shard_id: int) -> bool:
        """Whether a raw MESSAGE_UPDATE, the whole message after the edit, runs its command."""
        if not payload.get("edited_timestamp"):
            return False  # Discord has added a preview: nobody wrote anything.
        message_id = int(payload["id"])
        if when(payload["edited_timestamp"]) - time_of(message_id) > YOUNGER_THAN:
            return False
        last = self._tries.get(message_id)
        if last is None:
            return shard_id in self._first and message_id >= self._first[shard_id][0]
        return last.open and last.content != payload.get("content")

    def begin(self, message_id: int, content: str) -> None:
        """Note that a message is tried as a command."""
        self._tries[message_id] = _Try(content, open=False)
        self._tries.move_to_end(message_id)
        while len(self._tries) > _CAPACITY:
            self._tries.popitem(last=False)

    def wrong_use(self, message_id: int) -> None:
        """Note that the try was a wrong use, which is no answer."""
        last = self._tries.get(message_id)
        if last is not None:
            last.open = True
