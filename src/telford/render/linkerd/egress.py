"""EgressNetwork and TCPRoute: what a namespace reaches outside the cluster. Called by `target`.

Linkerd tells clients apart by namespace only; which of its workloads may go where, the network
policies say.
"""

from collections.abc import Iterable, Iterator

from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.linkerd.policy import GROUP
from telford.render.linkerd.settings import settings
from telford.render.scene import Scene

# TCPRoute is in the experimental channel of the Gateway API; Linkerd brings it along.
# https://linkerd.io/2/tasks/managing-egress-traffic/
_ROUTES = "gateway.networking.k8s.io/v1alpha2"


def ports(scene: Scene, workloads: Iterable[str]) -> tuple[int, ...] | None:
    """The TCP ports outside the cluster that some workloads use; None where one of them has a
    dependency that is only inferred, so it may use others.
    """
    found: set[int] = set()
    for address in workloads:
        ways = scene.openings(address)
        if ways.egress is None:
            return None
        found |= {
            port
            for way in ways.egress
            if not way.pods and not way.namespace
            for protocol, port in way.ports
            if protocol == "TCP"
        }
    return tuple(sorted(found))


def objects(scene: Scene, namespace: str, numbers: tuple[int, ...]) -> Iterator[Object]:
    """Nothing outside the cluster is reached from a namespace but these ports."""
    name = settings().outside
    yield {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "EgressNetwork",
        "metadata": manifests.place_metadata(scene, name, namespace),
        "spec": {"trafficPolicy": "Deny"},
    }
    for number in numbers:
        network: Object = {"group": GROUP, "kind": "EgressNetwork", "name": name}
        yield {
            "apiVersion": _ROUTES,
            "kind": "TCPRoute",
            "metadata": manifests.place_metadata(scene, f"{name}-{number}", namespace),
            "spec": {
                "parentRefs": [{**network, "port": number}],
                "rules": [{"backendRefs": [{**network, "port": number}]}],
            },
        }
