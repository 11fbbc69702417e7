"""Which recipes hold for a thing in a place, and what they make of the road's defaults.

The road's own word is the weakest, then the Architecture's, then that of each Recipe that matches,
the most special last. Of two recipes the one with more criteria is more special; of two with as
many, the one whose criteria come first in `CRITERIA`. Recipes of the very same criteria are equal:
where they disagree about one thing, `telford.rules.paving` says so, and the later by address holds.
Called by `telford.render.registry`, `telford.rules.paving` and `telford.app`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.basics.diagnostics import Position
from telford.estate.kinds import base, paving, places, standards, structure
from telford.estate.model import BASE, Binding, Bound, Estate, LaterBound
from telford.estate.place import Place
from telford.road import architecture, defaults, realisation
from telford.road.realisation import Patch, Realisation, Reason

# The criteria of a recipe, the one that says most about a thing first.
CRITERIA = ("name", "system", "class_", "kind", "tier", "region", "environment", "provider")
# Those that are facts of a place and not of a thing in it.
_OF_PLACE = frozenset({"region", "environment", "provider"})

# Criterion -> what is so; of a place with two providers, both.
Facts = Mapping[str, tuple[str | int, ...]]
# Table and entry as `defaults.toml` calls them, and as YAML does.
Entry = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Layer:
    """What one document says: an Architecture (no criteria), or a Recipe.

    `choices` are by aspect, `entries` by table and entry of `defaults.toml` with the names that YAML
    has for them.
    """

    bound: Bound
    criteria: Mapping[str, frozenset[str | int]]
    choices: Mapping[str, str]
    entries: Mapping[tuple[str, str], tuple[str, Any]]

    @property
    def address(self) -> str:
        """The document's."""
        return str(self.bound.entity.address)

    @property
    def rank(self) -> tuple[int, tuple[bool, ...]]:
        """How special it is."""
        return len(self.criteria), tuple(name in self.criteria for name in CRITERIA)

    def matches(self, facts: Facts) -> bool:
        """Whether every criterion holds."""
        return all(not said.isdisjoint(facts[name]) for name, said in self.criteria.items())

    def why(self, facts: Facts) -> str:
        """What it matched, as ``kind Service, tier 0``."""
        held = [(name, said.intersection(facts[name])) for name, said in self.criteria.items()]
        return ", ".join(f"{name.strip('_')} {min(map(str, found))}" for name, found in held)

    def says(self) -> Iterator[tuple[str, Any]]:
        """All that it says, as ``choices.ASPECT`` and ``defaults.TABLE.ENTRY`` with values."""
        for aspect, way in self.choices.items():
            yield f"choices.{aspect}", way
        for name, value in self.entries.values():
            yield f"defaults.{name}", value

    def position(self, name: str) -> Position:
        """Where ``choices.traffic`` or ``defaults.security.runAsUser`` is written in it."""
        return architecture.position(self.bound, tuple(name.split(".")))


def layer(bound: Bound) -> Layer:
    """What a bound Architecture or Recipe says."""
    spec = bound.spec
    assert isinstance(spec, paving.Architecture | paving.Recipe), "only these say how"
    criteria: dict[str, frozenset[str | int]] = {}
    if isinstance(spec, paving.Recipe):
        said = ((name, spec.match.values(name)) for name in CRITERIA)
        criteria = {name: frozenset(values) for name, values in said if values}
    entries = {
        (table, entry): (yaml, value) for table, entry, yaml, value in _entries(spec.defaults)
    }
    return Layer(bound, criteria, spec.choices.model_dump(exclude_none=True), entries)


def _entries(said: standards.Defaults) -> Iterator[tuple[str, str, str, Any]]:
    """Table, entry, the name in YAML, value."""
    for table in type(said).model_fields:
        group: base.Model = getattr(said, table)
        for name, info in type(group).model_fields.items():
            value = getattr(group, name)
            if value is not None:
                yaml = info.alias or name
                entry = yaml if table == "engines" else name
                yield (
                    table,
                    entry,
                    f"{table}.{yaml}",
                    list(value) if isinstance(value, tuple) else value,
                )


def everywhere(estate: Estate) -> "Realiser":
    """Answers for the estate as it is in no place: recipes for some place hold for nothing."""
    entities = {name: LaterBound(one, (), BASE) for name, one in estate.entities.items()}
    return Realiser(Binding(Place(""), "", False, entities))


class Realiser:
    """Answers for one place what holds for each thing in it; equal sets of facts are looked at once."""

    def __init__(self, binding: Binding) -> None:
        self._place = facts_of_place(binding.place, binding.entities.values())
        found = sorted(_layers(binding.entities.values()), key=lambda one: (one.rank, one.address))
        self._layers = tuple(one for one in found if _holds_in(one, self._place))
        self._asked = _asked(self._layers)
        self._known: dict[tuple[tuple[str | int, ...], ...], Realisation] = {}
        self._patching = any(_spec(one).patches for one in self._layers)

    def place(self) -> Realisation:
        """What holds for the place as a whole: recipes have a say that ask for nothing but a place."""
        about = [one for one in self._layers if _OF_PLACE.issuperset(one.criteria)]
        return _realised(about, self._place, "")

    def patches(self) -> Iterator[Patch]:
        """Every patch that is meant for something here, with ``{name}`` as it is written."""
        for one in self._layers:
            yield from _patches(one, "{name}")

    def realise(self, bound: Bound) -> Realisation:
        """What holds for a thing there."""
        facts = {**self._place, **facts_of(bound, self._asked)}
        # A patch is in the name of the thing.
        name = bound.entity.address.name if self._patching else ""
        key = (*(facts[criterion] for criterion in self._asked), (name,))
        known = self._known.get(key)
        if known is None:
            matched = [one for one in self._layers if one.matches(facts)]
            known = self._known[key] = _realised(matched, facts, name)
        return known


