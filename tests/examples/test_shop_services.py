"""The services of the shop, as processes that talk over loopback."""

import collections.abc
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from shop_processes import BEHIND, LIMIT_SECONDS, SHOP, Shop, ask, opened

HTTP_SERVICES = ("catalogue", "recommendations", "stream", "orders", "storefront")


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> collections.abc.Iterator[Shop]:
    """An empty shop: the test starts what it needs."""
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def closed_port() -> collections.abc.Iterator[str]:
    """An address on loopback where nobody listens, nor can while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="module")
def whole_shop(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Shop]:
    """All six services, storefront 1.1.0."""
    with opened(tmp_path_factory.mktemp("shop"), *BEHIND) as made:
        made.start("storefront", SHOP_VERSION="1.1.0")
        yield made


def until(predicate: object, what: str) -> None:
    """Poll until `predicate()` holds."""
    end = time.monotonic() + LIMIT_SECONDS
    while not predicate():
        assert time.monotonic() < end, f"gave up waiting until {what}"
        time.sleep(0.02)


@pytest.mark.parametrize("service", HTTP_SERVICES)
def test_each_service_is_healthy_and_says_who_it_is(whole_shop: Shop, service: str) -> None:
    status, body, headers = ask(f"{whole_shop.urls[service]}/healthz")
    version = "1.1.0" if service == "storefront" else "1.0.0"
    assert (status, body) == (200, {"service": service, "version": version})
    assert headers["x-served-by"] == f"{service}/{version}"


def test_the_home_page_lists_all_products_and_recommends_some(whole_shop: Shop) -> None:
    _, body, _ = ask(f"{whole_shop.urls['storefront']}/")
    names = {product["id"] for product in body["products"]}
    assert len(names) == 24
    assert len(body["recommended"]) == 3
    assert set(body["recommended"]) < names


def test_an_order_is_placed_and_then_fulfilled(whole_shop: Shop) -> None:
    url = whole_shop.urls["storefront"]
    status, order, _ = ask(f"{url}/orders", "POST", {"product": "p01", "quantity": 10})
    assert (status, order["total_cents"]) == (201, 43200)  # ten at 48.00, less ten percent

    def fulfilled() -> bool:
        return ask(f"{url}/orders/{order['id']}")[1]["state"] == "fulfilled"

    until(fulfilled, "the order is fulfilled")


def test_an_event_that_comes_twice_packs_one_parcel(whole_shop: Shop) -> None:
    stream = whole_shop.urls["stream"]
    event = {"order": "twice", "product": "p01"}
    ask(f"{stream}/topics/order-placed", "POST", {"records": [event]})
    ask(f"{stream}/topics/order-placed", "POST", {"records": [event, event]})

    def consumed() -> bool:
        consumers = ask(f"{stream}/topics/order-placed")[1]["consumers"]
        return consumers.get("fulfilment", {}).get("lag") == 0

    until(consumed, "fulfilment has caught up")
    path = whole_shop.folder / "fulfilment" / "fulfilment.sqlite"
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT count(*) FROM parcels WHERE order_id = 'twice'").fetchone()
    database.close()
    assert found == (1,)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"product": "p01", "quantity": 11}, "an order is for 1 to 10 pieces"),
        ({"product": "p01", "quantity": True}, "an order is for 1 to 10 pieces"),
        ({"product": "../x", "quantity": 1}, "an order names a product"),
        ([], "the body is not a JSON object"),
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(
    whole_shop: Shop, order: object, reason: str
) -> None:
    status, body, _ = ask(f"{whole_shop.urls['storefront']}/orders", "POST", order)
    assert (status, body) == (400, {"error": reason})


@pytest.mark.parametrize("path", ["/products/p99", "/orders/none", "/nowhere"])
def test_what_is_not_there_is_a_404(whole_shop: Shop, path: str) -> None:
    assert ask(whole_shop.urls["storefront"] + path)[0] == 404


def test_the_storefront_does_without_recommendations_that_are_down(
    shop: Shop, closed_port: str
) -> None:
    shop.urls |= {"recommendations": closed_port, "orders": closed_port}
    shop.start("catalogue")
    url = shop.start("storefront").url
    status, body, _ = ask(f"{url}/products/p02")
    assert (status, body["name"], body["recommended"]) == (200, "Plumb line", [])


def test_the_storefront_does_without_recommendations_that_hang(
    shop: Shop, closed_port: str
) -> None:
    shop.start("catalogue")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shop.urls |= {"recommendations": address, "orders": closed_port}
        url = shop.start("storefront", RECOMMENDATIONS_TIMEOUT_SECONDS="0.05").url
        status, body, _ = ask(f"{url}/")
    assert (status, len(body["products"]), body["recommended"]) == (200, 24, [])


def test_a_critical_upstream_that_is_down_is_a_503_with_a_reason(
    shop: Shop, closed_port: str
) -> None:
    shop.urls |= {
        "catalogue": closed_port,
        "orders": closed_port,
        "recommendations": closed_port,
    }
    status, body, headers = ask(f"{shop.start('storefront').url}/products/p01")
    assert status == 503
    assert body["error"].startswith("catalogue cannot be reached")
    assert headers["x-served-by"] == "storefront/1.0.0"


def test_version_1_2_0_fails_orders_for_ten_and_no_others(shop: Shop, closed_port: str) -> None:
    shop.urls["recommendations"] = closed_port
    for service in ("catalogue", "stream", "orders"):
        shop.start(service)
    storefront = shop.start("storefront", SHOP_VERSION="1.2.0")
    statuses = {
        quantity: ask(f"{storefront.url}/orders", "POST", {"product": "p03", "quantity": quantity})[
            0
        ]
        for quantity in range(1, 11)
    }
    assert statuses == dict.fromkeys(range(1, 10), 201) | {10: 500}
    storefront.terminate()
    _, lines, _ = storefront.end()
    reasons = [line["reason"] for line in lines if line["event"] == "error"]
    assert len(reasons) == 1
    assert reasons[0].startswith("KeyError: 10 (versions.py:")


def test_sigterm_lets_the_request_in_flight_finish(shop: Shop, closed_port: str) -> None:
    shop.urls |= {"orders": closed_port, "recommendations": closed_port}
    shop.start("catalogue")
    storefront = shop.start("storefront", SHOP_VERSION="1.3.0")
    for _ in range(19):
        ask(f"{storefront.url}/products/p01")
    host, port = storefront.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS) as customer:
        # The twentieth is the slow one: it is still in flight when the signal comes.
        customer.sendall(b"GET /products/p01 HTTP/1.1\r\nhost: shop\r\n\r\n")
        time.sleep(0.1)
        storefront.process.send_signal(signal.SIGTERM)
        answer = b""
        while part := customer.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer
    assert b"Surveyor's chain" in answer
    code, lines, _ = storefront.end()
    assert (code, lines[-1]["event"], lines[-1]["answered"]) == (0, "stop", 20)


def test_a_connection_that_breaks_off_or_talks_nonsense_disturbs_nobody(shop: Shop) -> None:
    """The fixture also proves that nothing reached stderr."""
    catalogue = shop.start("catalogue")
    address = ("127.0.0.1", catalogue.started["port"])
    with socket.create_connection(address) as half:
        half.sendall(b"GET /products HTTP/1.1\r\nhos")
    with socket.create_connection(address) as reset:
        reset.sendall(b"GET /products HTTP/1.1\r\nhost: x\r\n\r\n")
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with socket.create_connection(address, timeout=LIMIT_SECONDS) as nonsense:
        nonsense.sendall(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        assert nonsense.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert ask(f"{catalogue.url}/products/p01")[0] == 200


def test_pipelined_and_chunked_requests_are_answered_in_order(shop: Shop) -> None:
    stream = shop.start("stream")
    chunked = (
        b"POST /topics/t HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        b'8\r\n{"record\r\n9\r\ns": [42]}\r\n0\r\n\r\n'
    )
    read = b"GET /topics/t/records HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with socket.create_connection(
        ("127.0.0.1", stream.started["port"]), timeout=LIMIT_SECONDS
    ) as caller:
        caller.sendall(chunked + read)
        answer = b""
        while part := caller.recv(65536):
            answer += part
    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"201 ")
    assert second.endswith(b'{"first": 0, "next": 1, "records": [42]}')


def test_the_stream_keeps_records_and_places_over_a_restart(shop: Shop) -> None:
    first = shop.start("stream")
    ask(f"{first.url}/topics/t", "POST", {"records": [{"n": n} for n in range(5)]})
    ask(f"{first.url}/topics/t/consumers/c", "PUT", {"next": 3})
    shop.kill(first)
    second = shop.start("stream").url
    _, batch, _ = ask(f"{second}/topics/t/records?consumer=c")
    assert batch == {"first": 3, "next": 5, "records": [{"n": 3}, {"n": 4}]}
    about = {"oldest": 0, "next": 5, "consumers": {"c": {"next": 3, "lag": 2}}}
    assert ask(f"{second}/topics/t")[1] == about


@pytest.mark.parametrize(
    ("path", "method", "value", "status"),
    [
        ("/topics/t", "POST", {"records": []}, 400),
        ("/topics/BAD", "POST", {"records": [1]}, 400),
        ("/topics/..", "GET", None, 404),
        ("/topics/none", "GET", None, 404),
        ("/topics/none/consumers/c", "PUT", {"next": 0}, 404),
        ("/topics/order-placed/consumers/c", "PUT", {"next": 10**9}, 400),
        ("/topics/order-placed/records?limit=-1", "GET", None, 400),
    ],
)
def test_the_stream_refuses_what_it_cannot_do(
    whole_shop: Shop, path: str, method: str, value: object, status: int
) -> None:
    ask(f"{whole_shop.urls['stream']}/topics/order-placed/records")  # the topic is there
    assert ask(whole_shop.urls["stream"] + path, method, value)[0] == status


@pytest.mark.parametrize(
    ("service", "environment", "sentence"),
    [
        ("catalogue", {}, "catalogue: the environment variable PORT is not set"),
        ("catalogue", {"PORT": "x"}, "catalogue: PORT must be 0 to 65535, not 'x'"),
        (
            "storefront",
            {"PORT": "0", "SHOP_VERSION": "9"},
            "storefront: no version '9'; there are 1.0.0, 1.1.0, 1.2.0, 1.3.0",
        ),
        (
            "storefront",
            {"PORT": "0", "CATALOGUE_URL": "ftp://x"},
            "storefront: CATALOGUE_URL or its timeout: 'ftp://x' is not an http:// address",
        ),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_sentence(
    service: str, environment: dict[str, str], sentence: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"shop.{service}"],
        cwd=SHOP,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", sentence + "\n")


def test_a_taken_port_is_one_line_in_the_log(shop: Shop, tmp_path: pathlib.Path) -> None:
    port = str(shop.start("catalogue").started["port"])
    ended = subprocess.run(
        [sys.executable, "-m", "shop.recommendations"],
        cwd=SHOP,
        env={"PORT": port},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stdout
