"""From an estate to the data steps of a release: frozen, checked, and written down for a place.

`steps` is what goes into the policy; `require_fit` refuses an expanding step that the version before
would not bear; `begin` makes the plan's row in the transaction of the release that waits for it.
Called by `telford.app.release` and `telford.app.data`.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from telford.backends.data.runner import DataRunner
from telford.basics import clock as clocks
from telford.basics import units
from telford.basics.errors import RefusedError
from telford.deliver import data_changes, data_compatibility
from telford.deliver.data_changes import DataStep
from telford.deliver.data_compatibility import Unfit
from telford.estate.graph import Index
from telford.estate.kinds import data as kinds
from telford.estate.kinds.structure import Datastore, Service
from telford.estate.model import Binding, Bound
from telford.flows import data_work
from telford.ports import data as ports
from telford.ports.data import DataChanges, DataTask
from telford.store.data_plans import DataPlan
from telford.store.database import Writing
from telford.store.store import Store

# Of findings in one message; `telford data SERVICE check` shows all.
MAX_SAID = 3
Steps = Sequence[DataStep]


def changer(folder: Path, clock: clocks.Clock) -> DataChanges:
    """What changes data from this process; addresses are looked up in its environment."""
    return DataRunner(folder.absolute(), os.environ, clock)


def steps(binding: Binding, bound: Bound) -> tuple[DataStep, ...]:
    """The data steps of a service as it is in a place, in the order in which they happen."""
    spec = bound.spec
    assert isinstance(spec, Service), f"{bound.entity.address} is no service"
    found = [
        _step(change, one, _engine(binding, spec, change))
        for change in spec.data_changes
        for one in change.steps
    ]
    # Several data stores go through the phases together: nobody contracts before all are filled.
    return tuple(sorted(found, key=_when))


def task(service: str, version: str, place: str, declared: Steps) -> DataTask:
    """A plan as the port wants it."""
    return DataTask(service, version, place, tuple(declared))


def unfit(changes: DataChanges, asked: DataTask) -> tuple[Unfit, ...]:
    """Why expanding steps would harm the version before; those with a person's word left out."""
    found: list[Unfit] = []
    for dialect in ("postgres", "sqlite"):
        mine = tuple(one for one in asked.steps if _dialect(one) == dialect)
        judged = [one for one in mine if not one.setting("compatible")]
        part = DataTask(asked.service, asked.version, asked.place, tuple(judged))
        found += data_compatibility.unfit(changes.statements(part), dialect)
    return tuple(found)


def require_fit(changes: DataChanges, asked: DataTask) -> None:
    """Raises `RefusedError` naming the lines of expanding steps that do not only expand."""
    found = unfit(changes, asked)
    if not found:
        return
    said = "; ".join(f"{where(one)} {one.summary}" for one in found[:MAX_SAID])
    more = f"; and {len(found) - MAX_SAID} more" if len(found) > MAX_SAID else ""
    raise RefusedError(
        f"the version before would not bear what expands the data of {asked.service}: {said}{more}",
        fix=found[0].fix,
    )


def where(one: Unfit) -> str:
    """``add-email (versions/r1.py:14)``."""
    return f"{one.step} ({one.file}:{one.line})" if one.file else one.step


def refuse_old(store: Store, service: str, place: str, version: str) -> None:
    """Raises `RefusedError` for a version that does not work with the data any more."""
    history = tuple(one.version for one in reversed(store.bindings.history(place, service)))
    for plan in store.data_plans.everywhere(service):
        declared = tuple(ports.step(one) for one in plan.steps)
        views = data_work.begun(plan)
        same = plan.place == place or _shared(declared, plan.place, place)
        why = same and data_changes.refuses_version(declared, views, plan.version, version, history)
        if why:
            raise RefusedError(
                f"{service} cannot go to version {version}: {why}",
                fix="release a version that is newer than the one the data were changed for",
            )


