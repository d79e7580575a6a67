"""What a run leaves in the folder of `--keep`, besides logs: what went wrong, and when. Called by `runner.py`.

Times are those of the processes' logs, so that one can be found beside the other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from migaga_emulator.ledger.answers import Asked
from migaga_emulator.ledger.connections import Begun, Ended
from migaga_emulator.ledger.events import Entry
from migaga_emulator.scenarios.gap import Gap
from migaga_emulator.scenarios.scene import Scene

NAME = "ledger.json"
MOST = 1_000
"""Events of one kind of trouble that are told."""


def write_ledger(
    folder: Path, scene: Scene, asked: Iterable[Asked], wrong_answers: Sequence[str], gaps: Sequence[Gap]
) -> None:
    """Write `ledger.json`: events that are not as they should be, interactions without an answer, connections, gaps."""
    clock = Clock()
    found = {
        "wrong_answers": list(wrong_answers)[:MOST],
        "unanswered": [_asked(one) for one in asked if not one.acknowledged][:MOST],
        "events": [_event(key, entry, clock) for key, entry in scene.ledger.events.wrong().items()][:MOST],
        "crashes": [
            {"begun": clock.show(one.at), "back": clock.show(one.back), "shards": sorted(one.shards)}
            for one in scene.injected.crashes
        ],
        "gaps": [_gap(gap, clock) for gap in gaps],
        "connections": [_connection(one, clock, scene.owners.of_port) for one in scene.ledger.connections.log],
    }
    (folder / NAME).write_text(json.dumps(found, indent=1))


class Clock:
    """Shows times of the monotonic clock as those of the day."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def show(self, at: float) -> str:
        """Write a time of the monotonic clock."""
        return shown(at + self._ahead)


def shown(at: float) -> str:
    """Write seconds since the Unix epoch."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _asked(asked: Asked) -> Mapping[str, object]:
    interaction = asked.interaction
    kind = {2: "command", 3: "component", 4: "autocomplete", 5: "modal"}.get(interaction.type, interaction.type)
    return {
        "id": str(interaction.id),
        "at": shown(interaction.created_at),
        "kind": kind,
        "guild": str(interaction.guild_id),
        "late": asked.late,
        "calls": asked.calls,
    }


def _event(key: str, entry: Entry, clock: Clock) -> Mapping[str, object]:
    return {
        "key": key,
        "lost": entry.lost,
        "repeated": entry.repeated,
        "unexpected": entry.unexpected,
        "undeliverable": entry.undeliverable,
        "occurrences": [
            {
                "at": clock.show(one.at),
                "guild": str(one.guild_id),
                "handled": None if one.handled_at is None else clock.show(one.handled_at),
                "had": one.had,
            }
            for one in entry.occurrences
        ],
    }


def _gap(gap: Gap, clock: Clock) -> Mapping[str, object]:
    window = gap.window
    return {
        "shard": list(window.shard),
        "begun": clock.show(window.begun),
        "ended": clock.show(window.ended),
        "ms": round(gap.seconds * 1_000, 1),
        "at": clock.show(gap.at),
    }


def _connection(entry: Begun | Ended, clock: Clock, owners: Mapping[int, int]) -> Mapping[str, object]:
    told: dict[str, object] = {"at": clock.show(entry.at), "shard": list(entry.shard), "how": entry.how}
    if isinstance(entry, Begun):
        told |= {"process": owners.get(entry.peer), "replayed": entry.replayed}
    return told
