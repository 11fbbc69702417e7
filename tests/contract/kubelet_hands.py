"""How the stand-in kubelet reads and writes: over HTTP on a real cluster, and without on the API
server of this process, where it would cost as much as everything that a test is about.
"""

import json
from typing import Any, Protocol

from backends.kubernetes.api_server import ApiServer
from backends.kubernetes.api_store import Refused
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.client import path_of
from telford.backends.kubernetes.wire import JSON, Limits, Question
from telford.backends.kubernetes.writing import WritingServer
from telford.ports.objects import Observed, Query, Resource

Item = dict[str, Any]
MANAGER = "kubelet"


class Hands(Protocol):
    """Objects of one namespace. What is refused because somebody was faster is not done."""

    def version(self) -> object:
        """What is another one after every write; None where nobody can know."""
        ...

    def list(self, resource: Resource) -> list[Item]:
        """Every object of a kind."""
        ...

    def create(self, resource: Resource, item: Item) -> str:
        """The uid of what was made, "" where it was not."""
        ...

    def delete(self, resource: Resource, item: Item) -> None:
        """The very object that was read."""
        ...

    def status(self, resource: Resource, item: Item) -> None:
        """Write the status of an object, and remember its new version in it."""
        ...

    def close(self) -> None:
        """No more of it."""
        ...


class Direct:
    """On the API server of this process."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self._server, self._namespace = server, namespace

    def version(self) -> object:
        with self._server.lock:
            return self._server.store.version

    def list(self, resource: Resource) -> list[Item]:
        kind = self._server.kind(resource.api_version, resource.kind)
        with self._server.lock:
            return [dict(one) for one in self._server.store.all(kind, self._namespace)]

    def create(self, resource: Resource, item: Item) -> str:
        said = {"apiVersion": resource.api_version, "kind": resource.kind}
        try:
            return str(self._server.create({**said, **item}, MANAGER)["metadata"]["uid"])
        except Refused:
            return ""

    def delete(self, resource: Resource, item: Item) -> None:
        self._server.delete(item, item["metadata"]["uid"])

    def status(self, resource: Resource, item: Item) -> None:
        try:
            item["metadata"] = dict(self._server.update(item, MANAGER, "status")["metadata"])
        except Refused:
            return

    def close(self) -> None:
        """Nothing was opened."""


class OverHttp:
    """On any cluster."""

    def __init__(self, access: Access, namespace: str) -> None:
        limits = Limits(answer_seconds=10.0, call_seconds=20.0)
        self._server = WritingServer(access, limits, MANAGER)
        self._namespace = namespace

    def version(self) -> object:
        return None

    def list(self, resource: Resource) -> list[Item]:
        return [dict(one) for one in self._server.list(Query(resource, self._namespace)).items]

    def create(self, resource: Resource, item: Item) -> str:
        made = self._server.create(resource, item)
        return str(made.item["metadata"]["uid"]) if made.done else ""

    def delete(self, resource: Resource, item: Item) -> None:
        about = item["metadata"]
        self._server.delete(
            resource, self._namespace, about["name"], Observed(uid=str(about["uid"]))
        )

    def status(self, resource: Resource, item: Item) -> None:
        path = f"{path_of(resource, self._namespace)}/{item['metadata']['name']}/status"
        body = json.dumps(item).encode()
        answer = self._server._wire.ask(
            Question("PUT", path, {"fieldManager": MANAGER}, JSON, body)
        )
        if answer.ok:
            item["metadata"] = dict(answer.body["metadata"])

    def close(self) -> None:
        self._server.close()
