"""What this target has to say about an estate: TEL546 to TEL549. Called by `target`.

- TEL546 (warning): a dependency that is only inferred keeps an authorisation from being made.
- TEL547 (warning): a caller whose identity is not proven, or is another's too.
- TEL548 (info): callers ask for time limits that differ, and the longest holds for all.
- TEL549 (info): a controller beside the mesh that must be in it to be let in.
"""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.findings import finding
from telford.render.strangers import Voice

VOICE = Voice(
    mesh="Linkerd",
    guessed="TEL546",
    stranger="TEL547",
    open="is left open to callers of its ports",
    outside="not meshed",
)


def shared_limits(address: str, bound: Bound) -> Diagnostic:
    """One time limit for callers that asked for several."""
    return finding(
        bound,
        "TEL548",
        Severity.INFO,
        f"callers of {address} ask for different time limits: the longest holds for all of them",
        detail="Linkerd tells callers apart by namespace only.",
        fix="let callers say the same `timeout`, or keep the shorter ones in their own code",
    )


def controller_outside(environment: Bound, namespaces: Iterable[str]) -> Iterator[Diagnostic]:
    """What serves ways in, which must be in the mesh to be let in."""
    for namespace in namespaces:
        yield finding(
            environment,
            "TEL549",
            Severity.INFO,
            f"what serves requests from outside in namespace {namespace} must be in the mesh",
            detail="Workloads let that namespace in by its identity.",
            fix="annotate its pods with linkerd.io/inject: enabled",
        )
