"""Which difference of a live object is drift, whose it is, and what is left to others."""

import copy
import json
from typing import Any

import pytest

from telford.plan import drift, ownership
from telford.plan.drift import Cause, Judge, Observed, Owned, State, Wanted
from telford.road import sameness

Object = dict[str, Any]
AT = "2026-01-02T03:04:05Z"
MINE = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                            }
                        },
                    }
                }
            }
        },
    },
}


def wanted() -> Object:
    container = {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 80}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    }


def entry(manager: str, fields: Object, operation: str = "Update", subresource: str = "") -> Object:
    said = {
        "manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": AT,
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    }  # fmt: skip
    return {**said, "subresource": subresource} if subresource else said


def live(*others: Object, mine: Object | None = None, manager: str = "telford") -> Object:
    item = copy.deepcopy(wanted())
    first = entry(manager, mine or MINE, "Apply")
    item["metadata"]["managedFields"] = [first, *others]
    return item


def container(item: Object) -> Object:
    return item["spec"]["template"]["spec"]["containers"][0]


def judged(item: Object) -> list[tuple[str, Cause, str]]:
    return [(f.path, f.cause, f.by) for f in Judge().fields(item, wanted())]


IMAGE = "spec.template.spec.containers[web].image"


def image_by(manager: str) -> Object:
    deep = {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}
    return entry(manager, {"f:spec": {"f:template": {"f:spec": deep}}})


def less(*path: str) -> Object:
    fields = copy.deepcopy(MINE)
    node = fields
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return fields


IN_CONTAINER = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"web"}')


def test_what_is_as_it_is_wanted_is_no_drift():
    assert judged(live()) == []


def test_a_value_that_a_person_changed_is_drift_with_who_and_when():
    item = live(image_by("kubectl-edit"), mine=less(*IN_CONTAINER, "f:image"))
    container(item)["image"] = "web:2"
    (field,) = Judge().fields(item, wanted())
    assert (field.path, field.found, field.wanted) == (IMAGE, "web:2", "web:1")
    assert (field.cause, field.by, field.at) == (Cause.CHANGED, "kubectl-edit", AT)


def test_a_value_that_nobody_changed_since_it_was_applied_is_behind():
    item = live()
    container(item)["image"] = "web:0"
    assert judged(item) == [(IMAGE, Cause.BEHIND, "telford")]


def test_replicas_belong_to_an_autoscaler_and_not_to_a_person():
    fields = {"f:spec": {"f:replicas": {}}}
    mine = less("f:spec", "f:replicas")
    scaled = live(entry("kube-controller-manager", fields, subresource="scale"), mine=mine)
    scaled["spec"]["replicas"] = 7
    judge = Judge()
    assert judge.fields(scaled, wanted()) == ()
    assert judge.left["controller"] == 1
    by_hand = live(entry("kubectl", fields, subresource="scale"), mine=mine)
    by_hand["spec"]["replicas"] = 7
    assert judged(by_hand) == [("spec.replicas", Cause.CHANGED, "kubectl")]


def test_a_controller_may_not_change_just_anything():
    fields = {"f:spec": {"f:replicas": {}}}
    item = live(entry("kube-controller-manager", fields), mine=less("f:spec", "f:replicas"))
    item["spec"]["replicas"] = 7
    assert judged(item) == [("spec.replicas", Cause.CHANGED, "kube-controller-manager")]


def test_what_the_estate_does_not_speak_of_belongs_to_whoever_owns_it():
    marked = {"f:metadata": {"f:annotations": {"f:a/b": {}}}}
    for manager, expected in {
        "some-operator": [],
        "kubectl-annotate": [("metadata.annotations[a/b]", Cause.ADDED, "kubectl-annotate")],
        "Mozilla": [("metadata.annotations[a/b]", Cause.ADDED, "Mozilla")],
    }.items():
        item = live(entry(manager, marked))
        item["metadata"]["annotations"] = {"a/b": "c"}
        assert judged(item) == expected


def test_what_nobody_owns_the_server_filled_in():
    item = live()
    item["spec"]["brandNew"] = "from a later version"
    judge = Judge()
    assert judge.fields(item, wanted()) == ()
    assert judge.left["nobodys"] == 1


def test_what_telford_wanted_once_and_still_holds_is_drift():
    mine = copy.deepcopy(MINE)
    mine["f:spec"]["f:paused"] = {}
    item = live(mine=mine)
    item["spec"]["paused"] = True
    assert judged(item) == [("spec.paused", Cause.UNWANTED, "telford")]


def test_what_is_gone_is_drift_and_the_last_hand_is_named():
    item = live(entry("kubectl-edit", {"f:metadata": {}}), mine=less(*IN_CONTAINER, "f:env"))
    del container(item)["env"]
    found = judged(item)
    assert {cause for _, cause, _ in found} == {Cause.ABSENT}
    assert {by for *_, by in found} == {"kubectl-edit"}
    assert found[0][0].startswith("spec.template.spec.containers[web].env")


def test_defaults_of_a_client_side_apply_are_told_from_what_was_applied():
    """Such a manager owns the defaults too; what was applied last tells the two apart."""
    fields = copy.deepcopy(MINE)
    fields["f:spec"] |= {"f:paused": {}, "f:minReadySeconds": {}}
    item = live()
    item["metadata"]["managedFields"] = [entry("kubectl-client-side-apply", fields)]
    item["spec"] |= {"paused": True, "minReadySeconds": 3}
    applied = {**wanted(), "spec": {**wanted()["spec"], "paused": True}}
    item["metadata"]["annotations"] = {ownership.LAST_APPLIED: json.dumps(applied)}
    assert judged(item) == [("spec.paused", Cause.UNWANTED, "kubectl-client-side-apply")]


