"""Acts of people on the gates of a release: approvals, refusals, withdrawals, overrides.

Append-only: a person's last word counts, the others stay for the record. Whether somebody may is
decided before (`telford.app.gating`), from the estate as it is then; the row keeps who they were in
it. People write these; a controller only reads them, at every tick, for all its releases at once.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from telford.basics.errors import RefusedError, UsageError
from telford.store import schema
from telford.store.database import Database, Writing, columns

VERBS = ("approve", "refuse", "withdraw", "override")
_TABLE = schema.approvals
# One query takes no more ids at once than every database takes parameters.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Act:
    """`id` is chosen by who asks, so that asking twice is asking once. `who` is the name that was
    given, `person` the address of the one it means, `level` theirs at the time; `step` is the
    release's step (0-based) that the act was about.
    """

    id: str
    release: str
    gate: str
    step: int
    verb: str
    who: str
    person: str
    level: str
    reason: str
    at: float


class Approvals:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, writing: Writing, act: Act) -> bool:
        """Write it down; False where one of the same id is there already.

        Raises `RefusedError` where the release is over: looked at in the same transaction.
        """
        if act.verb not in VERBS:
            raise UsageError(f"no such act: {act.verb}", fix=f"one of {', '.join(VERBS)}")
        known = sa.select(_TABLE.c.id).where(_TABLE.c.id == act.id)
        if writing.connection.execute(known).one_or_none() is not None:
            return False
        release = schema.releases
        active = sa.select(release.c.slot).where(release.c.id == act.release)
        if writing.connection.execute(active).scalar_one_or_none() is None:
            raise RefusedError(f"{act.release} is over: its gates hold nothing up any more")
        latest = sa.select(sa.func.max(_TABLE.c.at)).where(_TABLE.c.release == act.release)
        before = writing.connection.execute(latest).scalar_one()
        # A person's last word counts, so no two words are of one moment, whatever the clock says.
        at = act.at if before is None else max(act.at, math.nextafter(before, math.inf))
        row = dataclasses.replace(act, at=at)
        writing.connection.execute(sa.insert(_TABLE).values(columns(row)))
        return True

    def of(self, release: str) -> tuple[Act, ...]:
        """All of a release, oldest first."""
        return self.some([release]).get(release, ())

    def some(self, releases: Iterable[str]) -> dict[str, tuple[Act, ...]]:
        """Release -> its acts, oldest first; releases without any are left out."""
        found: dict[str, list[Act]] = {}
        ids = sorted(set(releases))
        for start in range(0, len(ids), CHUNK):
            for act in self._some(ids[start : start + CHUNK]):
                found.setdefault(act.release, []).append(act)
        return {release: tuple(acts) for release, acts in found.items()}

    def _some(self, ids: list[str]) -> list[Act]:
        query = (
            sa.select(_TABLE).where(_TABLE.c.release.in_(ids)).order_by(_TABLE.c.at, _TABLE.c.id)
        )
        with self._database.reading() as connection:
            return [Act(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
