"""Objects of a Kubernetes API server: which kinds it serves, what there is of them, and changes.

`Objects` changes nothing; `Writes` does. What may not be seen (no right to list, a group whose
server is down) is said in the answer and never taken for absence; what was not written is said
with its reason, and with whose fields were in the way. Implemented by
`telford.backends.kubernetes`; called by `telford.app.drift` and by the place on Kubernetes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as a server serves it in one version. `plural` is its name in paths; `verbs` are
    what it allows (``list``, ``get``, ``patch``).
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves: every resource in the server's order of preference, and the API
    versions of which it could not say what is in them (``metrics.k8s.io/v1beta1`` -> why).
    """

    resources: tuple[Resource, ...]
    unknown: Mapping[str, str] = field(default_factory=dict)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind in exactly this version."""
        return next(
            (r for r in self.resources if r.kind == kind and r.api_version == api_version), None
        )

    def why_unknown(self, api_version: str) -> str:
        """Why nobody can say whether this version is served; "" where it is known."""
        return self.unknown.get(api_version, "")

    def other_versions(self, api_version: str, kind: str) -> tuple[str, ...]:
        """The versions in which the same group serves a kind, beside the one that is named."""
        group = api_version.rpartition("/")[0]
        same = (r for r in self.resources if r.kind == kind and r.group == group)
        return tuple(r.api_version for r in same if r.api_version != api_version)


@dataclass(frozen=True, slots=True)
class Query:
    """What to list: a resource, in one namespace ("" for all of them), by a label selector.

    `metadata_only` asks for names, labels, annotations and managed fields alone. Of Secrets nothing
    else is ever asked for.
    """

    resource: Resource
    namespace: str = ""
    labels: str = ""
    metadata_only: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is, as of `resource_version`. `refused` says why it may not be seen, "" where it
    was: then `items` says nothing about what there is.
    """

    items: tuple[Object, ...] = ()
    resource_version: str = ""
    refused: str = ""


class Objects(Protocol):
    """Reads a cluster's objects. Every method has a time limit and raises `OutsideError` where the
    server cannot be reached or does not know who asks.
    """

    @property
    def name(self) -> str:
        """What people call the cluster: the context, or the server's URL."""
        ...

    @property
    def namespace(self) -> str:
        """Where an object that names no namespace goes."""
        ...

    def served(self) -> Served:
        """Which kinds the server serves."""
        ...

    def list(self, query: Query) -> Listing:
        """Everything that a query is about, page by page, of one moment."""
        ...

    def list_all(self, queries: Iterable[Query]) -> Mapping[Query, Listing]:
        """The answer to each of several queries, asked side by side."""
        ...

    def get(self, resource: Resource, namespace: str, name: str) -> Listing:
        """One object by its name: no item where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose fields were in the way of a server-side apply: the manager's name, and which fields."""

    manager: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write.

    `reason` is "" where it was done, else one word:

    - ``owned``: fields belong to others (`owners`), and force was not asked for;
    - ``changed``: the object is not the one that was observed any more (uid, resourceVersion);
    - ``exists``, ``missing``: it is there already, or it is not there;
    - ``held``: an eviction that a PodDisruptionBudget does not allow now;
    - ``busy``: the server was busy, failed or silent until the limit: nobody knows what it did;
    - ``refused``: no right, an invalid object, a quota.
    """

    item: Object = field(default_factory=dict)
    reason: str = ""
    why: str = ""
    owners: tuple[Owner, ...] = ()

    @property
    def done(self) -> bool:
        """Whether it was written."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Observed:
    """Which object a write is about: it is refused where that is another one, or was changed.

    Empty strings demand nothing.
    """

    uid: str = ""
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch saw: `what` is ADDED, MODIFIED, DELETED, or LISTED (everything was read anew,
    because the server had forgotten what came before; what is not listed again is gone).
    """

    what: str
    item: Object


class Writes(Objects, Protocol):
    """Changes a cluster's objects as one field manager. Every method has a time limit; what the
    server does not allow is an answer, and `OutsideError` is raised as by `Objects`.
    """

    def apply(self, resource: Resource, item: Object, *, force: bool = False) -> Written:
        """Server-side apply of all that this manager wants of an object. `metadata.uid` and
        `metadata.resourceVersion` of `item` are preconditions. `force` takes fields of others.
        """
        ...

    def create(self, resource: Resource, item: Object) -> Written:
        """Make an object that must not be there yet."""
        ...

    def update(self, resource: Resource, item: Object) -> Written:
        """Write a changed copy of an object that was read; refused where it was changed since."""
        ...

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Object, seen: Observed
    ) -> Written:
        """JSON merge patch of an object as it was observed."""
        ...

    def delete(self, resource: Resource, namespace: str, name: str, seen: Observed) -> Written:
        """Delete an object as it was observed; what it owns goes in the background."""
        ...

    def evict(self, namespace: str, pod: str, uid: str) -> Written:
        """Ask that one pod goes, as far as its PodDisruptionBudget allows."""
        ...

    def watch(self, query: Query, since: str, seconds: float) -> Iterator[Change]:
        """Changes after a resourceVersion, as they come, for at most so long. A broken connection
        goes on from the last bookmark; where the server has forgotten that (410), all is LISTED.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
