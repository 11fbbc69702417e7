"""The whole way with kubectl itself: build, apply, change by hand, and ask for the drift."""

import os
import pathlib
import subprocess

import pytest
from cli_runs import run

import optional
from app.drift_clusters import PLACES, desired, folder, kinds, objects
from backends.kubernetes.api_server import ApiServer

SHOP = ("--estate", str(folder("shop")), "--in", PLACES["shop"])


@pytest.mark.parametrize("server_side", [True, False])
def test_what_kubectl_applies_is_no_drift_and_what_it_changes_is(
    server_side: bool, tmp_path: pathlib.Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    program = optional.require_tool("kubectl")
    out = tmp_path / "out"
    assert run(capsys, "build", *SHOP, "--out", str(out)).code == 0
    with ApiServer(kinds=kinds(objects(desired("shop")))) as server:
        config = tmp_path / "kubeconfig"
        config.write_text(server.kubeconfig(namespace="shop"))
        monkeypatch.setenv("KUBECONFIG", str(config))

        def kubectl(*arguments: str) -> None:
            done = subprocess.run(
                [program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                env={**os.environ, "HOME": str(tmp_path)},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr

        way = ["--server-side"] if server_side else []
        # The namespace comes first, or what lies in it has nowhere to go.
        for path in ("namespace.yaml", "."):
            where = out / "kubernetes" / PLACES["shop"] / path
            kubectl("apply", *way, "--validate=false", "-R", "-f", str(where))
        drift = ("drift", *SHOP, "--cluster")
        ran = run(capsys, *drift)
        assert ran.code == 0, ran.out
        kubectl("set", "image", "deployment/catalogue", "main=other:1")
        kubectl("set", "env", "deployment/catalogue", "DEBUG=1")
        kubectl("label", "service/catalogue", "x=y")
        kubectl("scale", "statefulset/stream", "--replicas=3")
        kubectl("rollout", "restart", "deployment/recommendations")
        kubectl("delete", "networkpolicy/recommendations", "--wait=false")
        ran = run(capsys, *drift, "--json")
    found = {item["subject"]: item for item in ran.json["items"]}
    assert {subject: item["state"] for subject, item in found.items()} == {
        "Deployment/shop/catalogue": "different",
        "Service/shop/catalogue": "different",
        "StatefulSet/shop/stream": "different",
        "NetworkPolicy/shop/recommendations": "missing",
    }
    assert {(f["path"], f["cause"], f["by"]) for i in found.values() for f in i["fields"]} >= {
        ("spec.template.spec.containers[main].image", "changed", "kubectl-set"),
        ("metadata.labels.x", "added", "kubectl-label"),
        ("spec.replicas", "changed", "kubectl"),
    }
    catalogue = found["Deployment/shop/catalogue"]["fields"]
    assert {f["path"].partition(".env")[0] for f in catalogue} == {
        "spec.template.spec.containers[main]",
        "spec.template.spec.containers[main].image",
    }
