"""Recovery: what is promised about coming back can be kept by the backups and copies there are."""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate import overlays
from telford.estate.codes import Code, document, documents
from telford.estate.kinds.places import Environment
from telford.estate.kinds.promises import Recovery, RecoveryGoal
from telford.estate.kinds.structure import Datastore
from telford.estate.model import Entity
from telford.rules import stores
from telford.rules.rule import EstateRule, Finding, World, base

# Disruptions after which only a copy made before helps: every replica has the damage too.
_FROM_BACKUP = frozenset({"deletion", "corruption", "intrusion"})
# Disruptions that leave other copies as they were.
_FROM_REPLICA = frozenset({"replica", "node", "zone"})
# Engines whose data cannot be made again from somewhere else. A cache or a search index can; a
# SQLite file is saved with the volume of the service that it belongs to.
_RECORDS = frozenset({"postgres", "mysql", "cassandra", "dynamodb", "mongodb", "object-store"})

_PROD = "apiVersion: telford/v1\nkind: Environment\nname: prod\nproduction: true\n"


@dataclass(frozen=True, slots=True)
class _Promise:
    """One goal of a Recovery, and a data store that it is about."""

    recovery: Entity
    index: int
    goal: RecoveryGoal
    store: Entity
    spec: Datastore


def _promises(world: World) -> Iterator[_Promise]:
    for entity in world.estate.of_kind("Recovery"):
        spec = entity.spec
        assert isinstance(spec, Recovery)
        for store in _stores(world, spec):
            found = store.spec
            assert isinstance(found, Datastore)
            for index, goal in enumerate(spec.disruptions):
                yield _Promise(entity, index, goal, store, found)


def _stores(world: World, spec: Recovery) -> Iterator[Entity]:
    """The data stores that a Recovery is about: named, or in a system that is named."""
    seen: set[str] = set()
    for text in spec.of:
        kind, _, name = text.partition("/")
        for address in world.index.refer(kind, name, spec):
            entity = world.estate.entities[address]
            members = [entity] if entity.address.kind == "datastore" else []
            if entity.address.kind == "system":
                stores_there = world.estate.of_kind("Datastore")
                members = [e for e in stores_there if e.address.system == entity.address.name]
            for member in members:
                if str(member.address) not in seen:
                    seen.add(str(member.address))
                    yield member


def _backups(world: World) -> Iterator[Finding]:
    for promise in _promises(world):
        goal, spec = promise.goal, promise.spec
        if goal.kind not in _FROM_BACKUP or spec.engine not in _RECORDS:
            continue
        subject = base(promise.store, world)
        if subject.lost("backup"):
            continue
        loss = stores.seconds_of_loss(spec)
        path = ("disruptions", promise.index, "rpo")
        if loss is None:
            yield Finding(
                path[:2],
                f"after {goal.kind} nothing comes back: datastore/{spec.name} has no backup",
                "give the data store a `backup`, or leave the promise out",
                subject=base(promise.recovery, world),
            )
        elif units.seconds(goal.rpo) < loss:
            yield Finding(
                path,
                f"after {goal.kind} up to {units.duration_text(loss)} of datastore/{spec.name} is"
                f" gone, and {goal.rpo} is promised",
                "make copies more often, say `pointInTime: true`, or promise less",
                subject=base(promise.recovery, world),
            )


def _waits(world: World) -> Iterator[Finding]:
    for promise in _promises(world):
        goal = promise.goal
        if goal.kind not in _FROM_REPLICA or units.seconds(goal.rpo) > 0:
            continue
        problem = _no_wait(promise.spec)
        subject = base(promise.recovery, world)
        if problem and not subject.lost("disruptions", promise.index, "rpo"):
            yield Finding(
                ("disruptions", promise.index),
                f"after the loss of a {goal.kind} nothing may be gone from"
                f" datastore/{promise.spec.name}, and {problem}",
                "let a commit wait for a second copy, or promise an `rpo`",
                subject=subject,
            )


