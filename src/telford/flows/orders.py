"""Orders: the finite things a place is asked for on behalf of a release, as values.

`owed` derives them from a release's state and from what the place is seen to be, level by level: an
order whose effect is visible is not owed any more, whoever brought it about. `ask` decides which of
them to submit now, under which id: ``release:generation:what:attempt``, so that submitting twice is
asking once. Pure; called by `advancing`.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from telford.deliver import release as releases
from telford.deliver import state as states
from telford.deliver.policy import FULL_WEIGHT
from telford.estate.workload import PlaceState, Probe, Split, Workload

Json = Mapping[str, Any]
# An order that has ended without a visible effect is asked for again, later each time.
RETRY_CAP_SECONDS = 30.0
_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Order:
    """`kind` is apply, route, remove or replace; `arguments` are plain JSON values.

    `key` names the effect: the same one asked again has the same key.
    """

    release: str
    service: str
    generation: int
    kind: str
    what: str
    arguments: Json

    @property
    def key(self) -> str:
        """``release:generation:kind-what``."""
        return f"{self.release}:{self.generation}:{self.kind}-{self.what}"


@dataclass(frozen=True, slots=True)
class Status:
    """How an order stands: pending, done or failed (then `problem` says why); `result` is what a
    done one brought back, plain JSON values.
    """

    phase: str
    problem: str = ""
    result: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that was asked for and whose effect is not visible yet."""

    attempt: int
    at: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """The orders owed now; `waits` says what the release waits for, "" for nothing."""

    orders: tuple[Order, ...] = ()
    waits: str = ""


class Orders(Protocol):
    """Where orders are handed in: `telford.flows.durable`, and a fake in `telford.testing`."""

    def submit(self, key: str, order: Order) -> None:
        """Begin to carry out under this id; the same id again does nothing."""
        ...

    def statuses(self, keys: Collection[str]) -> Mapping[str, Status]:
        """How they stand; an id that was never submitted is not in the answer."""
        ...

    def forget(self, before: float) -> None:
        """Drop what ended before a moment (epoch seconds); some of it, the rest next time."""
        ...


def workload_json(workload: Workload) -> dict[str, Any]:
    """A workload as plain values; `workload` gives it back."""
    plain = dataclasses.asdict(workload)
    return plain | {
        "command": list(workload.command),
        "upstreams": list(workload.upstreams),
        "env": dict(workload.env),
        "objects": list(workload.objects),
    }


def workload(plain: Json) -> Workload:
    """The inverse of `workload_json`."""
    fields = dict(plain)
    fields["command"] = tuple(fields["command"])
    fields["upstreams"] = tuple(fields["upstreams"])
    fields["objects"] = tuple(fields.get("objects", ()))
    fields["probe"] = Probe(**fields["probe"])
    return Workload(**fields)


def split(plain: Json) -> Split:
    """A split from the arguments of a route order."""
    return Split(plain["service"], plain["generation"], dict(plain["weights"]))


def owed(state: states.State, workloads: Json, place: PlaceState) -> Owed:
    """What the place must be asked for so that it becomes what the release's state says.

    `workloads` holds "stable" and "canary" as `workload_json` made them.
    """
    found: list[Order] = []
    waits: list[str] = []
    for effect in releases.owed(state):
        for answer in _answers(state, effect, workloads, place):
            if isinstance(answer, Order):
                found.append(answer)
            else:
                waits.append(answer)
    return Owed(tuple(found), "; ".join(waits))


