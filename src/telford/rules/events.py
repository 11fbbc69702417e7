"""Events: what event-sourced and CQRS designs forget.

An event-sourced service has nothing but its events, so they must stay, in order, and be readable in
ten years; a projection must be possible to make again; a consumer meets messages twice.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.structure import Projection, Service, Stream
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base


def _streams(
    subject: Subject, names: tuple[str, ...], path: Path
) -> Iterator[tuple[Path, str, Stream]]:
    """Those of the named streams that are described: where each is named, its address and fields."""
    for index, name in enumerate(names):
        found = subject.world.index.refer("Stream", name, subject.spec)
        spec = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
        if isinstance(spec, Stream):
            yield (*path, index), found[0], spec


def _record(subject: Subject) -> Iterator[Finding]:
    """Whether each stream of events can be the record."""
    spec = subject.spec
    assert isinstance(spec, Service)
    sourced = spec.event_sourcing
    if sourced is None:
        return
    for path, address, stream in _streams(subject, sourced.streams, ("eventSourcing", "streams")):
        other = base(subject.world.estate.entities[address], subject.world)
        problem = _unfit(stream, keeps_state=sourced.snapshot is not None)
        if problem and not any(
            other.lost(key) for key in ("ordering", "durable", "retention", "kafka")
        ):
            yield Finding(
                path, f"the events of `{stream.name}` are the record, and {problem[0]}", problem[1]
            )


def _unfit(stream: Stream, *, keeps_state: bool) -> tuple[str, str] | None:
    """What makes a stream unfit to be the record, and what to do; None where nothing does."""
    if stream.ordering == "none":
        return "they are in no order", "write `ordering: key` with the aggregate's id as `key`"
    if not stream.durable:
        return "a restart of the broker loses them", "write `durable: true`"
    if stream.kafka is not None and stream.kafka.cleanup != "delete":
        return (
            f"`cleanup: {stream.kafka.cleanup}` throws away all but the last of each key",
            "write `cleanup: delete` and no `retention`",
        )
    if stream.engine in {"rabbitmq", "sqs"} and not (
        stream.rabbitmq and stream.rabbitmq.type == "stream"
    ):
        return (
            "a queue forgets what was consumed",
            "use a log: Kafka, NATS JetStream, a RabbitMQ stream",
        )
    if stream.retention is not None and not keeps_state:
        return (
            f"they are gone after {stream.retention}, without a snapshot of the state",
            "keep them for ever, or say how often a `snapshot` is kept",
        )
    return None


def _evolution(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    sourced = spec.event_sourcing
    if sourced is None or subject.lost("eventSourcing", "evolution"):
        return
    if sourced.evolution is None:
        yield Finding(
            ("eventSourcing",),
            "what is done with events of an older schema is not said",
            "add `evolution: upcast` (or `versioned`, or `copy`)",
            key=True,
        )
    if sourced.aggregate is None and not subject.lost("eventSourcing", "aggregate"):
        yield Finding(
            ("eventSourcing",),
            "which field of an event says whose it is is not said",
            "add `aggregate`, such as `orderId`",
            key=True,
        )
    for path, address, stream in _streams(subject, sourced.streams, ("eventSourcing", "streams")):
        other = base(subject.world.estate.entities[address], subject.world)
        if stream.contract is None and not other.lost("contract"):
            yield Finding(
                path,
                f"the events of `{stream.name}` have no contract: nothing finds a change that breaks"
                " those who read old ones",
                f"name a `contract` in stream/{stream.name}",
            )


def _projections(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    for index, projection in enumerate(spec.projections):
        path = ("projections", index)
        if projection.replay is None and not subject.lost(*path, "replay"):
            yield Finding(
                (*path, "name"),
                f"how the projection `{projection.name}` is made again is not said",
                "add `replay: all` (or `snapshot`, or `no`)",
            )
        if projection.idempotent in {None, "no"} and not subject.lost(*path, "idempotent"):
            yield Finding(
                (*path, "name"),
                f"what an event that comes twice does to the projection `{projection.name}` is not said"
                if projection.idempotent is None
                else f"an event that comes twice is counted twice in the projection `{projection.name}`",
                "add `idempotent: key` (or `natural`, or `transaction`) and let it be so",
            )
        yield from _replayable(subject, projection, path)


def _replayable(subject: Subject, projection: Projection, path: Path) -> Iterator[Finding]:
    for where, _, stream in _streams(subject, projection.from_, (*path, "from")):
        if projection.replay == "all" and stream.retention is not None:
            yield Finding(
                where,
                f"`{projection.name}` is made again from all events, and those of `{stream.name}` are"
                f" gone after {stream.retention}",
                "keep them for ever, or write `replay: snapshot`",
            )
        elif projection.replay in {"all", "snapshot"} and not stream.durable:
            yield Finding(
                where,
                f"`{projection.name}` cannot be made again: `{stream.name}` is not durable",
                "write `durable: true`, or `replay: no`",
            )


def _twice(subject: Subject) -> Iterator[Finding]:
    """Consumers that change something and do not say what a second delivery does."""
    spec = subject.spec
    assert isinstance(spec, Service)
    writes = any(u.access in {"write", "readwrite"} for u in spec.uses) or any(
        u.role == "publish" for u in spec.uses
    )
    if not writes or subject.shortened("uses"):
        return
    projected = {name for projection in spec.projections for name in projection.from_}
    for index, use in enumerate(spec.uses):
        if use.role != "consume" or use.stream is None or subject.lost("uses", index, "idempotent"):
            continue
        found = subject.world.index.refer("Stream", use.stream, spec)
        stream = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
        if not isinstance(stream, Stream) or stream.delivery != "at-least-once":
            continue
        if use.idempotent == "no":
            yield Finding(
                ("uses", index, "idempotent"),
                f"messages of `{use.stream}` may come twice, and doing it twice does harm",
                "remember what was done by key, or make effect and offset one transaction",
            )
        elif (
            use.idempotent is None
            and "delivery" in stream.model_fields_set
            and use.stream not in projected
        ):
            yield Finding(
                ("uses", index, "stream"),
                f"messages of `{use.stream}` may come twice, and what that does is not said",
                "add `idempotent: key` (or `natural`, or `transaction`)",
            )


def _writers(world: World) -> Iterator[Finding]:
    """Event streams that services of several systems write, and stores of a projection that the
    command side writes too.
    """
    yield from _strangers(world)
    yield from _shared_views(world)


def _strangers(world: World) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for entity in world.estate.of_kind("Service"):
        spec = entity.spec
        assert isinstance(spec, Service)
        if spec.event_sourcing is None:
            continue
        for name in spec.event_sourcing.streams:
            target = world.index.sure("Stream", name, spec)
            if target is not None:
                owners.setdefault(target, str(entity.address))
    for edge in world.graph.edges:
        owner = owners.get(edge.target)
        if edge.role != "publish" or owner is None or owner == edge.source:
            continue
        entity, other = world.estate.entities[edge.source], world.estate.entities[owner]
        if entity.address.system != other.address.system:
            yield Finding(
                ("uses", edge.index, "stream"),
                f"it writes events that are the record of {owner}, from another system",
                "call the owner, or publish to a stream of its own",
                subject=base(entity, world),
            )


def _shared_views(world: World) -> Iterator[Finding]:
    for entity in world.estate.of_kind("Service"):
        spec = entity.spec
        assert isinstance(spec, Service)
        for index, projection in enumerate(spec.projections):
            store = world.index.sure("Datastore", projection.into, spec)
            if store is None:
                continue
            others = [
                edge.source
                for edge in world.graph.incoming(store)
                if edge.kind == "uses"
                and edge.access in {"write", "readwrite"}
                and edge.source != str(entity.address)
            ]
            if others:
                yield Finding(
                    ("projections", index, "into"),
                    f"{others[0]} writes to {store} too: making the view again throws that away",
                    "let only the projection write there",
                    subject=base(entity, world),
                )


_EVENTS = document(
    "Stream", "placed", "engine: kafka\nordering: key\nkey: orderId\ncontract: placed"
)
_CONTRACT = document(
    "Contract",
    "placed",
    'type: asyncapi\nstream: placed\nversions: [{version: "1", document: {asyncapi: 3.0.0}}]',
)
_SOURCED = "eventSourcing: {streams: [placed], aggregate: orderId, evolution: upcast}"
_STORE = document("Datastore", "book", "engine: postgres")


def _view(more: str) -> str:
    return documents(
        service(f"projections: [{{name: view, from: [placed], into: book{more}}}]"),
        _EVENTS, _CONTRACT, _STORE,
    )  # fmt: skip


RULES = (
    Rule(
        Code(
            "TEL265",
            "events that cannot be the record",
            "State is what the events add up to: lose one, or their order, and nobody can tell what"
            " was true.",
            documents(service(_SOURCED), _EVENTS + "retention: 30d\n", _CONTRACT),
            documents(service(_SOURCED), _EVENTS, _CONTRACT),
            "The streams of `eventSourcing` are ordered, durable, a log that is not compacted, and kept"
            " for ever or beside snapshots.",
        ),
        (Service,),
        _record,
    ),
    Rule(
        Code(
            "TEL266",
            "events whose schema may not change",
            "Events are read for as long as they are kept, by code that is not written yet.",
            documents(
                service("eventSourcing: {streams: [placed], aggregate: orderId}"), _EVENTS, _CONTRACT
            ),
            documents(service(_SOURCED), _EVENTS, _CONTRACT),
            "a warning: `eventSourcing` says `evolution` and `aggregate`, and its streams have a"
            " `contract`.",
        ),
        (Service,),
        _evolution,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL267",
            "a projection that cannot be made again, or counts twice",
            "A view is a cache: when it is wrong one throws it away, if one can.",
            _view(", replay: all"),
            _view(", replay: all, idempotent: key"),
            "a warning: a projection says `replay` and `idempotent`, and its streams are kept for as"
            " long as the replay needs.",
        ),
        (Service,),
        _projections,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL268",
            "a consumer that may do things twice",
            "At least once means twice after every restart: money is charged and mails are sent again.",
            documents(
                service("type: worker\nuses: [{stream: placed, role: consume}, {datastore: book, access: write}]"),
                document("Stream", "placed", "engine: kafka\ndelivery: at-least-once"),
                _STORE,
            ),
            documents(
                service(
                    "type: worker\nuses: [{stream: placed, role: consume, idempotent: key},"
                    " {datastore: book, access: write}]"
                ),
                document("Stream", "placed", "engine: kafka\ndelivery: at-least-once"),
                _STORE,
            ),
            "a warning: who consumes a stream that says `delivery: at-least-once`, and writes or"
            " publishes, says how it is `idempotent`.",
        ),
        (Service,),
        _twice,
        severity=Severity.WARNING,
    ),
)  # fmt: skip
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL269",
            "two writers of one truth",
            "Whose rules hold for the data is decided by whoever wrote last.",
            documents(
                service("projections: [{name: view, from: [placed], into: book, replay: all, idempotent: key}]"),
                document("Service", "other", "uses: [{datastore: book, access: write}]"),
                _EVENTS, _CONTRACT, _STORE,
            ),
            documents(
                service("projections: [{name: view, from: [placed], into: book, replay: all, idempotent: key}]"),
                document("Service", "other", "uses: [{datastore: book, access: read}]"),
                _EVENTS, _CONTRACT, _STORE,
            ),
            "a warning: events that are the record are written by one system, and the store of a"
            " projection by nobody else.",
        ),
        _writers,
        severity=Severity.WARNING,
    ),
)  # fmt: skip
