"""An estate in its places: which places there are, what each entity is there, and who said so.

`bind` resolves everything for one place; `chain` tells every text that had a say in one value.
Entities whose overlays do not concern a place are shared, not copied. What does not exist in a
place (``in: {prod: null}``, `absent`) is not in its binding. Called by app, render, flows and the
portal.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.errors import RefusedError, UsageError
from telford.basics.yamltext import Mapping, Node, Scalar, plain
from telford.estate import documents, fields, layers, pruning, suggestions
from telford.estate.documents import Problem
from telford.estate.kinds.places import Environment
from telford.estate.model import BASE, Binding, Bound, Entity, Estate, LaterBound, Link, Reach
from telford.estate.place import Place

# An entity's address and the layers that apply to it.
Key = tuple[str, tuple[str, ...]]


class AbsentError(UsageError):
    """The thing does not exist in the place that was asked about."""


def places(estate: Estate) -> tuple[Place, ...]:
    """Every place: environments in their order, each with its regions, or alone without one."""
    return places_of(environments(estate))


def places_of(described: Iterable[Environment]) -> tuple[Place, ...]:
    """Every place of these environments, in their order."""
    found: list[Place] = []
    for spec in described:
        if not spec.regions:
            found.append(Place(spec.name))
        for text in spec.regions:
            region = text.rpartition(".")[2]
            clusters = [c.partition("/")[2] for c in spec.clusters if c.startswith(f"{region}/")]
            found += [Place(spec.name, region, cluster) for cluster in clusters or [""]]
    return tuple(found)


def environments(estate: Estate) -> list[Environment]:
    """The environments, in the order in which a change travels."""
    specs = [e.spec for e in estate.of_kind("Environment")]
    return in_order(spec for spec in specs if isinstance(spec, Environment))


def in_order(described: Iterable[Environment]) -> list[Environment]:
    """Environments in the order in which a change travels."""
    return sorted(described, key=lambda spec: (spec.order, spec.name))


def bind(estate: Estate, place: Place) -> Binding:
    """The whole estate in one place, without what does not exist there.

    Raises `UsageError` for an environment or region that the estate does not have, `RefusedError`
    where an overlay makes something invalid (`telford check` says where).
    """
    spec = _environment(estate, place)
    bound = {
        address: resolve(estate, entity, place)
        for address, entity in estate.entities.items()
        if not absent(estate, entity, place)
    }
    return Binding(place, spec.namespace or spec.name, spec.production, bound)


def absent(estate: Estate, entity: Entity, place: Place) -> bool:
    """Whether a thing does not exist in a place: the most special layer for the place says so."""
    return _absence(entity, place) is not None


def _absence(entity: Entity, place: Place) -> Reach | None:
    """The layer that says that a thing does not exist in a place."""
    for reach in reversed(entity.reaches):
        if reach.applies(place):
            return reach if reach.absent else None
    return None


def resolve(estate: Estate, entity: Entity, place: Place) -> Bound:
    """One entity in a place. Raises as `bind` does, and `AbsentError` where it does not exist."""
    memo_key = key(entity, place) if entity.reaches else ("", ())
    if not memo_key[1]:
        return LaterBound(entity, (), BASE)
    _require(entity, place)
    memo = known(estate, entity, place)
    if memo is not None:
        return memo
    resolved = _resolved(entity, place)
    if resolved.bound is None or not resolved.whole:
        cause = f": {resolved.problems[0].summary}" if resolved.problems else ""
        raise RefusedError(
            f"{entity.address} cannot be resolved in {place}{cause} ({entity.file})",
            fix="run `telford check` and mend what it lists",
        )
    estate.resolved[memo_key] = resolved.bound
    return resolved.bound


def known(estate: Estate, entity: Entity, place: Place) -> Bound | None:
    """What an entity is in a place by the layers that apply, where they were laid over it before:
    by `check`, or when its unchanged text was checked. None where that went wrong.
    """
    memo_key = key(entity, place)
    memo = estate.resolved.get(memo_key)
    if memo is None:
        memo = entity.known(memo_key[1])
        if memo is not None:
            estate.resolved[memo_key] = memo
    return memo


def _require(entity: Entity, place: Place) -> None:
    said = _absence(entity, place)
    if said is None:
        return
    mark = next(o.key for o in entity.overlays if o.layer == said.layer and o.absent)
    position = Position(entity.file, mark.line, mark.column)
    raise AbsentError(
        f"{entity.address} does not exist in {place}: `in` says null for {said.layer} ({position})",
        fix=f"name another place, or write `in: {{{place}: {{}}}}` if it exists there",
    )


def at(estate: Estate, entity: Entity, place: Place | None) -> Bound:
    """One entity in a place, or its base where there is no place. Raises as `resolve` does."""
    if place is None:
        return LaterBound(entity, (), BASE)
    _environment(estate, place)
    return resolve(estate, entity, place)


@dataclass(slots=True)
class Checked:
    """What laying overlays over their bases showed: every problem, one a mistake; what is resolved
    only in part, because of them; and the resolved fields as plain data.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    parts: set[Key] = field(default_factory=set)
    data: dict[str, list[tuple[tuple[str, ...], dict[str, Any]]]] = field(default_factory=dict)


