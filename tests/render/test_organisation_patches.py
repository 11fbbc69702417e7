"""An organisation's patches, and its one change of the road's defaults, in what is built."""

from typing import Any

import pytest
from rendered import PLACES, service

import quick_yaml as yaml
from telford.app import rendering
from telford.app.desires import Desires, Scope
from telford.backends import files
from telford.basics.diagnostics import Diagnostic
from telford.plan.actions import Inventory

AS_FOUND = "road: as-found\nrun: {image: 'y:1', replicas: 2}\n"
SERVICES = service("orders") + service(
    "nightly", "type: cron\nrun: {image: 'x:1', schedule: 0 3 * * *}\n"
)
SERVICES += service("legacy", AS_FOUND)


def built(road: str, *targets: str, more: str = SERVICES) -> Desires:
    texts = files.Texts(texts={"a.yaml": PLACES + more, "road.yaml": road})
    return rendering.desires(texts, Scope(targets), Inventory(), "code")


def texts(desires: Desires) -> dict[str, str]:
    assert desires.text is not None
    return {path: desires.text(path) for path in desires.entries}


def objects(desires: Desires, place: str = "prod") -> dict[str, Any]:
    """``Deployment/orders`` -> the object, of target kubernetes in a place."""
    found = {}
    for path, text in texts(desires).items():
        if path.startswith(f"kubernetes/{place}/"):
            for item in yaml.safe_load_all(text):
                found[f"{item['kind']}/{item['metadata']['name']}"] = item
    return found


def document(kind: str, fields: str) -> str:
    return f"apiVersion: telford/v1\nkind: {kind}\nname: road\nowner: team/shop\n{fields}\n"


# An architecture that says nothing.
ROAD = document("Architecture", "")


def said(desires: Desires) -> list[Diagnostic]:
    return [one for one in desires.diagnostics if one.code.startswith("TEL55")]


LABEL = 'patches: [{object: "Deployment/{name}", merge: {spec: {template: {metadata: {labels: {x: y}}}}}}]'


def test_a_patch_changes_every_object_that_it_names_and_nothing_as_found():
    plain, patched = objects(built(ROAD)), objects(built(document("Architecture", LABEL)))
    changed = [name for name in patched if patched[name] != plain[name]]
    assert changed == ["Deployment/orders"]
    assert patched["Deployment/orders"]["spec"]["template"]["metadata"]["labels"]["x"] == "y"


def test_a_patch_of_a_recipe_is_for_what_it_matches():
    more = SERVICES + service("carts")
    patched = objects(built(document("Recipe", "match: {name: carts}\n" + LABEL), more=more))
    with_label = [name for name, item in patched.items() if "'x': 'y'" in str(item)]
    assert with_label == ["Deployment/carts"]


def test_a_patch_deletes_and_merges_lists_by_name():
    merge = "{spec: {revisionHistoryLimit: null, template: {spec: {containers: [{name: main, tty: true}]}}}}"
    road = document(
        "Recipe",
        f"match: {{name: orders}}\npatches: [{{object: 'Deployment/orders', target: kubernetes, merge: {merge}}}]",
    )
    found = objects(built(road))["Deployment/orders"]["spec"]
    assert "revisionHistoryLimit" not in found
    (container,) = found["template"]["spec"]["containers"]
    assert container["tty"] is True
    assert container["image"] == "shop/x:1.0.0"


def test_a_patch_that_matches_nothing_any_more_is_told_where_it_is_written():
    road = document("Architecture", LABEL.replace("Deployment/{name}", "Deploymant/{name}"))
    desires = built(road)
    (found,) = said(desires)
    assert (found.code, found.address) == ("TEL550", "architecture/road")
    assert "Deploymant/{name}" in found.summary
    assert found.position is not None
    assert road.splitlines()[found.position.line - 1][found.position.column - 1 :].startswith(
        "{object"
    )
    assert desires.ok


def test_of_a_part_of_the_targets_only_their_patches_are_judged():
    road = document("Architecture", LABEL)
    assert said(built(road, "mermaid")) == []
    other = document("Architecture", LABEL.replace("{object", "{target: prometheus, object"))
    assert said(built(other, "mermaid")) == []
    assert [one.code for one in said(built(other, "prometheus"))] == ["TEL550"]


