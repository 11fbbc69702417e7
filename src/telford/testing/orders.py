"""An engine for orders that keeps them as the durable one does, but works when told to.

`disk` outlives the engine: hand it to the next one after a pretended kill. A finished step is not
run again, an unfinished one is.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics.errors import TelfordError
from telford.flows.carrying import Carrier
from telford.flows.orders import Order, Status


@dataclass(slots=True)
class Kept:
    """One order on the pretended disk; `steps` of two are done, `result` is what the first gave."""

    order: Order
    steps: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    status: Status = field(default_factory=lambda: Status("pending"))


class FakeOrders:
    """Implements `telford.flows.orders.Orders`."""

    def __init__(self, carrier: Carrier, disk: dict[str, Kept]) -> None:
        self._carrier = carrier
        self._disk = disk

    def submit(self, key: str, order: Order) -> None:
        """See `Orders.submit`."""
        self._disk.setdefault(key, Kept(order))

    def statuses(self, keys: Collection[str]) -> Mapping[str, Status]:
        """See `Orders.statuses`."""
        return {key: self._disk[key].status for key in keys if key in self._disk}

    def forget(self, before: float) -> None:
        """See `Orders.forget`. Its disk is small."""

    def work(self, idle: Callable[[], bool] = lambda: False) -> None:
        """Carry out what is pending, in the order it was handed in; where `idle()` says so, one
        order is left for later, so that it is overtaken by those behind it.
        """
        for kept in list(self._disk.values()):
            if kept.status.phase == "pending" and not idle():
                self._carry_out(kept)

    def _carry_out(self, kept: Kept) -> None:
        kind, arguments = kept.order.kind, kept.order.arguments
        try:
            if kept.steps == 0:
                kept.result = dict(self._carrier.ask(kind, arguments))
                kept.steps = 1
            self._carrier.confirm(kind, arguments)
            kept.steps = 2
        except TelfordError as error:
            kept.status = Status("failed", error.message)
        else:
            kept.status = Status("done", result=kept.result)
