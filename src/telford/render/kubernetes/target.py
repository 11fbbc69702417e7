"""Target `kubernetes`: one file of plain manifests for each entity that runs or is carried.

What is on the paved road gets the road's defaults, policies and Pod Security; what was found is
given back as it was (`telford.road.found`). Called by `telford.render.registry`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from telford.estate.kinds import base, structure
from telford.estate.model import Binding, Bound
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, key
from telford.render.kubernetes import (
    accounts,
    adopted,
    availability,
    configs,
    declared,
    endpoints,
    network,
    problems,
    volumes,
    workloads,
)
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import found, openings, reach, yamlout
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
    """The place's namespace, and what two things in it would both be called."""
    return Rendering(tuple(_namespaces(scene)), tuple(problems.collisions(scene.binding)))


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
    """What is declared beside workloads, made at once: there is little of it."""
    made = declared.objects(scene.binding, scene.names, address, spec)
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
    known = found_workload(scene.binding, address, bound, scene.edges)
    if known is None:
        return Rendering((_unit(scene, address, spec, parts, as_it_was),), said)
    parts += [repr(known.ways), repr(known.about)]
    unit = _unit(scene, address, spec, parts, partial(_with_adopted, known))
    if "network" in spec.adopted:
        said += tuple(problems.guesses(address, bound, known.ways))
    return Rendering((unit,), said)


def found_workload(
    binding: Binding, address: str, bound: Bound, edges: reach.Reach | None = None
) -> adopted.Found | None:
    """An as-found workload as the road sees it, to adopt something; None where nothing runs."""
    known = reach.reach(binding, reach.names(binding)) if edges is None else edges
    ways = partial(openings.openings, binding, known)
    return adopted.found(binding, address, bound, found.objects(bound.spec), ways)


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
    about = scene.subject(address)
    ways = scene.openings(address)
    config_digest = configs.digest_of(scene.binding, scene.names, about)
    held = filter(None, [about.held.digest])
    digest = key(bound.spec.model_dump_json(exclude_unset=True), *held)
    made_of = [digest, repr(ways.ingress), repr(ways.egress), config_digest]
    made = partial(_manifests, about, ways, digest[:_DIGEST], config_digest)
    unit = _unit(scene, address, bound.spec, made_of, made)
    said = [*problems.guesses(address, bound, ways), *problems.wide(address, bound, ways)]
    return Rendering((unit,), tuple(said))


def _manifests(
    about: Subject, ways: openings.Openings, digest: str, config_digest: str
) -> list[Object]:
    return list(objects(about, ways, digest, config_digest))


def objects(
    about: Subject, ways: openings.Openings, digest: str, config_digest: str
) -> Iterator[dict[str, Any]]:
    """Every object of a paved workload, in the order in which they should be applied."""
    # Who it is.
    yield from accounts.accounts(about)
    # What it may do with the cluster.
    yield from accounts.grants(about)
    # What may talk to it, before it runs.
    yield from network.policies(about, ways)
    # Where it keeps its files.
    yield from volumes.claims(about)
    # What runs.
    yield workloads.workload(about, digest, config_digest)
    # How others reach it.
    yield from endpoints.services(about)
    yield from endpoints.ingresses(about)
    # How many there are, and how many may be away.
    yield from availability.scalers(about)
    yield from availability.disruption_budgets(about)
    # Who reads its metrics.
    yield from availability.monitors(about)


def _namespaces(scene: Scene) -> Iterator[Unit]:
    """The place's namespace, where anything paved runs in it."""
    binding = scene.binding
    environment = scene.find("environment", binding.place.environment, None)
    roads = {_road(bound.spec) for bound in binding.entities.values()} - {""}
    if environment is None or "paved" not in roads:
        return
    enforced = roads == {"paved"}
    made = partial(_namespace, binding, enforced=enforced)
    prefix = f"{scene.place} {binding.namespace} {binding.production}"
    digest = key(prefix, "namespace", str(enforced))
    path = f"{NAME}/{scene.place}/namespace.yaml"
    yield Unit(path, environment, NAME, scene.place, digest, partial(_text, made), made)


def _road(spec: base.Kind) -> str:
    """How a thing that becomes Kubernetes objects is on the road; "" for anything else."""
    if isinstance(spec, structure.Manifest):
        return "as-found"
    if isinstance(spec, structure.Service):
        return spec.road
    if isinstance(spec, structure.Datastore) and spec.run is not None:
        return spec.road
    return ""


def _namespace(binding: Binding, *, enforced: bool) -> list[Object]:
    return [accounts.namespace(binding, enforced=enforced)]


TARGET = Target(
    NAME,
    "plain manifests, one file an entity",
    entity=entity,
    place=_place,
)
