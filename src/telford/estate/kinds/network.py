"""Route: how requests from outside find a service; hosts, paths and certificates."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base, running, structure


class Destination(base.Model):
    """Where a rule leads to: a service, one of its ports, and its share of the requests."""

    service: str
    port: running.PortNumber | str | None = None
    # The endpoint of the service, where it has several.
    endpoint: str | None = None
    weight: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] | None = None


class HeaderMatch(base.Model):
    """A header that a request must have."""

    name: str
    value: str
    match: Literal["Exact", "RegularExpression"] = "Exact"


class Match(base.Model):
    """Requests by path, method and headers."""

    path: str = "/"
    match: Literal["Prefix", "Exact", "RegularExpression"] = "Prefix"
    method: str | None = None
    headers: tuple[HeaderMatch, ...] = ()


class Redirect(base.Model):
    """An answer that sends the caller elsewhere."""

    scheme: Literal["http", "https"] | None = None
    host: str | None = None
    path: str | None = None
    port: running.PortNumber | None = None
    status: Literal[301, 302, 303, 307, 308] = 302


class Rule(base.Model):
    """Requests that match are led to `to`, or redirected."""

    name: str | None = None
    # For this host alone; all of the route's hosts where it is not given.
    host: str | None = None
    path: str = "/"
    match: Literal["Prefix", "Exact", "RegularExpression", "ImplementationSpecific"] = "Prefix"
    methods: tuple[
        Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"], ...
    ] = ()
    headers: tuple[HeaderMatch, ...] = ()
    to: tuple[Destination, ...] = ()
    redirect: Redirect | None = None
    # What the path becomes before the service sees it.
    rewrite: str | None = None
    timeout: base.Duration | None = None
    # A rule of its own in the Ingress, though the one before it is for the same host.
    apart: bool | None = None
    # Further requests that are led the same way.
    alternatives: tuple[Match, ...] = ()


class Route(base.Kind):
    """A way in from outside that leads to one service or several.

    What leads to one service alone may be written in the service's own `routes`.
    """

    stand_ins: ClassVar[dict[str, object]] = {"rules": [{"to": [{"service": "nothing"}]}]}

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"carried": ("object",)}

    kind: Literal["Route"]
    hosts: tuple[str, ...] = ()
    protocol: Literal["http", "grpc", "tls", "tcp", "udp"] = "http"
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    # An Ingress with its class, or routes at a Gateway, named NAMESPACE/NAME where it is elsewhere.
    via: Literal["ingress", "gateway"] = "ingress"
    controller: str | None = None
    gateways: tuple[str, ...] = ()
    tls: tuple[structure.Certificate, ...] = ()
    road: structure.Road = "paved"
    namespace: str | None = None
    carried: tuple[structure.Carried, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for number, rule in enumerate(self.rules):
            for index, to in enumerate(rule.to):
                path = ("rules", number, "to", index, "service")
                yield base.Reference(path, "Service", to.service)
