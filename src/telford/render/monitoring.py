"""What is monitored in a place, read of a scene, and the files that are about a place. Called by
the targets that watch: `prometheus`, `prometheus-operator`, `alertmanager`, `otel-collector`.
"""

import copy
from functools import partial

from telford.render.artifacts import Object, Unit, key
from telford.render.scene import Scene
from telford.road import heading, health, monitored, scraping, yamlout
from telford.road.subject import Subject


def workloads(scene: Scene) -> tuple[Subject, ...]:
    """The paved workloads of a place, by address."""
    return tuple(
        scene.subject(address)
        for address, _ in scene.of_kind("Service", "Datastore")
        if scene.runs(address)
    )


def runbooks(scene: Scene) -> monitored.Runbooks:
    """What to read when something breaks."""
    return monitored.runbooks(scene.of_kind("Runbook"), scene.names)


def facts(scene: Scene) -> health.Facts:
    """All that rules about what runs have to know of a place."""
    place, known = scene.binding.place, runbooks(scene)
    running = workloads(scene)
    consumed = monitored.consumed(scene.of_kind("Service", "Pipeline"), scene.names)
    certified = scene.of_kind("Service", "Route")
    return health.Facts(
        workloads=tuple(monitored.workload(place, about, known) for about in running),
        streams=tuple(monitored.streams(place, scene.of_kind("Stream"), consumed, known)),
        certificates=tuple(
            monitored.certificates(place, scene.binding.namespace, certified, known)
        ),
        kinds=frozenset(about.kind for about in running),
        storage=any(volume.type == "storage" for about in running for volume in about.run.volumes),
        scraped=any(scraping.pages(about) for about in running),
    )


def owner(scene: Scene) -> str:
    """Whose a file about a place as a whole is: the Environment's address."""
    return f"environment/{scene.binding.place.environment}"


def file(scene: Scene, target: str, name: str, content: Object) -> Unit:
    """One YAML file about a place, with a first line that says what it was made of."""
    path, made_of = f"{target}/{scene.place}/{name}", owner(scene)
    text = heading.comment(made_of) + yamlout.document(content)
    digest = key(path, text)
    objects = partial(_again, content)
    return Unit(path, made_of, target, scene.place, digest, partial(str, text), objects)


def _again(content: Object) -> list[Object]:
    return [copy.deepcopy(content)]
