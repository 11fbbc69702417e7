"""What this target has to say about an estate: TEL540 and TEL541. Called by `target`.

- TEL540 (warning): a host without a certificate, so requests to it come in the clear.
- TEL541 (warning): something that a way in asks for and the standard channel does not have.
"""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.findings import finding
from telford.render.gateway_api.gateways import Door
from telford.road.ways_in import WayIn

_DONE = ("http", "grpc")


def in_the_clear(environment: Bound, doors: Iterable[Door]) -> Iterator[Diagnostic]:
    """Hosts that are listened for unencrypted only."""
    hosts = [door.host or "any host" for door in doors if not door.secure]
    if hosts:
        yield finding(
            environment,
            "TEL540",
            Severity.WARNING,
            f"requests to {', '.join(hosts)} come in the clear: there is no certificate for it",
            detail="Whoever is on the way reads and changes them.",
            fix="name a certificate: `tls` of the Route, or `ingresses[].tls` of the Service",
        )


def misfits(bound: Bound, way: WayIn) -> Iterator[Diagnostic]:
    """What is left out, because no standard object says it."""
    if way.protocol not in _DONE:
        yield _left_out(bound, way, f"routes of protocol {way.protocol}", ("protocol",))
    if way.protocol == "grpc" and any(rule.timeout for rule in way.rules):
        yield _left_out(bound, way, "time limits of gRPC calls", ("rules",))


def _left_out(bound: Bound, way: WayIn, what: str, field: tuple[str, ...]) -> Diagnostic:
    return finding(
        bound,
        "TEL541",
        Severity.WARNING,
        f"the standard channel of the Gateway API has no {what}, which {way.owner} asks for",
        field=field,
        detail="Nothing is made of it.",
        fix="choose another way of `traffic` for it (a Recipe), or carry the object as a Manifest",
    )
