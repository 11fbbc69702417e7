"""orders: keeps the orders, and tells the stream of every new one.

An order and its event are written in one transaction (an outbox); a publisher then carries the
events to the stream. A crash in between publishes an event twice and never loses one, so whoever
consumes `order-placed` must be idempotent.
"""

import asyncio
import json
import sqlite3
import uuid

from shop import database, settings, upstream, web

TOPIC = "order-placed"
PUBLISH_AT_MOST = 200  # events in one append
GATHER_SECONDS = 0.02  # events that come this close together share an append
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
KEPT_ORDERS = 200_000  # about 30 MB; a soak of days must not fill the disk
PRUNE_EVERY = 1_000  # orders

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, product TEXT NOT NULL,
    quantity INTEGER NOT NULL, total_cents INTEGER NOT NULL, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL
);
"""


class Orders:
    """The order book over its database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.placed = asyncio.Event()

    async def place(self, call: web.Call) -> web.Reply:
        """POST /orders {"product", "quantity", "total_cents"}: the order with its id and state."""
        body = call.json()
        if not {"product", "quantity", "total_cents"} <= body.keys():
            raise web.RefusedError(400, "an order has a product, a quantity and total_cents")
        order = {"id": uuid.uuid4().hex, **body, "state": "placed"}
        self._write(order)
        self.placed.set()
        return web.reply(order, 201)

    async def order(self, call: web.Call) -> web.Reply:
        """GET /orders/{id}."""
        row = self._db.execute(
            "SELECT id, product, quantity, total_cents, state FROM orders WHERE id = ?",
            (call.parameters["id"],),
        ).fetchone()
        if row is None:
            raise web.RefusedError(404, f"no order {call.parameters['id']!r}")
        names = ("id", "product", "quantity", "total_cents", "state")
        return web.reply(dict(zip(names, row, strict=True)))

    async def fulfilled(self, call: web.Call) -> web.Reply:
        """POST /fulfilled {"ids": [...]}: these orders are on their way; saying it twice is fine."""
        ids = call.json().get("ids")
        if not isinstance(ids, list):
            raise web.RefusedError(400, "ids is a list")
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            changed = self._db.executemany(
                "UPDATE orders SET state = 'fulfilled' WHERE id = ?", [(str(name),) for name in ids]
            ).rowcount
        return web.reply({"fulfilled": changed})

    def unpublished(self) -> list[tuple[int, str]]:
        """The oldest events that wait for the stream: (number, JSON text)."""
        return self._db.execute(
            "SELECT number, event FROM outbox ORDER BY number LIMIT ?", (PUBLISH_AT_MOST,)
        ).fetchall()

    def published(self, last: int) -> None:
        """Forget the events up to number `last`."""
        self._db.execute("DELETE FROM outbox WHERE number <= ?", (last,))

    def _write(self, order: dict[str, object]) -> None:
        event = json.dumps({"order": order["id"], "product": order["product"]})
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            number = self._db.execute(
                "INSERT INTO orders (id, product, quantity, total_cents, state)"
                " VALUES (:id, :product, :quantity, :total_cents, :state)",
                order,
            ).lastrowid
            self._db.execute("INSERT INTO outbox (event) VALUES (?)", (event,))
            if number and number % PRUNE_EVERY == 0:
                self._db.execute("DELETE FROM orders WHERE number <= ?", (number - KEPT_ORDERS,))


async def publish(orders: Orders, stream: upstream.Upstream, app: web.App) -> None:
    """Carry events from the outbox to the stream, for ever; after a failure, again a bit later."""
    failures = 0
    while True:
        waiting = orders.unpublished()
        if not waiting:
            orders.placed.clear()
            await orders.placed.wait()
            await asyncio.sleep(GATHER_SECONDS)
            continue
        records = [json.loads(event) for _, event in waiting]
        try:
            await stream.post(f"/topics/{TOPIC}", {"records": records})
        except upstream.UnavailableError as error:
            if failures == 0:
                app.log("error", reason=f"{len(records)} events wait: {error}")
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1
            continue
        failures = 0
        orders.published(waiting[-1][0])


async def main() -> None:
    """Serve until SIGTERM; what is not yet published then waits in the outbox."""
    given = settings.Settings("orders")
    app = web.App(given.service, given.version, given.log())
    orders = Orders(database.connect(given.state_folder / "orders.sqlite", SCHEMA))
    app.route("POST", "/orders", orders.place)
    app.route("GET", "/orders/{id}", orders.order)
    app.route("POST", "/fulfilled", orders.fulfilled)
    await web.run(app, given.host, given.port, publish(orders, given.upstream("stream"), app))


if __name__ == "__main__":
    asyncio.run(main())
