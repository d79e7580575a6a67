"""Reads the effects that the probe has left in the fleet's database, by a process of its own. Called by `runner.py`.

The emulator never loads a database driver; `migaga_modules.probe.count` does, in that process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migaga.common.errors import MigagaError
from migaga_emulator.ledger.keys import natural_key

READER = "migaga_modules.probe.count"
DATABASE = "PROBE_DATABASE"
READ_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Effects:
    """Rows in the database by the event's natural key."""

    rows: Mapping[str, int]


async def read_effects(database_url: str) -> Effects:
    """Count the rows of `probe_effects`; none where there is no such table.

    Raises:
        MigagaError: the database could not be read.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", READER),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # In the environment, because a command line can be read by everybody on the machine.
        env={**os.environ, DATABASE: database_url},
    )
    try:
        async with asyncio.timeout(READ_WITHIN):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise MigagaError(f"the effects in the database could not be read within {READ_WITHIN:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        raise MigagaError(f"the effects in the database could not be read: {' '.join(last)}")
    return Effects(parse(out.decode().splitlines()))


def parse(lines: Sequence[str]) -> Mapping[str, int]:
    """Read lines of `[name, ids, rows]`."""
    rows: Counter[str] = Counter()
    for line in lines:
        name, payload, count = json.loads(line)
        rows[natural_key(str(name), payload)] += int(count)
    return rows
