"""The shop as real processes on loopback, for the tests of the example."""

import collections.abc
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop"

LIMIT_SECONDS = 10.0
BEHIND = ("catalogue", "recommendations", "stream", "orders", "fulfilment")


class Process:
    """One service of the shop; its port is read from its own log."""

    def __init__(
        self, service: str, environment: dict[str, str], inherited: dict[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"shop.{service}"],
            cwd=SHOP,
            env={**(inherited or {**os.environ, "PORT": "0"}), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{service} did not start: {self.process.stderr.read()}"
        self.started = json.loads(line)
        self.url = f"http://127.0.0.1:{self.started.get('port')}"

    def terminate(self) -> None:
        """SIGTERM, unless it has ended already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Wait for its end: the exit code, the rest of the log, and what went to stderr."""
        try:
            out, err = self.process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


class Shop:
    """A whole shop, or as much of it as a test starts."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._processes: list[Process] = []
        self.urls: dict[str, str] = {}

    def start(self, service: str, **environment: str) -> Process:
        """Start a service that knows the addresses of those that run already."""
        addresses = {f"{name.upper()}_URL": url for name, url in self.urls.items()}
        state = {"STATE_DIR": str(self.folder / service)}
        process = Process(service, {**addresses, **state, **environment})
        self.adopt(service, process)
        return process

    def adopt(self, service: str, process: Process) -> None:
        """Let a process that runs be this shop's `service`."""
        self._processes.append(process)
        self.urls[service] = process.url

    def stop(self) -> None:
        """Every service ends in order: exit code 0 and nothing on stderr, whatever it was sent."""
        processes, self._processes = self._processes, []
        for process in processes:
            process.terminate()
        ends = [process.end() for process in processes]
        assert [(code, err) for code, _, err in ends] == [(0, "")] * len(ends)

    def kill(self, process: Process) -> None:
        """SIGKILL one service."""
        process.process.kill()
        process.end()
        self._processes.remove(process)


@contextlib.contextmanager
def opened(folder: pathlib.Path, *services: str) -> collections.abc.Iterator[Shop]:
    """A shop with its state under `folder` and `services` running; stopped at the end."""
    shop = Shop(folder)
    try:
        for service in services:
            shop.start(service)
        yield shop
    finally:
        shop.stop()


def ask(
    url: str, method: str = "GET", value: object | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON (or text) and headers of one request."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as response:
            return _read(response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error)


def _read(response: Any) -> tuple[int, Any, dict[str, str]]:
    text = response.read().decode()
    is_json = response.headers["content-type"] == "application/json"
    return response.status, json.loads(text) if is_json else text, dict(response.headers)