def test_a_patch_item_by_item_of_a_list_that_has_other_items_is_refused():
    merge = (
        "{spec: {template: {spec: {topologySpreadConstraints: [{$patch: each}, {maxSkew: 2}]}}}}"
    )
    road = document("Architecture", f"patches: [{{object: 'Deployment/{{name}}', merge: {merge}}}]")
    more = service("orders", "run: {image: 'x:1', replicas: 2}\n")
    desires = built(road, more=more)
    found = said(desires)
    assert {one.code for one in found} == {"TEL551"}
    assert "Deployment/orders: spec.template.spec.topologySpreadConstraints" in found[0].summary
    assert not desires.ok
    two = merge.replace("{maxSkew: 2}", "{maxSkew: 2}, {maxSkew: 3}")
    desires = built(road.replace(merge, two), more=more)
    assert said(desires) == []
    spread = objects(desires)["Deployment/orders"]["spec"]["template"]["spec"]
    assert [one["maxSkew"] for one in spread["topologySpreadConstraints"]] == [2, 3]


@pytest.mark.parametrize("item", ["{name: app, tty: true}", "{name: app, $patch: delete}"])
def test_a_patch_of_a_container_that_is_not_there_is_refused(item: str):
    merge = f"{{spec: {{template: {{spec: {{containers: [{item}]}}}}}}}}"
    road = document("Architecture", f"patches: [{{object: 'Deployment/{{name}}', merge: {merge}}}]")
    (found,) = said(built(road))
    assert found.code == "TEL551"
    assert "Deployment/orders: spec.template.spec.containers[app]" in found.summary
    main = road.replace("app", "main")
    sidecar = road.replace(item, "{name: app, image: 'y:1'}")
    assert said(built(sidecar)) == [] == said(built(main if "tty" in item else sidecar))


MISFITS = {
    "{metadata: 5}": "metadata would become something of another form",
    "{metadata: null}": "metadata.name says which object it is",
    "{metadata: {name: other}}": "metadata.name says which object it is",
    "{metadata: {namespace: other}}": "metadata.namespace says which object it is",
    "{kind: StatefulSet}": "kind says which object it is",
    "{apiVersion: null}": "apiVersion says which object it is",
    "{spec: []}": "spec would become something of another form",
    "{spec: {replicas: {min: 1}}}": "spec.replicas would become something of another form",
    "{spec: {template: {spec: {containers: {name: main}}}}}": "containers would become something",
}


@pytest.mark.parametrize("merge", MISFITS)
def test_a_patch_that_would_break_an_object_is_refused_and_breaks_nothing(merge: str):
    """Neither the object nor what other targets build on it."""
    road = document(
        "Recipe",
        f"match: {{name: orders}}\npatches: [{{object: 'Deployment/orders', merge: {merge}}}]",
    )
    desires = built(road, "kubernetes", "kustomize", "helm", "argo-cd")
    found = [one for one in said(desires) if MISFITS[merge] in one.summary]
    assert {one.code for one in found} == {"TEL551"}
    assert found[0].position is not None
    assert found[0].position.file == "road.yaml"
    assert not desires.ok


OBJECTIVE = service(
    "up", "service: orders\ntarget: 99.9%\nsli: {availability: {}}\n", kind="Objective", image=""
)


def test_a_file_that_is_no_objects_is_patched_by_its_path():
    more = SERVICES + OBJECTIVE
    plain = texts(built("", "prometheus", more=more))
    path = next(path for path in plain if path.startswith("prometheus/prod/") and ".rules" in path)
    road = document(
        "Architecture", f"patches: [{{file: '{path.replace('prod', '*')}', merge: {{x-by: us}}}}]"
    )
    desires = built(road, "prometheus", more=more)
    assert said(desires) == []
    patched = texts(desires)
    assert {p for p in patched if patched[p] != plain[p]} == {path, path.replace("prod", "dev")}
    assert yaml.safe_load(patched[path]) == {**yaml.safe_load(plain[path]), "x-by": "us"}


def test_the_first_line_of_a_patched_text_stays():
    """What is no Kubernetes object says in a comment what it was made of."""
    more = SERVICES + OBJECTIVE
    plain = texts(built(ROAD, "openslo", more=more))
    path = next(path for path in plain if plain[path].startswith("# Made by"))
    merge = "{metadata: {labels: {by: us}}}"
    road = document(
        "Architecture", f"patches: [{{object: '*/*', target: openslo, merge: {merge}}}]"
    )
    patched = texts(built(road, "openslo", more=more))[path]
    assert "by: us" in patched
    assert patched.splitlines()[0] == plain[path].splitlines()[0]


