"""Structure: System, Service, Datastore, Stream, Config and Manifest."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base, data, engines, running

# How something is on the road: `paved` gets the road's defaults and policies, `as-found` was
# imported and nothing is added to it.
Road = Literal["paved", "as-found"]
# What something as-found may take from the road by itself (`telford adopt`); each is described in
# `telford/road/capabilities.toml`.
Capability = Literal[
    "labels",
    "probes",
    "resources",
    "security",
    "account",
    "network",
    "spread",
    "disruption",
    "rollout",
    "replicas",
    "jobs",
]


class Inferred(base.Model):
    """Marks a fact that was concluded, not declared: from what, and whether a person confirmed."""

    from_: str = Field(alias="from")
    confirmed: bool = False


class Refused(base.Model):
    """A dependency that was inferred, and that a person said is none (`telford confirm --refuse`):
    an import of the same input does not bring it back. It counts for nothing else.
    """

    service: str | None = None
    datastore: str | None = None
    stream: str | None = None
    from_: str = Field(default="", alias="from")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = [n for n in ("service", "datastore", "stream") if getattr(self, n) is not None]
        base.exactly_one(len(named), "name exactly one of `service`, `datastore` or `stream`")
        return self


class Use(base.Model):
    """A typed dependency: exactly one of `service`, `datastore`, `stream`."""

    service: str | None = None
    datastore: str | None = None
    stream: str | None = None
    critical: bool = True
    timeout: base.Duration | None = None
    retries: Annotated[int, Field(ge=0, le=10)] | None = None
    fallback: str | None = None
    access: Literal["read", "write", "readwrite"] | None = None
    role: Literal["publish", "consume"] | None = None
    port: running.PortNumber | None = None
    # What of the other one must be before this one starts: it runs, it is ready, or (a job) it is
    # done.
    wait: Literal["started", "ready", "done"] | None = None
    # The version of its contract that the caller was written for, and what it calls or reads of
    # it (``GET /orders/{id}``, a gRPC method, a message); everything where it is empty.
    version: base.Version | None = None
    operations: tuple[str, ...] = ()
    # Of a consumer: how a message that comes twice does no harm. `natural`: doing it again changes
    # nothing; `key`: what was done is remembered by key; `transaction`: offset and effect are one.
    idempotent: Literal["natural", "key", "transaction", "no"] | None = None
    inferred: Inferred | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = [n for n in ("service", "datastore", "stream") if getattr(self, n) is not None]
        base.exactly_one(len(named), "name exactly one of `service`, `datastore` or `stream`")
        return self

    @property
    def target(self) -> tuple[str, str]:
        """The key it is written under and the reference: ``("service", "orders")``."""
        for key in ("service", "datastore", "stream"):
            value = getattr(self, key)
            if value is not None:
                return key, value
        raise AssertionError("a Use names exactly one target")

    @property
    def policed(self) -> bool:
        """Whether policies may be made from it: declared, or inferred and confirmed."""
        return self.inferred is None or self.inferred.confirmed


class EndpointPort(base.Model):
    """One port of an endpoint; `target` is the process's port (number or name)."""

    name: str | None = None
    port: running.PortNumber
    target: running.PortNumber | str | None = None
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    node_port: running.PortNumber | None = None
    # What is spoken on it (``http``, ``kubernetes.io/h2c``).
    app_protocol: str | None = None


class Endpoint(base.Model):
    """A stable address in front of the replicas (a Kubernetes Service)."""

    name: base.Name
    type: Literal["ClusterIP", "Headless", "NodePort", "LoadBalancer"] = "ClusterIP"
    ports: tuple[EndpointPort, ...]
    # Those of the document, and the workload's own selector, where they are not given.
    labels: dict[str, str] | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    selector: dict[str, str] | None = None
    # Whether a caller stays with one replica, and whether calls stay on the node they come in by.
    affinity: Literal["None", "ClientIP"] | None = None
    external_traffic: Literal["Cluster", "Local"] | None = None
    internal_traffic: Literal["Cluster", "Local"] | None = None
    # Whether replicas that are not ready have an address too.
    publish_unready: bool | None = None
    # Kinds of addresses (IPv4, IPv6), and whether it has one or both.
    ip_families: tuple[Literal["IPv4", "IPv6"], ...] = ()
    ip_policy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"] | None = None
    # Of a load balancer: which one, and the address blocks that it lets in.
    load_balancer_class: str | None = None
    allowed: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()


