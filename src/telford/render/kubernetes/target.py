"""Target `kubernetes`: one file of plain manifests for each entity that runs or is carried.

What is on the paved road gets the road's defaults, policies and Pod Security; what was found is
given back as it was (`telford.road.found`). Called by `telford.render.registry`.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import base, network, structure
from telford.estate.model import Binding, Bound
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, key
from telford.render.kubernetes import (
    accounts,
    adopted,
    availability,
    configs,
    declared,
    endpoints,
    placement,
    policies,
    priorities,
    problems,
    quotas,
    tenancy,
    volumes,
    workloads,
)
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import defaults, found, openings, reach, recipes, yamlout
from telford.road.realisation import Realisation
from telford.road.subject import Subject

NAME = "kubernetes"
# So much of a digest is enough to tell two versions of one entity apart, and short to read.
_DIGEST = 16

_Runs = (structure.Service, structure.Datastore)
_Made = Callable[[], list[Object]]


def _unit(scene: Scene, address: str, spec: base.Kind, parts: list[str], made: _Made) -> Unit:
    """One file; `parts` is all that its text depends on beside the place and the address."""
    binding = scene.binding
    digest = key(f"{scene.place} {binding.namespace} {binding.production}", address, *parts)
    text = partial(_text, made)
    return Unit(_path(scene.place, spec), address, NAME, scene.place, digest, text, made)


def _text(made: _Made) -> str:
    return yamlout.documents(made())


def _path(place: str, spec: base.Kind) -> str:
    """kubernetes/PLACE/[SYSTEM/]NAME.yaml; the kind is in the name of what is no Service."""
    system = f"{spec.system}/" if spec.system else ""
    kind = "" if isinstance(spec, structure.Service) else f".{spec.kind.lower()}"
    return f"{NAME}/{place}/{system}{spec.name}{kind}.yaml"


def _place(scene: Scene) -> Rendering:
    """The place's namespaces with what limits them, the priorities, and what is to be said of the
    place as a whole.
    """
    held = tenancy.tenancies(scene)
    environment = scene.find("environment", scene.binding.place.environment, None)
    said = [*problems.collisions(scene), *_unlimited(scene, held, environment)]
    if environment is None or not held:
        return Rendering((), tuple(said))
    about = scene.architecture.address or environment
    units = (
        _shared(scene, environment, "namespace", list(_namespaces(scene, held, environment))),
        _shared(scene, about, "priorities", list(priorities.classes(scene.architecture.address))),
    )
    return Rendering(units, tuple(said))


def _shared(scene: Scene, owner: str, name: str, made: list[Object]) -> Unit:
    """A file about the place as a whole, made at once: there is little of it."""
    path = f"{NAME}/{scene.place}/{name}.yaml"
    copied = partial(copy.deepcopy, made)
    return Unit(
        path, owner, NAME, scene.place, key(path, repr(made)), partial(_text, copied), copied
    )


def _namespaces(
    scene: Scene, held: Iterable[tenancy.Tenancy], environment: str
) -> Iterator[Object]:
    for one in held:
        yield tenancy.namespace(scene, one, environment)
        if one.ours and not quotas.uncounted(scene, one):
            yield from quotas.objects(scene, one, environment)


def _unlimited(
    scene: Scene, held: Iterable[tenancy.Tenancy], environment: str | None
) -> Iterator[Diagnostic]:
    """Why a namespace has no quota, where it is not for what was found in it."""
    for one in held:
        unknown = quotas.uncounted(scene, one) if one.ours else ()
        if unknown and environment is not None:
            yield problems.unlimited(scene.bound(environment), one.name, unknown)


def entity(scene: Scene, address: str) -> Rendering:
    """The manifests of one thing, where it has some."""
    bound = scene.bound(address)
    spec = bound.spec
    if isinstance(spec, structure.Manifest) or getattr(spec, "road", "") == "as-found":
        return _found(scene, address, bound)
    if isinstance(spec, structure.Config):
        made = partial(_config, scene.binding, address, spec)
        return Rendering(
            (_unit(scene, address, spec, [spec.model_dump_json(exclude_unset=True)], made),)
        )
    if isinstance(spec, structure.Service) or (
        isinstance(spec, structure.Datastore) and spec.run is not None
    ):
        return _paved(scene, address, bound)
    if isinstance(spec, declared.KINDS):
        return _declared(scene, address, spec)
    return NOTHING


def _declared(scene: Scene, address: str, spec: declared.Declared) -> Rendering:
    """What is declared beside workloads, made at once: there is little of it. A way in that does
    not say how it is made is that of the place's own choice.
    """
    free = isinstance(spec, network.Route) and "via" not in spec.model_fields_set
    if free and scene.choice("traffic", address) != "ingress":
        return NOTHING
    made = declared.objects(scene, address, spec)
    if not made:
        return NOTHING
    return Rendering((_unit(scene, address, spec, [repr(made)], partial(list, made)),))


def _found(scene: Scene, address: str, bound: Bound) -> Rendering:
    """What was imported, exactly as it was, with what it adopted of the road."""
    spec = bound.spec
    if not found.gives_objects(spec):
        return NOTHING
    said = tuple(problems.misfits(address, bound))
    parts = ["as-found", spec.model_dump_json()]
    as_it_was = partial(_given_back, spec)
    if not isinstance(spec, _Runs) or not spec.adopted:
        return Rendering((_unit(scene, address, spec, parts, as_it_was),), said)
    held = scene.realisation(address)
    known = found_workload(scene.binding, address, bound, scene.edges, held)
    if known is None:
        return Rendering((_unit(scene, address, spec, parts, as_it_was),), said)
    parts += [repr(known.ways), repr(known.about)]
    unit = _unit(scene, address, spec, parts, partial(_with_adopted, known))
    if "network" in spec.adopted:
        said += tuple(problems.guesses(address, bound, known.ways))
    return Rendering((unit,), said)


def found_workload(
    binding: Binding,
    address: str,
    bound: Bound,
    edges: reach.Reach | None = None,
    held: Realisation | None = None,
) -> adopted.Found | None:
    """An as-found workload as the road sees it, to adopt something; None where nothing runs."""
    known = reach.reach(binding, reach.names(binding)) if edges is None else edges
    realiser = recipes.Realiser(binding)
    held = held or realiser.realise(bound)

    def road(other: str) -> defaults.Defaults:
        return realiser.realise(binding.entities[other]).defaults

    ways = partial(openings.openings, binding, known, roads=road)
    return adopted.found(binding, address, bound, found.objects(bound.spec), ways, held)


def _with_adopted(known: adopted.Found) -> list[Object]:
    return list(adopted.objects(known))


def _given_back(spec: base.Kind) -> list[Object]:
    return list(found.objects(spec))


def _config(binding: Binding, address: str, spec: structure.Config) -> list[Object]:
    return [configs.config_map(binding, address, spec)]


def _paved(scene: Scene, address: str, bound: Bound) -> Rendering:
    missing = problems.missing(address, bound)
    if missing:
        return Rendering((), tuple(missing))
    about = placement.placed(scene, scene.subject(address))
    ways = scene.openings(address)
    chosen = Chosen(
        ingress=scene.choice("traffic", address) == "ingress",
        scaler=scene.choice("scaling", address) != "keda",
    )
    config_digest = configs.digest_of(scene.binding, scene.names, about)
    held = filter(None, [about.held.digest])
    digest = key(bound.spec.model_dump_json(exclude_unset=True), *held)
    placed = repr((about.run.priority_class, about.road.spread_keys, about.mesh, chosen))
    made_of = [digest, repr(ways.ingress), repr(ways.egress), config_digest, placed]
    marks = Marks(digest[:_DIGEST], config_digest)
    made = partial(_manifests, about, ways, marks, chosen)
    unit = _unit(scene, address, bound.spec, made_of, made)
    said = [*problems.guesses(address, bound, ways), *problems.wide(address, bound, ways)]
    return Rendering((unit,), tuple(said))


@dataclass(frozen=True, slots=True)
class Marks:
    """Digests that the workload carries: of its resolved fields, and of the Configs it reads."""

    entity: str
    configs: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which of its objects are made here: another way in, or another scaler, is another target's."""

    ingress: bool
    scaler: bool


def _manifests(
    about: Subject, ways: openings.Openings, marks: Marks, chosen: Chosen
) -> list[Object]:
    return list(objects(about, ways, marks, chosen))


def objects(
    about: Subject, ways: openings.Openings, marks: Marks, chosen: Chosen
) -> Iterator[dict[str, Any]]:
    """Every object of a paved workload, in the order in which they should be applied."""
    # Who it is.
    yield from accounts.accounts(about)
    # What it may do with the cluster.
    yield from accounts.grants(about)
    # What may talk to it, before it runs.
    yield from policies.policies(about, ways)
    # Where it keeps its files.
    yield from volumes.claims(about)
    # What runs.
    yield workloads.workload(about, marks.entity, marks.configs)
    # How others reach it.
    yield from endpoints.services(about)
    if chosen.ingress:
        yield from endpoints.ingresses(about)
    # How many there are, and how many may be away.
    if chosen.scaler:
        yield from availability.scalers(about)
    yield from availability.disruption_budgets(about)
    # Who reads its metrics.
    yield from availability.monitors(about)


TARGET = Target(
    NAME,
    "plain manifests, one file an entity",
    entity=entity,
    place=_place,
)
