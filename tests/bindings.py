"""What is stable in a place, written into the store as a controller writes it."""

from telford.estate.workload import Workload
from telford.flows import orders
from telford.store.bindings import Bound
from telford.store.database import Lease
from telford.store.store import Store


def bind(
    store: Store,
    place: str,
    service: str,
    workload: Workload,
    *,
    lease: Lease | None = None,
    digest: str = "0" * 64,
    release: str | None = None,
) -> None:
    """`workload` is what is stable from now on, under its own generation. Without a lease one is
    taken from whoever has it, and given back.
    """
    ours = lease or store.leases.take(place, "test:1:1", 30.0, lambda _: True)
    with store.writing(ours) as writing:
        bound = Bound(
            place=place,
            service=service,
            name=workload.service,
            version=workload.version,
            digest=digest,
            generation=workload.generation,
            issued=workload.generation,
            workload=orders.workload_json(workload),
            release=release,
            since=writing.at,
        )
        store.bindings.bind(writing, bound, "ann")
    if lease is None:
        store.leases.give_back(ours)


def following(store: Store, place: str, service: str) -> int:
    """The generation that comes after what is stable there."""
    before = store.bindings.get(place, service)
    return before.issued + 1 if before else 1