class RouteRule(base.Model):
    """Requests from outside that reach this service."""

    host: str | None = None
    path: str = "/"
    match: Literal["Prefix", "Exact", "ImplementationSpecific"] | None = None
    port: running.PortNumber | str | None = None
    # The endpoint that it leads to, and the Ingress object that says so: called as the service
    # where they are not given.
    endpoint: str | None = None
    ingress: str | None = None
    # A rule of its own in the Ingress, though the one before it is for the same host.
    apart: bool | None = None


class Certificate(base.Model):
    """The certificate for some hosts: a Secret's name, never the key."""

    hosts: tuple[str, ...] = ()
    secret: str | None = None


class Ingress(base.Model):
    """What a Kubernetes Ingress says beside its rules, which are `routes`: the controller that
    serves it, what that is told, and certificates.
    """

    # Called as the service, and with its labels, where they are not given.
    name: str | None = None
    controller: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    tls: tuple[Certificate, ...] = ()


class Carried(base.Model):
    """Part of a foreign object that is kept opaque and given back on build: `telford.road.patch`
    merges `patch` over what the fields of the document give. It also says what the object is
    called, where that is not the name of the document.
    """

    object: str  # "Deployment/frontend"
    patch: dict[str, Any] = Field(default_factory=dict)


class System(base.Kind):
    """A bounded context: services, data stores and streams that belong together."""

    kind: Literal["System"]
    # Above which it stands: a domain or product that holds several systems.
    domain: str | None = None


class Function(base.Model):
    """How a service of type function is run by a provider: only when something happens."""

    # Such as python3.12, nodejs22.x; nothing where it is a container image.
    runtime: str | None = None
    handler: str | None = None
    memory: base.Bytes | None = None
    timeout: base.Duration | None = None
    # How many run at once at most, and how many are kept warm.
    concurrency: running.Count | None = None
    warm: running.Count = 0


class Snapshot(base.Model):
    """A state that is kept so that not every event must be read again."""

    every: Annotated[int, Field(ge=1, strict=True)]


class EventSourcing(base.Model):
    """Events are the record: state is what they add up to."""

    # The streams that hold the events, and the field that says whose they are.
    streams: Annotated[tuple[str, ...], Field(min_length=1)]
    aggregate: str | None = None
    snapshot: Snapshot | None = None
    # What is done with events of an older schema: `upcast` when they are read, `versioned` types
    # side by side, `copy` into a new stream.
    evolution: Literal["upcast", "versioned", "copy"] | None = None


class Projection(base.Model):
    """A view made from events (the read side of CQRS): from which streams, into which store."""

    name: base.Name
    from_: Annotated[tuple[str, ...], Field(min_length=1)] = Field(alias="from")
    into: str
    # How it is made again from nothing; `no` where the events are not kept that long.
    replay: Literal["all", "snapshot", "no"] | None = None
    idempotent: Literal["natural", "key", "transaction", "no"] | None = None
    # How far behind it may be.
    lag: base.Duration | None = None


