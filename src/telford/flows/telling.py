"""Tell listeners what happened: from the outbox, in order, at least once, each at its own pace.

A step takes, for every subscription, the events after its cursor and tells those that it is about.
What is taken moves the cursor; what is not is tried again, later each time, and after
`MAX_ATTEMPTS` (or at once, where it never will be taken) is kept as lost and passed by, so that one
listener that is gone holds up nothing but itself. Killed between a telling and its commit, the next
controller tells that one event again under the same id. Runs in a thread of its own beside the
controller, under the same lease; made by the app floor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from telford.basics.errors import PermanentError, TelfordError
from telford.deliver.events import Event
from telford.flows import boundaries as edges
from telford.ports.listeners import Listener
from telford.store import events as stored
from telford.store.database import Lease
from telford.store.store import Store

FIRST_RETRY_SECONDS = 2.0
RETRY_CAP_SECONDS = 900.0
# With the pauses doubled up to a quarter of an hour these are about a day.
MAX_ATTEMPTS = 100
_DOUBLINGS = 10
# At most so many of one subscription in one step: others have their turn.
PAGE = 50


@dataclass(frozen=True, slots=True)
class Told:
    """A subscription at work: its canonical address, which events it is about, its listener."""

    address: str
    about: Callable[[Event], bool]
    listener: Listener


class Teller:
    """Tells the events of one place."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        subscriptions: Sequence[Told],
        boundaries: edges.Boundaries,
    ) -> None:
        self._store = store
        self._lease = lease
        self._subscriptions = tuple(subscriptions)
        self._boundaries = boundaries

    def step(self) -> tuple[str, ...]:
        """Tell what is due. Returns what went wrong, as sentences. Raises `RefusedError` where another
        controller has the place, and what the store raises.
        """
        known = {one.subscription: one for one in self._store.events.cursors(self._lease.name)}
        problems = []
        for one in self._subscriptions:
            cursor = known.get(one.address) or self._begin(one.address)
            problems += self._serve(one, cursor)
        return tuple(problems)

    def _begin(self, subscription: str) -> stored.Cursor:
        """A new subscription hears of what happens from now on."""
        place = self._lease.name
        cursor = stored.Cursor(place, subscription, self._store.events.newest(place))
        self._move(cursor)
        return cursor

    def _serve(self, one: Told, cursor: stored.Cursor) -> list[str]:
        if self._store.clock.now() < cursor.next_at:
            return []
        problems: list[str] = []
        for row in self._store.events.following(self._lease.name, cursor.sequence, PAGE):
            after = self._tell(one, cursor, row)
            if after.problem:
                problems.append(f"{one.address}: {after.problem}")
            if after.sequence == cursor.sequence:
                break
            cursor = after
        return problems

    def _tell(self, one: Told, cursor: stored.Cursor, row: stored.Event) -> stored.Cursor:
        """The cursor after one try of one event."""
        event = Event.from_json(row.event)
        taken = replace(cursor, sequence=row.sequence, attempts=0, next_at=0.0, problem="")
        if not one.about(event):
            self._move(taken)
            return taken
        try:
            with edges.around(self._boundaries, edges.EVENT_TELL):
                one.listener.tell(event)
        except TelfordError as error:
            return self._again(cursor, taken, row, error)
        told = replace(taken, told_at=self._store.clock.now())
        self._move(told)
        return told

    def _again(
        self, cursor: stored.Cursor, taken: stored.Cursor, row: stored.Event, error: TelfordError
    ) -> stored.Cursor:
        """Later, or never."""
        now, attempts = self._store.clock.now(), cursor.attempts + 1
        if isinstance(error, PermanentError) or attempts >= MAX_ATTEMPTS:
            lost = replace(taken, problem=error.message)
            self._move(
                lost, stored.Lost(cursor.place, cursor.subscription, row.id, now, error.message)
            )
            return lost
        pause = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, _DOUBLINGS), RETRY_CAP_SECONDS)
        later = replace(cursor, attempts=attempts, next_at=now + pause, problem=error.message)
        self._move(later)
        return later

    def _move(self, cursor: stored.Cursor, lost: stored.Lost | None = None) -> None:
        with self._store.writing(self._lease) as writing:
            self._store.events.move(writing, cursor)
            if lost is not None:
                self._store.events.lose(writing, lost)
