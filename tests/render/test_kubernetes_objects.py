"""What the road adds where a service says nothing, and what it leaves alone."""

import pytest
import rendered

import quick_yaml as yaml


def _container(item: dict) -> dict:
    return item["spec"]["template"]["spec"]["containers"][0]


def test_a_service_that_says_only_its_image_gets_the_whole_road():
    found = rendered.objects(rendered.service("orders"))
    assert sorted(found) == [
        "Deployment/orders",
        "LimitRange/defaults",
        "Namespace/prod",
        "NetworkPolicy/orders",
        "PodDisruptionBudget/orders",
        *(f"PriorityClass/tier-{tier}" for tier in range(5)),
        "ResourceQuota/all",
        "ResourceQuota/tier-0",
        "ResourceQuota/tier-1",
        "Service/orders",
        "ServiceAccount/orders",
    ]
    container = _container(found["Deployment/orders"])
    assert container["env"] == [{"name": "PORT", "value": "8080"}]
    assert set(container) >= {"readinessProbe", "livenessProbe", "startupProbe", "resources"}
    assert found["Deployment/orders"]["spec"]["replicas"] == 2
    assert found["ServiceAccount/orders"]["automountServiceAccountToken"] is False


def test_one_replica_outside_production_needs_no_disruption_budget():
    found = rendered.objects(rendered.service("orders"), "dev")
    assert found["Deployment/orders"]["spec"]["replicas"] == 1
    assert "PodDisruptionBudget/orders" not in found


def test_a_scaler_owns_the_number_of_replicas():
    found = rendered.objects(
        rendered.service("orders", "run: {image: x, replicas: {min: 2, max: 6, targetCpu: 70%}}\n")
    )
    assert "replicas" not in found["Deployment/orders"]["spec"]
    spec = found["HorizontalPodAutoscaler/orders"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


def test_a_change_of_a_config_restarts_its_readers_and_nobody_else():
    def digests(level: str) -> dict[str, str | None]:
        found = rendered.objects(
            rendered.service("settings", f"values: {{level: {level}}}\n", "Config", "")
            + rendered.service("reader", "run: {image: x, envFrom: [{config: settings}]}\n")
            + rendered.service("other")
        )
        return {
            name: found[f"Deployment/{name}"]["spec"]["template"]["metadata"]["annotations"].get(
                "telford.dev/config-digest"
            )
            for name in ("reader", "other")
        }

    before, after = digests("info"), digests("debug")
    assert before["reader"] != after["reader"]
    assert before["other"] is after["other"] is None


def test_a_new_owner_restarts_nothing():
    text = rendered.service("orders")
    other = text.replace("owner: team/shop\nrun", "owner: team/other\nrun")
    other += "apiVersion: telford/v1\nkind: Team\nname: other\n"
    first, second = rendered.objects(text), rendered.objects(other)
    before, after = first["Deployment/orders"], second["Deployment/orders"]
    assert before["metadata"] != after["metadata"]
    assert before["spec"]["template"] == after["spec"]["template"]


def test_a_worker_has_no_port_no_probe_and_no_service():
    found = rendered.objects(rendered.service("mail", "type: worker\n"))
    assert "Service/mail" not in found
    assert not {"ports", "readinessProbe"} & set(_container(found["Deployment/mail"]))


def test_nothing_is_added_to_what_was_found():
    fields = (
        "road: as-found\nrun: {image: 'x:1', container: app, podLabels: {}, selector: {a: b}}\n"
    )
    (artifact,) = (
        a
        for a in rendered.rendering(rendered.service("old", fields), "kubernetes").artifacts()
        if a.owner == "service/shop.old"
    )
    assert yaml.safe_load(artifact.text) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "old"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {"containers": [{"name": "app", "image": "x:1"}]}},
        },
    }


def test_a_manifest_is_given_back_as_it_was_and_restricts_no_namespace():
    text = rendered.service(
        "thing", "object: {apiVersion: example.com/v1, kind: Odd, metadata: {name: z}}\n",
        "Manifest", "",
    )  # fmt: skip
    found = rendered.objects(text + rendered.service("orders"))
    assert found["Odd/z"] == {
        "apiVersion": "example.com/v1",
        "kind": "Odd",
        "metadata": {"name": "z"},
    }
    assert "pod-security.kubernetes.io/enforce" not in found["Namespace/prod"]["metadata"]["labels"]


def test_a_place_where_all_is_paved_enforces_the_restricted_standard():
    labels = rendered.objects(rendered.service("orders"))["Namespace/prod"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (rendered.service("orders", image=""), "TEL502"),
        (rendered.service("nightly", "type: cron\n"), "TEL503"),
        (rendered.service("a") + rendered.service("a", "engine: redis\nrun: {image: r}\n", "Datastore"), "TEL501"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_said(text: str, code: str):
    loaded = rendered.loading.load({"estate.yaml": rendered.PLACES + text})
    binding = rendered.overlays.bind(loaded.estate, rendered.places.parse("prod"))
    result = rendered.in_place(binding, "kubernetes")
    assert [d.code for d in result.diagnostics] == [code]


def test_files_lie_by_place_and_system_and_say_their_address():
    text = rendered.service("orders") + rendered.service("main", "engine: redis\n", "Datastore")
    artifacts = rendered.rendering(text, "kubernetes").artifacts()
    assert [(a.path, a.owner) for a in artifacts] == [
        ("kubernetes/prod/namespace.yaml", "environment/prod"),
        ("kubernetes/prod/priorities.yaml", "environment/prod"),
        ("kubernetes/prod/shop/main.datastore.yaml", "datastore/shop.main"),
        ("kubernetes/prod/shop/orders.yaml", "service/shop.orders"),
    ]


def test_only_units_that_a_change_touches_have_new_keys():
    text = rendered.service("orders") + rendered.service("web", "uses: [{service: orders}]\n")
    text += rendered.service("other")
    before = _keys(text)
    image = _keys(text.replace("name: web\nsystem: shop\nowner: team/shop\nrun: {image: 'shop/x:1.0.0'}",
                               "name: web\nsystem: shop\nowner: team/shop\nrun: {image: 'shop/x:2.0.0'}"))  # fmt: skip
    assert {path for path in before if before[path] != image[path]} == {
        "kubernetes/prod/shop/web.yaml"
    }
    unused = _keys(text.replace("uses: [{service: orders}]\n", ""))
    assert {path for path in before if before[path] != unused[path]} == {
        "kubernetes/prod/shop/orders.yaml",
        "kubernetes/prod/shop/web.yaml",
    }


def _keys(text: str) -> dict[str, str]:
    return {unit.path: unit.key for unit in rendered.rendering(text, "kubernetes").units}
