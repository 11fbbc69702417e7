"""Places of estates and clusters to which they were applied, for the tests of drift."""

import contextlib
import copy
import functools
import pathlib
from collections.abc import Iterator
from typing import Any

import optional
from backends.kubernetes import api_schema
from backends.kubernetes.api_schema import Kind
from backends.kubernetes.api_server import ApiServer
from telford.app import drift, drift_wanted
from telford.app.desires import Scope
from telford.app.drift_wanted import Desired
from telford.backends import files
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.client import ApiServer as Client
from telford.backends.kubernetes.wire import Limits
from telford.plan.drift import Drift, Field

Object = dict[str, Any]
PLACES = {
    "shop": "prod/eu-west-1",
    "boutique": "prod/europe-west1",
    "organisation": "prod/eu-west-1/passengers",
}


def folder(name: str) -> pathlib.Path:
    return optional.REPOSITORY / "examples" / name / "estate"


@functools.cache
def desired(name: str) -> Desired:
    """The place of an example that the goldens keep."""
    return drift_wanted.read(files.read([folder(name)]), Scope((), PLACES[name]))


def objects(wanted: Desired) -> list[Object]:
    return [one.item for one in wanted.objects()]


def kinds(items: list[Object]) -> tuple[Kind, ...]:
    """What a server serves, with custom resources for what it does not know."""
    known = {(k.api_version, k.kind): k for k in api_schema.KINDS}
    for item in items:
        name = (item["apiVersion"], item["kind"])
        if name not in known:
            spaced = "namespace" in item["metadata"] or item["kind"] in ("LimitRange",)
            known[name] = Kind(*name, plural=f"{name[1].lower()}s", namespaced=spaced)
    return tuple(known.values())


@contextlib.contextmanager
def cluster(wanted: Desired, **options: Any) -> Iterator[ApiServer]:
    """A server to which the place was applied, objects without a namespace in that of the place."""
    items = objects(wanted)
    with ApiServer(kinds=kinds(items), **options) as server:
        for item in items:
            server.apply(placed(item, wanted, server))
        yield server


def placed(item: Object, wanted: Desired, server: ApiServer) -> Object:
    if not server.kind_of(item).namespaced:
        return item
    return {**item, "metadata": {"namespace": wanted.namespace, **item["metadata"]}}


def compared(wanted: Desired, server: ApiServer, limits: Limits | None = None) -> Drift:
    client = Client(Access("tests", server.url, namespace=wanted.namespace), limits)
    try:
        return drift.of_objects(wanted, client, lambda text: None)
    finally:
        client.close()


def live(server: ApiServer, kind: str, name: str = "") -> Object:
    """A copy of an object as it is in the cluster, to change."""
    for item in server.store.objects.values():
        if item["kind"] == kind and name in ("", item["metadata"]["name"]):
            return copy.deepcopy(item)
    raise AssertionError(f"there is no {kind}/{name}")


def fields(found: Drift) -> list[Field]:
    return [field for item in found.items for field in item.fields]


def subjects(found: Drift) -> dict[str, str]:
    return {item.subject: item.state.value for item in found.items}
