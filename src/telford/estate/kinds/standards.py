"""The road's defaults as an organisation may write them: every table and entry of
`telford/road/defaults.toml` in camelCase, each optional. Parts of `paving.Architecture` and
`paving.Recipe`; that both have the same entries is tested.
"""

from typing import Annotated, Literal

from pydantic import Field

from telford.estate.kinds import base

AtLeastOne = Annotated[int, Field(ge=1, strict=True)]
# A whole number, or a share of all replicas.
CountOrShare = base.Count | base.Percentage


class WorkloadDefaults(base.Model):
    """What holds for whatever runs."""

    # How many old versions of a workload are kept to go back to.
    revision_history: base.Count | None = None


class ReplicaDefaults(base.Model):
    """How many replicas there are where a service says nothing."""

    # In an environment that is production.
    production: base.Count | None = None
    # Anywhere else.
    other: base.Count | None = None


class RolloutDefaults(base.Model):
    """How one version replaces another."""

    # How many of the replicas that are asked for may be missing meanwhile.
    max_unavailable: CountOrShare | None = None
    # How many more than are asked for there may be meanwhile.
    max_surge: CountOrShare | None = None


class ScalingDefaults(base.Model):
    """When replicas are added."""

    # The share of the requested CPU that is aimed at.
    target_cpu: base.Percentage | None = None


class DisruptionDefaults(base.Model):
    """What a node drain may take."""

    # How many replicas may be away at once.
    max_unavailable: CountOrShare | None = None
    # Whether a replica that is broken anyway may block a drain.
    eviction: Literal["IfHealthyBudget", "AlwaysAllow"] | None = None


class PortDefaults(base.Model):
    """The port of a type that listens."""

    # Of type http.
    http: base.PortNumber | None = None
    # Of type function.
    function: base.PortNumber | None = None
    # Of type grpc.
    grpc: base.PortNumber | None = None


class ResourceDefaults(base.Model):
    """What a replica asks for."""

    # The CPU that it is given at least.
    cpu: base.Cores | None = None
    # The memory that it is given, and may not exceed.
    memory: base.Bytes | None = None


class ScratchDefaults(base.Model):
    """Where a replica with a read-only file system may write."""

    # The folder.
    path: str | None = None
    # How much it may hold.
    size: base.Bytes | None = None


class StorageDefaults(base.Model):
    """What a volume that says nothing is."""

    # How large it is.
    size: base.Bytes | None = None


class HealthDefaults(base.Model):
    """How a replica is asked whether it is well; times in seconds."""

    # What is asked of a service that speaks HTTP.
    path: str | None = None
    # How often it is asked whether it takes requests.
    every_seconds: AtLeastOne | None = None
    # How long an answer may take.
    timeout_seconds: AtLeastOne | None = None
    # After so many failures in a row it gets no requests.
    ready_failures: AtLeastOne | None = None
    # How often it is asked whether it lives.
    live_every_seconds: AtLeastOne | None = None
    # After so many failures in a row it is started again.
    live_failures: AtLeastOne | None = None
    # How often it is asked while it starts.
    start_every_seconds: AtLeastOne | None = None
    # After so many failures it is taken as unable to start.
    start_failures: AtLeastOne | None = None


class SecurityDefaults(base.Model):
    """What a replica may do; where nothing is said it is restricted Pod Security."""

    # Whether root is refused.
    run_as_non_root: bool | None = None
    # Whether its root file system cannot be written.
    read_only_root_filesystem: bool | None = None
    # Whether it may gain rights that it was not started with.
    allow_privilege_escalation: bool | None = None
    # The capabilities of Linux that are taken from it; ALL is every one.
    drop_capabilities: tuple[str, ...] | None = None
    # Which calls to the kernel it may make.
    seccomp: Literal["RuntimeDefault", "Unconfined"] | None = None
    # The number of the user it runs as; the image's own where nothing is said.
    run_as_user: base.Count | None = None


class SpreadDefaults(base.Model):
    """Over what replicas are spread."""

    # The labels of nodes whose values are neighbourhoods.
    keys: tuple[str, ...] | None = None


class JobDefaults(base.Model):
    """What ends by itself."""

    # How often a failed run is tried again.
    backoff: base.Count | None = None
    # How long a finished run is kept to be looked at.
    ttl_seconds: base.Count | None = None
    # Whether two runs of one schedule may overlap.
    concurrency: Literal["Allow", "Forbid", "Replace"] | None = None


class NetworkDefaults(base.Model):
    """Where the cluster's own services are."""

    # The namespace of the ingress controller.
    ingress_namespace: base.Name | None = None
    # The namespace of the gateways of a Gateway API.
    gateway_namespace: base.Name | None = None
    # The class of the Gateways of a Gateway API.
    gateway_class: base.Name | None = None
    # The namespace of the mesh's own gateway.
    mesh_gateway_namespace: base.Name | None = None
    # The namespace of the name service.
    dns_namespace: base.Name | None = None
    # The labels of the name service's pods.
    dns_labels: dict[str, str] | None = None


class EngineDefaults(base.Model):
    """The port of an engine that says nothing."""

    # Of PostgreSQL.
    postgres: base.PortNumber | None = None
    # Of MySQL.
    mysql: base.PortNumber | None = None
    # Of Cassandra.
    cassandra: base.PortNumber | None = None
    # Of DynamoDB.
    dynamodb: base.PortNumber | None = None
    # Of Redis.
    redis: base.PortNumber | None = None
    # Of OpenSearch.
    opensearch: base.PortNumber | None = None
    # Of an object store.
    object_store: base.PortNumber | None = Field(default=None, alias="object-store")
    # Of MongoDB.
    mongodb: base.PortNumber | None = None
    # Of Kafka.
    kafka: base.PortNumber | None = None
    # Of RabbitMQ.
    rabbitmq: base.PortNumber | None = None
    # Of NATS.
    nats: base.PortNumber | None = None
    # Of SQS.
    sqs: base.PortNumber | None = None


class VersionDefaults(base.Model):
    """The versions of Kubernetes that are built for."""

    # The oldest.
    oldest: base.Version | None = None
    # The newest.
    newest: base.Version | None = None


class Defaults(base.Model):
    """What the road adds where a service says nothing, in its tables; what is not given here is the
    road's own.
    """

    # What holds for whatever runs.
    workload: WorkloadDefaults = WorkloadDefaults()
    # How many replicas there are.
    replicas: ReplicaDefaults = ReplicaDefaults()
    # How one version replaces another.
    rollout: RolloutDefaults = RolloutDefaults()
    # When replicas are added.
    scaling: ScalingDefaults = ScalingDefaults()
    # What a node drain may take.
    disruption: DisruptionDefaults = DisruptionDefaults()
    # The port of a type that listens.
    ports: PortDefaults = PortDefaults()
    # What a replica asks for.
    resources: ResourceDefaults = ResourceDefaults()
    # Where a replica may write.
    scratch: ScratchDefaults = ScratchDefaults()
    # What a volume is.
    storage: StorageDefaults = StorageDefaults()
    # How a replica is asked whether it is well.
    health: HealthDefaults = HealthDefaults()
    # What a replica may do.
    security: SecurityDefaults = SecurityDefaults()
    # Over what replicas are spread.
    spread: SpreadDefaults = SpreadDefaults()
    # What ends by itself.
    jobs: JobDefaults = JobDefaults()
    # Where the cluster's own services are.
    network: NetworkDefaults = NetworkDefaults()
    # The ports of engines.
    engines: EngineDefaults = EngineDefaults()
    # The versions of Kubernetes that are built for.
    versions: VersionDefaults = VersionDefaults()
