"""What makes replicas more or fewer: as the estate says, else the messages that wait in the streams
that a service consumes, else its use of CPU and memory.

Called by `target`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.estate.kinds import scaling, structure
from telford.estate.kinds.places import Region
from telford.render.scene import Scene
from telford.road import conventions, meshing
from telford.road.subject import Subject

# What KEDA's own service account is, by its role at the provider.
AWS = "aws"


@dataclass(frozen=True, slots=True)
class Found:
    """Triggers, and the streams of which none could be made, each with what is missing."""

    triggers: tuple[scaling.Trigger, ...]
    missing: tuple[tuple[str, str], ...] = ()


def triggers(scene: Scene, about: Subject, replicas: scaling.Replicas) -> Found:
    """The triggers of a workload that has bounds."""
    if replicas.triggers:
        return Found(replicas.triggers)
    made: list[scaling.Trigger] = []
    missing: list[tuple[str, str]] = []
    for address, stream in consumed(scene, about):
        found = _ENGINES[stream.engine](scene, about, stream)
        if isinstance(found, scaling.Trigger):
            made.append(found)
        else:
            missing.append((address, found))
    made += _shares(about, replicas, alone=not made)
    return Found(tuple(made), tuple(missing))


def consumed(scene: Scene, about: Subject) -> Iterator[tuple[str, structure.Stream]]:
    """The streams whose messages it takes, by address."""
    for use in about.spec.uses:
        if use.stream is None or use.role != "consume" or not use.policed:
            continue
        address = scene.find("stream", use.stream, about.spec.system)
        spec = scene.bound(address).spec if address is not None else None
        if address is not None and isinstance(spec, structure.Stream):
            yield address, spec


@cache
def _told(engine: str) -> dict[str, Any]:
    found: dict[str, Any] = resources.toml("telford.render.keda", "keda.toml")[engine]
    return found


def _shares(
    about: Subject, replicas: scaling.Replicas, *, alone: bool
) -> Iterator[scaling.Trigger]:
    """Use of CPU and memory, in percent of what is requested: the road's CPU where nothing else
    says anything.
    """
    cpu = replicas.target_cpu
    if cpu is None and alone and replicas.target_memory is None:
        cpu = about.road.target_cpu
    for kind, share in (("cpu", cpu), ("memory", replicas.target_memory)):
        if share is not None:
            yield scaling.Trigger(type=kind, metadata={"value": share.removesuffix("%")})


def _name(stream: structure.Stream) -> str:
    """What the broker calls it."""
    return stream.topic or stream.name


def _group(about: Subject) -> str:
    """What the broker calls those who consume together: the service, unless it says another."""
    return about.spec.annotations.get(conventions.ANNOTATION_CONSUMER, about.name)


def _broker(scene: Scene, stream: structure.Stream) -> Subject | None:
    """The service that runs its broker."""
    if stream.broker is None:
        return None
    address = scene.find("service", stream.broker, stream.system)
    return scene.subject(address) if address is not None else None


def _at(broker: Subject, port: int) -> str:
    name = broker.endpoints[0].name if broker.endpoints else broker.name
    return f"{meshing.full_name(name, broker.namespace)}:{port}"


def _trigger(
    stream: structure.Stream, kind: str, metadata: dict[str, str], authentication: str = ""
) -> scaling.Trigger:
    named = stream.annotations.get(conventions.ANNOTATION_TRIGGER_AUTHENTICATION, authentication)
    return scaling.Trigger(
        type=kind, name=stream.name, metadata=metadata, authentication=named or None
    )


def _kafka(scene: Scene, about: Subject, stream: structure.Stream) -> scaling.Trigger | str:
    broker = _broker(scene, stream)
    if broker is None:
        return "the service that runs its broker (`broker`)"
    metadata = {
        "bootstrapServers": _at(broker, about.road.engine_ports["kafka"]),
        "consumerGroup": _group(about),
        "topic": _name(stream),
        "lagThreshold": str(_told("kafka")["threshold"]),
    }
    return _trigger(stream, "kafka", metadata)


def _rabbitmq(scene: Scene, about: Subject, stream: structure.Stream) -> scaling.Trigger | str:
    """Its address holds a password, so it is a TriggerAuthentication that names it."""
    if conventions.ANNOTATION_TRIGGER_AUTHENTICATION not in stream.annotations:
        name = conventions.ANNOTATION_TRIGGER_AUTHENTICATION
        return f"the TriggerAuthentication that holds its `host` (annotation {name})"
    metadata = {
        "queueName": _name(stream),
        "mode": "QueueLength",
        "value": str(_told("rabbitmq")["threshold"]),
    }
    return _trigger(stream, "rabbitmq", metadata)


def _nats(scene: Scene, about: Subject, stream: structure.Stream) -> scaling.Trigger | str:
    broker = _broker(scene, stream)
    if broker is None:
        return "the service that runs its broker (`broker`)"
    told = _told("nats")
    metadata = {
        "natsServerMonitoringEndpoint": _at(broker, told["monitoring_port"]),
        "account": told["account"],
        "stream": _name(stream),
        "consumer": _group(about),
        "lagThreshold": str(told["threshold"]),
    }
    return _trigger(stream, "nats-jetstream", metadata)


def _sqs(scene: Scene, about: Subject, stream: structure.Stream) -> scaling.Trigger | str:
    region = _region(scene)
    if region is None or region.provider != "aws":
        return "the AWS region that it is in (a Region of provider aws)"
    fifo = stream.sqs is not None and stream.sqs.fifo and not _name(stream).endswith(".fifo")
    metadata = {
        "queueURL": f"{_name(stream)}.fifo" if fifo else _name(stream),
        "queueLength": str(_told("sqs")["threshold"]),
        "awsRegion": region.location or region.name,
    }
    return _trigger(stream, "aws-sqs-queue", metadata, authentication=AWS)


def _region(scene: Scene) -> Region | None:
    name = scene.binding.place.region
    address = scene.find("region", name, None) if name else None
    spec = scene.bound(address).spec if address is not None else None
    return spec if isinstance(spec, Region) else None


def _embedded(scene: Scene, about: Subject, stream: structure.Stream) -> scaling.Trigger | str:
    return "a broker: it is embedded"


_ENGINES: dict[str, Callable[[Scene, Subject, structure.Stream], scaling.Trigger | str]] = {
    "kafka": _kafka,
    "rabbitmq": _rabbitmq,
    "nats": _nats,
    "sqs": _sqs,
    "embedded": _embedded,
}
