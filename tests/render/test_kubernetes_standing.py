"""How paved workloads rank, how much of a namespace they may take, and who makes their ways in."""

import pytest
import rendered

from telford.estate import loading, overlays
from telford.estate import place as places
from telford.render import registry


def _pod(found: dict[str, dict], title: str) -> dict:
    return found[title]["spec"]["template"]["spec"]


def test_a_service_ranks_by_its_tier_and_a_store_by_the_most_important_of_its_users():
    found = rendered.objects(
        rendered.service("web", "tier: 1\nuses: [{datastore: main}]\n")
        + rendered.service("report", "tier: 4\nuses: [{datastore: main}]\n")
        + rendered.service("own", "tier: 0\nrun: {image: x, priorityClass: gold}\n")
        + rendered.service("main", "engine: redis\nrun: {image: r}\n", "Datastore")
        + rendered.service("alone", "engine: redis\nrun: {image: r}\n", "Datastore")
    )
    ranks = {
        title: _pod(found, title)["priorityClassName"]
        for title in found
        if title.startswith(("Deployment", "StatefulSet"))
    }
    assert ranks == {
        "Deployment/web": "tier-1",
        "Deployment/report": "tier-4",
        "Deployment/own": "gold",
        "StatefulSet/main": "tier-1",
        "StatefulSet/alone": "tier-2",
    }


def test_an_ordinary_tier_is_worth_what_a_pod_without_a_class_is_worth():
    found = rendered.objects(rendered.service("web"))
    values = [found[f"PriorityClass/tier-{tier}"]["value"] for tier in range(5)]
    assert values == sorted(values, reverse=True)
    assert values[2] == 0


SIZED = (
    "tier: 0\nrun:\n  image: x\n  replicas: {min: 2, max: 9}\n"
    "  resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}\n"
    "  initialise: [{name: first, image: y, resources: {requests: {memory: 768Mi}}}]\n"
)


def test_a_quota_is_what_the_estate_asks_for_at_most_and_half_as_much_again():
    found = rendered.objects(
        rendered.service("web", SIZED)
        + rendered.service(
            "main",
            "engine: redis\nrun: {image: r, replicas: 2, volumes: "
            "[{name: d, path: /d, type: storage, size: 10Gi}]}\n",
            "Datastore",
        )
    )
    # Nine of web and one more while it rolls, two of main: 10 x 500m + 2 x 50m, half as much again.
    assert found["ResourceQuota/all"]["spec"]["hard"] == {
        "requests.cpu": "8",
        "requests.memory": "12Gi",
        "limits.memory": "16Gi",
        "pods": "18",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "persistentvolumeclaims": "3",
        "requests.storage": "30Gi",
    }
    assert found["ResourceQuota/tier-0"]["spec"]["hard"] == {"pods": "15"}
    assert found["ResourceQuota/tier-1"]["spec"]["hard"] == {"pods": "0"}
    assert found["ResourceQuota/tier-0"]["metadata"]["annotations"]["telford.dev/owner"] == (
        "team/shop"
    )


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (rendered.service("agent", "run: {image: x, workload: DaemonSet}\n"), ["TEL507"]),
        (rendered.service("web", "road: as-found\n") + rendered.service("own"), []),
    ],
    ids=["nobody knows how many", "something was found"],
)
def test_a_namespace_that_cannot_be_counted_has_no_quota(text: str, codes: list[str]):
    found = rendered.objects(text)
    assert not [title for title in found if title.startswith(("ResourceQuota", "LimitRange"))]
    assert rendered.codes(text, "kubernetes") == codes


def test_a_namespace_that_a_team_names_for_its_own_is_made_and_limited():
    text = rendered.service("web") + rendered.service("till", "namespace: payments\n")
    made = rendered.rendering(text, "kubernetes").units
    (unit,) = [one for one in made if one.path == "kubernetes/prod/namespace.yaml"]
    by_kind = [(item["kind"], item["metadata"].get("namespace")) for item in unit.objects()]
    assert by_kind.count(("ResourceQuota", "payments")) == 3
    assert by_kind.count(("ResourceQuota", "prod")) == 3
    assert by_kind.count(("Namespace", None)) == 2


REGION = """\
apiVersion: telford/v1
kind: Environment
name: live
order: 3
production: true
regions: [north]
---
apiVersion: telford/v1
kind: Region
name: north
{zones}
---
"""


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ("zones: 3", ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]),
        ("zones: 1", ["kubernetes.io/hostname"]),
        ("", ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]),
    ],
)
def test_replicas_are_spread_over_zones_where_there_are_several(zones: str, expected: list[str]):
    text = rendered.service("web") + REGION.format(zones=zones)
    found = rendered.objects(text, "live/north")
    spread = _pod(found, "Deployment/web")["topologySpreadConstraints"]
    assert [item["topologyKey"] for item in spread] == expected


ROUTED = rendered.service(
    "web",
    "run: {image: x, replicas: {min: 1, max: 3}}\n"
    "routes: [{host: a.example.com}]\n"
    "ingresses: [{controller: nginx, annotations: {a: b}, tls: [{}]}]\n",
)


def test_an_ingress_has_its_controller_its_annotations_and_its_certificate():
    found = rendered.objects(ROUTED)["Ingress/web"]
    assert found["spec"]["ingressClassName"] == "nginx"
    assert found["spec"]["tls"] == [{"hosts": ["a.example.com"], "secretName": "web-tls"}]
    assert found["metadata"]["annotations"]["a"] == "b"


@pytest.mark.parametrize(
    ("other", "absent"), [("gateway-api", "Ingress"), ("keda", "HorizontalPodAutoscaler")]
)
def test_what_another_target_is_chosen_for_is_not_made_here(other: str, absent: str):
    def kinds(*targets: str) -> set[str]:
        scene = registry.scene(rendered.bound(ROUTED), targets)
        made = registry.BY_NAME["kubernetes"].entity(scene, "service/shop.web")
        return {item["kind"] for unit in made.units for item in unit.objects()}

    assert kinds("kubernetes") - kinds("kubernetes", other) == {absent}


def test_a_start_is_over_when_the_service_is_ready_as_it_says_itself():
    text = "run: {image: x, health: {ready: {path: /mine, port: 9000}}}\n"
    found = rendered.objects(rendered.service("web", text))
    (container,) = _pod(found, "Deployment/web")["containers"]
    assert container["startupProbe"]["httpGet"] == {"path": "/mine", "port": 9000}
    assert container["startupProbe"]["failureThreshold"] == 30


def test_what_is_only_built_is_told_to_say_what_its_image_is_called():
    text = rendered.PLACES + rendered.service("web", "run: {build: {context: .}}\n")
    binding = overlays.bind(loading.load({"e.yaml": text}).estate, places.parse("prod"))
    (said,) = rendered.in_place(binding, "kubernetes").diagnostics
    assert (said.code, "run.build" in said.detail) == ("TEL502", True)
