"""A paved workload with every question answered: what the object builders read.

The estate says little; the road's defaults say the rest (`telford.road.defaults`). After this,
nothing in a target asks for a default. Called by `telford.render.scene`.
"""

import re
from dataclasses import dataclass
from functools import cache

from telford.estate.kinds import running, structure
from telford.estate.model import Binding, Bound
from telford.road import conventions, defaults, realisation
from telford.road.found_values import Found

Runs = structure.Service | structure.Datastore

_DEFAULT_KINDS = {"job": "Job", "cron": "CronJob"}
# What keeps replicas without replacing them becomes what does both.
_PAVED = {
    "ReplicaSet": "Deployment",
    "Pod": "Deployment",
    "Rollout": "Deployment",
    "ScaledJob": "Job",
}
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One workload in one place.

    `kind` is the Kubernetes workload kind; `replicas` a number, or bounds for a scaler, or None
    where replicas make no sense (a DaemonSet, a Job); `assumed_port` says that the port is the
    road's, so the process is told it by PORT.
    """

    address: str
    spec: Runs
    run: running.Run
    namespace: str
    kind: str
    replicas: int | running.Replicas | None
    ports: tuple[running.Port, ...]
    assumed_port: bool
    endpoints: tuple[structure.Endpoint, ...]
    selector: dict[str, str]
    labels: dict[str, str]
    annotations: dict[str, str]
    held: realisation.Realisation
    # The mesh that it is part of, as aspect `mesh` names it.
    mesh: str = "none"

    @property
    def road(self) -> defaults.Defaults:
        """The defaults that are in force for it here."""
        return self.held.defaults

    @property
    def name(self) -> str:
        """The name of the entity and of its objects."""
        return self.spec.name

    @property
    def account(self) -> str:
        """The service account it runs as."""
        return self.run.service_account or self.spec.name

    @property
    def least(self) -> int:
        """The fewest replicas there are when all is well."""
        if isinstance(self.replicas, running.Replicas):
            return max(self.replicas.min, 1)
        return self.replicas if self.replicas is not None else 1

    @property
    def track(self) -> dict[str, str]:
        """The label of its pods that tells them from those of a version that is being tried; only
        where a Delivery moves requests between the two.
        """
        released = isinstance(self.spec, structure.Service) and self.spec.delivery is not None
        return {conventions.LABEL_TRACK: "stable"} if released else {}

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of its pods, the road's over its own."""
        injected = {conventions.LABEL_ISTIO_INJECT: "true"} if self.mesh == "istio" else {}
        return {**(self.run.pod_labels or {}), **self.labels, **self.track, **injected}

    @property
    def injection(self) -> dict[str, str]:
        """The annotations of its pods by which a mesh joins them."""
        if self.mesh != "linkerd":
            return {}
        made = {conventions.ANNOTATION_LINKERD_INJECT: "enabled"}
        if isinstance(self.spec, structure.Datastore) and self.ports:
            ports = ",".join(str(port.port) for port in self.ports)
            made[conventions.ANNOTATION_LINKERD_OPAQUE] = ports
        if self.kind in ("Job", "CronJob"):
            made[conventions.ANNOTATION_LINKERD_NATIVE] = "true"
        return made

    @property
    def routes(self) -> tuple[structure.RouteRule, ...]:
        """Requests from outside that reach it."""
        return self.spec.routes if isinstance(self.spec, structure.Service) else ()

    def metadata(self, name: str = "") -> dict[str, object]:
        """The metadata of one of its objects."""
        return {
            "name": name or self.spec.name,
            "namespace": self.namespace,
            "labels": self.labels,
            "annotations": self.annotations,
        }


def subject(
    binding: Binding,
    address: str,
    bound: Bound,
    held: realisation.Realisation | None = None,
    *,
    mesh: str = "none",
) -> Subject:
    """The workload of a Service, or of a Datastore that the estate runs itself, with what holds
    for it: the road's own where nothing is said. `mesh` is the one that it is part of.
    """
    held = held or realisation.own()
    spec = bound.spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these run"
    run = spec.run or running.Run()
    kind = workload_kind(spec)
    ports = ports_of(spec, held.defaults)
    assumed = bool(ports) and not run.ports and isinstance(spec, structure.Service)
    selector = selector_of(spec)
    labels, foreign = labels_of(binding, spec)
    return Subject(
        address=address,
        spec=spec,
        run=run,
        namespace=namespace_of(binding, spec),
        kind=kind,
        replicas=_replicas(run, kind, held.defaults, production=binding.production),
        ports=ports,
        assumed_port=assumed,
        endpoints=endpoints_of(spec, ports, kind),
        selector=selector,
        labels=identity_of(spec) | labels | selector,
        annotations=annotations_of(address, spec) | foreign,
        held=held,
        mesh=mesh,
    )


