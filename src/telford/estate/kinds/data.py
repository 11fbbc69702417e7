"""How a service's data change with a release: ordered steps on one data store. Part of Service.

A change of data is safe where the version before and the new one both work at every moment:
**expand** adds what the new version needs and takes nothing away, **migrate** fills it, **contract**
takes away what only the version before needed. See docs/concepts/data-changes.md.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from telford.estate.kinds import base

# Never the address itself, which has a password in it.
URL_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/\S+)$"
BACKFILL_LIMIT = 100_000


def _url(text: str) -> str:
    """The text is in no message: who gets this wrong may have written a password."""
    if re.fullmatch(URL_PATTERN, text) is None:
        raise ValueError(
            "the address of a data store is not written here, only where it is found; "
            "write env:VARIABLE or file:/run/secrets/NAME"
        )
    return text


UrlText = Annotated[
    str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": URL_PATTERN})
]
Phase = Literal["expand", "migrate", "contract"]


class Backfill(base.Model):
    """Rows changed batch by batch, in the order of a key, each batch a transaction of its own.

    `statement` is SQL with `:first` and `:last`, the keys of a batch (both included); or, where
    `table` and `key` are not given, nothing is known of its progress and a `command` does it.
    """

    table: str | None = None
    # A unique column with an index: batches are taken in its order, and progress is its last value.
    key: str | None = None
    statement: str | None = None
    # SQL that counts what is still to do: 0 when all is done. Rows that the version before wrote
    # meanwhile are found by it, and the rows are gone through once more.
    remaining: str | None = None
    batch: Annotated[int, Field(ge=1, le=BACKFILL_LIMIT, strict=True)] = 1000
    # How long to rest after each batch, so that others have the data store too.
    pause: base.Duration = "100ms"


class DataStep(base.Model):
    """One step, done in exactly one way: an Alembic `revision`, `sql`, a `file` of SQL, a
    `backfill`, or a `command` (exit code 0: done, 75: call me again, there is more).
    """

    name: base.Name
    phase: Phase
    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")] | None = None
    sql: str | None = None
    file: str | None = None
    backfill: Backfill | None = None
    command: tuple[str, ...] = ()
    # What takes it back: SQL. Of an Alembic revision its `downgrade` does.
    down: str | None = None
    # Of a migrating step: whether the new version needs it before it gets requests.
    when: Literal["before-switch", "after-promotion"] | None = None
    # Of a contracting step: it is done by itself this long after the promotion, if no old version
    # runs anywhere then. By hand (`telford data SERVICE contract`) where it is not given.
    after: base.Duration | None = None
    # Whether the version before still works once it is done. Where it is not given: a contracting
    # step leaves no way back, the others do.
    reversible: bool | None = None
    # Why an expanding step does no harm to the version before, where its SQL does not show it.
    compatible: str | None = None
    lock_timeout: base.Duration | None = None
    statement_timeout: base.Duration | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = ("revision", "sql", "file", "backfill", "command")
        named = [one for one in ways if getattr(self, one)]
        base.exactly_one(
            len(named), "name exactly one of `revision`, `sql`, `file`, `backfill` or `command`"
        )
        return self

    @property
    def undoable(self) -> bool:
        """Whether the version before still works once it is done."""
        return self.phase != "contract" if self.reversible is None else self.reversible


class DataChange(base.Model):
    """The steps on one data store, in the order in which they happen."""

    datastore: str
    # Where its address is, at run time only: an environment variable or a file. A URL such as
    # ``postgresql://user:password@host/name``; it is never stored and never printed.
    url: UrlText
    # Which places use the same data: this one, all of its environment (its regions), or all. What
    # is taken away waits until no old version runs in any of them.
    shared: Literal["place", "environment", "estate"] = "environment"
    # Where `alembic.ini` or `env.py` and the files of SQL are, from the estate's folder.
    folder: str = "."
    # How long a statement may wait for a lock. While it waits, whoever comes after it waits too:
    # keep it below what the service's callers bear. It is tried again `lockAttempts` times.
    lock_timeout: base.Duration = "2s"
    lock_attempts: Annotated[int, Field(ge=1, le=50, strict=True)] = 5
    statement_timeout: base.Duration = "1m"
    # Environment variables that Alembic's `env.py` or a command needs, by name.
    environment: tuple[str, ...] = ()
    steps: Annotated[tuple[DataStep, ...], Field(min_length=1, max_length=50)]
