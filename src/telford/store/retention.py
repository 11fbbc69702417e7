"""What is forgotten, and when: old releases' ledgers and commands, and the audit log's beginning.

A release's row stays for ever; the entries and commands of one that ended before the limit go, and
so do audit entries as old. What remains of the audit log is still provable: whatever is cut off at
its beginning is said in an entry of the chain itself, with the hash that the rest builds on
(`telford.store.audit`). Called by the controller now and then, in its tick's transaction; each call
removes a bounded number of rows, the rest follows next time.
"""

import sqlalchemy as sa

from telford.store import schema
from telford.store.audit import Audit
from telford.store.database import Writing

# A release of an hour with ticks of a second has 3,600 entries; a tick waits for their removal.
MAX_RELEASES = 5


class Retention:
    """See the module."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def forget(self, writing: Writing, keep_seconds: float, who: str) -> int:
        """Remove what is older than `keep_seconds` (0: nothing ever is); the number of rows that
        went. Needs the lease.
        """
        place = writing.fenced.name
        if keep_seconds <= 0:
            return 0
        before = writing.at - keep_seconds
        old = _ended(writing.connection, place, before)
        gone = 0
        for table in (schema.ledger, schema.commands) if old else ():
            removal = sa.delete(table).where(table.c.release.in_(old))
            gone += writing.connection.execute(removal).rowcount
        return gone + self._audit.cut(writing, before, who)


def _ended(connection: sa.Connection, place: str, before: float) -> list[str]:
    """Releases that ended long ago and still have entries or commands."""
    releases = schema.releases
    left = [
        sa.exists().where(table.c.release == releases.c.id)
        for table in (schema.ledger, schema.commands)
    ]
    query = (
        sa.select(releases.c.id)
        .where(releases.c.place == place, releases.c.finished_at < before, sa.or_(*left))
        .order_by(releases.c.finished_at)
        .limit(MAX_RELEASES)
    )
    return list(connection.execute(query).scalars())
