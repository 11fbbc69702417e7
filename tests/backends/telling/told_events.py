"""An event as listeners are told it."""

from telford.deliver.events import Event

EVENT = Event(
    id="orders-1.1.0-3f9a.7.2.rolled-back",
    name="release.rolled-back",
    at=1_763_800_000.25,
    place="prod/eu-west-1",
    service="service/shop.orders",
    release="orders-1.1.0-3f9a",
    from_version="1.0.0",
    to_version="1.1.0",
    strategy="canary",
    weight_bp=0,
    who="ann",
    reason="errors: worse than the stable version at 120:1 <!channel> & more",
    evidence="ab" * 32,
)
