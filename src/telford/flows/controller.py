"""The controller's loop: one look at the place a tick, one pure step a release, one transaction.

Each tick: read the place and all counters once; advance every active release (pure); write
ledger, states, bindings, commands' outcomes and measurements in one transaction that is fenced by
the lease's epoch; then hand in what is owed. What it keeps in memory is a cache of committed rows,
thrown away whenever a commit fails. Killed anywhere, the next controller goes on from the rows.
Made by `telford.app.wiring`; run in a thread by `telford up`.
"""

import dataclasses
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from telford.basics import clock as clocks
from telford.basics import garbage
from telford.basics.errors import OutsideError, RefusedError, TelfordError, TemporaryError
from telford.deliver import state as states
from telford.estate.observation import Reading
from telford.estate.workload import PlaceState
from telford.flows import (
    advancing,
    budgets,
    counting,
    data_work,
    gating,
    happening,
    orders,
    watching,
)
from telford.flows import boundaries as edges
from telford.flows.carrying import Outside
from telford.operate import promise
from telford.store.commands import Command
from telford.store.data_plans import DataPlan
from telford.store.database import Lease, Writing
from telford.store.events import Event
from telford.store.objectives import Evaluated
from telford.store.readings import Stored
from telford.store.releases import Release
from telford.store.store import Store

ACTOR = "controller"
# Ended orders are kept for whoever wants to know what a place was asked for last week.
ORDERS_KEPT_SECONDS = 7 * 86_400.0
_NOTHING = PlaceState((), (), ())
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, in seconds. `retry` is the first pause before an order without
    effect is asked for again; `lease` how long the controller may be silent before another may
    take over (many ticks, or a slow disk would depose it); `keep` how old ledgers, commands and
    audit entries grow before they are forgotten (0: they never are).
    """

    tick: float = 1.0
    retry: float = 2.0
    lease: float = 10.0
    evaluate: float = 5.0
    tidy: float = 60.0
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A release that entered another phase, step or weight in this tick; `evidence` is the hash of
    the ledger entry that this rests on, "" where it rests on none.
    """

    release: Release
    before: states.State
    after: states.State
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a tick did, for whoever shows it; `problems` are sentences."""

    at: float
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Memory:
    """Committed values: releases' rows with their decoded states, the counters that the rows
    remember by release, counters by service.
    """

    rows: dict[str, tuple[Release, states.State]] = field(default_factory=dict)
    counted: dict[str, Reading] = field(default_factory=dict)
    readings: dict[str, Reading] | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one tick saw, for all releases: places (None: unreachable) and counters by service, and
    what stands for a service without any (None: unreadable).
    """

    at: float
    places: Mapping[str, PlaceState] | None
    counted: Mapping[str, Reading]
    empty: Reading | None
    statuses: Mapping[str, orders.Status]
    gathered: gating.Gathered
    plans: data_work.Gathered
    standing: Mapping[str, Sequence[Evaluated]]


@dataclass(slots=True)
class _Decided:
    """What one tick is about to commit."""

    measured: Mapping[str, watching.Measured]
    evaluated: tuple[Evaluated, ...]
    advances: list[advancing.Advance] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    stops: tuple[Command, ...] = ()
    events: list[Event] = field(default_factory=list)
    plans: tuple[data_work.Moved, ...] = ()


