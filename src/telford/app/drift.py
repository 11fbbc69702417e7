"""`telford drift` against a cluster: everything that the build wants in a place, looked up object by
object, and what is there of ours that the estate does not want any more.

Nothing is written anywhere, and nothing is asked but to list and to get. What may not be seen is
said and never taken for absence. Called by `telford.cli.drift`; folders and rules are compared by
`drift_folder` and `drift_rules`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from telford.app import drift_folder, drift_wanted
from telford.app.desires import Scope
from telford.app.drift_wanted import Desired
from telford.backends import files
from telford.backends.kubernetes import connecting
from telford.backends.kubernetes.connecting import Choice
from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.plan import drift as plans
from telford.plan.drift import Drift, Judge, Observed, Owned, Wanted
from telford.ports.objects import Listing, Objects, Query, Resource, Served
from telford.road import conventions, sameness
from telford.road.sameness import Key

Progress = Callable[[str], None]
# Made by controllers of what we made, or passing: never ours to want.
_NEVER_OURS = frozenset(
    {"Event", "Pod", "ReplicaSet", "Endpoints", "EndpointSlice", "ControllerRevision", "Lease"}
)
_OURS = f"{conventions.LABEL_MANAGED_BY}={conventions.MANAGER}"


def of_cluster(
    found: files.Texts, scope: Scope, choice: Choice, progress: Progress, built: Path | None = None
) -> Drift:
    """Compare one place of an estate with the cluster of a context. What the inventory of a folder
    `built` owns, and the estate does not want any more, is looked for as well.

    Raises `UsageError` for a place, target or context that there is not, `RefusedError` where the
    estate has errors, `OutsideError` where the cluster cannot be reached.
    """
    client = connecting.connect(choice, progress)
    try:
        progress("rendering the estate")
        before = drift_folder.remembered(built, scope) if built else ()
        return of_objects(drift_wanted.read(found, scope), client, progress, tuple(before))
    finally:
        client.close()


def of_objects(
    desired: Desired, cluster: Objects, progress: Progress, before: Sequence[Wanted] = ()
) -> Drift:
    """Compare a place with whatever answers for a cluster's objects. `before` are objects that an
    earlier build made for it.
    """
    progress(f"asking {cluster.name} what it serves")
    search = _Search(desired, cluster)
    search.place_wanted()
    search.place_before(before)
    search.look()
    judge = Judge()
    seen = search.observed()
    items = plans.compare(
        search.wanted, seen, desired.place, judge, desired.owned, search.remembered
    )
    said = ordered(search.diagnostics)
    base = Drift(f"cluster {cluster.name}", desired.place, diagnostics=said)
    return plans.finished(items, judge, base, len(search.wanted))


@dataclass(slots=True)
class _Search:
    """What is looked for in a cluster, and what came of it."""

    desired: Desired
    cluster: Objects
    wanted: list[Wanted] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    remembered: dict[Key, Owned] = field(default_factory=dict)
    _served: Served = field(default_factory=lambda: Served(()))
    # Key of a wanted object -> where it is found, or why nobody can tell.
    _resources: dict[Key, Resource] = field(default_factory=dict)
    _unknown: dict[Key, str] = field(default_factory=dict)
    _notes: dict[Key, str] = field(default_factory=dict)
    _answers: dict[Query, Listing] = field(default_factory=dict)
    _single: dict[Key, Listing] = field(default_factory=dict)

    def place_wanted(self) -> None:
        """Find out under which resource and namespace each wanted object is looked up."""
        self._served = self.cluster.served()
        missing: dict[tuple[str, str], str] = {}
        for one in self.desired.objects():
            version, kind = str(one.item.get("apiVersion", "")), str(one.item.get("kind", ""))
            resource = self._served.find(version, kind)
            placed = self._placed(one, resource)
            key = sameness.key(placed.item)
            self.wanted.append(placed)
            if resource is not None:
                self._resources[key] = resource
            else:
                missing[version, kind] = self._not_served(key, version, kind)
        for (version, kind), why in missing.items():
            self.diagnostics.append(_unserved(version, kind, why, self.cluster.name))

    def place_before(self, before: Iterable[Wanted]) -> None:
        """Ask for each object of an earlier build that is not wanted any more."""
        for one in before:
            version, kind = str(one.item["apiVersion"]), str(one.item["kind"])
            resource = self._served.find(version, kind)
            placed = self._placed(one, resource)
            key = sameness.key(placed.item)
            if resource is not None and key not in self._resources:
                self.remembered[key] = one.owned
                self._single[key] = self.cluster.get(resource, key[2], key[3])

    def _placed(self, one: Wanted, resource: Resource | None) -> Wanted:
        """The object with the namespace in which it is, or without any."""
        metadata = {**one.item.get("metadata", {})}
        if resource is None:
            return one
        if resource.namespaced:
            metadata.setdefault("namespace", self.cluster.namespace)
        else:
            metadata.pop("namespace", None)
        return Wanted({**one.item, "metadata": metadata}, one.owned)

    def _not_served(self, key: Key, version: str, kind: str) -> str:
        """Why a kind is not found; whether that means that the object is missing, or unknown."""
        why = self._served.why_unknown(version)
        others = self._served.other_versions(version, kind)
        if why:
            self._unknown[key] = f"{version} cannot be looked at: {why}"
        elif others:
            self._unknown[key] = f"the cluster serves {kind} as {', '.join(others)} only"
        else:
            self._notes[key] = f"the cluster does not know {kind} of {version}"
        return self._unknown.get(key) or self._notes[key]

    def look(self) -> None:
        """Ask for all of it, the lists side by side."""
        wanted = list(dict.fromkeys(self._lists()))
        known = {(query.resource.group, query.resource.kind, query.namespace) for query in wanted}
        spare = [
            query
            for query in dict.fromkeys(self._rest())
            if (query.resource.group, query.resource.kind, query.namespace) not in known
        ]
        self._answers.update(self.cluster.list_all([*wanted, *spare]))
        for key, resource in self._resources.items():
            if not resource.namespaced:
                self._single[key] = self.cluster.get(resource, "", key[3])
        self.diagnostics += self._refused(wanted, spare)

    def _lists(self) -> Iterator[Query]:
        """Every kind that is wanted, in each namespace where it is."""
        for (_, _, namespace, _), resource in self._resources.items():
            if resource.namespaced:
                yield Query(resource, namespace)

    def _rest(self) -> Iterator[Query]:
        """Objects of ours of all other kinds, by their label: what the estate may not want now."""
        spaces = {key[2] for key, r in self._resources.items() if r.namespaced}
        seen = set()
        for resource in self._served.resources:
            name = (resource.group, resource.kind)
            passing = resource.kind in _NEVER_OURS or "list" not in resource.verbs
            if not passing and name not in seen:
                seen.add(name)
                inside = sorted({*spaces, self.desired.namespace}) if resource.namespaced else [""]
                for namespace in inside:
                    yield Query(resource, namespace, _OURS, metadata_only=True)

    def observed(self) -> Observed:
        """What was seen."""
        objects = {}
        unknown = dict(self._unknown)
        for listing in chain(self._answers.values(), self._single.values()):
            for item in listing.items:
                objects[sameness.key(item)] = item
        for key, resource in self._resources.items():
            answer = self._answers.get(Query(resource, key[2])) or self._single.get(key)
            assert answer is not None, "everything that is wanted was asked for"
            if answer.refused:
                unknown[key] = answer.refused
        return Observed(objects, unknown, self._notes)

    def _refused(self, wanted: Iterable[Query], spare: Iterable[Query]) -> Iterator[Diagnostic]:
        for query in wanted:
            if refused := self._answers[query].refused:
                yield _unseen(query, refused, self.cluster.name)
        for key, listing in self._single.items():
            if listing.refused and key in self._resources:
                query = Query(self._resources[key])
                yield _unseen(query, listing.refused, self.cluster.name)
        closed = [query for query in spare if self._answers[query].refused]
        if closed:
            yield _not_searched(closed, self._answers, self.cluster.name)


def _unserved(version: str, kind: str, why: str, cluster: str) -> Diagnostic:
    return Diagnostic(
        "TEL701",
        Severity.WARNING,
        f"{kind} of {version} cannot be looked up in {cluster}",
        detail=why,
        fix=f"install what defines {kind} there, or build for a version that the cluster serves",
    )


def _unseen(query: Query, why: str, cluster: str) -> Diagnostic:
    where = f" in namespace {query.namespace}" if query.namespace else ""
    return Diagnostic(
        "TEL700",
        Severity.WARNING,
        f"{query.resource.plural}{where} of {cluster} may not be seen, so nothing is said of them",
        detail=why,
        fix=f"let this user get and list {query.resource.plural}, or choose another context",
    )


def _not_searched(
    closed: list[Query], answers: Mapping[Query, Listing], cluster: str
) -> Diagnostic:
    names = ", ".join(sorted({query.resource.plural for query in closed}))
    return Diagnostic(
        "TEL702",
        Severity.INFO,
        f"{cluster} was not searched for leftovers among: {names}",
        detail=answers[closed[0]].refused,
        fix="let this user list them, or take it that none of them was ever made by telford",
    )
