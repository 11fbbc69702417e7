"""A controller with all that it holds: lease, durable engine, place. The one place that knows how.

Apart from `telford.app.wiring`, because the durable engine takes half a second to import and only
a process that controls needs it. Called by `telford.app.up` and by tools/soak_controller.py.
"""

from dataclasses import dataclass

from telford.app import wiring
from telford.backends import process
from telford.backends.local.place import LocalPlace
from telford.basics import clock as clocks
from telford.basics.errors import RefusedError
from telford.flows import boundaries, watching
from telford.flows.carrying import Carrier, Outside
from telford.flows.controller import Controller, Pace
from telford.flows.durable import DurableOrders
from telford.store.database import Lease
from telford.store.store import Store


@dataclass(slots=True)
class Controlling:
    """A controller with all that it holds; `close` gives it back."""

    controller: Controller
    orders: DurableOrders
    lease: Lease
    store: Store

    def close(self) -> None:
        """End the durable engine, then give the lease back. The place stays as it is."""
        self.orders.close()
        try:
            self.store.leases.give_back(self.lease)
        except RefusedError:
            return  # another controller has it already


def take_lease(store: Store, place: str, pace: Pace) -> Lease:
    """The right to control a place. Raises `RefusedError` where a living process has it."""
    return store.leases.take(place, process.identity(), pace.lease, process.gone)


def control(
    kept: wiring.Files,
    store: Store,
    lease: Lease,
    place: LocalPlace,
    clock: clocks.Clock,
    *,
    watch: watching.Watch,
    pace: Pace,
    edges: boundaries.Boundaries | None = None,
) -> Controlling:
    """A controller of a local place, not yet running; unfinished orders go on at once."""
    outside = Outside(place, place, place)
    told = edges or boundaries.Quiet()
    orders = DurableOrders(kept.flows_url, Carrier(outside, clock, told))
    controller = Controller(
        store, outside, orders, lease, clock, watch=watch, pace=pace, boundaries=told
    )
    return Controlling(controller, orders, lease, store)
