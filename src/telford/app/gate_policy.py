"""A delivery's gates as a release freezes them: addresses whole, times in seconds, windows written out.

What the estate says afterwards changes nothing for a release that is on its way, but for one thing:
who somebody is, is looked up when they act (`telford.app.gating`). Called by `telford.app.release`.
"""

import json

from telford.analysis.people import Group
from telford.app.objectives import promises
from telford.basics import units
from telford.deliver import gate_settings as settings
from telford.deliver.gates import Gate
from telford.estate.graph import Index
from telford.estate.kinds import gates as kinds
from telford.estate.kinds.change import Delivery, Weekly, Window
from telford.estate.kinds.contracts import Contract
from telford.estate.model import Binding, Bound
from telford.road import holding


def declared(binding: Binding, bound: Bound, delivery: Delivery) -> tuple[Gate, ...]:
    """The gates of a release of `bound` in the binding's place, once for each of their moments."""
    made = _Maker(binding, bound, delivery)
    return tuple(
        Gate(one.name, one.way, moment, settings.pairs(made.way(one), made.override(one)))
        for one in delivery.gates
        for moment in dict.fromkeys(one.moments)
    )


def windows(binding: Binding, bound: Bound) -> tuple[Bound, ...]:
    """The windows of the estate that hold for a service in its place, by address: those about it,
    its system or its owner, and those about everything.
    """
    index = Index(binding)
    mine = {str(bound.entity.address)}
    if bound.spec.system:
        mine.update(index.refer("System", bound.spec.system, bound.spec))
    if bound.spec.owner:
        kind, _, name = bound.spec.owner.rpartition("/")
        mine.update(index.refer(kind.capitalize() or "Team", name, bound.spec))
    here = binding.place.environment
    return tuple(one for one in binding.of_kind("Window") if _covers(index, one, here, mine))


def _covers(index: Index, window: Bound, environment: str, mine: set[str]) -> bool:
    spec = window.spec
    assert isinstance(spec, Window)
    if spec.environments and environment not in spec.environments:
        return False
    return not spec.of or not mine.isdisjoint(_whole(index, spec.of, window))


def _whole(index: Index, texts: tuple[str, ...], bound: Bound) -> tuple[str, ...]:
    """Addresses in full; what names nothing stays as it is."""
    found = []
    for text in texts:
        kind, _, name = text.partition("/")
        named = index.refer(kind.capitalize(), name, bound.spec)
        found.append(named[0] if len(named) == 1 else text)
    return tuple(found)


class _Maker:
    """Freezes the gates of one release."""

    def __init__(self, binding: Binding, bound: Bound, delivery: Delivery) -> None:
        self._binding = binding
        self._bound = bound
        self._delivery = delivery
        self._index = Index(binding)

    def way(self, gate: kinds.Gate) -> settings.Settings:
        """What its kind needs."""
        if gate.budget is not None:
            return self._budget(gate.budget)
        if gate.approval is not None:
            return settings.Approval(gate.approval.count, _group(gate.approval))
        if gate.window is not None:
            return settings.Window(self._rules(gate.window))
        if gate.soak is not None:
            return settings.Soak(float(units.seconds(gate.soak.time)))
        if gate.dependency is not None:
            return self._dependency(gate.dependency)
        if gate.webhook is not None:
            return _webhook(gate.webhook)
        if gate.command is not None:
            return _command(gate.command)
        assert gate.record is not None, "a gate decides in one of its ways"
        lookup = gate.record.lookup
        return settings.Record(gate.record.pattern, None if lookup is None else _webhook(lookup))

    def override(self, gate: kinds.Gate) -> Group | None:
        """Who may open it all the same; never an approval."""
        return None if gate.override is None or gate.approval is not None else _group(gate.override)

    def _refer(self, kind: str, text: str) -> str:
        found = self._index.refer(kind, text, self._delivery)
        return found[0] if len(found) == 1 else text

    def _budget(self, gate: kinds.BudgetGate) -> settings.Budget:
        named = tuple(self._refer("Objective", text) for text in gate.of)
        own = str(self._bound.entity.address)
        return settings.Budget(named or self._objectives(own), gate.slow, gate.factor)

    def _objectives(self, service: str) -> tuple[str, ...]:
        return tuple(one.objective for one in promises(self._binding) if one.service == service)

    def _rules(self, gate: kinds.WindowGate) -> tuple[holding.Rule, ...]:
        if not gate.of:
            return tuple(_rule(one) for one in windows(self._binding, self._bound))
        named = (self._binding.entities.get(self._refer("Window", text)) for text in gate.of)
        return tuple(_rule(one) for one in named if one is not None)

    def _dependency(self, gate: kinds.DependencyGate) -> settings.Dependency:
        kind, _, name = gate.on.partition("/")
        on = self._refer(kind.capitalize(), name)
        contract, sunset = "", ""
        offered: tuple[str, ...] = ()
        if gate.offers is not None:
            contract = self._refer("Contract", gate.offers.contract)
            offered, sunset = self._offered(contract, gate.offers.version)
        return settings.Dependency(
            on=on if "/" in on else gate.on,
            objectives=self._objectives(on) if gate.objectives else (),
            worst=gate.objectives or "",
            settled=gate.settled,
            version=gate.version or "",
            contract=contract,
            offers=gate.offers.version if gate.offers is not None else "",
            offered=offered,
            sunset=sunset,
        )

    def _offered(self, contract: str, version: str) -> tuple[tuple[str, ...], str]:
        """The versions that a contract names, and the day on which one of them ends."""
        found = self._binding.entities.get(contract)
        if found is None:
            return (), ""
        spec = found.spec
        assert isinstance(spec, Contract)
        sunset = next((one.sunset for one in spec.versions if one.version == version), None)
        return tuple(one.version for one in spec.versions), sunset or ""


def _group(people: kinds.People) -> Group:
    return Group(people.by, people.level or "", people.forbid)


def _rule(bound: Bound) -> holding.Rule:
    spec = bound.spec
    assert isinstance(spec, Window)
    return holding.Rule(
        name=spec.name,
        freeze=spec.type == "freeze",
        zone=spec.timezone,
        hours=tuple(_hours(one) for one in spec.weekly),
        spans=tuple(holding.Days(one.first, one.last) for one in spec.spans),
        reason=spec.reason,
    )


def _hours(weekly: Weekly) -> holding.Hours:
    days = tuple(sorted(holding.DAYS.index(day) for day in weekly.days))
    return holding.Hours(days, _minute(weekly.from_), _minute(weekly.to))


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def _webhook(hook: kinds.Webhook) -> settings.Webhook:
    return settings.Webhook(
        url=hook.url,
        method=hook.method,
        status=hook.status,
        expect=tuple(settings.Expected(one.at, json.dumps(one.equals)) for one in hook.expect),
        limit=float(units.seconds(hook.limit)),
        interval=float(units.seconds(hook.interval)),
        retries=hook.retries,
        key=hook.signed_with or "",
        token=hook.token or "",
    )


def _command(gate: kinds.CommandGate) -> settings.Command:
    return settings.Command(
        run=gate.run,
        env=tuple(sorted(gate.env.items())),
        limit=float(units.seconds(gate.limit)),
        interval=float(units.seconds(gate.interval)),
        retries=gate.retries,
    )
