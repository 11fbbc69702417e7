"""When two Kubernetes objects that are written differently mean the same, by which rule."""

import json
import pathlib
from typing import Any

import kubernetes_validate
import pytest

from telford.basics import resources
from telford.road import sameness

Object = dict[str, Any]


def _deployment(container: Object | None = None, **pod: Any) -> Object:
    containers = [{"name": "web", "image": "web:1", **(container or {})}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": containers, **pod}}},
    }


def _service(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def _rules(found: Object, built: Object) -> list[str]:
    return [item.rule for item in sameness.differences_of(found, built)]


def _ports(*ports: Object) -> Object:
    return {"ports": list(ports)}


HTTP = {"containerPort": 80}
PROBE = {"httpGet": {"port": 80}}

FORGIVEN = {
    "quantity": [
        (
            _deployment({"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}),
            _deployment({"resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}}}),
        ),
        (
            _deployment(volumes=[{"name": "a", "emptyDir": {"sizeLimit": "1G"}}]),
            _deployment(volumes=[{"name": "a", "emptyDir": {"sizeLimit": "1000M"}}]),
        ),
    ],
    "default": [
        (_service(type="ClusterIP", ports=[{"port": 80}]), _service(ports=[{"port": 80}])),
        (_deployment(_ports(HTTP)), _deployment(_ports(HTTP | {"protocol": "TCP"}))),
        (_deployment(), _deployment(terminationGracePeriodSeconds=30)),
        (
            _deployment({"readinessProbe": PROBE | {"timeoutSeconds": 1}}),
            _deployment({"readinessProbe": PROBE}),
        ),
        (_deployment({"terminationMessagePolicy": "File"}), _deployment()),
    ],
    "order": [
        (
            _deployment(_ports(HTTP, {"containerPort": 90})),
            _deployment(_ports({"containerPort": 90}, HTTP)),
        ),
        (
            _deployment({"env": [{"name": "A"}, {"name": "B"}]}),
            _deployment({"env": [{"name": "B"}, {"name": "A"}]}),
        ),
    ],
    "null": [(_deployment({"command": None}), _deployment())],
    "empty": [
        (_deployment({"resources": {}}), _deployment()),
        (_deployment(), _deployment(securityContext={})),
    ],
    "cluster": [
        (_service() | {"status": {"loadBalancer": {"ingress": [{"ip": "1"}]}}}, _service()),
        (_service() | {"metadata": {"name": "web", "uid": "1"}}, _service()),
    ],
    "own-marks": [
        (
            _service(),
            _service()
            | {"metadata": {"name": "web", "labels": {"app.kubernetes.io/managed-by": "telford"}}},
        )
    ],
}
PAIRS = [(rule, *pair) for rule, pairs in FORGIVEN.items() for pair in pairs]


@pytest.mark.parametrize(("rule", "found", "built"), PAIRS)
def test_a_rule_forgives_what_it_says(rule: str, found: Object, built: Object) -> None:
    assert set(_rules(found, built)) == {rule}


@pytest.mark.parametrize(
    ("found", "built"),
    [
        (_deployment({"image": "web:1"}), _deployment({"image": "web:2"})),
        (_service(type="NodePort"), _service()),
        (_service(type="ClusterIP"), _service(type="NodePort")),
        (_deployment(terminationGracePeriodSeconds=20), _deployment()),
        (
            _deployment({"resources": {"requests": {"cpu": "500m"}}}),
            _deployment({"resources": {"requests": {"cpu": "501m"}}}),
        ),
        # Scratch space is there or not; an empty setting is the setting.
        (
            _deployment(volumes=[{"name": "a", "emptyDir": {}}]),
            _deployment(volumes=[{"name": "a"}]),
        ),
        (_deployment(_ports(HTTP)), _deployment(_ports(HTTP, {"containerPort": 90}))),
        (_deployment({"args": ["a", "b"]}), _deployment({"args": ["b", "a"]})),
        # 1 and true and "1" are three things.
        (_deployment(hostNetwork=True), _deployment(hostNetwork=1)),
        (_service(labels={"a": "1"}), _service(labels={"a": 1})),
    ],
)
def test_what_means_something_else_is_not_explained(found: Object, built: Object) -> None:
    assert "" in _rules(found, built)


def test_init_containers_run_in_their_order() -> None:
    one = _deployment(initContainers=[{"name": "a"}, {"name": "b"}])
    other = _deployment(initContainers=[{"name": "b"}, {"name": "a"}])
    assert set(_rules(one, other)) == {""}


def test_the_order_of_variables_made_of_others_counts() -> None:
    made = {"name": "B", "value": "$(A)"}
    one = _deployment({"env": [{"name": "A", "value": "x"}, made]})
    other = _deployment({"env": [made, {"name": "A", "value": "x"}]})
    assert set(_rules(one, other)) == {""}


def test_a_value_of_a_secret_is_never_shown() -> None:
    inner = {"kind": "Secret", "data": {"password": "hunter2"}}
    found: Object = {"apiVersion": "v1", "kind": "Template", "metadata": {"name": "a"}}
    (item,) = sameness.differences_of(
        found | {"objects": [inner]}, found | {"objects": [{"kind": "Secret"}]}
    )
    assert item.rule == "secret"
    assert "hunter2" not in repr(item)


def test_data_of_anything_else_is_not_taken_for_a_secret() -> None:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert _rules(found | {"data": {"a": "b"}}, found) == [""]


def test_objects_are_matched_by_kind_group_namespace_and_name() -> None:
    one = _service()
    other = _service() | {"metadata": {"name": "web", "namespace": "shop"}}
    compared = sameness.compare([one], [other])
    assert compared.missing == ("Service/web",)
    assert compared.added == ("Service/shop/web",)
    assert not compared.ok


def test_a_secret_that_is_not_built_is_explained() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "b"}}
    compared = sameness.compare([secret], [])
    assert compared.ok
    assert compared.explained["secret"].count == 1


def test_an_object_that_was_replaced_is_counted() -> None:
    compared = sameness.compare([_service()], [_service()], replaced=[_service(type="NodePort")])
    assert compared.ok
    assert compared.equal == 1
    assert compared.explained["repeated"].count == 1


def test_what_is_carried_whole_is_counted_apart_and_compared() -> None:
    item = _service()
    compared = sameness.compare([item], [item], carried=frozenset({sameness.key(item)}))
    assert (compared.carried, compared.carried_fields) == (1, compared.fields)
    assert not sameness.compare(
        [item], [_service(type="NodePort")], carried=frozenset({sameness.key(item)})
    ).ok


def test_every_difference_is_counted_and_some_are_shown() -> None:
    names = [f"s{number}" for number in range(9)]
    found = [_service(type="ClusterIP") | {"metadata": {"name": name}} for name in names]
    built = [_service() | {"metadata": {"name": name}} for name in names]
    explained = sameness.compare(found, built).as_json()["explained"]
    assert isinstance(explained, dict)
    assert explained["default"]["count"] == 9
    assert len(explained["default"]["examples"]) == sameness.MAX_EXAMPLES


def test_every_rule_says_what_why_and_who_says_so() -> None:
    for rule in sameness.rules().values():
        assert rule.forgives
        assert rule.why
        assert rule.source


_DEFINITIONS = {
    "containers": ("podspec-v1", "containers"),
    "containers.*.ports": ("container-v1", "ports"),
    "initContainers.*.ports": ("container-v1", "ports"),
    "containers.*.env": ("container-v1", "env"),
    "initContainers.*.env": ("container-v1", "env"),
    "containers.*.volumeMounts": ("container-v1", "volumeMounts"),
    "initContainers.*.volumeMounts": ("container-v1", "volumeMounts"),
    "template.spec.volumes": ("podspec-v1", "volumes"),
    "template.spec.imagePullSecrets": ("podspec-v1", "imagePullSecrets"),
    "template.spec.hostAliases": ("podspec-v1", "hostAliases"),
    "template.spec.topologySpreadConstraints": ("podspec-v1", "topologySpreadConstraints"),
}


@pytest.mark.parametrize("path", resources.toml("telford.road", "sameness.toml")["lists"])
def test_keys_of_lists_are_those_of_the_kubernetes_schema(path: str) -> None:
    folder = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    definition, name = _DEFINITIONS[path]
    file = folder / "v1.37.0-local" / f"{definition}.json"
    field = json.loads(file.read_text("utf-8"))["properties"][name]
    keys = resources.toml("telford.road", "sameness.toml")["lists"][path]
    assert field["x-kubernetes-list-map-keys"] == keys


def test_what_may_be_a_secret_is_counted_and_not_shown() -> None:
    one = _deployment({"env": [{"name": "PASSWORD", "value": "hunter2"}]})
    other = _deployment({"env": [{"name": "PASSWORD", "value": "hunter22"}]})
    (item,) = sameness.differences_of(one, other)
    assert (item.found, item.built) == ("(7 characters)", "(8 characters)")


def test_a_number_and_its_text_are_told_apart() -> None:
    one = _deployment({"resources": {"limits": {"cpu": 1}}})
    other = _deployment({"resources": {"limits": {"cpu": "1"}}})
    (item,) = sameness.differences_of(one, other)
    assert (item.found, item.built) == ("1 (int)", "1 (str)")