class Controller:
    """One place's controller, holding its lease."""

    def __init__(  # every collaborator comes in by name
        self,
        store: Store,
        outside: Outside,
        engine: orders.Orders,
        lease: Lease,
        clock: clocks.Clock,
        *,
        watch: watching.Watch,
        pace: Pace,
        boundaries: edges.Boundaries,
    ) -> None:
        self._store = store
        self._outside = outside
        self._orders = engine
        self._lease = lease
        self._clock = clock
        self._watch = watch
        self._pace = pace
        self._boundaries = boundaries
        self._memory = _Memory()
        self._evaluated_at = self._tidied_at = 0.0
        self._gates = gating.Gatherer(store, lease.name)
        self._data = data_work.Gatherer(store, lease.name)

    def run(self, wait: Callable[[float], bool], report: Callable[[Report], None]) -> None:
        """Tick until `wait(seconds)` says that it is over. Raises `RefusedError` when another
        controller has taken the place; what fails outside is reported and tried again.
        """
        garbage.settle()
        due = self._clock.monotonic()
        while True:
            try:
                report(self.tick())
            except OutsideError as error:
                report(Report(self._clock.now(), problems=(error.message,)))
            now = self._clock.monotonic()
            # A tick that took too long is not made up for: the next one covers its time.
            due = max(due + self._pace.tick, now)
            if wait(due - now):
                return

    def tick(self) -> Report:
        """One tick. Raises `RefusedError` (lease lost) or `OutsideError` (store), having changed
        nothing.
        """
        problems: list[str] = []
        place = _looked(self._outside.cluster.state, problems)
        reading = _looked(self._outside.metrics.read, problems)
        at = self._clock.now()
        with edges.around(self._boundaries, edges.TICK_READ):
            counted = counting.by_service(reading) if reading else {}
        states_now = counting.places(place) if place else None
        decided = self._decide(states_now, reading, counted, at, problems)
        try:
            with edges.around(self._boundaries, edges.STORE_COMMIT):
                self._commit(decided)
        except TelfordError:
            self._memory = _Memory()
            raise
        self._remember(decided, at)
        self._submit([*decided.advances, *decided.plans], problems)
        self._tidy(at, problems)
        return Report(at, tuple(decided.changes), tuple(problems))

    # --- reading and deciding -----------------------------------------------------------------

    def _decide(
        self,
        places: Mapping[str, PlaceState] | None,
        reading: Reading | None,
        counted: Mapping[str, Reading],
        at: float,
        problems: list[str],
    ) -> _Decided:
        # Before the rows: a command for a release that begins in between waits for the next tick.
        commands = self._commands()
        rows = self._rows(problems)
        plans = self._data.gather(row.service for row, state in rows if state.policy.data)
        statuses = self._statuses([row for row, _ in rows], plans.plans, problems)
        decided = _Decided(measured=self._measure(places, counted), evaluated=self._evaluate(at))
        decided.plans = data_work.tick(plans, places, statuses, at, self._lease.epoch)
        gathered = self._gates.gather(rows, statuses, at)
        decided.stops = gathered.stops
        empty = Reading(reading.at, {}) if reading else None
        standing = self._standing(rows)
        seen = _Seen(at, places, counted, empty, statuses, gathered, plans, standing)
        for row, state in rows:
            glance = self._glance(row, state, seen, decided.plans)
            found = advancing.advance(row, state, glance, commands.pop(row.id, ()))
            decided.advances.append(found)
            decided.outcomes.extend(found.outcomes)
            if _differs(state, found.state):
                evidence = happening.evidence_of(found)
                decided.changes.append(Change(found.row, state, found.state, evidence))
            decided.events.extend(happening.rows(row, state, found, at))
        # What is left was asked of releases that had ended by then.
        late = [one for asked in commands.values() for one in asked]
        decided.outcomes.extend((one.id, "refused: the release is over") for one in late)
        return decided

    def _glance(
        self, row: Release, state: states.State, seen: _Seen, moved: tuple[data_work.Moved, ...]
    ) -> advancing.Glance:
        """What of all that was seen is about one release."""
        policy, places = state.policy, seen.places
        asking = gating.look(row, state, seen.gathered, seen.statuses, seen.at)
        data, spare = None, None
        if policy.data:
            data = data_work.views(seen.plans, moved, row.service, policy.data)
        if policy.exposure_share > 0:
            spare = budgets.left(policy, row.service, seen.standing.get(row.service, ()))
        return advancing.Glance(
            seen.at,
            None if places is None else places.get(row.name, _NOTHING),
            seen.counted.get(row.name, seen.empty),
            seen.statuses,
            self._pace.retry,
            gates=asking.views,
            data=data,
            budget_left=spare,
            asking=asking,
            before=self._memory.counted.get(row.id),
        )

    def _standing(self, rows: gating.Rows) -> Mapping[str, Sequence[Evaluated]]:
        """How objectives stand, by service, where any release chooses its weights by them."""
        found: dict[str, list[Evaluated]] = {}
        if any(state.policy.exposure_share > 0 for _, state in rows):
            for one in self._store.objectives.of(self._lease.name):
                found.setdefault(one.service, []).append(one)
        return found

    def _rows(self, problems: list[str]) -> list[tuple[Release, states.State]]:
        """The active releases, oldest first; from memory where the row is as it was."""
        revisions = self._store.releases.revisions(self._lease.name)
        known = self._memory.rows
        new = [key for key, revision in revisions.items() if not _holds(known, key, revision)]
        fresh = {row.id: row for row in self._store.releases.some(new)} if new else {}
        found = []
        for key in revisions:
            if key not in fresh:
                found.append(known[key])
                continue
            self._memory.counted.pop(key, None)
            try:
                found.append((fresh[key], states.State.from_json(fresh[key].state)))
            except TelfordError as error:  # a row that this version cannot read stops nobody else
                problems.append(f"{key}: {error.message}")
        return found

    def _statuses(
        self, rows: list[Release], plans: tuple[DataPlan, ...], problems: list[str]
    ) -> Mapping[str, orders.Status]:
        ids = [one for row in rows for one in advancing.asked_ids(row)]
        ids += data_work.asked_ids(plans)
        try:
            return self._orders.statuses(ids)
        except TelfordError as error:
            problems.append(error.message)
            return {one: orders.Status("pending") for one in ids}

    def _commands(self) -> dict[str, list[Command]]:
        found: dict[str, list[Command]] = {}
        for one in self._store.commands.pending(self._lease.name):
            found.setdefault(one.release, []).append(one)
        return found

    def _measure(
        self, places: Mapping[str, PlaceState] | None, counted: Mapping[str, Reading]
    ) -> dict[str, watching.Measured]:
        """Service -> what to add; services whose counters could not be read are left out."""
        before = self._readings()
        found = {}
        for watched in self._watch.services:
            now = counted.get(watched.name)
            if now is None:
                continue
            here = None if places is None else places.get(watched.name, _NOTHING)
            one = watching.measure(self._lease.name, watched, before.get(watched.name), now, here)
            if one.changed:
                found[watched.name] = one
        return found

    def _readings(self) -> dict[str, Reading]:
        if self._memory.readings is None:
            stored = self._store.readings.of(self._lease.name)
            decoded = {name: counting.from_json(name, one.counters) for name, one in stored.items()}
            self._memory.readings = {name: one for name, one in decoded.items() if one is not None}
        return self._memory.readings

    def _evaluate(self, at: float) -> tuple[Evaluated, ...]:
        if not self._watch.promises or at - self._evaluated_at < self._pace.evaluate:
            return ()
        windows = promise.all_windows(self._watch.promises, at)
        sums = self._store.measurements.sums(self._lease.name, windows)
        return watching.evaluate(self._lease.name, self._watch, sums, at)

    # --- writing ------------------------------------------------------------------------------

    def _commit(self, decided: _Decided) -> None:
        """Everything of this tick, or nothing."""
        store = self._store
        advances, measured = decided.advances, decided.measured
        with store.writing(self._lease) as writing:
            store.leases.beat(writing)
            store.releases.save(writing, [one.row for one in advances if one.changed])
            store.ledger.append(writing, [one.entry for one in advances if one.entry])
            if decided.outcomes:
                with edges.around(self._boundaries, edges.COMMAND_TAKE):
                    store.commands.take(writing, decided.outcomes)
            self._stop(writing, decided.stops)
            self._record(writing, decided.changes)
            store.events.append(writing, decided.events)
            self._bind(writing, advances)
            self._keep_plans(writing, decided.plans)
            store.measurements.add(writing, [row for one in measured.values() for row in one.rows])
            store.readings.replace(writing, [_stored(*one) for one in measured.items()])
            self._keep_objectives(writing, decided.evaluated)
            if writing.at - self._tidied_at >= self._pace.tidy:
                store.measurements.roll_up(writing)
                store.retention.forget(writing, self._pace.keep, ACTOR)

    def _stop(self, writing: Writing, stops: tuple[Command, ...]) -> None:
        """What a rollout asks of its releases here; they obey at the next tick."""
        for one in stops:
            if self._store.commands.ask(writing, one):
                said, subject = f"asked to {one.verb}", f"release/{one.release}"
                self._store.audit.append(writing, one.who, said, subject, {"reason": one.reason})

    def _record(self, writing: Writing, changes: Sequence[Change]) -> None:
        """Changes go into the audit log; their generations are known from now on."""
        for change in changes:
            row, after = change.release, change.after
            self._store.bindings.seen(writing, row.place, row.service, after.generation)
            who = after.who if after.who and after.who != change.before.who else ACTOR
            detail: dict[str, Any] = {"weight": after.desired_bp, "generation": after.generation}
            detail |= {"reason": after.reason, "tick": after.tick}
            detail |= {"evidence": change.evidence} if change.evidence else {}
            self._store.audit.append(writing, who, after.phase.value, f"release/{row.id}", detail)

    def _bind(self, writing: Writing, advances: list[advancing.Advance]) -> None:
        for one in advances:
            if one.bound is not None:
                with edges.around(self._boundaries, edges.BINDING_WRITE):
                    self._store.bindings.bind(writing, one.bound, one.row.who)

    def _keep_plans(self, writing: Writing, plans: tuple[data_work.Moved, ...]) -> None:
        """How data steps stand now; each that began, ended or failed goes into the audit log."""
        self._store.data_plans.save(writing, [one.plan for one in plans if one.changed])
        for one in plans:
            for view, before in one.told:
                detail = {"step": view.name, "before": before, "why": view.why, "rows": view.done}
                subject = f"data/{one.plan.id}"
                self._store.audit.append(writing, ACTOR, f"data {view.status}", subject, detail)

    def _keep_objectives(self, writing: Writing, evaluated: tuple[Evaluated, ...]) -> None:
        if not evaluated:
            return
        reasons = {one.objective: one.evaluation["reason"] for one in evaluated}
        for objective, before, after in self._store.objectives.record(writing, evaluated):
            detail = {"before": before, "reason": reasons[objective]}
            self._store.audit.append(writing, ACTOR, after, objective, detail)

    def _remember(self, decided: _Decided, at: float) -> None:
        """What was committed is what memory may hold."""
        readings = self._readings()
        readings.update({name: one.reading for name, one in decided.measured.items()})
        before = self._memory.counted
        self._memory.rows = {one.row.id: (_saved(one), one.state) for one in decided.advances}
        self._memory.counted = {
            one.row.id: reading
            for one in decided.advances
            if (reading := one.reading or before.get(one.row.id)) is not None
        }
        if decided.evaluated:
            self._evaluated_at = at

    def _tidy(self, at: float, problems: list[str]) -> None:
        """Now and then: forget orders that ended long ago."""
        if at - self._tidied_at < self._pace.tidy:
            return
        self._tidied_at = at
        try:
            self._orders.forget(at - ORDERS_KEPT_SECONDS)
        except TelfordError as error:
            problems.append(error.message)

    def _submit(
        self, moved: list[advancing.Advance | data_work.Moved], problems: list[str]
    ) -> None:
        for one in moved:
            for key, order in one.submit:
                try:
                    with edges.around(self._boundaries, edges.ORDER_SUBMIT):
                        self._orders.submit(key, order)
                except TelfordError as error:  # asked again next tick: the id is in the row
                    problems.append(f"{key}: {error.message}")


def _looked(look: Callable[[], T], problems: list[str]) -> T | None:
    """What a port says, or None and a sentence: nothing seen is not a failure of anybody."""
    try:
        return look()
    except (TemporaryError, RefusedError, OutsideError) as error:
        problems.append(error.message)
        return None


def _stored(name: str, one: watching.Measured) -> Stored:
    return Stored(name, one.reading.at, counting.to_json(one.reading))


def _holds(known: Mapping[str, tuple[Release, states.State]], key: str, revision: int) -> bool:
    return key in known and known[key][0].revision == revision


def _saved(advance: advancing.Advance) -> Release:
    """The row as the store has it now."""
    row = advance.row
    return dataclasses.replace(row, revision=row.revision + 1) if advance.changed else row


def _differs(before: states.State, after: states.State) -> bool:
    return _news(before) != _news(after)


_news = operator.attrgetter("phase", "generation", "step", "confirmed", "probe")
