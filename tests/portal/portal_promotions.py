"""A quarantine for tests of the portal."""

import portal_scene

from telford.deliver.quarantine import Quarantine

KEPT_OUT = Quarantine(
    id="storefront-1.0.9-3f9a2c",
    place="dev",
    service=portal_scene.STOREFRONT,
    version="1.0.9",
    digest="d",
    image="",
    reason="2.1 times the errors",
    who="controller",
    at=1_789_999_000.0,
    returns=2,
)


def keep_out(scene: portal_scene.Scene) -> None:
    """Write it down."""
    with scene.store.writing() as writing:
        scene.store.quarantines.add(writing, KEPT_OUT)
