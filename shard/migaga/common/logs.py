"""Logging of every process: text or JSON lines on stderr, from which registered secrets are removed.

The composition roots call `configure` once. Whoever learns of a secret later (a session id) calls `protect`. What
nobody can register in time (the token of each interaction, in the urls of hikari's errors) is known by its shape.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

from migaga.common.text import MASK, mask_shapes, secret_forms

LogFormat = Literal["text", "json"]

_QUIET = {
    "aiosqlite": logging.INFO,
    "asyncio": logging.INFO,
    "alembic": logging.WARNING,
    "aiohttp.access": logging.WARNING,
}


class Redactor:
    """The secrets of this process, and how they are taken out of a text."""

    def __init__(self) -> None:
        self._forms: dict[str, None] = {}

    def protect(self, *secrets: str | None) -> None:
        """Remember secrets, also in their url-encoded forms. Empty ones are left out."""
        for secret in secrets:
            self._forms.update(dict.fromkeys(secret_forms(secret or "")))
        self._forms = dict.fromkeys(sorted(self._forms, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """Return `text` with every known secret, and what has the shape of one, replaced by `***`."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return mask_shapes(text)


REDACTOR = Redactor()
"""The process's own: logging uses it, and so does whatever shows errors of others (status, the command line)."""


def protect(*secrets: str | None) -> None:
    """Never let these texts reach a log, an error on the terminal or the status page."""
    REDACTOR.protect(*secrets)


class RedactingFormatter(logging.Formatter):
    """Formats a record as one line of text (and its traceback), without secrets.

    The finished text is cleaned, so a secret is found in messages, arguments and tracebacks alike.
    """

    def __init__(self, redactor: Redactor = REDACTOR) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the cleaned text of `record`."""
        return self._redactor.clean(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the record's time in UTC, to the millisecond."""
        return _timestamp(record)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object a line: time, level, logger, message and, if there is one, error."""

    def __init__(self, redactor: Redactor = REDACTOR) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the cleaned JSON line of `record`."""
        line = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redactor.clean(record.getMessage()),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self._redactor.clean("".join(traceback.format_exception(record.exc_info[1])))
        return json.dumps(line, ensure_ascii=False, default=str)


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _log_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Let the traceback that ends a process go through the log, where secrets are removed."""
    logging.getLogger("migaga").critical("this is a fault of migaga, please report it", exc_info=(kind, error, trace))


def configure(level: str = "INFO", format: LogFormat = "text", secrets: Iterable[str] = ()) -> None:  # noqa: A002
    """Send the log of this process to stderr, replacing what was configured before.

    `level` is a name of the logging package; `secrets` are registered at once, see `protect`.
    """
    protect(*secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else RedactingFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    sys.excepthook = _log_fault
    root.setLevel(level.upper())
    for name, quietest in _QUIET.items():
        logging.getLogger(name).setLevel(max(quietest, root.level))
    logging.captureWarnings(capture=True)
