"""Helm takes the chart and every value, and what comes out is what `kubernetes` makes."""

import json
import pathlib
import subprocess
from collections import Counter
from collections.abc import Iterable
from functools import cache

import jsonschema_rs
import packaged
import pytest
import rendered
import whole_estate

import optional
import quick_yaml as yaml
from telford.render import registry
from telford.render.artifacts import Unit
from telford.render.helm import shapes

HELM = registry.BY_NAME["helm"]
PLACES = [
    (name, scene.place)
    for name in packaged.EXAMPLES
    for scene in packaged.world(name, "helm").scenes
]
REAL = [("online-boutique", "imported"), ("govuk", "production")]
# Written several ways and meaning the same: the order of items with names, and an empty list of
# labels beside none.
_SAME = ("order", "quantity", "empty")


@cache
def _units(name: str, place: str) -> tuple[Unit, ...]:
    return HELM.in_place(packaged.world(name, "helm").scene(place)).units


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("chart")
    packaged.write(packaged.everywhere("shop", "helm").units, folder)
    return folder / "helm" / "chart"


def _helm(
    verb: str, chart: pathlib.Path, values: Iterable[pathlib.Path]
) -> subprocess.CompletedProcess[str]:
    arguments = [text for path in values for text in ("--values", str(path))]
    name = ["service"] if verb == "template" else ["--strict"]
    command = [optional.require_tool("helm"), verb, *name, str(chart), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _templated(chart: pathlib.Path, values: Iterable[pathlib.Path]) -> dict:
    done = _helm("template", chart, values)
    assert done.returncode == 0, done.stderr
    return packaged.read(done.stdout)


def _files(units: Iterable[Unit], folder: pathlib.Path) -> list[pathlib.Path]:
    """The values of a place, written; those of the place itself first."""
    known = [unit for unit in units if "/carried/" not in unit.path]
    packaged.write(known, folder)
    return [folder / unit.path for unit in known]


def _carried(units: Iterable[Unit]) -> dict:
    texts = [unit.make() for unit in units if "/carried/" in unit.path]
    return packaged.read("\n---\n".join(texts))


def _agree(name: str, place: str, chart: pathlib.Path, folder: pathlib.Path) -> tuple[int, int]:
    """How many objects the chart makes and how many are carried, all of them as they should be."""
    units = _units(name, place)
    made, carried = _templated(chart, _files(units, folder)), _carried(units)
    assert not made.keys() & carried.keys()
    wanted = packaged.expected(packaged.world(name, "helm").scene(place))
    assert packaged.differences(wanted, made | carried, _SAME) == {}
    return len(made), len(carried)


@pytest.mark.proves(
    "helm",
    tool="helm template",
    shows="one release of all services of each place of three estates gives the objects of kubernetes",
)
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_release_of_all_services_gives_the_objects_of_a_place(
    name: str, place: str, chart: pathlib.Path, tmp_path: pathlib.Path
):
    made, carried = _agree(name, place, chart, tmp_path)
    assert made > 30
    assert carried == (0 if name in ("shop", "boutique") else 11)


@pytest.mark.proves(
    "helm",
    tool="helm template",
    shows="what was imported of online-boutique and a fifth of govuk comes back, carried what other APIs have",
)
@pytest.mark.parametrize(("name", "place"), REAL)
def test_a_release_of_a_real_system_gives_its_objects(
    name: str, place: str, chart: pathlib.Path, tmp_path: pathlib.Path
):
    optional.real_estates()
    made, _ = _agree(name, place, chart, tmp_path)
    assert made > 30
    foreign = Counter(key[1] for key in _carried(_units(name, place)))
    assert not [group for group in foreign if group in ("", "apps", "batch", "networking.k8s.io")]


@pytest.mark.proves(
    "helm",
    tool="helm template",
    shows="a release a service gives, taken together, the objects of kubernetes",
)
def test_releases_of_one_service_each_give_the_same_together(
    chart: pathlib.Path, tmp_path: pathlib.Path
):
    files = _files(_units("shop", "prod/eu-west-1"), tmp_path)
    (place,) = [path for path in files if path.name == "place.yaml"]
    made: dict = {}
    for path in files:
        if path != place:
            made |= _templated(chart, [place, path])
    wanted = packaged.expected(packaged.world("shop", "helm").scene("prod/eu-west-1"))
    assert packaged.differences(wanted, made, _SAME) == {}


@pytest.mark.proves(
    "helm",
    tool="helm lint",
    shows="the chart with the values of a place of each of three estates passes",
)
@pytest.mark.parametrize("name", packaged.EXAMPLES)
def test_helm_finds_nothing_to_say_about_the_chart(
    name: str, chart: pathlib.Path, tmp_path: pathlib.Path
):
    for scene in packaged.world(name, "helm").scenes[-1:]:
        done = _helm("lint", chart, _files(_units(name, scene.place), tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_field_that_a_service_can_have_goes_through_the_chart(
    chart: pathlib.Path, tmp_path: pathlib.Path
):
    scene = registry.scene(rendered.bound(whole_estate.EVERYTHING), ["helm"])
    units = HELM.in_place(scene).units
    made = _templated(chart, _files(units, tmp_path))
    assert _carried(units) == {}
    assert packaged.differences(packaged.expected(scene), made, _SAME) == {}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("replicsa", 3, "additional properties 'replicsa' not allowed"),
        ("replicas", "three", "got string, want integer"),
        ("tier", 7, "maximum"),
        ("containers", [], "minItems"),
    ],
)
def test_a_value_of_another_type_is_refused(
    field: str, value: object, said: str, chart: pathlib.Path, tmp_path: pathlib.Path
):
    """Or the schema would prove nothing."""
    files = _files(_units("shop", "prod/eu-west-1"), tmp_path)
    (path,) = [path for path in files if path.name == "catalogue.yaml"]
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["services"]["service/shop.catalogue"][field] = value
    path.write_text(json.dumps(values), encoding="utf-8")
    done = _helm("template", chart, files)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_value_that_is_lost_is_seen(chart: pathlib.Path, tmp_path: pathlib.Path):
    """Or the comparison would prove nothing."""
    files = _files(_units("shop", "prod/eu-west-1"), tmp_path)
    (path,) = [path for path in files if path.name == "orders.yaml"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("500m", "250m"), encoding="utf-8")
    wanted = packaged.expected(packaged.world("shop", "helm").scene("prod/eu-west-1"))
    (said,) = packaged.differences(wanted, _templated(chart, files), _SAME).values()
    assert said == ["spec.template.spec.containers.0.resources.requests.cpu: 500m | 250m"]


def _documents(name: str, place: str) -> Iterable[dict]:
    for unit in _units(name, place):
        if "/services/" in unit.path:
            yield from yaml.safe_load(unit.make())["services"].values()


def test_values_are_no_manifests_and_say_nothing_that_the_road_says():
    for values in _documents("shop", "prod/eu-west-1"):
        assert not {"apiVersion", "metadata", "spec"} & values.keys()
        assert not {"serviceLinks", "mountToken", "account", "history"} & values.keys()


def test_an_object_that_the_values_cannot_say_is_carried_and_the_rest_is_not():
    text = rendered.service(
        "web",
        "road: as-found\nrun: {image: x, workload: Deployment}\n"
        "endpoints: [{name: web, ports: [{port: 80}]}]\n"
        "carried: [{object: Deployment/web, patch: {spec: {template: {spec: {volumes: "
        "[{name: v, quobyte: {volume: v, registry: r}}]}}}}}]\n",
    )
    scene = registry.scene(rendered.bound(text), ["helm"])
    units = HELM.entity(scene, "service/shop.web").units
    assert [key[0] for key in _carried(units)] == ["Deployment"]
    (values,) = [yaml.safe_load(unit.make()) for unit in units if "/services/" in unit.path]
    assert values["services"]["service/shop.web"]["endpoints"][0]["ports"] == [{"port": 80}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpoint", {"ports": [{"port": 80}]}),
        ("endpoint", {"ports": [{"port": 0}]}),
        ("endpoint", {"prots": []}),
        ("variable", {"name": "A", "config": "c", "key": "k"}),
        ("variable", {"name": "A", "config": "c", "secret": "s", "key": "k"}),
        ("variable", {"name": "A"}),
        ("volume", {"name": "v"}),
        ("volume", {"name": "v", "emptyDir": {}}),
        ("volume", {"name": "V v", "emptyDir": {}}),
        ("container", {"name": "c", "tty": 1}),
        ("probe", {"tcpSocket": {"port": True}}),
        ("storage", {"access": [], "size": "1Gi"}),
    ],
)
def test_what_fits_here_fits_for_a_validator_of_json_schema(name: str, value: object):
    whole = {**shapes.schema(), "$ref": f"#/definitions/{name}"}
    for key in ("type", "properties", "required", "additionalProperties"):
        whole.pop(key)
    assert shapes.fits(name, value) == jsonschema_rs.is_valid(whole, value)
