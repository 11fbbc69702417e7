"""A controller with all that it holds: lease, durable engine, place. The one place that knows how.

Apart from `telford.app.wiring`, because the durable engine takes half a second to import and only
a process that controls needs it. Called by `telford.app.up`, `telford.app.standing_by` and by
tools/soak_controller.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telford import ports
from telford.app import data_plan, wiring, workloads
from telford.backends import process
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.local.place import LocalPlace
from telford.basics.errors import RefusedError, TelfordError
from telford.estate.model import Bound
from telford.flows import boundaries, watching
from telford.flows.carrying import Carrier, Outside
from telford.flows.controller import Controller, Pace
from telford.flows.durable import DurableOrders
from telford.operate.promise import Promise
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
        give_back(self.store, self.lease)


def take_lease(store: Store, place: str, pace: Pace) -> Lease:
    """The right to control a place. Raises `RefusedError` where a living process has it."""
    return store.leases.take(place, process.identity(), pace.lease, process.gone)


def give_back(store: Store, lease: Lease) -> None:
    """Let another controller take the place at once; one that cannot be told waits for the limit
    of the lease instead.
    """
    try:
        store.leases.give_back(lease)
    except RefusedError:
        return  # another controller has it already
    except TelfordError:
        return  # the store is away: silence says the same, later


def watch(services: Sequence[Bound], promises: Sequence[Promise]) -> watching.Watch:
    """What a place's controller measures: what answers requests, and workers that count."""
    counted = [one for one in services if workloads.counts(one)]
    pairs = [(str(one.entity.address), one.spec.name) for one in counted]
    return watching.watch(pairs, promises)


def control(
    kept: wiring.Files,
    store: Store,
    lease: Lease,
    place: LocalPlace | KubernetesPlace,
    *,
    watch: watching.Watch,
    pace: Pace,
    edges: boundaries.Boundaries | None = None,
    hooks: ports.Hooks | None = None,
) -> Controlling:
    """A controller of a place, not yet running. What an earlier one had under way is
    cancelled; the first tick asks for it again.
    """
    clock = store.clock
    changes = data_plan.changer(kept.estate, clock) if kept.estate is not None else None
    outside = Outside(place, place, place, hooks, changes)
    told = edges or boundaries.Quiet()

    def fence() -> None:
        """Before an effect outside of the store: a controller that was overtaken has none."""
        if not store.leases.holds(lease):
            raise RefusedError(f"this controller's lease on {lease.name} was taken over")

    orders = DurableOrders(kept.flows_url, Carrier(outside, clock, told, fence), lease)
    controller = Controller(
        store, outside, orders, lease, clock, watch=watch, pace=pace, boundaries=told
    )
    return Controlling(controller, orders, lease, store)
