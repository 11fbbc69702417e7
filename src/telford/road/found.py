"""Kubernetes objects of as-found things: what the fields write, what is carried, nothing else.

Import maps a foreign object to fields, asks this module what the fields give back, and carries
the difference; the Kubernetes target asks the same module on build. So a round trip is exact by
construction, and an edited field shows in what is built. Called by `telford.intake.kubernetes`
and `telford.render.kubernetes`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.estate.kinds import base, running, structure
from telford.road import found_pods, patch

API_VERSIONS: Mapping[str, str] = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "Ingress": "networking.k8s.io/v1",
}
_WORKLOAD_OF_TYPE = {"job": "Job", "cron": "CronJob"}

Running = structure.Service | structure.Datastore
Object = dict[str, Any]


def objects(spec: base.Kind) -> tuple[Object, ...]:
    """Every Kubernetes object of an as-found Service, Datastore, Config or Manifest, in a stable
    order: the workload, its endpoints, what scales and guards it, its routes, what is carried.

    Another kind, or one that runs nothing, gives none.
    """
    if isinstance(spec, structure.Manifest):
        return (spec.object,) if spec.format == "kubernetes" else ()
    if isinstance(spec, structure.Config):
        return _patched(spec, [(("ConfigMap", _named(spec, "ConfigMap")), _config(spec))])
    if isinstance(spec, structure.Service | structure.Datastore):
        return _patched(spec, list(_running(spec)))
    return ()


def workload_kind(spec: Running) -> str:
    """The Kubernetes kind that runs it."""
    if spec.run is not None and spec.run.workload is not None:
        return spec.run.workload
    if isinstance(spec, structure.Datastore):
        return "StatefulSet"
    return _WORKLOAD_OF_TYPE.get(spec.type, "Deployment")


def names_itself(spec: base.Kind, kind: str, name: str) -> bool:
    """Whether the fields make an object of this name without a carried entry that says so."""
    if kind == "ServiceAccount":
        return False
    return kind in ("Service", "Ingress") or name == spec.name


_Key = tuple[str, str]


def _patched(
    spec: Running | structure.Config, given: list[tuple[_Key, Object]]
) -> tuple[Object, ...]:
    """The objects that the fields give with what is carried merged in, then those that only
    carried entries make.
    """
    patches: dict[_Key, dict[str, Any]] = {}
    for carried in spec.carried:
        kind, _, name = carried.object.partition("/")
        patches[kind, name] = carried.patch
    made = [patch.merge(object_, patches.pop(key, {})) for key, object_ in given]
    rest = [patch.merge(_head(spec, *key), entry) for key, entry in patches.items()]
    return (*made, *rest)


def _running(spec: Running) -> Iterator[tuple[_Key, Object]]:
    if spec.run is None or getattr(spec, "platform", None) is not None:
        return
    kind = workload_kind(spec)
    if spec.run.image is not None or spec.run.workload is not None:
        name = _named(spec, kind)
        yield (kind, name), _head(spec, kind, name) | {"spec": _workload(spec, spec.run, kind)}
    for endpoint in spec.endpoints:
        yield ("Service", endpoint.name), _endpoint(spec, spec.run, endpoint)
    if isinstance(spec.run.replicas, running.Replicas):
        name = _named(spec, "HorizontalPodAutoscaler")
        yield ("HorizontalPodAutoscaler", name), _scaler(spec, spec.run.replicas, kind, name)
    if spec.run.disruption is not None:
        name = _named(spec, "PodDisruptionBudget")
        yield ("PodDisruptionBudget", name), _budget(spec, spec.run, spec.run.disruption, name)
    if isinstance(spec, structure.Service):
        yield from _ingresses(spec)


def _named(spec: base.Kind, kind: str) -> str:
    """What its object of a kind is called: as the first carried entry of the kind says."""
    carried: tuple[structure.Carried, ...] = getattr(spec, "carried", ())
    for entry in carried:
        found, _, name = entry.object.partition("/")
        if found == kind and name:
            return name
    return spec.name


def _head(spec: Running | structure.Config, kind: str, name: str) -> Object:
    version = found_pods.some(apiVersion=API_VERSIONS.get(kind))
    metadata = found_pods.some(name=name, namespace=spec.namespace, labels=dict(spec.labels))
    if kind in _WORKLOADS:
        metadata |= found_pods.some(annotations=dict(spec.annotations))
    return version | {"kind": kind, "metadata": metadata}


_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ConfigMap"})


def _workload(spec: Running, run: running.Run, kind: str) -> dict[str, Any]:
    container = run.container or spec.name
    template = found_pods.template(run, container, spec.labels)
    if kind == "Job":
        return _job(run) | {"template": template}
    if kind == "CronJob":
        return _cron(run) | {"jobTemplate": _job_template(spec, run, template)}
    replicas = run.replicas if isinstance(run.replicas, int) else None
    return found_pods.some(
        replicas=replicas,
        revisionHistoryLimit=run.history,
        selector={"matchLabels": _selector(spec, run)},
        serviceName=_governing(spec) if kind == "StatefulSet" else None,
        **_rollout(run.rollout, kind),
        template=template,
        volumeClaimTemplates=found_pods.claims(run) if kind == "StatefulSet" else None,
    )


def _governing(spec: Running) -> str | None:
    """The endpoint that gives each replica of a StatefulSet a name: the headless one, or the first."""
    headless = [endpoint.name for endpoint in spec.endpoints if endpoint.type == "Headless"]
    return next(iter([*headless, *(endpoint.name for endpoint in spec.endpoints)]), None)


def _selector(spec: Running, run: running.Run) -> dict[str, str]:
    return dict(found_pods.pod_labels(run, spec.labels) if run.selector is None else run.selector)


def _rollout(rollout: running.Rollout, kind: str) -> dict[str, Any]:
    field = "strategy" if kind == "Deployment" else "updateStrategy"
    names = {"surge": "maxSurge", "unavailable": "maxUnavailable", "partition": "partition"}
    rolling = found_pods.written(rollout, names)
    return {field: found_pods.some(type=rollout.strategy, rollingUpdate=rolling)}


def _job(run: running.Run) -> dict[str, Any]:
    names = {
        "retries": "backoffLimit",
        "completions": "completions",
        "parallelism": "parallelism",
    }
    times = {"deadline": "activeDeadlineSeconds", "keep": "ttlSecondsAfterFinished"}
    return found_pods.written(run.batch, names) | _times(run.batch, times)


def _times(batch: running.Batch, names: Mapping[str, str]) -> dict[str, Any]:
    given = found_pods.written(batch, names)
    return {name: found_pods.seconds(value) for name, value in given.items()}


def _cron(run: running.Run) -> dict[str, Any]:
    names = {
        "time_zone": "timeZone",
        "concurrency": "concurrencyPolicy",
        "suspend": "suspend",
        "keep_succeeded": "successfulJobsHistoryLimit",
        "keep_failed": "failedJobsHistoryLimit",
    }
    start = _times(run.batch, {"start_deadline": "startingDeadlineSeconds"})
    return found_pods.some(schedule=run.schedule) | found_pods.written(run.batch, names) | start


def _job_template(spec: Running, run: running.Run, template: dict[str, Any]) -> dict[str, Any]:
    labels = spec.labels if run.job_labels is None else run.job_labels
    return found_pods.some(
        metadata=found_pods.some(labels=dict(labels)), spec=_job(run) | {"template": template}
    )


def _endpoint(spec: Running, run: running.Run, endpoint: structure.Endpoint) -> Object:
    made = _head(spec, "Service", endpoint.name)
    if endpoint.labels is not None:
        made["metadata"].pop("labels", None)
        made["metadata"] |= found_pods.some(labels=dict(endpoint.labels))
    made["metadata"] |= found_pods.some(annotations=dict(endpoint.annotations))
    selector = _selector(spec, run) if endpoint.selector is None else dict(endpoint.selector)
    made["spec"] = _endpoint_type(endpoint) | found_pods.some(
        selector=selector, ports=[_endpoint_port(port) for port in endpoint.ports]
    )
    return made


def _endpoint_type(endpoint: structure.Endpoint) -> dict[str, Any]:
    if endpoint.type == "Headless":
        return {"clusterIP": "None"}
    return found_pods.written(endpoint, {"type": "type"})


def _endpoint_port(port: structure.EndpointPort) -> dict[str, Any]:
    names = {
        "name": "name",
        "port": "port",
        "target": "targetPort",
        "protocol": "protocol",
        "node_port": "nodePort",
    }
    return found_pods.written(port, names)


def _scaler(spec: Running, replicas: running.Replicas, kind: str, name: str) -> Object:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": _named(spec, kind)}
    metrics = [] if replicas.target_cpu is None else [_cpu(replicas.target_cpu)]
    return _head(spec, "HorizontalPodAutoscaler", name) | {
        "spec": found_pods.some(
            scaleTargetRef=target,
            minReplicas=replicas.min,
            maxReplicas=replicas.max,
            metrics=metrics,
        )
    }


def _cpu(share: str) -> dict[str, Any]:
    """Mean CPU use of the replicas, in percent of what they request."""
    percent = float(share.rstrip("% "))
    whole = int(percent) if percent.is_integer() else percent
    target = {"type": "Utilization", "averageUtilization": whole}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _budget(spec: Running, run: running.Run, disruption: running.Disruption, name: str) -> Object:
    names = {"min_available": "minAvailable", "max_unavailable": "maxUnavailable"}
    own = disruption.selector
    selector = {"matchLabels": _selector(spec, run) if own is None else dict(own)}
    given = found_pods.written(disruption, names)
    return _head(spec, "PodDisruptionBudget", name) | {"spec": given | {"selector": selector}}


def _ingresses(spec: structure.Service) -> Iterator[tuple[_Key, Object]]:
    """One Ingress for each name that the routes give, its rules in the order of the routes."""
    groups: dict[str, list[structure.RouteRule]] = {}
    for rule in spec.routes:
        groups.setdefault(rule.ingress or spec.name, []).append(rule)
    settings = {item.name or spec.name: item for item in spec.ingresses}
    for name, rules in groups.items():
        made = _head(spec, "Ingress", name)
        made["spec"] = {"rules": _rules(spec, rules)}
        if name in settings:
            _configure(made, settings[name])
        yield ("Ingress", name), made


def _configure(made: Object, settings: structure.Ingress) -> None:
    """Add what an Ingress says beside its rules."""
    if settings.labels is not None:
        made["metadata"].pop("labels", None)
        made["metadata"] |= found_pods.some(labels=dict(settings.labels))
    made["metadata"] |= found_pods.some(annotations=dict(settings.annotations))
    certificates = [
        found_pods.some(hosts=list(item.hosts), secretName=item.secret) for item in settings.tls
    ]
    given = found_pods.some(ingressClassName=settings.controller, tls=certificates)
    made["spec"] = given | made["spec"]


def _rules(spec: structure.Service, rules: list[structure.RouteRule]) -> list[dict[str, Any]]:
    """Neighbouring routes of one host share a rule."""
    made: list[dict[str, Any]] = []
    for rule in rules:
        host = found_pods.some(host=rule.host)
        if not made or made[-1].get("host") != rule.host:
            made.append(host | {"http": {"paths": []}})
        made[-1]["http"]["paths"].append(_path(spec, rule))
    return made


def _path(spec: structure.Service, rule: structure.RouteRule) -> dict[str, Any]:
    port: dict[str, Any] = {"number" if isinstance(rule.port, int) else "name": rule.port}
    service = {"name": rule.endpoint or spec.name} | found_pods.some(
        port=port if rule.port is not None else None
    )
    names = {"path": "path", "match": "pathType"}
    return found_pods.written(rule, names) | {"backend": {"service": service}}


def _config(spec: structure.Config) -> Object:
    name = _named(spec, "ConfigMap")
    return _head(spec, "ConfigMap", name) | found_pods.some(data=dict(spec.values))
