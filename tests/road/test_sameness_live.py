"""What a running cluster adds to an object, and what it does not."""

from typing import Any

import pytest

from telford.road import sameness

Object = dict[str, Any]


def pod(container: Object | None = None, **spec: Any) -> Object:
    containers = [{"name": "web", "image": "web:1", **(container or {})}]
    return {"kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": containers, **spec}}}}  # fmt: skip


def service(port: Object | None = None, **spec: Any) -> Object:
    ports = [{"port": 80, **(port or {})}]
    return {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports, **spec}}


def policy(**spec: Any) -> Object:
    return {"kind": "NetworkPolicy", "metadata": {"name": "web"}, "spec": spec}


LIMITS = {"limits": {"cpu": "1", "memory": "1Gi"}}


def rules(live: Object, built: Object, view: sameness.View = sameness.LIVE) -> list[str]:
    return [item.rule for item in sameness.differences_of(live, built, view)]


DERIVED = [
    (pod({"imagePullPolicy": "IfNotPresent"}), pod()),
    (pod({"imagePullPolicy": "Always", "image": "web"}), pod({"image": "web"})),
    (
        pod({"imagePullPolicy": "Always", "image": "r:5000/web:latest"}),
        pod({"image": "r:5000/web:latest"}),
    ),
    (
        pod({"imagePullPolicy": "IfNotPresent", "image": "web@sha256:1"}),
        pod({"image": "web@sha256:1"}),
    ),
    (service({"targetPort": 80}), service()),
    (pod(serviceAccountName="a", serviceAccount="a"), pod(serviceAccountName="a")),
    (
        pod(serviceAccountName="a", serviceAccount="a"),
        pod(serviceAccountName="a", serviceAccount="b"),
    ),
    (policy(policyTypes=["Ingress"]), policy()),
    (policy(egress=[{}], policyTypes=["Ingress", "Egress"]), policy(egress=[{}])),
    (
        pod({"resources": {**LIMITS, "requests": {"cpu": "1", "memory": "1Gi"}}}),
        pod({"resources": LIMITS}),
    ),
    (
        pod({"resources": {**LIMITS, "requests": {"cpu": "1", "memory": "1Gi"}}}),
        pod({"resources": {**LIMITS, "requests": {"cpu": "1"}}}),
    ),
]
NOT_DERIVED = [
    (pod({"imagePullPolicy": "Always"}), pod()),
    (pod({"imagePullPolicy": "IfNotPresent", "image": "web"}), pod({"image": "web"})),
    (service({"targetPort": 81}), service()),
    (pod(serviceAccountName="a", serviceAccount="b"), pod(serviceAccountName="a")),
    (pod(serviceAccount="a"), pod(serviceAccount="b")),
    (policy(policyTypes=["Ingress", "Egress"]), policy()),
    (pod({"resources": {**LIMITS, "requests": {"cpu": "2"}}}), pod({"resources": LIMITS})),
]


@pytest.mark.parametrize(("live", "built"), DERIVED)
def test_what_follows_from_other_fields_is_derived_either_way(live: Object, built: Object):
    assert set(rules(live, built)) == {"derived"}
    assert set(rules(built, live, sameness.AS_WRITTEN)) == {"derived"}


@pytest.mark.parametrize(("live", "built"), NOT_DERIVED)
def test_what_does_not_follow_is_a_difference(live: Object, built: Object):
    assert "" in rules(live, built)


def test_what_a_cluster_chooses_is_explained_in_a_cluster_alone():
    live = service({"nodePort": 30001}, clusterIP="10.0.0.1", clusterIPs=["10.0.0.1"])
    assert set(rules(live, service())) == {"assigned"}
    assert set(rules(live, service(), sameness.AS_WRITTEN)) == {""}
    # What was built chose for itself.
    assert "" in rules(live, service(clusterIP="10.0.0.2"))
    assert "" in rules(service(), service(clusterIP="10.0.0.2"))


def test_a_service_without_an_address_is_another_kind_of_service():
    assert rules(service(clusterIP="None"), service()) == [""]


def test_a_restart_by_hand_is_no_difference_and_another_annotation_is():
    def annotated(name: str) -> Object:
        item = pod()
        item["spec"]["template"]["metadata"] = {"annotations": {name: "now"}}
        return item

    assert rules(annotated("kubectl.kubernetes.io/restartedAt"), pod()) == ["assigned"]
    assert rules(annotated("example.com/restartedAt"), pod()) == [""]


def test_labels_of_our_own_are_missed_in_a_cluster():
    marked = pod()
    marked["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "telford"}
    assert rules(pod(), marked) == [""]
    assert rules(pod(), marked, sameness.AS_WRITTEN) == ["own-marks"]


def test_two_that_look_alike_are_told_apart():
    one, other = pod({"args": ["a", "b"]}), pod({"args": ["a", "c"]})
    (item,) = sameness.differences_of(one, other)
    assert item.found != item.built
    assert "b" not in item.found.split()
    assert item.steps == ("spec", "template", "spec", "containers", 0, "args", 1)


def test_items_whose_names_are_no_names_are_compared_by_their_place():
    one, other = pod({"env": [{"name": {"a": 1}}]}), pod({"env": [{"name": {"a": 2}}]})
    assert rules(one, other) == [""]


def test_a_difference_says_which_side_lacks_the_field():
    sides = [item.lacking for item in sameness.differences_of(pod(a=1), pod(b=2))]
    assert sides == ["built", "found"]
