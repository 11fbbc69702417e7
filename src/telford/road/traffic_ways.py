"""How requests are divided between versions in a place, and what each way cannot do. Pure.

Asked by `telford check` where the estate shows it (the rule TEL750), before a release starts
(`telford.app.cluster_place`) and again by the place itself, so nothing is half done because a router
could not do the rest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from telford.basics.errors import RefusedError

GATEWAY, ISTIO, LINKERD, RATIO = "gateway-api", "istio", "linkerd", "ratio"
WHOLE = 10_000
# How far the share that replica counts give may be off the one that was asked: a quarter of it, and
# never less than two points, which is one replica of fifty.
RATIO_TOLERANCE, RATIO_LEAST = 0.25, 0.02


@dataclass(frozen=True, slots=True)
class Way:
    """One way of dividing. `cannot` maps what is asked for (``matches``, ``cookies``, ``mirror``,
    ``sticky``, ``weights``) to why it cannot be had.
    """

    name: str
    title: str
    cannot: Mapping[str, str] = field(default_factory=dict)
    # Whether the controller says that it has taken over what was asked.
    says_so: bool = False


# https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec (weights core; header matches core;
# cookies by a regular expression, implementation-specific; RequestMirror extended)
# https://istio.io/latest/docs/reference/config/networking/virtual-service/
# https://linkerd.io/2/reference/httproute/ (no RequestMirror, no session persistence)
WAYS: Mapping[str, Way] = {
    GATEWAY: Way(
        GATEWAY,
        "Gateway API",
        {"sticky": "the standard channel of Gateway API keeps nobody with a version"},
        says_so=True,
    ),
    ISTIO: Way(ISTIO, "Istio"),
    LINKERD: Way(
        LINKERD,
        "Linkerd",
        {
            "mirror": "Linkerd copies no requests",
            "sticky": "Linkerd keeps nobody with a version",
        },
        says_so=True,
    ),
    RATIO: Way(
        RATIO,
        "replica counts",
        {
            "matches": "without a router nobody looks at a request's headers",
            "cookies": "without a router nobody looks at a request's cookies",
            "mirror": "without a router nobody copies requests",
            "sticky": "without a router nobody keeps a user with a version",
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a release asks of whoever divides its requests."""

    matches: bool = False
    cookies: bool = False
    mirror: bool = False
    sticky: bool = False

    def asked(self) -> Iterator[str]:
        """The names of what is asked, as `Way.cannot` has them."""
        for name in ("matches", "cookies", "mirror", "sticky"):
            if getattr(self, name):
                yield name


def way_of(mesh: str, traffic: str) -> str:
    """The way that follows from what the road chose in the aspects ``mesh`` and ``traffic``: what
    divides every caller's requests before what divides those from outside alone.
    """
    if ISTIO in (mesh, traffic):
        return ISTIO
    if mesh == LINKERD:
        return LINKERD
    return GATEWAY if traffic == GATEWAY else RATIO


def refusals(way: str, needs: Needs) -> tuple[str, ...]:
    """A sentence for each thing that is asked for and that a way cannot do, and which could."""
    known = WAYS[way]
    found = []
    for name in needs.asked():
        why = known.cannot.get(name)
        if why:
            able = [one.title for one in WAYS.values() if name not in one.cannot]
            found.append(f"{name}: {why}; {' and '.join(able)} could")
    return tuple(found)


def refuse(way: str, needs: Needs, service: str) -> None:
    """Raise `RefusedError` where a way cannot do what is asked."""
    found = refusals(way, needs)
    if found:
        raise RefusedError(
            f"requests to {service} are divided by {WAYS[way].title} here: {'; '.join(found)}",
            fix="choose another strategy, or another way in aspect `traffic` or `mesh`",
        )


def ratio_replicas(share: float, others: int) -> int:
    """How many replicas beside `others` give a share of the requests as near as can be; at least
    one where any share is asked.
    """
    if share <= 0:
        return 0
    if share >= 1:
        return max(others, 1)
    return max(round(share / (1 - share) * others), 1)


def ratio_problem(asked: float, mine: int, others: int) -> str:
    """Why replica counts do not give a share; "" where they nearly do."""
    have = mine / (mine + others) if mine + others else 0.0
    if abs(have - asked) <= max(RATIO_LEAST, RATIO_TOLERANCE * asked):
        return ""
    return (
        f"{mine} replicas beside {others} get {have:.0%} of the requests and not {asked:.1%}:"
        " more replicas come nearer, a mesh or Gateway API divides exactly"
    )
