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
from telford.road.callers import Caller
from telford.road.openings import Openings


def guesses(address: str, bound: Bound, ways: Openings) -> Iterator[Diagnostic]:
    """Policies that were not made, because they might cut real traffic."""
    for edge in ways.guessed:
        side, other = ("out of", edge.server) if edge.client == address else ("into", edge.client)
        yield finding(
            bound,
            "TEL546",
            Severity.WARNING,
            f"no Linkerd policy {side} {address}: its connection with {other} is only inferred",
            field=("uses",),
            detail="A policy from declared dependencies alone might cut traffic that is real.",
            fix="declare the dependency, or confirm it (inferred.confirmed: true)",
        )


def strangers(address: str, bound: Bound, called_by: Iterable[Caller]) -> Iterator[Diagnostic]:
    """Callers without an identity."""
    for caller in called_by:
        if not caller.known:
            yield finding(
                bound,
                "TEL547",
                Severity.WARNING,
                f"{address} is left open to callers of its ports: {caller.address} is not meshed",
                detail="Who cannot prove an identity cannot be authorised, so no policy is made; "
                "the network policy still holds.",
                fix=f"bring {caller.address} onto the road, or choose the mesh for it too",
            )


def twins(address: str, bound: Bound, found: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """Callers that the mesh cannot tell from others."""
    for caller, other in found:
        yield finding(
            bound,
            "TEL547",
            Severity.WARNING,
            f"{address} lets {other} in with {caller}: they run as one service account",
            detail="A mesh knows a caller by its account; the network policy tells them apart.",
            fix=f"give {other} a service account of its own (run.serviceAccount)",
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
