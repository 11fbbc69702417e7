"""What this target has to say about an estate: TEL560 and TEL561. Called by `target`.

- TEL560 (warning): a host without a certificate, so requests to it come in the clear.
- TEL561 (warning): a protocol that the configuration does not serve.
"""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.envoy.routes import Host
from telford.render.findings import finding
from telford.road.ways_in import WayIn


def in_the_clear(environment: Bound, hosts: Iterable[Host]) -> Iterator[Diagnostic]:
    """Hosts that are listened for unencrypted only."""
    names = [host.name or "any host" for host in hosts if not host.certificate]
    if names:
        yield finding(
            environment,
            "TEL560",
            Severity.WARNING,
            f"requests to {', '.join(names)} come in the clear: there is no certificate for it",
            detail="Whoever is on the way reads and changes them.",
            fix="name a certificate: `tls` of the Route, or `ingresses[].tls` of the Service",
        )


def misfits(bound: Bound, way: WayIn) -> Iterator[Diagnostic]:
    """What is left out."""
    yield finding(
        bound,
        "TEL561",
        Severity.WARNING,
        f"nothing is made for Envoy of {way.owner}: its protocol is {way.protocol}",
        field=("protocol",),
        fix="serve it by a listener of your own; http and grpc are made here",
    )
