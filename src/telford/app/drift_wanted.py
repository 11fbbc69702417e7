"""What the estate wants in one place, object by object, with whose each is. Shared by the
comparisons of `telford.app.drift`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from telford.app import loading, rendering
from telford.app.desires import Scope
from telford.backends import files
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.errors import RefusedError, UsageError
from telford.estate.model import Binding
from telford.plan.drift import Owned, Wanted
from telford.render.artifacts import Unit
from telford.render.scene import Scene

# They say the same objects in another form; what they make is not applied as it lies there.
FORMS = frozenset({"helm", "kustomize"})


@dataclass(frozen=True, slots=True)
class Desired:
    """One place as the estate wants it: its scene, and every file that is about it."""

    scene: Scene
    units: tuple[Unit, ...]

    @property
    def place(self) -> str:
        """The place as text."""
        return self.scene.place

    @property
    def namespace(self) -> str:
        """Where the place's own things go."""
        return self.scene.binding.namespace

    def owned(self, address: str) -> Owned:
        """Whose the thing at an address is."""
        return owned(self.scene.binding, address)

    def objects(self) -> Iterator[Wanted]:
        """Every Kubernetes object, as data that came through JSON as a cluster's did."""
        for unit in self.units:
            if unit.target not in FORMS:
                mine = self.owned(unit.owner)
                for item in json.loads(json.dumps(unit.objects())):
                    # Other systems' files are data as well, and no objects of a cluster.
                    if "apiVersion" in item and "kind" in item:
                        yield Wanted(item, mine)


def read(found: files.Texts, scope: Scope) -> Desired:
    """The one place of a scope, as the estate of these texts wants it.

    Raises `RefusedError` where the estate has errors, `UsageError` for a place or target that there
    is not, and where the scope covers several places.
    """
    loaded = loading.of_texts(found)
    _require_sound(loaded.diagnostics)
    with loading.undisturbed():
        where = rendering.places(loaded.estate, scope)
        if len(where) > 1:
            known = ", ".join(map(str, where))
            raise UsageError("that are several places", fix=f"name one with --in: {known}")
        targets = rendering.chosen(loaded.estate, scope)
        (scene,) = rendering.world(loaded.estate, where, targets).scenes
        renderings = [target.in_place(scene) for target in targets]
        _require_sound(tuple(item for one in renderings for item in one.diagnostics))
        return Desired(scene, tuple(unit for one in renderings for unit in one.units))


def _require_sound(said: tuple[Diagnostic, ...]) -> None:
    if diagnostics.has_errors(said):
        count = diagnostics.summary_line(said)
        raise RefusedError(
            f"the estate has errors ({count}), so it wants nothing that could be compared",
            fix="run `telford check` and `telford plan`",
        )


def owned(binding: Binding, address: str) -> Owned:
    """Whose the thing at an address of a place is."""
    bound = binding.entities.get(address)
    if bound is None:
        return Owned(address)
    line = (bound.node or bound.entity.node).line
    return Owned(address, bound.spec.owner or "", Position(bound.entity.file, line, 1))


def everywhere(found: files.Texts) -> dict[str, Owned]:
    """Whose each thing of the estate is, by its address."""
    entities = loading.of_texts(found).estate.entities
    return {
        address: Owned(address, one.spec.owner or "", Position(one.file, one.node.line, 1))
        for address, one in entities.items()
    }
