"""Load on loopback from a few threads, every answer kept; and looking at processes."""

import contextlib
import http.client
import pathlib
import socket
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

WAIT_SECONDS = 20


class Load:
    """Sends requests until told to stop; `answers` counts (status, body), `failures` the rest."""

    def __init__(self, url, threads=4, path="/", method="GET", pause=0.0):
        self.answers = Counter()
        self.failures = []
        self._address = urlsplit(url).netloc
        self._path, self._method, self._pause = path, method, pause
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def total(self):
        return sum(self.answers.values())

    def bad(self):
        return [key for key in self.answers if key[0] >= 400] + self.failures

    def _run(self):
        connection = http.client.HTTPConnection(self._address, timeout=15)
        mine = Counter()
        while not self._end.is_set():
            try:
                connection.request(self._method, self._path)
                answer = connection.getresponse()
                mine[answer.status, answer.read().decode()] += 1
                self._end.wait(self._pause)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            if sum(mine.values()) >= 20:
                self._add(mine)
        self._add(mine)
        connection.close()

    def _add(self, mine):
        with self._lock:
            self.answers.update(mine)
        mine.clear()


def get(url, timeout=15):
    """One GET on a connection of its own: status and body; status 0 for a broken answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def until(predicate, what, limit=WAIT_SECONDS):
    """Poll a fact; its value, or a failure that names it."""
    deadline = time.monotonic() + limit
    while not (value := predicate()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)
    return value


def alive(pid):
    """Whether a process runs; a zombie does not."""
    with contextlib.suppress(OSError):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] not in "ZX"
    return False


def descendants(pid):
    """The living children of a process and theirs."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and alive(int(folder.name)):
                found += [int(folder.name), *descendants(int(folder.name))]
    return found


def admin(place, target):
    """Ask Envoy's admin socket."""
    connection = http.client.HTTPConnection("admin", timeout=5)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(str(place.root / "run" / "admin.sock"))
        connection.sock = sock
        connection.request("GET", target)
        return connection.getresponse().read().decode()
