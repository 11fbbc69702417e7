"""Real systems, imported: the cluster that they were applied to is no drift, and a change in it is."""

import pathlib
from typing import Any

import pytest
from drift_clusters import compared, kinds, live, objects, placed, subjects

import optional
import quick_yaml as yaml
from backends.kubernetes.api_server import ApiServer
from telford.app import drift_wanted, importing
from telford.app.desires import Scope
from telford.app.importing import Order
from telford.backends import files
from telford.plan.drift import Cause

SYSTEMS = [
    ("online-boutique/release/kubernetes-manifests.yaml", 30),
    ("bank-of-anthos/kubernetes-manifests", 20),
]


def manifests(source: pathlib.Path) -> list[dict[str, Any]]:
    """As people wrote them, not as they were imported."""
    paths = [source] if source.is_file() else sorted(source.rglob("*.yaml"))
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


@pytest.mark.parametrize("manager", ["kubectl", "kubectl-client-side-apply"])
@pytest.mark.parametrize(("folder", "least"), SYSTEMS)
def test_a_real_system_as_people_applied_it_is_no_drift(
    folder: str, least: int, manager: str, tmp_path: pathlib.Path
):
    source = optional.real_estates() / folder
    answer = importing.run(Order((source,)), tmp_path, dry_run=True)
    wanted = drift_wanted.read(files.Texts(dict(answer.files)), Scope())
    items = manifests(source)
    with ApiServer(kinds=kinds(items)) as server:
        for item in items:
            whole = placed(item, wanted, server)
            if manager == "kubectl":
                server.apply(whole, manager)
            else:
                server.create(whole, manager)
        found = compared(wanted, server)
        assert subjects(found) == {}
        assert found.compared == len(objects(wanted)) >= least
        item = live(server, "Deployment", "frontend")
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
        server.update(item, "kubectl-edit")
        (drifted,) = compared(wanted, server).items
    assert drifted.owned.address.endswith(".frontend")
    assert [(field.cause, field.by) for field in drifted.fields] == [
        (Cause.CHANGED, "kubectl-edit")
    ]
