"""Target `otel-collector`: for each place the configurations of an agent on each machine, and of
the gateways that decide which traces are kept. Called by `telford.render.registry`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import promises, structure
from telford.render import monitoring
from telford.render.artifacts import NOTHING, Rendering
from telford.render.findings import finding
from telford.render.otel_collector import collectors, sensitivity, settings
from telford.render.scene import Scene
from telford.render.target import Target

NAME = "otel-collector"
_SIGNALS = ("metrics", "logs", "traces")


def _place(scene: Scene) -> Rendering:
    """Nothing where nothing runs on the road, or nothing could be sent anywhere."""
    addresses = monitoring.addresses(scene)
    if not addresses:
        return NOTHING
    said = tuple(_unsent(scene))
    to = scene.architecture.telemetry
    if not any(getattr(to, signal) for signal in _SIGNALS):
        return Rendering((), said)
    facts = _facts(scene, addresses)
    made = {"agent.yaml": collectors.agent(facts)}
    if to.traces:
        made["gateway.yaml"] = collectors.gateway(facts)
    units = (monitoring.file(scene, NAME, name, told) for name, told in made.items())
    return Rendering(tuple(units), said)


def _unsent(scene: Scene) -> Iterator[Diagnostic]:
    """TEL595: what is gathered has nowhere to go."""
    to, told = scene.architecture.telemetry, scene.architecture.address
    missing = [signal for signal in _SIGNALS if not getattr(to, signal)]
    if missing:
        yield finding(
            scene.bound(told or monitoring.owner(scene)),
            "TEL595",
            Severity.WARNING,
            f"nothing says where a collector sends {', '.join(missing)}",
            field=("telemetry",),
            detail="No pipeline is made for what has nowhere to go.",
            fix="telemetry of the Architecture: "
            + ", ".join(f"{signal}: https://{signal}.example.com/otlp" for signal in missing),
        )


@dataclass(frozen=True, slots=True)
class _Workload:
    address: str
    namespace: str
    tier: int | None
    data_class: str


def _workload(scene: Scene, address: str) -> _Workload:
    about = scene.subject(address)
    tier = about.spec.tier if isinstance(about.spec, structure.Service) else None
    return _Workload(address, about.namespace, tier, sensitivity.data_class(scene, address))


def _by_class(about: list[_Workload]) -> dict[str, tuple[str, ...]]:
    """Class of data -> workloads, least first; only classes that something has."""
    found = {
        name: tuple(one.address for one in about if one.data_class == name)
        for name in settings.order()
    }
    return {name: members for name, members in found.items() if members}


def _facts(scene: Scene, addresses: list[str]) -> collectors.Facts:
    about = list(scene.each(_workload, addresses))
    tiers = {one.tier for one in about if one.tier is not None}
    gateway = settings.table()["names"]["gateway"]
    return collectors.Facts(
        namespaces=tuple(sorted({one.namespace for one in about})),
        gateways=f"{gateway}.{scene.binding.namespace}",
        place=dict(_attributes(scene)),
        classes=_by_class(about),
        promised=_promised(scene),
        tiers=tuple(sorted(tiers)),
        to=scene.architecture.telemetry,
    )


def _attributes(scene: Scene) -> Iterator[tuple[str, str]]:
    """The place by the names of OpenTelemetry's conventions for resources."""
    place = scene.binding.place
    yield "deployment.environment.name", place.environment
    if place.region:
        yield "cloud.region", place.region
    if place.cluster:
        yield "k8s.cluster.name", place.cluster


def _promised(scene: Scene) -> dict[str, tuple[str, ...]]:
    """Latency -> the services of which it is promised; the strictest promise of each."""
    found: dict[str, set[str]] = {}
    for _, bound in scene.of_kind("Objective"):
        spec = bound.spec
        assert isinstance(spec, promises.Objective), "of this kind"
        service = scene.find("service", spec.service, spec.system)
        if spec.sli.latency is not None and service is not None:
            found.setdefault(spec.sli.latency.threshold, set()).add(service)
    return {threshold: tuple(sorted(found[threshold])) for threshold in sorted(found)}


TARGET = Target(
    NAME,
    "collectors of metrics, logs and traces, without what may not be shown",
    place=_place,
)
