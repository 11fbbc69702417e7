"""Rollouts: a version on its way through several places, each with a release of its own.

A row is written once, with the releases it begins, and never changed: how a rollout stands follows
from its releases and from what people asked of it (`telford.deliver.waves`), which is written down
act after act.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from telford.basics.errors import RefusedError, UsageError
from telford.deliver import turns
from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.rollouts
_ACTS = schema.rollout_acts
MAX_LIST = 200
# Databases limit how many values one query may carry.
MAX_KEYS = 500
# People ask a few things of a rollout; a program that asks again and again is told to end.
MAX_ACTS = 100


@dataclass(frozen=True, slots=True)
class Rollout:
    """`service` is the canonical address, `name` what data planes call it; `waves` the JSON of
    `telford.deliver.waves.Waves`; `releases` maps each place to its release's id; `created_at` is
    epoch seconds.
    """

    id: str
    service: str
    name: str
    to_version: str
    digest: str
    waves: Mapping[str, Any]
    releases: Mapping[str, str]
    who: str
    reason: str
    created_at: float


class Rollouts:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, writing: Writing, rollout: Rollout) -> None:
        """Write it down, in the transaction of its releases."""
        writing.connection.execute(sa.insert(_TABLE).values(columns(rollout)))

    def get(self, rollout: str) -> Rollout | None:
        """One by its id."""
        query = sa.select(_TABLE).where(_TABLE.c.id == rollout)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Rollout(**row._mapping)  # noqa: SLF001

    def some(self, rollouts: Iterable[str]) -> tuple[Rollout, ...]:
        """These, by id; those that are not there are left out."""
        keys = sorted(set(rollouts))
        found: list[Rollout] = []
        with self._database.reading() as connection:
            for begin in range(0, len(keys), MAX_KEYS):
                query = sa.select(_TABLE).where(_TABLE.c.id.in_(keys[begin : begin + MAX_KEYS]))
                found += [Rollout(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
        return tuple(found)

    def ask(self, writing: Writing, rollout: str, number: int, act: turns.Asked) -> None:
        """Write down what a person asks; `number` counts from 0 and is that of the acts they saw.

        Raises `RefusedError` where somebody else's act came in between: what was seen is no more.
        """
        if act.verb not in turns.VERBS:
            raise UsageError(f"no such act: {act.verb}", fix=f"one of {', '.join(turns.VERBS)}")
        if number >= MAX_ACTS:
            raise RefusedError(f"{rollout} was asked {MAX_ACTS} things already")
        row = {"rollout": rollout, "number": number, **columns(act)}
        try:
            writing.connection.execute(sa.insert(_ACTS).values(row))
        except exc.IntegrityError as error:
            raise RefusedError(
                f"somebody else acted on {rollout} at the same moment",
                fix="look at it again, then ask",
            ) from error

    def asked(self, rollouts: Iterable[str]) -> dict[str, tuple[turns.Asked, ...]]:
        """Rollout -> what was asked of it, in that order; () where nothing was."""
        keys = sorted(set(rollouts))
        found: dict[str, tuple[turns.Asked, ...]] = dict.fromkeys(keys, ())
        with self._database.reading() as connection:
            for begin in range(0, len(keys), MAX_KEYS):
                query = (
                    sa.select(_ACTS)
                    .where(_ACTS.c.rollout.in_(keys[begin : begin + MAX_KEYS]))
                    .order_by(_ACTS.c.rollout, _ACTS.c.number)
                )
                for row in connection.execute(query):
                    act = turns.Asked(row.verb, row.who, row.reason, row.at, row.keep)
                    found[row.rollout] += (act,)
        return found

    def find(self, *, service: str = "", limit: int = 50) -> tuple[Rollout, ...]:
        """Newest first, at most `limit` (and at most `MAX_LIST`)."""
        query = sa.select(_TABLE)
        if service:
            query = query.where(sa.or_(_TABLE.c.service == service, _TABLE.c.name == service))
        query = query.order_by(_TABLE.c.created_at.desc(), _TABLE.c.id).limit(min(limit, MAX_LIST))
        with self._database.reading() as connection:
            return tuple(Rollout(**row._mapping) for row in connection.execute(query))  # noqa: SLF001
