"""`telford explain`: the value of a field in a place, and every line that had a say in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import fields, overlays, place
from telford.estate.kinds import structure
from telford.estate.model import Bound, Entity, Estate, Link
from telford.estate.place import Place
from telford.road import given


@dataclass(frozen=True, slots=True)
class Origin:
    """One field: its path, its value in force, and the chain behind it, weakest first. The last
    link is the road's where the estate says nothing and a build adds something.
    """

    field: str
    value: object
    links: tuple[Link, ...]

    @property
    def decided(self) -> Link:
        """The link that is in force."""
        return self.links[-1]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "field": self.field,
            "value": self.value,
            "chain": [_link_json(link) for link in self.links],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """An entity in a place ("" for its base), field by field."""

    address: str
    place: str
    layers: tuple[str, ...]
    origins: tuple[Origin, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "place": self.place or None,
            "layers": list(self.layers),
            "fields": [origin.as_json() for origin in self.origins],
        }


def explain(estate: Estate, address: str, field: str, where: str) -> Explanation:
    """One field, every field in it where it is a block, or all that have a value where `field`
    is "".

    `where` is ENV or ENV/REGION; "" for the base. Raises `UsageError` for an address, a field or a
    place that there is not.
    """
    entity = overlays.one(estate, address)
    here = parse_place(estate, where)
    bound = overlays.at(estate, entity, here)
    road = _road(estate, bound, here)
    wanted = [_origin(estate, entity, here, field)] if field else []
    if not wanted or isinstance(wanted[0].value, dict | list | None):
        inside = list(_inside(estate, entity, here, field, road))
        wanted = inside if len(inside) > 1 or not wanted else wanted
    origins = tuple(_with_road(origin, road) for origin in wanted)
    return Explanation(str(entity.address), where, bound.layers, origins)


def _inside(
    estate: Estate, entity: Entity, here: Place | None, field: str, road: Mapping[str, Link]
) -> Iterator[Origin]:
    """Every field that has a value and lies in one (in the document where it is ""), those that
    the road fills in last.
    """
    bound = overlays.at(estate, entity, here)
    known = set()
    for path, value in fields.leaves(bound):
        if not field or fields.within(field, path, bound):
            known.add(path)
            yield Origin(path, value, overlays.chain(estate, str(entity.address), here, path))
    for path in road:
        if path not in known and (not field or fields.within(field, path, bound)):
            yield Origin(path, None, ())


def _road(estate: Estate, bound: Bound, here: Place | None) -> Mapping[str, Link]:
    """What the road fills in where nothing is said, by field."""
    if not isinstance(bound.spec, structure.Service | structure.Datastore):
        return {}
    environments = [e for e in overlays.environments(estate) if here and e.name == here.environment]
    production = environments[0].production if environments else None
    return {
        one.field: Link("road", one.value, one.position)
        for one in given.given(bound.spec, production=production)
    }


def _with_road(origin: Origin, road: Mapping[str, Link]) -> Origin:
    """The field with what the road says of it, where the estate says nothing."""
    link = road.get(origin.field)
    if link is None or origin.value is not None:
        return origin
    return Origin(origin.field, link.value, (*origin.links, link))


def parse_place(estate: Estate, text: str) -> Place | None:
    """The place that a text names, None for "". Raises `UsageError` with those there are."""
    if not text:
        return None
    known = ", ".join(str(p) for p in overlays.places(estate)) or "none"
    try:
        return place.parse(text)
    except ValueError as error:
        raise UsageError(str(error), fix=f"the estate has: {known}") from error


def _origin(estate: Estate, entity: Entity, here: Place | None, field: str) -> Origin:
    links = overlays.chain(estate, str(entity.address), here, field)
    bound = overlays.at(estate, entity, here)
    return Origin(field, fields.value_of(bound, fields.parse(field, bound)), links)


def _link_json(link: Link) -> dict[str, object]:
    position: Position | None = link.position
    return {
        "layer": link.layer,
        "value": link.value,
        "file": position.file if position else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
    }
