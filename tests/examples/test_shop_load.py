"""The load generator counts what the servers count, and never loads another machine."""

import asyncio
import collections.abc
import json
import math
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import hypothesis
import load
import pytest
from hypothesis import strategies
from shop_processes import BEHIND, LIMIT_SECONDS, SHOP, Shop, ask, opened


@pytest.fixture(scope="module")
def whole_shop(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Shop]:
    """All six services, storefront 1.1.0."""
    with opened(tmp_path_factory.mktemp("shop"), *BEHIND) as made:
        made.start("storefront", SHOP_VERSION="1.1.0")
        yield made


def plan(url: str = "http://127.0.0.1:9", **changes: object) -> load.Plan:
    values = {"rate_per_second": 200.0, "duration_seconds": 5.0, "max_requests": 200, **changes}
    return load.Plan(url, **values)


def counted_by(url: str) -> Counter[tuple[str, str, int]]:
    """What a service says it answered, without what the tests themselves looked at."""
    pattern = r'\{method="(\w+)",route="(.+)",status="(\d+)"\} (\d+)'
    found = Counter()
    for method, route, status, count in re.findall(pattern, ask(f"{url}/metrics")[1]):
        if route not in ("/metrics", "/healthz"):
            found[method, route, int(status)] = int(count)
    return found


@pytest.mark.parametrize(("version", "may_fail"), [("1.1.0", False), ("1.2.0", True)])
def test_its_counts_are_the_counts_of_the_server(
    whole_shop: Shop, version: str, may_fail: bool
) -> None:
    url = whole_shop.start("storefront", SHOP_VERSION=version).url
    summary = asyncio.run(load.Load(plan(url)).run())
    seen = Counter()
    for row in summary["responses"]:
        assert row["served_by"] == f"storefront/{version}"
        seen[row["method"], row["route"], row["status"]] += row["count"]
    assert seen == counted_by(url)
    assert summary["sent"] == summary["answered"] == 200
    assert summary["failed"] == seen["POST", "/orders", 500]
    assert (summary["failed"] > 0) is may_fail
    assert (summary["transport"], summary["in_flight"], summary["not_sent"]) == ({}, 0, 0)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:80",
        "http://example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:80",
        "http://127.0.0.1@192.0.2.1/",
        "https://127.0.0.1",
        "127.0.0.1:80",
    ],
)
def test_any_other_machine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="only http:// addresses on loopback"):
        plan(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"])
def test_this_machine_is_allowed(url: str) -> None:
    assert plan(url).address()[1] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"rate_per_second": 0.0},
        {"rate_per_second": math.inf},
        {"rate_per_second": math.nan},
        {"duration_seconds": -1.0},
        {"max_requests": 0},
        {"arrival": "bursts"},
        {"timeout_seconds": 0.0},
    ],
)
def test_a_plan_has_sane_bounds(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|is poisson or constant"):
        plan(**change)


def test_customers_of_one_seed_ask_the_same() -> None:
    one, two, other = load.Customers(3), load.Customers(3), load.Customers(4)
    asked = [one.next() for _ in range(50)]
    assert asked == [two.next() for _ in range(50)]
    assert asked != [other.next() for _ in range(50)]


def test_a_server_that_is_away_is_counted_as_failures_of_transport() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        summary = asyncio.run(load.Load(plan(url, max_requests=20)).run())
    assert summary["transport"] == {"refused": 20}
    assert (summary["sent"], summary["answered"], summary["failed"]) == (20, 0, 20)
    assert summary["latency_ms"] == {}


def test_requests_beyond_the_bound_in_flight_are_not_sent_and_are_counted() -> None:
    async def scenario() -> dict[str, object]:
        over = asyncio.Event()

        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bounds = {"max_requests": 30, "max_in_flight": 4, "timeout_seconds": 0.1}
        summary = await load.Load(plan(url, rate_per_second=1000.0, **bounds)).run()
        over.set()
        server.close()
        await asyncio.sleep(0.05)  # the closed connections end before the loop does
        return summary

    summary = asyncio.run(scenario())
    assert summary["sent"] + summary["not_sent"] == 30
    assert summary["not_sent"] > 0
    assert summary["transport"] == {"timeout": summary["sent"]}


def test_sigterm_ends_a_run_with_its_final_summary(
    whole_shop: Shop, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "summary.json"
    url = whole_shop.urls["storefront"]
    bounds = ["--rate", "50", "--seconds", "60", "--requests", "3000"]
    process = subprocess.Popen(
        [sys.executable, "load.py", "--url", url, *bounds, "--out", str(out), "--lines"],
        cwd=SHOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + LIMIT_SECONDS
    while not out.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    lines, errors = process.communicate(timeout=LIMIT_SECONDS)
    final = json.loads(out.read_text())
    assert (process.returncode, errors) == (0, "")
    assert final == json.loads(lines.splitlines()[-1])
    assert final["final"]
    assert final["sent"] == final["answered"] + sum(final["transport"].values()) > 0


@pytest.mark.parametrize("missing", ["--rate", "--seconds", "--requests", "--url"])
def test_every_bound_must_be_given(missing: str) -> None:
    given = {"--url": "http://127.0.0.1:9", "--rate": "1", "--seconds": "1", "--requests": "1"}
    del given[missing]
    with pytest.raises(SystemExit) as caught:
        load._arguments([word for pair in given.items() for word in pair])
    assert caught.value.code == 2


@hypothesis.given(strategies.lists(strategies.floats(0.00001, 2.0), min_size=1, max_size=300))
def test_percentiles_are_the_nearest_ranks_to_one_step(seconds: list[float]) -> None:
    tally = load.Tally()
    request = load.Ask("GET", "/", "/")
    for one in seconds:
        tally.answered(request, load.wire.Response(200, {}, b"", keep_alive=True), one)
    found = tally.latency_ms()
    ordered = sorted(one * 1000 for one in seconds)
    for name, share in load.PERCENTILES.items():
        exact = ordered[math.ceil(share * len(ordered)) - 1]
        assert 0 <= found[name] - exact + 1e-6 <= load.RESOLUTION_MS + 1e-5
    assert found["max"] >= found["p999"]
