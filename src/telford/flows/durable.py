"""Orders that survive a kill: each is a durable workflow on DBOS, the only use of that library.

A workflow has two steps, ask and confirm; a finished step is not run again after a restart, an
unfinished one is, and both are idempotent. The library is a process-wide singleton, so a process
has one `DurableOrders` at a time; workflows run on a few threads however many are waiting. What it
keeps is JSON (its default is pickle). It does not take over the work of another dead process:
leases and generations (`telford.store`, `telford.ports`) do that.
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

# Recovery finds its own work by name and version; they change when the steps do.
APPLICATION = "telford"
STEPS_VERSION = "orders-1"
EXECUTOR = "controller"
# Orders wait for a data plane, not for a processor; eight changes of weight a few milliseconds
# each keep a thousand releases moving.
MAX_THREADS = 8
# Nothing here waits for notifications, and looking for none costs nothing; but closing waits for
# the listener to wake up.
NOTIFICATION_POLLING_SECONDS = 0.5
# At once; a tick waits for it.
MAX_FORGOTTEN = 200
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_PENDING = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


class DurableOrders:
    """Implements `telford.flows.orders.Orders`; `url` is the library's own database."""

    def __init__(self, url: str, carrier: Carrier) -> None:
        _preset_wal(url)
        # Its logger speaks of every cancelled workflow; what matters comes back in a status.
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        DBOS(config=_config(url))
        self._workflow = _workflow(carrier)
        DBOS.launch()

    def submit(self, key: str, order: Order) -> None:
        """See `Orders.submit`."""
        with _told(), SetWorkflowID(key):
            DBOS.start_workflow(self._workflow, order.kind, dict(order.arguments))

    def statuses(self, keys: Collection[str]) -> Mapping[str, Status]:
        """See `Orders.statuses`."""
        if not keys:
            return {}
        with _told():
            found = DBOS.list_workflows(workflow_ids=sorted(keys), load_input=False)
        return {one.workflow_id: _status(one) for one in found}

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


def _config(url: str) -> DBOSConfig:
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=url,
        application_version=STEPS_VERSION,
        executor_id=EXECUTOR,
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
