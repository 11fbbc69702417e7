"""The API server of the tests is one as far as kubectl can tell."""

import json
import pathlib
import subprocess
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import yaml

import optional
from backends.kubernetes.api_server import ApiServer

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'web:1', ports: [{containerPort: 80}], env: [{name: A, value: '1'}]}
"""
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def kubectl(server: ApiServer, tmp_path: pathlib.Path) -> Kubectl:
    program = optional.require_tool("kubectl")
    config = tmp_path / "kubeconfig"
    config.write_text(server.kubeconfig())

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False,
            env={"KUBECONFIG": str(config), "HOME": str(tmp_path)},
        )  # fmt: skip

    return run


def managers(item: dict) -> dict[str, str]:
    return {m["manager"]: m["operation"] for m in item["metadata"]["managedFields"]}


def read(kubectl: Kubectl, name: str = "deploy/web") -> dict:
    return json.loads(kubectl("get", name, "-o", "json", "--show-managed-fields").stdout)


def apply(kubectl: Kubectl, *more: str, text: str = DEPLOYMENT):
    return kubectl("apply", "--server-side", "--validate=false", *more, "-f", "-", given=text)


def test_kubectl_applies_and_reads_what_it_applied(kubectl: Kubectl):
    assert apply(kubectl).stdout == "deployment.apps/web serverside-applied\n"
    assert "web" in kubectl("get", "deployments").stdout
    item = read(kubectl)
    assert managers(item) == {"kubectl": "Apply"}
    # Only what was said is owned; what the server filled in is nobody's.
    assert item["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    fields = item["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert "f:progressDeadlineSeconds" not in fields
    container = fields["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']
    assert set(container) == {".", "f:env", "f:image", "f:name", "f:ports"}
    assert list(container["f:ports"]) == ['k:{"containerPort":80,"protocol":"TCP"}']


def test_applying_again_changes_nothing(kubectl: Kubectl):
    apply(kubectl)
    before = read(kubectl)
    apply(kubectl)
    assert read(kubectl) == before


def test_each_tool_of_a_person_owns_what_it_changed(kubectl: Kubectl):
    apply(kubectl)
    assert kubectl("set", "image", "deploy/web", "web=web:2").returncode == 0
    assert kubectl("scale", "deploy/web", "--replicas=5").returncode == 0
    assert kubectl("label", "deploy/web", "x=y").returncode == 0
    item = read(kubectl)
    assert item["spec"]["replicas"] == 5
    assert {m["manager"] for m in item["metadata"]["managedFields"]} == {
        "kubectl", "kubectl-set", "kubectl-label",
    }  # fmt: skip
    scaled = [m for m in item["metadata"]["managedFields"] if m.get("subresource") == "scale"]
    assert [m["fieldsV1"] for m in scaled] == [{"f:spec": {"f:replicas": {}}}]


def test_what_another_owns_is_a_conflict_unless_it_is_forced(kubectl: Kubectl):
    apply(kubectl)
    kubectl("set", "image", "deploy/web", "web=web:2")
    refused = apply(kubectl)
    assert refused.returncode == 1
    assert 'conflict with "kubectl-set" using apps/v1' in refused.stderr
    assert '.spec.template.spec.containers[name="web"].image' in refused.stderr
    assert apply(kubectl, "--force-conflicts").returncode == 0
    item = read(kubectl)
    assert item["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"
    assert managers(item) == {"kubectl": "Apply"}


def test_what_is_applied_no_more_goes_unless_another_owns_it_too(kubectl: Kubectl):
    apply(kubectl)
    apply(kubectl, "--field-manager=other", text=DEPLOYMENT)
    less = DEPLOYMENT.replace(", env: [{name: A, value: '1'}]", "")
    apply(kubectl, text=less)
    assert "env" in read(kubectl)["spec"]["template"]["spec"]["containers"][0]
    apply(kubectl, "--field-manager=other", text=less)
    assert "env" not in read(kubectl)["spec"]["template"]["spec"]["containers"][0]


def test_client_side_apply_owns_the_defaults_as_well(kubectl: Kubectl):
    kubectl("apply", "--validate=false", "-f", "-", given=DEPLOYMENT)
    item = read(kubectl)
    assert managers(item) == {"kubectl-client-side-apply": "Update"}
    assert "f:progressDeadlineSeconds" in item["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert "kubectl.kubernetes.io/last-applied-configuration" in item["metadata"]["annotations"]


def test_kubectl_pages_selects_watches_and_deletes(kubectl: Kubectl, server: ApiServer):
    for number in range(7):
        note = {"name": f"note-{number}", "labels": {"even": str(number % 2 == 0).lower()}}
        server.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": note})
    names = kubectl("get", "cm", "--chunk-size=3", "-o", "name").stdout.split()
    assert names == [f"configmap/note-{number}" for number in range(7)]
    assert any("continue=" in asked.path for asked in server.asked)
    even = kubectl("get", "cm", "-l", "even=true", "-o", "name").stdout.split()
    assert len(even) == 4
    ready = {**note, "name": "note-1"}
    later = threading.Timer(
        0.3,
        server.apply,
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": ready, "data": {"a": "b"}},),
    )
    later.start()
    waited = kubectl("wait", "--for=jsonpath={.data.a}=b", "cm/note-1", "--timeout=9s")
    later.join()
    assert waited.returncode == 0, waited.stderr
    assert any("watch=" in asked.path for asked in server.asked)
    assert kubectl("delete", "cm", "note-0", "--wait=false").returncode == 0
    assert len(kubectl("get", "cm", "-o", "name").stdout.split()) == 6


def test_a_watch_has_every_write_then_bookmarks_and_forgets_what_is_too_old(server: ApiServer):
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}}
    version = server.store.version
    server.bookmark_seconds = 0.05
    server.apply({**note, "data": {"a": "1"}})
    server.apply({**note, "data": {"a": "2"}})
    server.store.delete(server.kind_of(note), "default", "note")
    path = f"{server.url}/api/v1/namespaces/default/configmaps?watch=1&allowWatchBookmarks=true"
    events = watched(f"{path}&resourceVersion={version}&timeoutSeconds=0.2")
    assert [e["type"] for e in events[:3]] == ["ADDED", "MODIFIED", "DELETED"]
    assert {e["type"] for e in events[3:]} == {"BOOKMARK"}
    assert events[-1]["object"]["metadata"]["resourceVersion"] == str(server.store.version)
    server.store.compact()
    gone = watched(f"{path}&resourceVersion={version}&timeoutSeconds=0.2")
    assert [(e["type"], e["object"]["code"]) for e in gone] == [("ERROR", 410)]


def watched(url: str) -> list[dict]:
    with httpx.stream("GET", url) as response:
        return [json.loads(line) for line in response.iter_lines()]


def test_discovery_the_old_way_says_the_same(tmp_path: pathlib.Path):
    program = optional.require_tool("kubectl")
    said = []
    for aggregated in (True, False):
        with ApiServer(aggregated=aggregated) as server:
            config = tmp_path / f"kubeconfig-{aggregated}"
            config.write_text(server.kubeconfig())
            done = subprocess.run(
                [program, "api-resources", "-o", "name"], capture_output=True, text=True, check=True,
                env={"KUBECONFIG": str(config), "HOME": str(tmp_path / str(aggregated))}, timeout=30,
            )  # fmt: skip
            said.append(sorted(done.stdout.split()))
    assert said[0] == said[1]
    assert "deployments.apps" in said[0]


def test_the_kubeconfig_is_one(server: ApiServer):
    assert yaml.safe_load(server.kubeconfig())["current-context"] == "tests"