def begin(
    store: Store,
    writing: Writing,
    declared: Steps,
    *,
    service: tuple[str, str],
    place: str,
    version: str,
    release: str | None,
    who: str,
) -> None:
    """The plan of a release, written with it: a new row, or the active one taken on.

    `service` is address and name. Raises `RefusedError` where another plan has steps to do that
    this one does not have.
    """
    address, name = service
    known = store.data_plans.latest(place, address)
    if known is not None and known.active:
        _refuse_losing(known, declared)
        changed = _taken_on(known, declared, release)
        ran = {one.version for one in store.bindings.history(place, address)}
        if declared and (known.version not in ran or _brings_more(known, declared)):
            changed["version"] = version
        store.data_plans.wish(writing, known, changed)
        return
    if not declared:
        return
    plan = DataPlan(
        id=f"{name}-{secrets.token_hex(3)}",
        service=address,
        name=name,
        place=place,
        version=version,
        release=release,
        steps=[ports.step_json(one) for one in declared],
        views=[ports.view_json(one) for one in data_changes.planned(declared)],
        wish="run",
        contract=False,
        generation=0,
        who=who,
        reason="",
        created_at=writing.at,
    )
    made = store.data_plans.create(writing, plan)
    detail = {"steps": [one.name for one in declared], "version": version, "release": release}
    store.audit.append(writing, who, "planned data changes", f"data/{made.id}", detail)


def _taken_on(known: DataPlan, declared: Steps, release: str | None) -> dict[str, Any]:
    """What changes in an active plan when another release comes: it may bring steps of its own."""
    changed: dict[str, Any] = {"release": release, "wish": "run"}
    if declared:
        views = data_changes.aligned(declared, [ports.view(one) for one in known.views])
        changed["steps"] = [ports.step_json(one) for one in declared]
        changed["views"] = [ports.view_json(one) for one in views]
    return changed


def _brings_more(known: DataPlan, declared: Steps) -> bool:
    before = {one["name"] for one in known.steps}
    return any(one.name not in before for one in declared)


def _refuse_losing(known: DataPlan, declared: Steps) -> None:
    names = {one.name for one in declared}
    left = [
        one["name"] for one in known.views if one["status"] != "done" and one["name"] not in names
    ]
    if left and declared:
        raise RefusedError(
            f"the data plan of {known.service} for version {known.version} still has to do: "
            f"{', '.join(left)}",
            fix=f"let it end, keep its steps in the estate, or: telford data {known.name} stop",
        )


def _when(step: DataStep) -> tuple[int, bool]:
    return data_changes.PHASES.index(step.phase), step.when == data_changes.AFTER_PROMOTION


def _dialect(step: DataStep) -> str:
    return "sqlite" if step.setting("engine") == "sqlite" else "postgres"


def _shared(declared: Iterable[DataStep], one: str, other: str) -> bool:
    spans = {step.setting("shared", "environment") for step in declared}
    same = one.partition("/")[0] == other.partition("/")[0]
    return "estate" in spans or ("environment" in spans and same)


def _engine(binding: Binding, spec: Service, change: kinds.DataChange) -> str:
    found = Index(binding).refer("Datastore", change.datastore, spec)
    store = binding.entities[found[0]].spec if len(found) == 1 else None
    return store.engine if isinstance(store, Datastore) else "postgres"


def _step(change: kinds.DataChange, step: kinds.DataStep, engine: str) -> DataStep:
    """With everything that its runner needs, so that a release keeps what it was planned with."""
    lock = step.lock_timeout or change.lock_timeout
    takes = step.statement_timeout or change.statement_timeout
    settings = {
        "datastore": change.datastore,
        "engine": engine,
        "url": change.url,
        "folder": change.folder,
        "shared": change.shared,
        "environment": json.dumps(change.environment),
        "lock_timeout": _seconds(lock),
        "lock_attempts": str(change.lock_attempts),
        "statement_timeout": _seconds(takes),
        **dict(_own(step)),
    }
    return DataStep(step.name, step.phase, step.undoable, tuple(sorted(settings.items())))


def _own(step: kinds.DataStep) -> Iterator[tuple[str, str]]:
    for key in ("revision", "sql", "file", "down", "when", "compatible"):
        value = getattr(step, key)
        if value:
            yield key, value
    if step.command:
        yield "command", json.dumps(step.command)
    if step.after:
        yield "after", _seconds(step.after)
    fill = step.backfill
    if fill is None:
        return
    for key in ("table", "key", "statement", "remaining"):
        value = getattr(fill, key)
        if value:
            yield key, value
    yield "batch", str(fill.batch)
    yield "pause", _seconds(fill.pause)


def _seconds(duration: str) -> str:
    return f"{float(units.seconds(duration)):g}"
