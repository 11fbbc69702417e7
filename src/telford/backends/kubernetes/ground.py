"""The namespace that a place lives in: everything of it at one look, and writes that are fenced.

What decides reads a `Snapshot` and nothing else; what writes names the version of the object that
it was decided on. A write that came too late raises `ChangedError`, and whoever decided looks
again. Used by `applying`, `routing`, `removing`, `replacing` and `place`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from telford.backends.kubernetes import arms, record, rules
from telford.backends.kubernetes.record import Arm, Record
from telford.basics.clock import Clock
from telford.basics.errors import PermanentError, TemporaryError
from telford.ports.objects import Object, Observed, Query, Resource, Served, Writes, Written
from telford.road import conventions, traffic_ways

# How often an act is decided anew because somebody was faster.
ATTEMPTS = 8
_PAUSE_SECONDS = 0.05
# An object by whose name a cluster is asked whether it answers.
_ANY = "telford"
# Kind -> the groups that serve it, the preferred one first.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "ConfigMap": ("",),
    "Pod": ("",),
    "Service": ("",),
    "Deployment": ("apps",),
    "StatefulSet": ("apps",),
    "HorizontalPodAutoscaler": ("autoscaling",),
    "PodDisruptionBudget": ("policy",),
}
_ROUTES: Mapping[str, tuple[str, ...]] = {
    "HTTPRoute": ("gateway.networking.k8s.io", "policy.linkerd.io"),
    "GRPCRoute": ("gateway.networking.k8s.io",),
}
_MESH: Mapping[str, tuple[str, ...]] = {
    "VirtualService": ("networking.istio.io",),
    "DestinationRule": ("networking.istio.io",),
}
_KINDS_OF_WAY = {
    traffic_ways.GATEWAY: _ROUTES,
    traffic_ways.LINKERD: _ROUTES,
    traffic_ways.ISTIO: _MESH,
    traffic_ways.RATIO: {},
}
ROUTES = ("HTTPRoute", "GRPCRoute")
# May be missing where the way is served all the same.
_OPTIONAL = {"GRPCRoute", "HorizontalPodAutoscaler", "PodDisruptionBudget"}


class ChangedError(Exception):
    """An object is not the one that was decided on any more: look again and decide anew."""


@dataclass(slots=True)
class Snapshot:
    """All objects of the kinds that matter, by kind and name, and the records of the services.

    It is kept up to date with what is written by whoever holds it.
    """

    resources: Mapping[str, Resource]
    objects: dict[str, dict[str, Object]]
    versions: dict[str, str] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Object | None:
        """One object, None where it is not there."""
        return self.objects.get(kind, {}).get(name)

    def of(self, kind: str) -> tuple[Object, ...]:
        """Every object of a kind."""
        return tuple(self.objects.get(kind, {}).values())

    def records(self) -> dict[str, Record]:
        """The record of each service. Raises `PermanentError` for a broken one."""
        found = (record.read(one) for one in self.of("ConfigMap"))
        return {one.service: one for one in found if one is not None}

    def record(self, service: str) -> Record:
        """The record of a service, an empty one where nothing was ever wanted."""
        return self.records().get(service) or Record(service)

    def running(self, kept: Record, arm: Arm) -> Object | None:
        """The workload object of an arm."""
        return self.get(kept.kind, arm.name)

    def workload_generation(self, kept: Record) -> int:
        """The highest generation that the service's workload objects have seen."""
        found = (self.running(kept, arm) for arm in kept.arms)
        return max((arms.seen_generation(one) for one in found if one), default=0)

    def scaler(self, kept: Record) -> Object | None:
        """The autoscaler that owns the home's replicas."""
        for one in self.of("HorizontalPodAutoscaler"):
            target = one["spec"]["scaleTargetRef"]
            if (target.get("kind"), target.get("name")) == (kept.kind, kept.home):
                return one
        return None

    def pods(self, kept: Record, arm: Arm) -> list[Object]:
        """The pods of an arm, by its selector; those of guests are no pods of the home."""
        item = self.running(kept, arm)
        if item is None:
            return self._left(kept, arm)
        chosen = item["spec"]["selector"].get("matchLabels") or {}
        return [pod for pod in self.of("Pod") if _selects(chosen, pod, home=arm.home)]

    def _left(self, kept: Record, arm: Arm) -> list[Object]:
        """The pods of a guest whose workload object is gone already."""
        if arm.home:
            return []
        guest = arms.guest(arm.workload, 0, "")
        chosen = guest["spec"]["selector"]["matchLabels"]
        return [pod for pod in self.of("Pod") if _selects(chosen, pod, home=False)]


