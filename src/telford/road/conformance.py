"""How far a workload is as the reference architecture says: every demand on it, and whether it holds.

A **demand** is one value or one capability of the road that applies to the workload: the rows of
`DEMANDS`. What is paved, or adopted, gets whatever it does not say itself from the road, so a demand
on it holds unless the document says something else (`overridden`), or a policy was not made because a
dependency is only inferred (`inferred`). What is as-found holds where it says so itself; all else
of it is `as-found`. A value that is stricter than the one that is demanded holds too.

The share of a workload is the demands that hold over all that apply and are not waived::

    share = held / (applying - waived)        1 where nothing is left to ask

Called by `telford.app.conformance`, which knows the waivers and the day.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic.alias_generators import to_snake

from telford.basics import units
from telford.basics.diagnostics import Position
from telford.estate import fields
from telford.estate.kinds import running, structure
from telford.estate.model import Binding, Bound
from telford.road import capabilities, reach, subject
from telford.road.realisation import Realisation, Reason
from telford.road.subject import Subject

Why = Literal["as-found", "overridden", "inferred"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A workload on which demands are made, and whether its place is production."""

    about: Subject
    production: bool


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded: a field of the document as part of a capability, or ("") the capability.

    `wanted` is the value in force for a workload, None where nothing is demanded of it. `fits` tells
    whether what a document says will do; `natural` that silence will do even without the road, for it
    is what Kubernetes does by itself. `entry` is the entry of the defaults that it comes from, where
    the field does not tell.
    """

    capability: structure.Capability
    field: str
    wanted: Callable[[Asked], Any]
    fits: Callable[[Any, Any], bool] = lambda said, wanted: True
    entry: str = ""
    natural: bool = False

    @property
    def name(self) -> str:
        """What people call it: the field, or the capability."""
        return self.field or self.capability


@dataclass(frozen=True, slots=True)
class Answer:
    """A demand on a workload and whether it holds.

    `wanted` and `said` are plain values, None where there is none to show. `position` is where the
    document says what does not hold; `by` is what the architecture or a recipe says, None where the road demands it.
    """

    capability: structure.Capability
    field: str
    wanted: Any
    said: Any
    why: Why | None
    detail: str = ""
    position: Position | None = None
    by: Reason | None = None

    @property
    def name(self) -> str:
        """What people call it: the field, or the capability."""
        return self.field or self.capability

    @property
    def holds(self) -> bool:
        """Whether it is as demanded."""
        return self.why is None


def answers(
    binding: Binding, address: str, held: Realisation, edges: reach.Reach
) -> tuple[Answer, ...]:
    """Every demand on a workload, by capability; () for what does not run in containers."""
    bound = binding.entities[address]
    spec = bound.spec
    if not applies(spec):
        return ()
    about = subject.subject(binding, address, bound, held)
    asked = Asked(about, binding.production)
    fitting = {one.name for one in capabilities.every() if about.kind in one.kinds}
    return tuple(
        _answer(one, asked, bound, edges, wanted)
        for one in DEMANDS
        if one.capability in fitting and (wanted := one.wanted(asked)) is not None
    )


def applies(spec: object) -> bool:
    """Whether a thing is a workload of containers, on which the road makes demands."""
    if not isinstance(spec, structure.Service | structure.Datastore) or spec.run is None:
        return False
    return spec.run.image is not None


def names() -> tuple[str, ...]:
    """What a waiver may name: every capability, and every field on which there is a demand."""
    return tuple(dict.fromkeys(name for one in DEMANDS for name in (one.capability, one.name)))


def _answer(one: Demand, asked: Asked, bound: Bound, edges: reach.Reach, wanted: Any) -> Answer:
    about, spec = asked.about, asked.about.spec
    said = _said(spec, one.field)
    paved = spec.road == "paved" or one.capability in spec.adopted
    why: Why | None = None
    detail = ""
    if said is not None:
        if not one.fits(said, wanted):
            why = "overridden" if paved else "as-found"
    elif not paved and not one.natural:
        why = "as-found"
    if one.capability == "network" and paved:
        detail = ", ".join(_guessed(edges, about.address))
        why = "inferred" if detail else None
    place = None if why is None else _position(bound, one.field if said is not None else "road")
    by = about.held.reasons.get(f"defaults.{_entry(one, asked)}")
    return Answer(one.capability, one.field, wanted, said, why, detail, place, by)


def _entry(one: Demand, asked: Asked) -> str:
    if one.capability == "security":
        return one.field.removeprefix("run.")
    if one.capability != "replicas":
        return one.entry
    return "replicas.production" if asked.production else "replicas.other"


def _guessed(edges: reach.Reach, address: str) -> Iterator[str]:
    """The other ends of connections that are only inferred."""
    both = (*edges.inbound.get(address, ()), *edges.outbound.get(address, ()))
    others = {e.client if e.server == address else e.server for e in both if not e.confirmed}
    return iter(sorted(others))


def _position(bound: Bound, field: str) -> Position | None:
    node = fields.node_at(bound.node, tuple(field.split(".")))
    if node is None and field.startswith("run.security."):
        node = fields.node_at(bound.node, ("run", "containerSecurity", field.rpartition(".")[2]))
    return None if node is None else Position(bound.entity.file, node.line, node.column)


def _said(spec: subject.Runs, field: str) -> Any:
    """What the document says, as plain data; None where it is silent."""
    if not field:
        return None
    if field.startswith("run.security.") and spec.run and spec.run.container_security:
        own = getattr(spec.run.container_security, _steps(field)[-1])
        if own not in (None, ()):
            return _plain(own)
    current: Any = spec
    for step in _steps(field):
        current = getattr(current, step)
        if current is None:
            return None
    return _plain(current)


@cache
def _steps(field: str) -> tuple[str, ...]:
    """The Python names of a path in YAML."""
    return tuple(map(to_snake, field.split(".")))


def _plain(value: Any) -> Any:
    if isinstance(value, running.Replicas):
        return value.min
    if isinstance(value, tuple):
        return [getattr(item, "by", item) for item in value] or None
    return "as written" if isinstance(value, running.Check | running.Disruption) else value


# What will do beside the very value.


def _equal(said: Any, wanted: Any) -> bool:
    return bool(said == wanted)


def _or_true(said: Any, wanted: Any) -> bool:
    return said in (wanted, True)


def _or_false(said: Any, wanted: Any) -> bool:
    return said in (wanted, False)


def _drops(said: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether all that is to be dropped is dropped."""
    return "ALL" in said or set(wanted) <= set(said)