def ask(
    owed_now: Sequence[Order],
    asked: Mapping[str, Asked],
    statuses: Mapping[str, Status],
    now: float,
    retry_seconds: float,
) -> tuple[dict[str, Asked], tuple[tuple[str, Order], ...]]:
    """What is asked for from now on, and the (id, order) pairs to submit.

    An id that the durable engine does not know (the kill came between the commit and the
    submission) is submitted again; one that ended without effect gets a new attempt after a pause.
    """
    kept: dict[str, Asked] = {}
    submit: list[tuple[str, Order]] = []
    for order in owed_now:
        before = asked.get(order.key)
        if before is None:
            kept[order.key] = Asked(1, now)
            submit.append((order_id(order.key, 1), order))
            continue
        status = statuses.get(order_id(order.key, before.attempt))
        after = _again(before, status, now, retry_seconds)
        kept[order.key] = after
        if status is None or after.attempt > before.attempt:
            submit.append((order_id(order.key, after.attempt), order))
    return kept, tuple(submit)


def order_id(key: str, attempt: int) -> str:
    """The id of one attempt."""
    return f"{key}:{attempt}"


def _again(before: Asked, status: Status | None, now: float, retry_seconds: float) -> Asked:
    if status is None or status.phase == "pending":
        return before
    doubled = retry_seconds * 2 ** min(before.attempt - 1, _DOUBLINGS)
    if now - before.at < min(doubled, RETRY_CAP_SECONDS):
        return dataclasses.replace(before, problem=status.problem)
    return Asked(before.attempt + 1, now, status.problem)


def _answers(
    state: states.State, effect: states.Effect, workloads: Json, place: PlaceState
) -> Iterator[Order | str]:
    if isinstance(effect, states.StartCanary):
        yield from _present(state, workloads, "canary", state.policy.canary_replicas, place)
    elif isinstance(effect, states.SetWeight):
        yield from _weight(state, effect.canary_bp, workloads, place)
    elif isinstance(effect, states.ReplaceReplica):
        replica = {"replica": effect.series.replica, "incarnation": effect.incarnation}
        what = f"{effect.series.replica}-{effect.incarnation}"
        yield _order(state, "replace", what, {"version": state.canary, **replica})
    elif isinstance(effect, states.StopCanary):
        yield _order(state, "remove", state.canary, {"version": state.canary})
    else:
        yield _order(state, "remove", state.stable, {"version": state.stable})


def _weight(
    state: states.State, canary_bp: int, workloads: Json, place: PlaceState
) -> Iterator[Order | str]:
    """Both versions that get traffic must be there; then the split itself."""
    stable_replicas = workloads["stable"]["replicas"]
    missing: list[Order | str] = []
    if canary_bp > 0:
        all_of_it = canary_bp == FULL_WEIGHT
        needed = stable_replicas if all_of_it else state.policy.canary_replicas
        missing += _present(state, workloads, "canary", needed, place)
        missing += _unready(state.service, state.canary, needed, place)
    if canary_bp < FULL_WEIGHT:
        missing += _present(state, workloads, "stable", stable_replicas, place)
    if missing:
        yield from missing
        return
    weights = {state.stable: FULL_WEIGHT - canary_bp, state.canary: canary_bp}
    served = {version: weight for version, weight in weights.items() if weight}
    yield _order(state, "route", str(canary_bp), {"weights": served})


def _present(
    state: states.State, workloads: Json, arm: str, replicas: int, place: PlaceState
) -> list[Order | str]:
    wanted = workload(workloads[arm])
    wanted = dataclasses.replace(wanted, replicas=replicas, generation=state.generation)
    for found in place.workloads:
        same = dataclasses.replace(found, replicas=replicas, generation=state.generation)
        if same == wanted and found.replicas >= replicas:
            return []
    arguments = {"workload": workload_json(wanted)}
    return [_order(state, "apply", f"{wanted.version}-{replicas}", arguments)]


def _unready(service: str, version: str, needed: int, place: PlaceState) -> list[Order | str]:
    ready = sum(
        one.service == service and one.version == version and one.phase == "ready"
        for one in place.replicas
    )
    return [] if ready >= needed else [f"{ready} of {needed} replicas of {version} are ready"]


def _order(state: states.State, kind: str, what: str, arguments: Json) -> Order:
    common = {"service": state.service, "generation": state.generation}
    return Order(
        state.release, state.service, state.generation, kind, what, {**common, **arguments}
    )
