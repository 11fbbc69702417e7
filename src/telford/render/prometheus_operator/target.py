"""Target `prometheus-operator`: what `prometheus` says, as PrometheusRule and PodMonitor.

The rules are those of the target `prometheus`, word for word. A monitor that is written in the
estate (`run.monitors`) is the target `kubernetes`' to make; this one makes it where a port named
`metrics` says that there is something to read. Called by `telford.render.registry`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from telford.estate.kinds import base, promises
from telford.render import monitoring
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, key
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import conventions, health, monitored, scraping, yamlout
from telford.road.subject import Subject

NAME = "prometheus-operator"
_VERSION = "monitoring.coreos.com/v1"


def _entity(scene: Scene, address: str) -> Rendering:
    """The rules of an objective, or the monitor of a workload."""
    if scene.choice("monitoring", address) != NAME:
        return NOTHING
    if isinstance(scene.bound(address).spec, promises.Objective):
        return Rendering(tuple(_rules(scene, address)))
    if scene.runs(address):
        return _monitor(scene, scene.subject(address))
    return NOTHING


def _rules(scene: Scene, address: str) -> Iterable[Unit]:
    spec = scene.bound(address).spec
    for unit in scene.units("prometheus", address):
        for told in unit.objects():
            title = f"{spec.system}.{spec.name}" if spec.system else spec.name
            metadata = _metadata(scene, title, address, spec)
            rule = _object("PrometheusRule", metadata, {"groups": told["groups"]})
            yield _unit(scene, address, f"{_stem(spec)}.rules.yaml", [rule])


def _monitor(scene: Scene, about: Subject) -> Rendering:
    pages = scraping.pages(about)
    if about.run.monitors or not pages:
        return NOTHING
    spec = {
        "selector": {"matchLabels": about.selector},
        "podMetricsEndpoints": [_endpoint(page, scraping.identity()) for page in pages],
    }
    monitor = _object("PodMonitor", about.metadata(), spec)
    stem = _stem(about.spec)
    return Rendering((_unit(scene, about.address, f"{stem}.monitor.yaml", [monitor]),))


def _place(scene: Scene) -> Rendering:
    """Rules about what runs, and the monitor of the proxies that count requests."""
    if scene.choice("monitoring") != NAME:
        return NOTHING
    groups = health.groups(scene.place, monitoring.facts(scene))
    promised = any(True for _ in scene.of_kind("Objective"))
    if groups is None and not promised:
        return NOTHING
    made = [
        _object("PodMonitor", _of_place(scene, "envoy"), _proxies(monitoring.namespaces(scene)))
    ]
    if groups is not None:
        rule = _object("PrometheusRule", _of_place(scene, "what-runs"), groups)
        made.insert(0, rule)
    return Rendering((_unit(scene, monitoring.owner(scene), "place.rules.yaml", made),))


def _proxies(namespaces: list[str]) -> dict[str, Any]:
    """Every proxy of the cluster: the ports' name tells them from everything else."""
    found, kept = scraping.proxies(namespaces)
    page = {"path": scraping.table()["mesh"]["path"]}
    steps = {"relabelings": _spelled(found), "metricRelabelings": _spelled(kept)}
    return {
        "selector": {},
        "namespaceSelector": {"any": True},
        "podMetricsEndpoints": [page | steps],
    }


def _endpoint(page: scraping.Page, steps: Iterable[scraping.Relabel]) -> dict[str, Any]:
    return {"port": page.port, "path": page.path, "relabelings": _spelled(steps)}


def _spelled(steps: Iterable[scraping.Relabel]) -> list[dict[str, Any]]:
    return [_step(step) for step in steps]


def _step(step: scraping.Relabel) -> dict[str, Any]:
    told = {
        "sourceLabels": list(step.sources),
        "regex": step.regex,
        "targetLabel": step.target,
        "replacement": step.replacement,
        "action": step.action,
    }
    return {key: value for key, value in told.items() if value}


def _object(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> Object:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _metadata(scene: Scene, name: str, address: str, spec: base.Kind | None) -> dict[str, Any]:
    part = {conventions.LABEL_PART_OF: spec.system} if spec and spec.system else {}
    owner = {conventions.ANNOTATION_OWNER: spec.owner} if spec and spec.owner else {}
    return {
        "name": name,
        "namespace": scene.binding.namespace,
        "labels": {**part, conventions.LABEL_MANAGED_BY: conventions.MANAGER},
        "annotations": {conventions.ANNOTATION_ADDRESS: address, **owner},
    }


def _of_place(scene: Scene, name: str) -> dict[str, Any]:
    """Two places may share a cluster and a namespace, so the place is in the name."""
    placed = monitored.placed(scene.binding.place).values()
    return _metadata(scene, "-".join([*placed, name]), monitoring.owner(scene), None)


def _stem(spec: base.Kind) -> str:
    kind = ".datastore" if spec.kind == "Datastore" else ""
    return f"{spec.system}/{spec.name}{kind}" if spec.system else f"{spec.name}{kind}"


def _unit(scene: Scene, address: str, name: str, made: list[Object]) -> Unit:
    text = yamlout.documents(made)
    path = f"{NAME}/{scene.place}/{name}"
    again = partial(_again, made)
    return Unit(path, address, NAME, scene.place, key(path, text), partial(str, text), again)


def _again(made: list[Object]) -> list[Object]:
    return [dict(item) for item in made]


TARGET = Target(
    NAME,
    "PrometheusRule and PodMonitor for objectives and for what runs",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Datastore", "Objective", "Service"}),
    needs=("prometheus",),
)
