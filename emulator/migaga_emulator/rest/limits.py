"""REST rate limits: per route and major parameter, per bot, and the budget of invalid requests per address."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from dataclasses import dataclass

from migaga_emulator.rules import Rules
from migaga_emulator.world.clock import Clock

_INVALID_WINDOW_S = 600.0


@dataclass(slots=True)
class _Window:
    """A fixed window: how many requests are left until when (monotonic seconds)."""

    remaining: int
    ends: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bucket says about one request."""

    allowed: bool
    limit: int
    remaining: int
    reset_at: float
    reset_after: float
    bucket: str

    def headers(self) -> dict[str, str]:
        """The `X-RateLimit-*` headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{self.reset_at:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }


class RateLimits:
    """Counts requests. All times come from the clock, so tests may move it."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._limits = {(method, route): (limit, period) for method, route, limit, period in rules.rest_limits}
        self._windows: dict[tuple[str, ...], _Window] = {}
        self._globals: dict[int, _Window] = {}
        self._invalid: dict[str, deque[float]] = {}
        self._dead: dict[tuple[str, str], int] = {}
        self._restricted: dict[str, float] = {}

    def take(self, method: str, route: str, major: str, who: str) -> Verdict:
        """Count a request in its bucket. `major`: the id of the channel, guild or webhook; `who`: the bot."""
        limit, period = self._limit_of(method, route)
        now = self._clock.monotonic()
        key = (who, method, route, major)
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._forget(now)
            window = self._windows[key] = _Window(limit, now + period)
        allowed = window.remaining > 0
        if allowed:
            window.remaining -= 1
        left = max(0.0, window.ends - now)
        return Verdict(allowed, limit, window.remaining, self._clock.time() + left, left, _bucket(method, route))

    def _limit_of(self, method: str, route: str) -> tuple[int, float]:
        default = (self._rules.rest_default_limit, self._rules.rest_default_period_s)
        return self._limits.get((method, route), default)

    def take_global(self, bot_id: int) -> float | None:
        """Count a request of a bot; the seconds to wait when it made too many in this second, else None."""
        now = self._clock.monotonic()
        window = self._globals.get(bot_id)
        if window is None or window.ends <= now:
            window = self._globals[bot_id] = _Window(self._rules.rest_global_per_s, now + 1.0)
        if window.remaining > 0:
            window.remaining -= 1
            return None
        return window.ends - now

    def invalid(self, address: str) -> None:
        """Count an answer with 401, 403 or 429 (not scope `shared`) to an address."""
        self._invalid.setdefault(address, deque()).append(self._clock.monotonic())

    def refused(self, method: str, route: str, seconds: float, *, remaining: int = 0) -> Verdict:
        """What a bucket says when something else than its own count refuses a request for a time."""
        limit, _ = self._limit_of(method, route)
        return Verdict(False, limit, remaining, self._clock.time() + seconds, seconds, _bucket(method, route))

    def webhook_gone(self, address: str, token: str) -> None:
        """Count a call that a webhook answered with 404; who does not stop is restricted for a while."""
        calls = self._dead[address, token] = self._dead.get((address, token), 0) + 1
        if calls > self._rules.rest_dead_webhook_calls:
            del self._dead[address, token]
            self._restricted[address] = self._clock.monotonic() + self._rules.rest_dead_webhook_s
        if len(self._dead) > 10_000:
            del self._dead[next(iter(self._dead))]

    def banned_for(self, address: str) -> float | None:
        """The seconds for which an address is refused; None when it is not."""
        restricted = self._restricted.get(address, 0.0) - self._clock.monotonic()
        return restricted if restricted > 0 else self._banned_for(address)

    def _banned_for(self, address: str) -> float | None:
        times = self._invalid.get(address)
        if not times:
            return None
        now = self._clock.monotonic()
        while times and times[0] <= now - _INVALID_WINDOW_S:
            times.popleft()
        if len(times) < self._rules.rest_invalid_per_10_min:
            return None
        return times[0] + _INVALID_WINDOW_S - now

    def invalid_count(self, address: str) -> int:
        """How many invalid requests of an address count at present."""
        self.banned_for(address)
        return len(self._invalid.get(address, ()))

    def _forget(self, now: float) -> None:
        """Windows that are over, once many have come together."""
        if len(self._windows) > 10_000:
            self._windows = {key: window for key, window in self._windows.items() if window.ends > now}


def _bucket(method: str, route: str) -> str:
    return hashlib.md5(f"{method} {route}".encode(), usedforsecurity=False).hexdigest()


def retry_after_header(seconds: float) -> str:
    """`Retry-After` counts whole seconds."""
    return str(max(1, math.ceil(seconds)))
