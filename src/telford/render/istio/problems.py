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
from telford.render.strangers import Voice

VOICE = Voice(
    mesh="Istio",
    guessed="TEL542",
    stranger="TEL543",
    open="takes calls without mutual TLS",
    outside="not in the mesh",
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
