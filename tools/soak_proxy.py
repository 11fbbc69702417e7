"""A TCP proxy in front of a database that can be slow, silent or gone: the soak's bad network.

`Proxy(target)` listens on a free port of the loopback interface and passes bytes on to a Unix
socket. `mode` is changed while it runs: "through", "slow" (each piece half a second late),
"silent" (accepts and answers nothing) or "closed" (refuses, and cuts what is open).
"""

import contextlib
import socket
import threading
import time
from pathlib import Path

SLOW_SECONDS = 0.5
PIECE = 65_536
PAUSE_SECONDS = 0.02


class Proxy:
    """See the module. Threads end with the process."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self.mode = "through"
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode: str) -> None:
        """From now on."""
        self.mode = mode
        if mode == "closed":
            with self._lock:
                for one in self._open:
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            near, _ = self._listening.accept()
            if self.mode == "closed":
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if self.mode == "slow":
                    time.sleep(SLOW_SECONDS)
                while self.mode == "silent":
                    time.sleep(PAUSE_SECONDS)
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()