def namespace_of(binding: Binding, spec: Found) -> str:
    """The namespace it names itself, else the place's."""
    return spec.namespace or binding.namespace


def workload_kind(spec: Runs) -> str:
    """Deployment, StatefulSet, DaemonSet, Job or CronJob."""
    if spec.run is not None and spec.run.workload is not None:
        return _PAVED.get(spec.run.workload, spec.run.workload)
    if isinstance(spec, structure.Datastore):
        return "StatefulSet"
    return _DEFAULT_KINDS.get(spec.type, "Deployment")


def component(spec: Runs) -> str:
    """What it is within its system; part of the selector, so `orders` and its store differ."""
    return "datastore" if isinstance(spec, structure.Datastore) else "service"


def selector_of(spec: Runs) -> dict[str, str]:
    """The labels that select its pods, and never change."""
    if spec.run is not None and spec.run.selector:
        return dict(spec.run.selector)
    return identity_of(spec)


def identity_of(spec: Runs) -> dict[str, str]:
    """The labels that name it."""
    labels = {
        conventions.LABEL_NAME: spec.name,
        conventions.LABEL_COMPONENT: component(spec),
    }
    if spec.system:
        labels[conventions.LABEL_PART_OF] = spec.system
    return labels


def labels_of(binding: Binding, spec: Found) -> tuple[dict[str, str], dict[str, str]]:
    """Labels beside the selector, and those that Kubernetes would refuse, for the annotations."""
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_ENVIRONMENT: binding.place.environment,
    }
    if binding.place.region:
        labels[conventions.LABEL_REGION] = binding.place.region
    if isinstance(spec, structure.Service):
        labels[conventions.LABEL_TIER] = str(spec.tier)
    own, foreign = divided(spec.labels)
    return own | labels, foreign


def divided(labels: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The labels that Kubernetes takes, and those that it would refuse."""
    fits = {k: v for k, v in labels.items() if _label_fits(k, v)}
    return fits, {k: v for k, v in labels.items() if k not in fits}


@cache
def _label_fits(key: str, value: str) -> bool:
    return bool(_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value))


def annotations_of(address: str, spec: Found) -> dict[str, str]:
    """The address and owner, and whatever the estate adds."""
    found = {conventions.ANNOTATION_ADDRESS: address}
    if spec.owner is not None:
        found[conventions.ANNOTATION_OWNER] = spec.owner
    return {**spec.annotations, **found}


def ports_of(spec: Runs, road: defaults.Defaults | None = None) -> tuple[running.Port, ...]:
    """The ports the process listens on; the road's where a type that listens names none."""
    if spec.run is not None and spec.run.ports:
        return spec.run.ports
    road = road or defaults.defaults()
    if isinstance(spec, structure.Datastore):
        number = spec.port or road.engine_ports.get(spec.engine)
        return (running.Port(name="data", port=number),) if number else ()
    number = road.ports.get(spec.type)
    return (running.Port(name=spec.type, port=number),) if number else ()


def endpoints_of(
    spec: Runs, ports: tuple[running.Port, ...], kind: str
) -> tuple[structure.Endpoint, ...]:
    """The stable addresses: as written, else one under its own name with the process's ports."""
    if spec.endpoints or not ports or kind in ("Job", "CronJob"):
        return spec.endpoints
    own = tuple(
        structure.EndpointPort(
            name=port.name, port=port.port, target=port.name, protocol=port.protocol
        )
        for port in ports
    )
    headless = "Headless" if kind == "StatefulSet" else "ClusterIP"
    return (structure.Endpoint(name=spec.name, type=headless, ports=own),)


def _replicas(
    run: running.Run, kind: str, road: defaults.Defaults, *, production: bool
) -> int | running.Replicas | None:
    if kind not in ("Deployment", "StatefulSet"):
        return None
    if run.replicas is not None:
        return run.replicas
    if kind == "StatefulSet":
        return 1
    return road.replicas_production if production else road.replicas_other


def backend(
    subject: Subject, route: structure.RouteRule
) -> tuple[structure.Endpoint, structure.EndpointPort]:
    """The endpoint and port that a route leads to: those it names, else the first."""
    named = [e for e in subject.endpoints if e.name == route.endpoint] or subject.endpoints
    for endpoint in named:
        for port in endpoint.ports:
            if route.port is not None and route.port in (port.name, port.port):
                return endpoint, port
    first = named[0]
    return first, first.ports[0]
