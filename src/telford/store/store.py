"""The store: every noun's module over one database, opened by URL, migrated at opening.

Made by `telford.app.wiring` and by tests; used by the controller, the use cases and the portal.
Safe to use from several threads and from several processes.
"""

from contextlib import AbstractContextManager

from telford.basics import clock as clocks
from telford.store import engine as engines
from telford.store import migrate
from telford.store.approvals import Approvals
from telford.store.audit import Audit
from telford.store.bindings import Bindings
from telford.store.commands import Commands
from telford.store.controllers import Controllers
from telford.store.data_plans import DataPlans
from telford.store.database import Database, Lease, Writing
from telford.store.events import Events
from telford.store.git_changes import GitChanges
from telford.store.leases import Leases
from telford.store.ledger import Ledger
from telford.store.measurements import Measurements
from telford.store.objectives import Objectives
from telford.store.quarantines import Quarantines
from telford.store.readings import Readings
from telford.store.releases import Releases
from telford.store.retention import Retention
from telford.store.rollouts import Rollouts
from telford.store.versions import Versions


class Store:
    """All records. Raises `TemporaryError`/`PermanentError` where the database cannot be had.

    `own_clock` is for simulations; see `Database`.
    """

    def __init__(self, url: str, clock: clocks.Clock, *, own_clock: bool = False) -> None:
        self._database = Database(url, clock, own_clock=own_clock)
        try:
            with engines.wrapped(url):
                migrate.upgrade(self._database.engine)
        except BaseException:
            self._database.engine.dispose()
            raise
        self.approvals = Approvals(self._database)
        self.audit = Audit(self._database)
        self.bindings = Bindings(self._database)
        self.commands = Commands(self._database)
        self.controllers = Controllers(self._database)
        self.data_plans = DataPlans(self._database)
        self.git_changes = GitChanges(self._database)
        self.events = Events(self._database)
        self.leases = Leases(self._database)
        self.ledger = Ledger(self._database)
        self.measurements = Measurements(self._database)
        self.objectives = Objectives(self._database)
        self.quarantines = Quarantines(self._database)
        self.readings = Readings(self._database)
        self.releases = Releases(self._database)
        self.retention = Retention(self.audit)
        self.rollouts = Rollouts(self._database)
        self.versions = Versions(self._database)

    @property
    def clock(self) -> clocks.Clock:
        """The clock that all who share this store agree on, as of the last write."""
        return self._database.clock

    def now(self) -> float:
        """What the database's clock says (the process's, where it has none)."""
        return self._database.now()

    def writing(self, lease: Lease | None = None) -> AbstractContextManager[Writing]:
        """One write transaction; see `Database.writing`."""
        return self._database.writing(lease)

    def close(self) -> None:
        """Give the connections back."""
        self._database.engine.dispose()
