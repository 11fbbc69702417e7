"""Data stores: settings that fit their engine, each other, and what is promised about the data."""

from collections.abc import Iterator
from decimal import Decimal

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document
from telford.estate.kinds.structure import Datastore, Stream
from telford.rules.rule import Finding, Rule, Subject

# Engine -> the key of its block, and the other way round.
BLOCKS = {
    "postgres": "postgres", "mysql": "mysql", "cassandra": "cassandra", "dynamodb": "dynamodb",
    "redis": "redis", "opensearch": "opensearch", "object-store": "objectStore",
    "kafka": "kafka", "rabbitmq": "rabbitmq", "nats": "nats", "sqs": "sqs",
}  # fmt: skip
_FIELDS = {key: "object_store" if key == "objectStore" else key for key in BLOCKS.values()}
# Copies that must answer, where a number says it; the others depend on how many there are.
_COUNTS = {"ANY": 0, "ONE": 1, "LOCAL_ONE": 1, "TWO": 2, "THREE": 3}
_LOCAL = frozenset({"LOCAL_ONE", "LOCAL_QUORUM"})


def _store(fields: str) -> str:
    return document("Datastore", "book", fields)


def _blocks(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore | Stream)
    if subject.lost("engine"):
        return
    own = BLOCKS.get(spec.engine)
    for key, field in _FIELDS.items():
        if key != own and getattr(spec, field, None) is not None:
            meant = f"write it as `{own}`, or remove it" if own else "remove it"
            yield Finding(
                (key,), f"`{key}` is said of a store or stream that is {spec.engine}", meant, key=True
            )  # fmt: skip


