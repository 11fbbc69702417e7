"""What this target has to say about an estate: TEL542 to TEL545. Called by `target`.

- TEL542 (warning): a dependency that is only inferred keeps an authorisation from being made.
- TEL543 (warning): a caller whose identity is not proven, or is another's too.
- TEL544 (info): what a workload uses has no host, so its way out of the mesh stays open.
- TEL545 (info): something beside the mesh that must be as its resources take it to be.
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
            "TEL542",
            Severity.WARNING,
            f"no Istio policy {side} {address}: its connection with {other} is only inferred",
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
                "TEL543",
                Severity.WARNING,
                f"{address} takes calls without mutual TLS: {caller.address} is not in the mesh",
                detail="Who cannot prove an identity cannot be authorised, so no policy is made; "
                "the network policy still holds.",
                fix=f"bring {caller.address} onto the road, or choose the mesh for it too",
            )


def twins(address: str, bound: Bound, found: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """Callers that the mesh cannot tell from others."""
    for caller, other in found:
        yield finding(
            bound,
            "TEL543",
            Severity.WARNING,
            f"{address} lets {other} in with {caller}: they run as one service account",
            detail="A mesh knows a caller by its account; the network policy tells them apart.",
            fix=f"give {other} a service account of its own (run.serviceAccount)",
        )


def unknown_hosts(address: str, bound: Bound, unknown: Iterable[str]) -> Iterator[Diagnostic]:
    """Uses whose host is not said."""
    for server in unknown:
        yield finding(
            bound,
            "TEL544",
            Severity.INFO,
            f"{address} may leave the mesh for any host: {server} says no host",
            field=("uses",),
            fix=f"say `host` of {server}",
        )


def controller_outside(environment: Bound, namespaces: Iterable[str]) -> Iterator[Diagnostic]:
    """A controller of another way in, which must be in the mesh to be let in."""
    for namespace in namespaces:
        yield finding(
            environment,
            "TEL545",
            Severity.INFO,
            f"what serves requests from outside in namespace {namespace} must be in the mesh",
            detail="Workloads take mutual TLS only, and let that namespace in by its identity.",
            fix="enable injection there, or choose traffic: istio",
        )


def certificates_elsewhere(
    environment: Bound, secrets: Iterable[str], namespace: str
) -> Iterator[Diagnostic]:
    """Certificates that Istio looks for beside its gateway."""
    for secret in secrets:
        yield finding(
            environment,
            "TEL545",
            Severity.INFO,
            f"Istio reads the certificate {secret} from namespace {namespace}, beside its gateway",
            detail="credentialName names a Secret in the namespace of the gateway's pods.",
            fix=f"put the Secret {secret} there too",
        )
