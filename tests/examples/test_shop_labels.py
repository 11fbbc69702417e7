"""The worker that shows how workers are released: what it claims, and what it says of itself."""

import asyncio
import collections
import pathlib

from shop import labels

from telford.backends.local import work


def a_worker(folder: pathlib.Path, version: str = "1.0.0", partitions: str | None = None) -> "W":
    return W(labels.connect(folder), version, labels.span(partitions))


class W(labels.Labels):
    """A worker that remembers the numbers it printed."""

    def close(self) -> None:
        self._queue.close()

    def outcomes_by_number(self) -> dict[int, str]:
        rows = self._queue.execute("SELECT number, outcome FROM jobs WHERE outcome IS NOT NULL")
        return dict(rows.fetchall())


def test_no_two_workers_print_the_same_label(tmp_path: pathlib.Path) -> None:
    workers = [a_worker(tmp_path) for _ in range(4)]
    labels.put(workers[0]._queue, 200)

    async def until_empty(worker: W) -> int:
        total = 0
        while done := await worker.step():
            total += done
        return total

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(until_empty(one) for one in workers))

    totals = asyncio.run(all_of_them())
    assert sum(totals) == 200
    assert all(totals)
    assert len(workers[0].outcomes_by_number()) == 200
    for one in workers:
        one.close()


def test_partitions_narrow_what_a_worker_takes(tmp_path: pathlib.Path) -> None:
    first, none = a_worker(tmp_path, partitions="0-3"), a_worker(tmp_path, partitions="")
    labels.put(first._queue, 16)
    assert asyncio.run(none.step()) == 0
    assert asyncio.run(first.step()) == 8
    assert {number % 8 for number in first.outcomes_by_number()} == {0, 1, 2, 3}
    first.close()
    none.close()


def test_its_page_says_what_it_did_as_the_local_place_reads_it(tmp_path: pathlib.Path) -> None:
    worker = a_worker(tmp_path, "1.2.0")
    labels.put(worker._queue, 9)
    asyncio.run(worker.step())
    page = work.read(worker.page())
    assert (page.counters.requests, page.counters.errors) == (9, 3)
    assert page.counters.buckets[float("inf")] == 9
    assert page.heartbeat == worker.heartbeat
    assert collections.Counter(worker.outcomes_by_number().values())["failed"] == 3
    worker.close()
