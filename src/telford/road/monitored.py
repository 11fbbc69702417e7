"""What the estate knows of the things that are watched in a place: labels for their alerts.

Rules, monitors, alert routes and dashboards speak of the same things by the same labels: the
address they are about, who owns it, how much depends on it, what to read when it breaks. Called
by the targets `prometheus` and `prometheus-operator`, which hand over what they read of a scene.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.estate.kinds import network, pipelines, response, structure
from telford.estate.model import Bound
from telford.estate.place import Place
from telford.road import conventions, reach

Named = Iterable[tuple[str, Bound]]


def runbooks(found: Named, names: reach.Names) -> dict[str, str]:
    """What leads to which Runbook's address: an address, the name of an alert that is about
    anything, or both with a space between. Of several the first by address counts.
    """
    leads: dict[str, str] = {}
    for address, bound in found:
        spec = bound.spec
        assert isinstance(spec, response.Runbook), "only runbooks lead out of something"
        of = list(_canonical(spec, names))
        ways = [*of, *(f"{alert} {thing}" for alert in spec.alerts for thing in of)]
        for way in ways or spec.alerts:
            leads.setdefault(way, address)
    return leads


def _canonical(spec: response.Runbook, names: reach.Names) -> Iterator[str]:
    for text in spec.of:
        kind, _, name = text.partition("/")
        found = names.find(kind, name, spec.system)
        if found is not None:
            yield found


@dataclass(frozen=True, slots=True)
class Watched:
    """One thing that is watched: what finds it in series (`keys`), and what alerts say of it."""

    keys: Mapping[str, str]
    labels: Mapping[str, str]


def placed(place: Place) -> dict[str, str]:
    """The labels of a place, as far as it has them."""
    every = {"environment": place.environment, "region": place.region, "cluster": place.cluster}
    return {key: value for key, value in every.items() if value}


def labels(place: Place, address: str, spec: object, runbook: str) -> dict[str, str]:
    """What an alert about something says of it, in the order in which people read it."""
    tier = spec.tier if isinstance(spec, structure.Service) else None
    every = {
        conventions.ALERT_LABEL_ABOUT: address,
        "address": address,
        **placed(place),
        "system": getattr(spec, "system", None) or "",
        "service": getattr(spec, "name", ""),
        conventions.ALERT_LABEL_OWNER: getattr(spec, "owner", None) or "",
        conventions.ALERT_LABEL_TIER: "" if tier is None else str(tier),
        conventions.ALERT_LABEL_RUNBOOK: runbook,
    }
    return {key: value for key, value in every.items() if value}


def streams(
    place: Place, found: Named, consumed: frozenset[str], known: Mapping[str, str]
) -> Iterator[tuple[str, Watched]]:
    """(engine, stream) for each stream that somebody consumes, found by the broker's name of it; of
    two that their brokers call the same the first, for their numbers cannot be told apart.
    """
    seen: set[tuple[str, str]] = set()
    for address, bound in found:
        spec = bound.spec
        if not isinstance(spec, structure.Stream) or address not in consumed:
            continue
        topic = spec.topic or spec.name
        if (spec.engine, topic) not in seen:
            seen.add((spec.engine, topic))
            keys = {"engine": spec.engine, "topic": topic}
            yield spec.engine, Watched(keys, labels(place, address, spec, known.get(address, "")))


def consumed(found: Named, names: reach.Names) -> frozenset[str]:
    """The canonical addresses of the streams that some service or pipeline reads."""
    return frozenset(filter(None, _consumed(found, names)))


def _consumed(found: Named, names: reach.Names) -> Iterator[str | None]:
    for _, bound in found:
        spec = bound.spec
        if isinstance(spec, structure.Service):
            for use in spec.uses:
                if use.stream is not None and use.role != "publish":
                    yield names.find("stream", use.stream, spec.system)
        elif isinstance(spec, pipelines.Pipeline):
            for dataset in spec.inputs:
                if dataset.stream is not None:
                    yield names.find("stream", dataset.stream, spec.system)


def certificates(
    place: Place, namespace: str, found: Named, known: Mapping[str, str]
) -> Iterator[Watched]:
    """The certificates that paved services and routes name, found by namespace and name; one that
    several name is watched for the first of them.
    """
    seen: set[tuple[str, str]] = set()
    for address, bound in found:
        spec = bound.spec
        if not isinstance(spec, structure.Service | network.Route) or spec.road != "paved":
            continue
        where = spec.namespace or namespace
        for secret in _certificates(spec):
            if (where, secret) not in seen:
                seen.add((where, secret))
                keys = {"namespace": where, "name": secret}
                yield Watched(keys, labels(place, address, spec, known.get(address, "")))


def _certificates(spec: structure.Service | network.Route) -> Iterator[str]:
    if isinstance(spec, network.Route):
        yield from (tls.secret for tls in spec.tls if tls.secret is not None)
        return
    for ingress in spec.ingresses:
        yield from (tls.secret for tls in ingress.tls if tls.secret is not None)
