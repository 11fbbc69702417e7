"""fulfilment: a worker without a port. It packs a parcel for every order that was placed.

It reads `order-placed` from where it last committed. An event may come twice (the publisher
crashed, or this worker did before its commit): a parcel has the order's id as its key, so the
second one packs nothing and only tells `orders` again.
"""

import asyncio
import sqlite3
from typing import Any

from shop import database, settings, upstream, web

TOPIC = "order-placed"
CONSUMER = "fulfilment"
WAIT_SECONDS = 1  # of a long poll: also the longest this worker needs to notice SIGTERM
BATCH = 200
GATHER_SECONDS = 0.05  # between batches, so that a busy shop costs tens of calls a second, not 100
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
KEPT_PARCELS = 400_000  # twice what the stream keeps: no event it can send again is forgotten

SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL UNIQUE, product TEXT NOT NULL
);
"""


class Fulfilment:
    """One worker: its stream, its parcels, and the orders it reports to."""

    def __init__(
        self, db: sqlite3.Connection, stream: upstream.Upstream, orders: upstream.Upstream
    ) -> None:
        self._db = db
        self._stream = stream
        self._orders = orders
        self.packed = 0

    async def step(self) -> None:
        """Wait for one batch, pack it, report it, and only then commit it."""
        path = f"/topics/{TOPIC}/records?consumer={CONSUMER}&limit={BATCH}&wait={WAIT_SECONDS}"
        batch = await self._stream.get(path, timeout_seconds=WAIT_SECONDS + 2.0)
        if not batch or not batch["records"]:
            return
        self._pack(batch["records"])
        await self._orders.post("/fulfilled", {"ids": [one["order"] for one in batch["records"]]})
        await self._stream.put(f"/topics/{TOPIC}/consumers/{CONSUMER}", {"next": batch["next"]})
        await asyncio.sleep(GATHER_SECONDS)

    def _pack(self, events: list[dict[str, Any]]) -> None:
        rows = [(event["order"], event["product"]) for event in events]
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            self.packed += self._db.executemany(
                "INSERT OR IGNORE INTO parcels (order_id, product) VALUES (?, ?)", rows
            ).rowcount
            self._db.execute(
                "DELETE FROM parcels WHERE number <= (SELECT max(number) FROM parcels) - ?",
                (KEPT_PARCELS,),
            )


async def main() -> None:
    """Work until SIGTERM; a batch that was begun is finished first."""
    given = settings.Settings("fulfilment")
    log = given.log()
    db = database.connect(given.state_folder / "fulfilment.sqlite", SCHEMA)
    worker = Fulfilment(db, given.upstream("stream"), given.upstream("orders"))
    stopping = asyncio.Event()
    web.stop_on_signals(stopping)
    log("start")
    failures = 0
    while not stopping.is_set():
        try:
            await worker.step()
            failures = 0
        except upstream.UnavailableError as error:
            if failures == 0:
                log("error", reason=str(error))
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1
    log("stop", packed=worker.packed)


if __name__ == "__main__":
    asyncio.run(main())
