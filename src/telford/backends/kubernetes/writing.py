"""`ports.objects.Writes` against a real API server: apply, create, patch, delete, evict, watch.

Every write carries what it was decided on (a uid, an observed resourceVersion) or is a whole
applied object, so that asking again after a lost answer is harmless. Used by the place on
Kubernetes (`place`).
https://kubernetes.io/docs/reference/using-api/server-side-apply/
https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.client import ApiServer, clean, path_of
from telford.backends.kubernetes.wire import BUDGET, JSON, Answer, Limits, Question
from telford.basics.errors import TemporaryError
from telford.ports.objects import Change, Object, Observed, Owner, Query, Resource, Written
from telford.road import conventions

_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_MERGE = "application/merge-patch+json"
_EVICTION = Resource("policy", "v1", "Eviction", "evictions", namespaced=True)
_PODS = Resource("", "v1", "Pod", "pods", namespaced=True)
_MANAGER = re.compile(r'conflict with "([^"]*)"')
_GONE = 410
# A call must come back while whoever asked still holds its lease.
CALL_LIMITS = Limits(answer_seconds=5.0, call_seconds=15.0, longest_wait_seconds=5.0)


class WritingServer(ApiServer):
    """One API server, read and written as one user under one field manager."""

    def __init__(
        self, access: Access, limits: Limits = CALL_LIMITS, manager: str = conventions.MANAGER
    ) -> None:
        super().__init__(access, limits)
        self.manager = manager

    def apply(self, resource: Resource, item: Object, *, force: bool = False) -> Written:
        """See `ports.objects.Writes.apply`."""
        said = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        about = said["metadata"]
        path = _named(resource, str(about.get("namespace", "")), str(about["name"]))
        params = {"fieldManager": self.manager, "force": "true" if force else "false"}
        return self._write("PATCH", path, params, said, _APPLY)

    def create(self, resource: Resource, item: Object) -> Written:
        """See `ports.objects.Writes.create`."""
        said = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        path = path_of(resource, str(said["metadata"].get("namespace", "")))
        return self._write("POST", path, {"fieldManager": self.manager}, said, JSON)

    def update(self, resource: Resource, item: Object) -> Written:
        """See `ports.objects.Writes.update`."""
        about = item["metadata"]
        path = _named(resource, str(about.get("namespace", "")), str(about["name"]))
        return self._write("PUT", path, {"fieldManager": self.manager}, item, JSON)

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Object, seen: Observed
    ) -> Written:
        """See `ports.objects.Writes.patch`."""
        about = {**dict(patch.get("metadata", {})), **_preconditions(seen)}
        said = {**patch, **({"metadata": about} if about else {})}
        path = _named(resource, namespace, name)
        return self._write("PATCH", path, {"fieldManager": self.manager}, said, _MERGE)

    def delete(self, resource: Resource, namespace: str, name: str, seen: Observed) -> Written:
        """See `ports.objects.Writes.delete`."""
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if conditions := _preconditions(seen):
            options["preconditions"] = conditions
        return self._write("DELETE", _named(resource, namespace, name), {}, options, JSON)

    def evict(self, namespace: str, pod: str, uid: str) -> Written:
        """See `ports.objects.Writes.evict`."""
        said = {
            "apiVersion": _EVICTION.api_version,
            "kind": _EVICTION.kind,
            "metadata": {"name": pod, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        return self._write("POST", f"{_named(_PODS, namespace, pod)}/eviction", {}, said, JSON)

    def watch(self, query: Query, since: str, seconds: float) -> Iterator[Change]:
        """See `ports.objects.Writes.watch`."""
        end = self._wire.clock() + seconds
        version = since
        while (left := end - self._wire.clock()) > 0:
            try:
                for change in self._events(query, version, left):
                    version = str(change.item["metadata"].get("resourceVersion") or version)
                    if change.what != "BOOKMARK":
                        yield change
            except _ForgottenError:
                version = yield from self._anew(query)
            except httpx.TransportError:
                self._wire.pause(0.1)
            else:
                # A server that ends every watch at once is not asked in a circle.
                self._wire.pause(min(0.02, max(end - self._wire.clock(), 0.0)))

    def _events(self, query: Query, since: str, seconds: float) -> Iterator[Change]:
        """One connection's events, bookmarks included. Raises `_ForgottenError` at 410."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(max(int(seconds), 1)),
        }
        if query.labels:
            params["labelSelector"] = query.labels
        path = path_of(query.resource, query.namespace)
        for line in self._wire.lines(path, params, seconds):
            said = _decoded(line)
            what, item = str(said.get("type", "")), said.get("object")
            if what == "ERROR" or said.get("kind") == "Status":
                status = item if isinstance(item, dict) else said
                if status.get("code") == _GONE:
                    raise _ForgottenError
                # Anything else is a busy server; the watch is begun again after a pause.
                raise httpx.ReadError("the server ended the watch")
            if what and isinstance(item, dict):
                yield Change(what, clean(query.resource, item))

    def _anew(self, query: Query) -> Generator[Change, None, str]:
        """Everything that there is now, as changes; returns the version of that moment."""
        listing = self.list(query)
        if listing.refused:
            raise TemporaryError(f"{query.resource.plural} cannot be listed: {listing.refused}")
        for item in listing.items:
            yield Change("LISTED", item)
        return listing.resource_version

    def _write(
        self, method: str, path: str, params: Mapping[str, str], body: Object, content_type: str
    ) -> Written:
        data = json.dumps(body).encode()
        question = Question(method, path, params, JSON, data, content_type)
        return _written(self._wire.ask(question))


class _ForgottenError(Exception):
    """The server does not remember the version that a watch was to go on from."""


def _named(resource: Resource, namespace: str, name: str) -> str:
    return f"{path_of(resource, namespace)}/{quote(name, safe='')}"


def _preconditions(seen: Observed) -> dict[str, str]:
    found = {"uid": seen.uid, "resourceVersion": seen.resource_version}
    return {name: value for name, value in found.items() if value}


def _decoded(line: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


_REASONS = {404: "missing", 429: "busy", 500: "busy", 502: "busy", 503: "busy", 504: "busy"}


def _written(answer: Answer) -> Written:
    if answer.ok:
        return Written(answer.body)
    if answer.status == 0:
        return Written(reason="busy", why=answer.why)
    causes = [one for one in answer.mapping("details").get("causes") or () if isinstance(one, dict)]
    if any(one.get("reason") == BUDGET for one in causes):
        return Written(reason="held", why=answer.why)
    if answer.status != 409:
        return Written(reason=_REASONS.get(answer.status, "refused"), why=answer.why)
    owners = _owners(causes)
    if owners:
        return Written(reason="owned", why=answer.why, owners=owners)
    exists = answer.body.get("reason") == "AlreadyExists"
    return Written(reason="exists" if exists else "changed", why=answer.why)


def _owners(causes: list[dict[str, Any]]) -> tuple[Owner, ...]:
    """The managers that a conflict names, each with its fields."""
    found: dict[str, list[str]] = {}
    for one in causes:
        named = _MANAGER.search(str(one.get("message", "")))
        if one.get("reason") == "FieldManagerConflict" and named:
            found.setdefault(named[1], []).append(str(one.get("field", "")))
    return tuple(Owner(manager, tuple(fields)) for manager, fields in found.items())