def test_a_file_that_is_no_mapping_cannot_be_patched():
    road = document("Architecture", "patches: [{file: 'mermaid/*', merge: {a: b}}]")
    desires = built(road, "mermaid")
    assert {one.code for one in said(desires)} == {"TEL552"}


def test_the_key_of_a_patched_file_changes_with_its_patch():
    one = built(document("Architecture", LABEL)).entries
    other = built(document("Architecture", LABEL.replace("x: y", "x: z"))).entries
    plain = built("").entries
    path = "kubernetes/prod/shop/orders.yaml"
    assert len({found[path].key for found in (one, other, plain)}) == 3
    cron = "kubernetes/prod/shop/nightly.yaml"
    assert len({found[cron].key for found in (one, other, plain)}) == 1


# One change to the road reaches everyone.


def without_digest(item: Any) -> Any:
    """An object without what names the fields that it was made of."""
    item["metadata"].get("annotations", {}).pop("telford.dev/digest", None)
    return item


def differences(one: Any, other: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [d for k in keys for d in differences(one.get(k), other.get(k), f"{path}.{k}")]
    return [] if one == other else [(path, one, other)]


def test_one_change_of_a_default_changes_that_field_in_every_paved_workload_and_nothing_else():
    """In each Deployment and CronJob `runAsUser` appears; what is as-found stays byte for byte."""
    more = SERVICES + service("carts") + service("worker", "type: worker\n")
    road = document("Architecture", "defaults: {security: {runAsUser: 10001}}")
    before, after = built(ROAD, more=more), built(road, more=more)
    for place in ("dev", "prod"):
        old, new = objects(before, place), objects(after, place)
        assert list(old) == list(new)
        changed = {}
        for name in new:
            found = differences(without_digest(old[name]), without_digest(new[name]))
            if found:
                changed[name] = found
        pod = ".spec.template.spec.securityContext.runAsUser"
        assert changed == {
            "Deployment/carts": [(pod, None, 10001)],
            "Deployment/orders": [(pod, None, 10001)],
            "Deployment/worker": [(pod, None, 10001)],
            "CronJob/nightly": [(f".spec.jobTemplate{pod}", None, 10001)],
        }
    legacy = [path for path in before.entries if "legacy" in path]
    assert len(legacy) == 2
    old_texts, new_texts = texts(before), texts(after)
    assert all(old_texts[path] == new_texts[path] for path in legacy)


def test_a_road_without_a_read_only_root_gives_no_scratch_space():
    road = document("Architecture", "defaults: {security: {readOnlyRootFilesystem: false}}")
    pod = objects(built(road))["Deployment/orders"]["spec"]["template"]["spec"]
    assert "volumes" not in pod
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is False
    pod = objects(built(ROAD))["Deployment/orders"]["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["scratch"]


def test_whoever_calls_a_service_knows_the_port_that_a_recipe_gives_it():
    """The policy of the caller, the route to it and the process speak of one port."""
    road = document("Recipe", "match: {name: carts}\ndefaults: {ports: {http: 9090}}")
    more = service("orders", "uses: [{service: carts}]\n") + service("carts")
    more += service("carts", "rules: [{to: [{service: carts}]}]\n", kind="Route", image="")
    found = objects(built(road, "kubernetes", more=more))
    (container,) = found["Deployment/carts"]["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 9090}]
    egress = found["NetworkPolicy/orders"]["spec"]["egress"]
    assert [{"protocol": "TCP", "port": 9090}] in [rule["ports"] for rule in egress]
    assert "8080" not in str(found["NetworkPolicy/carts"])
    ((rule,),) = [found["Ingress/carts"]["spec"]["rules"]]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"number": 9090}


def test_a_store_that_is_elsewhere_is_reached_by_the_port_that_holds():
    road = document("Architecture", "defaults: {engines: {postgres: 6432}}")
    more = service("orders", "uses: [{datastore: db}]\n")
    more += service("db", "engine: postgres\n", kind="Datastore", image="")
    found = objects(built(road, "kubernetes", more=more))["NetworkPolicy/orders"]
    ports = [port["port"] for rule in found["spec"]["egress"] for port in rule.get("ports", ())]
    assert 6432 in ports
    assert 5432 not in ports


def test_the_architecture_says_what_is_built():
    desires = built(document("Architecture", "targets: [mermaid]"))
    assert {entry.target for entry in desires.entries.values()} == {"mermaid"}
    desires = built(document("Architecture", "targets: [mermaid]"), "kubernetes")
    assert {entry.target for entry in desires.entries.values()} == {"kubernetes"}
