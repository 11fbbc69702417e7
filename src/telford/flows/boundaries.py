"""The named instants just before and just after everything that has an effect.

A controller may be killed at any of them and must go on as if it had not been. Tests and
`tools/soak_kill.py` hand in a `Boundaries` that kills there; the real one does nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

TICK_READ = "tick.read"
STORE_COMMIT = "store.commit"
BINDING_WRITE = "binding.write"
COMMAND_TAKE = "command.take"
ORDER_SUBMIT = "order.submit"
ORDER_BEGIN = "order.begin"
CLUSTER_APPLY = "cluster.apply"
CLUSTER_REMOVE = "cluster.remove"
CLUSTER_REPLACE = "cluster.replace"
ROUTER_ROUTE = "router.route"
ORDER_CONFIRM = "order.confirm"
HOOK_CALL = "hook.call"
DATA_CHANGE = "data.change"

ALL = (
    TICK_READ,
    STORE_COMMIT,
    BINDING_WRITE,
    COMMAND_TAKE,
    ORDER_SUBMIT,
    ORDER_BEGIN,
    CLUSTER_APPLY,
    CLUSTER_REMOVE,
    CLUSTER_REPLACE,
    ROUTER_ROUTE,
    ORDER_CONFIRM,
    HOOK_CALL,
    DATA_CHANGE,
)
"""Every boundary of the controller, each with a "before" and an "after"."""
# Of the teller, which runs beside it and decides nothing.
EVENT_TELL = "event.tell"


class Boundaries(Protocol):
    """Told of each instant; may not return."""

    def reach(self, name: str, when: str) -> None:
        """`when` is "before" or "after"."""
        ...


class Quiet:
    """The real one: nothing happens."""

    def reach(self, name: str, when: str) -> None:
        """See `Boundaries.reach`."""


@contextmanager
def around(boundaries: Boundaries, name: str) -> Iterator[None]:
    """Both instants of one effect; "after" only where it succeeded."""
    boundaries.reach(name, "before")
    yield
    boundaries.reach(name, "after")
