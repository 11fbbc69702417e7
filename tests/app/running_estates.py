"""An estate that really runs: one service whose version is the share of requests it fails."""

import contextlib
import http.client
import io
import json
import pathlib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from telford.cli import main, options

STUB = pathlib.Path(__file__).resolve().parent.parent / "backends" / "local" / "stub_service.py"
WAIT_SECONDS = 180.0

ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: dev
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
delivery: canary
routes:
  - path: /
run:
  image: shop/orders:0.0
  local:
    command: [python, STUB, --port, "{port}", --name, "v{version}", --errors, "{version}"]
    replicas: 2
---
apiVersion: telford/v1
kind: Delivery
name: canary
owner: team/shop
steps:
  - {weight: 50%, soak: 1s}
tick: 200ms
deadline: 5m
stale: 60s
---
apiVersion: telford/v1
kind: Objective
name: orders-availability
owner: team/shop
service: orders
target: 90%
sli:
  availability: {}
"""


class Traffic:
    """Requests one after the other until told to stop; `failures` are what no version answered."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()
        self.failures: list[str] = []
        self._address = urlsplit(url).netloc
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._end.wait(0.01):
            connection = http.client.HTTPConnection(self._address, timeout=15)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read().decode()
                self.answers[answer.status, body] += 1
                if not body.startswith("v"):
                    self.failures.append(f"{answer.status} {body}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            finally:
                connection.close()


class Estate:
    """A folder with the estate, and `telford` run on it as a person would; what only asks, and
    leaves no process behind, in this process.
    """

    def __init__(self, folder: pathlib.Path, text: str = ESTATE) -> None:
        self.folder = folder
        (folder / "estate.yaml").write_text(text.replace("STUB", str(STUB)), encoding="utf-8")

    def telford(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "telford.cli.main", *words, "--estate", str(self.folder)]
        environment = {"TELFORD_TICK_SECONDS": "0.2", "TELFORD_WHO": "ann", "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=180, check=False, env=environment
        )

    def asked(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """The same without a process of its own, which costs a second of imports."""
        out, err = io.StringIO(), io.StringIO()
        options.settings.cache_clear()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.run([*words, "--estate", str(self.folder)])
        options.settings.cache_clear()
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def json(self, *words: str) -> dict[str, Any]:
        return self._read(self.telford(*words, "--json"))

    def asked_json(self, *words: str) -> dict[str, Any]:
        return self._read(self.asked(*words, "--json"))

    def _read(self, done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def until(look: Callable[[], Any], why: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited in vain: {why}")
