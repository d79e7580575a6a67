"""The process of a connection is found by its port, and by the port it leads to."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from migaga_emulator.scenarios.sockets import owner_of

CONNECT = """
import socket, sys
connection = socket.socket()
connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
connection.bind(("127.0.0.1", int(sys.argv[1])))
connection.connect(("127.0.0.1", int(sys.argv[2])))
print(connection.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def connected(local: int, server: int) -> Iterator[tuple[int, int]]:
    """A process with a connection: its id and the local port."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONNECT, str(local), str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate()


def test_two_processes_with_one_port_are_told_apart_by_where_they_lead() -> None:
    with (
        listening() as gateway,
        listening() as database,
        connected(0, gateway) as (first, port),
        connected(port, database) as (second, same),
    ):
        assert same == port
        assert owner_of(port, gateway, [first, second]) == first
        assert owner_of(port, database, [first, second]) == second
        assert owner_of(port, gateway, [second]) is None


async def test_nobody_has_a_port_that_leads_nowhere() -> None:
    assert await asyncio.to_thread(owner_of, 1, 2, [os.getpid()]) is None
