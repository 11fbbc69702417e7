"""What the shop's parts promise, without processes."""

import asyncio
import json
import pathlib
from typing import Any

import hypothesis
import load
import pytest
from hypothesis import strategies
from scipy import stats
from shop import database, journal, log, orders, upstream, versions, web


def test_version_1_2_0_fails_one_order_in_ten_of_the_customers_mix() -> None:
    """6,000 requests of a fixed seed: the share of failing orders is inside the 99.9% interval."""
    customers = load.Customers(seed=7)
    asks = [customers.next() for _ in range(6_000)]
    quantities = [json.loads(ask.body)["quantity"] for ask in asks if ask.method == "POST"]
    failed = 0
    for quantity in quantities:
        try:
            versions.VERSIONS["1.2.0"].price(1000, quantity)
        except KeyError:
            failed += 1
    low, high = stats.binom.interval(0.999, len(quantities), 0.1)
    assert low <= failed <= high
    low, high = stats.binom.interval(0.999, len(asks), 1 / 3)
    assert low <= len(quantities) <= high


def test_the_good_version_prices_every_quantity_and_never_above_the_stable_one() -> None:
    stable, good = versions.VERSIONS["1.0.0"], versions.VERSIONS["1.1.0"]
    for quantity in range(1, versions.MAX_QUANTITY + 1):
        assert 0 < good.price(999, quantity) <= stable.price(999, quantity)


def test_version_1_3_0_delays_one_request_in_twenty_by_400_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def hundred(number: str) -> None:
        page_views = versions.VERSIONS[number].page_views()
        for _ in range(100):
            await page_views.seen()

    monkeypatch.setattr(versions.asyncio, "sleep", sleep)
    asyncio.run(hundred("1.1.0"))
    assert waited == []
    asyncio.run(hundred("1.3.0"))
    assert waited == [0.7] * 5


def test_a_service_ends_when_the_work_beside_its_requests_fails() -> None:
    lines: list[tuple[str, dict[str, Any]]] = []

    async def broken() -> None:
        raise RuntimeError("the disk is full")

    async def scenario() -> None:
        app = web.App("x", "1.0.0", lambda event, **fields: lines.append((event, fields)))
        await web.run(app, "127.0.0.1", 0, broken())

    with pytest.raises(SystemExit) as caught:
        asyncio.run(scenario())
    assert caught.value.code == 1
    event, fields = lines[-1]
    assert event == "stop"
    assert fields["reason"].startswith("RuntimeError: the disk is full")


class FailingOnce:
    """A stream that is away for the first append."""

    def __init__(self) -> None:
        self.appends: list[list[Any]] = []
        self.done = asyncio.Event()
        self._away = True

    async def post(self, path: str, value: dict[str, Any]) -> None:
        """One append."""
        assert path == "/topics/order-placed"
        if self._away:
            self._away = False
            raise upstream.UnavailableError("stream", 503, "cannot be reached")
        self.appends.append(value["records"])
        self.done.set()


def test_an_order_outlives_a_stream_that_is_away(tmp_path: pathlib.Path) -> None:
    """The event waits in the outbox, goes out once the stream is back, and then is forgotten."""

    async def scenario() -> None:
        book = orders.Orders(database.connect(tmp_path / "o.sqlite", orders.SCHEMA))
        body = json.dumps({"product": "p01", "quantity": 1, "total_cents": 5}).encode()
        placed = json.loads((await book.place(web.Call({}, {}, body))).body)
        stream = FailingOnce()
        app = web.App("orders", "1.0.0", lambda *_, **__: None)
        publisher = asyncio.create_task(orders.publish(book, stream, app))
        await asyncio.wait_for(stream.done.wait(), 5)
        await asyncio.sleep(0)
        publisher.cancel()
        assert stream.appends == [[{"order": placed["id"], "product": "p01"}]]
        assert book.unpublished() == []

    asyncio.run(scenario())


