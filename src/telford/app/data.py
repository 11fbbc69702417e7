"""Data changes for people: how a plan stands, what it would do, and the acts on it.

Used by `telford data`, the API and the release page. Whatever a person asks is written into the
plan's row, with a generation of its own; the place's controller takes it up at its next tick.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from telford.app import data_plan, workloads
from telford.basics.errors import RefusedError, TelfordError
from telford.deliver import data_changes
from telford.deliver.data_changes import DataStep, DataView
from telford.deliver.data_compatibility import Unfit
from telford.estate.model import Binding
from telford.ports import data as ports
from telford.ports.data import DataChanges
from telford.store.data_plans import DataPlan
from telford.store.store import Store

VERBS = ("run", "pause", "resume", "contract", "stop", "undo")


@dataclass(frozen=True, slots=True)
class Overview:
    """A service's data in a place: the plan that is written down (None: none yet), the steps of
    the estate, how they stand, and `live` whether the data store itself said so (else the record).
    """

    service: str
    name: str
    place: str
    version: str
    steps: tuple[DataStep, ...]
    views: tuple[DataView, ...]
    plan: DataPlan | None
    live: bool
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the API; stable. Nothing secret is in a step's settings."""
        plan = self.plan
        return {
            "service": self.service,
            "place": self.place,
            "to_version": self.version,
            "plan": plan.id if plan else None,
            "active": bool(plan and plan.active),
            "wish": plan.wish if plan else None,
            "generation": plan.generation if plan else None,
            "release": plan.release if plan else None,
            "why": plan.why if plan else "",
            "announced": data_changes.announce(self.steps),
            "forward_fix": data_changes.forward_fix(self.steps, self.views),
            "live": self.live,
            "problem": self.problem,
            "steps": [
                {**dataclasses.asdict(view), "reversible": step.reversible, "when": _when(step)}
                for step, view in zip(self.steps, self.views, strict=True)
            ],
        }


def overview(
    store: Store, binding: Binding, service: str, changes: DataChanges | None = None
) -> Overview:
    """How a service's data stand. With `changes` the data store itself is asked.

    Raises `UsageError` for a service that is not there, `RefusedError` where it changes no data.
    """
    bound = workloads.named(binding, service)
    address, place = str(bound.entity.address), str(binding.place)
    plan = store.data_plans.latest(place, address)
    declared = data_plan.steps(binding, bound)
    if plan is not None and (plan.active or not declared):
        declared = tuple(ports.step(one) for one in plan.steps)
    if not declared:
        raise _nothing(address, place)
    version = plan.version if plan else workloads.version_of(bound)
    known = [ports.view(one) for one in plan.views] if plan else []
    views, live, problem = data_changes.aligned(declared, known), False, ""
    if changes is not None:
        try:
            seen = changes.state(data_plan.task(address, version, place, declared))
        except TelfordError as error:
            problem = error.message
        else:
            views, live = _merged(views, seen), True
    return Overview(address, bound.spec.name, place, version, declared, views, plan, live, problem)


def described(binding: Binding, service: str) -> Overview:
    """What the estate says that a release of a service does to data; no records are needed.

    Raises as `overview` does.
    """
    bound = workloads.named(binding, service)
    address, place = str(bound.entity.address), str(binding.place)
    declared = data_plan.steps(binding, bound)
    if not declared:
        raise _nothing(address, place)
    views = data_changes.planned(declared)
    version = workloads.version_of(bound)
    return Overview(address, bound.spec.name, place, version, declared, views, None, live=False)


def check(changes: DataChanges, seen: Overview) -> tuple[Unfit, ...]:
    """What of the expanding steps the version before would not bear."""
    asked = data_plan.task(seen.service, seen.version, seen.place, seen.steps)
    return data_plan.unfit(changes, asked)


def run(store: Store, changes: DataChanges, seen: Overview, *, who: str) -> None:
    """Begin the plan by hand, without a release: everything before a switch. Or go on with it.

    Raises `RefusedError` where an expanding step does not only expand.
    """
    asked = data_plan.task(seen.service, seen.version, seen.place, seen.steps)
    data_plan.require_fit(changes, asked)
    if seen.plan is not None and seen.plan.active:
        wish(store, seen.plan, "run", who=who)
        return
    with store.writing() as writing:
        data_plan.begin(
            store,
            writing,
            seen.steps,
            service=(seen.service, seen.name),
            place=seen.place,
            version=seen.version,
            release=None,
            who=who,
        )


def wish(store: Store, plan: DataPlan | None, verb: str, *, who: str, reason: str = "") -> None:
    """Ask for `run`, `pause`, `resume`, `stop` or `contract`; the controller's next tick obeys.

    Raises `RefusedError` where there is no plan under way.
    """
    if plan is None or not plan.active:
        raise RefusedError(
            "no data plan is under way", fix="begin one: telford data SERVICE run, or release"
        )
    changed: dict[str, Any] = {"wish": "run" if verb in {"resume", "contract"} else verb}
    if verb == "contract":
        _refuse_early(plan)
        changed["contract"] = True
    if changed["wish"] == "run":
        changed["views"] = [_fresh(one) for one in plan.views]
    with store.writing() as writing:
        store.data_plans.wish(writing, plan, changed)
        detail = {"reason": reason, "service": plan.service, "place": plan.place}
        store.audit.append(writing, who, f"asked data to {verb}", f"data/{plan.id}", detail)


def undo(
    store: Store, changes: DataChanges, seen: Overview, step: str, *, who: str
) -> tuple[DataView, ...]:
    """Take the last done step back now. Raises `RefusedError` where it says no way back, or while
    a plan is under way.
    """
    if seen.plan is not None and seen.plan.active:
        raise RefusedError(
            f"the data plan of {seen.service} is under way",
            fix=f"stop it first: telford data {seen.name} stop",
        )
    if step not in {one.name for one in seen.steps}:
        raise RefusedError(f"{seen.service} has no data step {step!r}")
    with store.writing() as writing:
        generation = store.data_plans.issue(writing, seen.service)
        detail = {"step": step, "place": seen.place}
        subject = f"data/{seen.plan.id if seen.plan else seen.name}"
        store.audit.append(writing, who, "asked data to undo", subject, detail)
    asked = data_plan.task(seen.service, seen.version, seen.place, seen.steps)
    return changes.undo(asked, step, generation)


def _nothing(address: str, place: str) -> RefusedError:
    return RefusedError(
        f"{address} changes no data in {place}", fix="say what it changes: dataChanges"
    )


def _refuse_early(plan: DataPlan) -> None:
    left = [
        one["name"] for one in plan.views if one["phase"] != "contract" and one["status"] != "done"
    ]
    if left:
        raise RefusedError(
            f"nothing is taken away before {', '.join(left)} is done",
            fix="let the release and its data steps end first",
        )


def _fresh(view: Any) -> dict[str, Any]:
    """A failed step is tried again once a person says so."""
    failed = view["status"] == "failed"
    return {**view, "status": "waiting", "why": ""} if failed else dict(view)


def _merged(known: tuple[DataView, ...], seen: tuple[DataView, ...]) -> tuple[DataView, ...]:
    """The data store knows what is done; why nothing is done yet only the record knows."""
    return tuple(
        old if new.status == "waiting" and old.status in {"waiting", "locked"} else new
        for old, new in zip(known, seen, strict=True)
    )


def _when(step: DataStep) -> str:
    return step.when if step.phase == "migrate" else ""
