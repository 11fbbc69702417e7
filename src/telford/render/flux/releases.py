"""What is made of the chart: a release of it, and a list of what no value says. Called by `target`.

A release lies in the namespace of the controllers, so it is delivered by a Kustomization with their
rights; the release itself has those of the team.
"""

from typing import Any

from telford.render import delivering
from telford.render.artifacts import Object
from telford.render.delivering import Bundle

API = "helm.toolkit.fluxcd.io/v2"


def release(one: Bundle, account: str, policy: dict[str, Any]) -> Object:
    """The HelmRelease of a bundle; `account` is as whom, "" the controller itself."""
    known = policy["release"]
    chart = delivering.path(one.scene, delivering.CHART)
    values = [delivering.path(one.scene, path) for path in one.values]
    spec: dict[str, Any] = {
        "interval": policy["kustomization"]["interval"],
        "timeout": policy["kustomization"]["timeout"],
        "releaseName": one.group,
        "targetNamespace": one.namespace,
        # The release that makes a namespace cannot be kept in it.
        "storageNamespace": one.namespace if one.system else policy["namespace"],
        "chart": {
            "spec": {
                "chart": f"./{chart}",
                "sourceRef": {"kind": "GitRepository", "name": policy["source"]},
                # A chart in a repository changes with its values, not with its version.
                "reconcileStrategy": "Revision",
                "valuesFiles": [f"{chart}/values.yaml", *values],
            }
        },
        "install": {"remediation": {"retries": known["retries"]}},
        "upgrade": {"remediation": {"retries": known["retries"], "strategy": "rollback"}},
    }
    if account:
        spec["serviceAccountName"] = account
    metadata = {"name": one.name, "namespace": policy["namespace"]}
    return {"apiVersion": API, "kind": "HelmRelease", "metadata": metadata, "spec": spec}
