"""What an operator makes of one object -> `Stream` or `Datastore`, in document form: Kafka topics,
RabbitMQ queues, NATS streams, PostgreSQL clusters.

Called by `telford.intake.kubernetes.alone`; the other way is `telford.road.found_operated`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.intake.kubernetes import access, containers, engines
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.objects import Object
from telford.road import spellings

STREAMS = ("KafkaTopic", "Queue", "Stream")


def fields(item: Object) -> Fields:
    """The fields of the Stream or Datastore that an object describes."""
    return _READERS[item.kind](access.mapping(item.body, "spec"))


def topic(item: Object) -> str:
    """What the broker calls the stream of an object."""
    spec = access.mapping(item.body, "spec")
    return access.text(spec.get("topicName", spec.get("name"))) or item.name


def _topic(spec: Mapping[str, Any]) -> Fields:
    config = access.mapping(spec, "config")
    names = {"topicName": "topic", "partitions": "partitions", "replicas": "replication"}
    policy = config.get("cleanup.policy")
    sizes = renamed(config, spellings.documented(spellings.KAFKA_BYTES))
    kafka = some(cleanup=policy.replace(",", "-") if isinstance(policy, str) else None)
    counts = renamed(config, spellings.documented(spellings.KAFKA_COUNTS))
    kafka |= {key: _number(value) for key, value in counts.items()}
    kafka |= {key: str(value) for key, value in sizes.items()}
    retention = _milliseconds(config.get("retention.ms"))
    return (
        {"engine": "kafka", "operator": "strimzi"}
        | renamed(spec, names)
        | some(retention=retention, kafka=kafka)
    )


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _milliseconds(value: Any) -> str | None:
    """A positive count of milliseconds, as number or text, as a duration."""
    number = access.whole(_number(value))
    if number is None or number <= 0:
        return None
    return units.duration_text(Decimal(number) / 1000)


def _queue(spec: Mapping[str, Any]) -> Fields:
    arguments = access.mapping(spec, "arguments")
    rabbitmq = renamed(spec, {"type": "type"})
    rabbitmq |= renamed(arguments, spellings.documented(spellings.RABBITMQ))
    cluster = access.mapping(spec, "rabbitmqClusterReference").get("name")
    found = {"engine": "rabbitmq", "operator": "rabbitmq-topology"}
    return (
        found
        | renamed(spec, {"name": "topic", "durable": "durable"})
        | some(
            retention=_milliseconds(arguments.get("x-message-ttl")),
            rabbitmq=rabbitmq,
            cluster=cluster,
        )
    )


def _jetstream(spec: Mapping[str, Any]) -> Fields:
    policy = access.text(spec.get("retention")).replace("workqueue", "work-queue")
    names = {"storage": "storage", "duplicateWindow": "duplicateWindow", "subjects": "subjects"}
    nats = renamed(spec, names) | some(policy=policy)
    found = {"engine": "nats", "operator": "nats-jetstream"}
    names = {"name": "topic", "replicas": "replication", "maxAge": "retention"}
    return found | renamed(spec, names) | some(nats=nats)


def _cnpg(spec: Mapping[str, Any]) -> Fields:
    version = engines.version(access.text(spec.get("imageName")))
    storage = _storage(access.mapping(spec, "storage"))
    return (
        _postgres("cloudnative-pg", spec, storage)
        | some(version=version)
        | renamed(spec, {"instances": "replication"})
    )


def _zalando(spec: Mapping[str, Any]) -> Fields:
    storage = _storage(access.mapping(spec, "volume"))
    version = renamed(access.mapping(spec, "postgresql"), {"version": "version"})
    return (
        _postgres("zalando-postgres", spec, storage)
        | version
        | renamed(spec, {"numberOfInstances": "replication"})
    )


def _storage(storage: Mapping[str, Any]) -> Fields:
    found = renamed(storage, {"storageClass": "storageClass"})
    return found | some(size=containers.quantity(storage.get("size")))


def _postgres(operator: str, spec: Mapping[str, Any], storage: Fields) -> Fields:
    parameters = access.mapping(spec, "postgresql", "parameters")
    most = _number(parameters.get("max_connections"))
    postgres = some(maxConnections=access.whole(most))
    return {"engine": "postgres", "operator": operator} | storage | some(postgres=postgres)


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Fields]] = {
    "KafkaTopic": _topic,
    "Queue": _queue,
    "Stream": _jetstream,
    "Cluster": _cnpg,
    "postgresql": _zalando,
}
