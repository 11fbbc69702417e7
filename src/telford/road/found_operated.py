"""As-found streams and data stores that an operator makes of one object: Kafka topics, RabbitMQ
queues, NATS streams, PostgreSQL clusters. Called by `telford.road.found`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.basics import units
from telford.estate.kinds import engines, structure
from telford.road import spellings
from telford.road.found_values import Key, Object, head, named, some, written

KINDS: Mapping[str, str] = {
    "strimzi": "KafkaTopic",
    "rabbitmq-topology": "Queue",
    "nats-jetstream": "Stream",
    "cloudnative-pg": "Cluster",
    "zalando-postgres": "postgresql",
}


def operated(spec: structure.Stream | structure.Datastore) -> Iterator[tuple[Key, Object]]:
    """The object of an operator; none where there is no operator."""
    if spec.operator is None:
        return
    kind = KINDS[spec.operator]
    name = named(spec, kind)
    made = head(spec, kind, name, own=True)
    made["spec"] = _stream(spec) if isinstance(spec, structure.Stream) else _store(spec)
    yield (kind, name), made


def _stream(spec: structure.Stream) -> dict[str, Any]:
    builder = {"strimzi": _topic, "rabbitmq-topology": _queue}.get(spec.operator or "", _jetstream)
    return builder(spec)


def _topic(spec: structure.Stream) -> dict[str, Any]:
    kafka = spec.kafka or engines.Kafka()
    names = {"topic": "topicName", "partitions": "partitions", "replication": "replicas"}
    cleanup = {"cleanup": "cleanup.policy"}
    policy = {key: value.replace("-", ",") for key, value in written(kafka, cleanup).items()}
    sizes = written(kafka, spellings.inverse(spellings.KAFKA_BYTES))
    config = (
        _milliseconds("retention.ms", spec.retention)
        | policy
        | written(kafka, spellings.inverse(spellings.KAFKA_COUNTS))
        | {key: int(units.quantity(value)) for key, value in sizes.items()}
    )
    return written(spec, names) | some(config=config)


def _milliseconds(name: str, duration: str | None) -> dict[str, int]:
    return {} if duration is None else {name: int(units.seconds(duration) * 1000)}


def _queue(spec: structure.Stream) -> dict[str, Any]:
    rabbitmq = spec.rabbitmq or engines.Rabbitmq()
    arguments = written(rabbitmq, spellings.inverse(spellings.RABBITMQ))
    arguments |= _milliseconds("x-message-ttl", spec.retention)
    return (
        written(spec, {"topic": "name", "durable": "durable"})
        | written(rabbitmq, {"type": "type"})
        | some(arguments=arguments, rabbitmqClusterReference=some(name=spec.cluster))
    )


def _jetstream(spec: structure.Stream) -> dict[str, Any]:
    nats = spec.nats or engines.Nats()
    policy = (
        {"retention": nats.policy.replace("-", "")} if "policy" in nats.model_fields_set else {}
    )
    names = {"topic": "name", "retention": "maxAge", "replication": "replicas"}
    return (
        written(spec, names)
        | written(nats, {"storage": "storage", "duplicate_window": "duplicateWindow"})
        | policy
        | some(subjects=list(nats.subjects))
    )


def _store(spec: structure.Datastore) -> dict[str, Any]:
    copies = "instances" if spec.operator == "cloudnative-pg" else "numberOfInstances"
    volume = "storage" if spec.operator == "cloudnative-pg" else "volume"
    storage = some(size=spec.size, storageClass=spec.storage_class)
    postgres = spec.postgres or engines.Postgres()
    connections = written(postgres, {"max_connections": "max_connections"})
    settings = some(parameters={key: str(value) for key, value in connections.items()})
    if spec.operator == "zalando-postgres":
        settings |= some(version=spec.version)
    return written(spec, {"replication": copies}) | some(**{volume: storage}, postgresql=settings)
