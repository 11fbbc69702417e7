"""Target `backstage`: the software catalogue, as descriptors that Backstage reads from a repository.

`catalog-info.yaml` is the one location to register; it leads to the organisation, to the domains
and to a file for each system. Called by `telford.render.registry`.
"""

from collections.abc import Callable, Iterator

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.model import Entity
from telford.render import whole
from telford.render.artifacts import Object, Rendering, Unit
from telford.render.backstage import descriptors, domains
from telford.render.backstage.descriptors import Catalogue
from telford.render.scene import World
from telford.render.target import Target

NAME = "backstage"
_ORGANISATION = "organisation.yaml"
_DOMAINS = "domains.yaml"
# What belongs to no system.
_REST = "unattached.yaml"

# Our kinds in the order in which a file lists them, and what makes a descriptor of each.
_MAKERS: dict[str, Callable[[Catalogue, Entity], Object | None]] = {
    "System": descriptors.system,
    "Service": descriptors.component,
    "Pipeline": descriptors.component,
    "Contract": descriptors.api,
    "Datastore": descriptors.resource,
    "Stream": descriptors.resource,
}
_PEOPLE = {"Team": descriptors.group, "Person": descriptors.user}


def _estate(world: World) -> Rendering:
    """Every file of the catalogue."""
    known = Catalogue(world)
    found = list(domains.domains(known))
    files = {
        _ORGANISATION: [_made(known, one) for one in _every(world, _PEOPLE)],
        _DOMAINS: [one for one, _ in found],
        **_by_system(known),
    }
    owners = {
        f"systems/{e.address.name}.yaml": str(e.address) for e in world.estate.of_kind("System")
    }
    everything = whole.owner(world)
    units = [
        _unit(path, owners.get(path, everything), listed)
        for path, listed in files.items()
        if listed
    ]
    if not units:
        return Rendering()
    location = _location(world, sorted(path for path, listed in files.items() if listed))
    units.append(_unit("catalog-info.yaml", everything, [location]))
    said = [one for _, one in found if one is not None]
    return Rendering(tuple(units), (*said, *_without_definition(known)))


def _every(world: World, kinds: dict[str, Callable[..., Object]]) -> Iterator[Entity]:
    for kind in kinds:
        yield from world.estate.of_kind(kind)


def _made(known: Catalogue, entity: Entity) -> Object:
    return _PEOPLE[entity.spec.kind](known, entity)


def _by_system(known: Catalogue) -> dict[str, list[Object]]:
    """Path -> descriptors: a system first, then what is in it, by kind and name."""
    files: dict[str, list[Object]] = {}
    for kind, make in _MAKERS.items():
        for entity in known.world.estate.of_kind(kind):
            made = make(known, entity)
            name = entity.address.name if kind == "System" else entity.address.system
            path = f"systems/{name}.yaml" if name else _REST
            if made is not None:
                files.setdefault(path, []).append(made)
    return dict(sorted(files.items()))


def _unit(path: str, owner: str, listed: list[Object]) -> Unit:
    return whole.documents(f"{NAME}/{path}", owner, NAME, "", listed)


def _location(world: World, paths: list[str]) -> Object:
    return {
        "apiVersion": descriptors.API_VERSION,
        "kind": "Location",
        "metadata": {
            "name": world.architecture.name,
            "description": "Everything that the estate describes.",
        },
        "spec": {"targets": [f"./{path}" for path in paths]},
    }


def _without_definition(known: Catalogue) -> Iterator[Diagnostic]:
    """Contracts whose file nobody can find from the catalogue: an API needs its definition."""
    for entity in known.world.estate.of_kind("Contract"):
        if known.definition(entity) is None:
            yield Diagnostic(
                "TEL581",
                Severity.WARNING,
                f"{entity.address} is not shown in Backstage: where its file lies is not known",
                address=str(entity.address),
                position=Position(entity.file, entity.node.line, entity.node.column),
                detail="A descriptor names the file by its way from the catalogue in the same"
                " repository.",
                fix="say in a document of kind Architecture where the repository has the estate",
            )


TARGET = Target(NAME, "a software catalogue: who owns what, and what needs what", estate=_estate)
