"""What the API server answers when it does not do what it is asked, as our errors. Only `client.py` calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from migaga.common.errors import MigagaError
from migaga.common.logs import REDACTOR
from migaga.common.text import shorten
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.json_types import as_text, at_path

_LONGEST = 800
_STALE = (404, 409, 410)
_BUSY = 429
_UNKNOWN_USER = 401


def translate(status: int, body: bytes, headers: Mapping[str, str], what: str) -> MigagaError:
    """Return the error of an answer.

    Args:
        status: The HTTP status, 400 or more.
        body: A `Status` object, or whatever stands between us and the API server says.
        headers: Of the answer.
        what: The request, for people: `PATCH Deployment/my-bot`.
    """
    said = _said(body) or f"HTTP {status}"
    if status in _STALE:
        return StaleError(f"{what}: {said}")
    if status == _UNKNOWN_USER:
        # A token is renewed on disk before the old one ends: soon the new one is read.
        return AwayError(f"{what}: the API server does not know who asks: {said}")
    if status == _BUSY or (status >= 500 and not _is_from_webhook(said)):
        return AwayError(f"{what}: the API server cannot do it now: {said}", _seconds(headers))
    return RefusedError(said)


def unreachable(error: BaseException, what: str) -> AwayError:
    """Return the error of a request that got no answer."""
    reason = REDACTOR.clean(shorten(" ".join(str(error).split()) or type(error).__name__, _LONGEST))
    return AwayError(f"{what}: the API server does not answer: {reason}")


def _said(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    with suppress(ValueError):
        text = as_text(at_path(json.loads(text), "message")) or text
    return REDACTOR.clean(shorten(" ".join(text.split()), _LONGEST))


def _is_from_webhook(said: str) -> bool:
    """Whether an admission webhook is what fails: a person has to see that, waiting does not help."""
    return "failed calling webhook" in said


def _seconds(headers: Mapping[str, str]) -> float | None:
    given = headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 5 else None
