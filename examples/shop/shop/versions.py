"""The releases of the storefront, and what each of them changed.

Two of the four carry a bug of the sort that passes review and a quick look in staging, so that
there is something true to find. Nothing here throws dice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

MAX_QUANTITY = 10


def full_price(cents: int, quantity: int) -> int:
    """1.0.0: every piece at its price."""
    return cents * quantity


_DISCOUNT_PERCENT = {1: 0, 2: 0, 3: 3, 4: 3, 5: 5, 6: 5, 7: 5, 8: 8, 9: 8}


def bulk_price(cents: int, quantity: int) -> int:
    """1.1.0: a discount from three pieces on; past the table the best one holds."""
    percent = _DISCOUNT_PERCENT.get(quantity, 10)
    return cents * quantity * (100 - percent) // 100


def bulk_price_by_table(cents: int, quantity: int) -> int:
    """1.2.0: the same, tidied up. The table stops at nine and an order may be for ten: one order
    in ten, where quantities from one to ten are equally common, ends in a KeyError and a 500.
    """
    return cents * quantity * (100 - _DISCOUNT_PERCENT[quantity]) // 100


class NoPageViews:
    """Up to 1.2.0 nobody counts page views."""

    async def seen(self) -> None:
        """Do nothing."""


class PageViews:
    """1.3.0: page views are sent to the analysts in batches of twenty, and the request that fills
    the batch waits for the delivery: one request in twenty takes 700 ms longer.
    """

    BATCH = 20
    DELIVERY_SECONDS = 0.7  # what the analysts' collector takes to answer; a sleep stands for it

    def __init__(self) -> None:
        self._waiting = 0

    async def seen(self) -> None:
        """Count one view; send the batch when it is full."""
        self._waiting += 1
        if self._waiting == self.BATCH:
            self._waiting = 0
            await asyncio.sleep(self.DELIVERY_SECONDS)


@dataclass(frozen=True)
class Version:
    """What differs between releases: how an order is priced, how page views are counted."""

    number: str
    price: Callable[[int, int], int]
    page_views: Callable[[], NoPageViews | PageViews]


VERSIONS = {
    version.number: version
    for version in (
        Version("1.0.0", full_price, NoPageViews),
        Version("1.1.0", bulk_price, NoPageViews),
        Version("1.2.0", bulk_price_by_table, NoPageViews),
        Version("1.3.0", bulk_price, PageViews),
    )
}
