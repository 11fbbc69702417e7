"""Objects of a Kubernetes API server, to read: which kinds it serves, and what there is of them.

Nothing here changes a cluster. What may not be seen (no right to list, a group whose server is
down) is said in the answer and never taken for absence. Implemented by
`telford.backends.kubernetes`; called by `telford.app.drift`.
"""

from collections.abc import Iterable, Mapping
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