def _at_least(said: Any, wanted: Any) -> bool:
    return bool(said >= wanted)


def _at_most(said: Any, wanted: Any) -> bool:
    """Of two numbers or two shares; a number and a share differ unless one is zero."""
    if isinstance(said, int) and isinstance(wanted, int):
        return said <= wanted
    if isinstance(said, str) and isinstance(wanted, str):
        return units.ratio(said) <= units.ratio(wanted)
    return said == 0 or (isinstance(said, str) and units.ratio(said) == 0)


def _forbids(said: Any, wanted: Any) -> bool:
    return said in (wanted, "Forbid")


def _restricted(said: Any, wanted: Any) -> bool:
    return said in (wanted, "RuntimeDefault")


def _covers(said: Iterable[str], wanted: Iterable[str]) -> bool:
    return set(wanted) <= set(said)


# What is demanded of whom.


def _always(value: Any) -> Callable[[Asked], Any]:
    return lambda asked: value


def _listening(asked: Asked) -> Any:
    """Probes are for what can be asked."""
    about = asked.about
    return "a probe" if about.ports or about.run.health.ready else None


def _several(value: Callable[[Subject], Any]) -> Callable[[Asked], Any]:
    """Only where there are replicas to keep apart."""
    return lambda asked: value(asked.about) if _least(asked.about) > 1 else None


