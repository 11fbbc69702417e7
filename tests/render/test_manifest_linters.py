"""Linters find nothing in generated manifests that is not explained."""

import pathlib

import linted
import packaged
import pytest

from telford.estate.kinds import base
from telford.render import registry

# One place of each estate; the others have the same objects under other names.
PLACES = {
    "shop": "prod/eu-west-1",
    "boutique": "prod/europe-west1",
    "organisation": "prod/eu-west-1/passengers",
}


def _road(spec: base.Kind) -> str:
    """The folder that tells apart what the road makes from what was found."""
    return "found" if getattr(spec, "road", "as-found") == "as-found" else "paved"


def _write(folder: pathlib.Path) -> None:
    for name, place in PLACES.items():
        scene = packaged.world(name, "kubernetes").scene(place)
        for unit in registry.BY_NAME["kubernetes"].in_place(scene).units:
            spec = scene.bound(unit.owner).spec
            road = "paved" if spec.kind in _WHOLE else _road(spec)
            path = folder / road / name / unit.path.removeprefix(f"kubernetes/{place}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(unit.make(), encoding="utf-8")


# What owns the files about a place as a whole.
_WHOLE = ("Environment", "Architecture")


BROKEN = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken, namespace: shop}
spec:
  selector: {matchLabels: {app: broken}}
  template:
    metadata: {labels: {app: broken}}
    spec:
      hostNetwork: true
      containers:
      - {name: main, image: x, securityContext: {privileged: true}}
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> list[linted.Failure]:
    """What checkov finds, asked once."""
    folder = tmp_path_factory.mktemp("manifests")
    _write(folder)
    (folder / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    return linted.checkov(folder, "kubernetes")


def _ours(failures: list[linted.Failure]) -> list[linted.Failure]:
    return [one for one in failures if one.file != "broken.yaml"]


@pytest.mark.proves(
    "kubernetes",
    tool="checkov",
    shows="no failed check of the manifests of three estates is left unexplained",
)
def test_every_failed_check_is_explained(failures: list[linted.Failure]):
    assert linted.unexplained(_ours(failures), "kubernetes") == []


def test_every_explanation_is_of_something_that_fails(failures: list[linted.Failure]):
    assert linted.unused(_ours(failures), "kubernetes") == []


def test_a_lowered_guard_is_found_and_explained_by_nothing(failures: list[linted.Failure]):
    """Or the tests above would prove nothing."""
    broken = [one for one in failures if one.file == "broken.yaml"]
    said = linted.unexplained(broken, "kubernetes")
    assert {one.partition(" ")[0] for one in said} >= {"CKV_K8S_16", "CKV_K8S_19", "CKV_K8S_23"}


def test_an_explanation_of_nothing_is_found():
    assert linted.unused([], "kubernetes") != []
