"""Flux delivers everything that is built, once, as the team that owns it, in order."""

import copy
import pathlib
import subprocess
from functools import cache
from typing import Any

import custom_schemas
import delivered
import kubernetes_schemas
import packaged
import pytest

import optional
from telford.app import rendering
from telford.estate import overlays
from telford.render import registry
from telford.render.flux import grants
from telford.render.scene import Scene

_NAMES = pytest.mark.parametrize("name", [*delivered.ESTATES, *sorted(packaged.REAL)])


def _files(name: str) -> dict[str, list[dict[str, Any]]]:
    return copy.deepcopy(_made(name))


@cache
def _made(name: str) -> dict[str, list[dict[str, Any]]]:
    known = delivered.real(name) if name in packaged.REAL else packaged.example(name)
    return {
        unit.path: delivered.objects((unit,)) for unit in delivered.rendered("flux", known).units
    }


def _kustomizations(name: str) -> dict[str, dict[str, Any]]:
    found = [item for items in _files(name).values() for item in items]
    own = [item for item in found if item["apiVersion"].startswith("kustomize.toolkit")]
    named = {item["metadata"]["name"]: item for item in own}
    assert len(named) == len(own)
    return named


@pytest.mark.proves(
    "flux",
    tool="the package's CRD validators and the Kubernetes OpenAPI schemas",
    shows="every object of three estates and two real systems",
)
@_NAMES
def test_every_object_is_valid(name: str):
    version = kubernetes_schemas.versions()[-1]
    wrong = []
    for items in _files(name).values():
        for item in items:
            group = item["apiVersion"].partition("/")[0]
            if "fluxcd" in group:
                wrong += custom_schemas.errors(item)
            elif group != "kustomize.config.k8s.io":
                wrong += kubernetes_schemas.errors(item, version)
    assert wrong == []


def test_the_schemas_refuse_an_unknown_field():
    item = next(iter(_kustomizations("boutique").values()))
    item["spec"]["pruned"] = True
    assert custom_schemas.errors(item)


def _scenes(name: str) -> list[Scene]:
    known = delivered.real(name) if name in packaged.REAL else packaged.example(name)
    one = registry.BY_NAME["kubernetes"]
    return list(rendering.world(known, overlays.places(known), [one]).scenes)


@cache
def _built(name: str) -> tuple[str, ...]:
    """The paths of what `kubernetes` makes."""
    one = registry.BY_NAME["kubernetes"]
    return tuple(unit.path for scene in _scenes(name) for unit in one.in_place(scene).units)


@_NAMES
def test_every_file_that_is_built_is_delivered_once(name: str):
    files, prefix = _files(name), "./built/" if name in packaged.REAL else "./deploy/"
    delivered_files: list[str] = []
    built = list(_built(name))
    for item in _kustomizations(name).values():
        folder = item["spec"]["path"].removeprefix(prefix)
        listed = files.get(f"{folder}/kustomization.yaml")
        if listed is not None:
            up = "../" * (folder.count("/") + 1)
            delivered_files += [path.removeprefix(up) for path in listed[0]["resources"]]
        elif folder.startswith("kubernetes/"):
            delivered_files += [path for path in built if path.startswith(f"{folder}/")]
        else:
            assert any(path.startswith(f"{folder}/") for path in files)
    if name == "organisation":
        # A recipe leaves freight alone to Flux, and machines at the quay to neither.
        built = [p for p in built if "/freight/" in p and "/harbour/" not in p]
    assert sorted(delivered_files) == sorted(built)


@_NAMES
def test_nothing_waits_for_itself_or_for_what_there_is_not(name: str):
    found = _kustomizations(name)
    waits = {
        title: [one["name"] for one in item["spec"].get("dependsOn", [])]
        for title, item in found.items()
    }
    done: set[str] = set()
    while len(done) < len(waits):
        ready = {title for title, needed in waits.items() if set(needed) <= done} - done
        assert ready, f"a circle or a gap: {waits}"
        done |= ready


