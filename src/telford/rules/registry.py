"""The one explicit list of rules, and the run over an estate.

Each entity is looked at where it is written, and again in every place where an overlay changes it;
the same mistake at the same token is reported once.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate import documents, overlays
from telford.estate.codes import CODES, Code
from telford.estate.kinds.base import Kind
from telford.estate.model import Entity, Loaded
from telford.estate.place import Place
from telford.rules import (
    agreements,
    brokers,
    calendars,
    change,
    clusters,
    containers,
    data,
    days,
    dependencies,
    direction,
    dividing,
    doors,
    events,
    gates,
    governance,
    lineage,
    ownership,
    patience,
    paving,
    places,
    promises,
    promotion,
    recovery,
    references,
    response,
    rollouts,
    running,
    settled,
    stores,
    strategies,
    streams,
    telling,
    work,
)
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base, subject

NOTHING_BESIDE: Mapping[str, str | None] = MappingProxyType({})
RULES: tuple[Rule, ...] = (
    *references.RULES,
    *ownership.RULES,
    *dependencies.RULES,
    *streams.RULES,
    *running.RULES,
    *containers.RULES,
    *places.RULES,
    *promises.RULES,
    *change.RULES,
    *gates.RULES,
    *strategies.RULES,
    *dividing.RULES,
    *work.RULES,
    *telling.RULES,
    *rollouts.RULES,
    *promotion.RULES,
    *data.RULES,
    *stores.RULES,
    *brokers.RULES,
    *agreements.RULES,
    *events.RULES,
    *patience.RULES,
    *lineage.RULES,
    *doors.RULES,
    *clusters.RULES,
    *calendars.RULES,
    *governance.RULES,
    *response.RULES,
    *direction.RULES,
    *paving.RULES,
    *days.RULES,
    *settled.RULES,
)
ESTATE_RULES: tuple[EstateRule, ...] = (
    *dependencies.ESTATE_RULES,
    *ownership.ESTATE_RULES,
    *places.ESTATE_RULES,
    *recovery.ESTATE_RULES,
    *brokers.ESTATE_RULES,
    *agreements.ESTATE_RULES,
    *events.ESTATE_RULES,
    *patience.ESTATE_RULES,
    *lineage.ESTATE_RULES,
    *doors.ESTATE_RULES,
    *calendars.ESTATE_RULES,
    *governance.ESTATE_RULES,
    *direction.ESTATE_RULES,
    *paving.ESTATE_RULES,
)


def codes() -> tuple[Code, ...]:
    """The codes of all rules, in their order."""
    found = [rule.code for rule in RULES] + [rule.code for rule in ESTATE_RULES]
    return tuple(sorted(found, key=lambda code: code.code))


def check(
    loaded: Loaded,
    today: dt.date | None = None,
    beside: Mapping[str, str | None] = NOTHING_BESIDE,
) -> list[Diagnostic]:
    """Everything that the rules find, at base and in every place where overlays change it.

    `today` is the day to judge by; rules about days are silent where there is none. `beside` are
    files that documents name (see `World.beside`); about others nothing is said.
    """
    run = Run(world(loaded, today, beside))
    for entity in run.world.estate.entities.values():
        run.everywhere(entity)
    run.whole()
    return run.diagnostics


def world(
    loaded: Loaded, today: dt.date | None, beside: Mapping[str, str | None] = NOTHING_BESIDE
) -> World:
    """What rules are shown of a loaded estate."""
    estate = loaded.estate if loaded.draft is None else loaded.draft
    known = frozenset(code.code for code in (*CODES, *codes()))
    return World(estate, loaded.broken, estate is not loaded.estate, known, today, beside)


def _bound(entity: Entity, world: World) -> Iterator[tuple[Place, Subject]]:
    """The entity in each place that its overlays change in its own way, once a set of layers."""
    seen: set[tuple[str, ...]] = {()}
    for place in world.places:
        applied = overlays.key(entity, place)[1]
        if applied in seen or overlays.absent(world.estate, entity, place):
            continue
        seen.add(applied)
        bound = overlays.known(world.estate, entity, place)
        if bound is not None:
            yield place, subject(bound, world)


class Run:
    """Collects diagnostics of one run; knows what was said already."""

    def __init__(self, world: World) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.world = world
        self._said: set[tuple[str, str, int, int]] = set()
        self._rules: dict[type[Kind], tuple[Rule, ...]] = {}

    def everywhere(self, entity: Entity) -> None:
        """Apply every rule to an entity where it is written, and where overlays change it."""
        self.look(base(entity, self.world), "")
        if entity.reaches:
            for place, bound in _bound(entity, self.world):
                self.look(bound, str(place))

    def whole(self) -> None:
        """Apply every rule about the estate as a whole."""
        for rule in ESTATE_RULES:
            for finding in rule.find(self.world):
                self.add(rule.code.code, rule.severity, finding, finding.subject, "")

    def repeat(self, said: Iterable[Diagnostic]) -> None:
        """Say what another run has said, unless the same was said at the same token."""
        for one in said:
            assert one.position is not None, "a finding has a place"
            if self._new(one.code, one.position):
                self.diagnostics.append(one)

    def _new(self, code: str, position: Position) -> bool:
        said = (code, position.file, position.line, position.column)
        if said in self._said:
            return False
        self._said.add(said)
        return True

    def look(self, seen: Subject, place: str) -> None:
        """Apply every rule for the subject's kind."""
        kind = type(seen.spec)
        rules = self._rules.get(kind)
        if rules is None:
            rules = tuple(rule for rule in RULES if not rule.kinds or kind in rule.kinds)
            self._rules[kind] = rules
        # Where the road is not known the milder judgement holds.
        as_found = self.world.is_as_found(seen.spec) or seen.lost("road")
        for rule in rules:
            severity = rule.as_found if as_found else rule.severity
            if severity is None:
                continue
            for finding in rule.find(seen):
                self.add(
                    rule.code.code, min_severity(severity, rule.severity), finding, seen, place
                )

    def add(
        self, code: str, severity: Severity, finding: Finding, seen: Subject | None, place: str
    ) -> None:
        """Add the diagnostic of a finding, unless the same was said at the same token."""
        assert seen is not None, f"{code} found something that belongs to no document"
        node, key = documents.find(seen.node, finding.path)
        mark = key if finding.key and key is not None else node
        position = Position(seen.entity.file, mark.line, mark.column)
        if not self._new(code, position):
            return
        self.diagnostics.append(
            Diagnostic(
                code,
                Severity.WARNING if finding.lenient else severity,
                finding.summary,
                address=str(seen.entity.address),
                position=position,
                length=documents.length(mark),
                detail=finding.detail or (f"in {place}" if place else ""),
                fix=finding.fix,
            )
        )


def min_severity(one: Severity, other: Severity) -> Severity:
    """The milder of two."""
    order = (Severity.INFO, Severity.WARNING, Severity.ERROR)
    return min(one, other, key=order.index)