def test_an_object_without_managed_fields_is_compared_as_it_is_written():
    item = live()
    del item["metadata"]["managedFields"]
    item["spec"]["paused"] = True
    assert judged(item) == [("spec.paused", Cause.ADDED, "")]


def test_an_item_of_a_list_is_found_by_its_keys_wherever_it_stands():
    who = entry("kubectl-edit", {"f:spec": {"f:template": {"f:spec": {"f:containers": {
        'k:{"name":"web"}': {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:name": {}}}}}}}}})  # fmt: skip
    item = live(who)
    item["spec"]["template"]["spec"]["containers"].insert(0, {"name": "side", "image": "s:1"})
    container_of = item["spec"]["template"]["spec"]["containers"][1]
    container_of["ports"] = [{"containerPort": 80, "protocol": "TCP", "name": "http"}]
    assert ("spec.template.spec.containers[web].ports[http].name", Cause.ADDED, "kubectl-edit") in (
        judged(item)
    )


@pytest.mark.parametrize(
    "odd", [1, [], "x", None, {"f:template": []}, {"f:template": {"f:spec": 3}}]
)
def test_managed_fields_that_are_none_own_nothing(odd: Any):
    item = live(entry("kubectl-edit", {"f:spec": odd}))
    container(item)["image"] = "web:2"
    assert judged(item) == [(IMAGE, Cause.BEHIND, "telford")]


def place(text: str = "prod/eu") -> Object:
    environment, _, region = text.partition("/")
    return {
        "app.kubernetes.io/managed-by": "telford",
        "telford.dev/environment": environment,
        **({"telford.dev/region": region} if region else {}),
    }


def old(**metadata: Any) -> Object:
    notes = {"telford.dev/address": "service/shop.old", "telford.dev/owner": "team/shop"}
    about = {"name": "old", "namespace": "shop", "labels": place(), "annotations": notes}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {**about, **metadata}}


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {}},
        {"labels": place() | {"app.kubernetes.io/managed-by": "Helm"}},
        {"labels": place("prod/us")},
        {"labels": place("staging/eu")},
        {"annotations": {}},
        {"ownerReferences": [{"kind": "Deployment", "name": "old"}]},
    ],
)
def test_nothing_is_extra_but_what_was_made_of_this_estate_for_this_place(metadata: Object):
    def compared(item: Object) -> list:
        seen = Observed({sameness.key(item): item})
        return list(drift.compare([], seen, "prod/eu", Judge(), Owned))

    (extra,) = compared(old())
    assert (extra.state, extra.subject) == (State.EXTRA, "Service/shop/old")
    assert (extra.owned.address, extra.owned.team) == ("service/shop.old", "team/shop")
    assert compared(old(**metadata)) == []


def test_what_may_not_be_seen_is_unknown_and_never_missing():
    one = Wanted(wanted(), Owned("service/web", "team/shop"))
    key = sameness.key(one.item)
    for seen, state in (
        (Observed({}, {key: "forbidden"}), State.UNKNOWN),
        (Observed({}), State.MISSING),
    ):
        found = drift.compare([one], seen, "prod", Judge(), Owned)
        whole = drift.finished(found, Judge(), drift.Drift("x", "prod"), 1)
        assert [item.state for item in whole.items] == [state]
        assert whole.drifted is (state is State.MISSING)
        assert whole.whole is (state is State.MISSING)


def test_of_a_secret_nothing_counts_but_that_it_is_there():
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "type": "Opaque"}
    seen = Observed({sameness.key(secret): {**secret, "metadata": {"name": "key", "labels": {}}}})
    assert list(drift.compare([Wanted(secret, Owned())], seen, "prod", Judge(), Owned)) == [None]


def test_an_object_that_is_being_deleted_is_as_good_as_gone():
    item = live()
    item["metadata"]["deletionTimestamp"] = AT
    one = Wanted(wanted(), Owned())
    seen = Observed({sameness.key(item): item})
    (found,) = drift.compare([one], seen, "prod", Judge(), Owned)
    assert found is not None
    assert (found.state, found.detail) == (State.MISSING, f"it is being deleted since {AT}")
    leaving = old(deletionTimestamp=AT)
    seen = Observed({sameness.key(leaving): leaving})
    assert list(drift.compare([], seen, "prod/eu", Judge(), Owned)) == []


def test_a_hand_in_another_version_of_the_kind_is_not_overlooked():
    marked = {"f:spec": {"f:pausedByAnotherName": {}}}
    item = live({**entry("kubectl-edit", marked), "apiVersion": "apps/v1beta1"})
    item["spec"]["paused"] = True
    assert judged(item) == [("spec.paused", Cause.ADDED, "kubectl-edit")]


@pytest.mark.parametrize("manager", ["kubectl-create", "kubectl", "helm"])
def test_who_writes_whole_objects_is_the_owner_of_their_defaults(manager: str):
    fields = {"f:spec": {"f:brandNew": {}}}
    item = live()
    item["metadata"]["managedFields"] = [entry(manager, fields)]
    item["spec"]["brandNew"] = 1
    judge = Judge()
    assert judge.fields(item, wanted()) == ()
    assert judge.left["filled-in"] == 1
