"""Which kinds a server serves: asked for the aggregated way (one answer for all groups, Kubernetes
1.26 and later), and group by group where the server does not know that.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from telford.backends.kubernetes.wire import JSON, Answer, Wire
from telford.basics.errors import PermanentError, TemporaryError
from telford.ports.objects import Resource, Served

_LIST = "as=APIGroupDiscoveryList"
AGGREGATED = ",".join(
    (
        f"{JSON};g=apidiscovery.k8s.io;v=v2;{_LIST}",
        f"{JSON};g=apidiscovery.k8s.io;v=v2beta1;{_LIST}",
        JSON,
    )
)
_ROOTS = ("/api", "/apis")


def served(wire: Wire) -> Served:
    """Every resource, and the groups or versions of which the server could not say.

    Raises `OutsideError` where the server says nothing of what it serves.
    """
    resources: list[Resource] = []
    unknown: dict[str, str] = {}
    for root in _ROOTS:
        answer = wire.get(root, accept=AGGREGATED)
        if not answer.ok:
            raise _refused(wire, answer)
        if answer.body.get("kind") == "APIGroupDiscoveryList":
            resources += _aggregated(answer.body, unknown)
        else:
            resources += _old(wire, _versions(root, answer.body), unknown)
    return Served(tuple(resources), unknown)


def _refused(wire: Wire, answer: Answer) -> PermanentError | TemporaryError:
    message = f"the cluster {wire.access.name} does not say what it serves: {answer.why}"
    if answer.status == 403:
        fix = "ask for the role system:discovery, which everyone who is signed in has by default"
        return PermanentError(message, fix=fix)
    if answer.status == 404:
        return PermanentError(message, fix="check the server of the kubeconfig")
    return TemporaryError(message, fix="try again in a while")


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _verbs(said: Mapping[str, Any]) -> frozenset[str]:
    verbs = said.get("verbs")
    return frozenset(map(str, verbs)) if isinstance(verbs, list) else frozenset()


def _aggregated(body: Mapping[str, Any], unknown: dict[str, str]) -> Iterator[Resource]:
    for item in _dicts(body.get("items")):
        group = str(_dict(item.get("metadata")).get("name") or "")
        for version in _dicts(item.get("versions")):
            name = str(version.get("version"))
            if version.get("freshness") == "Stale":
                unknown[f"{group}/{name}" if group else name] = "its API server does not answer"
            for said in _dicts(version.get("resources")):
                kind = _dict(said.get("responseKind")).get("kind") or ""
                yield Resource(
                    group,
                    name,
                    str(kind),
                    str(said.get("resource")),
                    said.get("scope") == "Namespaced",
                    _verbs(said),
                )


def _versions(root: str, body: Mapping[str, Any]) -> Sequence[str]:
    """Paths of the versions that a server without aggregated discovery lists."""
    if root == "/api":
        known = body.get("versions")
        return [f"/api/{version}" for version in known] if isinstance(known, list) else []
    return [
        f"/apis/{version.get('groupVersion')}"
        for group in _dicts(body.get("groups"))
        for version in _dicts(group.get("versions"))
    ]


def _old(wire: Wire, paths: Sequence[str], unknown: dict[str, str]) -> Iterator[Resource]:
    for path in paths:
        answer = wire.get(path)
        name = path.removeprefix("/apis/").removeprefix("/api/")
        if not answer.ok:
            unknown[name] = answer.why
            continue
        group, _, version = name.rpartition("/")
        for said in _dicts(answer.body.get("resources")):
            plural = str(said.get("name"))
            # deployments/scale is a part of a deployment, no kind of its own.
            if "/" not in plural:
                yield Resource(
                    group,
                    version,
                    str(said.get("kind")),
                    plural,
                    said.get("namespaced") is True,
                    _verbs(said),
                )
