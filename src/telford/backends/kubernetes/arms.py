"""A version's own objects, made of those that the paved road renders. Pure.

The rendered objects say how the service is at home, under its own names. A version beside it is a
**guest**: the same workload under another name, whose pods carry the service's labels (so that
policies, monitors and disruption budgets hold for them too), which arm they are, and what version
they run. Used by `place`.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from telford.backends.kubernetes import names
from telford.basics.errors import RefusedError
from telford.estate.workload import Workload
from telford.ports.objects import Object
from telford.road import conventions

RUNS = ("Deployment", "StatefulSet")
# Who writes what Git says: what they own comes home by a commit, and not by us.
# https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#server-side-apply
# https://fluxcd.io/flux/components/kustomize/kustomizations/ https://fluxcd.io/flux/components/helm/
GITOPS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
# What a guest shares with the home and needs before its pods start. Everything else that is
# rendered (scalers, budgets, ways in) is the home's, and a guest's promotion brings it.
_BEFORE = ("ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "NetworkPolicy")


def main(workload: Workload) -> Object:
    """The object that runs. Raises `RefusedError` where there is none that can be released."""
    found = [one for one in workload.objects if one.get("kind") in RUNS]
    if any(one.get("kind") == "Secret" for one in workload.objects):
        raise RefusedError(
            f"{workload.service} {workload.version} brings a Secret, which is never recorded",
            fix="refer to the Secret by its name",
        )
    if len(found) != 1:
        kinds = ", ".join(sorted({str(one.get("kind")) for one in workload.objects})) or "nothing"
        raise RefusedError(
            f"{workload.service} {workload.version} has no Deployment or StatefulSet ({kinds}),"
            " so no second version can run beside the first",
            fix="release it by its environment's own means",
        )
    return found[0]


def pod(workload: Workload) -> Object:
    """The specification of its pods."""
    found: Object = main(workload)["spec"]["template"]["spec"]
    return found


def service_of(workload: Workload) -> Object | None:
    """The Service by which it is called: the first with an address of its own."""
    found = [one for one in workload.objects if one.get("kind") == "Service"]
    return next((one for one in found if one["spec"].get("clusterIP") != "None"), None)


def others(workload: Workload) -> tuple[Object, ...]:
    """Everything beside what runs, in the order in which it should be applied."""
    running = main(workload)
    return tuple(one for one in workload.objects if one is not running)


def needed_before(workload: Workload) -> tuple[Object, ...]:
    """What a guest's pods need that may not be there yet."""
    return tuple(one for one in others(workload) if one.get("kind") in _BEFORE)


def guest(workload: Workload, replicas: int, namespace: str) -> dict[str, Any]:
    """The workload object of a version beside the home."""
    made = _plain(main(workload))
    name = names.guest(workload.service, workload.version)
    labels = _labels(workload)
    spec = made["spec"]
    spec["replicas"] = replicas
    spec["selector"] = {"matchLabels": {**spec["selector"].get("matchLabels", {}), **_runs(labels)}}
    template = spec["template"]
    template["metadata"] = {**template.get("metadata", {})}
    template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **labels}
    _with_environment(template["spec"], workload.env)
    if made["kind"] == "StatefulSet":
        # What a guest stored goes with it: nothing would ever read it again.
        spec["persistentVolumeClaimRetentionPolicy"] = {
            "whenDeleted": "Delete",
            "whenScaled": "Retain",
        }
    about = made.get("metadata", {})
    annotations = {**about.get("annotations", {}), **generation(workload.generation)}
    made["metadata"] = {
        "name": name,
        "namespace": namespace,
        "labels": {**about.get("labels", {}), **labels},
        "annotations": annotations,
    }
    return made


def guest_service(workload: Workload, namespace: str) -> dict[str, Any] | None:
    """The Service of a version beside the home; None where nobody calls it."""
    service = service_of(workload)
    if service is None or not workload.listens:
        return None
    labels = _labels(workload)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.guest(workload.service, workload.version),
            "namespace": namespace,
            "labels": labels,
            "annotations": generation(workload.generation),
        },
        "spec": {
            "selector": {**service["spec"]["selector"], **_runs(labels)},
            "ports": [
                {k: v for k, v in port.items() if k != "nodePort"}
                for port in service["spec"]["ports"]
            ],
        },
    }


