"""Servers of tests end with the test process, however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.daemons import Daemon, DaemonError

ROOT = Path(__file__).parents[3]
# A test process with one server that does not heed SIGTERM; it tells the server's pid.
OWNER = """
import sys, time
from pathlib import Path
from tests.support.daemons import Daemon
code = "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True); " \
    "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
command = [sys.executable, "-c", code]
daemon = Daemon("server", lambda port: [*command, str(port)], ready="/", log=Path(sys.argv[1]), grace=0.2)
daemon.start_and_wait(60)
print(daemon.log.read_text().split()[0], flush=True)
time.sleep(600)
"""


def server(log: Path) -> Daemon:
    """A server that starts fast."""
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
    return Daemon("server", lambda port: [*command, str(port)], ready="/", log=log)


def test_a_server_ends_when_the_test_process_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    ended = os.pidfd_open(int(owner.stdout.readline()))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert select.select([ended], [], [], 60)[0], "the server lives on"
    os.close(ended)


def test_a_server_is_started_again_on_its_old_port(tmp_path: Path) -> None:
    daemon = server(tmp_path / "log")
    daemon.start_and_wait(60)
    port = daemon.port
    daemon.stop()
    assert not daemon.is_running
    daemon.start_and_wait(60)
    assert daemon.port == port
    daemon.stop()


def test_one_that_ends_at_its_start_is_told_with_its_log(tmp_path: Path) -> None:
    code = "import sys; sys.exit('no such setting')"
    daemon = Daemon("server", lambda port: [sys.executable, "-c", code], ready="/", log=tmp_path / "log")
    with pytest.raises(DaemonError, match=r"server ended at its start(?s:.*)no such setting"):
        daemon.start_and_wait(60)
