"""Places: environments stand in an order, and in regions that there are, once each."""

from collections.abc import Container, Iterator
from dataclasses import replace

from telford.basics.diagnostics import Position, Severity
from telford.estate import overlays, pruning
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.places import Environment
from telford.estate.model import Entity
from telford.estate.place import Place
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base, subject


def _environment(name: str, fields: str) -> str:
    return f"apiVersion: telford/v1\nkind: Environment\nname: {name}\n{fields}\n"


_EU = "apiVersion: telford/v1\nkind: Region\nname: eu\n"


def _twice(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Environment)
    names = [text.rpartition(".")[2] for text in spec.regions]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(
                ("regions", index), f"the region `{name}` is there twice", "keep one of the two"
            )
    for index, cluster in enumerate(spec.clusters):
        region, _, rest = cluster.partition("/")
        if not rest or (region not in names and not subject.shortened("regions")):
            yield Finding(
                ("clusters", index),
                f"`{cluster}` is no cluster of a region of `{spec.name}`",
                "write REGION/CLUSTER with one of its `regions`",
            )


def _same_order(world: World) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for spec in overlays.environments(world.estate):
        entity = next(e for e in world.estate.of_kind("Environment") if e.spec.name == spec.name)
        if pruning.lost(entity.node, ("order",)):
            continue
        earlier = seen.setdefault(spec.order, spec.name)
        if earlier == spec.name:
            continue
        yield Finding(
            ("order",) if "order" in entity.node.values else ("name",),
            f"`{earlier}` and `{spec.name}` have the same order",
            "give each environment an `order` of its own: changes travel in it",
            subject=base(entity, world),
        )


def _not_there(world: World) -> Iterator[Finding]:
    """References from what exists in a place to what does not exist there, once a reference."""
    estate = world.estate
    missing = {a for a, e in estate.entities.items() if any(r.absent for r in e.reaches)}
    if not missing:
        return
    for entity in estate.entities.values():
        said: dict[Path, list[tuple[Place, Finding]]] = {}
        for place, seen in _in_places(world, entity, missing):
            for finding in _dangling(seen, place):
                said.setdefault(finding.path, []).append((place, finding))
        for found in said.values():
            places = ", ".join(str(place) for place, _ in found)
            first = found[0][1]
            yield replace(first, detail=f"in {places}; {first.detail}")


def _in_places(
    world: World, entity: Entity, missing: Container[str]
) -> Iterator[tuple[Place, Subject]]:
    """An entity in every place in which it exists and refers to anything that may be missing."""
    seen: dict[tuple[str, ...], Subject | None] = {}
    for place in world.places:
        layered = overlays.key(entity, place)[1]
        if overlays.absent(world.estate, entity, place):
            continue
        if layered not in seen:
            found = _as_it_is(world, entity, place) if layered else base(entity, world)
            seen[layered] = found if found is not None and _names_any(found, missing) else None
        in_place = seen[layered]
        if in_place is not None:
            yield place, in_place


def _as_it_is(world: World, entity: Entity, place: Place) -> Subject | None:
    """An entity as overlays make it in a place; None where they are in error."""
    bound = overlays.known(world.estate, entity, place)
    return subject(bound, world) if bound is not None else None


def _names_any(seen: Subject, missing: Container[str]) -> bool:
    return any(address in missing for _, found in seen.references for address in found)


def _dangling(seen: Subject, place: Place) -> Iterator[Finding]:
    estate = seen.world.estate
    for reference, found in seen.references:
        targets = [estate.entities[address] for address in found]
        if not targets or not all(overlays.absent(estate, t, place) for t in targets):
            continue
        target = targets[0]
        overlay = next(o for o in reversed(target.overlays) if o.absent and o.applies(place))
        said = Position(target.file, overlay.key.line, overlay.key.column)
        yield Finding(
            reference.path,
            f"{target.address} does not exist in {place}",
            f"leave it out there too, such as `in: {{{overlay.layer}: ...}}`, or let it exist",
            detail=f"`in` says null for `{overlay.layer}` at {said}",
            lenient=_soft(seen, reference.path),
            subject=seen,
        )


def _soft(seen: Subject, path: Path) -> bool:
    """Whether a reference stands in a dependency that the thing can do without."""
    if path[0] != "uses" or len(path) < 2 or not isinstance(path[1], int):
        return False
    return not getattr(seen.spec, "uses", ())[path[1]].critical


RULES = (
    Rule(
        Code(
            "TEL170",
            "regions or clusters that do not fit",
            "A place would exist twice, or nowhere.",
            documents(_environment("prod", "regions: [eu, eu]"), _EU),
            documents(_environment("prod", "regions: [eu]"), _EU),
            "Each region stands once in an environment; a cluster is written REGION/CLUSTER.",
        ),
        (Environment,),
        _twice,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL171",
            "two environments in the same order",
            "A change travels from environment to environment; with equal orders the name decides.",
            documents(_environment("dev", "order: 1"), _environment("prod", "order: 1")),
            documents(_environment("dev", "order: 1"), _environment("prod", "order: 2")),
            "Every Environment has an `order` of its own.",
        ),
        _same_order,
        severity=Severity.WARNING,
    ),
    EstateRule(
        Code(
            "TEL172",
            "a reference to what does not exist in the place",
            "In that place the thing would look for something that is not there.",
            documents(
                _environment("prod", "order: 1"),
                service("uses: [{service: catalogue}]"),
                document("Service", "catalogue", "in: {prod: null}"),
            ),
            documents(
                _environment("prod", "order: 1"),
                service("uses: [{service: catalogue}]\nin: {prod: null}"),
                document("Service", "catalogue", "in: {prod: null}"),
            ),
            "What exists in a place refers only to what exists there (`in: {PLACE: null}` says that"
            " something does not). It is a warning for a use that is not critical.",
        ),
        _not_there,
    ),
)
