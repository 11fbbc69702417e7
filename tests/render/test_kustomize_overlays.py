"""kubectl builds every overlay, and what comes out is what `kubernetes` makes for the place."""

import pathlib
import subprocess
from collections.abc import Callable

import packaged
import pytest
import rendered

import optional
from telford.estate import overlays
from telford.render import registry
from telford.render.scene import World

PLACES = [
    (name, scene.place)
    for name in packaged.EXAMPLES
    for scene in packaged.world(name, "kustomize").scenes
]
# One overlay of govuk takes kubectl seven seconds; they are built alike.
REAL = [("online-boutique", "imported"), ("govuk", "production")]

Folder = Callable[[str], pathlib.Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The folder of an estate, written once."""
    written: dict[str, pathlib.Path] = {}

    def write(name: str) -> pathlib.Path:
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name)
            packaged.write(packaged.everywhere(name, "kustomize").units, written[name])
        return written[name] / "kustomize"

    return write


def _kubectl(overlay: pathlib.Path) -> subprocess.CompletedProcess[str]:
    command = [optional.require_tool("kubectl"), "kustomize", str(overlay)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _built(overlay: pathlib.Path) -> str:
    done = _kubectl(overlay)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.proves(
    "kustomize",
    tool="kubectl kustomize",
    shows="every overlay of three estates gives the objects of kubernetes",
)
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_an_overlay_gives_the_objects_of_its_place(name: str, place: str, folder: Folder):
    made = packaged.read(_built(folder(name) / "overlays" / place))
    wanted = packaged.expected(packaged.world(name, "kustomize").scene(place))
    assert len(made) > 20
    assert packaged.differences(wanted, made) == {}


@pytest.mark.proves(
    "kustomize",
    tool="kubectl kustomize",
    shows="what was imported of online-boutique and of a fifth of govuk comes back as it was found",
)
@pytest.mark.parametrize(("name", "place"), REAL)
def test_an_overlay_of_a_real_system_gives_its_objects(name: str, place: str, folder: Folder):
    optional.real_estates()
    made = packaged.read(_built(folder(name) / "overlays" / place))
    wanted = packaged.expected(packaged.world(name, "kustomize").scene(place))
    assert len(made) > 30
    assert packaged.differences(wanted, made) == {}


def test_a_value_that_an_overlay_loses_is_seen(folder: Folder, tmp_path: pathlib.Path):
    """Or the comparison would prove nothing."""
    units = packaged.everywhere("shop", "kustomize").units
    packaged.write(units, tmp_path)
    patch = tmp_path / "kustomize/environments/prod/patches/shop/orders.yaml"
    text = patch.read_text(encoding="utf-8")
    assert "500m" in text
    patch.write_text(text.replace("500m", "250m"), encoding="utf-8")
    made = packaged.read(_built(tmp_path / "kustomize/overlays/prod/eu-west-1"))
    wanted = packaged.expected(packaged.world("shop", "kustomize").scene("prod/eu-west-1"))
    (said,) = packaged.differences(wanted, made).values()
    assert said == ["spec.template.spec.containers.0.resources.requests.cpu: 500m | 250m"]


def test_kubectl_refuses_a_patch_for_what_is_not_there(tmp_path: pathlib.Path):
    packaged.write(packaged.everywhere("shop", "kustomize").units, tmp_path)
    patch = tmp_path / "kustomize/environments/prod/patches/shop/orders.yaml"
    text = patch.read_text(encoding="utf-8").replace("name: orders\n", "name: order\n")
    patch.write_text(text, encoding="utf-8")
    done = _kubectl(tmp_path / "kustomize/overlays/prod/eu-west-1")
    assert done.returncode != 0
    assert "no matches for Id" in done.stderr


def _texts(text: str, *environments: str) -> dict[str, str]:
    estate = rendered.estate(text)
    scenes = [
        registry.scene(overlays.bind(estate, place), ["kustomize"])
        for place in overlays.places(estate)
        if place.environment in environments
    ]
    world = World(estate, scenes, targets=["kustomize"])
    units = registry.BY_NAME["kustomize"].everywhere(world).units
    return {unit.path.removeprefix("kustomize/"): unit.make() for unit in units}


def _folder(texts: dict[str, str], folder: pathlib.Path) -> pathlib.Path:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


TWO = rendered.service(
    "orders", "run: {image: 'shop/x:1.0.0'}\nin: {prod: {run: {env: {LEVEL: high}}}}\n"
) + rendered.service("fresh", "in: {prod: null}\n")


def test_an_overlay_says_nothing_that_its_base_says():
    found = _texts(TWO, "dev", "prod")
    patch = found["overlays/prod/patches/shop/orders.yaml"]
    assert "LEVEL" in patch
    assert "image" not in patch
    assert "image: shop/x:1.0.0" in found["base/shop/orders.yaml"]
    assert "overlays/dev/shop/fresh.yaml" in found
    assert "base/shop/fresh.yaml" not in found


ONE_PLACE_LESS = """\
apiVersion: telford/v1
kind: Environment
name: staging
order: 1
---
"""


def test_what_most_places_have_is_in_the_base_and_taken_away_where_it_is_not(
    tmp_path: pathlib.Path,
):
    text = ONE_PLACE_LESS + TWO
    found = _texts(text, "dev", "staging", "prod")
    assert "base/shop/fresh.yaml" in found
    assert "$patch: delete" in found["overlays/prod/kustomization.yaml"]
    names = {key[3] for key in packaged.read(_built(_folder(found, tmp_path) / "overlays/prod"))}
    assert "orders" in names
    assert "fresh" not in names


def test_a_namespace_of_its_own_is_left_alone_by_the_namespace_of_the_place(
    tmp_path: pathlib.Path,
):
    text = rendered.service("orders") + rendered.service("till", "namespace: payments\n")
    found = _texts(text, "dev", "prod")
    assert "app.kubernetes.io/name notin (till)" in found["overlays/prod/kustomization.yaml"]
    made = packaged.read(_built(_folder(found, tmp_path) / "overlays/prod"))
    wanted = packaged.expected(registry.scene(rendered.bound(text), ["kustomize"]))
    assert packaged.differences(wanted, made) == {}


def test_two_things_that_give_one_object_are_said():
    text = rendered.service("one", "road: as-found\ncarried: [{object: Deployment/same}]\n")
    text += rendered.service("two", "road: as-found\ncarried: [{object: Deployment/same}]\n")
    estate = rendered.estate(text)
    scenes = [registry.scene(rendered.bound(text), ["kustomize"])]
    world = World(estate, scenes, targets=["kustomize"])
    said = registry.BY_NAME["kustomize"].everywhere(world).diagnostics
    assert [(item.code, item.address) for item in said] == [("TEL530", "service/shop.two")]
