"""Becomes the process of a container, which then ends when the node ends. `process.py` starts it as a file of its own.

It imports nothing of ours and is run with `-I -S`, so that a container's environment cannot change what it does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 126


def main() -> None:
    """Bind this process to its parent, then become the command: `launch.py PARENT COMMAND ARGUMENTS...`."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # The node has died before the line above: nobody would ever end this process.
            sys.exit(128 + signal.SIGKILL)
    # Python ignores these two, and what is ignored stays so in the command.
    for name in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(name, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - it is the job of a node
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        sys.exit(_CANNOT_RUN)


if __name__ == "__main__":
    main()
