"""ApplicationSets: one a system, an element a place, rolled out environment by environment.

Called by `target`. A rolling sync waits until the step before is healthy; which order systems come
in is a wave of the ApplicationSets themselves, as the root syncs them.
"""

from collections.abc import Iterator
from typing import Any

from telford.render import delivering
from telford.render.artifacts import Object
from telford.render.delivering import Bundle
from telford.render.scene import World
from telford.road import conventions

# Sources are lists, and a list is no field of a template.
_SOURCES = "  sources: {{ .sources | toJson }}\n"
_PATCH = """\
spec:
  syncPolicy:
    automated:
      prune: {{ .prune }}
      selfHeal: {{ .selfHeal }}
"""


def application_set(
    world: World, project: str, held: list[Bundle], policy: dict[str, Any]
) -> Object:
    """The `spec` of one ApplicationSet; `held` are all of one group, in the order of places."""
    return {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"list": {"elements": [_element(world, one, policy) for one in held]}}],
        "strategy": {"type": "RollingSync", "rollingSync": {"steps": _steps(held)}},
        "syncPolicy": {"preserveResourcesOnDeletion": True},
        "template": _template(world, project, held[0], policy),
        "templatePatch": _PATCH + (_SOURCES if held[0].charted else ""),
    }


def _element(world: World, one: Bundle, policy: dict[str, Any]) -> dict[str, Any]:
    place = one.scene.binding.place
    ways = policy["production" if one.production else "other"]
    if one.charted:
        where: dict[str, Any] = {"sources": list(_sources(world, one))}
    else:
        where = {"path": delivering.path(world, one.folder)}
    return {
        "name": one.name,
        "environment": place.environment,
        "region": place.region,
        "cluster": one.cluster,
        "namespace": one.namespace,
        **where,
        "prune": ways["prune"],
        "selfHeal": ways["self_heal"],
    }


def _sources(world: World, one: Bundle) -> Iterator[dict[str, Any]]:
    """A release of the chart, and beside it what no value says."""
    repository = _repository(world)
    up = "../" * (delivering.CHART.count("/"))
    if one.values:
        values = [f"{up}{path.partition('/')[2]}" for path in one.values]
        helm = {"releaseName": one.group, "valueFiles": values}
        yield {**repository, "path": delivering.path(world, one.folder), "helm": helm}
    if one.carried:
        path = delivering.path(world, one.carried[0].rpartition("/")[0])
        yield {**repository, "path": path, "directory": {"recurse": False}}


def _repository(world: World) -> dict[str, Any]:
    repository = world.architecture.repository
    assert repository is not None, "`problems` was asked first"
    return {"repoURL": repository.url, "targetRevision": repository.branch}


def _steps(held: list[Bundle]) -> list[dict[str, Any]]:
    """Environments in their order; production region by region."""
    steps: list[dict[str, str]] = []
    for one in held:
        place = one.scene.binding.place
        step = {conventions.LABEL_ENVIRONMENT: place.environment}
        if one.production and place.region:
            step[conventions.LABEL_REGION] = place.region
        if step not in steps:
            steps.append(step)
    return [{"matchExpressions": [_is(*label) for label in step.items()]} for step in steps]


def _is(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}


def _template(world: World, project: str, one: Bundle, policy: dict[str, Any]) -> dict[str, Any]:
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_ENVIRONMENT: "{{ .environment }}",
        conventions.LABEL_REGION: "{{ .region }}",
    }
    if one.system:
        labels[conventions.LABEL_PART_OF] = one.system
    source = {**_repository(world), "path": "{{ .path }}"}
    if not one.folder.startswith("kustomize/"):
        source["directory"] = {"recurse": one.whole}
    return {
        "metadata": {"name": "{{ .name }}", "labels": labels},
        "spec": {
            "project": project,
            **({} if one.charted else {"source": source}),
            "destination": {"name": "{{ .cluster }}", "namespace": "{{ .namespace }}"},
            "ignoreDifferences": ignored(policy),
            "syncPolicy": sync_policy(policy),
        },
    }


def ignored(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """What a scaler owns is not put back."""
    known = policy["sync"]
    return [
        {"group": "apps", "kind": kind, "managedFieldsManagers": [known["scaler"]]}
        for kind in known["scaled"]
    ]


def sync_policy(policy: dict[str, Any]) -> dict[str, Any]:
    """How often a sync is tried again, and its options."""
    retry = policy["retry"]
    backoff = {
        "duration": retry["duration"],
        "factor": retry["factor"],
        "maxDuration": retry["longest"],
    }
    return {
        "retry": {"limit": retry["limit"], "backoff": backoff},
        "syncOptions": policy["sync"]["options"],
    }