class Service(base.Kind):
    """Something that runs: http, grpc, worker, job, cron or function."""

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "uses": ("service", "datastore", "stream"),
        "run.ports": ("name",),
        "run.volumes": ("name",),
        "run.sidecars": ("name",),
        "run.initialise": ("name",),
        "endpoints": ("name",),
        "projections": ("name",),
        "dataChanges": ("datastore",),
        "dataChanges[].steps": ("name",),
        "quarantine": ("image",),
        "carried": ("object",),
    }

    kind: Literal["Service"]
    type: Literal["http", "grpc", "worker", "job", "cron", "function"] = "http"
    tier: Annotated[int, Field(ge=0, le=4, strict=True)] = 2
    road: Road = "paved"
    # As-found only: what it takes from the road all the same.
    adopted: tuple[Capability, ...] = ()
    # Images that are not to come back: said by a rollback, taken out by a person with a reason.
    quarantine: tuple[running.Quarantined, ...] = ()
    # The Kubernetes namespace that it was found in, where its manifests name one.
    namespace: str | None = None
    # What it was found to run on, where that is no Kubernetes: as long as the road is `as-found`,
    # nothing is made of it for Kubernetes.
    platform: (
        Literal["lambda", "ecs", "cloud-run", "cloud-functions", "container-apps", "functions"]
        | None
    ) = None
    run: running.Run = running.Run()
    function: Function | None = None
    uses: tuple[Use, ...] = ()
    refused: tuple[Refused, ...] = ()
    event_sourcing: EventSourcing | None = None
    projections: tuple[Projection, ...] = ()
    data_class: base.DataClass | None = None
    lifecycle: Literal["experimental", "production", "deprecated"] | None = None
    endpoints: tuple[Endpoint, ...] = ()
    routes: tuple[RouteRule, ...] = ()
    ingresses: tuple[Ingress, ...] = ()
    delivery: str | None = None
    # What a release of it does to data, step by step.
    data_changes: tuple[data.DataChange, ...] = ()
    carried: tuple[Carried, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, use in enumerate(self.uses):
            key, text = use.target
            yield base.Reference(("uses", index, key), key.capitalize(), text)
        yield from config_references(self.run)
        yield from self._event_references()
        for index, change in enumerate(self.data_changes):
            path = ("dataChanges", index, "datastore")
            yield base.Reference(path, "Datastore", change.datastore)
        if self.delivery is not None:
            yield base.Reference(("delivery",), "Delivery", self.delivery)

    def _event_references(self) -> Iterator[base.Reference]:
        sourced = self.event_sourcing.streams if self.event_sourcing is not None else ()
        for index, stream in enumerate(sourced):
            yield base.Reference(("eventSourcing", "streams", index), "Stream", stream)
        for number, projection in enumerate(self.projections):
            for index, stream in enumerate(projection.from_):
                yield base.Reference(("projections", number, "from", index), "Stream", stream)
            yield base.Reference(("projections", number, "into"), "Datastore", projection.into)


class Backup(base.Model):
    """How often a copy is made and how long it is kept."""

    every: base.Duration
    keep: base.Duration
    # Any moment between two copies can be restored too.
    point_in_time: bool = False
    # The day on which a copy was last restored to see that it can be.
    proven: base.Date | None = None
    # Where the copies are, where that is not beside the store: a region or an account.
    to: base.AddressText | None = None


class Datastore(base.Kind):
    """A data store: the engine, its size and its promises. `run` where the estate runs it itself."""

    identity: ClassVar[tuple[str, ...]] = (*base.Kind.identity, "engine")
    stand_ins: ClassVar[dict[str, object]] = {"engine": "postgres"}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "run.ports": ("name",),
        "run.volumes": ("name",),
        "run.sidecars": ("name",),
        "run.initialise": ("name",),
        "endpoints": ("name",),
        "carried": ("object",),
    }

    kind: Literal["Datastore"]
    engine: Literal[
        "postgres",
        "mysql",
        "cassandra",
        "dynamodb",
        "redis",
        "opensearch",
        "object-store",
        "mongodb",
        "sqlite",
    ]
    version: str | None = None
    size: base.Bytes | None = None
    replication: Annotated[int, Field(ge=1, le=9, strict=True)] = 1
    backup: Backup | None = None
    retention: base.Duration | None = None
    consistency: Literal["strong", "eventual", "quorum"] | None = None
    # The provider's machine class (``db.r6g.large``), where a provider runs it.
    machine: str | None = None
    # Copies stand in several zones of their region.
    zones: Annotated[int, Field(ge=1, strict=True)] | None = None
    encrypted: bool | None = None
    # What the provider does when the thing is deleted: keeps it, or a last copy.
    on_delete: Literal["delete", "keep", "snapshot"] | None = None
    data_class: base.DataClass | None = None
    personal_data: bool = False
    # Settings of the engine by its own names (``work_mem: 64MB``), where no field here says it.
    parameters: dict[str, str] = Field(default_factory=dict)
    postgres: engines.Postgres | None = None
    mysql: engines.Mysql | None = None
    cassandra: engines.Cassandra | None = None
    dynamodb: engines.Dynamodb | None = None
    redis: engines.Redis | None = None
    opensearch: engines.Opensearch | None = None
    object_store: engines.ObjectStore | None = None
    host: str | None = None
    port: running.PortNumber | None = None
    # Who runs it in the cluster, where neither the estate nor a provider does.
    operator: Literal["cloudnative-pg", "zalando-postgres"] | None = None
    storage_class: str | None = None
    road: Road = "paved"
    adopted: tuple[Capability, ...] = ()
    namespace: str | None = None
    run: running.Run | None = None
    uses: tuple[Use, ...] = ()
    refused: tuple[Refused, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    carried: tuple[Carried, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, use in enumerate(self.uses):
            key, text = use.target
            yield base.Reference(("uses", index, key), key.capitalize(), text)
        if self.backup is not None and self.backup.to is not None:
            yield base.to_address(("backup", "to"), self.backup.to)
        if self.run is not None:
            yield from config_references(self.run)


class Stream(base.Kind):
    """A topic or queue: ordering, durability, retention and what happens to poison messages."""

    identity: ClassVar[tuple[str, ...]] = (*base.Kind.identity, "engine")
    stand_ins: ClassVar[dict[str, object]] = {"engine": "kafka"}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"carried": ("object",)}

    kind: Literal["Stream"]
    engine: Literal["kafka", "rabbitmq", "nats", "sqs", "embedded"]
    partitions: Annotated[int, Field(ge=1, strict=True)] = 1
    ordering: Literal["none", "key", "total"] = "none"
    # The field of a message that says which ones must stay in order (`ordering: key`).
    key: str | None = None
    durable: bool = True
    replication: Annotated[int, Field(ge=1, le=9, strict=True)] | None = None
    retention: base.Duration | None = None
    # What a consumer may count on: never twice, never lost, or both as far as the engine can.
    delivery: Literal["at-most-once", "at-least-once", "exactly-once"] = "at-least-once"
    dead_letter: str | None = None
    # The schema of its messages.
    contract: str | None = None
    data_class: base.DataClass | None = None
    personal_data: bool = False
    # What the broker calls it, where that is no name here.
    topic: str | None = None
    kafka: engines.Kafka | None = None
    rabbitmq: engines.Rabbitmq | None = None
    nats: engines.Nats | None = None
    sqs: engines.Sqs | None = None
    # The service that runs the broker.
    broker: str | None = None
    # Who makes it in the cluster, and what that calls the broker.
    operator: Literal["strimzi", "rabbitmq-topology", "nats-jetstream"] | None = None
    cluster: str | None = None
    road: Road = "paved"
    namespace: str | None = None
    carried: tuple[Carried, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.dead_letter is not None:
            yield base.Reference(("deadLetter",), "Stream", self.dead_letter)
        if self.contract is not None:
            yield base.Reference(("contract",), "Contract", self.contract)
        if self.broker is not None:
            yield base.Reference(("broker",), "Service", self.broker)


class Config(base.Kind):
    """Named settings that several workloads read (a ConfigMap); never a secret."""

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"carried": ("object",)}

    kind: Literal["Config"]
    values: dict[str, str] = Field(default_factory=dict)
    # Whether it can only be replaced, not changed.
    immutable: bool | None = None
    road: Road = "paved"
    namespace: str | None = None
    carried: tuple[Carried, ...] = ()


class Manifest(base.Kind):
    """Something foreign, carried along exactly as it was found."""

    stand_ins: ClassVar[dict[str, object]] = {"object": {}}

    kind: Literal["Manifest"]
    # What the object is written in; only one of Kubernetes is given back to Kubernetes.
    format: Literal[
        "kubernetes", "terraform", "cloudformation", "openslo", "sloth", "backstage", "score"
    ] = "kubernetes"
    object: dict[str, Any]
    # Why it is carried and not understood.
    reason: str = ""


def config_references(run: running.Run) -> Iterator[base.Reference]:
    """The Configs that the containers of a workload read."""
    yield from _container_references(("run",), run)
    for group in ("sidecars", "initialise"):
        for index, container in enumerate(getattr(run, group)):
            yield from _container_references(("run", group, index), container)


def _container_references(
    path: tuple[str | int, ...], container: running.Container
) -> Iterator[base.Reference]:
    for name, value in container.env.items():
        if isinstance(value, str) or value.config is None or value.optional or value.elsewhere:
            continue
        yield base.Reference((*path, "env", name, "config"), "Config", value.config)
    for index, source in enumerate(container.env_from):
        if source.config is not None and not source.optional and not source.elsewhere:
            yield base.Reference((*path, "envFrom", index, "config"), "Config", source.config)
