"""What this target has to say about an estate: TEL562 to TEL564. Called by `target`.

- TEL562 (warning): a number that replicas were to follow, and that no trigger of KEDA's is made of.
- TEL563 (warning): a stream whose waiting messages cannot be counted.
- TEL564 (info): a consumer without bounds, so nothing scales it.
"""

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.findings import finding


def unfollowed(address: str, bound: Bound, name: str) -> Diagnostic:
    """A metric of the HorizontalPodAutoscaler's kind."""
    return finding(
        bound,
        "TEL562",
        Severity.WARNING,
        f"{address} does not follow {name}: KEDA knows no metric by that name",
        field=("run", "replicas", "metrics"),
        fix="write a trigger for it (run.replicas.triggers), of type prometheus for example",
    )


def uncounted(address: str, bound: Bound, stream: str, missing: str) -> Diagnostic:
    """A stream of which too little is said."""
    return finding(
        bound,
        "TEL563",
        Severity.WARNING,
        f"{address} does not follow what waits in {stream}: nothing says {missing}",
        field=("uses",),
        fix=f"say it of {stream}, or write the trigger (run.replicas.triggers)",
    )


def unbounded(address: str, bound: Bound, stream: str) -> Diagnostic:
    """A consumer with a fixed number of replicas."""
    return finding(
        bound,
        "TEL564",
        Severity.INFO,
        f"{address} consumes {stream} with a fixed number of replicas, so nothing scales it",
        field=("run",),
        fix="give it bounds: run.replicas: {min: 1, max: 10}",
    )
