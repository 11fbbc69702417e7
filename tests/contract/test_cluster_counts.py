"""Counts from a real Prometheus that scrapes a stand-in exporter: raw, by pod, never old or guessed."""

import contextlib
import http.server
import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

import optional
from telford.backends.kubernetes.counting import HTTP_SERVER, ISTIO, Counting
from telford.backends.prometheus import Prometheus
from telford.basics.clock import SystemClock
from telford.basics.errors import TemporaryError
from telford.estate.observation import Series

LIMIT = 30.0
PODS = {f"orders-{n}": Series("orders", f"1.{n}.0", f"orders-{n}") for n in range(3)}


class Exporter(http.server.ThreadingHTTPServer):
    """Says `text` to whoever scrapes it; nothing where that is empty."""

    text = ""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = self.server.text.encode()  # type: ignore[attr-defined]
        self.send_response(200 if data else 503)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def exporting() -> Iterator[Exporter]:
    server = Exporter(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


OPEN: list[Prometheus] = []


def client(url: str) -> Prometheus:
    OPEN.append(Prometheus(url))
    return OPEN[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def prometheus(folder: pathlib.Path, target: int) -> Iterator[str]:
    tool = optional.require_tool("prometheus")
    text = f"""
global: {{scrape_interval: 200ms, scrape_timeout: 150ms}}
scrape_configs:
- job_name: pods
  honor_labels: true
  static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
"""
    (folder / "prometheus.yml").write_text(text)
    port = _free_port()
    words = [
        tool,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def sample(name: str, pod: str, value: float, **labels: str) -> str:
    every = {"namespace": "shop", "pod": pod, **labels}
    said = ",".join(f'{key}="{text}"' for key, text in every.items())
    return f"{name}{{{said}}} {value}\n"


def istio(pod: str, good: int, bad: int, fast: int) -> str:
    name, slow = "istio_requests_total", "istio_request_duration_milliseconds_bucket"
    arrived = {"reporter": "destination"}
    return (
        sample(name, pod, good, response_code="200", **arrived)
        + sample(name, pod, bad, response_code="503", **arrived)
        # What a caller's proxy counted is the same requests once more.
        + sample(name, pod, 10 * good, reporter="source", response_code="200")
        + sample(slow, pod, fast, le="300", **arrived)
        + sample(slow, pod, good + bad, le="+Inf", **arrived)
    )


def soon(counting: Counting, pods: dict[str, Series] | None = None):
    """The first reading that there is."""
    end = time.monotonic() + LIMIT
    while True:
        with contextlib.suppress(TemporaryError):
            found = counting.read(pods or PODS)
            if found.counters:
                return found
        assert time.monotonic() < end, "Prometheus has no counts"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, str]]:
    with exporting() as exporter:
        exporter.text = (
            istio("orders-0", 90, 10, 80)
            + istio("orders-1", 45, 0, 45)
            + sample("http_server_request_duration_seconds_count", "orders-2", 7)
            + sample("http_server_request_duration_seconds_bucket", "orders-2", 5, le="0.25")
            + sample("http_server_request_duration_seconds_bucket", "orders-2", 7, le="+Inf")
        )
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus(folder, exporter.server_address[1]) as url:
            yield exporter, url


def test_counts_are_raw_by_pod_and_counted_once(seen: tuple[Exporter, str]):
    counting = Counting(client(seen[1]), ISTIO, "shop", SystemClock())
    counters = soon(counting).counters
    first = counters[PODS["orders-0"]]
    assert (first.requests, first.errors) == (100, 10)
    assert first.buckets == {300.0: 80, float("inf"): 100}
    assert counters[PODS["orders-1"]].errors == 0
    assert PODS["orders-2"] not in counters, "what is not counted is missing, and not zero"


def test_what_a_process_counts_itself_is_read_in_milliseconds(seen: tuple[Exporter, str]):
    counting = Counting(client(seen[1]), HTTP_SERVER, "shop", SystemClock())
    (found,) = soon(counting).counters.values()
    assert (found.requests, found.errors) == (7, 0)
    assert found.buckets == {250.0: 5, float("inf"): 7}


def test_counts_of_another_namespace_are_nobodys(seen: tuple[Exporter, str]):
    soon(Counting(client(seen[1]), ISTIO, "shop", SystemClock()))
    other = Counting(client(seen[1]), ISTIO, "elsewhere", SystemClock())
    assert other.read(PODS).counters == {}


class Later(SystemClock):
    """A clock that is ahead, as if scrapes had stopped long ago."""

    def now(self) -> float:
        return super().now() + 120.0


def test_counts_that_are_old_are_no_counts(seen: tuple[Exporter, str]):
    soon(Counting(client(seen[1]), ISTIO, "shop", SystemClock()))
    counting = Counting(client(seen[1]), ISTIO, "shop", Later(), stale_seconds=60.0)
    with pytest.raises(TemporaryError, match="older than 60 s"):
        counting.read(PODS)


def test_a_prometheus_that_is_away_or_refuses_is_temporary(seen: tuple[Exporter, str]):
    away = Counting(client(f"http://127.0.0.1:{_free_port()}"), ISTIO, "shop", SystemClock())
    with pytest.raises(TemporaryError, match="cannot be reached"):
        away.read(PODS)
    wrong = Counting(client(f"{seen[1]}/nowhere"), ISTIO, "shop", SystemClock())
    with pytest.raises(TemporaryError, match="refused"):
        wrong.read(PODS)


def test_a_counter_that_begins_anew_is_read_as_it_is(seen: tuple[Exporter, str]):
    """The observer sees that it went down, and counts that tick of the pod as missing."""
    exporter, url = seen
    counting = Counting(client(url), ISTIO, "shop", SystemClock())
    assert soon(counting).counters[PODS["orders-0"]].requests == 100
    exporter.text = istio("orders-0", 3, 1, 3)
    end = time.monotonic() + LIMIT
    while (found := soon(counting)).counters[PODS["orders-0"]].requests != 4:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert found.counters[PODS["orders-0"]].errors == 1
    assert PODS["orders-1"] not in found.counters, "a pod that is scraped no more is missing"
