"""Subscriptions of an estate, ready to be told: which events each is about, and its listener.

Called by whatever runs a controller (`telford up`, `telford controller`) and by `telford events`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from telford.backends.telling import making
from telford.basics import clock as clocks
from telford.basics.errors import UsageError
from telford.deliver import cdevents
from telford.deliver.events import Event
from telford.estate.graph import Index
from telford.estate.kinds.telling import Subscription
from telford.estate.model import Binding, Bound
from telford.flows.telling import Told


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this installation is called and where its portal is; "" where that is not known."""

    name: str
    portal: str = ""


def subscriptions(binding: Binding, around: Surroundings, clock: clocks.Clock) -> tuple[Told, ...]:
    """Every subscription of a place, by its address."""
    return tuple(
        _told(binding, address, spec, around, clock)
        for address, spec in sorted(_described(binding).items())
    )


def subscription(binding: Binding, text: str, around: Surroundings, clock: clocks.Clock) -> Told:
    """The subscription of that name or address, made alone: what is wrong with another one's
    listener is no matter here. Raises `UsageError` where there is none.
    """
    described = _described(binding)
    for address, spec in described.items():
        if text in {address, address.partition("/")[2]}:
            return _told(binding, address, spec, around, clock)
    known = ", ".join(sorted(described)) or "none"
    raise UsageError(f"there is no subscription {text!r} here", fix=f"there are: {known}")


def _described(binding: Binding) -> dict[str, Subscription]:
    found = {}
    for bound in binding.of_kind("Subscription"):
        assert isinstance(bound.spec, Subscription)
        found[str(bound.entity.address)] = bound.spec
    return found


def _told(
    binding: Binding,
    address: str,
    spec: Subscription,
    around: Surroundings,
    clock: clocks.Clock,
) -> Told:
    source = cdevents.installation(around.name)
    made = making.Surroundings(os.environ, clock, source, around.portal)
    return Told(address, about(binding, spec), making.listener(spec, made))


def about(binding: Binding, spec: Subscription) -> Callable[[Event], bool]:
    """Whether a subscription is about an event: its name, its environment, whose release it is."""
    services = _services(binding, spec)

    def matches(event: Event) -> bool:
        return (
            (not spec.events or event.name in spec.events)
            and (not spec.environments or event.environment in spec.environments)
            and (services is None or event.service in services)
        )

    return matches


def trial(place: str, service: str, at: float) -> Event:
    """An event that says it is a trial, for `telford events --try`."""
    return Event(
        id=f"trial.{at:.3f}",
        name="release.started",
        at=at,
        place=place,
        service=service,
        release="trial",
        from_version="1.0.0",
        to_version="1.0.1",
        strategy="canary",
        weight_bp=0,
        who="telford",
        reason="a trial: nothing is being released",
    )


def _services(binding: Binding, spec: Subscription) -> frozenset[str] | None:
    """The services that a subscription is about; None for all of them."""
    if not spec.of:
        return None
    index = Index(binding)
    wanted = {
        found
        for text in spec.of
        for found in index.refer(text.partition("/")[0].capitalize(), text, spec)
    }
    return frozenset(
        str(bound.entity.address)
        for bound in binding.of_kind("Service")
        if _belongs(bound, {str(one) for one in wanted} | set(spec.of))
    )


def _belongs(bound: Bound, wanted: set[str]) -> bool:
    spec = bound.spec
    own = {str(bound.entity.address), f"service/{spec.name}", f"system/{spec.system}"}
    return not wanted.isdisjoint(own | {str(spec.owner)})
