"""Runs one program and ends it when whoever asked for it is gone: `python keeper.py GRACE PROGRAM ARGUMENT...`.

`tests/support/daemons.py` starts it. Standard input tells: its end (close, or the death of the test process in whatever
way) means SIGTERM, and SIGKILL after GRACE seconds. It leaves with the program's exit code.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run until the program or standard input ends."""
    grace, *command = sys.argv[1:]
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - this process has one thread
    )
    ended = os.pidfd_open(program.pid)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(0, select.POLLIN | select.POLLHUP)
    while not any(number == ended for number, _ in waiting.poll()):
        if not os.read(0, 1024):
            program.terminate()
            if not select.select([ended], [], [], float(grace))[0]:
                program.kill()
            break
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
