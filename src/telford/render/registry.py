"""The one explicit list of targets. To add one: a folder with a `target.TARGET`, and its line here.

Called by `telford.app.rendering`.
"""

from collections.abc import Sequence

from telford.estate.model import Binding
from telford.render.artifacts import Unit
from telford.render.kubernetes import target as kubernetes
from telford.render.mermaid import target as mermaid
from telford.render.prometheus import target as prometheus
from telford.render.scene import Scene
from telford.render.target import Target

TARGETS: tuple[Target, ...] = (
    kubernetes.TARGET,
    mermaid.TARGET,
    prometheus.TARGET,
)

BY_NAME: dict[str, Target] = {target.name: target for target in TARGETS}


def scene(binding: Binding, targets: Sequence[str]) -> Scene:
    """A place as these targets are shown it."""
    return Scene(binding, targets=targets, given=_given)


def _given(target: str, scene: Scene, address: str) -> tuple[Unit, ...]:
    """What a target has for a thing in a place: how a scene answers those that build on it."""
    entity = BY_NAME[target].entity
    assert entity is not None, f"{target} has nothing for a single thing in a place"
    return entity(scene, address).units