def _no_wait(spec: Datastore) -> str:
    """Why a commit may be lost with the copy that took it; "" where nothing says so."""
    if spec.postgres is not None and spec.postgres.synchronous in {"off", "local"}:
        return f"`postgres.synchronous` is {spec.postgres.synchronous}"
    if spec.mysql is not None and "replication" in spec.mysql.model_fields_set:
        if spec.mysql.replication == "asynchronous":
            return "its replication is asynchronous"
    elif spec.cassandra is not None and spec.cassandra.write_consistency in {
        "ANY",
        "ONE",
        "LOCAL_ONE",
    }:
        return f"a write waits for {spec.cassandra.write_consistency}"
    elif spec.redis is not None and spec.redis.persistence in {"none", "snapshot"}:
        return f"its persistence is {spec.redis.persistence}"
    return ""


def _zones(world: World) -> Iterator[Finding]:
    for promise in _promises(world):
        if promise.goal.kind == "zone" and promise.spec.zones == 1:
            yield Finding(
                ("disruptions", promise.index, "kind"),
                f"all of datastore/{promise.spec.name} is in one zone",
                "say `zones: 2` of the data store and let it be so, or leave the promise out",
                subject=base(promise.recovery, world),
            )


def _unsaved(world: World) -> Iterator[Finding]:
    places = [p for p in overlays.places(world.estate) if _production(world, p.environment)]
    for entity in world.estate.of_kind("Datastore"):
        spec = entity.spec
        assert isinstance(spec, Datastore)
        if world.is_as_found(spec) or spec.engine not in _RECORDS:
            continue
        for place in places:
            bound = overlays.known(world.estate, entity, place)
            here = bound.spec if bound is not None else spec
            subject = base(entity, world)
            if overlays.absent(world.estate, entity, place) or subject.lost("backup"):
                continue
            if isinstance(here, Datastore) and here.backup is None:
                yield Finding(
                    ("engine",),
                    f"the data store `{spec.name}` has no backup in {place.environment}",
                    "add `backup: {every: 1d, keep: 30d}`, for production at least",
                    subject=subject,
                )
                break


def _production(world: World, environment: str) -> bool:
    specs = (e.spec for e in world.estate.of_kind("Environment"))
    return any(
        isinstance(spec, Environment) and spec.production and spec.name == environment
        for spec in specs
    )


def _recovery(disruption: str, store: str) -> str:
    return documents(
        document("Datastore", "book", store),
        document("Recovery", "orders", f"of: [datastore/book]\ndisruptions: [{disruption}]"),
    )


ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL214",
            "a record without a backup in production",
            "Replicas copy mistakes as fast as data: after a wrong deletion nothing is left.",
            documents(_PROD, document("Datastore", "book", "engine: postgres")),
            documents(
                _PROD, document("Datastore", "book", "engine: postgres\nbackup: {every: 1d, keep: 30d}")
            ),
            "a warning: a data store on the road has a `backup` in every production environment;"
            " caches, search indexes and SQLite files may do without.",
        ),
        _unsaved,
        severity=Severity.WARNING,
    ),
    EstateRule(
        Code(
            "TEL215",
            "a promise that the backups cannot keep",
            "What was written after the last copy is gone after a deletion, whatever was promised.",
            _recovery(
                "{kind: deletion, rto: 4h, rpo: 10m}", "engine: postgres\nbackup: {every: 1d, keep: 9d}"
            ),
            _recovery(
                "{kind: deletion, rto: 4h, rpo: 10m}",
                "engine: postgres\nbackup: {every: 1d, keep: 9d, pointInTime: true}",
            ),
            "For deletion, corruption and intrusion the `rpo` of a Recovery is not less than"
            " `backup.every`, or than five minutes with `pointInTime`.",
        ),
        _backups,
    ),
    EstateRule(
        Code(
            "TEL216",
            "nothing may be lost, and no commit waits",
            "What only one copy has when it dies is gone.",
            _recovery(
                "{kind: replica, rto: 1m}", "engine: postgres\npostgres: {synchronous: local}"
            ),
            _recovery("{kind: replica, rto: 1m}", "engine: postgres\npostgres: {synchronous: on}"),
            "With an `rpo` of 0 for replica, node or zone a commit waits for a second copy.",
        ),
        _waits,
    ),
    EstateRule(
        Code(
            "TEL217",
            "a promise about a zone in one zone",
            "With the zone all of it is away, for as long as the zone is.",
            _recovery("{kind: zone, rto: 1m}", "engine: postgres\nzones: 1"),
            _recovery("{kind: zone, rto: 1m}", "engine: postgres\nzones: 2"),
            "A data store with a Recovery for the loss of a zone is not in one zone only.",
        ),
        _zones,
    ),
)  # fmt: skip
