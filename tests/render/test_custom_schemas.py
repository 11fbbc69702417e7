"""The judge of custom resources accepts right ones and refuses what it must: a proof of the proofs."""

import copy
from typing import Any

import custom_schemas
import pytest

_GOOD: list[dict[str, Any]] = [
    {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "a"},
        "spec": {
            "parentRefs": [{"name": "edge"}],
            "rules": [{"backendRefs": [{"name": "a", "port": 80}], "timeouts": {"request": "1s"}}],
        },
    },
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "a"},
        "spec": {"action": "ALLOW", "rules": [{"to": [{"operation": {"ports": ["80"]}}]}]},
    },
    {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "a"},
        "spec": {
            "scaleTargetRef": {"name": "a"},
            "triggers": [{"type": "cron", "metadata": {"start": "0 8 * * *"}}],
        },
    },
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a"},
        "spec": {"project": "a", "destination": {"namespace": "a"}},
    },
    {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "a"},
        "spec": {
            "interval": "10m",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "a"},
        },
    },
    {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "a"},
        "spec": {"selector": {}, "endpoints": [{"port": "http", "interval": "30s"}]},
    },
    {
        "apiVersion": "policy.linkerd.io/v1beta3",
        "kind": "Server",
        "metadata": {"name": "a"},
        "spec": {"podSelector": {"matchLabels": {"a": "b"}}, "port": 80},
    },
]


@pytest.mark.parametrize("item", _GOOD, ids=lambda item: item["kind"])
def test_a_right_resource_is_accepted(item: dict[str, Any]):
    assert custom_schemas.errors(item) == []


@pytest.mark.parametrize("item", _GOOD, ids=lambda item: item["kind"])
def test_an_unknown_field_is_refused(item: dict[str, Any]):
    broken = copy.deepcopy(item)
    broken["spec"]["replica"] = 1
    assert any("replica" in said for said in custom_schemas.errors(broken))


def test_a_value_of_the_wrong_shape_is_refused():
    broken = copy.deepcopy(_GOOD[0])
    broken["spec"]["rules"][0]["timeouts"]["request"] = "1 second"
    assert any("pattern" in said for said in custom_schemas.errors(broken))


def test_a_kind_that_is_not_known_is_refused():
    assert custom_schemas.errors({"apiVersion": "istio.io/v9", "kind": "Spell"})


def test_groups_are_those_of_the_issue():
    assert {"gateway.networking.k8s.io", "keda.sh", "policy.linkerd.io"} <= custom_schemas.groups()
