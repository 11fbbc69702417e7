"""`route`: requests are divided between the versions that run. Used by `place` and `applying`.

What divides is somebody's routes (Gateway API, Linkerd, Istio) or nothing but replica counts; the
service's own Service is led along, so that callers which no router sees are never sent to a version
that is only looked at. A split counts once the cluster holds it and, where the controller says
such things, has accepted it.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from telford.backends.kubernetes import arms, ground, names, pods, rules
from telford.backends.kubernetes.ground import Ground, Snapshot
from telford.backends.kubernetes.record import Arm, Record
from telford.basics.errors import PermanentError, RefusedError, TemporaryError, UsageError
from telford.estate.workload import Split
from telford.ports.objects import Object
from telford.road import conventions, traffic_ways
from telford.road.traffic_ways import ISTIO, LINKERD, RATIO, WHOLE

CONFIRM_SECONDS = 10.0
_REST_SECONDS = 0.5
_OWN = "-release"
_NOBODY = "nobody"


class Router:
    """Divides the requests of services in one namespace."""

    def __init__(self, on: Ground, confirm_seconds: float = CONFIRM_SECONDS) -> None:
        self._ground = on
        self._confirm_seconds = confirm_seconds

    def route(self, split: Split) -> None:
        """See `ports.Router.route`."""
        _check(split)
        self._ground.decide(lambda: self._once(split), f"divide {split.service}")
        self.confirm(split.service)

    def _once(self, split: Split) -> None:
        seen = self._ground.look()
        kept = seen.record(split.service)
        if kept.split == split and self.served(seen, kept)[0] == split:
            return
        self._refuse(kept, split)
        highest = max(
            (arms.seen_generation(one) for _, one in self._written(seen, kept)), default=0
        )
        wanted = kept.split_fenced(split.generation, highest)
        _await_capacity(seen, kept, split, self._ground.way(split.service))
        wanted = dataclasses.replace(wanted, split=split, before=_before(kept, split))
        wanted = self._ground.keep(seen, wanted)
        for kind, item in self._written(seen, wanted):
            name = str(item["metadata"]["name"])
            self._ground.stamp(seen, kind, [name], split.generation)
        self.lead(seen, wanted)

    def fence(self, seen: Snapshot, kept: Record) -> None:
        """Touch what leads requests, so that a controller that was overtaken while it changed the
        workloads leads nobody any more.
        """
        note = {conventions.ANNOTATION_FENCE: str(kept.generation)}
        for kind, item in self._written(seen, kept):
            have = (item["metadata"].get("annotations") or {}).get(conventions.ANNOTATION_FENCE)
            if have is None or not have.isdigit() or int(have) < kept.generation:
                self._ground.update(seen, kind, arms.annotated(item, note))

    def confirm(self, service: str) -> None:
        """Wait until the split that was asked for is served. Raises `TemporaryError` at the limit,
        `PermanentError` where a controller refuses it.
        """
        end = self._ground.clock.monotonic() + self._confirm_seconds
        while True:
            seen = self._ground.look()
            kept = seen.record(service)
            served, why = self.served(seen, kept)
            if served == kept.split:
                return
            refused = [rules.refused(one) for _, one in self._routes(seen, kept)]
            if any(refused):
                raise PermanentError(
                    next(filter(None, refused)), fix="mend the route or its parent"
                )
            if self._ground.clock.monotonic() >= end:
                raise TemporaryError(f"the split of {service} is not served: {why}")
            kinds = [kind for kind, _ in self._routes(seen, kept)]
            kind = kinds[0] if kinds and kinds[0] in seen.resources else "Pod"
            self._ground.rest(seen, kind, _REST_SECONDS)

    def lead(self, seen: Snapshot, kept: Record) -> None:
        """Make the cluster's objects say what the record says. Whoever is about to get requests
        is led to before the last way to it is closed.
        """
        whole = kept.arm(kept.whole) if kept.whole else None
        if whole is not None and not whole.home:
            self._lead_routes(seen, kept)
            self._lead_service(seen, kept)
        else:
            self._lead_service(seen, kept)
            self._lead_routes(seen, kept)

    def served(self, seen: Snapshot, kept: Record) -> tuple[Split | None, str]:
        """The split that the cluster serves, None where nobody can say; and why it is not the one
        that was asked for.
        """
        split = kept.split
        if split is None:
            return None, "no split was asked for"
        service = self._service(seen, kept)
        if service is None:
            return None, f"{kept.service} has no Service"
        if service["spec"].get("selector") != self._selector(kept, service):
            return None, f"the Service {service['metadata']['name']} leads elsewhere"
        if self._ground.way(kept.service) == RATIO:
            why = _ratio_problem(seen, kept)
            return (None if why else split), why
        return self._routed(seen, kept, split)

    def _routed(self, seen: Snapshot, kept: Record, split: Split) -> tuple[Split | None, str]:
        found = self._routes(seen, kept)
        if not found:
            whole = bool(kept.whole) or not split.weights
            return (split, "") if whole else (None, f"no route leads to {kept.service}")
        where, rewrite = self._rewriting(kept)
        for kind, item in found:
            present = item["spec"].get(where) or []
            if present != rewrite(rules.base(item, present)):
                return self._other_split(kept, item, present), "a route was changed by others"
            ok, why = rules.accepted(item) if kind in ground.ROUTES else (True, "")
            if not ok:
                return None, why
        missing = self._missing_subsets(seen, kept)
        return (None, missing) if missing else (split, "")

    def _other_split(self, kept: Record, item: Object, present: rules.Rules) -> Split | None:
        """What the cluster serves where others changed what was asked for."""
        targets = self._targets(kept)
        if self._ground.way(kept.service) == ISTIO:
            weights = rules.istio_weights(present, {t.subset: v for v, t in targets.items()})
        else:
            weights = rules.weights(present, {t.service: v for v, t in targets.items()})
        if not weights:
            return None
        return Split(kept.service, arms.seen_generation(item), weights)

    # --- the Service ---------------------------------------------------------------------------

    def _service(self, seen: Snapshot, kept: Record) -> Object | None:
        name = _host(kept)
        return seen.get("Service", name) if name else None

    def _lead_service(self, seen: Snapshot, kept: Record) -> None:
        service = self._service(seen, kept)
        if service is None:
            return
        after = arms.annotated(service, {})
        after["spec"] = {**after["spec"], "selector": self._selector(kept, service)}
        self._ground.update(seen, "Service", after)

    def _selector(self, kept: Record, service: Object) -> dict[str, str]:
        """Whom the service's own Service leads to: everybody where only one version runs and where
        replica counts divide; else the home, until all requests go to another version.
        """
        ours = (conventions.LABEL_TRACK, conventions.LABEL_RUNS)
        held = service["spec"].get("selector") or {}
        everybody = {name: value for name, value in held.items() if name not in ours}
        way = self._ground.way(kept.service)
        if kept.split is not None and not any(kept.split.weights.values()):
            return {**everybody, conventions.LABEL_RUNS: _NOBODY}
        if not kept.guests or way == ISTIO:
            return everybody
        whole = kept.arm(kept.whole) if kept.whole else None
        if whole is not None and not whole.home:
            return {**everybody, conventions.LABEL_RUNS: names.label(whole.version)}
        if way == RATIO and kept.split is not None and not kept.whole:
            return everybody
        return {**everybody, conventions.LABEL_TRACK: names.STABLE}

    # --- the routes ----------------------------------------------------------------------------

    def _routes(self, seen: Snapshot, kept: Record) -> list[tuple[str, Object]]:
        """The routes that lead to the service or to one of its versions: kind and object."""
        way = self._ground.way(kept.service)
        if way == RATIO:
            return []
        if way != ISTIO:
            services = {_host(kept), *(one.name for one in kept.guests)}
            return ground.routes(seen, frozenset(services))
        hosts = frozenset(self._hosts(kept))
        return [
            ("VirtualService", one)
            for one in seen.of("VirtualService")
            if rules.concerns_istio(one["spec"].get("http") or (), hosts)
        ]

    def _written(self, seen: Snapshot, kept: Record) -> list[tuple[str, Object]]:
        """Everything that a split is written to, for its fence."""
        service = self._service(seen, kept)
        own = [("Service", service)] if service is not None else []
        return [*own, *self._routes(seen, kept)]

    def _lead_routes(self, seen: Snapshot, kept: Record) -> None:
        way = self._ground.way(kept.service)
        if way == RATIO:
            self._scale(seen, kept)
            return
        self._own_routes(seen, kept)
        where, rewrite = self._rewriting(kept)
        notes = arms.generation(kept.split_generation)
        for kind, item in self._routes(seen, kept):
            if not self._is_done_with(kept, item):
                self._ground.update(seen, kind, rules.rewritten(item, where, rewrite, notes))
        self._drop_own_routes(seen, kept)

    def _rewriting(self, kept: Record) -> tuple[str, rules.Rewrite]:
        division = self._division(kept)
        if self._ground.way(kept.service) == ISTIO:
            return "http", lambda found: rules.istio(found, division)
        return "rules", lambda found: rules.gateway(found, division)

    def _division(self, kept: Record) -> rules.Division:
        targets = self._targets(kept)
        split = kept.split or Split(kept.service, 0, {})
        shares = {targets[v]: n for v, n in split.weights.items() if n and v in targets}
        return rules.Division(
            hosts=self._hosts(kept),
            generation=split.generation,
            shares=shares or {one: WHOLE for one in targets.values() if one.home},
            known=targets,
            matches=split.matches,
            mirror={v: n for v, n in split.mirror.items() if n},
            sticky=split.sticky,
            apart=bool(kept.guests),
            before=kept.before,
        )

    def _targets(self, kept: Record) -> dict[str, rules.Target]:
        host = _host(kept)
        found = {}
        for one in kept.arms:
            if kept.arm(one.version) is not one and one.leaving:
                continue
            service = host if one.home else one.name
            subset = names.STABLE if one.home else names.track(one.version)
            key = names.label(one.version)
            found[one.version] = rules.Target(one.version, service, subset, key, one.home)
        return found

    def _hosts(self, kept: Record) -> tuple[str, ...]:
        name, namespace = _host(kept), self._ground.namespace
        return (
            name,
            f"{name}.{namespace}",
            f"{name}.{namespace}.svc",
            f"{name}.{namespace}.svc.cluster.local",
        )

    # --- routes of our own, where a mesh has none ------------------------------------------------

    def _own_routes(self, seen: Snapshot, kept: Record) -> None:
        """A mesh divides by a route, and there may be none yet; and by subsets (Istio)."""
        if not kept.guests:
            return
        way, host = self._ground.way(kept.service), _host(kept)
        service = self._service(seen, kept)
        if service is None:
            return
        if way == ISTIO:
            self._subsets(seen, kept)
            if not self._routes(seen, kept):
                self._ground.create(seen, "VirtualService", self._virtual_service(kept, host))
        elif way == LINKERD and not self._routes(seen, kept):
            self._ground.create(seen, "HTTPRoute", self._http_route(seen, kept, service))

    def _drop_own_routes(self, seen: Snapshot, kept: Record) -> None:
        if kept.guests:
            return
        for kind in ("HTTPRoute", "VirtualService", "DestinationRule"):
            item = seen.get(kind, f"{_host(kept)}{_OWN}")
            if item is not None:
                self._ground.delete(seen, kind, item)

    def _is_done_with(self, kept: Record, item: Object) -> bool:
        return not kept.guests and item["metadata"]["name"] == f"{_host(kept)}{_OWN}"

    def _about(self, kept: Record) -> dict[str, Any]:
        return {
            "name": f"{_host(kept)}{_OWN}",
            "namespace": self._ground.namespace,
            "labels": {conventions.LABEL_SERVICE: names.label(kept.service)},
            "annotations": arms.generation(kept.split_generation),
        }

    def _virtual_service(self, kept: Record, host: str) -> dict[str, Any]:
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": self._about(kept),
            "spec": {"hosts": [host], "http": [{"route": [{"destination": {"host": host}}]}]},
        }

    def _http_route(self, seen: Snapshot, kept: Record, service: Object) -> dict[str, Any]:
        host = str(service["metadata"]["name"])
        port = service["spec"]["ports"][0]["port"]
        to = {"group": "", "kind": "Service", "name": host, "port": port, "weight": 1}
        every = {"path": {"type": "PathPrefix", "value": "/"}}
        parent = {"group": "", "kind": "Service", "name": host, "port": port}
        return {
            "apiVersion": seen.resources["HTTPRoute"].api_version,
            "kind": "HTTPRoute",
            "metadata": self._about(kept),
            "spec": {
                "parentRefs": [parent],
                "rules": [{"matches": [every], "backendRefs": [to]}],
            },
        }

    def _subsets(self, seen: Snapshot, kept: Record) -> None:
        """The subsets that the arms need, beside those that are there."""
        rule = self._destination_rule(seen, kept)
        if rule is None:
            spec: dict[str, Any] = {"host": _host(kept), "subsets": self._needed_subsets(kept)}
            made = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule"}
            item = {**made, "metadata": self._about(kept), "spec": spec}
            self._ground.create(seen, "DestinationRule", item)
            return
        have = list(rule["spec"].get("subsets") or ())
        known = {one["name"] for one in have}
        more = [one for one in self._needed_subsets(kept) if one["name"] not in known]
        if more:
            after = arms.annotated(rule, {})
            after["spec"] = {**after["spec"], "subsets": [*have, *more]}
            self._ground.update(seen, "DestinationRule", after)

    def _destination_rule(self, seen: Snapshot, kept: Record) -> Object | None:
        hosts = self._hosts(kept)
        rules_of = (one for one in seen.of("DestinationRule") if one["spec"].get("host") in hosts)
        return next(rules_of, None)

    def _needed_subsets(self, kept: Record) -> list[dict[str, Any]]:
        tracks = {names.STABLE, *(names.track(one.version) for one in kept.guests)}
        return [
            {"name": track, "labels": {conventions.LABEL_TRACK: track}} for track in sorted(tracks)
        ]

    def _missing_subsets(self, seen: Snapshot, kept: Record) -> str:
        if self._ground.way(kept.service) != ISTIO or not kept.guests:
            return ""
        rule = self._destination_rule(seen, kept)
        have = {one["name"] for one in (rule["spec"].get("subsets") or ())} if rule else set()
        missing = {one["name"] for one in self._needed_subsets(kept)} - have
        return f"subsets are missing: {', '.join(sorted(missing))}" if missing else ""

    # --- replica counts ------------------------------------------------------------------------

    def _scale(self, seen: Snapshot, kept: Record) -> None:
        """Where replica counts divide, a guest is made as large as its share wants it."""
        if kept.split is None or kept.whole:
            return
        home = kept.at_home
        item = seen.running(kept, home) if home else None
        others = int(item["spec"].get("replicas", 1)) if item else 0
        for arm in kept.guests:
            there = seen.running(kept, arm)
            if there is None or not kept.weight(arm.version):
                continue
            wanted = _wanted_ratio(kept, arm, others)
            if int(there["spec"].get("replicas", 1)) < wanted:
                made = arms.guest(arm.workload, wanted, self._ground.namespace)
                observed = {"resourceVersion": there["metadata"]["resourceVersion"]}
                self._ground.apply(seen, {**made, "metadata": {**made["metadata"], **observed}})

    def _refuse(self, kept: Record, split: Split) -> None:
        """What cannot be, before anything is written."""
        for version in {*split.weights, *split.mirror, *(one.version for one in split.matches)}:
            asked = split.weights.get(version, WHOLE)
            if asked and kept.arm(version) is None:
                raise RefusedError(
                    f"{split.service} has no version {version} in this place",
                    fix=f"apply version {version} before routing to it",
                )
        both = [v for v, share in split.mirror.items() if share and split.weights.get(v)]
        if both:
            raise RefusedError(
                f"version {both[0]} of {split.service} cannot get requests and copies of requests:"
                " a pod counts both alike",
                fix="copy first, then send",
            )
        needs = traffic_ways.Needs(
            matches=any(one.header for one in split.matches),
            cookies=any(one.cookie for one in split.matches),
            mirror=any(split.mirror.values()),
            sticky=bool(split.sticky),
        )
        traffic_ways.refuse(self._ground.way(split.service), needs, split.service)


def _host(kept: Record) -> str:
    """The name of the service's own Service; "" where it has none."""
    arm = kept.at_home
    service = arms.service_of(arm.workload) if arm else None
    return str(service["metadata"]["name"]) if service else ""


