"""`ports.objects.Objects` against a real API server: lists page by page, objects by name.

Values of Secrets never get in: of a Secret only the metadata is asked for, and what might hold a
copy of them is dropped before anybody sees it. Made by `telford.app.drift`.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.parse import quote

from telford.backends.kubernetes import discovery
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.wire import JSON, Answer, Limits, Wire
from telford.ports.objects import Listing, Query, Resource, Served

# https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-partialobjectmetadata
_METADATA = f"{JSON};as={{kind}};g=meta.k8s.io;v=v1"
# kubectl apply keeps a copy of the whole object here, values included.
_COPY = "kubectl.kubernetes.io/last-applied-configuration"
_GONE = 410
_NOT_FOUND = 404
# A list that outlives the server's memory of its moment is begun again; then it is asked in one go.
_FRESH_STARTS = 2

Progress = Callable[[str], None]


def _silent(text: str) -> None:
    """Say nothing."""


class ApiServer:
    """One API server, read as one user."""

    def __init__(
        self, access: Access, limits: Limits | None = None, progress: Progress = _silent
    ) -> None:
        self._wire = Wire(access, limits or Limits())
        self._progress = progress

    @property
    def name(self) -> str:
        """The context's name."""
        return self._wire.access.name

    @property
    def namespace(self) -> str:
        """The context's namespace."""
        return self._wire.access.namespace

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    @cached_property
    def _served(self) -> Served:
        return discovery.served(self._wire)

    def served(self) -> Served:
        """Which kinds the server serves; asked once."""
        return self._served

    def list_all(self, queries: Iterable[Query]) -> Mapping[Query, Listing]:
        """Several lists, some at a time."""
        wanted = tuple(dict.fromkeys(queries))
        found: dict[Query, Listing] = {}
        with ThreadPoolExecutor(self._wire.limits.side_by_side) as pool:
            for number, (query, listing) in enumerate(
                zip(wanted, pool.map(self.list, wanted), strict=True), 1
            ):
                found[query] = listing
                self._progress(f"{number} of {len(wanted)} lists: {query.resource.plural}")
        return found

    def list(self, query: Query) -> Listing:
        """All pages of one moment. A refusal is said in the answer."""
        pages = self._wire.limits.page
        for start in range(_FRESH_STARTS + 1):
            # The last time in one go, which needs no memory of the server's.
            listing = self._pages(query, pages if start < _FRESH_STARTS else 0)
            if listing is not None:
                return listing
        return Listing(refused="the list changed faster than it could be read")

    def _pages(self, query: Query, size: int) -> Listing | None:
        """Every page, or None where the moment of the first is forgotten (410)."""
        params = {"limit": str(size)} if size else {}
        if query.labels:
            params["labelSelector"] = query.labels
        items: list[Mapping[str, Any]] = []
        while True:
            answer = self._wire.get(
                path_of(query.resource, query.namespace), params, _accept(query)
            )
            if answer.status == _GONE:
                return None
            if not answer.ok:
                return Listing(refused=answer.why)
            items += self._items(query.resource, answer)
            about = answer.mapping("metadata")
            if len(items) > self._wire.limits.objects:
                return Listing(refused=f"there are more than {self._wire.limits.objects:,} of them")
            if not about.get("continue"):
                return Listing(tuple(items), str(about.get("resourceVersion", "")))
            params["continue"] = str(about["continue"])

    def get(self, resource: Resource, namespace: str, name: str) -> Listing:
        """One object by its name."""
        path = f"{path_of(resource, namespace)}/{quote(name, safe='')}"
        secret = _is_secret(resource)
        accept = _METADATA.format(kind="PartialObjectMetadata") if secret else JSON
        answer = self._wire.get(path, accept=accept)
        if answer.ok:
            item = clean(resource, answer.body)
            return Listing((item,), str(item["metadata"].get("resourceVersion", "")))
        if answer.status == _NOT_FOUND and answer.body.get("reason", "NotFound") == "NotFound":
            return Listing()
        return Listing(refused=answer.why)

    def _items(self, resource: Resource, answer: Answer) -> Iterable[Mapping[str, Any]]:
        items = answer.body.get("items")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield clean(resource, item)


def _is_secret(resource: Resource) -> bool:
    return resource.kind == "Secret" and not resource.group


def _accept(query: Query) -> str:
    if query.metadata_only or _is_secret(query.resource):
        return _METADATA.format(kind="PartialObjectMetadataList")
    return JSON


def path_of(resource: Resource, namespace: str) -> str:
    """The path of all objects of a kind, in one namespace or ("") in all."""
    root = f"/apis/{resource.group}" if resource.group else "/api"
    within = f"/namespaces/{quote(namespace, safe='')}" if namespace and resource.namespaced else ""
    return f"{root}/{resource.version}{within}/{resource.plural}"


def clean(resource: Resource, item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as an object of its own: items of a list say no kind, nor do those of which only the
    metadata was asked for. Of a Secret nothing but the metadata stays, whatever the server sent.
    """
    metadata = item.get("metadata")
    known = dict(metadata) if isinstance(metadata, dict) else {}
    said = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": known}
    if not _is_secret(resource):
        return {**item, **said}
    notes = known.get("annotations")
    if isinstance(notes, dict) and _COPY in notes:
        known["annotations"] = {name: text for name, text in notes.items() if name != _COPY}
    return said