def check(estate: Estate, entities: Iterable[Entity]) -> Checked:
    """Resolve these in every place in which they exist. `Estate.resolved` keeps what they are."""
    checked = Checked()
    everywhere = places(estate)
    for entity in entities:
        for place in everywhere if entity.reaches else ():
            memo_key = key(entity, place)
            if not memo_key[1] or memo_key in estate.resolved or _absence(entity, place):
                continue
            resolved = _resolved(entity, place)
            if resolved.bound is not None:
                estate.resolved[memo_key] = resolved.bound
                checked.data.setdefault(memo_key[0], []).append((memo_key[1], resolved.data))
            if not resolved.whole:
                checked.parts.add(memo_key)
            checked.diagnostics += [
                documents.diagnostic(p, entity.file, memo_key[0]) for p in resolved.problems
            ]
    return checked


def key(entity: Entity, place: Place) -> Key:
    """What an entity's resolved form depends on: its address and the layers that apply."""
    applied = tuple(reach.layer for reach in entity.reaches if reach.applies(place))
    return str(entity.address), applied


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An entity in a place, or what is left of it there (not `whole`), and what is wrong."""

    bound: Bound | None
    problems: list[Problem]
    whole: bool
    data: dict[str, Any]


def _resolved(entity: Entity, place: Place) -> _Resolved:
    kind = type(entity.spec)
    applied = [overlay for overlay in entity.overlays if overlay.applies(place)]
    node = merged(entity, tuple(overlay.layer for overlay in applied))
    reader = documents.Reader(kind)
    spec = reader.validate(node)
    if spec is None:
        return _Resolved(None, reader.problems, whole=False, data={})
    bound = Bound(entity, spec, tuple(o.layer for o in applied), node)
    # What was wrong in an overlay may have been reported, and cut out, before.
    intact = not any(pruning.any_lost(overlay.node) for overlay in applied)
    return _Resolved(bound, reader.problems, reader.whole and intact, reader.data)


def merged(entity: Entity, applied: tuple[str, ...]) -> Mapping:
    """The document of an entity with these of its layers laid over its base."""
    node = entity.node
    for overlay in entity.overlays:
        if overlay.layer in applied:
            node = layers.merge(node, overlay.node, type(entity.spec), entity.spec.system)
    return node


def _environment(estate: Estate, place: Place) -> Environment:
    known = environments(estate)
    for spec in known:
        if spec.name == place.environment:
            regions = [text.rpartition(".")[2] for text in spec.regions]
            if place.region and place.region not in regions:
                raise UsageError(
                    f"the environment {spec.name} has no region {place.region}",
                    fix=f"its regions: {', '.join(regions) or 'none'}",
                )
            return spec
    raise UsageError(
        f"there is no environment {place.environment}",
        fix=f"the estate has: {', '.join(spec.name for spec in known) or 'none'}",
    )


def chain(estate: Estate, address: str, place: Place | None, field: str) -> tuple[Link, ...]:
    """Everything that had a say in a field's value, weakest first; the last link is in force.

    `field` is a dotted path of YAML keys (``run.replicas.min``, ``uses.0.timeout``,
    ``uses[catalogue].timeout``). Without a place only default and base count. Raises `UsageError`
    for an address or a field that there is not, and `AbsentError` for a thing that does not exist
    in the place: the text that says so is named.
    """
    entity = one(estate, address)
    bound = at(estate, entity, place)
    path = fields.parse(field, bound)
    value = fields.value_of(bound, path)
    links: list[Link] = []
    default = fields.default(type(bound.spec), path)
    if default is not fields.UNKNOWN:
        links.append(Link("default", default, None))
    _link(links, "base", entity, entity.node, path)
    for overlay in entity.overlays:
        if place is not None and overlay.applies(place):
            _link(links, overlay.layer, entity, overlay.node, path)
    if not links:
        links.append(Link("default", value, None))
    return tuple(links)


def _link(links: list[Link], layer: str, entity: Entity, node: Mapping, path: fields.Path) -> None:
    found = fields.node_at(node, path)
    if found is None:
        return
    position = Position(entity.file, found.line, found.column)
    links.append(Link(layer, None if _deleted(found) else plain(found), position))


def _deleted(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def one(estate: Estate, address: str) -> Entity:
    """The one entity that an address text names. Raises `UsageError` where it is none or several."""
    found = estate.find(address)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(entity.address) for entity in found)
        raise UsageError(f"{address} is ambiguous", fix=f"write one of {names}")
    raise UsageError(f"nothing has the address {address}", fix=_near(estate, address))


def _near(estate: Estate, address: str) -> str:
    known = {*estate.entities, *estate.by_short}
    meant = suggestions.nearest(address, known)
    return f"did you mean {meant}?" if meant else "`telford graph` lists every address"
