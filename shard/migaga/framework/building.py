"""hikari's objects of one event, built when the first handler wants them and then shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import hikari

from migaga.gateway.received import Received

E = TypeVar("E", bound=hikari.Event)


class Builder(Protocol):
    """Makes hikari's objects. The gateway's event manager is one."""

    def build(self, event: Received) -> Sequence[hikari.Event]:
        """Return the events that hikari makes of a raw one."""
        ...

    def build_payload(self, event: Received) -> hikari.ShardPayloadEvent:
        """Return the event that carries the raw payload."""
        ...


class Built:
    """The objects of one received event."""

    __slots__ = ("_builder", "_events", "_payload", "received")

    def __init__(self, builder: Builder, received: Received) -> None:
        self._builder = builder
        self.received = received
        self._events: Sequence[hikari.Event] | None = None
        self._payload: hikari.ShardPayloadEvent | None = None

    def events(self) -> Sequence[hikari.Event]:
        """Return hikari's events of it. Raises what hikari raises for a payload that it cannot read."""
        if self._events is None:
            self._events = self._builder.build(self.received)
        return self._events

    def payload(self) -> hikari.ShardPayloadEvent:
        """Return the raw event."""
        if self._payload is None:
            self._payload = self._builder.build_payload(self.received)
        return self._payload

    def one(self, kind: type[E]) -> E:
        """Return the event of a class.

        Raises:
            LookupError: hikari built none.
        """
        for event in self.events():
            if isinstance(event, kind):
                return event
        raise LookupError(f"hikari built no {kind.__name__} of a {self.received.name}")

    def as_created(self) -> Built:
        """Return an edited message as if it had been written just now: Discord sends it whole."""
        return Built(self._builder, replace(self.received, name="MESSAGE_CREATE"))