def _selects(chosen: Mapping[str, str], pod: Object, *, home: bool) -> bool:
    labels = pod["metadata"].get("labels") or {}
    mine = conventions.LABEL_RUNS not in labels if home else True
    return mine and chosen.items() <= labels.items()


class Ground:
    """One namespace of one cluster. `ways` says how the requests of each service are divided."""

    def __init__(
        self, server: Writes, namespace: str, ways: Mapping[str, str], clock: Clock
    ) -> None:
        self.server = server
        self.namespace = namespace
        self.ways = ways
        self.clock = clock
        self._resources: dict[str, Resource] = {}

    def way(self, service: str) -> str:
        """How requests to a service are divided."""
        return self.ways.get(service, traffic_ways.RATIO)

    def look(self) -> Snapshot:
        """Everything at one look. Raises `OutsideError` where something may not be seen."""
        resources = self._known()
        queries = {kind: Query(one, self.namespace) for kind, one in resources.items()}
        found = self.server.list_all(queries.values())
        seen = Snapshot(resources, {})
        for kind, query in queries.items():
            listing = found[query]
            if listing.refused:
                raise _unseen(kind, self.namespace, listing.refused)
            seen.objects[kind] = {str(one["metadata"]["name"]): one for one in listing.items}
            seen.versions[kind] = listing.resource_version
        return seen

    def reach(self) -> None:
        """One object by its name, there or not. Raises `OutsideError` where nobody says which."""
        listing = self.server.get(self._known()["ConfigMap"], self.namespace, _ANY)
        if listing.refused:
            raise _unseen("ConfigMap", self.namespace, listing.refused)

    def rest(self, seen: Snapshot, kind: str, seconds: float) -> None:
        """Wait until an object of a kind changes, no longer than a while."""
        query = Query(seen.resources[kind], self.namespace)
        for _ in self.server.watch(query, seen.versions.get(kind, ""), seconds):
            return

    def decide(self, act: Callable[[], None], what: str) -> None:
        """Do what looks, decides and writes; again where somebody else wrote in between."""
        for attempt in range(ATTEMPTS):
            try:
                act()
            except ChangedError as error:
                if attempt + 1 == ATTEMPTS:
                    raise TemporaryError(
                        f"cannot {what}: its objects keep changing ({error})", fix="ask again"
                    ) from error
                self.clock.sleep(_PAUSE_SECONDS * (attempt + 1))
            else:
                return

    def keep(self, seen: Snapshot, kept: Record) -> Record:
        """Write a service's record. Raises `ChangedError` where another controller was faster."""
        if kept == seen.records().get(kept.service):
            return kept
        item = record.item(kept, self.namespace)
        resource = seen.resources["ConfigMap"]
        if kept.resource_version:
            made = must(self.server.update(resource, item), f"the record of {kept.service}")
        else:
            made = must(self.server.create(resource, item), f"the record of {kept.service}")
        self._put(seen, "ConfigMap", made)
        return seen.record(kept.service)

    def is_kept(self, seen: Snapshot, kept: Record) -> bool:
        """Whether a record still is the last one: asked after something new was made."""
        name = str(record.item(kept, self.namespace)["metadata"]["name"])
        listing = self.server.get(seen.resources["ConfigMap"], self.namespace, name)
        if listing.refused:
            raise _unseen("ConfigMap", self.namespace, listing.refused)
        return listing.resource_version == kept.resource_version

    def stamp(self, seen: Snapshot, kind: str, names: Iterable[str], generation: int) -> None:
        """Raise the generation on objects, so that whoever decided on them before writes in vain."""
        for name in names:
            item = seen.get(kind, name)
            if item is not None and arms.seen_generation(item) < generation:
                self.update(seen, kind, arms.annotated(item, arms.generation(generation)))

    def update(self, seen: Snapshot, kind: str, item: Object) -> Object:
        """Write a changed copy of an object that was looked at."""
        if item == seen.get(kind, str(item["metadata"]["name"])):
            return item
        made = must(self.server.update(seen.resources[kind], item), _named(kind, item))
        self._put(seen, kind, made)
        return made

    def create(self, seen: Snapshot, kind: str, item: Object) -> Object:
        """Make an object that was not there."""
        resource = seen.resources.get(kind) or self._find(kind, (_group(item),))
        made = must(self.server.create(resource, item), _named(kind, item))
        if kind in seen.objects:
            self._put(seen, kind, made)
        return made

    def apply(self, seen: Snapshot, item: Object) -> Object:
        """Apply an object that is wholly ours; fields that others took are never taken back.

        Raises `PermanentError` that names the others and their fields.
        """
        kind = str(item["kind"])
        resource = seen.resources.get(kind) or self._find(kind, (_group(item),))
        written = self.server.apply(resource, item)
        mine = all(one.manager == conventions.MANAGER for one in written.owners)
        if written.reason == "owned" and mine:
            # What was made by POST is ours under another operation: no one else's.
            written = self.server.apply(resource, item, force=True)
        made = must(written, _named(kind, item))
        if kind in seen.objects:
            self._put(seen, kind, made)
        return made

    def delete(self, seen: Snapshot, kind: str, item: Object) -> None:
        """Delete the very object that was looked at; one that is gone is fine."""
        about = item["metadata"]
        resource = seen.resources.get(kind) or self._find(kind, (_group(item),))
        observed = Observed(uid=str(about["uid"]))
        written = self.server.delete(resource, self.namespace, str(about["name"]), observed)
        if written.reason != "missing":
            must(written, _named(kind, item))
        seen.objects.get(kind, {}).pop(str(about["name"]), None)

    def resource(self, api_version: str, kind: str) -> Resource:
        """How the cluster serves a kind. Raises `PermanentError` where it does not."""
        return self._find(kind, (api_version.rpartition("/")[0],))

    def _put(self, seen: Snapshot, kind: str, item: Object) -> None:
        said = {"apiVersion": seen.resources[kind].api_version, "kind": kind}
        seen.objects[kind][str(item["metadata"]["name"])] = {**item, **said}

    def _known(self) -> dict[str, Resource]:
        if not self._resources:
            wanted = dict(_NEEDED)
            for way in set(self.ways.values()):
                wanted |= _KINDS_OF_WAY[way]
            served = self.server.served()
            found = {kind: _served(served, kind, groups) for kind, groups in wanted.items()}
            missing = [k for k, one in found.items() if one is None and k not in _OPTIONAL]
            if missing:
                raise PermanentError(
                    f"the cluster {self.server.name} serves no {' and no '.join(missing)}",
                    fix="install what the aspects `traffic` and `mesh` chose, or choose another way",
                )
            self._resources = {kind: one for kind, one in found.items() if one is not None}
        return self._resources

    def _find(self, kind: str, groups: tuple[str, ...]) -> Resource:
        found = _served(self.server.served(), kind, groups)
        if found is None:
            raise PermanentError(
                f"the cluster {self.server.name} serves no {kind}",
                fix="install what serves it, or take it out of the service",
            )
        return found


