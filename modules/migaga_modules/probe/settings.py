"""How long the probe's handlers last and which of them leave an effect, decided by a seed; from the environment."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

URL = "PROBE_URL"
SECONDS = "PROBE_SECONDS"
LONG_SECONDS = "PROBE_LONG_SECONDS"
LONG_SHARE = "PROBE_LONG_SHARE"
EFFECTS = "PROBE_EFFECTS"
SEED = "PROBE_SEED"


class ProbeError(Exception):
    """The probe is not set up, or the ledger cannot be told."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What the handler of one event does."""

    seconds: float
    effect: bool


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What the environment asks for.

    The same event gets the same fate whoever handles it, however often: it depends on its name and the seed alone.
    """

    url: str
    """Where handled events are told."""
    shortest: float = 0.0
    longest: float = 0.0
    """Seconds of a usual handler."""
    long_seconds: float = 0.0
    long_share: float = 0.0
    """Share of events whose handler lasts `long_seconds`."""
    effects: float = 0.0
    """Share of events that leave an effect."""
    seed: int = 0

    def fate(self, name: str, fields: Mapping[str, object]) -> Fate:
        """Decide about one event, given by its name and the ids that name it."""
        text = json.dumps([self.seed, name, fields], sort_keys=True)
        digest = blake2b(text.encode(), digest_size=12).digest()
        duration, rare, effect = (int.from_bytes(digest[at : at + 4]) / 2**32 for at in (0, 4, 8))
        seconds = self.shortest + duration * (self.longest - self.shortest)
        return Fate(self.long_seconds if rare < self.long_share else seconds, effect < self.effects)


def read_settings(environment: Mapping[str, str]) -> ProbeSettings:
    """Read the `PROBE_*` variables.

    Raises:
        ProbeError: there is no address, or a number is none.
    """
    url = environment.get(URL, "")
    if not url.startswith(("http://", "https://")):
        raise ProbeError(f"{URL} is {url!r}: set it to the address of the emulator's control API")
    shortest, longest = read_range(environment.get(SECONDS, "0"))
    seed = environment.get(SEED, "0")
    if not seed.removeprefix("-").isdigit():
        raise ProbeError(f"{SEED} is {seed!r}: write a whole number")
    return ProbeSettings(
        url=f"{url.rstrip('/')}/ledger/handled",
        shortest=shortest,
        longest=longest,
        long_seconds=_seconds(LONG_SECONDS, environment.get(LONG_SECONDS, "0")),
        long_share=_share(LONG_SHARE, environment.get(LONG_SHARE, "0")),
        effects=_share(EFFECTS, environment.get(EFFECTS, "0")),
        seed=int(seed),
    )


def read_range(text: str) -> tuple[float, float]:
    """Return how long usual handlers last: `0.05` for all of them, `0-0.5` for something between.

    Raises:
        ProbeError: the text is neither.
    """
    first, dash, second = text.partition("-")
    if not first:
        return (_seconds(SECONDS, text),) * 2
    shortest = _seconds(SECONDS, first)
    longest = _seconds(SECONDS, second) if dash else shortest
    if longest < shortest:
        raise ProbeError(f"{SECONDS} is {text!r}: write the shorter time first, such as 0-0.5")
    return shortest, longest


def _seconds(name: str, text: str) -> float:
    number = _number(text)
    if not 0 <= number < math.inf:
        raise ProbeError(f"{name} is {text!r}: write a number of seconds, such as 0.05")
    return number


def _share(name: str, text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise ProbeError(f"{name} is {text!r}: write a share from 0 to 1")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
