"""What the gateway tells whoever counts: the seam between the gateway and the metrics, which do not know each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Observer(Protocol):
    """Counts what happens at the gateway. `observe.metrics.Metrics` is one. Calls are cheap and never raise."""

    def event_received(self, name: str) -> None:
        """A dispatch came in."""

    def event_routed(self, name: str) -> None:
        """At least one handler takes it."""

    def event_repeated(self) -> None:
        """A dispatch came again that this session has had."""

    def intake(self, shard_id: int, *, in_flight: Callable[[], int], lag: Callable[[], int]) -> None:
        """A shard takes events. Asked when somebody looks: how many are being handled, how many the watermark lacks."""

    def shard_state(self, shard_id: int, state: str) -> None:
        """A shard went into a state (a value of `ShardState`)."""

    def shard_latency(self, shard_id: int, seconds: float) -> None:
        """A heartbeat was acknowledged after so long."""

    def identify_sent(self) -> None:
        """An IDENTIFY went out: one of the day's budget."""

    def resume_sent(self) -> None:
        """A RESUME went out."""

    def reconnected(self, reason: str) -> None:
        """A connection ended: `close 4000`, `op 7`, `op 9`, `zombie`, `lost`, `error`."""

    def sessions_stored(self, *, ok: bool) -> None:
        """The watermarks were stored in the database, or could not be."""

    def shard_gone(self, shard_id: int) -> None:
        """A shard is no longer this process's."""

    def shard_claimed(self) -> None:
        """A shard that nobody owned, or a dead process, was claimed."""

    def shard_passed(self) -> None:
        """A shard was passed on to another process."""

    def event_quarantined(self, name: str) -> None:
        """An event that has ended its processes is kept, and never handled."""


class Unobserved:
    """An observer that counts nothing, for tools and tests that look elsewhere."""

    def event_received(self, name: str) -> None:
        """Do nothing."""

    def event_routed(self, name: str) -> None:
        """Do nothing."""

    def event_repeated(self) -> None:
        """Do nothing."""

    def intake(self, shard_id: int, *, in_flight: Callable[[], int], lag: Callable[[], int]) -> None:
        """Do nothing."""

    def shard_state(self, shard_id: int, state: str) -> None:
        """Do nothing."""

    def shard_latency(self, shard_id: int, seconds: float) -> None:
        """Do nothing."""

    def identify_sent(self) -> None:
        """Do nothing."""

    def resume_sent(self) -> None:
        """Do nothing."""

    def reconnected(self, reason: str) -> None:
        """Do nothing."""

    def sessions_stored(self, *, ok: bool) -> None:
        """Do nothing."""

    def shard_gone(self, shard_id: int) -> None:
        """Do nothing."""

    def shard_claimed(self) -> None:
        """Do nothing."""

    def shard_passed(self) -> None:
        """Do nothing."""

    def event_quarantined(self, name: str) -> None:
        """Do nothing."""
