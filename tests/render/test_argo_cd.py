"""Argo CD delivers everything that is built, once, with the rights it needs, in order."""

import copy
import pathlib
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from typing import Any

import custom_schemas
import delivered
import packaged
import pytest

import optional
from telford.app import rendering
from telford.basics.diagnostics import Severity
from telford.estate import loading, overlays
from telford.estate.model import Estate
from telford.render import registry
from telford.road import sameness

_ESTATES = pytest.mark.parametrize("name", delivered.ESTATES)
_REAL = pytest.mark.parametrize("name", sorted(packaged.REAL))
_FIELD = re.compile(r"\{\{ \.([a-zA-Z]+) \}\}")


@cache
def _made(name: str) -> tuple[dict[str, Any], ...]:
    known = delivered.real(name) if name in packaged.REAL else packaged.example(name)
    return tuple(delivered.objects(delivered.rendered("argo-cd", known).units))


def _objects(name: str) -> list[dict[str, Any]]:
    return copy.deepcopy(list(_made(name)))


def _of(objects: Iterable[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


@pytest.mark.proves(
    "argo-cd",
    tool="the package's CRD validators",
    shows="every Application, ApplicationSet and AppProject of three estates and two real systems",
)
@pytest.mark.parametrize("name", [*delivered.ESTATES, *sorted(packaged.REAL)])
def test_every_object_is_valid(name: str):
    found = _objects(name)
    assert len(found) >= 4
    assert [said for item in found for said in custom_schemas.errors(item)] == []


def test_the_schemas_refuse_an_unknown_field():
    item = next(iter(_of(_objects("boutique"), "ApplicationSet").values()))
    item["spec"]["strategy"]["rollingSynk"] = {}
    assert custom_schemas.errors(item)


def _filled(value: Any, element: dict[str, Any]) -> Any:
    """A template with an element's fields put in; KeyError for one that is missing."""
    if isinstance(value, dict):
        return {key: _filled(one, element) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, element) for one in value]
    if isinstance(value, str):
        return _FIELD.sub(lambda found: str(element[found[1]]), value)
    return value


def _applications(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the ApplicationSet controller would make of list generators."""
    found = []
    for item in _of(objects, "ApplicationSet").values():
        spec = item["spec"]
        assert spec["goTemplateOptions"] == ["missingkey=error"]
        for generator in spec["generators"]:
            for element in generator["list"]["elements"]:
                _filled(spec["templatePatch"], element)
                found.append(_filled(spec["template"], element))
    return found


@cache
def _built(name: str) -> dict[str, list[dict[str, Any]]]:
    """Folder -> the objects in its files, of what `kubernetes` makes."""
    known, _ = _estate_and_prefix(name)
    one = registry.BY_NAME["kubernetes"]
    world = rendering.world(known, overlays.places(known), [one])
    found: dict[str, list[dict[str, Any]]] = {}
    for scene in world.scenes:
        for unit in one.in_place(scene).units:
            found.setdefault(unit.path.rpartition("/")[0], []).extend(unit.objects())
    return found


def _estate_and_prefix(name: str) -> tuple[Estate, str]:
    if name in packaged.REAL:
        return delivered.real(name), "built/"
    return packaged.example(name), "deploy/"


@pytest.mark.parametrize("name", [*delivered.ESTATES, *sorted(packaged.REAL)])
def test_every_folder_that_is_built_is_delivered_once_and_nothing_else(name: str):
    _, prefix = _estate_and_prefix(name)
    paths = [app["spec"]["source"]["path"] for app in _applications(_objects(name))]
    assert len(paths) == len(set(paths))
    built = {prefix + folder for folder in _built(name)}
    if name == "organisation":
        # Machines at the quay, and what Flux delivers there.
        built = {p for p in built if "/harbour" not in p and not p.endswith("/freight")}
    assert set(paths) == built


@pytest.mark.parametrize("name", [*delivered.ESTATES, *sorted(packaged.REAL)])
def test_a_project_allows_what_is_in_its_folders_and_no_kind_more(name: str):
    _, prefix = _estate_and_prefix(name)
    objects = _objects(name)
    built, projects = _built(name), _of(objects, "AppProject")
    used: dict[str, set[tuple[str, str]]] = {}
    for app in _applications(objects):
        spec = app["spec"]
        project = projects[spec["project"]]["spec"]
        allowed = [*project["clusterResourceWhitelist"], *project["namespaceResourceWhitelist"]]
        places = [(one["name"], one["namespace"]) for one in project["destinations"]]
        assert spec["source"]["repoURL"] in project["sourceRepos"]
        for item in built[spec["source"]["path"].removeprefix(prefix)]:
            group = item["apiVersion"].rpartition("/")[0]
            assert {"group": group, "kind": item["kind"]} in allowed
            used.setdefault(spec["project"], set()).add((group, item["kind"]))
            namespace = item["metadata"].get("namespace", spec["destination"]["namespace"])
            assert (spec["destination"]["name"], namespace) in places
    for title, kinds in used.items():
        spec = projects[title]["spec"]
        allowed = [*spec["clusterResourceWhitelist"], *spec["namespaceResourceWhitelist"]]
        assert {(one["group"], one["kind"]) for one in allowed} == kinds


@_ESTATES
def test_every_application_is_in_exactly_one_step_and_production_comes_last(name: str):
    for item in _of(_objects(name), "ApplicationSet").values():
        steps = item["spec"]["strategy"]["rollingSync"]["steps"]
        reached = []
        for app in _applications([item]):
            labels = app["metadata"]["labels"]
            matching = [
                number
                for number, step in enumerate(steps)
                if all(labels[one["key"]] in one["values"] for one in step["matchExpressions"])
            ]
            assert len(matching) == 1
            reached.append((matching[0], labels["telford.dev/environment"]))
        order = [environment for _, environment in sorted(reached)]
        assert order == sorted(order, key=["dev", "staging", "prod"].index)


def test_production_is_rolled_out_region_by_region():
    sets = _of(_objects("organisation"), "ApplicationSet")
    steps = sets["booking"]["spec"]["strategy"]["rollingSync"]["steps"]
    regions = [one["values"] for step in steps for one in step["matchExpressions"][1:]]
    assert regions == [["eu-west-1"], ["westeurope"], ["europe-west4"]]


def test_nothing_is_deleted_in_production_by_itself():
    elements = _of(_objects("organisation"), "ApplicationSet")["booking"]["spec"]["generators"][0]
    prune = {one["environment"]: one["prune"] for one in elements["list"]["elements"]}
    assert prune == {"dev": True, "staging": True, "prod": False}


def _wave(item: dict[str, Any]) -> int:
    return int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


def test_a_system_comes_after_the_systems_that_it_critically_needs():
    found = _objects("organisation")
    sets = _of(found, "ApplicationSet")
    assert _wave(sets["road-places"]) < _wave(sets["payments"]) < _wave(sets["booking"])
    for project in _of(found, "AppProject").values():
        if project["metadata"]["name"] != "estate":
            assert _wave(project) < _wave(sets["road-places"])


def test_a_freeze_stops_syncs_by_hand_too_for_it_is_one_that_rolls():
    project = _of(_objects("organisation"), "AppProject")["booking"]["spec"]
    first = project["syncWindows"][0]
    assert first["kind"] == "deny"
    assert (first["schedule"], first["duration"]) == ("0 0 2 7 *", "96h")
    assert first["timeZone"] == "Europe/Dublin"
    assert first["manualSync"] is False
    assert all("-prod-" in name for name in first["applications"])


_WINDOW = """apiVersion: telford/v1
kind: Window
name: quiet
owner: team/us
environments: [prod]
"""


@pytest.mark.parametrize(
    ("times", "kind", "schedule", "duration"),
    [
        (
            'weekly: [{days: [fri, mon], from: "16:30", to: "08:00"}]',
            "deny",
            "30 16 * * 1,5",
            "15h30m",
        ),
        ("weekly: [{days: [sun]}]", "deny", "0 0 * * 0", "24h"),
        ('weekly: [{from: "09:00", to: "15:00"}]', "allow", "0 9 * * 1,2,3,4,5", "6h"),
        ('spans: [{first: "2026-12-30", last: "2027-01-02"}]', "deny", "0 0 30 12 *", "96h"),
        ("", "deny", "0 0 * * *", "24h"),
    ],
)
def test_a_window_is_a_schedule(times: str, kind: str, schedule: str, duration: str):
    sort = "freeze" if kind == "deny" else "allow"
    text = f"{_WINDOW}type: {sort}\n{times}\n"
    known = delivered.estate(delivered.ROAD, delivered.service("orders"), text)
    found = delivered.rendered("argo-cd", known)
    (window,) = _of(delivered.objects(found.units), "AppProject")["shop"]["spec"]["syncWindows"]
    assert (window["kind"], window["schedule"], window["duration"]) == (kind, schedule, duration)
    assert window["applications"] == ["shop-prod-north", "shop-prod-south"]
    assert ("TEL567" in {said.code for said in found.diagnostics}) == ("spans" in times)


def test_a_window_for_part_of_a_system_is_said_to_hold_for_all_of_it():
    text = f"{_WINDOW}type: freeze\nof: [service/orders]\n"
    known = delivered.estate(delivered.ROAD, delivered.service("orders"), text)
    assert "TEL568" in {said.code for said in delivered.rendered("argo-cd", known).diagnostics}


def test_another_system_is_not_frozen():
    text = f"{_WINDOW}type: freeze\nof: [system/shop]\n"
    other = delivered.service("mails").replace("system: shop", "system: post")
    system = "apiVersion: telford/v1\nkind: System\nname: post\nowner: team/us\n"
    known = delivered.estate(delivered.ROAD, delivered.service("orders"), other, system, text)
    projects = _of(delivered.objects(delivered.rendered("argo-cd", known).units), "AppProject")
    assert "syncWindows" in projects["shop"]["spec"]
    assert "syncWindows" not in projects["post"]["spec"]


@pytest.mark.parametrize("target", ["argo-cd", "flux"])
def test_without_a_repository_there_is_nothing_to_deliver_from(target: str):
    found = delivered.rendered(target, delivered.estate(delivered.service("orders")))
    assert found.units == ()
    errors = [said.code for said in found.diagnostics if said.severity is Severity.ERROR]
    assert errors == ["TEL565"]


_CHARTED = "choices: {packaging: helm}\n"


@pytest.mark.proves(
    "argo-cd",
    tool="helm template",
    shows="the sources of an Application of the chart give what `kubernetes` makes for it",
)
def test_a_release_of_the_chart_is_delivered_where_the_packaging_is_helm(tmp_path: pathlib.Path):
    known = _boutique_as(_CHARTED)
    found = delivered.rendered("argo-cd", known, "helm")
    packaged.write(delivered.rendered("helm", known).units, tmp_path)
    objects = delivered.objects(found.units)
    assert [said for item in objects for said in custom_schemas.errors(item)] == []
    made: dict[str, dict[sameness.Key, Any]] = {}
    for item in _of(objects, "ApplicationSet").values():
        assert item["spec"]["templatePatch"].endswith("  sources: {{ .sources | toJson }}\n")
        for element in item["spec"]["generators"][0]["list"]["elements"]:
            place = made.setdefault(element["name"].removeprefix(item["metadata"]["name"]), {})
            for source in element["sources"]:
                place |= _of_source(source, element["namespace"], tmp_path)
    wanted = {
        f"-{scene.place.replace('/', '-')}": set(packaged.expected(scene))
        for scene in rendering.world(
            known, overlays.places(known), [registry.BY_NAME["kubernetes"]]
        ).scenes
    }
    assert {place: set(objects) for place, objects in made.items()} == wanted


@pytest.mark.parametrize("beside", ["istio", "keda"])
def test_what_others_make_for_a_cluster_is_delivered_beside_the_packaging(beside: str):
    known = packaged.example("boutique")
    objects = delivered.objects(delivered.rendered("argo-cd", known, beside).units)
    made = delivered.rendered(beside, known).units
    sets, road = _of(objects, "ApplicationSet"), _of(objects, "AppProject")["road"]["spec"]
    apps = _applications([sets[f"road-{beside}"]])
    assert all(app["spec"]["source"]["directory"] == {"recurse": True} for app in apps)
    folders = [app["spec"]["source"]["path"].removeprefix("deploy/") for app in apps]
    reached = [u.path for u in made for f in folders if u.path.startswith(f"{f}/")]
    assert sorted(reached) == sorted(unit.path for unit in made)
    allowed = [*road["clusterResourceWhitelist"], *road["namespaceResourceWhitelist"]]
    kinds = {(one["group"], one["kind"]) for one in allowed}
    for item in delivered.objects(made):
        assert (item["apiVersion"].rpartition("/")[0], item["kind"]) in kinds


def _boutique_as(choices: str) -> Estate:
    folder = optional.REPOSITORY / "examples/boutique/estate"
    texts = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))}
    texts["road.yaml"] += choices
    return loading.load(texts).estate


def _of_source(
    source: dict[str, Any], namespace: str, folder: pathlib.Path
) -> dict[sameness.Key, Any]:
    """The objects of one source of an Application, as Argo CD gets them."""
    path = folder / source["path"].removeprefix("deploy/")
    if "helm" not in source:
        assert source["directory"] == {"recurse": False}
        return packaged.read("---\n".join(p.read_text() for p in sorted(path.glob("*.yaml"))))
    command = [optional.require_tool("helm"), "template", source["helm"]["releaseName"], str(path)]
    command += ["--namespace", namespace]
    for name in source["helm"]["valueFiles"]:
        command += ["--values", str(path / name)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return packaged.read(result.stdout)


def test_overlays_are_delivered_where_the_packaging_is_kustomize():
    known = delivered.estate(
        delivered.ROAD + "choices: {packaging: kustomize}\n", delivered.service("orders")
    )
    found = delivered.rendered("argo-cd", known, "kustomize")
    (made,) = _of(delivered.objects(found.units), "ApplicationSet").values()
    paths = [app["spec"]["source"]["path"] for app in _applications([made])]
    assert paths == [f"built/kustomize/overlays/{p}" for p in ("dev", "prod/north", "prod/south")]
    one = registry.BY_NAME["kustomize"]
    built = {u.path.rpartition("/")[0] for u in delivered.rendered("kustomize", known).units}
    assert one.name == "kustomize"
    assert {path.removeprefix("built/") for path in paths} <= built
