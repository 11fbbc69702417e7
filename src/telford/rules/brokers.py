"""Brokers: order, copies, delivery and dead letters that the stream's engine really gives."""

from collections.abc import Iterator
from decimal import Decimal

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents
from telford.estate.kinds.structure import Service, Stream
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base

# What SQS takes at most, in seconds (Amazon SQS quotas, message quotas page, 2026-01).
_SQS_LIMITS = {"retention": 14 * 86_400, "visibility": 12 * 3_600, "delay": 900, "wait": 20}


def _stream(fields: str, name: str = "placed") -> str:
    return document("Stream", name, fields)


def _key(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    if spec.ordering == "key" and spec.key is None and not subject.lost("key"):
        yield Finding(
            ("ordering",),
            "by which field of a message they are ordered is not said",
            "add `key:` with the field, such as `orderId`",
        )


def _order(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    if spec.ordering == "none" or subject.lost("engine"):
        return
    if spec.ordering == "total" and spec.partitions > 1:
        yield Finding(
            ("partitions",),
            f"{spec.partitions} partitions have no order among them",
            "write `partitions: 1`, or `ordering: key` with a `key`",
        )
    if spec.sqs is not None and not spec.sqs.fifo and not subject.lost("sqs", "fifo"):
        yield Finding(
            ("ordering",), "a standard queue of SQS keeps no order", "write `sqs: {fifo: true}`"
        )
    rabbit = spec.rabbitmq
    if rabbit is None or spec.ordering != "total" or rabbit.type == "stream":
        return
    if not rabbit.single_active_consumer and not subject.lost("rabbitmq", "singleActiveConsumer"):
        yield Finding(
            ("ordering",),
            "several consumers of the queue work on messages side by side",
            "write `rabbitmq: {singleActiveConsumer: true}`",
            lenient=True,
        )


def _in_sync(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    topic = spec.kafka
    if topic is None:
        return
    least, copies = topic.min_in_sync, spec.replication
    if least is not None and copies is not None and least > copies:
        yield Finding(
            ("kafka", "minInSync"),
            f"{least} copies must have a message, and there are {copies}",
            "write less than `replication`: nothing could ever be published",
        )
    elif least is not None and least == copies and copies > 1:
        yield Finding(
            ("kafka", "minInSync"),
            f"all {copies} copies must have a message: one broker away stops every producer",
            f"write {copies - 1}",
            lenient=True,
        )
    if (
        topic.acks != "all"
        and "delivery" in spec.model_fields_set
        and spec.delivery != "at-most-once"
    ):
        yield Finding(
            ("kafka", "acks"),
            f"{spec.delivery} is promised, and a producer does not wait for the copies",
            "write `acks: all`, or `delivery: at-most-once`",
        )  # fmt: skip


def _delivery(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    promised = spec.durable and "durable" in spec.model_fields_set
    if promised and spec.nats is not None and spec.nats.storage == "memory":
        yield Finding(
            ("nats", "storage"),
            "messages in memory do not survive a restart, and `durable: true` says so",
            "write `storage: file`, or `durable: false`",
        )
    if spec.delivery != "exactly-once":
        return
    problem = ""
    if not spec.durable:
        problem = "a restart of the broker loses messages (`durable: false`)"
    elif spec.engine == "rabbitmq":
        problem = "RabbitMQ has no transactions that reach the consumer"
    elif spec.sqs is not None and not spec.sqs.fifo:
        problem = "a standard queue of SQS delivers some messages twice"
    if problem:
        yield Finding(
            ("delivery",),
            f"exactly once cannot be: {problem}",
            "write `at-least-once` and let consumers be idempotent",
        )


def _dead_letters(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    if spec.dead_letter is None or subject.lost("engine"):
        return
    for block, key, given in (
        ("sqs", "maxReceives", spec.sqs and spec.sqs.max_receives),
        ("nats", "maxDeliveries", spec.nats and spec.nats.max_deliveries),
    ):
        if getattr(spec, block) is not None and given is None and not subject.lost(block, key):
            yield Finding(
                ("deadLetter",),
                "no message is ever a dead letter: how often one is tried is not said",
                f"add `{block}: {{{key}: 5}}`",
            )
    yield from _other_queue(subject, spec)


def _other_queue(subject: Subject, spec: Stream) -> Iterator[Finding]:
    """What the dead letter stream must be like."""
    found = subject.world.index.refer("Stream", str(spec.dead_letter), spec)
    if len(found) != 1 or found[0] == str(subject.entity.address):
        return
    other = subject.world.estate.entities[found[0]].spec
    assert isinstance(other, Stream)
    if spec.engine == "sqs" and other.engine != "sqs":
        yield Finding(
            ("deadLetter",), f"SQS moves no messages to {other.engine}", "name a queue of SQS"
        )
    elif spec.sqs is not None and other.sqs is not None and spec.sqs.fifo != other.sqs.fifo:
        yield Finding(
            ("deadLetter",),
            "the dead letters of a FIFO queue go to a FIFO queue, and of a standard one to a standard",
            f"write `sqs: {{fifo: {str(spec.sqs.fifo).lower()}}}` of {spec.dead_letter}",
        )


def _limits(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    if spec.engine != "sqs":
        return
    queue = spec.sqs
    said: list[tuple[tuple[str, ...], str | None]] = [(("retention",), spec.retention)]
    if queue is not None:
        said += [(("sqs", "visibility"), queue.visibility), (("sqs", "delay"), queue.delay)]
        said += [(("sqs", "wait"), queue.wait)]
    for path, text in said:
        limit = Decimal(_SQS_LIMITS[path[-1]])
        if text is not None and units.seconds(text) > limit:
            yield Finding(
                path,
                f"SQS takes no `{path[-1]}` of more than {units.duration_text(limit)}",
                f"write at most {units.duration_text(limit)}",
            )


def _hidden(world: World) -> Iterator[Finding]:
    """Functions that work on a message for longer than SQS hides it."""
    for edge in world.graph.edges:
        if edge.kind != "uses" or not edge.target.startswith("stream/"):
            continue
        service = world.estate.entities[edge.source].spec
        stream = world.estate.entities[edge.target].spec
        if not isinstance(service, Service) or not isinstance(stream, Stream) or stream.sqs is None:
            continue
        timeout = service.function.timeout if service.function is not None else None
        if timeout is None or service.uses[edge.index].role != "consume":
            continue
        if units.seconds(timeout) > units.seconds(stream.sqs.visibility):
            yield Finding(
                ("function", "timeout"),
                f"a message of stream/{stream.name} is seen again after {stream.sqs.visibility},"
                f" while the function may still work on it ({timeout})",
                "let `sqs.visibility` be six times the function's timeout",
                subject=base(world.estate.entities[edge.source], world),
            )


RULES = (
    Rule(
        Code(
            "TEL223",
            "an order by a key that is not named",
            "Producers that choose different keys give no order, and nobody can say who is wrong.",
            _stream("engine: kafka\nordering: key"),
            _stream("engine: kafka\nordering: key\nkey: orderId"),
            "`ordering: key` says the `key`.",
        ),
        (Stream,),
        _key,
    ),
    Rule(
        Code(
            "TEL224",
            "an order that the engine does not keep",
            "Messages overtake one another under load, and never in a test.",
            _stream("engine: kafka\nordering: total\npartitions: 3"),
            _stream("engine: kafka\nordering: total\npartitions: 1"),
            "Total order has one partition; an ordered queue of SQS is FIFO; one of RabbitMQ has a"
            " single active consumer (a warning).",
        ),
        (Stream,),
        _order,
    ),
    Rule(
        Code(
            "TEL225",
            "more copies in sync than there are, or than may be missed",
            "With as many as there are, one broker away stops every producer.",
            _stream("engine: kafka\nreplication: 1\nkafka: {minInSync: 2}"),
            _stream("engine: kafka\nreplication: 3\nkafka: {minInSync: 2}"),
            "`kafka.minInSync` is less than `replication` (equal: a warning), and a promised delivery"
            " waits for `acks: all`.",
        ),
        (Stream,),
        _in_sync,
    ),
    Rule(
        Code(
            "TEL226",
            "a delivery that the engine cannot promise",
            "Consumers that count on it lose messages, or do things twice.",
            _stream("engine: rabbitmq\ndelivery: exactly-once"),
            _stream("engine: rabbitmq\ndelivery: at-least-once"),
            "Exactly once needs a durable stream and an engine with transactions; what is durable is"
            " not kept in memory.",
        ),
        (Stream,),
        _delivery,
    ),
    Rule(
        Code(
            "TEL227",
            "dead letters that never arrive",
            "A poison message comes back for ever although somewhere to put it is named.",
            documents(_stream("engine: sqs\ndeadLetter: dead\nsqs: {visibility: 1m}"), _stream("engine: sqs", "dead")),
            documents(_stream("engine: sqs\ndeadLetter: dead\nsqs: {visibility: 1m, maxReceives: 5}"), _stream("engine: sqs", "dead")),
            "a warning: with `deadLetter` it is said how often a message is tried, and dead letters of"
            " SQS go to a queue of the same sort.",
        ),
        (Stream,),
        _dead_letters,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL228",
            "beyond what SQS takes",
            "The queue cannot be made.",
            _stream("engine: sqs\nretention: 30d"),
            _stream("engine: sqs\nretention: 14d"),
            "A queue of SQS keeps messages for 14 days, hides them for 12 hours, delays them by 15"
            " minutes and lets a consumer wait for 20 seconds at most.",
        ),
        (Stream,),
        _limits,
    ),
)  # fmt: skip
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL229",
            "a message that is seen again while it is worked on",
            "It is done twice whenever it takes long, and AWS refuses such a trigger.",
            documents(
                _stream("engine: sqs\nsqs: {visibility: 30s}"),
                document("Service", "orders", "type: function\nfunction: {timeout: 5m}\nuses: [{stream: placed, role: consume, idempotent: key}]"),
            ),
            documents(
                _stream("engine: sqs\nsqs: {visibility: 30m}"),
                document("Service", "orders", "type: function\nfunction: {timeout: 5m}\nuses: [{stream: placed, role: consume, idempotent: key}]"),
            ),
            "`sqs.visibility` is not less than `function.timeout` of a function that consumes the queue.",
        ),
        _hidden,
    ),
)  # fmt: skip