def _capacity(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    table = spec.dynamodb
    if table is None or subject.lost("dynamodb", "billing"):
        return
    for key, given in (
        ("readCapacity", table.read_capacity),
        ("writeCapacity", table.write_capacity),
    ):
        lost = subject.lost("dynamodb", key)
        if table.billing == "provisioned" and given is None and not lost:
            yield Finding(
                ("dynamodb", "billing"),
                f"provisioned billing without `{key}`",
                f"add `{key}`, or write `billing: on-demand`",
            )
        elif table.billing == "on-demand" and given is not None:
            yield Finding(
                ("dynamodb", key),
                f"`{key}` means nothing where the billing is on demand",
                "remove it, or write `billing: provisioned`",
                key=True,
            )
    for index, one in enumerate(table.indexes):
        if one.local and table.hash_key is not None and one.hash_key.name != table.hash_key.name:
            yield Finding(
                ("dynamodb", "indexes", index, "hashKey"),
                f"the local index `{one.name}` has a hash key that is not the table's",
                f"write `{table.hash_key.name}`, or make the index global",
            )  # fmt: skip


def _forgetful(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    redis = spec.redis
    if redis is None or subject.lost("redis", "persistence"):
        return
    if redis.persistence == "none" and spec.backup is not None:
        yield Finding(
            ("backup",),
            "a backup of a store that keeps nothing",
            "say `redis: {persistence: append-only}` if it is a record, or remove the backup",
            key=True,
        )
    elif redis.persistence != "none" and (redis.eviction or "").startswith("allkeys"):
        yield Finding(
            ("redis", "eviction"),
            f"`{redis.eviction}` throws anything away when memory is full, and `persistence:"
            f" {redis.persistence}` says that it is a record",
            "write `noeviction`, or a policy of `volatile` keys",
        )


def _deletions(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    ring = spec.cassandra
    if ring is None or ring.tombstones is None or ring.repair_every is None:
        return
    if units.seconds(ring.repair_every) >= units.seconds(ring.tombstones):
        yield Finding(
            ("cassandra", "repairEvery"),
            f"copies are compared every {ring.repair_every}, and deletions are forgotten after"
            f" {ring.tombstones}",
            "repair more often: a copy that missed a deletion would bring the data back",
        )


def _consistency(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    if spec.consistency != "strong" or subject.lost("engine"):
        return
    if spec.engine == "opensearch":
        yield _weak("a search sees a write only after the next refresh", "write `eventual`")
    elif spec.dynamodb is not None and spec.dynamodb.replicas:
        yield _weak("copies in other regions follow later", "write `eventual`, or keep one region")
    elif spec.cassandra is not None and not subject.lost("cassandra"):
        problem = _too_few(spec)
        if problem:
            yield _weak(problem, "read and write with QUORUM (LOCAL_QUORUM in one data centre)")


def _weak(why: str, fix: str) -> Finding:
    return Finding(("consistency",), f"it is not strong: {why}", fix)


def _too_few(spec: Datastore) -> str:
    """Why a read may miss the last write: R + W <= N, in the smallest scope that both know."""
    ring = spec.cassandra
    assert ring is not None
    read, write = ring.read_consistency, ring.write_consistency
    if read is None or write is None:
        return ""
    centres = list(ring.datacenters.values()) or [spec.replication]
    local = read in _LOCAL and write in _LOCAL
    copies = max(centres) if local else sum(centres)
    seen = _answers(read, centres) + _answers(write, centres)
    if seen > copies:
        return ""
    return f"{read} and {write} together reach {seen} of {copies} copies"


def _answers(level: str, centres: list[int]) -> int:
    total = sum(centres)
    if level in _COUNTS:
        return _COUNTS[level]
    if level == "QUORUM":
        return total // 2 + 1
    if level == "LOCAL_QUORUM":
        return min(centres) // 2 + 1
    if level == "EACH_QUORUM":
        return sum(centre // 2 + 1 for centre in centres)
    return total


def _public(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    bucket = spec.object_store
    if bucket is None or not bucket.public:
        return
    secret = spec.data_class if spec.data_class not in {None, "public"} else None
    if secret or spec.personal_data:
        what = f"{secret} data" if secret else "data about people"
        yield Finding(
            ("objectStore", "public"),
            f"anybody on the Internet may read {what}",
            "write `public: false`",
        )


def _unencrypted(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    if not spec.personal_data and spec.data_class not in {"confidential", "restricted"}:
        return
    what = "data about people" if spec.personal_data else f"{spec.data_class} data"
    if spec.encrypted is False:
        yield Finding(("encrypted",), f"{what} is not encrypted", "write `encrypted: true`")
    elif spec.object_store is not None and spec.object_store.encryption == "none":
        yield Finding(
            ("objectStore", "encryption"),
            f"{what} is not encrypted",
            "write `provider` or `own-key`",
        )


def _too_soon(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    backup = spec.backup
    if backup is not None and units.seconds(backup.keep) <= units.seconds(backup.every):
        yield Finding(
            ("backup", "keep"),
            f"a copy is gone after {backup.keep}, and the next is made after {backup.every}",
            "keep several copies",
        )
    bucket = spec.object_store
    if bucket is None or bucket.locked is None:
        return
    locked = units.seconds(bucket.locked)
    for index, item in enumerate(bucket.lifecycle):
        if item.action == "delete" and units.seconds(item.after) < locked:
            yield Finding(
                ("objectStore", "lifecycle", index, "after"),
                f"objects are to be deleted after {item.after} and are locked for {bucket.locked}",
                "delete them later, or lock them for less",
            )


def _nodes(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Datastore)
    search = spec.opensearch
    if search is None:
        return
    if search.manager_nodes and search.manager_nodes % 2 == 0:
        yield Finding(
            ("opensearch", "managerNodes"),
            f"{search.manager_nodes} nodes cannot outvote one another when half of them is away",
            "write an odd number, such as 3",
        )
    copies = (search.replicas or 0) + 1
    if copies > search.data_nodes and not subject.lost("opensearch", "dataNodes"):
        yield Finding(
            ("opensearch", "replicas"),
            f"{copies} copies of a shard have no room on {search.data_nodes} data nodes",
            "add data nodes, or ask for fewer copies: two copies are never on one node",
        )


def seconds_of_loss(spec: Datastore) -> Decimal | None:
    """How much of the latest data is gone at most when the store is restored from a backup, in
    seconds; None where there is no backup.
    """
    if spec.object_store is not None and spec.object_store.versioning:
        # Every version is there to go back to.
        return Decimal(0)
    if spec.backup is None:
        return None
    exact = spec.backup.point_in_time or (spec.dynamodb is not None and spec.dynamodb.point_in_time)
    # Every engine's restore to a moment lags by up to five minutes (logs are shipped that often).
    return (
        min(units.seconds(spec.backup.every), Decimal(300))
        if exact
        else units.seconds(spec.backup.every)
    )


def _rule(code: Code, find: object, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(code, (Datastore,), find, severity)  # type: ignore[arg-type]


RULES = (
    Rule(
        Code(
            "TEL210",
            "settings of another engine",
            "They would mean nothing, and what they were meant to say is not said.",
            _store("engine: postgres\nmysql: {maxConnections: 100}"),
            _store("engine: mysql\nmysql: {maxConnections: 100}"),
            "A Datastore or Stream has at most the block of its own engine.",
        ),
        (Datastore, Stream),
        _blocks,
    ),
    _rule(
        Code(
            "TEL211",
            "capacity or keys that DynamoDB refuses",
            "The table could not be made, or the capacity is paid for and not had.",
            _store("engine: dynamodb\ndynamodb: {billing: provisioned, readCapacity: 5}"),
            _store("engine: dynamodb\ndynamodb: {billing: provisioned, readCapacity: 5, writeCapacity: 5}"),
            "Provisioned billing says both capacities, on-demand none; a local index has the hash key"
            " of its table.",
        ),
        _capacity,
    ),
    _rule(
        Code(
            "TEL212",
            "a record in a store that forgets",
            "A cache may lose everything at a restart; what is backed up or kept on disk is meant to"
            " stay.",
            _store("engine: redis\nbackup: {every: 1d, keep: 7d}\nredis: {persistence: none}"),
            _store("engine: redis\nbackup: {every: 1d, keep: 7d}\nredis: {persistence: append-only}"),
            "a warning: a Redis with a backup is persistent, and a persistent one evicts no key that"
            " has no time to live.",
        ),
        _forgetful,
        Severity.WARNING,
    ),
    _rule(
        Code(
            "TEL213",
            "deletions that are forgotten before copies are compared",
            "A copy that was away when something was deleted brings it back to life.",
            _store("engine: cassandra\ncassandra: {tombstones: 10d, repairEvery: 14d}"),
            _store("engine: cassandra\ncassandra: {tombstones: 10d, repairEvery: 7d}"),
            "`cassandra.repairEvery` is less than `cassandra.tombstones` (gc_grace_seconds).",
        ),
        _deletions,
    ),
    _rule(
        Code(
            "TEL218",
            "a consistency that the engine does not give",
            "Code that counts on reading its own writes fails now and then, under load and never in"
            " a test.",
            _store(
                "engine: cassandra\nreplication: 3\nconsistency: strong\n"
                "cassandra: {readConsistency: ONE, writeConsistency: ONE}"
            ),
            _store(
                "engine: cassandra\nreplication: 3\nconsistency: strong\n"
                "cassandra: {readConsistency: QUORUM, writeConsistency: QUORUM}"
            ),
            "`consistency: strong` needs reads and writes that overlap: R + W > N on Cassandra; one"
            " region on DynamoDB; never on OpenSearch.",
        ),
        _consistency,
    ),
    _rule(
        Code(
            "TEL219",
            "a public bucket with data that is not public",
            "Most leaks of this sort were found by strangers.",
            _store("engine: object-store\ndataClass: confidential\nobjectStore: {public: true}"),
            _store("engine: object-store\ndataClass: public\nobjectStore: {public: true}"),
            "`objectStore.public` only where the data class is public and no data is about people.",
        ),
        _public,
    ),
    _rule(
        Code(
            "TEL220",
            "sensitive data that is not encrypted",
            "A disk that is thrown away, or a copy of it, would be readable.",
            _store("engine: postgres\npersonalData: true\nencrypted: false"),
            _store("engine: postgres\npersonalData: true\nencrypted: true"),
            "What is confidential, restricted or about people is not `encrypted: false`.",
        ),
        _unencrypted,
    ),
    _rule(
        Code(
            "TEL221",
            "copies that go too soon, or cannot go",
            "There would be hours without any copy, or a deletion that fails every day.",
            _store("engine: postgres\nbackup: {every: 1d, keep: 12h}"),
            _store("engine: postgres\nbackup: {every: 1d, keep: 30d}"),
            "`backup.keep` is more than `backup.every`, and no object is to be deleted while it is"
            " locked.",
        ),
        _too_soon,
    ),
    _rule(
        Code(
            "TEL222",
            "nodes that cannot lead or hold what is asked",
            "The cluster would stop at the loss of half of its leaders, or never be whole.",
            _store("engine: opensearch\nopensearch: {dataNodes: 1, replicas: 1}"),
            _store("engine: opensearch\nopensearch: {dataNodes: 2, replicas: 1}"),
            "a warning: `managerNodes` is none or odd, and there are more data nodes than `replicas`.",
        ),
        _nodes,
        Severity.WARNING,
    ),
)  # fmt: skip
