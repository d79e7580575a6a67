"""The bot token that this process uses now. It may change while the process runs: whatever logs in asks it each time.

`discord.py` opens one; `process/rotation.py` changes it; shards read it at each handshake.
"""

from __future__ import annotations


class BotToken:
    """A token that Discord has accepted, and how many there were before it."""

    def __init__(self, application_id: int, value: str) -> None:
        """`application_id` is what the token's text says; it never changes."""
        self.application_id = application_id
        self._value = value
        self._number = 0

    def __repr__(self) -> str:
        return f"BotToken({self.application_id}, number={self._number})"

    @property
    def value(self) -> str:
        """The token: a secret."""
        return self._value

    @property
    def number(self) -> int:
        """Which it is of this process, from 0 on: whoever was refused compares it with the number of its own."""
        return self._number

    def change(self, value: str) -> None:
        """Use another token of the same application from now on. The same one again is no change."""
        if value != self._value:
            self._value = value
            self._number += 1
