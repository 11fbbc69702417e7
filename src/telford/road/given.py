"""What the road says where a document says nothing, in the document's own fields.

The targets read `telford.road.defaults` as they need it; this tells the same to people, so that
`telford explain` can name where a value of a build comes from. That both agree is tested: writing
a given value into the document changes nothing in what is built. Called by `telford.app.explain`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.basics.diagnostics import Position
from telford.estate.kinds import running, scaling, structure
from telford.road import defaults, found

Runs = structure.Service | structure.Datastore
FILE = "telford/road/defaults.toml"


@dataclass(frozen=True, slots=True)
class Given:
    """A field's value from the road, and its entry of `defaults.toml`; without one (`position` is
    None) it follows from another field or from restricted Pod Security.
    """

    field: str
    value: Any
    position: Position | None


def given(spec: Runs, *, production: bool | None) -> tuple[Given, ...]:
    """Every field that the road fills in for a workload, in the order of the kind.

    `production` is None for the base, where nothing is said that depends on a place. Something
    as-found gets what it adopted, and nothing else.
    """
    run = spec.run
    if run is None or run.image is None:
        return ()
    taken = None if spec.road == "paved" else frozenset(spec.adopted)
    found_all = _all(spec, run, production)
    return tuple(one for capability, one in found_all if taken is None or capability in taken)


def _all(spec: Runs, run: running.Run, production: bool | None) -> Iterator[tuple[str, Given]]:
    kind = found.workload_kind(spec)
    yield from _labelled("replicas", _replicas(run, kind, production))
    yield from _labelled("resources", _resources(run))
    yield from _labelled("probes", _probes(spec, run, kind))
    yield from _labelled("rollout", _rollout(run, kind))
    yield from _labelled("security", _security(run))
    if kind in ("Job", "CronJob"):
        yield from _labelled("jobs", _jobs(run, kind))


def _labelled(capability: str, fields: Iterator[Given]) -> Iterator[tuple[str, Given]]:
    for field in fields:
        yield capability, field


def _replicas(run: running.Run, kind: str, production: bool | None) -> Iterator[Given]:
    road = defaults.defaults()
    if isinstance(run.replicas, scaling.Replicas):
        return
    if run.replicas is None and kind == "Deployment" and production is not None:
        number = road.replicas_production if production else road.replicas_other
        entry = "production" if production else "other"
        yield _of("run.replicas", number, "replicas", entry)


def _resources(run: running.Run) -> Iterator[Given]:
    road = defaults.defaults()
    requests, limits = run.resources.requests, run.resources.limits
    for key, value in (("cpu", road.cpu), ("memory", road.memory)):
        if getattr(requests, key) is None:
            limit = getattr(limits, key)
            if limit is None:
                yield _of(f"run.resources.requests.{key}", value, "resources", key)
            else:
                yield Given(f"run.resources.requests.{key}", limit, None)
    if limits.memory is None:
        yield Given("run.resources.limits.memory", requests.memory or road.memory, None)


def _probes(spec: Runs, run: running.Run, kind: str) -> Iterator[Given]:
    if not isinstance(spec, structure.Service) or kind in ("Job", "CronJob"):
        return
    health = defaults.defaults().health
    if spec.type not in ("http", "function") or run.health.ready is not None:
        return
    if spec.road != "paved" and not run.ports:
        return
    yield _of("run.health.ready.path", health.path, "health", "path")
    yield _of("run.health.ready.every", f"{health.every_seconds}s", "health", "every_seconds")
    yield _of("run.health.ready.timeout", f"{health.timeout_seconds}s", "health", "timeout_seconds")
    yield _of("run.health.ready.failures", health.ready_failures, "health", "ready_failures")


def _rollout(run: running.Run, kind: str) -> Iterator[Given]:
    road = defaults.defaults()
    if kind in ("Deployment", "StatefulSet", "DaemonSet") and run.history is None:
        yield _of("run.history", road.revision_history, "workload", "revision_history")
    if kind != "Deployment" or run.rollout.strategy == "Recreate":
        return
    if run.rollout.surge is None:
        yield _of("run.rollout.surge", road.max_surge, "rollout", "max_surge")
    if run.rollout.unavailable is None:
        yield _of("run.rollout.unavailable", road.max_unavailable, "rollout", "max_unavailable")


def _security(run: running.Run) -> Iterator[Given]:
    """Restricted Pod Security, as far as the replica says nothing else."""
    restricted: tuple[tuple[str, str, Any], ...] = (
        ("run_as_non_root", "runAsNonRoot", True),
        ("read_only_root_filesystem", "readOnlyRootFilesystem", True),
        ("allow_privilege_escalation", "allowPrivilegeEscalation", False),
        ("drop_capabilities", "dropCapabilities", ["ALL"]),
        ("seccomp", "seccomp", "RuntimeDefault"),
    )
    own = run.container_security
    for name, key, value in restricted:
        said = getattr(run.security, name) is not None
        if not said and (own is None or getattr(own, name) is None):
            yield Given(f"run.security.{key}", value, None)


def _jobs(run: running.Run, kind: str) -> Iterator[Given]:
    road = defaults.defaults().jobs
    if run.batch.retries is None:
        yield _of("run.batch.retries", road.backoff, "jobs", "backoff")
    if run.batch.keep is None:
        yield _of("run.batch.keep", f"{road.ttl_seconds}s", "jobs", "ttl_seconds")
    if kind == "CronJob" and run.batch.concurrency is None:
        yield _of("run.batch.concurrency", road.concurrency, "jobs", "concurrency")


def _of(field: str, value: Any, table: str, entry: str) -> Given:
    return Given(field, value, _position(table, entry))


@cache
def _position(table: str, entry: str) -> Position:
    """The line of an entry of `defaults.toml`."""
    here = ""
    for number, line in enumerate(resources.text("telford.road", "defaults.toml").splitlines(), 1):
        if line.startswith("["):
            here = line.strip("[] ")
        elif here == table and line.partition("=")[0].strip() == entry:
            return Position(FILE, number, 1)
    raise AssertionError(f"defaults.toml has no {table}.{entry}")
