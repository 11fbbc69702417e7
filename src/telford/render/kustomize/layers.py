"""Which folders there are, and which builds on which. Called by `target`.

``base`` is what places have in common. ``environments/ENV`` and ``regions/ENV/REGION`` stand
between it and places only where there are several places to share it. ``overlays/PLACE`` is what
is applied. kustomize refuses a folder that builds on one that contains it, so none does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telford.estate.place import Place


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder. `place` is the place that it is the overlay of, "" for what several share."""

    folder: str
    children: tuple["Layer", ...] = ()
    place: str = ""

    def within(self) -> Iterator["Layer"]:
        """It, and all that builds on it, the nearest first."""
        yield self
        for child in self.children:
            yield from child.within()


def tree(places: Sequence[Place]) -> Layer:
    """The base, with every layer above it."""
    environments = dict.fromkeys(place.environment for place in places)
    return Layer("base", tuple(_environment(name, places) for name in environments))


def _environment(name: str, places: Sequence[Place]) -> Layer:
    inside = [place for place in places if place.environment == name]
    regions = dict.fromkeys(place.region for place in inside)
    layers = tuple(_region(name, region, inside) for region in regions)
    return layers[0] if len(layers) == 1 else Layer(f"environments/{name}", layers)


def _region(environment: str, name: str, places: Sequence[Place]) -> Layer:
    inside = [place for place in places if place.region == name]
    layers = tuple(Layer(f"overlays/{place}", place=str(place)) for place in inside)
    return layers[0] if len(layers) == 1 else Layer(f"regions/{environment}/{name}", layers)


def relative(folder: str, other: str) -> str:
    """The way from one folder to another, as a kustomization writes it."""
    return "../" * (folder.count("/") + 1) + other
