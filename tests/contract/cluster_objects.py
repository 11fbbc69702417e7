"""A service's objects as the paved road renders them, small; and workloads made of them."""

import os
from typing import Any

from backends.kubernetes.api_schema import KINDS, Kind
from telford.estate.workload import Workload

NAMESPACE = "shop"
ROUTES = (
    Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", subresources=("status",)),
)
MESH = (
    Kind("networking.istio.io/v1", "VirtualService", "virtualservices"),
    Kind("networking.istio.io/v1", "DestinationRule", "destinationrules"),
)
ALL_KINDS = (*KINDS, *ROUTES, *MESH)


def identity(service: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": service, "app.kubernetes.io/component": "service"}


def deployment(service: str, image: str, replicas: int = 2, **spec: Any) -> dict[str, Any]:
    labels = identity(service)
    pod = {"labels": {**labels, "telford.dev/track": "stable"}}
    container = {"name": "app", "image": image, "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": pod, "spec": {"containers": [container]}},
            **spec,
        },
    }


def service_object(service: str) -> dict[str, Any]:
    labels = identity(service)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service, "namespace": NAMESPACE, "labels": labels},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def account(service: str) -> dict[str, Any]:
    about = {"name": service, "namespace": NAMESPACE, "labels": identity(service)}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}


def image(service: str, version: str) -> str:
    """What a version runs; against real nodes an image that stays up, whatever the version."""
    return os.environ.get("TELFORD_TEST_IMAGE") or f"registry.example.com/{service}:{version}"


def workload(
    version: str, generation: int = 1, replicas: int = 2, service: str = "orders", **spec: Any
) -> Workload:
    """A version of a service as a cluster runs it."""
    running = deployment(service, image(service, version.removesuffix("-baseline")), **spec)
    objects = (account(service), running, service_object(service))
    return Workload(service, version, generation, (), replicas=replicas, objects=objects)


def route_object(service: str = "orders") -> dict[str, Any]:
    """The way in from outside, as target gateway-api renders it; other rules stand beside."""
    to = {"group": "", "kind": "Service", "name": service, "port": 80, "weight": 1}
    other = {**to, "name": "basket"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": "public"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/basket"}}],
                    "backendRefs": [other],
                },
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/orders"}}],
                    "timeouts": {"request": "2s"},
                    "backendRefs": [to],
                },
            ],
        },
    }


def virtual_service(service: str = "orders") -> dict[str, Any]:
    """As target istio renders it for what is released by a Delivery."""
    shares = (("stable", 100), ("canary", 0))
    route = [
        {"destination": {"host": service, "subset": name}, "weight": weight}
        for name, weight in shares
    ]
    reads = {"name": "web-reads", "match": [{"sourceLabels": {"app": "web"}}], "route": route}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": service, "namespace": NAMESPACE},
        "spec": {"hosts": [service], "http": [reads, {"name": "default", "route": route}]},
    }


def destination_rule(service: str = "orders") -> dict[str, Any]:
    subsets = [
        {"name": name, "labels": {"telford.dev/track": name}} for name in ("stable", "canary")
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": service, "namespace": NAMESPACE},
        "spec": {"host": service, "subsets": subsets},
    }
