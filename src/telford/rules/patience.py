"""Patience: timeouts, retries and fallbacks of a caller fit what it calls."""

from collections.abc import Iterator

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents, service
from telford.estate.graph import Edge
from telford.estate.kinds.structure import Datastore, Service
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base

_USERS = (Service, Datastore)
_OTHER = document("Service", "catalogue", "")


def _gives_up(world: World) -> Iterator[Finding]:
    """Callers whose one attempt is shorter than one attempt of what is called (no retries count:
    those are for bad days, and this is about every day).
    """
    for edge in world.graph.edges:
        if (
            edge.kind != "uses"
            or edge.timeout is None
            or edge.target.partition("/")[0] != "service"
        ):
            continue
        below = _slowest(world, edge)
        if below is None or below.timeout is None:
            continue
        if units.seconds(below.timeout) > units.seconds(edge.timeout):
            entity = world.estate.entities[edge.source]
            yield Finding(
                ("uses", edge.index, "timeout"),
                f"it waits {edge.timeout} for {edge.target}, which itself waits {below.timeout} for"
                f" {below.target}",
                "wait longer here, or shorter there: the answer comes when nobody waits for it",
                subject=base(entity, world),
            )  # fmt: skip


def _slowest(world: World, edge: Edge) -> Edge | None:
    waits = [
        e
        for e in world.graph.outgoing(edge.target)
        if e.kind == "uses" and e.critical and e.timeout
    ]
    return max(waits, key=lambda e: units.seconds(e.timeout or "0s"), default=None)


def _endless(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        if use.retries and use.timeout is None and not subject.lost("uses", index, "timeout"):
            yield Finding(
                ("uses", index, "retries"),
                "it tries again, and how long one attempt may take is not said",
                "add `timeout`: an attempt that hangs is never made again",
            )


def _unneeded(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        if use.fallback and use.critical and not subject.lost("uses", index, "critical"):
            yield Finding(
                ("uses", index, "fallback"),
                "with a fallback it does not fail, and it says that it does",
                "add `critical: false`, or remove the fallback",
            )


RULES = (
    Rule(
        Code(
            "TEL231",
            "retries without a timeout",
            "An attempt that hangs is never given up, so the next one is never made, and every caller"
            " hangs with it.",
            documents(service("uses: [{service: catalogue, retries: 2}]"), _OTHER),
            documents(service("uses: [{service: catalogue, retries: 2, timeout: 300ms}]"), _OTHER),
            "a warning: what is tried again has a `timeout`.",
        ),
        _USERS,
        _endless,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL232",
            "a fallback for something critical",
            "Either it goes on without (then the blast radius is smaller than it looks) or the"
            " fallback does not work.",
            documents(
                service("uses: [{service: catalogue, fallback: The page is shorter.}]"), _OTHER
            ),
            documents(
                service("uses: [{service: catalogue, critical: false, fallback: Shorter.}]"), _OTHER
            ),
            "a warning: `fallback` stands beside `critical: false`.",
        ),
        _USERS,
        _unneeded,
        severity=Severity.WARNING,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL230",
            "a caller that gives up first",
            "The work is done all the same and thrown away; under load that is how one slow thing"
            " takes all of its callers down.",
            documents(
                service("uses: [{service: catalogue, timeout: 200ms}]"),
                document("Service", "catalogue", "uses: [{datastore: book, timeout: 1s}]"),
                document("Datastore", "book", "engine: postgres"),
            ),
            documents(
                service("uses: [{service: catalogue, timeout: 2s}]"),
                document("Service", "catalogue", "uses: [{datastore: book, timeout: 1s}]"),
                document("Datastore", "book", "engine: postgres"),
            ),
            "a warning: the `timeout` of a caller is at least that of what the called service waits"
            " for.",
        ),
        _gives_up,
        severity=Severity.WARNING,
    ),
)
