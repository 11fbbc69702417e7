"""`telford explain`: the value of a field in a place, and every line that had a say in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import fields, overlays, place, suggestions
from telford.estate.kinds import structure
from telford.estate.model import Bound, Entity, Estate, Link
from telford.estate.place import Place
from telford.road import architecture, given, realisation, recipes
from telford.road.given import Given
from telford.road.realisation import Realisation

# What is asked for instead of a field: the ways in which a thing is realised.
CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class Origin:
    """One field: its path, its value in force, and the chain behind it, weakest first. The last
    links are the road's, the architecture's and those of recipes where the document says nothing and
    a build adds something.
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

    ``choices`` and ``choices.ASPECT`` are the ways in which the thing is realised. `where` is ENV or
    ENV/REGION; "" for the base. Raises `UsageError` for an address, a field or a
    place that there is not.
    """
    entity = overlays.one(estate, address)
    here = parse_place(estate, where)
    bound = overlays.at(estate, entity, here)
    if field.partition(".")[0] == CHOICES:
        ways = tuple(_ways(estate, bound, here, field))
        return Explanation(str(entity.address), where, bound.layers, ways)
    road = _road(estate, bound, here)
    wanted = [_origin(estate, entity, here, field)] if field else []
    if not wanted or isinstance(wanted[0].value, dict | list | None):
        inside = list(_inside(estate, entity, here, field, road))
        wanted = inside if len(inside) > 1 or not wanted else wanted
    origins = tuple(_with_road(origin, road) for origin in wanted)
    return Explanation(str(entity.address), where, bound.layers, origins)


def _ways(estate: Estate, bound: Bound, here: Place | None, field: str) -> Iterator[Origin]:
    """The way that is taken in each aspect, or in the one that `field` names, with all that had a say
    in it.
    """
    held = _held(estate, bound, here)
    built = architecture.of(estate.entities.values())
    aspect = field.removeprefix(CHOICES).removeprefix(".")
    if aspect and aspect not in realisation.ASPECTS:
        fix = suggestions.for_value(aspect, list(realisation.ASPECTS))
        raise UsageError(f"there is no aspect {aspect}", fix=fix)
    for name, ways in realisation.ASPECTS.items():
        if aspect in ("", name):
            links = [Link("road", ways[0], None, "the first of " + ", ".join(ways))]
            by_target = realisation.choose({}, name, built.targets)
            if by_target != ways[0]:
                why = f"{by_target} is among the targets"
                links.append(Link(built.address or "road", by_target, built.position, why))
            key = f"{CHOICES}.{name}"
            links += _said(held.said.get(key, ()))
            yield Origin(key, held.choice(name, built.targets), tuple(links))


def _held(estate: Estate, bound: Bound, here: Place | None) -> Realisation:
    """What holds for a thing in a place, or wherever it is."""
    if here is None:
        return recipes.everywhere(estate).realise(bound)
    return recipes.Realiser(overlays.bind(estate, here)).realise(bound)


def _said(reasons: Iterable[realisation.Reason]) -> list[Link]:
    """The links of what an architecture and recipes say: what matched, and their own words."""
    return [
        Link(one.recipe, one.value, one.position, ". ".join(filter(None, (one.why, one.words))))
        for one in reasons
    ]


def _inside(
    estate: Estate,
    entity: Entity,
    here: Place | None,
    field: str,
    road: Mapping[str, tuple[Link, ...]],
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


def _road(estate: Estate, bound: Bound, here: Place | None) -> Mapping[str, tuple[Link, ...]]:
    """What the road fills in where nothing is said, by field, with all that had a say in it."""
    if not isinstance(bound.spec, structure.Service | structure.Datastore):
        return {}
    environments = [e for e in overlays.environments(estate) if here and e.name == here.environment]
    production = environments[0].production if environments else None
    filled = given.given(bound.spec, production=production, held=_held(estate, bound, here))
    return {one.field: tuple(_given_by(one)) for one in filled}


def _given_by(one: Given) -> Iterator[Link]:
    if one.own is not None or not one.said:
        yield Link("road", one.value if one.own is None else one.own, one.position)
    yield from _said(one.said)


def _with_road(origin: Origin, road: Mapping[str, tuple[Link, ...]]) -> Origin:
    """The field with what the road says of it, where the estate says nothing."""
    links = road.get(origin.field)
    if links is None or origin.value is not None:
        return origin
    return Origin(origin.field, links[-1].value, (*origin.links, *links))


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
        "why": link.why or None,
    }
