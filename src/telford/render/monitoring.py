"""What is monitored in a place, read of a scene, and the files that are about a place. Called by
the targets that watch: `prometheus`, `prometheus-operator`, `alertmanager`, `otel-collector`.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from telford.render.artifacts import Object, Unit, key
from telford.render.scene import Scene
from telford.road import heading, health, monitored, scraping, yamlout


@dataclass(frozen=True, slots=True)
class Workload:
    """A paved workload as rules see it: its kind, whether it keeps storage, whether it has metrics."""

    watched: monitored.Watched
    kind: str
    storage: bool
    scraped: bool


def addresses(scene: Scene) -> list[str]:
    """The paved workloads of a place, in their order."""
    found = (address for address, _ in scene.of_kind("Service", "Datastore"))
    return [address for address in found if scene.runs(address)]


def namespaces(scene: Scene) -> list[str]:
    """The namespaces in which services of a place run, and the place's own."""
    here = scene.binding.namespace
    found = {getattr(bound.spec, "namespace", None) for _, bound in scene.of_kind("Service")}
    return sorted({here, *filter(None, found)})


def runbooks(scene: Scene) -> Mapping[str, str]:
    """What leads to which runbook (`monitored.runbooks`)."""
    return scene.table("monitoring runbooks", _runbooks)


def _runbooks(scene: Scene) -> dict[str, str]:
    return monitored.runbooks(scene.of_kind("Runbook"), scene.names)


def runbook(scene: Scene, address: str, alert: str) -> str:
    """The address of what to read when an alert about something fires; "" where there is none."""
    known = runbooks(scene)
    return known.get(f"{alert} {address}") or known.get(address) or known.get(alert, "")


def _workload(scene: Scene, address: str) -> Workload:
    about = scene.subject(address)
    told = monitored.labels(
        scene.binding.place, address, about.spec, runbooks(scene).get(address, "")
    )
    return Workload(
        monitored.Watched({"namespace": about.namespace, "workload": about.name}, told),
        about.kind,
        any(volume.type == "storage" for volume in about.run.volumes),
        bool(scraping.pages(about)),
    )


def facts(scene: Scene) -> health.Facts:
    """All that rules about what runs have to know of a place."""
    place, known = scene.binding.place, runbooks(scene)
    running = list(scene.each(_workload, addresses(scene)))
    consumed = monitored.consumed(scene.of_kind("Service", "Pipeline"), scene.names)
    certified = scene.of_kind("Service", "Route")
    return health.Facts(
        workloads=tuple(one.watched for one in running),
        streams=tuple(monitored.streams(place, scene.of_kind("Stream"), consumed, known)),
        certificates=tuple(
            monitored.certificates(place, scene.binding.namespace, certified, known)
        ),
        kinds=frozenset(one.kind for one in running),
        storage=any(one.storage for one in running),
        scraped=any(one.scraped for one in running),
    )


def owner(scene: Scene) -> str:
    """Whose a file about a place as a whole is: the Environment's address."""
    return f"environment/{scene.binding.place.environment}"


def file(scene: Scene, target: str, name: str, content: Object) -> Unit:
    """One YAML file about a place, with a first line that says what it was made of."""
    path, made_of = f"{target}/{scene.place}/{name}", owner(scene)
    digest = key(path, made_of, json.dumps(content))
    make, objects = partial(_text, made_of, content), partial(_again, content)
    return Unit(path, made_of, target, scene.place, digest, make, objects)


def _text(made_of: str, content: Object) -> str:
    return heading.comment(made_of) + yamlout.document(content)


def _again(content: Object) -> list[Object]:
    return [copy.deepcopy(content)]
