"""Data plans, one tick: from a plan's row and what was seen to its next row, and what to ask for.

`Gatherer.gather` reads the store once a tick for all plans of a place; `advance` is pure and moves
one. A step is a sequence of short orders of kind "data", each a few seconds of work: what one brings
back stands in the row, and the next has another key. So a backfill of hours holds no thread, and a
controller that was killed anywhere goes on from the row, and the data store from its own ledger.
Called by `controller`; `views` is what releases wait by.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.deliver import data_changes as data
from telford.deliver.data_changes import DataStep, DataView, Holder
from telford.estate.workload import BASELINE_SUFFIX, MIRRORED_SUFFIX, PlaceState
from telford.flows import orders
from telford.ports import data as ports
from telford.store.bindings import Bound
from telford.store.data_plans import DataPlan
from telford.store.releases import Release
from telford.store.store import Store

# Orders of kind "data" under way at once: of eight threads, half may wait for gates.
MAX_WORKING = 2
_NONE = orders.Status("")
_NOTHING = PlaceState((), (), ())
_GONE = frozenset({"stopped", "failed"})
_BY_HAND = "waits for a person: telford data {name} contract"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a plan's service: the moment it is in, what still needs the data as they
    were, when its version was promoted here (None: not yet), how orders stand.
    """

    at: float
    moment: str
    holders: tuple[Holder, ...]
    promoted_at: float | None
    statuses: Mapping[str, orders.Status]
    epoch: int
    may_ask: bool = True
    retry_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Moved:
    """What a tick made of one plan. `told` are the steps whose status changed, as (view, before)."""

    plan: DataPlan
    changed: bool
    submit: tuple[tuple[str, orders.Order], ...] = ()
    told: tuple[tuple[DataView, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the store says at a tick: plans (the newest of each service), and of the services of
    active ones the bindings in all places, each place's versions oldest first, active releases.
    """

    plans: tuple[DataPlan, ...] = ()
    bindings: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)
    histories: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    releases: Mapping[str, tuple[Release, ...]] = field(default_factory=dict)


class Gatherer:
    """Reads what plans are moved by, for one place."""

    def __init__(self, store: Store, place: str) -> None:
        self._store = store
        self._place = place

    def gather(self, waiting: Iterable[str]) -> Gathered:
        """Active plans, and the newest of the services (addresses) whose releases wait for one."""
        active = self._store.data_plans.active(self._place)
        known = {one.service for one in active}
        others = (self._store.data_plans.latest(self._place, one) for one in set(waiting) - known)
        plans = (*active, *(one for one in others if one is not None))
        bindings = {one: self._store.bindings.everywhere(one) for one in known}
        histories = {
            (bound.place, service): self._versions(bound.place, service)
            for service, found in bindings.items()
            for bound in found
        }
        releases = {one: self._store.releases.find(service=one, active=True) for one in known}
        return Gathered(plans, bindings, histories, releases)

    def _versions(self, place: str, service: str) -> tuple[str, ...]:
        past = self._store.bindings.history(place, service)
        return tuple(one.version for one in reversed(past))


def tick(
    gathered: Gathered,
    places: Mapping[str, PlaceState] | None,
    statuses: Mapping[str, orders.Status],
    at: float,
    epoch: int,
) -> tuple[Moved, ...]:
    """Every active plan, one tick further; at most `MAX_WORKING` of them ask for work at once."""
    working = sum(statuses.get(one, _NONE).phase == "pending" for one in asked_ids(gathered.plans))
    found = []
    for plan in gathered.plans:
        if not plan.active:
            continue
        here = None if places is None else places.get(plan.name, _NOTHING)
        look = seen(plan, gathered, here, statuses, at, epoch)
        moved = advance(plan, dataclasses.replace(look, may_ask=working < MAX_WORKING))
        working += len(moved.submit)
        found.append(moved)
    return tuple(found)


def views(
    gathered: Gathered, moved: Iterable[Moved], service: str, steps: Sequence[DataStep]
) -> tuple[DataView, ...]:
    """How a release's data steps stand; those that no plan has taken on are waiting."""
    now = [*(one.plan for one in moved), *gathered.plans]
    plan = next((one for one in now if one.service == service), None)
    return data.aligned(steps, begun(plan) if plan else ())


def begun(plan: DataPlan) -> tuple[DataView, ...]:
    """How a plan's steps stand, to be on the safe side: one that work was asked for counts as
    running, whether or not anybody has said so yet.
    """
    asked = {step for mode, step in map(_asked, plan.progress) if mode == "run"}
    return tuple(
        dataclasses.replace(one, status="running")
        if one.name in asked and one.status in {"waiting", "locked"}
        else one
        for one in map(ports.view, plan.views)
    )


def _asked(key: str) -> tuple[str, str]:
    """Mode and step of an order's key, ``plan:generation:data-run-STEP-TURN``."""
    _, mode, rest = key.rpartition(":")[2].split("-", 2)
    return mode, rest.rpartition("-")[0]


def asked_ids(plans: Iterable[DataPlan]) -> tuple[str, ...]:
    """The ids of the orders that plans wait for."""
    return tuple(
        orders.order_id(key, one["attempt"])
        for plan in plans
        if plan.active
        for key, one in plan.progress.items()
    )


def seen(
    plan: DataPlan,
    gathered: Gathered,
    place: PlaceState | None,
    statuses: Mapping[str, orders.Status],
    at: float,
    epoch: int,
    retry_seconds: float = 2.0,
) -> Seen:
    """What is known of one plan's service. `place` is None where it cannot be looked at."""
    bindings = gathered.bindings.get(plan.service, ())
    here = next((one for one in bindings if one.place == plan.place), None)
    history = gathered.histories.get((plan.place, plan.service), ())
    arrived = here is not None and not data.is_old(history, here.version, plan.version)
    releases = gathered.releases.get(plan.service, ())
    coming = [
        one.phase
        for one in releases
        if one.place == plan.place and one.to_version == plan.version and _forward(one)
    ]
    moment = data.BACK
    if arrived:
        moment = data.PROMOTED
    elif coming:
        moment = data.PLANNED if "planned" in coming else data.SWITCH
    elif plan.release is None:
        moment = data.SWITCH
    promoted = here.since if arrived and here is not None else None
    holders = _holders(plan, gathered, place)
    return Seen(at, moment, holders, promoted, statuses, epoch)


def advance(plan: DataPlan, look: Seen) -> Moved:
    """The next row of an active plan."""
    steps = tuple(ports.step(one) for one in plan.steps)
    before = data.aligned(steps, [ports.view(one) for one in plan.views])
    if plan.epoch != look.epoch:
        # A new controller: the row gets a generation of its own first, and then it begins.
        fresh = dataclasses.replace(plan, progress={})
        return Moved(fresh, changed=True)
    after = _results(plan, before, look)
    step = data.due(steps, after, look.moment)
    why = _why_not(plan, step, look)
    after = tuple(_told(one, step, why) for one in after)
    halted = plan.wish != "run" or look.moment == data.BACK
    order = (
        _halt(plan, steps, after, look)
        if halted
        else _work(plan, steps, after, None if why else step)
    )
    progress, submit = _ask(plan, order, look)
    if order is not None:
        after = tuple(_problem(one, order, progress) for one in after)
    moved = dataclasses.replace(
        plan,
        views=[ports.view_json(one) for one in after],
        progress=progress,
        active=_goes_on(plan, steps, after, look),
        why=why,
    )
    pairs = zip(before, after, strict=True)
    told = tuple((new, old.status) for old, new in pairs if new.status != old.status)
    return Moved(moved, moved != plan, submit, told)


# --- what is seen -----------------------------------------------------------------------------


def _holders(plan: DataPlan, gathered: Gathered, place: PlaceState | None) -> tuple[Holder, ...]:
    """Whatever still runs, or may come back to, a version that needs the data as they were."""
    stable = "it is the stable version there"
    bindings = gathered.bindings.get(plan.service, ())
    found = [Holder(one.place, one.version, stable) for one in bindings]
    for release in gathered.releases.get(plan.service, ()):
        why = f"{release.id} may go to it"
        found += [
            Holder(release.place, version, why)
            for version in (release.from_version, release.to_version)
        ]
    found = [
        one
        for one in found
        if _shares(plan, one.place) and _old(plan, gathered, one.place, one.version)
    ]
    if place is None:
        found.append(Holder(plan.place, "whatever runs", "the place cannot be looked at"))
        return tuple(found)
    for version in sorted({one.version for one in place.replicas if _runs(one, plan.name)}):
        plain = version.removesuffix(BASELINE_SUFFIX).removesuffix(MIRRORED_SUFFIX)
        if _old(plan, gathered, plan.place, plain):
            found.append(Holder(plan.place, version, "replicas of it still run"))
    return tuple(found)


def _runs(replica: Any, name: str) -> bool:
    return replica.service == name and replica.phase not in _GONE


def _old(plan: DataPlan, gathered: Gathered, place: str, version: str) -> bool:
    history = gathered.histories.get((place, plan.service), ())
    return data.is_old(history, version, plan.version)


def _shares(plan: DataPlan, place: str) -> bool:
    """Whether a place uses the same data store, as the plan's steps say (`shared`)."""
    spans = {ports.step(one).setting("shared", "environment") for one in plan.steps}
    if place == plan.place or "estate" in spans:
        return True
    same = place.partition("/")[0] == plan.place.partition("/")[0]
    return "environment" in spans and same


def _forward(release: Release) -> bool:
    return release.phase not in {"rolling-back", "rolled-back", "aborted", "failed"}


# --- what is done -----------------------------------------------------------------------------


def _results(plan: DataPlan, before: tuple[DataView, ...], look: Seen) -> tuple[DataView, ...]:
    """What the last order brought back; as before where it has not ended or brought nothing."""
    found = before
    for key, one in plan.progress.items():
        status = look.statuses.get(orders.order_id(key, one["attempt"]))
        if status is not None and status.phase == "done" and status.result.get("views"):
            news = {one["name"]: ports.view(one) for one in status.result["views"]}
            found = tuple(_newer(one, news.get(one.name)) for one in found)
    return found


def _newer(known: DataView, new: DataView | None) -> DataView:
    """Results come in any order: the one with the higher turn is the later one."""
    return new if new is not None and new.turn >= known.turn else known


def _why_not(plan: DataPlan, step: DataStep | None, look: Seen) -> str:
    """Why the step that is due is not run now; "" where it is."""
    if plan.wish != "run":
        return "paused by hand" if plan.wish == "pause" else "stopped by hand"
    if step is None or step.phase != "contract":
        return ""
    held = data.locked(look.holders)
    if held or plan.contract:
        return held
    after = step.setting("after")
    if after and look.promoted_at is not None and look.at >= look.promoted_at + float(after):
        return ""
    return _BY_HAND.format(name=plan.name)


def _told(view: DataView, step: DataStep | None, why: str) -> DataView:
    """The view of the step that is due, with why it is not run; the others as they are."""
    if step is None or view.name != step.name:
        return view
    if not why:
        idle = view.status in {"locked", "waiting"}
        return dataclasses.replace(view, status="waiting", why="") if idle else view
    if view.status in {"waiting", "locked"}:
        status = "locked" if why.startswith("locked") else "waiting"
        return dataclasses.replace(view, status=status, why=why)
    return view


def _work(
    plan: DataPlan,
    steps: Sequence[DataStep],
    after: Sequence[DataView],
    step: DataStep | None,
) -> orders.Order | None:
    """A slice of the due step; nothing where it failed: that wants a person."""
    view = next((one for one in after if step is not None and one.name == step.name), None)
    if view is None or view.status == "failed":
        return None
    return _order(plan, steps, view, "run")


def _halt(
    plan: DataPlan, steps: Sequence[DataStep], after: Sequence[DataView], look: Seen
) -> orders.Order | None:
    """That whoever works on a step stops: a person said so, or the release went back.

    Work that was asked for and has not said anything yet is under way too.
    """
    busy = _under_way(plan, look)
    halted = next(
        (
            one
            for one in after
            if one.status == "running" or (one.name in busy and one.status != "done")
        ),
        None,
    )
    return None if halted is None else _order(plan, steps, halted, "pause")


def _under_way(plan: DataPlan, look: Seen) -> frozenset[str]:
    """The steps that orders were handed in for and have not ended."""
    found = set()
    for key, one in plan.progress.items():
        status = look.statuses.get(orders.order_id(key, one["attempt"]))
        if status is None or status.phase != "done":
            found.add(_asked(key)[1])
    return frozenset(found)


def _order(plan: DataPlan, steps: Sequence[DataStep], view: DataView, mode: str) -> orders.Order:
    task = ports.DataTask(plan.service, plan.version, plan.place, tuple(steps))
    arguments: dict[str, Any] = {
        "service": plan.name,
        "generation": plan.generation,
        "mode": mode,
        "step": view.name,
        "task": task.to_json(),
    }
    what = f"{mode}-{view.name}-{view.turn}"
    return orders.Order(f"data-{plan.id}", plan.name, plan.generation, "data", what, arguments)


def _ask(
    plan: DataPlan, order: orders.Order | None, look: Seen
) -> tuple[dict[str, Any], tuple[tuple[str, orders.Order], ...]]:
    before = {
        key: orders.Asked(one["attempt"], one["at"], one["problem"])
        for key, one in plan.progress.items()
    }
    owed = () if order is None else (order,)
    if order is not None and order.key not in before and not look.may_ask:
        return {}, ()
    asked, submit = orders.ask(owed, before, look.statuses, look.at, look.retry_seconds)
    return {key: dataclasses.asdict(one) for key, one in asked.items()}, submit


def _problem(view: DataView, order: orders.Order, progress: Mapping[str, Any]) -> DataView:
    """Why the last try came to nothing, where it did."""
    problem = progress.get(order.key, {}).get("problem", "")
    if view.name != order.arguments["step"] or not problem:
        return view
    return dataclasses.replace(view, why=problem)


def _goes_on(
    plan: DataPlan, steps: Sequence[DataStep], after: Sequence[DataView], look: Seen
) -> bool:
    """Whether there is anything left that this plan may do one day."""
    if data.finished(steps, after):
        return False
    if plan.wish == "stop" or look.moment == data.BACK:
        return any(one.status == "running" for one in after) or bool(_under_way(plan, look))
    return True
