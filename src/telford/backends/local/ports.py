"""Free loopback ports, chosen outside the kernel's range for outgoing connections.

A port from that range could be taken by any client connection between our choice and the
service's bind. Randomness is handed in. Used for replicas and for Envoy's listeners.
"""

import random
import socket

from telford.basics.errors import PermanentError

# Linux gives outgoing connections 32768-60999 by default; IANA keeps most of these unassigned.
FIRST, LAST = 20_000, 32_000

_TRIES = 200


class Ports:
    """Hands out ports that were free a moment ago and remembers which it gave."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._given: set[int] = set()

    def take(self) -> int:
        """A free port; raises `PermanentError` where none is found."""
        for _ in range(_TRIES):
            port = self._chance.randrange(FIRST, LAST)
            if port not in self._given and is_free(port):
                self._given.add(port)
                return port
        raise PermanentError(
            f"no free port found between {FIRST} and {LAST}", fix="end what holds so many ports"
        )

    def give_back(self, port: int) -> None:
        """The port may be chosen again."""
        self._given.discard(port)


def is_free(port: int) -> bool:
    """Whether a listener could bind the port on loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As a listener does it: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
