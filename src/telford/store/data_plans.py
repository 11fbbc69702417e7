"""Data plans: what a service's data go through in a place, one row a plan.

The truth about a step stands in the data store itself; `views` is how it was last seen. People
create a row and say what they wish (`wish`, `contract`), each wish with a generation of its own;
only the holder of the place's lease writes the rest. `slot` keeps a second active plan of a service
out of a place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from telford.basics.errors import RefusedError
from telford.store import schema
from telford.store.database import Database, Writing, columns

WISHES = ("run", "pause", "stop")
_TABLE = schema.data_plans
MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class DataPlan:
    """`service` is the canonical address, `name` what the data plane calls it; `version` the one
    that the steps are made for; `release` the last one that waits for them, or None. `steps` and
    `views` are plain JSON (`telford.ports.data`). `contract` says that a person asked for the
    contracting steps; `progress` what was asked of the durable engine. Times in epoch seconds.
    """

    id: str
    service: str
    name: str
    place: str
    version: str
    release: str | None
    steps: Sequence[Mapping[str, Any]]
    views: Sequence[Mapping[str, Any]]
    wish: str
    contract: bool
    generation: int
    who: str
    reason: str
    created_at: float
    active: bool = True
    progress: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    updated_at: float = 0.0
    epoch: int = 0


class DataPlans:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, plan: str) -> DataPlan | None:
        """One by its id."""
        found = self._find(_TABLE.c.id == plan)
        return found[0] if found else None

    def latest(self, place: str, service: str) -> DataPlan | None:
        """The newest of a service (address or name) in a place, active or not."""
        named = sa.or_(_TABLE.c.service == service, _TABLE.c.name == service)
        found = self._find(_TABLE.c.place == place, named)
        return found[0] if found else None

    def active(self, place: str) -> tuple[DataPlan, ...]:
        """All active ones of a place, the one that was written longest ago first."""
        found = self._find(_TABLE.c.place == place, _TABLE.c.slot.is_not(None))
        return tuple(sorted(found, key=lambda one: (one.updated_at, one.id)))

    def everywhere(self, service: str) -> tuple[DataPlan, ...]:
        """All of a service, newest first."""
        return self._find(_TABLE.c.service == service)

    def create(self, writing: Writing, plan: DataPlan) -> DataPlan:
        """Write it down, with a generation above all that the service has had in any place.

        Raises `RefusedError` where the service has an active plan in the place already.
        """
        values = _values(plan) | {"generation": _next(writing, plan.service)}
        try:
            writing.connection.execute(sa.insert(_TABLE).values(values))
        except exc.IntegrityError as error:
            raise RefusedError(
                f"{plan.service} already has a data plan under way in {plan.place}",
                fix=f"see it: telford data {plan.name}",
            ) from error
        return _plan(values)

    def wish(self, writing: Writing, plan: DataPlan, changed: Mapping[str, Any]) -> None:
        """What a person changes; whatever is under way for an older wish is refused from then on."""
        values = {**changed, "generation": _next(writing, plan.service), "updated_at": writing.at}
        if "active" in values:
            values["slot"] = _slot(plan) if values.pop("active") else None
        writing.connection.execute(sa.update(_TABLE).where(_TABLE.c.id == plan.id).values(values))

    def issue(self, writing: Writing, service: str) -> int:
        """A generation above all that the service has had in any place."""
        return _next(writing, service)

    def save(self, writing: Writing, plans: Iterable[DataPlan]) -> None:
        """Write what a tick made of them, except where a person has wished something meanwhile.

        Needs the lease.
        """
        lease = writing.fenced
        for plan in plans:
            values = {
                "slot": _slot(plan) if plan.active else None,
                "views": plan.views,
                "progress": plan.progress,
                "why": plan.why,
                "updated_at": writing.at,
                "epoch": lease.epoch,
            }
            before = [_TABLE.c.id == plan.id]
            if plan.epoch == lease.epoch:
                before.append(_TABLE.c.generation == plan.generation)
            else:
                # Taken over: whatever the controller before has under way comes late from now on.
                values["generation"] = _next(writing, plan.service)
            writing.connection.execute(sa.update(_TABLE).where(*before).values(values))

    def _find(self, *where: sa.ColumnElement[bool]) -> tuple[DataPlan, ...]:
        query = sa.select(_TABLE).where(*where).order_by(_TABLE.c.created_at.desc(), _TABLE.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(MAX_LIST))
            return tuple(_plan(dict(row._mapping)) for row in rows)  # noqa: SLF001


def _next(writing: Writing, service: str) -> int:
    highest = sa.select(sa.func.max(_TABLE.c.generation)).where(_TABLE.c.service == service)
    return int(writing.connection.execute(highest).scalar_one() or 0) + 1


def _slot(plan: DataPlan) -> str:
    return f"{plan.place} {plan.service}"


def _values(plan: DataPlan) -> dict[str, Any]:
    values = columns(plan)
    values["slot"] = _slot(plan) if values.pop("active") else None
    values["updated_at"] = plan.updated_at or plan.created_at
    values["steps"], values["views"] = list(plan.steps), list(plan.views)
    return values


def _plan(values: dict[str, Any]) -> DataPlan:
    values["active"] = values.pop("slot") is not None
    return DataPlan(**values)
