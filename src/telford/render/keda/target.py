"""Target `keda`: scalers by events, for what chose them (`scaling: keda`).

Called by `telford.render.registry`.
"""

from collections.abc import Iterator
from typing import Any

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import running, scaling, structure
from telford.render import manifests
from telford.render.artifacts import NOTHING, Object, Rendering
from telford.render.keda import problems, triggers
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import found_scaling
from telford.road.subject import Subject

NAME = "keda"
API = "keda.sh/v1alpha1"
# What they are given in percent, and what cannot tell nothing from little.
_SHARES = ("cpu", "memory")


def _entity(scene: Scene, address: str) -> Rendering:
    if not scene.runs(address) or scene.choice("scaling", address) != NAME:
        return NOTHING
    about = scene.subject(address)
    replicas = about.replicas
    if not isinstance(replicas, running.Replicas):
        return Rendering((), tuple(_fixed(scene, about)))
    found = triggers.triggers(scene, about, replicas)
    made = list(_objects(about, replicas, found))
    said = tuple(_findings(scene, about, replicas, found))
    return Rendering(manifests.of_thing(scene, NAME, address, made), said)


def _objects(about: Subject, replicas: scaling.Replicas, found: triggers.Found) -> Iterator[Object]:
    if not found.triggers:
        return
    if any(trigger.authentication == triggers.AWS for trigger in found.triggers):
        yield _identity(about)
    told = [_named(about, trigger) for trigger in found.triggers]
    bounds = {"min": _least(replicas, found), "max": max(replicas.max, 1), "triggers": tuple(told)}
    made = found_scaling.by_events(replicas.model_copy(update=bounds), about.kind, about.name)
    made["triggers"] = [_measured(item) for item in made["triggers"]]
    yield _object(about, "ScaledObject", about.name, made)


def _least(replicas: scaling.Replicas, found: triggers.Found) -> int:
    """Use of CPU cannot bring anything back that is not there, so one stays."""
    shares = all(trigger.type in _SHARES for trigger in found.triggers)
    return max(replicas.min, 1) if shares else replicas.min


def _named(about: Subject, trigger: scaling.Trigger) -> scaling.Trigger:
    if trigger.authentication != triggers.AWS:
        return trigger
    return trigger.model_copy(update={"authentication": _identity_name(about)})


def _measured(trigger: dict[str, Any]) -> dict[str, Any]:
    """Of what is a share: that it is one."""
    if trigger["type"] not in _SHARES or "metricType" in trigger:
        return trigger
    return {"type": trigger["type"], "metricType": "Utilization", **trigger}


def _identity_name(about: Subject) -> str:
    return f"{about.name}-{triggers.AWS}"


def _identity(about: Subject) -> Object:
    """KEDA asks the provider by the role of its own service account: no key is kept anywhere."""
    spec = {"podIdentity": {"provider": triggers.AWS}}
    return _object(about, "TriggerAuthentication", _identity_name(about), spec)


def _object(about: Subject, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": about.metadata(name), "spec": spec}


def _findings(
    scene: Scene, about: Subject, replicas: scaling.Replicas, found: triggers.Found
) -> Iterator[Diagnostic]:
    bound = scene.bound(about.address)
    for metric in replicas.metrics:
        yield problems.unfollowed(about.address, bound, metric.name)
    for stream, missing in found.missing:
        yield problems.uncounted(about.address, bound, stream, missing)


def _fixed(scene: Scene, about: Subject) -> Iterator[Diagnostic]:
    if isinstance(about.spec, structure.Service) and about.kind in ("Deployment", "StatefulSet"):
        for stream, _ in triggers.consumed(scene, about):
            yield problems.unbounded(about.address, scene.bound(about.address), stream)


TARGET = Target(
    NAME,
    "Scalers by events: messages that wait, and whatever else the estate names (KEDA)",
    entity=_entity,
    kinds=frozenset({"Datastore", "Service"}),
)
