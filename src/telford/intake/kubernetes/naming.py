"""Systems, names and owners for what was found. Called by `telford.intake.kubernetes.reading`.

An address must name one thing, whatever namespaces and kinds the input mixes: where two objects
would get the same, the namespace goes into the system, or the kind into the name.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from telford.estate.address import Address
from telford.intake.imported import Options
from telford.intake.kubernetes import access, engines, grouping
from telford.intake.kubernetes.objects import Key, Object
from telford.intake.names import slug, told_apart

_TELLING = ("Service", "Datastore")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that gets an address: its first object, its kind in the estate, and the name it
    asks for.
    """

    item: Object
    kind: str
    wish: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact comes from, for people."""

    name: str
    text: str


def addresses(things: Iterable[Thing], options: Options) -> dict[Key, Address]:
    """An address for each thing, by the key of its object; no two are the same."""
    listed = list(things)
    systems = _systems(listed, options)
    taken: dict[tuple[str, str, str], Key] = {}
    found: dict[Key, Address] = {}
    for thing in listed:
        key = thing.item.key
        system = systems[key]
        for wish in _wishes(thing):
            address = Address(thing.kind.lower(), system, wish)
            place = (_space(thing.kind), system, wish)
            if place not in taken:
                break
        taken[place] = key
        found[key] = address
    return found


def _space(kind: str) -> str:
    """Services and data stores share one space: people call both by their bare names."""
    return "running" if kind in ("Service", "Datastore") else kind


def _wishes(thing: Thing) -> tuple[str, ...]:
    """Names in order of preference; the last one is unique."""
    item = thing.item
    kind = item.kind.lower()
    return slug(thing.wish), slug(f"{thing.wish}-{kind}"), _unique(thing.wish, item)


def apart(address: Address, item: Object) -> Address:
    """An address like the given one that no other object has."""
    return Address(address.kind, address.system, _unique(address.name, item))


def _unique(name: str, item: Object) -> str:
    return told_apart(name, "/".join(item.key))


def _systems(things: list[Thing], options: Options) -> dict[Key, str]:
    if options.system:
        said = {thing.item.key: slug(options.system) for thing in things}
    else:
        said = _said(things, options)
    crowded = _crowded(things, said)
    return {
        thing.item.key: _apart(said[thing.item.key], thing.item.namespace, crowded)
        for thing in things
    }


def _said(things: list[Thing], options: Options) -> dict[Key, str]:
    """The systems that labels and namespaces tell; the others follow those around them."""
    labels = {thing.item.key: _part_of(thing.item) for thing in things}
    around = {thing.item.namespace: Counter[str]() for thing in things}
    for thing in things:
        if thing.kind in _TELLING:
            around[thing.item.namespace][labels[thing.item.key]] += 1
    return {
        thing.item.key: slug(
            labels[thing.item.key]
            or _prevailing(around[thing.item.namespace])
            or thing.item.namespace
            or options.fallback
        )
        for thing in things
    }


def _prevailing(systems: Counter[str]) -> str:
    """The system that most of what runs in a namespace names, or "": what names none follows it."""
    (system, count), *_ = systems.most_common(1) or [("", 0)]
    return system if count * 2 > systems.total() else ""


def _part_of(item: Object) -> str:
    return _label(item, engines.conventions()["part-of"]).text


def _label(item: Object, names: Iterable[str]) -> Origin:
    """The first of the labels, then annotations, of an object or its replicas that is there."""
    metadata = access.mapping(item.body, "metadata")
    template = access.mapping(grouping.template(item), "metadata")
    for place in ("labels", "annotations"):
        holders = [access.mapping(holder, place) for holder in (metadata, template)]
        for name in names:
            for holder in holders:
                value = access.text(holder.get(name))
                if value:
                    return Origin(f"{place[:-1]} {name} of {item.label}", value)
    return Origin("", "")


def _crowded(things: list[Thing], said: dict[Key, str]) -> frozenset[str]:
    """The systems in which two namespaces have something of the same kind and name."""
    seen: dict[tuple[str, str, str], str] = {}
    crowded = set()
    for thing in things:
        place = (_space(thing.kind), said[thing.item.key], slug(thing.wish))
        if seen.setdefault(place, thing.item.namespace) != thing.item.namespace:
            crowded.add(said[thing.item.key])
    return frozenset(crowded)


def _apart(system: str, namespace: str, crowded: frozenset[str]) -> str:
    if system not in crowded or slug(namespace) == system:
        return system
    return slug(f"{system}-{namespace or 'default'}")


def owner(item: Object) -> Origin:
    """The team that labels or annotations name (``text`` is the slug), or an empty one."""
    found = _label(item, engines.conventions()["owner"])
    return Origin(found.name, slug(found.text.removeprefix("team/"))) if found.text else found
