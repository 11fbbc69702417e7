"""OpenSLO v1 documents of an objective, and of what several share. Called by `target`.

https://github.com/OpenSLO/OpenSLO#object-types
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telford.basics import units
from telford.estate.kinds import people, promises
from telford.estate.kinds.base import Kind
from telford.estate.model import Bound
from telford.render.artifacts import Object
from telford.render.scene import Scene
from telford.road import burn, counted, subject

API_VERSION = "openslo/v1"
# The one data source of a place. How it is reached the estate does not say.
SOURCE = "prometheus"
# What the schema allows in a description.
MAX_DESCRIPTION = 1_050
_SHORTHANDS = (("d", 86_400), ("h", 3_600), ("m", 60))
# A calendar unit in OpenSLO's words, and a day on which one began.
_CALENDAR = {"month": "1M", "quarter": "1Q"}
_BEGAN = {"startTime": "2020-01-01 00:00:00", "timeZone": "UTC"}
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Policy:
    """One way in which a team hears of a burn: a pair of windows, as loud as `severity`."""

    team: str
    severity: str
    period_seconds: int
    pair: burn.Pair

    @property
    def condition(self) -> str:
        """The name of its condition, which teams share."""
        period, long = shorthand(self.period_seconds), shorthand(self.pair.long_seconds)
        return f"{self.severity}-{period}-{long}"

    @property
    def name(self) -> str:
        """Its own name."""
        return f"{self.team}-{self.condition}"


def shorthand(seconds: int) -> str:
    """A duration in its largest whole unit, minutes at least: 30d, 6h, 5m."""
    for unit, size in _SHORTHANDS:
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{-(-seconds // 60)}m"


def name_of(scene: Scene, kind: str, bound: Bound) -> str:
    """The plain name, where it is the only one of its kind in the place; else with the system."""
    address = bound.entity.address
    alone = scene.find(kind, address.name, None) == str(address)
    return address.name if alone else f"{address.system}.{address.name}"


def policies(spec: promises.Objective) -> tuple[Policy, ...]:
    """How its owner hears of it."""
    period = counted.period_seconds(spec)
    return tuple(
        Policy(team(spec), pair.severity if spec.alerting.page else "ticket", period, pair)
        for pair in burn.reachable(period, units.ratio(spec.target))
    )


def team(spec: Kind) -> str:
    """The name of the team or person that owns it."""
    return (spec.owner or "").rpartition("/")[2] or _NOBODY


def objective(scene: Scene, bound: Bound) -> tuple[Object, Object]:
    """The SLI and the SLO of an objective."""
    spec = bound.spec
    assert isinstance(spec, promises.Objective), "only objectives are promises"
    name = name_of(scene, "objective", bound)
    server = service_of(scene, spec)
    served = name_of(scene, "service", server) if server is not None else spec.service
    body: Object = _described(spec) | {"service": served, "indicatorRef": name}
    body |= {"timeWindow": [_window(spec)], "budgetingMethod": "Occurrences"}
    body["objectives"] = [_goal(spec)]
    body["alertPolicies"] = [{"alertPolicyRef": policy.name} for policy in policies(spec)]
    sli = document("SLI", name, _labels(spec), _indicator(scene, spec, server))
    return sli, document("SLO", name, _labels(spec), body)


def service_of(scene: Scene, spec: promises.Objective) -> Bound | None:
    """The service that a promise is of."""
    found = scene.find("service", spec.service, spec.system)
    return scene.bound(found) if found is not None else None


def document(kind: str, name: str, labels: Object, spec: Object) -> Object:
    """A whole document."""
    metadata: Object = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _labels(spec: Kind) -> Object:
    """Its own labels, as far as they are labels at all, and whose it is."""
    own, _ = subject.divided(spec.labels)
    own = {key: text for key, text in own.items() if text}
    return {**own, **({"team": team(spec)} if spec.owner else {})}


def _described(spec: Kind) -> Object:
    said = " ".join(spec.description.split())[:MAX_DESCRIPTION]
    return {"description": said} if said else {}


def _window(spec: promises.Objective) -> Object:
    if spec.calendar is not None:
        return {"duration": _CALENDAR[spec.calendar], "isRolling": False, "calendar": _BEGAN}
    return {"duration": shorthand(counted.period_seconds(spec)), "isRolling": True}


def _goal(spec: promises.Objective) -> Object:
    """The share of good events; a probe is good where it is 1."""
    share = {"target": float(units.ratio(spec.target))}
    return {"op": "gte", "value": 1, **share} if spec.sli.probe is not None else share


def _indicator(scene: Scene, spec: promises.Objective, server: Bound | None) -> Object:
    name = spec.service.rpartition(".")[2]
    alone = server is None or scene.find("service", name, None) is not None
    system = (server.spec.system or "") if server is not None and not alone else ""
    found = counted.counted(spec, name, system)
    if found.success:
        return {"thresholdMetric": _metric(found.success)}
    parts = {"good": found.good, "bad": found.bad, "total": found.total}
    said = {key: _metric(query) for key, query in parts.items() if query}
    return {"ratioMetric": {"counter": True, **said}}


def _metric(query: str) -> Object:
    return {"metricSource": {"metricSourceRef": SOURCE, "spec": {"query": query}}}


def source() -> Object:
    """The place's Prometheus; whoever reads the documents says how to reach it."""
    return document("DataSource", SOURCE, {}, {"type": "Prometheus", "connectionDetails": {}})


def service(scene: Scene, bound: Bound) -> Object:
    """A service that something is promised of."""
    name = name_of(scene, "service", bound)
    return document("Service", name, _labels(bound.spec), _described(bound.spec))


def alerting(scene: Scene, every: Iterable[Policy]) -> Iterator[Object]:
    """Conditions, the policies that use them, and who hears of it."""
    known = sorted(set(every), key=lambda one: one.name)
    conditions = {one.condition: one for one in known}
    yield from (_condition(name, one) for name, one in sorted(conditions.items()))
    yield from (_policy(one) for one in known)
    yield from (_target(scene, name) for name in sorted({one.team for one in known}))


def _condition(name: str, one: Policy) -> Object:
    """A burn over the long window. It is looked at each minute; the short window, by which an alert
    of ours ends soon, OpenSLO has no word for.
    """
    rate = one.pair.rate
    body = {
        "kind": "burnrate",
        "op": "gte",
        "threshold": int(rate) if rate == int(rate) else float(rate),
        "lookbackWindow": shorthand(one.pair.long_seconds),
        "alertAfter": "1m",
    }
    return document("AlertCondition", name, {}, {"severity": one.severity, "condition": body})


def _policy(one: Policy) -> Object:
    body: Object = {
        "alertWhenNoData": False,
        "alertWhenResolved": True,
        "alertWhenBreaching": True,
        "conditions": [{"conditionRef": one.condition}],
        "notificationTargets": [{"targetRef": one.team}],
    }
    return document("AlertPolicy", one.name, {}, body)


def _target(scene: Scene, name: str) -> Object:
    """Where a team reads: its address, its channel."""
    found = scene.find("team", name, None)
    spec = scene.bound(found).spec if found is not None else None
    if not isinstance(spec, people.Team):
        return document("AlertNotificationTarget", name, {}, {"target": "team"})
    where = " ".join(filter(None, [spec.email, spec.chat]))
    body: Object = {"description": where} if where else {}
    reached = "email" if spec.email else "chat" if spec.chat else "team"
    return document("AlertNotificationTarget", name, {}, body | {"target": reached})
