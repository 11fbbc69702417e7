"""A workload with everything that is its alone -> the fields of a Service or Datastore, in document
form. What has no field is carried later (`telford.intake.kubernetes.fitting`).
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access, around, grouping, kinds, network, pods, scaling
from telford.intake.kubernetes.containers import Fields, duration, renamed, some, times
from telford.intake.kubernetes.grouping import Group
from telford.intake.kubernetes.objects import Object
from telford.road import spellings

_DEFAULT_KIND = {"job": "Job", "cron": "CronJob"}
_JOB = {
    "backoffLimit": "retries",
    "completions": "completions",
    "parallelism": "parallelism",
    "completionMode": "completion",
}
_JOB_TIMES = {"activeDeadlineSeconds": "deadline", "ttlSecondsAfterFinished": "keep"}
_KEPT = {
    "successfulJobsHistoryLimit": "keepSucceeded",
    "failedJobsHistoryLimit": "keepFailed",
}
_CRON = {
    "timeZone": "timeZone",
    "concurrencyPolicy": "concurrency",
    "suspend": "suspend",
    **_KEPT,
}


def service_type(group: Group) -> str:
    """What it is: a cron, a job, gRPC, HTTP, or a worker that nothing calls."""
    if group.workload.kind in kinds.JOBS:
        return "cron" if group.workload.kind == "CronJob" else "job"
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
    run = _run(group, name, labels, configs)
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


def _run(group: Group, name: str, labels: dict[str, str], configs: Mapping[str, str]) -> Fields:
    workload = group.workload
    template = grouping.template(workload)
    spec = access.mapping(workload.body, "spec")
    claims = {item.name: item for item in group.claims}
    run = pods.run(template, workload.name, configs, claims)
    if workload.kind != "Pod":
        run |= _template_labels(template, labels)
    if workload.kind == "CronJob":
        run |= _cron(spec, labels)
    elif workload.kind == "Job":
        run |= some(batch=_job(spec))
    elif workload.kind == "ScaledJob":
        job = _job(access.mapping(spec, "jobTargetRef")) | renamed(spec, _KEPT)
        run |= some(batch=job, replicas=scaling.replicas(workload))
    elif workload.kind != "Pod":
        run |= _long_running(workload, spec, run, labels)
    if workload.kind == "StatefulSet":
        run |= _claims(spec, main_container(group), run)
    replicas = None if group.scaler is None else scaling.replicas(group.scaler)
    if replicas is not None and access.whole(run.get("replicas")) is not None:
        replicas = {**replicas, "initial": run["replicas"]}
    own = run.get("selector") or run.get("podLabels", labels)
    disruption = network.disruption(group.budget, own)
    for volume in run.get("volumes", []):
        if volume.get("claimLabels") == labels:
            del volume["claimLabels"]
    return (
        run
        | around.fields(group, name, labels, own)
        | some(replicas=replicas, disruption=disruption)
    )


def _template_labels(template: Mapping[str, Any], labels: dict[str, str]) -> Fields:
    """The replicas' labels where they are not those of the document."""
    metadata = access.mapping(template, "metadata")
    own = access.texts(metadata.get("labels", {}))
    found = some(
        podAnnotations=access.texts(metadata.get("annotations")), podName=metadata.get("name")
    )
    return found if own is None or own == labels else {"podLabels": own, **found}


def _long_running(
    workload: Object, spec: Mapping[str, Any], run: Fields, labels: dict[str, str]
) -> Fields:
    selector = access.texts(access.mapping(spec, "selector").get("matchLabels"))
    field = "strategy" if workload.kind in ("Deployment", "Rollout") else "updateStrategy"
    rollout = access.mapping(spec, field)
    names = {"maxSurge": "surge", "maxUnavailable": "unavailable", "partition": "partition"}
    rolling = access.mapping(rollout, "rollingUpdate")
    more = renamed(spec, spellings.documented(spellings.LONG_RUNNING))
    more |= times(spec, spellings.documented(spellings.LONG_RUNNING_TIMES))
    return more | some(
        replicas=access.whole(spec.get("replicas")),
        history=spec.get("revisionHistoryLimit"),
        selector=selector if selector != run.get("podLabels", labels) else None,
        rollout=renamed(rollout, {"type": "strategy"}) | renamed(rolling, names),
    )


def _job(spec: Mapping[str, Any]) -> Fields:
    failures = access.mapping(spec, "podFailurePolicy").get("rules")
    found = [_failure(rule) for rule in access.mappings(failures)]
    return renamed(spec, _JOB) | times(spec, _JOB_TIMES) | some(onFailure=found)


def _failure(rule: Mapping[str, Any]) -> Fields:
    conditions = {
        access.text(item.get("type")): access.text(item.get("status"))
        for item in access.mappings(rule.get("onPodConditions"))
    }
    codes = access.mapping(rule, "onExitCodes")
    field = "exitCodes" if codes.get("operator") == "In" else "otherCodes"
    exits = some(container=codes.get("containerName"), **{field: codes.get("values")})
    return {"action": rule.get("action")} | some(conditions=conditions) | exits


def _cron(spec: Mapping[str, Any], labels: dict[str, str]) -> Fields:
    job = access.mapping(spec, "jobTemplate")
    batch = _job(access.mapping(job, "spec")) | renamed(spec, _CRON)
    batch |= some(startDeadline=duration(spec.get("startingDeadlineSeconds")))
    own = access.texts(access.mapping(job, "metadata").get("labels", {}))
    name = access.mapping(job, "metadata").get("name")
    found = some(schedule=spec.get("schedule"), batch=batch, jobName=name)
    return found if own is None or own == labels else {"jobLabels": own, **found}


def _claims(spec: Mapping[str, Any], main: Mapping[str, Any], run: Fields) -> Fields:
    """The volumes and mounts again, with the storage that each replica claims among them."""
    others = {volume["name"] for volume in run.get("volumes", [])}
    claims: dict[str, Fields] = {}
    for claim in access.mappings(spec.get("volumeClaimTemplates")):
        name = access.text(access.mapping(claim, "metadata").get("name"))
        if name and name not in others:
            here = {"name": name, "type": "storage"}
            claims[name] = here | pods.claimed(access.mapping(claim, "spec"))
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