def must(written: Written, what: str) -> Object:
    """The object as it was written. Raises what keeps it from it."""
    if written.done:
        return written.item
    if written.reason in ("changed", "exists", "missing"):
        raise ChangedError(f"{what}: {written.why}")
    if written.reason in ("busy", "held"):
        raise TemporaryError(f"{what} is not written: {written.why}", fix="ask again in a while")
    if written.reason == "owned":
        owners = "; ".join(f"{one.manager} has {', '.join(one.fields)}" for one in written.owners)
        raise PermanentError(
            f"{what} has fields of others, and nothing is taken from them: {owners}",
            fix="let them give the fields up, or change what they write",
        )
    raise PermanentError(f"{what} is refused: {written.why}", fix="mend what the server names")


def routes(seen: Snapshot, names: frozenset[str]) -> list[tuple[str, Object]]:
    """The routes of Gateway API (kind, object) that lead to one of these Services."""
    return [
        (kind, one)
        for kind in ROUTES
        for one in seen.of(kind)
        if rules.concerns(one["spec"].get("rules") or (), names)
    ]


def _served(served: Served, kind: str, groups: tuple[str, ...]) -> Resource | None:
    for group in groups:
        for one in served.resources:
            if one.kind == kind and one.group == group:
                return one
    return None


def _group(item: Object) -> str:
    return str(item["apiVersion"]).rpartition("/")[0]


def _named(kind: str, item: Object) -> str:
    return f"{kind} {item['metadata']['name']}"


def _unseen(kind: str, namespace: str, why: str) -> PermanentError | TemporaryError:
    message = f"objects of kind {kind} in {namespace} cannot be seen: {why}"
    if "(403)" in why:
        return PermanentError(message, fix="give the right to get, list, watch and change them")
    return TemporaryError(message, fix="ask again in a while")
