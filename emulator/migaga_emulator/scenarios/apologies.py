"""Apologies: answers that say why a command was not run, where that is as good as running it. Called by the scenarios.

While a fleet cannot reach its database, a person is told so in time, and what was refused never runs later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migaga_emulator.control.shapes import Answer

REASON = "database"
"""What an apology must name."""
SUGGESTIONS = 8
"""The kind of answer in which there is no place for a reason: an empty list is an apology."""
RECOVERING = 5.0
"""Seconds after the end of a fault in which a process may still find out that it is over."""
PATIENCE = 3.0
"""Seconds that an interaction waits for its answer: what was asked so long before a fault may meet it."""
_EPOCH_MS = 1_420_070_400_000
_TIME_SHIFT = 22


@dataclass(slots=True)
class Window:
    """A time in which people are told why their commands are not run. Seconds since the Unix epoch."""

    begun: float
    final: bool
    """What was refused in it must never run."""
    ended: float | None = None

    def has(self, asked_at: float) -> bool:
        """Whether somebody who asked then may be told so."""
        return self.begun - PATIENCE <= asked_at and (self.ended is None or asked_at <= self.ended + RECOVERING)


class Apologies:
    """Accepts apologies in the times of a fault, and remembers to whom they were made."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds since the Unix epoch, by the clock that makes the ids of interactions."""
        self._now = now
        self._windows: list[Window] = []
        self._calls: dict[int, int] = {}
        self.count = 0
        """People who were told why their command is not run."""

    def begin(self, *, final: bool = True) -> Window:
        """From now on processes cannot do what they are asked.

        Args:
            final: what was refused must never run. In a partition nobody can promise that: whoever takes a shard over
                cannot know what the one before it, which nobody reaches, has told people.

        Returns: what ends it.
        """
        window = Window(self._now(), final)
        self._windows.append(window)
        return window

    def end(self, window: Window) -> None:
        """Now they can again."""
        window.ended = self._now()

    def excuses(self, answer: Answer) -> bool:
        """Whether an answer that is not the right one is an apology, made when there was a reason."""
        if not is_apology(answer):
            return False
        windows = [window for window in self._windows if window.has(asked_at(answer.id))]
        if windows and all(window.final for window in windows):
            self._calls[answer.id] = answer.calls
        self.count += bool(windows)
        return bool(windows)

    def complaints(self, calls_of: Callable[[int], int]) -> list[str]:
        """What was run although its person had been told that it will not be.

        Args:
            calls_of: how often the bot has called about an interaction, until the end of the run.
        """
        later = [asked for asked, calls in self._calls.items() if calls_of(asked) > calls]
        if not later:
            return []
        return [f"{len(later)} commands were run after an apology for not running them, such as interaction {later[0]}"]


def is_apology(answer: Answer) -> bool:
    """Whether an answer names the reason why there is no other; suggestions cannot, so they are empty."""
    if answer.type == SUGGESTIONS:
        return not answer.choices or any(REASON in str(choice.get("name", "")).lower() for choice in answer.choices)
    return REASON in answer.content.lower()


def asked_at(interaction_id: int) -> float:
    """When an interaction was made, which its id tells. Seconds since the Unix epoch."""
    return ((interaction_id >> _TIME_SHIFT) + _EPOCH_MS) / 1000
