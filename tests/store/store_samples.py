"""Values that several tests of the store begin with."""

from telford.store.releases import Release

PLACE = "local"


def a_release(key: str, at: float, service: str = "service/shop.orders") -> Release:
    return Release(
        id=key,
        service=service,
        name=service.rpartition(".")[2],
        place=PLACE,
        from_version="1.0.0",
        to_version="1.1.0",
        digest="d" * 64,
        phase="planned",
        policy={"alpha": 0.01},
        state={"tick": -1},
        workloads={},
        who="ann",
        reason="",
        tick_seconds=1.0,
        created_at=at,
    )
