"""How sensitive the telemetry of each workload is: its own class of data, and that of whatever it
reads, writes, publishes or consumes. Called by `target`.
"""

from collections.abc import Iterator

from telford.estate.kinds import structure
from telford.render.otel_collector import settings
from telford.render.scene import Scene


def data_class(scene: Scene, address: str) -> str:
    """How a workload is treated: as the strictest that is known of it."""
    known = list(_known(scene, address))
    return settings.highest(known) if known else settings.table()["data"]["unknown"]


def _known(scene: Scene, address: str) -> Iterator[str]:
    yield from _said(scene, address)
    spec = scene.bound(address).spec
    if isinstance(spec, structure.Service | structure.Datastore):
        for use in spec.uses:
            kind, text = use.target
            target = scene.find(kind, text, spec.system) if kind != "service" else None
            if target is not None:
                yield from _said(scene, target)


def _said(scene: Scene, address: str) -> Iterator[str]:
    spec = scene.bound(address).spec
    said: str | None = getattr(spec, "data_class", None)
    if said is not None:
        yield said
    if getattr(spec, "personal_data", False):
        yield settings.table()["data"]["personal"]
