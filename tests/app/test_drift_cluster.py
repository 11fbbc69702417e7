"""A cluster beside the estate: what is drift and what is not, whose it is, and what nobody may see."""

import pytest
from drift_clusters import (
    PLACES,
    cluster,
    compared,
    desired,
    fields,
    live,
    objects,
    placed,
    subjects,
)

from backends.kubernetes import api_schema
from backends.kubernetes.api_server import ApiServer, Fault
from telford.app import drift
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.client import ApiServer as Client
from telford.backends.kubernetes.wire import Limits
from telford.basics.errors import PermanentError
from telford.plan.drift import Cause, Owned, State, Wanted
from telford.road import conventions

QUICK = Limits(answer_seconds=0.2, attempts=2, longest_wait_seconds=0.01)


@pytest.mark.parametrize("name", PLACES)
def test_what_was_just_applied_is_no_drift_and_nothing_but_get_was_asked(name: str):
    wanted = desired(name)
    with cluster(wanted) as server:
        found = compared(wanted, server)
        assert subjects(found) == {}
        assert found.compared == found.equal == len(objects(wanted)) > 30
        assert server.methods() == {"GET"}
        # Or the cluster would have filled in nothing that had to be explained.
        assert found.left["default"] > 50
        assert found.left["assigned"] > 3


@pytest.mark.parametrize("aggregated", [True, False])
def test_client_side_apply_with_all_its_defaults_is_no_drift(aggregated: bool):
    """As `kubectl create` and pipelines of old do: the writer owns the defaults too."""
    wanted = desired("shop")
    with ApiServer(kinds=kinds_of(wanted), aggregated=aggregated) as server:
        for item in objects(wanted):
            server.create(placed(item, wanted, server), "kubectl-client-side-apply")
        assert subjects(compared(wanted, server)) == {}


def kinds_of(wanted):
    from_estate = {(i["apiVersion"], i["kind"]) for i in objects(wanted)}
    known = {(k.api_version, k.kind) for k in api_schema.KINDS}
    more = [
        api_schema.Kind(*name, plural=f"{name[1].lower()}s", namespaced=name[1] != "PriorityClass")
        for name in sorted(from_estate - known)
    ]
    return (*api_schema.KINDS, *more)


def test_a_hand_that_changes_a_cluster_is_named_with_the_estates_owner():
    wanted = desired("shop")
    with cluster(wanted) as server:
        item = live(server, "Deployment", "catalogue")
        container = item["spec"]["template"]["spec"]["containers"][0]
        container["image"] = "registry.example.com/other:1"
        server.update(item, "kubectl-edit")
        (drifted,) = compared(wanted, server).items
    assert (drifted.state, drifted.subject) == (State.DIFFERENT, "Deployment/shop/catalogue")
    assert (drifted.owned.address, drifted.owned.team) == (
        "service/shop.catalogue",
        "team/storefront",
    )
    assert drifted.owned.position is not None
    assert drifted.owned.position.file.endswith("storefront.yaml")
    (field,) = drifted.fields
    assert field.path == "spec.template.spec.containers[main].image"
    assert field.found == "registry.example.com/other:1"
    assert field.wanted == "registry.example.com/shop/catalogue:1.0.0"
    assert (field.cause, field.by) == (Cause.CHANGED, "kubectl-edit")
    assert field.at.startswith("2026-")


def test_controllers_may_do_what_they_are_for():
    wanted = desired("shop")
    with cluster(wanted) as server:
        item = live(server, "Deployment", "catalogue")
        item["spec"]["replicas"] = 9
        server.update(item, "kube-controller-manager", "scale")
        item = live(server, "Deployment", "recommendations")
        item["status"] = {"replicas": 2, "conditions": [{"type": "Available"}]}
        server.update(item, "kube-controller-manager", "status")
        item = live(server, "Service", "orders")
        item["metadata"]["annotations"]["cloud.example.com/neg"] = "{}"
        item["metadata"]["finalizers"] = ["service.kubernetes.io/load-balancer-cleanup"]
        server.update(item, "cloud-controller")
        found = compared(wanted, server)
    assert subjects(found) == {}
    # The replicas of what an autoscaler scales, and the annotation.
    assert found.left["others"] == 2


def test_missing_and_extra_are_told_and_others_are_left_alone():
    wanted = desired("shop")
    with cluster(wanted) as server:
        service = live(server, "Service", "catalogue")
        server.store.delete(server.kind_of(service), "shop", "catalogue")
        gone = live(server, "ServiceAccount", "catalogue")
        for field in ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation"):
            gone["metadata"].pop(field, None)
        gone["metadata"]["name"] = "catalogue-before"
        server.apply(gone)
        marked = {
            "labels": gone["metadata"]["labels"],
            "annotations": gone["metadata"]["annotations"],
        }
        # A kind of which the estate wants none is searched as well.
        server.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "left", "namespace": "shop", **marked},
            }
        )
        server.create(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "someone-elses", "namespace": "shop"},
             "spec": {"ports": [{"port": 1}]}}
        )  # fmt: skip
        found = compared(wanted, server)
    assert subjects(found) == {
        "Service/shop/catalogue": "missing",
        "ServiceAccount/shop/catalogue-before": "extra",
        "ConfigMap/shop/left": "extra",
    }
    assert {item.owned.team for item in found.items} == {"team/storefront"}