def _check(split: Split) -> None:
    weights = split.weights.values()
    if split.weights and (sum(weights) != WHOLE or any(one < 0 for one in weights)):
        raise UsageError(
            f"the weights of {split.service} must sum to {WHOLE}, not {sum(weights)}",
            fix="give basis points per version: 9000 and 1000 for 90% and 10%",
        )


def _before(kept: Record, split: Split) -> Mapping[str, int]:
    """The weights one split earlier, for those who are to stay where they are."""
    if not split.sticky or kept.split is None:
        return {}
    same = kept.split.weights == split.weights
    return kept.before if same else dict(kept.split.weights)


def _await_capacity(seen: Snapshot, kept: Record, split: Split, way: str) -> None:
    """Every version has at least its share of the largest one's replicas ready. Raises
    `TemporaryError` until it has, `RefusedError` where replica counts cannot give the share.
    """
    sizes = [_size(seen, kept, one) for one in kept.arms]
    having = [v for v, share in split.weights.items() if share]
    for version in {*having, *(v for v, n in split.mirror.items() if n)}:
        arm = kept.arm(version)
        assert arm is not None, "refused before"
        share = max(split.weights.get(version, 0), split.mirror.get(version, 0)) / WHOLE
        # A part of a replica more than a whole number of them is rounding, and no want.
        needed = max(math.ceil(share * max(sizes) - 0.01), 1) if len(kept.arms) > 1 else 1
        if way == RATIO and len(having) > 1:
            needed = 1
        ready = sum(pods.ready(pod) for pod in seen.pods(kept, arm))
        if ready < min(needed, max(_size(seen, kept, arm), 1)):
            raise TemporaryError(
                f"{ready} of the {needed} replicas that {share:.0%} of {split.service} needs are"
                f" ready in version {version}",
                fix="wait until they are",
            )
    if way == RATIO and len(having) > 1:
        _refuse_ratio(seen, kept, split)


