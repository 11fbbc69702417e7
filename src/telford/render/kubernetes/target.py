"""Target `kubernetes`: one file of plain manifests for each entity that runs or is carried.

What is on the paved road gets the road's defaults, policies and Pod Security; what was found is
given back as it was (`telford.road.found`). Called by `telford.render.registry`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import base, structure
from telford.estate.model import Binding, Bound
from telford.render.artifacts import Rendering, Unit, by_path, key
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
from telford.render.kubernetes.subject import Subject, subject
from telford.road import found, reach, yamlout

NAME = "kubernetes"
# So much of a digest is enough to tell two versions of one entity apart, and short to read.
_DIGEST = 16

_Runs = (structure.Service, structure.Datastore)


@dataclass(frozen=True, slots=True)
class _Context:
    """A binding, and what is worked out of it once."""

    binding: Binding
    names: reach.Names
    edges: reach.Reach
    prefix: str

    def unit(
        self, address: str, spec: base.Kind, parts: list[str], make: Callable[[], str]
    ) -> Unit:
        """One file; `parts` is all that its text depends on beside the place and the address."""
        place = str(self.binding.place)
        digest = key(self.prefix, address, *parts)
        return Unit(_path(place, spec), address, NAME, place, digest, make)


def _path(place: str, spec: base.Kind) -> str:
    """kubernetes/PLACE/[SYSTEM/]NAME.yaml; the kind is in the name of what is no Service."""
    system = f"{spec.system}/" if spec.system else ""
    kind = "" if isinstance(spec, structure.Service) else f".{spec.kind.lower()}"
    return f"{NAME}/{place}/{system}{spec.name}{kind}.yaml"


def render(binding: Binding) -> Rendering:
    """The manifests of a place."""
    names = reach.names(binding)
    prefix = f"{binding.place} {binding.namespace} {binding.production}"
    context = _Context(binding, names, reach.reach(binding, names), prefix)
    units: list[Unit] = []
    said: list[Diagnostic] = list(problems.collisions(binding))
    for address, bound in binding.entities.items():
        unit, about = _entity(context, address, bound)
        units += unit
        said += about
    return Rendering(by_path([*_namespaces(context), *units]), tuple(said))


def one(binding: Binding, address: str, edges: reach.Reach | None = None) -> Unit | None:
    """The manifests of one thing, where it has some; `edges` where they are known already."""
    names = reach.names(binding)
    known = reach.reach(binding, names) if edges is None else edges
    prefix = f"{binding.place} {binding.namespace} {binding.production}"
    context = _Context(binding, names, known, prefix)
    units, _ = _entity(context, address, binding.entities[address])
    return units[0] if units else None


_Result = tuple[list[Unit], list[Diagnostic]]


def _entity(context: _Context, address: str, bound: Bound) -> _Result:
    spec = bound.spec
    if isinstance(spec, structure.Manifest) or getattr(spec, "road", "") == "as-found":
        return _found(context, address, bound)
    if isinstance(spec, structure.Config):
        make = partial(_config, context.binding, address, spec)
        return [context.unit(address, spec, [spec.model_dump_json(exclude_unset=True)], make)], []
    if isinstance(spec, structure.Service) or (
        isinstance(spec, structure.Datastore) and spec.run is not None
    ):
        return _paved(context, address, bound)
    if isinstance(spec, declared.KINDS):
        return _declared(context, address, spec), []
    return [], []


def _declared(context: _Context, address: str, spec: declared.Declared) -> list[Unit]:
    """What is declared beside workloads, made at once: there is little of it."""
    made = declared.objects(context.binding, context.names, address, spec)
    text = yamlout.documents(made)
    return [context.unit(address, spec, [text], partial(str, text))] if made else []


def _found(context: _Context, address: str, bound: Bound) -> _Result:
    """What was imported, exactly as it was, with what it adopted of the road."""
    spec = bound.spec
    if not found.gives_objects(spec):
        return [], []
    said = list(problems.misfits(address, bound))
    parts = ["as-found", spec.model_dump_json()]
    if not isinstance(spec, _Runs) or not spec.adopted:
        return [context.unit(address, spec, parts, partial(_given_back, spec))], said
    known = found_workload(context.binding, address, bound, context.edges)
    if known is None:
        return [context.unit(address, spec, parts, partial(_given_back, spec))], said
    parts += [repr(known.ways), repr(known.about)]
    unit = context.unit(address, spec, parts, partial(_with_adopted, known))
    if "network" in spec.adopted:
        said += problems.guesses(address, bound, known.ways)
    return [unit], said


def found_workload(
    binding: Binding, address: str, bound: Bound, edges: reach.Reach | None = None
) -> adopted.Found | None:
    """An as-found workload as the road sees it, to adopt something; None where nothing runs."""
    known = reach.reach(binding, reach.names(binding)) if edges is None else edges
    ways = partial(network.openings, binding, known)
    return adopted.found(binding, address, bound, found.objects(bound.spec), ways)


def _with_adopted(known: adopted.Found) -> str:
    return yamlout.documents(adopted.objects(known))


def _given_back(spec: base.Kind) -> str:
    return yamlout.documents(found.objects(spec))


def _config(binding: Binding, address: str, spec: structure.Config) -> str:
    return yamlout.document(configs.config_map(binding, address, spec))


def _paved(context: _Context, address: str, bound: Bound) -> _Result:
    missing = problems.missing(address, bound)
    if missing:
        return [], missing
    about = subject(context.binding, address, bound)
    ways = network.openings(context.binding, context.edges, about)
    config_digest = configs.digest_of(context.binding, context.names, about)
    digest = key(bound.spec.model_dump_json(exclude_unset=True))
    made_of = [digest, repr(ways.ingress), repr(ways.egress), config_digest]
    make = partial(_manifests, about, ways, digest[:_DIGEST], config_digest)
    unit = context.unit(address, bound.spec, made_of, make)
    return [unit], [*problems.guesses(address, bound, ways), *problems.wide(address, bound, ways)]


def _manifests(about: Subject, ways: network.Openings, digest: str, config_digest: str) -> str:
    return yamlout.documents(objects(about, ways, digest, config_digest))


def objects(
    about: Subject, ways: network.Openings, digest: str, config_digest: str
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


def _namespaces(context: _Context) -> list[Unit]:
    """The place's namespace, where anything paved runs in it."""
    binding = context.binding
    environment = next(
        (
            address
            for address, bound in binding.entities.items()
            if bound.spec.kind == "Environment" and bound.spec.name == binding.place.environment
        ),
        None,
    )
    roads = {_road(bound.spec) for bound in binding.entities.values()} - {""}
    if environment is None or "paved" not in roads:
        return []
    enforced = roads == {"paved"}
    address = environment
    make = partial(_namespace, binding, enforced=enforced)
    digest = key(context.prefix, "namespace", str(enforced))
    path = f"{NAME}/{binding.place}/namespace.yaml"
    return [Unit(path, address, NAME, str(binding.place), digest, make)]


def _road(spec: base.Kind) -> str:
    """How a thing that becomes Kubernetes objects is on the road; "" for anything else."""
    if isinstance(spec, structure.Manifest):
        return "as-found"
    if isinstance(spec, structure.Service):
        return spec.road
    if isinstance(spec, structure.Datastore) and spec.run is not None:
        return spec.road
    return ""


def _namespace(binding: Binding, *, enforced: bool) -> str:
    return yamlout.document(accounts.namespace(binding, enforced=enforced))
