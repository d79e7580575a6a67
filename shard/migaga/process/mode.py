"""Whether the bot is paused, as a file tells (`[Fleet] ModeFile`). `app.py` runs one.

It holds `running`, `paused`, or `stopped`: all processes are being asked to stop, and none comes to take shards.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from migaga.common.clock import Clock
from migaga.common.pause import Pause
from migaga.process.files import LOOK_EVERY, Content, SmallFile

_LOG = logging.getLogger(__name__)

RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"


class Mode:
    """The mode of this process. What the file does not tell stays as it was; at first that is `running`."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self.problem: str | None = None
        """Why the file does not tell the mode; None when it does."""
        self.stopped = asyncio.Event()
        """Set while the bot is being stopped as a whole. Whether it is paused stays as it was."""

    @property
    def name(self) -> str:
        """`running` or `paused`."""
        return PAUSED if self._pause.is_on else RUNNING

    def take(self, path: Path, content: Content) -> None:
        """Take what the file at `path` holds now."""
        word, problem = content.text.casefold(), content.problem
        if problem is None and word not in {RUNNING, PAUSED, STOPPED}:
            problem = f"it holds {word!r}" if len(word) <= 20 and word.isprintable() else "it holds something else"
        if problem is not None:
            self._complain(f"the mode file {path} does not tell `{RUNNING}` or `{PAUSED}`: {problem}.")
            return
        self.problem = None
        if word == STOPPED:
            self.stopped.set()
            return
        self.stopped.clear()
        if word == self.name:
            return
        if word == PAUSED:
            self._pause.begin()
            _LOG.warning("the bot is paused: events are counted and not handled")
        else:
            self._pause.end()
            _LOG.info("the bot is no longer paused")

    def _complain(self, problem: str) -> None:
        self.problem = f"{problem} The bot stays {self.name}."
        _LOG.error("%s", self.problem)


async def follow_mode(mode: Mode, file: SmallFile, clock: Clock) -> None:
    """Take the mode from its file whenever that changes. Runs until cancelled."""
    while True:
        await clock.sleep(LOOK_EVERY)
        content = await file.change()
        if content is not None:
            mode.take(file.path, content)
