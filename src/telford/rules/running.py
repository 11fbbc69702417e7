"""Running: how many replicas, on what schedule, as which workload, open to whom."""

from collections.abc import Iterator
from decimal import Decimal

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, service
from telford.estate.kinds.running import Replicas, Run
from telford.estate.kinds.structure import Datastore, Service
from telford.rules import schedules
from telford.rules.rule import Finding, Rule, Subject

_RUNNERS = (Service, Datastore)
# Which Kubernetes workloads a type of service can be.
_WORKLOADS = {"job": ("Job", "ScaledJob"), "cron": ("CronJob",)}
_LASTING = ("Deployment", "StatefulSet", "DaemonSet")
# What was found, and becomes a Deployment on the road.
_FOUND = ("Rollout", "ReplicaSet", "Pod")


def run_of(subject: Subject) -> Run | None:
    """How the subject runs, where it does."""
    assert isinstance(subject.spec, _RUNNERS)
    return subject.spec.run


def _bounds(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None or not isinstance(run.replicas, Replicas):
        return
    if run.replicas.min > run.replicas.max:
        yield Finding(
            ("run", "replicas", "min"),
            f"at least {run.replicas.min} replicas, but at most {run.replicas.max}",
            "swap the two, or raise `max`",
        )


def _requests(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None or not isinstance(run.replicas, Replicas):
        return
    replicas = run.replicas
    others = replicas.triggers or replicas.metrics or replicas.target_memory
    if others and replicas.target_cpu is None:
        return
    cpu = ("run", "resources", "requests", "cpu")
    if run.resources.requests.cpu is None and not subject.lost(*cpu):
        yield Finding(
            ("run", "replicas"),
            "scaling on CPU use needs to know what one replica is promised",
            "add `run.resources.requests.cpu`, such as 250m",
            key=True,
        )


def _limits(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None:
        return
    for name, key in (
        ("cpu", "cpu"),
        ("memory", "memory"),
        ("ephemeral_storage", "ephemeralStorage"),
    ):
        promised = getattr(run.resources.requests, name)
        most = getattr(run.resources.limits, name)
        if promised and most and units.quantity(promised) > units.quantity(most):
            yield Finding(
                ("run", "resources", "requests", key),
                f"{promised} of {name} is promised, but {most} is the most it may take",
                "raise the limit or lower the request",
            )


def _disruption(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None or run.disruption is None:
        return
    if run.disruption.min_available is not None and run.disruption.max_unavailable is not None:
        yield Finding(
            ("run", "disruption", "maxUnavailable"),
            "both `minAvailable` and `maxUnavailable` are given",
            "keep one of the two",
            key=True,
        )


def _schedule(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    if subject.lost("type") or subject.lost("run", "schedule"):
        return
    if spec.type == "cron" and spec.run.schedule is None:
        yield Finding(
            ("type",), "a cron needs a schedule", 'add `run.schedule`, such as "15 3 * * *"'
        )
    elif spec.type != "cron" and spec.run.schedule is not None:
        yield Finding(
            ("run", "schedule"),
            f"a service of type `{spec.type}` has no schedule",
            "make it `type: cron`, or remove the schedule",
            key=True,
        )


def _bad_schedule(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None or run.schedule is None:
        return
    problem = schedules.problem(run.schedule)
    if problem:
        yield Finding(
            ("run", "schedule"),
            f"not a schedule: {problem}",
            'write minute, hour, day, month and weekday, such as "15 3 * * *"',
        )


def _workload(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    if spec.run.workload is None or subject.lost("type"):
        return
    allowed = _WORKLOADS.get(spec.type, _LASTING)
    lasting = allowed is _LASTING and spec.run.workload in _FOUND
    if spec.run.workload not in allowed and not lasting:
        yield Finding(
            ("run", "workload"),
            f"a service of type `{spec.type}` cannot run as a {spec.run.workload}",
            f"write {' or '.join(allowed)}, or leave it out",
        )


def _routes(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    if spec.routes and spec.type in {"worker", "job", "cron"}:
        yield Finding(
            ("routes",),
            f"a {spec.type} answers no requests, but has routes",
            "remove them, or make it `type: http`",
            key=True,
        )


def _version(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None or run.image is None:
        return
    _, _, last = run.image.rpartition("/")
    tag = last.partition("@")[0].partition(":")[2]
    if "@" not in last and tag in {"", "latest"}:
        yield Finding(
            ("run", "image"),
            f"`{run.image}` names no version",
            "add a tag or a digest: a release is of a version",
        )


def _percentage_left(subject: Subject) -> Iterator[Finding]:
    """A disruption budget that lets nothing be away blocks every upgrade of a node."""
    run = run_of(subject)
    if run is None or run.disruption is None:
        return
    key, blocked = "", False
    least, most = run.disruption.min_available, run.disruption.max_unavailable
    if least is not None:
        count = run.replicas.min if isinstance(run.replicas, Replicas) else run.replicas or 1
        if isinstance(least, int):
            blocked = least >= count and not subject.lost("run", "replicas")
        else:
            blocked = units.ratio(least) >= Decimal(1)
        key = "minAvailable"
    elif most is not None:
        blocked = most == 0 if isinstance(most, int) else units.ratio(most) == 0
        key = "maxUnavailable"
    if blocked:
        yield Finding(
            ("run", "disruption", key),
            "no replica may ever be away, so a node can never be emptied",
            "let one be away, or add a replica",
        )


RULES = (
    Rule(
        Code(
            "TEL150",
            "fewest replicas above the most",
            "No number of replicas satisfies both.",
            service(
                "run: {image: a:1, replicas: {min: 4, max: 2}, resources: {requests: {cpu: 1}}}"
            ),
            service(
                "run: {image: a:1, replicas: {min: 2, max: 4}, resources: {requests: {cpu: 1}}}"
            ),
            "`run.replicas.min` is at most `run.replicas.max`.",
        ),
        _RUNNERS,
        _bounds,
    ),
    Rule(
        Code(
            "TEL151",
            "scaling without a CPU request",
            "Use is measured against what is requested; without it the autoscaler does nothing.",
            service("run: {image: a:1, replicas: {min: 2, max: 4}}"),
            service(
                "run: {image: a:1, replicas: {min: 2, max: 4}, resources: {requests: {cpu: 250m}}}"
            ),
            "Replicas between two bounds need `run.resources.requests.cpu`.",
        ),
        _RUNNERS,
        _requests,
    ),
    Rule(
        Code(
            "TEL152",
            "more promised than allowed",
            "The place refuses it.",
            service("run: {resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}}"),
            service("run: {resources: {requests: {memory: 512Mi}, limits: {memory: 1Gi}}}"),
            "Each of `run.resources.requests` is at most its limit.",
        ),
        _RUNNERS,
        _limits,
    ),
    Rule(
        Code(
            "TEL153",
            "two ways to say how much may be away",
            "Kubernetes takes one of the two.",
            service("run: {replicas: 3, disruption: {minAvailable: 1, maxUnavailable: 1}}"),
            service("run: {replicas: 3, disruption: {maxUnavailable: 1}}"),
            "`run.disruption` has `minAvailable` or `maxUnavailable`.",
        ),
        _RUNNERS,
        _disruption,
    ),
    Rule(
        Code(
            "TEL154",
            "a disruption budget that blocks everything",
            "Nodes can then never be drained: an upgrade waits for ever.",
            service("run: {replicas: 2, disruption: {minAvailable: 2}}"),
            service("run: {replicas: 2, disruption: {minAvailable: 1}}"),
            "At least one replica may be away on purpose.",
        ),
        _RUNNERS,
        _percentage_left,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL155",
            "a schedule without a cron, or a cron without a schedule",
            "One needs the other.",
            service("type: cron"),
            service('type: cron\nrun: {schedule: "15 3 * * *"}'),
            "`run.schedule` stands in services of type `cron`, and there always.",
        ),
        (Service,),
        _schedule,
    ),
    Rule(
        Code(
            "TEL156",
            "not a schedule",
            "It would never run, or not when it is meant to.",
            service('type: cron\nrun: {schedule: "61 3 * * *"}'),
            service('type: cron\nrun: {schedule: "15 3 * * *"}'),
            "Five fields (minute, hour, day of month, month, day of week) in their ranges, or a word"
            " such as @daily; a day that no month has is refused.",
        ),
        _RUNNERS,
        _bad_schedule,
    ),
    Rule(
        Code(
            "TEL157",
            "a workload that does not fit the type",
            "A job ends, a Deployment starts it again for ever.",
            service("type: job\nrun: {workload: Deployment}"),
            service("type: job\nrun: {workload: Job}"),
            "`run.workload` is Job for a job, CronJob for a cron, one of the others otherwise.",
        ),
        (Service,),
        _workload,
    ),
    Rule(
        Code(
            "TEL158",
            "routes to something that does not listen",
            "Requests from outside would find nobody.",
            service("type: job\nroutes: [{path: /}]"),
            service("type: http\nroutes: [{path: /}]"),
            "Workers, jobs and crons have no `routes`.",
        ),
        (Service,),
        _routes,
    ),
    Rule(
        Code(
            "TEL159",
            "an image without a version",
            "What runs would change without a release, and could not be rolled back.",
            service("run: {image: shop/orders:latest}"),
            service("run: {image: shop/orders:1.0.0}"),
            "`run.image` has a tag other than `latest`, or a digest.",
        ),
        _RUNNERS,
        _version,
        severity=Severity.WARNING,
        as_found=None,
    ),
)
