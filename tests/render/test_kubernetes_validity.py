"""What the Kubernetes target gives is valid, restricted, and the same every time."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable

import kubernetes_schemas
import pod_security
import pytest
import rendered
import whole_estate
import yaml

import optional
from telford.app import importing
from telford.app.importing import Order
from telford.estate import loading, overlays


@pytest.mark.proves(
    "kubernetes",
    tool="the Kubernetes OpenAPI schemas (kubernetes-validate)",
    shows="every object of an estate that uses everything is valid in each supported version",
)
@pytest.mark.parametrize("version", kubernetes_schemas.versions())
@pytest.mark.parametrize("place", ["dev", "prod"])
def test_every_object_is_valid_in_every_supported_version(version: str, place: str):
    found = rendered.objects(whole_estate.EVERYTHING, place)
    assert len(found) > 35
    problems = {t: kubernetes_schemas.errors(item, version) for t, item in found.items()}
    assert {title: errors for title, errors in problems.items() if errors} == {}


def test_the_schemas_refuse_an_unknown_field():
    """Or the test above would prove nothing."""
    item = rendered.objects(rendered.service("orders"))["Deployment/orders"]
    item["spec"]["template"]["spec"]["contianers"] = []
    assert kubernetes_schemas.errors(item, "1.33")


@pytest.mark.proves(
    "kubernetes",
    tool="our own check of the Pod Security Standards",
    shows="every pod meets the restricted standard",
)
@pytest.mark.parametrize("place", ["dev", "prod"])
def test_every_pod_meets_the_restricted_standard(place: str):
    pods = {
        t: pod_security.pod_of(item)
        for t, item in rendered.objects(whole_estate.EVERYTHING, place).items()
    }
    found = {title: pod_security.violations(pod) for title, pod in pods.items() if pod is not None}
    assert len(found) == 8
    assert {title: said for title, said in found.items() if said} == {}


def test_a_lowered_guard_is_seen_by_the_check_of_the_standard():
    text = rendered.service(
        "orders",
        "run: {image: x, security: {privileged: true, runAsNonRoot: false, dropCapabilities: []}}\n",
    )
    pod = pod_security.pod_of(rendered.objects(text)["Deployment/orders"])
    assert pod is not None
    assert set(pod_security.violations(pod)) == {
        "main: privileged",
        "main: may run as root",
        "main: keeps capabilities",
    }


SCRIPT = """
import sys, hashlib
sys.path[:0] = sys.argv[1:]
import rendered, whole_estate
from telford.render import registry
for target in registry.TARGETS:
    for artifact in rendered.rendering(whole_estate.EVERYTHING, target.name).artifacts():
        print(artifact.path, hashlib.sha256(artifact.text.encode()).hexdigest())
"""


def test_every_byte_is_the_same_under_any_hash_seed():
    folder = pathlib.Path(__file__).parent
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder), str(folder.parent)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 8


@pytest.mark.proves(
    "kubernetes",
    tool="the Kubernetes OpenAPI schemas (kubernetes-validate)",
    shows="online-boutique and bank-of-anthos come back from import as they were, and valid",
)
@pytest.mark.parametrize(
    ("folder", "least"),
    [("online-boutique/release", 30), ("bank-of-anthos/kubernetes-manifests", 20)],
)
def test_a_real_system_comes_back_from_import_as_it_was(
    folder: str, least: int, tmp_path: pathlib.Path
):
    """Imported, built: the same objects, and valid ones."""
    source = optional.real_estates() / folder
    expected = _objects(p.read_text(encoding="utf-8") for p in sorted(source.rglob("*.yaml")))
    assert len(expected) >= least
    answer = importing.run(Order((source,)), tmp_path, dry_run=True)
    loaded = loading.load(answer.files)
    assert [d for d in loaded.diagnostics if d.severity == "error"] == []
    place = overlays.places(loaded.estate)[-1]
    result = rendered.in_place(overlays.bind(loaded.estate, place), "kubernetes")
    built = _objects(artifact.text for artifact in result.artifacts())
    assert built == expected
    own = {
        t: item for t, item in built.items() if not t.startswith(("networking.istio", "gateway"))
    }
    assert len(own) >= least
    problems = {title: kubernetes_schemas.errors(item, "1.33") for title, item in own.items()}
    assert {title: errors for title, errors in problems.items() if errors} == {}


def _objects(texts: Iterable[str]) -> dict[str, dict]:
    found = {}
    for text in texts:
        for item in yaml.load_all(text, yaml.CSafeLoader):
            if item is not None:
                found[f"{item['apiVersion']} {item['kind']}/{item['metadata']['name']}"] = item
    return found
