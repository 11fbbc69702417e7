"""What becomes of a route's rules when requests are divided between versions. Pure.

A route is somebody else's object: only the destinations of the service that is being released are
exchanged, what its rules say besides stays. The rules as they were are kept on the route, so that
the end of a release gives them back, letter by letter. Used by `routing`.
"""

import copy
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.estate.workload import Match
from telford.ports.objects import Object
from telford.road import conventions
from telford.road.traffic_ways import WHOLE

Rule = Mapping[str, Any]
Rules = Sequence[Rule]
# Rules that were put before others' own.
_OURS = "telford-"
# https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref
_MOST_WEIGHT = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a version's requests go: a Service of its own, or a subset of the common one (Istio).

    `home` is the version that stays; `key` names the version in a cookie.
    """

    version: str
    service: str
    subset: str
    key: str
    home: bool = False


@dataclass(frozen=True, slots=True)
class Division:
    """A split as rules can say it: `hosts` are the names of the service, its own first; `shares`
    maps a target to basis points, those without any left out; `apart` says that other versions
    run beside the home; `before` are the home's and the other's basis points one split earlier.
    """

    hosts: tuple[str, ...]
    generation: int
    shares: Mapping[Target, int]
    known: Mapping[str, Target]
    matches: tuple[Match, ...] = ()
    mirror: Mapping[str, int] = field(default_factory=dict)
    sticky: str = ""
    apart: bool = False
    before: Mapping[str, int] = field(default_factory=dict)

    @property
    def as_it_was(self) -> bool:
        """Whether nothing has to be divided."""
        only_home = all(one.home for one in self.shares)
        return only_home and not (self.apart or self.matches or self.mirror)


Rewrite = Callable[[Rules], list[dict[str, Any]]]


def base(item: Object, rules: Rules) -> Rules:
    """A route's rules as its owner wrote them: those that were kept, as long as the present ones
    are what was made of them.
    """
    notes = item["metadata"].get("annotations") or {}
    kept = notes.get(conventions.ANNOTATION_RULES)
    if not kept or notes.get(conventions.ANNOTATION_RULES_DIGEST) != digest(rules):
        return rules
    found: Rules = json.loads(kept)
    return found


def rewritten(
    item: Object, where: str, rewrite: Rewrite, annotations: Mapping[str, str]
) -> dict[str, Any]:
    """A copy of a route with its rules (`spec.WHERE`) divided; given back where there is nothing
    to divide.
    """
    after = copy.deepcopy(dict(item))
    rules = after["spec"].get(where) or []
    original = base(item, rules)
    made = rewrite(original)
    after["spec"][where] = made
    notes = {**(after["metadata"].get("annotations") or {}), **annotations}
    for name in (conventions.ANNOTATION_RULES, conventions.ANNOTATION_RULES_DIGEST):
        notes.pop(name, None)
    if made != list(original):
        notes[conventions.ANNOTATION_RULES] = json.dumps(original, sort_keys=True)
        notes[conventions.ANNOTATION_RULES_DIGEST] = digest(made)
    after["metadata"]["annotations"] = notes
    return after


def digest(rules: Rules) -> str:
    """What tells whether somebody changed the rules since."""
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]


def concerns(rules: Rules, names: frozenset[str]) -> bool:
    """Whether rules of Gateway API lead to one of these Services."""
    return any(ref.get("name") in names for rule in rules for ref in rule.get("backendRefs") or ())


def concerns_istio(rules: Rules, hosts: frozenset[str]) -> bool:
    """Whether rules of Istio lead to one of these hosts."""
    return any(
        (one.get("destination") or {}).get("host") in hosts
        for rule in rules
        for one in rule.get("route") or ()
    )


# --- Gateway API, Linkerd ----------------------------------------------------------------------


def gateway(rules: Rules, division: Division) -> list[dict[str, Any]]:
    """Rules of an HTTPRoute or GRPCRoute."""
    if division.as_it_was:
        return [dict(rule) for rule in rules]
    made: list[dict[str, Any]] = []
    for rule in rules:
        mine = [ref for ref in rule.get("backendRefs") or () if _is_mine(ref, division)]
        if not mine:
            made.append(dict(rule))
            continue
        made += _matched(rule, mine, division)
        made.append(_divided(rule, division))
    return made


def _is_mine(ref: Rule, division: Division) -> bool:
    plain = ref.get("kind", "Service") == "Service" and not ref.get("group")
    return plain and ref.get("name") == division.hosts[0] and not ref.get("namespace")


def _divided(rule: Rule, division: Division) -> dict[str, Any]:
    refs: list[dict[str, Any]] = []
    for ref in rule["backendRefs"]:
        weight = int(ref.get("weight", 1))
        if not _is_mine(ref, division):
            refs.append({**ref, "weight": weight * WHOLE})
            continue
        refs += [
            {**ref, "name": target.service, "weight": weight * share}
            for target, share in division.shares.items()
        ]
    mirrors = list(_mirrors(rule, division))
    filters = {"filters": [*(rule.get("filters") or ()), *mirrors]} if mirrors else {}
    return {**rule, **filters, "backendRefs": _reduced(refs)}


def _reduced(refs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same shares in numbers as small as can be."""
    divisor = math.gcd(*(ref["weight"] for ref in refs)) or 1
    shrunk = [{**ref, "weight": ref["weight"] // divisor} for ref in refs]
    most = max(ref["weight"] for ref in shrunk)
    if most <= _MOST_WEIGHT:
        return shrunk
    return [{**ref, "weight": ref["weight"] * _MOST_WEIGHT // most} for ref in shrunk]


def _mirrors(rule: Rule, division: Division) -> Iterator[dict[str, Any]]:
    mine = next(ref for ref in rule["backendRefs"] if _is_mine(ref, division))
    for version, share in division.mirror.items():
        service = division.known[version].service
        to = {"group": "", "kind": "Service", "name": service, "port": mine["port"]}
        fraction = {"fraction": {"numerator": share, "denominator": WHOLE}}
        whole: dict[str, Any] = {} if share == WHOLE else fraction
        yield {"type": "RequestMirror", "requestMirror": {"backendRef": to, **whole}}


def _matched(rule: Rule, mine: list[Rule], division: Division) -> Iterator[dict[str, Any]]:
    """Rules for the requests that go to one version whatever the weights, before the rule."""
    for one in division.matches:
        header = _header(one)
        matches = [
            {**match, "headers": [*(match.get("headers") or ()), header]}
            for match in rule.get("matches") or [{}]
        ]
        to = {**mine[0], "name": division.known[one.version].service, "weight": 1}
        yield {**rule, "matches": matches, "backendRefs": [to]}


def _header(match: Match) -> dict[str, Any]:
    if match.header:
        return {"type": "Exact", "name": match.header, "value": match.value}
    pattern = _cookie(match.cookie, re.escape(match.value))
    return {"type": "RegularExpression", "name": "cookie", "value": pattern}


def _cookie(name: str, pattern: str) -> str:
    """RE2 over a whole Cookie header: one pair of it."""
    return rf"^(.*;\s*)?{re.escape(name)}={pattern}(;.*)?$"


# --- Istio -------------------------------------------------------------------------------------


def istio(rules: Rules, division: Division) -> list[dict[str, Any]]:
    """Rules (``spec.http``) of a VirtualService."""
    if division.as_it_was:
        return [dict(rule) for rule in rules]
    made: list[dict[str, Any]] = []
    for number, rule in enumerate(rules):
        host = next((h for h in _destinations(rule) if h.get("host") in division.hosts), None)
        if host is None:
            made.append(dict(rule))
            continue
        made += _istio_before(rule, host, division, number)
        copied = _istio_mirror(host, division)
        made.append({**rule, "route": _istio_route(host, division.shares, division), **copied})
    return made


def _destinations(rule: Rule) -> Iterator[Rule]:
    for one in rule.get("route") or ():
        yield one.get("destination") or {}


def _istio_route(
    host: Rule, shares: Mapping[Target, int], division: Division, *, told: bool = True
) -> list[dict[str, Any]]:
    """Weights are relative to their sum; those who get none are left out."""
    having = {target: share for target, share in shares.items() if share}
    divisor = math.gcd(*having.values())
    made = []
    for target, share in having.items():
        one: dict[str, Any] = {"destination": {**host, "subset": target.subset}}
        one["weight"] = share // divisor if len(having) > 1 else 100
        if division.sticky and told:
            cookie = f"{division.sticky}={_value(target, division)}; Path=/"
            one["headers"] = {"response": {"add": {"Set-Cookie": cookie}}}
        made.append(one)
    return made


def _istio_mirror(host: Rule, division: Division) -> dict[str, Any]:
    for version, share in division.mirror.items():
        return {
            "mirror": {**host, "subset": division.known[version].subset},
            "mirrorPercentage": {"value": share / 100},
        }
    return {}


def _istio_before(
    rule: Rule, host: Rule, division: Division, number: int
) -> Iterator[dict[str, Any]]:
    """Rules before a rule: single requests first, then those who have a version already."""
    for index, one in enumerate(division.matches):
        to = {division.known[one.version]: WHOLE}
        headers: dict[str, Any] = {"cookie": {"regex": _cookie(one.cookie, re.escape(one.value))}}
        if one.header:
            headers = {one.header.lower(): {"exact": one.value}}
        yield _with(rule, headers, f"match-{number}-{index}", _istio_route(host, to, division))
    if not division.sticky:
        return
    for index, (pattern, shares, told) in enumerate(_kept(division)):
        headers = {"cookie": {"regex": _cookie(division.sticky, pattern)}}
        route = _istio_route(host, shares, division, told=told)
        yield _with(rule, headers, f"keep-{number}-{index}", route)


def _kept(division: Division) -> Iterator[tuple[str, Mapping[Target, int], bool]]:
    """Who has which cookie goes where: whoever has a new version keeps it while its share grows;
    whoever had the old one at an earlier split is drawn anew, just as often as the share grew.
    """
    for target, share in division.shares.items():
        earlier = division.before.get(target.version, 0)
        if target.home:
            yield re.escape(_value(target, division)), {target: WHOLE}, False
        elif share >= earlier:
            yield re.escape(target.key), {target: WHOLE}, False
    drawn = _drawn(division)
    home = next((one for one in division.shares if one.home), None)
    if home is not None and drawn:
        yield re.escape(home.key) + r"\.[0-9]+", drawn, True


def _drawn(division: Division) -> dict[Target, int]:
    """The shares of those who had the home before: with w before and v now, (v - w) / (1 - w)."""
    found: dict[Target, int] = {}
    earlier = sum(division.before.get(one.version, 0) for one in division.shares if not one.home)
    rest = WHOLE - earlier
    for target, share in division.shares.items():
        if not target.home and rest > 0:
            more = max(share - division.before.get(target.version, 0), 0)
            found[target] = round(more * WHOLE / rest)
    left = WHOLE - sum(found.values())
    home = next((one for one in division.shares if one.home), None)
    return {home: left, **found} if home is not None else found


def _value(target: Target, division: Division) -> str:
    """The cookie's value: the home's carries the generation of the split it was drawn at."""
    return f"{target.key}.{division.generation}" if target.home else target.key


def _with(
    rule: Rule, headers: Mapping[str, Any], name: str, route: list[dict[str, Any]]
) -> dict[str, Any]:
    matches = [
        {**match, "headers": {**(match.get("headers") or {}), **headers}}
        for match in rule.get("match") or [{}]
    ]
    return {**rule, "name": f"{_OURS}{name}", "match": matches, "route": route}


# --- what a route says ---------------------------------------------------------------------------


def accepted(item: Object) -> tuple[bool, str]:
    """Whether every controller of a route of Gateway API has taken over what it says now; why not.

    https://gateway-api.sigs.k8s.io/reference/spec/#routestatus
    """
    name, generation = item["metadata"]["name"], item["metadata"]["generation"]
    parents = (item.get("status") or {}).get("parents") or ()
    if not parents:
        return False, f"no controller has said anything of the route {name}"
    for parent in parents:
        said = {one.get("type"): one for one in parent.get("conditions") or ()}
        for kind in ("Accepted", "ResolvedRefs"):
            one = said.get(kind)
            if one is None or int(one.get("observedGeneration", 0)) < generation:
                return False, f"the route {name} is not looked at yet"
            if one.get("status") != "True":
                why = one.get("message") or one.get("reason", "")
                return False, f"the route {name} is not {kind}: {why}"
    return True, ""


def refused(item: Object) -> str:
    """Why a controller has refused a route as it is now; "" where none has."""
    ok, why = accepted(item)
    return why if not ok and " is not Accepted" in why else ""


def weights(rules: Rules, versions: Mapping[str, str]) -> dict[str, int]:
    """Version -> basis points by the last rule that leads to one of these Services."""
    for rule in reversed(rules):
        found = [ref for ref in rule.get("backendRefs") or () if ref.get("name") in versions]
        if found:
            return _points({versions[ref["name"]]: int(ref.get("weight", 1)) for ref in found})
    return {}


def istio_weights(rules: Rules, versions: Mapping[str, str]) -> dict[str, int]:
    """Version -> basis points by the last rule that leads to one of these subsets."""
    for rule in reversed(rules):
        found = {
            versions[one["destination"].get("subset", "")]: int(one.get("weight", 100))
            for one in rule.get("route") or ()
            if (one.get("destination") or {}).get("subset", "") in versions
        }
        if found:
            return _points(found)
    return {}


def _points(shares: Mapping[str, int]) -> dict[str, int]:
    total = sum(shares.values())
    return {v: round(n * WHOLE / total) for v, n in shares.items() if n} if total else {}
