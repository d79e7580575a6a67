"""Nodes of a test cluster, as processes of their own. Cluster tests start them with `running_node`.

A node whose test process dies is killed, and its pods with it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from migaga_operator.node import launch

ROOT = Path(__file__).parents[2]
START_SECONDS = 90


class NodeError(Exception):
    """A node does not start; the message has the end of its log."""


class NodeProcess:
    """One node. Made by `running_node`."""

    def __init__(self, name: str, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.name, self.folder = name, folder
        """`folder/logs/NAMESPACE_POD_UID/CONTAINER/RUN.log` are the logs of its pods, `folder/node.log` its own."""
        self._process = process

    @property
    def pid(self) -> int:
        """Of the node itself; SIGSTOP makes a machine that hangs."""
        return self._process.pid

    async def kill(self) -> None:
        """Lose the machine: the node and all processes of its pods are gone at once, and nobody is told."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Shut the machine down: its pods end within their grace period, then the node."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()


@asynccontextmanager
async def running_node(
    name: str, folder: Path, kubeconfig: Path, *, options: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> AsyncIterator[NodeProcess]:
    """Start a node and wait until it is registered and runs what is bound to it; stop it when the block is left.

    Args:
        name: Of the node.
        folder: For its files alone; made when it is not there.
        kubeconfig: Of an administrator, or of the user `system:node:NAME` in the group `system:nodes`.
        options: Further ones of `python -m tests.support.kubelet`, such as `--zone a`.
        environ: Of the node itself; its pods have their own.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    words = ("--kubeconfig", str(kubeconfig), "--name", name, "--folder", str(folder), *options)
    log = await asyncio.to_thread((folder / "node.log").open, "ab")
    with log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", launch.__file__, str(os.getpid())),
            *(sys.executable, "-m", "tests.support.kubelet", *words),
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    node = NodeProcess(name, folder, process)
    try:
        await _until_ready(node, process)
        yield node
    finally:
        await node.stop()


async def _until_ready(node: NodeProcess, process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            if await process.stdout.readline() == b"ready\n":
                return
    end = (await asyncio.to_thread((node.folder / "node.log").read_text))[-2_000:]
    raise NodeError(f"the node {node.name} does not start. The end of its log:\n{end}")
