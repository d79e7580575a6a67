"""A run leaves behind what went wrong, with the times of the processes' logs."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from migaga_emulator.control.client import ControlClient
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.ledger.connections import Begun, Ended
from migaga_emulator.scenarios.apologies import Apologies
from migaga_emulator.scenarios.gap import Gap, Window
from migaga_emulator.scenarios.handovers import Owners
from migaga_emulator.scenarios.kept import NAME, write_ledger
from migaga_emulator.scenarios.members import Fleet, Release
from migaga_emulator.scenarios.plan import Wish
from migaga_emulator.scenarios.processes import BotConfig
from migaga_emulator.scenarios.scene import Crash, Scene
from migaga_emulator.scenarios.talk import Gate


async def test_lost_events_crashes_and_connections_are_told_with_their_times(tmp_path: Path) -> None:
    release = Release(BotConfig(1, "t", "http://127.0.0.1", "sqlite://", (), "2", 0), {})
    async with ControlClient("http://127.0.0.1:9") as control:
        scene = Scene(
            wish=Wish(1, 60, 2, 1),
            control=control,
            ledger=BotLedger(),
            fleet=Fleet(control, tmp_path, release, 2),
            owners=Owners([42], 80),
            gate=Gate(),
            say=print,
            awake=asyncio.Event(),
            patience=1.0,
            apologies=Apologies(time.time),
        )
    now = time.monotonic()
    scene.ledger.events.published("MESSAGE_CREATE", "MESSAGE_CREATE:7", now, 1 << 22)
    scene.ledger.connections.begun(Begun(now, (0, 2), "identify", 4_000))
    scene.ledger.connections.ended(Ended(now + 1, (0, 2), "dropped"))
    scene.owners.of_port[4_000] = 42
    scene.injected.crashes.append(Crash([(1, 2)], now, now + 9))
    await asyncio.to_thread(
        write_ledger, tmp_path, scene, [], ["slash 'x': wrong"], [Gap(Window((0, 2), now, now), 0.25, now)]
    )
    told = json.loads(await asyncio.to_thread((tmp_path / NAME).read_text))
    (lost,) = told["events"]
    assert (lost["key"], lost["lost"], lost["occurrences"][0]["handled"]) == ("MESSAGE_CREATE:7", 1, None)
    at = datetime.fromisoformat(lost["occurrences"][0]["at"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 5
    assert [(one["how"], one.get("process")) for one in told["connections"]] == [("identify", 42), ("dropped", None)]
    assert told["crashes"][0]["shards"] == [[1, 2]]
    assert [(one["shard"], one["ms"]) for one in told["gaps"]] == [([0, 2], 250.0)]
    assert told["wrong_answers"] == ["slash 'x': wrong"]
