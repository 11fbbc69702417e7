"""Orders: the finite things a place is asked for on behalf of a release, as values.

`owed` derives them from a release's state and from what the place is seen to be, level by level: an
order whose effect is visible is not owed any more, whoever brought it about. `ask` decides which of
them to submit now, under which id: ``release:generation:what:attempt``, so that submitting twice is
asking once. Pure; called by `advancing`.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from telford.deliver import owing
from telford.deliver import state as states
from telford.deliver.once import once
from telford.estate.workload import (
    BASELINE_SUFFIX,
    PARTITIONS_VARIABLE,
    Match,
    Probe,
    Split,
    Workload,
)

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
    return Split(
        plain["service"],
        plain["generation"],
        dict(plain["weights"]),
        tuple(Match(**one) for one in plain.get("matches", ())),
        dict(plain.get("mirror", {})),
        plain.get("sticky", ""),
    )


def _split_json(split: Split) -> dict[str, Any]:
    """What a route order says beside the service and the generation; the plain parts only where
    they are used.
    """
    plain: dict[str, Any] = {"weights": dict(split.weights)}
    if split.matches:
        plain["matches"] = [dataclasses.asdict(one) for one in split.matches]
    if split.mirror:
        plain["mirror"] = dict(split.mirror)
    if split.sticky:
        plain["sticky"] = split.sticky
    return plain


def owed(state: states.State, arms: Mapping[str, Workload], seen: states.Facts) -> Owed:
    """What the place must be asked for so that it becomes what the release's state says.

    `arms` are the release's `definitions`, `seen` is what the place shows of them.
    """
    effects, waits = owing.both(state, seen)
    return Owed(tuple([_order_of(state, effect, arms) for effect in effects]), waits)


@once
def definitions(workloads: Json) -> Mapping[str, Workload]:
    """What each arm of a release runs: "stable" and "canary" as `workload_json` made them, and the
    baseline, which is the stable version under another name.
    """
    arms = {arm: workload(workloads[arm]) for arm in ("stable", "canary")}
    version = arms["stable"].version + BASELINE_SUFFIX
    return arms | {"baseline": dataclasses.replace(arms["stable"], version=version)}


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


def _order_of(state: states.State, effect: states.Effect, arms: Mapping[str, Workload]) -> Order:
    """An effect as the order for it."""
    if isinstance(effect, states.Scale):
        wanted = _scaled(arms[effect.arm], effect)
        told = "" if effect.partitions is None else f"-{effect.partitions or 'none'}"
        what = f"{wanted.version}-{effect.replicas}{told}"
        return _order(state, "apply", what, {"workload": workload_json(wanted)})
    if isinstance(effect, states.Route):
        return _order(state, "route", str(state.desired_bp), _split_json(effect.split))
    if isinstance(effect, states.ReplaceReplica):
        replica = {"replica": effect.series.replica, "incarnation": effect.incarnation}
        what = f"{effect.series.replica}-{effect.incarnation}"
        return _order(state, "replace", what, {"version": effect.series.version, **replica})
    version = owing.version_of(state, effect.arm)
    return _order(state, "remove", version, {"version": version})


def _scaled(workload: Workload, effect: states.Scale) -> Workload:
    """That many replicas of it, told which partitions they have (None: not told, they have all)."""
    env = dict(workload.env)
    env.pop(PARTITIONS_VARIABLE, None)
    if effect.partitions is not None:
        env[PARTITIONS_VARIABLE] = effect.partitions
    return dataclasses.replace(
        workload, replicas=effect.replicas, generation=effect.generation, env=env
    )


def _order(state: states.State, kind: str, what: str, arguments: Json) -> Order:
    common = {"service": state.service, "generation": state.generation}
    return Order(
        state.release, state.service, state.generation, kind, what, {**common, **arguments}
    )