def home(workload: Workload, before: Object | None) -> dict[str, Any]:
    """The home's workload object as this version wants it: over `before`, whose replicas stay
    where a scaler has them, and whose template is replaced as a whole.
    """
    rendered = _plain(main(workload))
    template = rendered["spec"]["template"]
    about = {**template.get("metadata", {})}
    about["annotations"] = {**about.get("annotations", {}), **_version(workload)}
    template["metadata"] = about
    _with_environment(template["spec"], workload.env)
    annotations = {**_version(workload), **generation(workload.generation)}
    if before is None:
        # A scaler leaves what has no replicas alone; it takes the number over once there are some.
        rendered["spec"]["replicas"] = workload.replicas
        kept = rendered["metadata"].get("annotations", {})
        rendered["metadata"] = {**rendered["metadata"], "annotations": {**kept, **annotations}}
        return rendered
    after = _plain(before)
    after["spec"] = {**after["spec"], "template": template}
    for name in ("strategy", "updateStrategy", "progressDeadlineSeconds", "minReadySeconds"):
        if name in rendered["spec"]:
            after["spec"][name] = rendered["spec"][name]
    return annotated(after, annotations)


def annotated(item: Object, annotations: Mapping[str, str]) -> dict[str, Any]:
    """A copy with these annotations over its own."""
    after = _plain(item)
    about = after["metadata"]
    about["annotations"] = {**(about.get("annotations") or {}), **annotations}
    return after


def generation(number: int) -> dict[str, str]:
    """The annotation that fences a write."""
    return {conventions.ANNOTATION_GENERATION: str(number)}


def seen_generation(item: Object) -> int:
    """The generation at which an object was written last; 0 where none says so."""
    text = (item["metadata"].get("annotations") or {}).get(conventions.ANNOTATION_GENERATION, "")
    return int(text) if text.isdigit() else 0


def images(item: Object) -> tuple[str, ...]:
    """The images that a workload object's pods run, by the containers' names."""
    containers = item["spec"]["template"]["spec"].get("containers") or ()
    return tuple(str(one.get("image")) for one in sorted(containers, key=lambda c: str(c["name"])))


def images_by_name(pod: Object) -> dict[str, str]:
    """The images of a pod's specification, by the containers' names."""
    containers = pod.get("containers") or ()
    return {str(one["name"]): str(one.get("image")) for one in containers}


def gitops(item: Object) -> str:
    """Which GitOps controller owns the template of a workload object; "" where none does."""
    for entry in item["metadata"].get("managedFields") or ():
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if entry.get("manager") in GITOPS and "f:template" in spec:
            return GITOPS[entry["manager"]]
    return ""


def tracked(item: Object) -> bool:
    """Whether the pods of a home carry a label that no guest's pods have."""
    labels = (item["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return bool(labels.get(conventions.LABEL_TRACK) == names.STABLE)


def _labels(workload: Workload) -> dict[str, str]:
    return {
        conventions.LABEL_SERVICE: names.label(workload.service),
        conventions.LABEL_TRACK: names.track(workload.version),
        conventions.LABEL_RUNS: names.label(workload.version),
    }


def _runs(labels: Mapping[str, str]) -> dict[str, str]:
    return {conventions.LABEL_RUNS: labels[conventions.LABEL_RUNS]}


def _version(workload: Workload) -> dict[str, str]:
    return {conventions.ANNOTATION_VERSION: workload.version}


def _with_environment(spec: dict[str, Any], env: Mapping[str, str]) -> None:
    """What a release tells an arm (a worker's partitions), in every container of its own."""
    for container in spec.get("containers", ()) if env else ():
        rest = [one for one in container.get("env", ()) if one.get("name") not in env]
        container["env"] = [*rest, *_variables(env)]


def _variables(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for name, value in sorted(env.items()):
        yield {"name": name, "value": value}


def _plain(item: Object) -> dict[str, Any]:
    return copy.deepcopy(dict(item))
