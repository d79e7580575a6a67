"""Servers that tests start: processes with a log file each, which end with the test process, however that ends.

`tests/support/control_plane.py` makes its parts of it.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.mariadb import free_port

KEEPER = Path(__file__).with_name("keeper.py")
GRACE_SECONDS = 3
POLL_SECONDS = 0.05
TRIES = 3
"""Somebody may take a port between our look and the server's."""


class DaemonError(Exception):
    """A server does not start; the message has the end of its log."""


class Daemon:
    """One server on a port of 127.0.0.1 that tells by HTTP when it is ready."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        *,
        ready: str,
        log: Path,
        context: ssl.SSLContext | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        """Take the command for a port, and the path that answers 200 when it is ready; with a context by TLS."""
        self.name, self.log = name, log
        self.port = 0
        self._command, self._ready, self._context, self._grace = command, ready, context, grace
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it on a free port, or on its old one; `wait` tells when it is ready."""
        self.port = self.port or free_port()
        command = [sys.executable, "-I", "-S", str(KEEPER), str(self._grace), *self._command(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, seconds: float) -> None:
        """Wait until it is ready. Raises `DaemonError` when it ends or takes longer."""
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(POLL_SECONDS)
        how = f"is not ready after {seconds:.0f} s" if self.is_running else "ended at its start"
        raise DaemonError(f"{self.name} {how}; the end of its log:\n{self.tail()}")

    def start_and_wait(self, seconds: float) -> None:
        """Start it on a free port, or again on its old one, and wait until it is ready. Raises `DaemonError`."""
        is_new = not self.port
        for left in reversed(range(TRIES)):
            self.start()
            try:
                self.wait(seconds)
            except DaemonError:
                was_running = self.is_running
                self.stop()
                if was_running or not left:
                    raise
                self.port = 0 if is_new else self.port
            else:
                return

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self._ready}", timeout=5, context=self._context) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def ask_to_stop(self) -> None:
        """Send it SIGTERM, and SIGKILL after a grace; `stop` waits for its end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.ask_to_stop()
        if self._process is not None:
            self._process.wait(timeout=self._grace + 20)
            self._process = None
