"""What the road says where a document says nothing, in the document's own fields.

The targets read `telford.road.defaults` as they need it; this tells the same to people, so that
`telford explain` can name where a value of a build comes from. That both agree is tested: writing
a given value into the document changes nothing in what is built. Called by `telford.app.explain`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic.alias_generators import to_camel

from telford.basics import resources
from telford.basics.diagnostics import Position
from telford.estate.kinds import running, scaling, structure
from telford.road import defaults, found, realisation
from telford.road.realisation import Realisation, Reason

Runs = structure.Service | structure.Datastore
FILE = "telford/road/defaults.toml"


@dataclass(frozen=True, slots=True)
class Given:
    """A field's value from the road. `position` is its entry of `defaults.toml`, None where it
    follows from another field; `own` is what that entry says. `said` is what the organisation says
    instead, weakest first: the last of it holds.
    """

    field: str
    value: Any
    position: Position | None
    own: Any = None
    said: tuple[Reason, ...] = ()


def given(
    spec: Runs, *, production: bool | None, held: Realisation | None = None
) -> tuple[Given, ...]:
    """Every field that the road fills in for a workload, in the order of the kind.

    `production` is None for the base, where nothing is said that depends on a place; `held` is what
    holds for the workload there, the road's own where it is not given. Something as-found gets what
    it adopted, and nothing else.
    """
    run = spec.run
    if run is None or run.image is None:
        return ()
    taken = None if spec.road == "paved" else frozenset(spec.adopted)
    found_all = _all(spec, run, _Road(held or realisation.own()), production)
    return tuple(one for capability, one in found_all if taken is None or capability in taken)


@dataclass(frozen=True, slots=True)
class _Road:
    """What holds, and who said so."""

    held: Realisation

    @property
    def values(self) -> defaults.Defaults:
        """The defaults in force."""
        return self.held.defaults

    def of(self, field: str, value: Any, table: str, entry: str, unit: str = "") -> Given:
        """A field that is an entry of the defaults, in the field's own unit."""
        own = defaults.own(table, entry)
        said = self.held.said.get(f"defaults.{table}.{to_camel(entry)}", ())
        if unit:
            own = f"{own}{unit}"
            said = tuple(replace(one, value=f"{one.value}{unit}") for one in said)
        return Given(field, value, _position(table, entry), own, said)


def _all(
    spec: Runs, run: running.Run, road: _Road, production: bool | None
) -> Iterator[tuple[str, Given]]:
    kind = found.workload_kind(spec)
    yield from _labelled("replicas", _replicas(run, road, kind, production))
    yield from _labelled("resources", _resources(run, road))
    yield from _labelled("probes", _probes(spec, run, road, kind))
    yield from _labelled("rollout", _rollout(run, road, kind))
    yield from _labelled("security", _security(run, road))
    if kind in ("Job", "CronJob"):
        yield from _labelled("jobs", _jobs(run, road, kind))


def _labelled(capability: str, fields: Iterator[Given]) -> Iterator[tuple[str, Given]]:
    for field in fields:
        yield capability, field


def _replicas(run: running.Run, road: _Road, kind: str, production: bool | None) -> Iterator[Given]:
    if isinstance(run.replicas, scaling.Replicas):
        return
    if run.replicas is None and kind == "Deployment" and production is not None:
        entry = "production" if production else "other"
        number = road.values.replicas_production if production else road.values.replicas_other
        yield road.of("run.replicas", number, "replicas", entry)


def _resources(run: running.Run, road: _Road) -> Iterator[Given]:
    requests, limits = run.resources.requests, run.resources.limits
    for key, value in (("cpu", road.values.cpu), ("memory", road.values.memory)):
        if getattr(requests, key) is None:
            limit = getattr(limits, key)
            if limit is None:
                yield road.of(f"run.resources.requests.{key}", value, "resources", key)
            else:
                yield Given(f"run.resources.requests.{key}", limit, None)
    if limits.memory is None:
        yield Given("run.resources.limits.memory", requests.memory or road.values.memory, None)


def _probes(spec: Runs, run: running.Run, road: _Road, kind: str) -> Iterator[Given]:
    if not isinstance(spec, structure.Service) or kind in ("Job", "CronJob"):
        return
    if spec.type not in ("http", "function") or run.health.ready is not None:
        return
    if spec.road != "paved" and not run.ports:
        return
    asked, health = "run.health.ready", road.values.health
    yield road.of(f"{asked}.path", health.path, "health", "path")
    for key, entry in (("every", "every_seconds"), ("timeout", "timeout_seconds")):
        yield road.of(f"{asked}.{key}", f"{getattr(health, entry)}s", "health", entry, "s")
    yield road.of(f"{asked}.failures", health.ready_failures, "health", "ready_failures")


def _rollout(run: running.Run, road: _Road, kind: str) -> Iterator[Given]:
    values = road.values
    if kind in ("Deployment", "StatefulSet", "DaemonSet") and run.history is None:
        yield road.of("run.history", values.revision_history, "workload", "revision_history")
    if kind != "Deployment" or run.rollout.strategy == "Recreate":
        return
    if run.rollout.surge is None:
        yield road.of("run.rollout.surge", values.max_surge, "rollout", "max_surge")
    if run.rollout.unavailable is None:
        yield road.of(
            "run.rollout.unavailable", values.max_unavailable, "rollout", "max_unavailable"
        )


# Entry of the defaults -> its field of `run.security`.
_SECURITY = (
    ("run_as_non_root", "runAsNonRoot"),
    ("read_only_root_filesystem", "readOnlyRootFilesystem"),
    ("allow_privilege_escalation", "allowPrivilegeEscalation"),
    ("drop_capabilities", "dropCapabilities"),
    ("seccomp", "seccomp"),
    ("run_as_user", "runAsUser"),
)


def _security(run: running.Run, road: _Road) -> Iterator[Given]:
    """What a replica may do, as far as it says nothing else."""
    own = run.container_security
    for name, key in _SECURITY:
        said = getattr(run.security, name) is not None
        value = getattr(road.values.security, name)
        if value is not None and not said and (own is None or getattr(own, name) is None):
            listed = list(value) if isinstance(value, tuple) else value
            yield road.of(f"run.security.{key}", listed, "security", name)


def _jobs(run: running.Run, road: _Road, kind: str) -> Iterator[Given]:
    jobs = road.values.jobs
    if run.batch.retries is None:
        yield road.of("run.batch.retries", jobs.backoff, "jobs", "backoff")
    if run.batch.keep is None:
        yield road.of("run.batch.keep", f"{jobs.ttl_seconds}s", "jobs", "ttl_seconds", "s")
    if kind == "CronJob" and run.batch.concurrency is None:
        yield road.of("run.batch.concurrency", jobs.concurrency, "jobs", "concurrency")


@cache
def _position(table: str, entry: str) -> Position | None:
    """The line of an entry of `defaults.toml`; None of one that the file leaves out."""
    here = ""
    for number, line in enumerate(resources.text("telford.road", "defaults.toml").splitlines(), 1):
        if line.startswith("["):
            here = line.strip("[] ")
        elif here == table and line.partition("=")[0].strip() == entry:
            return Position(FILE, number, 1)
    return None
