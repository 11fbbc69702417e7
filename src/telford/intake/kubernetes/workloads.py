"""A workload with everything that is its alone -> the fields of a Service or Datastore, in document
form. What has no field is carried later (`telford.intake.kubernetes.fitting`).
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access, containers, grouping, network, pods
from telford.intake.kubernetes.containers import Fields, duration, renamed, some
from telford.intake.kubernetes.grouping import Group
from telford.intake.kubernetes.objects import Object

_DEFAULT_KIND = {"job": "Job", "cron": "CronJob"}
_JOB = {
    "backoffLimit": "retries",
    "completions": "completions",
    "parallelism": "parallelism",
}
_JOB_TIMES = {"activeDeadlineSeconds": "deadline", "ttlSecondsAfterFinished": "keep"}
_CRON = {
    "timeZone": "timeZone",
    "concurrencyPolicy": "concurrency",
    "suspend": "suspend",
    "successfulJobsHistoryLimit": "keepSucceeded",
    "failedJobsHistoryLimit": "keepFailed",
}


def service_type(group: Group) -> str:
    """What it is: a cron, a job, gRPC, HTTP, or a worker that nothing calls."""
    if group.workload.kind in ("Job", "CronJob"):
        return "job" if group.workload.kind == "Job" else "cron"
    main = main_container(group)
    ports = access.mappings(main.get("ports"))
    names = [access.text(port.get("name")) for port in ports]
    for service in group.services:
        found = access.mappings(access.mapping(service.body, "spec").get("ports"))
        names += [access.text(port.get("name")) for port in found]
    probes = [access.mapping(main, probe) for probe in ("readinessProbe", "livenessProbe")]
    if any(name.startswith("grpc") for name in names) or any("grpc" in p for p in probes):
        return "grpc"
    return "http" if ports or group.services else "worker"


def main_container(group: Group) -> dict[str, Any]:
    """The container that the document's `run` describes."""
    return pods.main_container(grouping.template(group.workload), group.workload.name)


def fields(group: Group, name: str, configs: Mapping[str, str], *, datastore: bool) -> Fields:
    """`labels`, `annotations`, `run`, `endpoints` and `routes`, as far as they are said. `name` is
    that of the document, after which the objects are called unless it is written otherwise.
    """
    workload = group.workload
    metadata = access.mapping(workload.body, "metadata")
    labels = access.texts(metadata.get("labels")) or {}
    run = _run(group, labels, configs)
    default = "StatefulSet" if datastore else _DEFAULT_KIND.get(service_type(group), "Deployment")
    if workload.kind != default or "image" not in run:
        run = {"workload": workload.kind, **run}
    if run.get("container") == name:
        del run["container"]
    selector = run.get("selector") or run.get("podLabels", labels)
    settings = [network.ingress_settings(item, name, labels) for item in group.ingresses]
    return some(
        labels=labels,
        annotations=access.texts(metadata.get("annotations")),
        run=run,
        endpoints=[network.endpoint(item, labels, selector) for item in group.services],
        routes=[route for item in group.ingresses for route in network.routes(item, name)],
        ingresses=[item for item in settings if item],
    )


def _run(group: Group, labels: dict[str, str], configs: Mapping[str, str]) -> Fields:
    workload = group.workload
    template = grouping.template(workload)
    spec = access.mapping(workload.body, "spec")
    run = pods.run(template, workload.name, configs)
    run |= _template_labels(template, labels)
    if workload.kind == "CronJob":
        run |= _cron(spec, labels)
    elif workload.kind == "Job":
        run |= some(batch=_job(spec))
    else:
        run |= _long_running(workload, spec, run, labels)
    if workload.kind == "StatefulSet":
        run |= _claims(spec, main_container(group), run)
    replicas = network.replicas(group.scaler) if group.scaler is not None else None
    own = run.get("podLabels", labels)
    disruption = network.disruption(group.budget, run.get("selector") or own)
    return run | some(replicas=replicas, disruption=disruption)


def _template_labels(template: Mapping[str, Any], labels: dict[str, str]) -> Fields:
    """The replicas' labels where they are not those of the document."""
    metadata = access.mapping(template, "metadata")
    own = access.texts(metadata.get("labels", {}))
    found = some(podAnnotations=access.texts(metadata.get("annotations")))
    return found if own is None or own == labels else {"podLabels": own, **found}


def _long_running(
    workload: Object, spec: Mapping[str, Any], run: Fields, labels: dict[str, str]
) -> Fields:
    selector = access.texts(access.mapping(spec, "selector").get("matchLabels"))
    field = "strategy" if workload.kind == "Deployment" else "updateStrategy"
    rollout = access.mapping(spec, field)
    names = {"maxSurge": "surge", "maxUnavailable": "unavailable", "partition": "partition"}
    rolling = access.mapping(rollout, "rollingUpdate")
    return some(
        replicas=access.whole(spec.get("replicas")),
        history=spec.get("revisionHistoryLimit"),
        selector=selector if selector != run.get("podLabels", labels) else None,
        rollout=renamed(rollout, {"type": "strategy"}) | renamed(rolling, names),
    )


def _job(spec: Mapping[str, Any]) -> Fields:
    times = {new: duration(value) for new, value in renamed(spec, _JOB_TIMES).items()}
    return renamed(spec, _JOB) | {key: value for key, value in times.items() if value is not None}


def _cron(spec: Mapping[str, Any], labels: dict[str, str]) -> Fields:
    job = access.mapping(spec, "jobTemplate")
    batch = _job(access.mapping(job, "spec")) | renamed(spec, _CRON)
    batch |= some(startDeadline=duration(spec.get("startingDeadlineSeconds")))
    own = access.texts(access.mapping(job, "metadata").get("labels", {}))
    found = some(schedule=spec.get("schedule"), batch=batch)
    return found if own is None or own == labels else {"jobLabels": own, **found}


def _claims(spec: Mapping[str, Any], main: Mapping[str, Any], run: Fields) -> Fields:
    """The volumes and mounts again, with the storage that each replica claims among them."""
    others = {volume["name"] for volume in run.get("volumes", [])}
    claims: dict[str, Fields] = {}
    for claim in access.mappings(spec.get("volumeClaimTemplates")):
        name = access.text(access.mapping(claim, "metadata").get("name"))
        if name and name not in others:
            claims[name] = _claim(name, access.mapping(claim, "spec"))
    if not claims:
        return {}
    pods.place(claims, main)
    placed = [(mount["volume"], mount["path"]) for mount in _placed(claims)]
    mounts = run.pop("mounts", [])
    rest = [mount for mount in mounts if (mount.get("volume"), mount.get("path")) not in placed]
    return some(volumes=run.get("volumes", []) + list(claims.values()), mounts=rest)


def _placed(claims: Mapping[str, Fields]) -> list[Fields]:
    return [
        {"volume": name, "path": claim["path"]} for name, claim in claims.items() if "path" in claim
    ]


def _claim(name: str, spec: Mapping[str, Any]) -> Fields:
    modes = access.items(spec.get("accessModes"))
    requests = access.mapping(spec, "resources", "requests")
    return {"name": name, "type": "storage"} | some(
        size=containers.quantity(requests.get("storage")),
        storageClass=spec.get("storageClassName"),
        access=modes[0] if len(modes) == 1 else None,
    )
