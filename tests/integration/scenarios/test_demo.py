"""The demo in full, and the one that goes on until somebody has seen enough."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest
from tests.integration.scenarios.runs import Runs

# It waits for nine processes to start, three of them one after the other, whatever else the machine does.
pytestmark = pytest.mark.timeout(400)


@pytest.mark.timeout(900)  # Others were begun before it.
def test_the_demo_keeps_its_contract(demo_runs: Runs) -> None:
    ended = demo_runs.ended("demo")
    assert ended.code == 0, ended.out + ended.err
    assert len(ended.out.splitlines()) == 1
    last = ended.last
    assert last["events_sent"] >= 5_000
    assert last["commands_sent"] >= 300
    assert last == {
        "scenario": "demo",
        "shards": 4,
        "guilds": 100,
        "events_sent": last["events_sent"],
        "events_handled": last["events_sent"],
        "lost": 0,
        "repeated": 0,
        "commands_sent": last["commands_sent"],
        "commands_answered": last["commands_sent"],
        "identifies": 4,
        "resumes": 4,
        "passed": True,
    }


async def test_for_ever_ends_in_order_when_somebody_has_seen_enough(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migaga.cli.main", "demo", "--forever", "--seconds", "4", "--keep", str(tmp_path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(300):
            async for line in process.stdout:
                lines.append(line.decode())
                if lines[-1].startswith("metrics:"):
                    process.send_signal(signal.SIGINT)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code == 0
    assert any(line.startswith("control API: http://127.0.0.1:") for line in lines)
    last = json.loads(lines[-1])
    assert (last["lost"], last["repeated"], last["identifies"], last["resumes"]) == (0, 0, 4, 4)
    logs = list((tmp_path / "fleet" / "logs").rglob("*.log"))
    # Three processes of each revision.
    assert len(logs) == 6
    assert not [log for log in logs if "Traceback" in log.read_text()]
