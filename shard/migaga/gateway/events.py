"""The event manager of the fleet: takes raw events off the socket, and builds hikari's objects when they are wanted.

Shards call `consume_raw_event` for every dispatch; it only hands the raw payload to the shard's intake. The framework
calls `build` for the few events that a handler takes. hikari's listeners, waiters and cache are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import hikari
from hikari import errors

from migaga.gateway.intake import Intake
from migaga.gateway.privates import OpenEventManager, OpenShard
from migaga.gateway.received import Received


class FleetEventManager(OpenEventManager):
    """Between the sockets and the intakes, and between raw payloads and hikari's objects."""

    def __init__(
        self,
        entity_factory: hikari.api.EntityFactory,
        event_factory: hikari.api.EventFactory,
        intents: hikari.Intents,
    ) -> None:
        super().__init__(entity_factory, event_factory, intents, auto_chunk_members=False, cache=None)
        self._shards: dict[int, OpenShard] = {}
        self._intakes: dict[hikari.api.GatewayShard, Intake] = {}
        self._built: list[hikari.Event] = []

    def attach(self, shard: OpenShard, intake: Intake) -> None:
        """Hand the events of a connection to `intake`, and name its shard in the events that are built."""
        self._shards[shard.id] = shard
        self._intakes[shard] = intake

    def detach(self, shard: OpenShard) -> None:
        """Hand on nothing more of a connection. Events of its shard can still be built."""
        self._intakes.pop(shard, None)

    def consume_raw_event(
        self, event_name: str, shard: hikari.api.GatewayShard, payload: Mapping[str, Any] | None
    ) -> None:
        """Hand a dispatch to its shard's intake. Called by shards, in the order of receipt."""
        intake = self._intakes.get(shard)
        if intake is None or not isinstance(shard, OpenShard):
            return
        received = shard.received(event_name, payload)
        if received is not None:
            intake.receive(received)

    def build(self, event: Received) -> Sequence[hikari.Event]:
        """Build the objects that hikari makes of a raw event: none for a kind that it does not know.

        The raw `ShardPayloadEvent` is not among them, see `build_payload`. Raises what hikari raises for a payload that
        it cannot read (KeyError, TypeError, ValueError).
        """
        self._built = []
        try:
            self.consume(event.name, self._shards[event.shard_id], event.payload)
        except errors.UnrecognisedEntityError:
            return ()
        built, self._built = self._built, []
        return built

    def build_payload(self, event: Received) -> hikari.ShardPayloadEvent:
        """Build the event that carries the raw payload; cheap, and possible for every kind."""
        return self.payload_event(event.name, self._shards[event.shard_id], event.payload)

    def dispatch(self, event: hikari.Event, *, return_tasks: bool = False) -> asyncio.Future[Any] | None:  # type: ignore[override]
        """Keep the event for `build`. Nobody listens here: what hikari's shards dispatch themselves goes nowhere."""
        if not return_tasks:
            self._built.append(event)
            return None
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done