def lines(start: int, stop: int) -> list[bytes]:
    return [json.dumps({"n": n}).encode() for n in range(start, stop)]


def test_a_journal_cuts_off_a_line_torn_by_a_crash(tmp_path: pathlib.Path) -> None:
    book = journal.Journal(tmp_path)
    book.append(lines(0, 3))
    book.close()
    with next(tmp_path.glob("*.jsonl")).open("ab") as file:
        file.write(b'{"n": 3')
    again = journal.Journal(tmp_path)
    assert again.append(lines(3, 4)) == 3
    assert again.read(0, 10) == (0, lines(0, 4))
    again.close()


def test_a_journal_drops_its_oldest_segment_and_says_where_it_begins(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_RECORDS", 10)
    monkeypatch.setattr(journal, "KEPT_SEGMENTS", 2)
    book = journal.Journal(tmp_path)
    for start in range(0, 40, 5):
        book.append(lines(start, start + 5))
    assert (book.oldest, book.next) == (20, 40)
    assert book.read(0, 3) == (20, lines(20, 23))
    assert book.read(38, 10) == (38, lines(38, 40))
    assert book.read(40, 10) == (40, [])
    book.close()


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(
    strategies.lists(strategies.integers(1, 7), max_size=12),
    strategies.integers(0, 84),
    strategies.integers(1, 20),
)
def test_a_journal_reopened_holds_what_was_appended(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int, limit: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    book = journal.Journal(folder)
    written = 0
    for size in sizes:
        assert book.append(lines(written, written + size)) == written
        written += size
    book.close()
    again = journal.Journal(folder)
    assert again.next == written
    assert again.read(start, limit) == (
        start,
        lines(start, max(start, min(start + limit, written))),
    )
    again.close()


def test_an_error_is_one_line_that_says_where() -> None:
    try:
        versions.bulk_price_by_table(100, 10)
    except KeyError as error:
        text = log.error_text(error)
    assert text.startswith("KeyError: 10 (versions.py:")
    assert text.endswith(" bulk_price_by_table)")


class Endless(asyncio.Protocol):
    """Answers everything with a 200 whose body never ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"
        self.transport.write(head + b"x" * (2 << 20))


class Nonsense(asyncio.Protocol):
    """Answers everything with something that is not HTTP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        self.transport.write(b"220 mail ready\r\n")


@pytest.mark.parametrize("protocol", [Endless, Nonsense])
def test_an_upstream_that_answers_nonsense_is_a_502(protocol: type[asyncio.Protocol]) -> None:
    async def scenario() -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = upstream.Upstream("x", f"http://127.0.0.1:{port}", timeout_seconds=5)
        with pytest.raises(upstream.UnavailableError) as caught:
            await client.get("/")
        server.close()
        await asyncio.sleep(0.01)  # let the closed connections end before the loop does
        return caught.value.status

    assert asyncio.run(scenario()) == 502


class Hanging(asyncio.Protocol):
    """Closes the first connection after one answer, as a server that restarts does."""

    seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.mine = 0

    def data_received(self, _: bytes) -> None:
        Hanging.seen += 1
        self.mine += 1
        if Hanging.seen == 2:
            self.transport.close()  # the kept connection ends as the second request arrives
            return
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42")


@pytest.mark.parametrize(("method", "repeated"), [("get", True), ("post", False)])
def test_only_a_safe_request_is_sent_again_on_a_fresh_connection(
    method: str, repeated: bool
) -> None:
    async def scenario() -> None:
        Hanging.seen = 0
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Hanging, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = upstream.Upstream("x", f"http://127.0.0.1:{port}", timeout_seconds=5)
        assert await client.get("/") == 42
        call = client.get("/") if method == "get" else client.post("/", {})
        if repeated:
            assert await call == 42
        else:
            with pytest.raises(upstream.UnavailableError) as caught:
                await call
            assert caught.value.status == 503
        client.close()
        server.close()
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
