"""What this target has to say about an estate: TEL501 to TEL507. Called by `target`.

- TEL501 (error): two things would be the same Kubernetes object.
- TEL502 (warning): a workload without an image; nothing is rendered for it.
- TEL503 (error): a cron without a schedule; nothing is rendered for it.
- TEL504 (warning): a dependency that is only inferred keeps a network policy from being made.
- TEL505 (info): an opening to any address, because a policy cannot name a DNS host.
- TEL506 (warning): what was carried for a list no longer fits it, so it is not given back.
- TEL507 (info): a namespace without a quota, because nobody knows how much runs in it.
"""

from collections.abc import Iterable, Iterator, Sequence

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound
from telford.render.findings import finding
from telford.render.scene import Scene
from telford.road import found
from telford.road.openings import Openings
from telford.road.subject import namespace_of, workload_kind


def missing(address: str, bound: Bound) -> list[Diagnostic]:
    """What a workload cannot be rendered without."""
    spec = bound.spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these run"
    if spec.run is None or spec.run.image is None:
        return [_without_image(address, bound, spec)]
    if workload_kind(spec) == "CronJob" and spec.run.schedule is None:
        return [
            finding(
                bound,
                "TEL503",
                Severity.ERROR,
                f"{address} is a cron without a schedule",
                field=("run",),
                fix='say run.schedule, such as "0 3 * * *"',
            )
        ]
    return []


def _without_image(
    address: str, bound: Bound, spec: structure.Service | structure.Datastore
) -> Diagnostic:
    built = spec.run is not None and spec.run.build is not None
    detail = (
        "`run.build` says how its image is made, and not under which name it is published."
        if built
        else ""
    )
    fix = "say run.image, or leave it where it runs only on the local place"
    if built:
        fix = "say run.image: the name that the built image is published under, with its version"
    summary = f"{address} has no image, so nothing is rendered for Kubernetes"
    return finding(
        bound, "TEL502", Severity.WARNING, summary, field=("run",), detail=detail, fix=fix
    )


def unlimited(bound: Bound, namespace: str, unknown: Sequence[str]) -> Diagnostic:
    """A namespace without a quota. `bound` is the environment."""
    return finding(
        bound,
        "TEL507",
        Severity.INFO,
        f"no quota for namespace {namespace}: how much {unknown[0]} takes is not known",
        detail="A DaemonSet runs on every machine, and an operator makes what it needs by itself.",
    )


def collisions(scene: Scene) -> Iterator[Diagnostic]:
    """Two paved things that would be the same object in one namespace."""
    taken: dict[tuple[str, str, str], str] = {}
    addresses = list(scene.binding.entities)
    for address, claims_of_it in zip(addresses, scene.each(claims, addresses), strict=True):
        for claim in claims_of_it:
            other = taken.setdefault(claim, address)
            if other != address:
                namespace, kind, name = claim
                yield finding(
                    scene.bound(address),
                    "TEL501",
                    Severity.ERROR,
                    f"{address} and {other} would both be {kind}/{name} in namespace {namespace}",
                    detail="Kubernetes objects of one kind share one list of names.",
                    fix="rename one of them (and say moved), or give one another namespace",
                )
                break


def claims(scene: Scene, address: str) -> tuple[tuple[str, str, str], ...]:
    """(namespace, kind, name) of the objects by which a thing can meet another."""
    return tuple(_claims(scene.binding, scene.bound(address)))


def _claims(binding: Binding, bound: Bound) -> Iterator[tuple[str, str, str]]:
    spec = bound.spec
    if isinstance(spec, structure.Config) and spec.road == "paved":
        yield namespace_of(binding, spec), "ConfigMap", spec.name
    if not isinstance(spec, structure.Service | structure.Datastore) or spec.road != "paved":
        return
    if spec.run is None or spec.run.image is None:
        return
    namespace = namespace_of(binding, spec)
    yield namespace, "NetworkPolicy", spec.name
    for endpoint in spec.endpoints:
        yield namespace, "Service", endpoint.name
    if not spec.endpoints:
        yield namespace, "Service", spec.name


def misfits(address: str, bound: Bound) -> Iterator[Diagnostic]:
    """Lists of an as-found thing that are longer or shorter than when they were imported."""
    for name, path in found.misfits(bound.spec):
        yield finding(
            bound,
            "TEL506",
            Severity.WARNING,
            f"{'.'.join(map(str, path))} of {name} has other items than when it was imported",
            field=("carried",),
            detail=f"What no field of {address} says of its items is not given back.",
            fix="bring what `carried` has for it into line, or import again",
        )


def guesses(address: str, bound: Bound, ways: Openings) -> Iterator[Diagnostic]:
    """Policies that were not made, because they might cut real traffic."""
    for edge in ways.guessed:
        side, other = ("out of", edge.server) if edge.client == address else ("into", edge.client)
        yield finding(
            bound,
            "TEL504",
            Severity.WARNING,
            f"no network policy {side} {address}: its connection with {other} is only inferred",
            field=("uses",),
            detail="A policy from declared dependencies alone might cut traffic that is real.",
            fix="declare the dependency, or confirm it (inferred.confirmed: true)",
        )


def wide(address: str, bound: Bound, ways: Openings) -> Iterator[Diagnostic]:
    """Ways out that lead anywhere, by port."""
    for way in ways.egress or ():
        if not (way.pods or way.namespace or way.block):
            yield finding(
                bound,
                "TEL505",
                Severity.INFO,
                f"{address} may reach any address on {_ports(way.ports)}",
                field=("uses",),
                detail="What it uses there is outside the cluster and known by name, if at all.",
                fix="give the datastore's host as an address to narrow the policy",
            )


def _ports(ports: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{protocol} {number}" for protocol, number in ports)