def _size(seen: Snapshot, kept: Record, arm: Arm) -> int:
    item = seen.running(kept, arm)
    return int(item["spec"].get("replicas", 1)) if item else 0


def _wanted_ratio(kept: Record, arm: Arm, others: int) -> int:
    share = kept.weight(arm.version) / WHOLE
    return max(traffic_ways.ratio_replicas(share, others), arm.workload.replicas)


def _refuse_ratio(seen: Snapshot, kept: Record, split: Split) -> None:
    home = kept.at_home
    others = _size(seen, kept, home) if home else 0
    for arm in kept.guests:
        share = split.weights.get(arm.version, 0) / WHOLE
        if share:
            mine = max(traffic_ways.ratio_replicas(share, others), arm.workload.replicas)
            why = traffic_ways.ratio_problem(share, mine, others)
            if why:
                raise RefusedError(f"{split.service}: {why}", fix="choose other steps")


def _ratio_problem(seen: Snapshot, kept: Record) -> str:
    """Why replica counts do not give the split now; "" where they do."""
    if kept.split is None or kept.whole or not any(kept.split.weights.values()):
        return ""
    ready = {
        one.version: sum(pods.ready(pod) for pod in seen.pods(kept, one))
        for one in kept.arms
        if not one.leaving
    }
    for version, weight in kept.split.weights.items():
        others = sum(n for v, n in ready.items() if v != version)
        why = traffic_ways.ratio_problem(weight / WHOLE, ready.get(version, 0), others)
        if why and weight:
            return why
    return ""
