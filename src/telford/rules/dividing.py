"""Deliveries that ask more of a cluster's way of dividing requests than it can do.

Only where the estate shows it: the Architecture builds for Kubernetes, no Recipe chooses another way
for somebody, and the service is nothing that this machine runs. `telford release` refuses the rest.
"""

from collections.abc import Iterator

from telford.basics import units
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.change import Delivery
from telford.estate.kinds.paving import Architecture, Recipe
from telford.estate.kinds.structure import Service
from telford.road import realisation, traffic_ways
from telford.rules.rule import Finding, Rule, Subject, base
from telford.rules.strategies import WORKERS

# What makes Deployments of services.
_PACKAGING = frozenset({"kubernetes", "kustomize", "helm"})


def _undivided(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    if subject.lost("type") or subject.lost("run") or subject.lost("road"):
        return
    on_cluster = spec.run.image is not None and spec.run.local is None and spec.road == "paved"
    delivery = _delivery(subject, spec)
    way = _way(subject) if on_cluster and spec.type not in WORKERS else ""
    if delivery is None or not way:
        return
    problems = [*traffic_ways.refusals(way, _needs(delivery)), *_shares(way, spec, delivery)]
    if problems:
        title = traffic_ways.WAYS[way].title
        yield Finding(
            ("delivery",),
            f"requests to {spec.name} are divided by {title}: {problems[0]}",
            "choose another delivery, or another way of `traffic` or `mesh` in the Architecture",
            detail="; ".join(problems[1:]),
        )


def _delivery(subject: Subject, spec: Service) -> Delivery | None:
    found = subject.world.index.refer("Delivery", spec.delivery, spec) if spec.delivery else []
    entity = subject.world.estate.entities.get(found[0]) if len(found) == 1 else None
    return entity.spec if entity is not None and isinstance(entity.spec, Delivery) else None


def _way(subject: Subject) -> str:
    """How the estate's requests are divided; "" where it does not say that for all."""
    estate = subject.world.estate
    first = next(estate.of_kind("Architecture"), None)
    if first is None or any(_chooses(one.spec) for one in estate.of_kind("Recipe")):
        return ""
    seen = base(first, subject.world)
    spec = seen.spec
    assert isinstance(spec, Architecture)
    if seen.shortened("targets") or seen.lost("choices") or _PACKAGING.isdisjoint(spec.targets):
        return ""
    said = spec.choices.model_dump(exclude_none=True)
    mesh = realisation.choose(said, "mesh", spec.targets)
    return traffic_ways.way_of(mesh, realisation.choose(said, "traffic", spec.targets))


def _chooses(spec: object) -> bool:
    said = spec.choices.model_dump(exclude_none=True) if isinstance(spec, Recipe) else {}
    return not {"mesh", "traffic"}.isdisjoint(said)


def _needs(delivery: Delivery) -> traffic_ways.Needs:
    preview = delivery.preview.match if delivery.preview else None
    matches = [one for one in (delivery.match, preview) if one is not None]
    return traffic_ways.Needs(
        matches=any(one.header for one in matches),
        cookies=any(one.cookie for one in matches),
        mirror=delivery.strategy == "mirror",
        sticky=delivery.affinity is not None,
    )


def _shares(way: str, spec: Service, delivery: Delivery) -> Iterator[str]:
    """Weights that so few replicas cannot give; nothing where a scaler says how many there are."""
    others = spec.run.replicas
    if way != traffic_ways.RATIO or delivery.strategy != "canary" or not isinstance(others, int):
        return
    for step in delivery.steps:
        share = float(units.ratio(step.weight))
        mine = max(traffic_ways.ratio_replicas(share, others), delivery.canary_replicas)
        problem = traffic_ways.ratio_problem(share, mine, others) if 0 < share < 1 else ""
        if problem:
            yield problem


def _built(targets: str) -> str:
    """An example: what the estate is built for, and a service with a delivery of its own."""
    about = document("Architecture", "shop", f"targets: [{targets}]")
    runs = "delivery: safe\nrun: {image: 'shop/orders:1.0.0', replicas: 4}"
    fields = "strategy: mirror\nsteps: [{weight: 10%}]"
    return documents(about, service(runs), document("Delivery", "safe", fields))


RULES = (
    Rule(
        Code(
            "TEL750",
            "a delivery that nobody there can serve",
            "Who divides the requests in a cluster cannot do what the delivery asks for, so no"
            " release of the service would ever begin.",
            _built("kubernetes"),
            _built("kubernetes, istio"),
            "A header, a cookie, copies, staying with a version, and shares that replica counts do"
            " not give, are asked only of a way that has them; docs/guides/kubernetes.md lists"
            " them.",
        ),
        (Service,),
        _undivided,
    ),
)
