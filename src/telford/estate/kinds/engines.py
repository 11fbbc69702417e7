"""What matters about one engine of data stores or streams and about no other.

A Datastore or Stream has at most one of these blocks, the one of its engine
(`telford.rules.data` checks it). Parts of `telford.estate.kinds.structure`.
"""

from typing import Annotated, Literal

from pydantic import Field

from telford.estate.kinds import base

Positive = Annotated[int, Field(ge=1, strict=True)]


class Postgres(base.Model):
    """PostgreSQL."""

    # What a commit waits for (`synchronous_commit`): off may lose the last moments.
    synchronous: Literal["off", "local", "remote-write", "on", "remote-apply"] = "on"
    read_replicas: Annotated[int, Field(ge=0, le=15, strict=True)] = 0
    max_connections: Positive | None = None
    extensions: tuple[str, ...] = ()
    # How long a statement or a lock may be waited for.
    statement_timeout: base.Duration | None = None
    lock_timeout: base.Duration | None = None


class Mysql(base.Model):
    """MySQL and MariaDB."""

    flavour: Literal["mysql", "mariadb", "percona"] = "mysql"
    replication: Literal["asynchronous", "semi-synchronous", "group"] = "asynchronous"
    read_replicas: Annotated[int, Field(ge=0, le=15, strict=True)] = 0
    max_connections: Positive | None = None
    character_set: str = "utf8mb4"
    binlog_retention: base.Duration | None = None


class Cassandra(base.Model):
    """Cassandra: copies per data centre, and how many must answer."""

    # Data centre -> copies (NetworkTopologyStrategy).
    datacenters: dict[str, Positive] = Field(default_factory=dict)
    read_consistency: (
        Literal["ONE", "TWO", "THREE", "LOCAL_ONE", "QUORUM", "LOCAL_QUORUM", "EACH_QUORUM", "ALL"]
        | None
    ) = None
    write_consistency: (
        Literal[
            "ANY",
            "ONE",
            "TWO",
            "THREE",
            "LOCAL_ONE",
            "QUORUM",
            "LOCAL_QUORUM",
            "EACH_QUORUM",
            "ALL",
        ]
        | None
    ) = None
    compaction: Literal["size-tiered", "levelled", "time-window", "unified"] | None = None
    # How long deletions are remembered; a replica that is away longer brings data back.
    tombstones: base.Duration | None = None
    repair_every: base.Duration | None = None


class Attribute(base.Model):
    """A key attribute of a DynamoDB table."""

    name: str
    type: Literal["string", "number", "binary"] = "string"


class Index(base.Model):
    """A secondary index of a DynamoDB table."""

    name: str
    hash_key: Attribute
    range_key: Attribute | None = None
    local: bool = False


class Dynamodb(base.Model):
    """DynamoDB: keys, capacity, and what happens to old and changed items."""

    hash_key: Attribute | None = None
    range_key: Attribute | None = None
    indexes: tuple[Index, ...] = ()
    billing: Literal["on-demand", "provisioned"] = "on-demand"
    read_capacity: Positive | None = None
    write_capacity: Positive | None = None
    # The attribute that says when an item expires.
    expires: str | None = None
    # Restoring to any second of the last 35 days.
    point_in_time: bool = False
    changes: Literal["keys", "new", "old", "both"] | None = None
    # Regions with a copy that is written too (global table).
    replicas: tuple[str, ...] = ()


class Redis(base.Model):
    """Redis and Valkey: whether it is a cache or a store, and what it forgets when it is full."""

    persistence: Literal["none", "snapshot", "append-only", "both"] = "none"
    # `maxmemory-policy`.
    eviction: (
        Literal[
            "noeviction",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
        ]
        | None
    ) = None
    max_memory: base.Bytes | None = None
    shards: Positive = 1
    replicas: Annotated[int, Field(ge=0, le=5, strict=True)] = 0


class Opensearch(base.Model):
    """OpenSearch and Elasticsearch."""

    flavour: Literal["opensearch", "elasticsearch"] = "opensearch"
    data_nodes: Positive = 1
    manager_nodes: Annotated[int, Field(ge=0, strict=True)] = 0
    shards: Positive | None = None
    # Copies of each shard besides the first.
    replicas: Annotated[int, Field(ge=0, strict=True)] | None = None
    # How often a snapshot is made.
    snapshot_every: base.Duration | None = None


class Lifecycle(base.Model):
    """What becomes of objects of an age: moved to a colder class, or deleted."""

    after: base.Duration
    action: Literal["infrequent", "archive", "delete"]
    prefix: str = ""


class ObjectStore(base.Model):
    """Buckets: S3, Blob Storage, Cloud Storage, MinIO."""

    versioning: bool = False
    public: bool = False
    encryption: Literal["provider", "own-key", "none"] = "provider"
    # Objects cannot be deleted or changed for so long.
    locked: base.Duration | None = None
    lifecycle: tuple[Lifecycle, ...] = ()
    # Regions with a copy.
    replicas: tuple[str, ...] = ()


class Kafka(base.Model):
    """A Kafka topic."""

    cleanup: Literal["delete", "compact", "compact-delete"] = "delete"
    # How many copies must have a message before its producer is told so.
    min_in_sync: Positive | None = None
    acks: Literal["0", "1", "all"] = "all"
    max_bytes: base.Bytes | None = None
    max_message: base.Bytes | None = None
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd", "producer"] = "producer"


class Rabbitmq(base.Model):
    """A RabbitMQ queue and how messages reach it."""

    type: Literal["classic", "quorum", "stream"] = "quorum"
    exchange: str | None = None
    exchange_type: Literal["direct", "topic", "fanout", "headers"] | None = None
    routing_key: str | None = None
    max_deliveries: Positive | None = None
    max_length: Positive | None = None
    prefetch: Positive | None = None
    # Messages to one active consumer at a time, so that order is kept.
    single_active_consumer: bool = False


class Nats(base.Model):
    """A NATS JetStream stream."""

    subjects: tuple[str, ...] = ()
    storage: Literal["file", "memory"] = "file"
    policy: Literal["limits", "interest", "work-queue"] = "limits"
    max_deliveries: Positive | None = None
    # What is full at so many bytes loses its oldest message or refuses new ones.
    max_bytes: base.Bytes | None = None
    full: Literal["drop-oldest", "refuse"] = "drop-oldest"
    # How long the server knows a message again that is published twice.
    duplicate_window: base.Duration | None = None


class Sqs(base.Model):
    """An SQS queue."""

    fifo: bool = False
    # How long a message that is being worked on is hidden from other consumers.
    visibility: base.Duration = "30s"
    max_receives: Positive | None = None
    delay: base.Duration | None = None
    # How long a consumer that asks waits for a message (long polling).
    wait: base.Duration = "20s"
    # FIFO: equal content within five minutes is one message.
    deduplicate_content: bool = False