@pytest.mark.proves(
    "flux",
    tool="kubectl kustomize",
    shows="the list of a place's own files gives exactly their objects",
)
def test_the_place_s_own_files_are_listed_so_that_kustomize_finds_them(tmp_path: pathlib.Path):
    known = packaged.example("boutique")
    one = registry.BY_NAME["kubernetes"]
    for scene in _scenes("boutique"):
        packaged.write(one.in_place(scene).units, tmp_path)
    packaged.write(delivered.rendered("flux", known).units, tmp_path)
    folder = tmp_path / "flux/places/prod/europe-west1"
    command = [optional.require_tool("kubectl"), "kustomize", str(folder)]
    command += ["--load-restrictor", "LoadRestrictionsNone"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    scene = next(s for s in _scenes("boutique") if s.place == "prod/europe-west1")
    wanted = packaged.keyed(o for u in scene.units("kubernetes", "") for o in u.objects())
    assert set(packaged.read(result.stdout)) == set(wanted)
    (tmp_path / "kubernetes/prod/europe-west1/namespace.yaml").unlink()
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1


def test_a_team_s_account_may_touch_what_it_delivers_and_reads_what_that_is_ready_by():
    (items,) = [f for p, f in _files("boutique").items() if p == "flux/grants/dev/boutique.yaml"]
    role = next(item for item in items if item["kind"] == "Role")
    binding = next(item for item in items if item["kind"] == "RoleBinding")
    assert role["metadata"]["namespace"] == "boutique-dev"
    assert binding["subjects"][0]["name"] == "deliver-storefront"
    writes = {
        resource
        for rule in role["rules"]
        if "create" in rule["verbs"]
        for resource in rule["resources"]
    }
    assert {"deployments", "networkpolicies", "services"} <= writes
    assert not {"secrets", "roles", "pods"} & writes
    system = _kustomizations("boutique")["boutique-dev"]["spec"]
    assert system["serviceAccountName"] == "deliver-storefront"
    assert {"name": "road-grants-dev"} in system["dependsOn"]


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
        ("Deployment", "deployments"),
    ],
)
def test_the_resource_of_a_kind(kind: str, resource: str):
    assert grants.plural(kind, {"Endpoints": "endpoints"}) == resource


def test_a_failure_is_told_in_the_team_s_chat():
    known = delivered.estate(delivered.ROAD, delivered.service("orders"))
    found = delivered.objects(delivered.rendered("flux", known).units)
    provider = next(item for item in found if item["kind"] == "Provider")
    alert = next(item for item in found if item["kind"] == "Alert")
    assert provider["spec"]["channel"] == "us"
    assert "secretRef" in provider["spec"]
    assert alert["spec"]["eventSources"] == [{"kind": "Kustomization", "name": "shop-dev"}]


def test_a_repository_that_a_key_opens_names_its_secret():
    road = delivered.ROAD.replace("https://git.example.com/ours.git", "ssh://git@git.example.com/o")
    known = delivered.estate(road, delivered.service("orders"))
    found = delivered.objects(delivered.rendered("flux", known).units)
    sources = [item["spec"] for item in found if item["kind"] == "GitRepository"]
    assert {spec["secretRef"]["name"] for spec in sources} == {"estate-repository"}


def test_a_release_of_the_chart_is_delivered_where_the_packaging_is_helm():
    carried = """apiVersion: telford/v1
kind: Manifest
name: licence
system: shop
owner: team/us
object: {apiVersion: vendor.example/v1, kind: Licence, metadata: {name: licence}, spec: {}}
"""
    road = delivered.ROAD + "choices: {packaging: helm}\n"
    known = delivered.estate(road, delivered.service("orders"), carried)
    files = {
        u.path: delivered.objects((u,)) for u in delivered.rendered("flux", known, "helm").units
    }
    (release,) = files["flux/releases/prod/north/shop/release.yaml"]
    assert custom_schemas.errors(release) == []
    spec = release["spec"]
    assert spec["serviceAccountName"] == "deliver-us"
    assert spec["chart"]["spec"]["chart"] == "./built/helm/chart"
    made = {u.path for u in delivered.rendered("helm", known).units}
    values = [path.removeprefix("built/") for path in spec["chart"]["spec"]["valuesFiles"]]
    assert set(values) <= made
    assert "helm/prod/north/services/shop/orders.yaml" in values
    (listed,) = files["flux/carried/prod/north/shop/kustomization.yaml"]
    there = {path.removeprefix("../../../../../") for path in listed["resources"]}
    assert there == {"helm/prod/north/carried/shop/licence.manifest.yaml"}
    ways = {item["metadata"]["name"]: item["spec"] for item in files["flux/prod/north/shop.yaml"]}
    assert ways["shop-prod-north"]["path"] == "./built/flux/releases/prod/north/shop"
    assert "serviceAccountName" not in ways["shop-prod-north"]
    assert ways["shop-prod-north-carried"]["serviceAccountName"] == "deliver-us"
    (own,) = files["flux/releases/prod/north/road-places/release.yaml"]
    assert own["spec"]["storageNamespace"] == "flux-system"


def test_only_one_of_two_delivers():
    known = delivered.estate(delivered.ROAD, delivered.service("orders"))
    assert delivered.rendered("flux", known, "argo-cd").units == ()


def test_what_no_team_owns_is_delivered_with_flux_s_own_rights_and_said():
    system = "apiVersion: telford/v1\nkind: System\nname: post\nowner: person/me\n"
    person = "apiVersion: telford/v1\nkind: Person\nname: me\n"
    text = delivered.service("mails").replace("system: shop", "system: post")
    known = delivered.estate(delivered.ROAD, text, system, person)
    assert "TEL569" in {said.code for said in delivered.rendered("flux", known).diagnostics}
