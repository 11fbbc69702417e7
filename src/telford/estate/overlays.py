"""An estate in its places: which places there are, what each entity is there, and who said so.

`bind` resolves everything for one place; `chain` tells every text that had a say in one value.
Entities whose overlays do not concern a place are shared, not copied. Called by app, render,
flows and the portal.
"""

from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.errors import RefusedError, UsageError
from telford.basics.yamltext import Mapping, Node, Scalar, plain
from telford.estate import documents, fields, layers, pruning, suggestions
from telford.estate.documents import Problem
from telford.estate.kinds.places import Environment
from telford.estate.model import Binding, Bound, Entity, Estate, Link
from telford.estate.place import Place

# An entity's address and the layers that apply to it.
Key = tuple[str, tuple[str, ...]]


def places(estate: Estate) -> tuple[Place, ...]:
    """Every place: environments in their order, each with its regions, or alone without one."""
    found: list[Place] = []
    for spec in environments(estate):
        if not spec.regions:
            found.append(Place(spec.name))
        for text in spec.regions:
            region = text.rpartition(".")[2]
            clusters = [c.partition("/")[2] for c in spec.clusters if c.startswith(f"{region}/")]
            found += [Place(spec.name, region, cluster) for cluster in clusters or [""]]
    return tuple(found)


def environments(estate: Estate) -> list[Environment]:
    """The environments, in the order in which a change travels."""
    specs = [e.spec for e in estate.of_kind("Environment") if isinstance(e.spec, Environment)]
    return sorted(specs, key=lambda spec: (spec.order, spec.name))


def bind(estate: Estate, place: Place) -> Binding:
    """The whole estate in one place.

    Raises `UsageError` for an environment or region that the estate does not have, `RefusedError`
    where an overlay makes something invalid (`telford check` says where).
    """
    spec = _environment(estate, place)
    bound = {address: resolve(estate, entity, place) for address, entity in estate.entities.items()}
    return Binding(place, spec.namespace or spec.name, spec.production, bound)


def resolve(estate: Estate, entity: Entity, place: Place) -> Bound:
    """One entity in a place. Raises as `bind` does."""
    memo_key = key(entity, place)
    if not memo_key[1]:
        return Bound(entity, entity.spec, (), entity.node)
    memo = estate.resolved.get(memo_key)
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


def at(estate: Estate, entity: Entity, place: Place | None) -> Bound:
    """One entity in a place, or its base where there is no place."""
    if place is None:
        return Bound(entity, entity.spec, (), entity.node)
    _environment(estate, place)
    return resolve(estate, entity, place)


def check(estate: Estate) -> tuple[list[Diagnostic], set[Key]]:
    """Every problem that only shows once overlays are laid over their bases, one a mistake; and
    what is resolved only in part, because of them.
    """
    found: list[Diagnostic] = []
    parts: set[Key] = set()
    everywhere = places(estate)
    for address, entity in estate.entities.items():
        if not entity.overlays:
            continue
        for place in everywhere:
            memo_key = key(entity, place)
            if not memo_key[1] or memo_key in estate.resolved:
                continue
            resolved = _resolved(entity, place)
            if resolved.bound is not None:
                estate.resolved[memo_key] = resolved.bound
            if not resolved.whole:
                parts.add(memo_key)
            found += [documents.diagnostic(p, entity.file, address) for p in resolved.problems]
    return found, parts


def key(entity: Entity, place: Place) -> Key:
    """What an entity's resolved form depends on: its address and the layers that apply."""
    return str(entity.address), tuple(o.layer for o in entity.overlays if o.applies(place))


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An entity in a place, or what is left of it there (not `whole`), and what is wrong."""

    bound: Bound | None
    problems: list[Problem]
    whole: bool


def _resolved(entity: Entity, place: Place) -> _Resolved:
    kind = type(entity.spec)
    node = entity.node
    applied = [overlay for overlay in entity.overlays if overlay.applies(place)]
    for overlay in applied:
        node = layers.merge(node, overlay.node, kind, entity.spec.system)
    reader = documents.Reader(kind)
    spec = reader.validate(node)
    if spec is None:
        return _Resolved(None, reader.problems, whole=False)
    bound = Bound(entity, spec, tuple(o.layer for o in applied), node)
    # What was wrong in an overlay may have been reported, and cut out, before.
    intact = not any(pruning.any_lost(overlay.node) for overlay in applied)
    return _Resolved(bound, reader.problems, reader.whole and intact)


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
    for an address or a field that there is not.
    """
    entity = one(estate, address)
    bound = at(estate, entity, place)
    path = fields.parse(field, bound)
    value = fields.value(bound.spec, path)
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