def _layers(entities: Iterable[Bound]) -> Iterator[Layer]:
    """The first architecture, and every recipe."""
    found = False
    for bound in entities:
        kind = bound.entity.address.kind
        if kind == "recipe" or (kind == "architecture" and not found):
            found = found or kind == "architecture"
            yield layer(bound)


def _holds_in(one: Layer, place: Facts) -> bool:
    return all(
        not said.isdisjoint(place[name]) for name, said in one.criteria.items() if name in _OF_PLACE
    )


def _asked(layers: Iterable[Layer]) -> tuple[str, ...]:
    """The criteria about things that any layer has: no other facts are looked up."""
    used = {name for one in layers for name in one.criteria}
    return tuple(name for name in CRITERIA if name in used and name not in _OF_PLACE)


def facts_of_place(place: Place, entities: Iterable[Bound]) -> Facts:
    """Environment, region and provider: the region's, or without a region those of the environment's
    accounts.
    """
    regions: dict[str, str] = {}
    accounts: dict[str, str] = {}
    billed: tuple[str, ...] = ()
    for bound in entities:
        kind = bound.entity.address.kind
        if kind not in ("region", "account", "environment"):
            continue
        spec = bound.spec
        if isinstance(spec, places.Region):
            regions[spec.name] = spec.provider
        elif isinstance(spec, places.Account):
            accounts[spec.name] = spec.provider
        elif isinstance(spec, places.Environment) and spec.name == place.environment:
            billed = spec.accounts
    whose = [regions.get(place.region)] if place.region else map(accounts.get, billed)
    return {
        "environment": (place.environment,),
        "region": (place.region,) if place.region else (),
        "provider": tuple(sorted({one for one in whose if one is not None})),
    }


def facts_of(bound: Bound, asked: Sequence[str] = CRITERIA) -> Facts:
    """What is so of a thing, of the criteria that are asked for."""
    address = bound.entity.address
    found: dict[str, tuple[str | int, ...]] = {}
    for criterion in asked:
        if criterion == "name":
            found[criterion] = (address.name,)
        elif criterion == "system":
            found[criterion] = (address.system,)
        elif criterion == "kind":
            found[criterion] = (address.kind.capitalize(),)
        elif criterion in ("class_", "tier"):
            found[criterion] = _from_fields(bound.spec, criterion)
    return found


def _from_fields(spec: base.Kind, criterion: str) -> tuple[str | int, ...]:
    if isinstance(spec, structure.Service):
        return (spec.type,) if criterion == "class_" else (spec.tier,)
    if isinstance(spec, structure.Datastore | structure.Stream) and criterion == "class_":
        return (spec.engine,)
    return ()


def _realised(matched: Sequence[Layer], facts: Facts, name: str) -> Realisation:
    """What some layers say together, the weakest first."""
    if not matched:
        return realisation.own()
    choices: dict[str, str] = {}
    entries: dict[tuple[str, str], Any] = {}
    said: dict[str, tuple[Reason, ...]] = {}
    for one in matched:
        choices.update(one.choices)
        entries.update({key: value for key, (_, value) in one.entries.items()})
        for key, value in one.says():
            reason = Reason(
                one.address, one.why(facts), one.position(key), value, getattr(one.bound.spec, "why", "")
            )  # fmt: skip
            said[key] = (*said.get(key, ()), reason)
    # What only repeats the road changes no key.
    other = {key: value for key, value in entries.items() if defaults.own(*key) != value}
    return Realisation(
        defaults=defaults.with_entries(other) if other else defaults.defaults(),
        choices=choices,
        reasons={key: reasons[-1] for key, reasons in said.items()},
        digest=_digest(choices, other),
        patches=tuple(patch for one in matched for patch in _patches(one, name)),
        said=said,
    )


def _digest(choices: Mapping[str, str], entries: Mapping[tuple[str, str], Any]) -> str:
    if not choices and not entries:
        return ""
    flat = {f"{table}.{entry}": value for (table, entry), value in entries.items()}
    text = json.dumps([choices, flat], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _spec(one: Layer) -> paving.Architecture | paving.Recipe:
    spec = one.bound.spec
    assert isinstance(spec, paving.Architecture | paving.Recipe), "only these are layers"
    return spec


def _patches(one: Layer, name: str) -> Iterator[Patch]:
    for index, patch in enumerate(_spec(one).patches):
        yield Patch(
            object=(patch.object or "").replace("{name}", name),
            file=patch.file or "",
            target=patch.target or "",
            merge=patch.merge,
            document=one.address,
            position=architecture.position(one.bound, ("patches", index)),
        )
