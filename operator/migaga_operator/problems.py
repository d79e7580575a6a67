"""What is wrong with a manifest, for the person who wrote it. Made by `crd`, shown in status by `classify.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migaga.common.text import mask_shapes, shorten

_SHOWN = 4
_LONGEST = 1_500
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot work."""

    field: str
    """Where, as `kubectl explain` names it: `spec.shards.count`."""
    reason: str
    """What is wrong with it."""
    remedy: str
    """What to write instead, as a sentence without its full stop."""

    def __str__(self) -> str:
        return f"{self.field}: {self.advice}"

    @property
    def advice(self) -> str:
        """Reason and remedy as sentences."""
        return f"{self.reason}. {self.remedy}" + ("" if self.remedy.endswith("?") else ".")


def describe(problems: Sequence[Problem]) -> str:
    """Return the problems as one text for a condition: the first four, and how many more there are."""
    shown = " ".join(map(str, problems[:_SHOWN]))
    more = len(problems) - _SHOWN
    return shorten(shown, _LONGEST) + (f" And {more} more." if more > 0 else "")


def quoted(value: object) -> str:
    """Show a wrong value in a complaint: short, and without what looks like a secret."""
    return shorten(mask_shapes(repr(value)), _LONGEST_VALUE)
