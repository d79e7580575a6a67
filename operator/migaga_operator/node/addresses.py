"""Loopback addresses, one for each pod, so that all pods listen on the same port as they would in a cluster.

`Node` takes and gives back; whoever makes the node claims the network.
"""

from __future__ import annotations

import errno
import random
import socket
from collections import deque
from ipaddress import IPv4Network

from migaga.common.errors import UnavailableError

_GUARD_PORT = 8_079
_ALL = range(16, 255)


class Addresses:
    """The addresses of one network `127.x.0.0/16`, which is this process's alone while it is held.

    Used as a context manager; `claim` makes it. An address that was given back is the last to be used again.
    """

    def __init__(self, network: IPv4Network, guard: socket.socket) -> None:
        """Use `claim`. `guard` holds the network's last address, so that other processes keep out of it."""
        self.network = network
        self._guard = guard
        # The first is the machine's own, the last is the guard's.
        self._free = deque(range(2, network.num_addresses - 2))
        self._taken: dict[str, int] = {}

    @classmethod
    def claim(cls, number: int | None = None) -> Addresses:
        """Claim a network: `127.<number>.0.0/16`, or any that is free.

        Raises UnavailableError when it is taken, or when this machine has only 127.0.0.1.
        """
        numbers = list(_ALL) if number is None else [number]
        random.shuffle(numbers)
        for candidate in numbers:
            network = IPv4Network(f"127.{candidate}.0.0/16")
            guard = _guard(network)
            if guard is not None:
                return cls(network, guard)
        what = "every network 127.x.0.0/16" if number is None else f"the network 127.{number}.0.0/16"
        raise UnavailableError(f"{what} is used by another process on this machine. End it, or use another number.")

    @property
    def host(self) -> str:
        """The address of the machine that the pods seem to run on."""
        return str(self.network[1])

    def take(self) -> str:
        """Return an address that no pod has. Raises UnavailableError when there is none left."""
        if not self._free:
            raise UnavailableError(f"all addresses of {self.network} are used by pods. End some of them.")
        index = self._free.popleft()
        address = str(self.network[index])
        self._taken[address] = index
        return address

    def give_back(self, address: str) -> None:
        """Take an address back; one that is not out is left alone."""
        index = self._taken.pop(address, None)
        if index is not None:
            self._free.append(index)

    def close(self) -> None:
        """Let others have the network."""
        self._guard.close()

    def __enter__(self) -> Addresses:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _guard(network: IPv4Network) -> socket.socket | None:
    """Bind the guard of a network; None when somebody has it."""
    address = str(network[-2])
    guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        guard.bind((address, _GUARD_PORT))
    except OSError as error:
        guard.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise UnavailableError(
            f"this machine refuses the address {address} ({error.strerror}), and each pod needs one of its own. "
            "Linux has all of 127.0.0.0/8; elsewhere add them (macOS: `sudo ifconfig lo0 alias 127.16.0.2 up`)."
        ) from error
    return guard