def _least(about: Subject) -> int:
    """The fewest replicas; one of what was found without a number."""
    silent = about.run.replicas is None and about.spec.road == "as-found"
    return 1 if silent and "replicas" not in about.spec.adopted else about.least


def _replicas(asked: Asked) -> int:
    road = asked.about.road
    return road.replicas_production if asked.production else road.replicas_other


def _rolling(value: Callable[[Subject], Any]) -> Callable[[Asked], Any]:
    """Of Deployments alone."""
    return lambda asked: value(asked.about) if asked.about.kind == "Deployment" else None


def _security(name: str) -> Callable[[Asked], Any]:
    def wanted(asked: Asked) -> Any:
        value = getattr(asked.about.road.security, name)
        return list(value) if isinstance(value, tuple) else value

    return wanted


def _concurrency(asked: Asked) -> str | None:
    return asked.about.road.jobs.concurrency if asked.about.kind == "CronJob" else None


_AMOUNT = _always("an amount")

DEMANDS: tuple[Demand, ...] = (
    # It is found by its labels.
    Demand("labels", "", _always("labels")),
    # It is asked how it is; what it is asked is its own affair.
    Demand("probes", "run.health.ready", _listening),
    Demand("probes", "run.health.live", _listening),
    Demand("probes", "run.health.startup", _listening),
    # It says what it needs; how much is its own affair.
    Demand("resources", "run.resources.requests.cpu", _AMOUNT),
    Demand("resources", "run.resources.requests.memory", _AMOUNT),
    Demand("resources", "run.resources.limits.memory", _AMOUNT),
    # It may do little.
    Demand("security", "run.security.runAsNonRoot", _security("run_as_non_root"), _or_true),
    Demand("security", "run.security.readOnlyRootFilesystem", _security("read_only_root_filesystem"), _or_true),
    Demand("security", "run.security.allowPrivilegeEscalation", _security("allow_privilege_escalation"), _or_false),
    Demand("security", "run.security.dropCapabilities", _security("drop_capabilities"), _drops),
    Demand("security", "run.security.addCapabilities", _always([]), _equal, natural=True),
    Demand("security", "run.security.privileged", _always(False), _equal, natural=True),
    Demand("security", "run.security.seccomp", _security("seccomp"), _restricted),
    Demand("security", "run.security.runAsUser", _security("run_as_user"), _equal),
    # It is somebody of its own.
    Demand("account", "run.serviceAccount", lambda asked: asked.about.name, _equal),
    Demand("account", "run.mountToken", _always(False), _equal),
    # Only what is meant to talks to it.
    Demand("network", "", _always("policies")),
    # One zone, one machine or one drain does not take all of it.
    Demand("spread", "run.placement.spread", _several(lambda about: list(about.road.spread_keys)), _covers, "spread.keys"),
    Demand("disruption", "run.disruption", _several(lambda about: "a budget")),
    # A new version costs no capacity, and the old one can be had back.
    Demand("rollout", "run.rollout.strategy", _rolling(lambda about: "RollingUpdate"), _equal, natural=True),
    Demand("rollout", "run.rollout.unavailable", _rolling(lambda about: about.road.max_unavailable), _at_most, "rollout.maxUnavailable"),
    Demand("rollout", "run.history", _always("a number"), natural=True),
    # One may go away.
    Demand("replicas", "run.replicas", _replicas, _at_least),
    # It ends, and is cleaned up.
    Demand("jobs", "run.batch.retries", lambda asked: asked.about.road.jobs.backoff, _at_most, "jobs.backoff"),
    Demand("jobs", "run.batch.keep", _always("a time")),
    Demand("jobs", "run.batch.concurrency", _concurrency, _forbids, "jobs.concurrency"),
)  # fmt: skip
