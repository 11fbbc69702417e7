"""Streams: poison messages go elsewhere, and whoever works for a stream names it."""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.structure import Service, Stream
from telford.rules.rule import Finding, Rule, Subject

_STREAM = document("Stream", "placed", "engine: kafka")


def _dead_letter(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Stream)
    if spec.dead_letter is None:
        return
    found = subject.world.index.refer("Stream", spec.dead_letter, spec)
    if found == [str(subject.entity.address)]:
        yield Finding(
            ("deadLetter",),
            f"the stream `{spec.name}` is its own dead letter",
            "name another stream: a poison message would come back for ever",
        )


def _idle(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    idle = spec.type == "worker" and not any(use.stream for use in spec.uses)
    if idle and not subject.shortened("uses"):
        yield Finding(
            ("type",),
            f"the worker `{spec.name}` uses no stream",
            "add `uses: [{stream: NAME, role: consume}]`, or make it a job, a cron or http",
        )


RULES = (
    Rule(
        Code(
            "TEL146",
            "a stream that is its own dead letter",
            "A message that cannot be processed would go round for ever.",
            document("Stream", "placed", "engine: kafka\ndeadLetter: placed"),
            documents(
                document("Stream", "placed", "engine: kafka\ndeadLetter: placed-dead"),
                document("Stream", "placed-dead", "engine: kafka"),
            ),
            "`deadLetter` names another stream.",
        ),
        (Stream,),
        _dead_letter,
    ),
    Rule(
        Code(
            "TEL147",
            "a worker without a stream",
            "A worker waits for messages; without a stream nobody knows what wakes it.",
            service("type: worker"),
            documents(service("type: worker\nuses: [{stream: placed, role: consume}]"), _STREAM),
            "A service of type `worker` uses at least one stream.",
        ),
        (Service,),
        _idle,
        severity=Severity.WARNING,
        as_found=None,
    ),
)
