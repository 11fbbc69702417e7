"""The data plan of a release as its page shows it: a compact panel, from the record alone.

Pure but for the record: no data store is asked for a page. Used by templates/data.html of the
portal and by the API.
"""

from dataclasses import dataclass
from typing import Any

from telford.deliver import data_changes
from telford.deliver.data_changes import DataStep, DataView
from telford.ports import data as ports
from telford.store.data_plans import DataPlan
from telford.store.releases import Release
from telford.store.store import Store

_MEANINGS = {
    "done": ("good", "good"),
    "running": ("good", "run"),
    "waiting": ("watch", "wait"),
    "locked": ("watch", "lock"),
    "paused": ("watch", "pause"),
    "failed": ("bad", "bad"),
}


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: `meaning` (good, watch, bad) and `shape` are a mark's; `share` of its rows done, 0
    to 1, None where nobody counts them; `rows` in words.
    """

    name: str
    phase: str
    status: str
    meaning: str
    shape: str
    rows: str
    share: float | None
    why: str
    reversible: bool
    irreversible_says: str


@dataclass(frozen=True, slots=True)
class DataPanel:
    """`says` what happens next or why nothing does, `back` why there is no way back ("" while there
    is), `announced` the plan in a sentence, as it was said before the start.
    """

    plan: str
    service: str
    active: bool
    says: str
    back: str
    announced: str
    steps: tuple[StepView, ...]

    def as_json(self) -> dict[str, Any]:
        """For the API; stable."""
        return {
            "plan": self.plan,
            "active": self.active,
            "says": self.says,
            "forward_fix": self.back,
            "announced": self.announced,
            "steps": [
                {
                    "name": one.name,
                    "phase": one.phase,
                    "status": one.status,
                    "rows": one.rows,
                    "share": one.share,
                    "why": one.why,
                    "reversible": one.reversible,
                }
                for one in self.steps
            ],
        }


def panel(store: Store, release: Release, declared: tuple[DataStep, ...]) -> DataPanel | None:
    """The panel of a release; None where it changes no data. `declared` is `policy.data`."""
    if not declared:
        return None
    plan = store.data_plans.latest(release.place, release.service)
    known = [ports.view(one) for one in plan.views] if plan else []
    return draw(plan, release.service, declared, data_changes.aligned(declared, known))


def draw(
    plan: DataPlan | None,
    service: str,
    declared: tuple[DataStep, ...],
    views: tuple[DataView, ...],
) -> DataPanel:
    """The panel from values."""
    return DataPanel(
        plan=plan.id if plan else "",
        service=service,
        active=bool(plan and plan.active),
        says=_says(plan, declared, views),
        back=data_changes.forward_fix(declared, views),
        announced=data_changes.announce(declared),
        steps=tuple(_step(one, view) for one, view in zip(declared, views, strict=True)),
    )


def _says(
    plan: DataPlan | None, declared: tuple[DataStep, ...], views: tuple[DataView, ...]
) -> str:
    if data_changes.finished(declared, views):
        return "every step is done"
    if plan is not None and plan.why:
        return plan.why
    view = next(one for one in views if one.status != "done")
    why = f": {view.why}" if view.why else ""
    return f"{view.name} is {view.status}{data_changes.counted(view)}{why}"


def _step(step: DataStep, view: DataView) -> StepView:
    meaning, shape = _MEANINGS.get(view.status, ("watch", "wait"))
    share = min(view.done / view.total, 1.0) if view.total else None
    return StepView(
        name=step.name,
        phase=step.phase,
        status=view.status,
        meaning=meaning,
        shape=shape,
        rows=data_changes.counted(view).removeprefix(", "),
        share=share,
        why=view.why,
        reversible=step.reversible,
        irreversible_says="" if step.reversible else "no way back once it has begun",
    )
