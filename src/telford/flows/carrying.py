"""One order, carried out: ask the place, then see that it is so.

Both parts are idempotent and bounded in time; the place refuses a generation that was overtaken.
Called by `durable` (and by the fake engine of tests) with an order's plain JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from telford import ports
from telford.basics import clock as clocks
from telford.basics.errors import RefusedError, TemporaryError
from telford.flows import boundaries as edges
from telford.flows import orders
from telford.ports import data as data_port

# A route is confirmed by the data plane within milliseconds; a removal drains first.
CONFIRM_LIMIT_SECONDS = 20.0
CONFIRM_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports of one place. `hooks` is None where this process asks nobody outside, `data` where
    it changes no data.
    """

    cluster: ports.Cluster
    router: ports.Router
    metrics: ports.Metrics
    hooks: ports.Hooks | None = None
    data: data_port.DataChanges | None = None


class Carrier:
    """Carries orders out against one place."""

    def __init__(
        self,
        outside: Outside,
        clock: clocks.Clock,
        boundaries: edges.Boundaries,
        fence: Callable[[], None] = lambda: None,
    ) -> None:
        self._fence = fence
        self._outside = outside
        self._clock = clock
        self._boundaries = boundaries

    def ask(self, kind: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the place; what it brought back, plain JSON values. Raises what the place raises, and
        what the fence does where this controller was overtaken.
        """
        self._fence()
        self._boundaries.reach(edges.ORDER_BEGIN, "before")
        name, call = {
            "apply": (edges.CLUSTER_APPLY, self._apply),
            "route": (edges.ROUTER_ROUTE, self._route),
            "remove": (edges.CLUSTER_REMOVE, self._remove),
            "replace": (edges.CLUSTER_REPLACE, self._replace),
            "gate": (edges.HOOK_CALL, self._hook),
            "data": (edges.DATA_CHANGE, self._change_data),
        }[kind]
        self._boundaries.reach(edges.ORDER_BEGIN, "after")
        with edges.around(self._boundaries, name):
            return call(arguments) or {}

    def confirm(self, kind: str, arguments: Mapping[str, Any]) -> None:
        """Wait, bounded, until the place itself shows it. Raises `TemporaryError` at the limit."""
        with edges.around(self._boundaries, edges.ORDER_CONFIRM):
            limit = self._clock.monotonic() + CONFIRM_LIMIT_SECONDS
            while not self._shown(kind, arguments):
                if self._clock.monotonic() >= limit:
                    raise TemporaryError(f"the place does not show the {kind} that it accepted")
                self._clock.sleep(CONFIRM_PAUSE_SECONDS)

    def _apply(self, arguments: Mapping[str, Any]) -> None:
        self._outside.cluster.apply(orders.workload(arguments["workload"]))

    def _route(self, arguments: Mapping[str, Any]) -> None:
        self._outside.router.route(orders.split(arguments))

    def _remove(self, arguments: Mapping[str, Any]) -> None:
        service, version = arguments["service"], arguments["version"]
        self._outside.cluster.remove(service, version, arguments["generation"])

    def _replace(self, arguments: Mapping[str, Any]) -> None:
        keys = ("service", "version", "replica", "incarnation", "generation")
        self._outside.cluster.replace(*(arguments[key] for key in keys))

    def _hook(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._outside.hooks is None:
            raise RefusedError("this controller asks no webhooks and runs no commands")
        answer = self._outside.hooks.ask(arguments["hook"], arguments["about"])
        return {"open": answer.open, "why": answer.why, "at": self._clock.now()}

    def _change_data(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A few seconds of work on one step; the views of all steps come back."""
        if self._outside.data is None:
            raise RefusedError("this controller changes no data")
        task = data_port.DataTask.from_json(arguments["task"])
        call = self._outside.data.pause if arguments["mode"] == "pause" else self._outside.data.run
        found = call(task, arguments["step"], arguments["generation"])
        return {"views": [data_port.view_json(one) for one in found]}

    def _shown(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        if kind not in {"route", "remove"}:  # its answer is all there is to see
            return True
        place = self._outside.cluster.state()
        service, generation = arguments["service"], arguments["generation"]
        if kind == "route":
            return any(
                one.service == service and one.generation >= generation for one in place.splits
            )
        version = arguments["version"]
        return not any(
            one.service == service and one.version == version and one.phase != "stopped"
            for one in place.replicas
        )
