"""Durations as people write them: `3 hours and 2 minutes`, `1h30m`, `90s`, `1:30:00`, `an hour`."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_DAY = 86_400
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * _DAY),
    # A month and a year as lengths, not as dates: 30 and 365 days.
    **dict.fromkeys(("mo", "month", "months"), 30 * _DAY),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365 * _DAY),
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?|an?\b|half an\b|one\b)\s*([a-z]+)", re.ASCII)
_BETWEEN = re.compile(r"[\s,]*(?:and\b|&)?[\s,]*", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):([0-5]\d)", re.ASCII)
_WORDS = {"a": Fraction(1), "an": Fraction(1), "one": Fraction(1), "half an": Fraction(1, 2)}
LONGEST = timedelta(days=36_500)
"""A hundred years: more is a mistake, and dates would overflow."""


def parse_duration(text: str) -> timedelta | None:
    """Read a duration; None when the text is none, is negative or longer than a hundred years."""
    text = " ".join(text.casefold().split())
    seconds = _clock(text) if ":" in text else _parts(text)
    if seconds is None or seconds > LONGEST.total_seconds():
        return None
    return timedelta(microseconds=int(seconds * 1_000_000))


def _clock(text: str) -> Fraction | None:
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return Fraction(hours * 3_600 + minutes * 60 + seconds)


def _parts(text: str) -> Fraction | None:
    total = Fraction(0)
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if not part or part[2] not in _UNITS:
            return None
        amount = _WORDS[part[1]] if part[1] in _WORDS else Fraction(part[1])
        total += amount * _UNITS[part[2]]
        between = _BETWEEN.match(text, part.end())
        position = between.end() if between else part.end()
        if position == len(text) != part.end():
            return None
    return total if text else None