def test_a_field_that_telford_stopped_wanting_and_still_holds_is_drift():
    wanted = desired("shop")
    with cluster(wanted) as server:
        item = next(i for i in objects(wanted) if i["kind"] == "Deployment")
        more = {**item, "spec": {**item["spec"], "minReadySeconds": 30}}
        server.apply(more, conventions.MANAGER)
        (field,) = fields(compared(wanted, server))
    assert (field.path, field.cause, field.by) == (
        "spec.minReadySeconds",
        Cause.UNWANTED,
        "telford",
    )


def test_a_kind_that_may_not_be_listed_is_unknown_and_never_missing():
    wanted = desired("shop")
    with cluster(wanted) as server:
        server.forbidden += [
            ("list", "deployments", ""),
            ("get", "namespaces", ""),
            ("list", "secrets", ""),
        ]
        found = compared(wanted, server)
    states = {item.state for item in found.items}
    assert states == {State.UNKNOWN}
    assert {item.subject.partition("/")[0] for item in found.items} == {"Deployment", "Namespace"}
    assert not found.drifted
    assert not found.whole
    codes = [d.code for d in found.diagnostics]
    assert sorted(codes) == ["TEL700", "TEL700", "TEL702"]
    assert (
        'cannot list resource "deployments"'
        in found.diagnostics[0].detail + found.diagnostics[1].detail
    )


def test_a_kind_that_does_not_answer_is_unknown():
    wanted = desired("shop")
    with cluster(wanted) as server:
        server.faults.append(Fault("networkpolicies", delay_seconds=0.5, times=-1))
        found = compared(wanted, server, QUICK)
        assert {item.state for item in found.items} == {State.UNKNOWN}
        server.faults[:] = [Fault("networkpolicies", 500, times=-1)]
        assert not compared(wanted, server, QUICK).drifted


def test_a_group_whose_server_is_down_is_unknown_and_one_that_is_not_installed_is_missing():
    wanted = desired("organisation")
    with cluster(wanted) as server:
        server.stale.add("autoscaling/v2")
        server.kinds = [kind for kind in server.kinds if kind.kind != "ServiceMonitor"]
        found = compared(wanted, server)
    by_kind = {item.subject.partition("/")[0]: item for item in found.items}
    assert {kind: item.state.value for kind, item in by_kind.items()} == {
        "HorizontalPodAutoscaler": "unknown",
        "ServiceMonitor": "missing",
    }
    assert "does not know ServiceMonitor" in by_kind["ServiceMonitor"].detail
    assert {d.code for d in found.diagnostics} == {"TEL701"}


def test_another_version_of_a_kind_is_unknown():
    wanted = desired("shop")
    with cluster(wanted) as server:
        old = api_schema.Kind("policy/v1beta1", "PodDisruptionBudget", "poddisruptionbudgets")
        server.kinds = [k for k in server.kinds if k.kind != old.kind] + [old]
        found = compared(wanted, server)
    assert {item.state for item in found.items} == {State.UNKNOWN}
    assert found.items[0].detail == "the cluster serves PodDisruptionBudget as policy/v1beta1 only"


def test_pages_that_expire_and_a_busy_server_do_not_change_the_answer():
    wanted = desired("boutique")
    with cluster(wanted) as server:
        server.faults += [
            Fault("continue=", 410, times=2, reason="Expired"),
            Fault("services", 429, times=2, headers={"Retry-After": "1"}),
            Fault("deployments", 500, times=1),
        ]
        assert subjects(compared(wanted, server, Limits(page=3, longest_wait_seconds=0.01))) == {}


def test_a_server_that_does_not_say_what_it_serves_is_no_empty_one():
    wanted = desired("shop")
    with cluster(wanted) as server:
        server.faults.append(Fault("/apis", 403, times=-1, reason="Forbidden"))
        with pytest.raises(PermanentError, match="does not say what it serves"):
            compared(wanted, server, QUICK)


def test_what_an_earlier_build_is_known_to_have_made_is_extra_without_any_label():
    wanted = desired("shop")
    bare = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "found", "namespace": "shop"},
    }
    before = [Wanted(bare, Owned("config/shop.found")), *wanted.objects()]
    with cluster(wanted) as server:
        client = Client(Access("tests", server.url, namespace="shop"))
        try:
            assert drift.of_objects(wanted, client, lambda text: None, before).items == ()
            server.apply(bare)
            (extra,) = drift.of_objects(wanted, client, lambda text: None, before).items
        finally:
            client.close()
        assert subjects(compared(wanted, server)) == {}
    assert (extra.state, extra.subject) == (State.EXTRA, "ConfigMap/shop/found")
    assert extra.owned.address == "config/shop.found"


def test_lists_are_asked_by_kind_however_many_objects_there_are():
    wanted = desired("boutique")
    with cluster(wanted) as server:
        compared(wanted, server)
        lists = [asked for asked in server.asked if asked.path.count("/") > 3]
    assert len(objects(wanted)) > 60
    assert len(lists) < 30
