"""Orders that survive a kill: each is a durable workflow on DBOS, the only use of that library.

A workflow has two steps, ask and confirm. The library is a process-wide singleton, so a process
has one `DurableOrders` at a time; workflows run on a few threads however many are waiting. What it
keeps is JSON (its default is pickle).

Each epoch of a place's lease is an executor of its own, and an order's id in the library's database
ends in that epoch. So a new controller never waits for what a dead one had under way: it cancels it
(one that was only stopped finds its workflow cancelled and goes no further) and, because the id is
not known in its own epoch, is asked for it again. What *ended* in an earlier epoch counts, and is
not done again. docs/decisions/0019-orders-carry-their-epoch.md.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus, error

from telford.basics.errors import TelfordError, TemporaryError
from telford.flows.carrying import Carrier
from telford.flows.orders import Order, Status
from telford.store import engine as engines
from telford.store.database import Lease

# Recovery finds its own work by name and version; they change when the steps do.
APPLICATION = "telford"
STEPS_VERSION = "orders-1"
# How many epochs back an order that ended is looked for. Each life of a controller is one; an
# order that none of so many lives took note of is carried out again, which changes nothing.
EARLIER_EPOCHS = 16
# Orders wait for a data plane, not for a processor; eight changes of weight a few milliseconds
# each keep a thousand releases moving.
MAX_THREADS = 8
# Nothing here waits for notifications, and looking for none costs nothing; but closing waits for
# the listener to wake up.
NOTIFICATION_POLLING_SECONDS = 0.5
# At once; a tick waits for it.
MAX_FORGOTTEN = 200
# Threads that carry out, the tick's own questions, and the library's listeners.
POOL_SIZE = MAX_THREADS + 4
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_PENDING = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


class DurableOrders:
    """Implements `telford.flows.orders.Orders` for the holder of `lease`; `url` is the database
    that the library keeps its tables in. Raises `TemporaryError` where it does not answer.
    """

    def __init__(self, url: str, carrier: Carrier, lease: Lease) -> None:
        _preset_wal(url)
        self._lease = lease
        # Its logger speaks of every cancelled workflow; what matters comes back in a status.
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        with _told():
            DBOS(config=_config(url, _executor(lease)))
            self._workflow = _workflow(carrier)
            DBOS.launch()
            self._cancel_earlier()

    def submit(self, key: str, order: Order) -> None:
        """See `Orders.submit`."""
        if self._ended_earlier([key]):
            return
        with _told(), SetWorkflowID(_id(key, self._lease.epoch)):
            DBOS.start_workflow(self._workflow, order.kind, dict(order.arguments))

    def statuses(self, keys: Collection[str]) -> Mapping[str, Status]:
        """See `Orders.statuses`."""
        if not keys:
            return {}
        ids = {_id(key, self._lease.epoch): key for key in keys}
        with _told():
            found = DBOS.list_workflows(workflow_ids=sorted(ids), load_input=False)
        known = {ids[one.workflow_id]: _status(one) for one in found}
        return self._ended_earlier([key for key in keys if key not in known]) | known

    def _ended_earlier(self, keys: Collection[str]) -> dict[str, Status]:
        """Those that came to an end under an earlier epoch of the place's lease."""
        newest = self._lease.epoch
        epochs = range(max(1, newest - EARLIER_EPOCHS), newest)
        ids = {_id(key, epoch): key for epoch in epochs for key in keys}
        if not ids:
            return {}
        with _told():
            found = DBOS.list_workflows(
                workflow_ids=sorted(ids), status="SUCCESS", load_input=False
            )
        return {ids[one.workflow_id]: _status(one) for one in found}

    def _cancel_earlier(self) -> None:
        """Whoever had something under way for this place before is overtaken."""
        mine, place = _executor(self._lease), self._lease.name
        under_way = DBOS.list_workflows(
            status=sorted(_PENDING), load_input=False, load_output=False
        )
        dead = [
            one.workflow_id
            for one in under_way
            if one.executor_id is not None
            and one.executor_id != mine
            and one.executor_id.rpartition("@")[0] == place
        ]
        if dead:
            DBOS.cancel_workflows(dead)

    def forget(self, before: float) -> None:
        """See `Orders.forget`."""
        moment = datetime.fromtimestamp(before, UTC).isoformat()
        with _told():
            old = DBOS.list_workflows(
                status=_ENDED,
                end_time=moment,
                limit=MAX_FORGOTTEN,
                load_input=False,
                load_output=False,
            )
            if old:
                DBOS.delete_workflows([one.workflow_id for one in old])

    def close(self) -> None:
        """Stop the library's threads; what is unfinished goes on at the next start."""
        DBOS.destroy(destroy_registry=True)


@contextmanager
def _told() -> Iterator[None]:
    """The library's failures as ours: the controller goes on and asks again next tick."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, error.DBOSException) as failure:
        raise TemporaryError("the durable engine's database does not answer") from failure


def _workflow(carrier: Carrier) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """The two steps as a durable workflow. The library decorates functions, never methods."""

    @DBOS.step(name="ask")
    def ask(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return dict(carrier.ask(kind, arguments))

    @DBOS.step(name="confirm")
    def confirm(kind: str, arguments: dict[str, Any]) -> None:
        carrier.confirm(kind, arguments)

    @DBOS.workflow(name="telford.order")
    def carry_out(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A place that says no is an answer, not a crash."""
        try:
            result = ask(kind, arguments)
            confirm(kind, arguments)
        except TelfordError as refusal:
            return {"phase": "failed", "problem": refusal.message, "result": {}}
        return {"phase": "done", "problem": "", "result": result}

    return carry_out


def _id(key: str, epoch: int) -> str:
    return f"{key}@{epoch}"


def _executor(lease: Lease) -> str:
    return f"{lease.name}@{lease.epoch}"


def _config(url: str, executor: str) -> DBOSConfig:
    arguments: dict[str, Any] = {"pool_size": POOL_SIZE}
    arguments["connect_args"] = engines.arguments(engines.with_driver(url))
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=url,
        application_version=STEPS_VERSION,
        executor_id=executor,
        db_engine_kwargs=arguments,
        serializer=DBOSPortableJSONSerializer(),
        max_executor_threads=MAX_THREADS,
        notification_listener_polling_interval_sec=NOTIFICATION_POLLING_SECONDS,
        enable_otlp=False,
        log_level="CRITICAL",
    )


def _preset_wal(url: str) -> None:
    """The library does not choose a journal; in WAL a step costs a third."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        with closing(sqlite3.connect(parsed.database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _status(workflow: WorkflowStatus) -> Status:
    if workflow.status in _PENDING:
        return Status("pending")
    output = workflow.output
    if workflow.status == "SUCCESS" and isinstance(output, dict):
        phase, problem = output.get("phase", "failed"), output.get("problem", "")
        return Status(phase, problem, output.get("result", {}))
    return Status("failed", f"the order ended as {workflow.status.lower()}")
