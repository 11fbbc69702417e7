"""Kubernetes objects of as-found things: what the fields write, what is carried, nothing else.

Import maps a foreign object to fields, asks this module what the fields give back, and carries
the difference; the Kubernetes target asks the same module on build. So a round trip is exact by
construction, and an edited field shows in what is built. Called by `telford.intake.kubernetes`
and `telford.render.kubernetes`.
"""

from collections.abc import Iterator
from typing import Any

from telford.estate.kinds import base, network, running, scaling, secret, structure
from telford.road import (
    found_access,
    found_batch,
    found_operated,
    found_pods,
    found_routes,
    found_scaling,
    found_secrets,
    patch,
    spellings,
)
from telford.road.found_values import (
    Found,
    Key,
    Object,
    head,
    named,
    some,
    written,
    written_lists,
    written_times,
)

_WORKLOAD_OF_TYPE = {"job": "Job", "cron": "CronJob"}
# Objects that are called what the fields call them, and those that only a carried entry makes.
_NAMED_BY_FIELDS = frozenset(
    {
        *("Service", "Ingress", "PersistentVolumeClaim", "PodMonitor"),
        *("ServiceMonitor", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    }
)
_CARRIED_ALONE = frozenset({"NetworkPolicy"})

Running = structure.Service | structure.Datastore


def objects(spec: base.Kind) -> tuple[Object, ...]:
    """Every Kubernetes object of an as-found thing, in a stable order: the workload, its endpoints,
    what scales and guards it, its routes, what is around it, what is carried.

    A kind that gives none, or one that runs nothing, gives none.
    """
    if isinstance(spec, structure.Manifest):
        return (spec.object,) if spec.format == "kubernetes" else ()
    if isinstance(spec, structure.Service | structure.Datastore):
        return _patched(spec, list(_running(spec)))
    if isinstance(spec, structure.Config):
        return _patched(spec, [_config(spec)])
    if isinstance(spec, structure.Stream):
        return _patched(spec, list(found_operated.operated(spec)))
    if isinstance(spec, network.Route):
        return _patched(spec, [found_routes.route(spec)])
    if isinstance(spec, secret.Secret):
        return _patched(spec, list(found_secrets.secrets(spec)))
    return ()


def misfits(spec: base.Kind) -> Iterator[tuple[str, patch.Path]]:
    """The objects of an as-found thing, and the paths in them, whose carried parts no longer fit
    what the fields give: somebody added an item to a list, or removed one.
    """
    carried: tuple[structure.Carried, ...] = getattr(spec, "carried", ())
    if not any(patch.by_position(item.patch) for item in carried):
        return
    bare = spec.model_copy(
        update={"carried": tuple(item.model_copy(update={"patch": {}}) for item in carried)}
    )
    given = {f"{item['kind']}/{item['metadata']['name']}": item for item in objects(bare)}
    for item in carried:
        for path in patch.misfits(given.get(item.object, {}), item.patch):
            yield item.object, path


def gives_objects(spec: base.Kind) -> bool:
    """Whether an as-found thing gives any: a secret that is made by other means gives none."""
    if isinstance(spec, structure.Manifest):
        return spec.format == "kubernetes"
    if isinstance(spec, structure.Service | structure.Datastore) and spec.run is not None:
        return getattr(spec, "platform", None) is None
    if isinstance(spec, structure.Datastore | structure.Stream | secret.Secret):
        return spec.operator is not None or bool(spec.carried)
    return True


def workload_kind(spec: Running) -> str:
    """The Kubernetes kind that runs it."""
    if spec.run is not None and spec.run.workload is not None:
        return spec.run.workload
    if isinstance(spec, structure.Datastore):
        return "StatefulSet"
    return _WORKLOAD_OF_TYPE.get(spec.type, "Deployment")


def names_itself(spec: base.Kind, kind: str, name: str) -> bool:
    """Whether the fields make an object of this name without a carried entry that says so."""
    if kind in _CARRIED_ALONE:
        return False
    if kind == "ServiceAccount":
        run = getattr(spec, "run", None)
        return isinstance(run, running.Run) and run.account is not None
    return kind in _NAMED_BY_FIELDS or name == spec.name


def _patched(spec: Found, given: list[tuple[Key, Object]]) -> tuple[Object, ...]:
    """The objects that the fields give with what is carried merged in, then those that only
    carried entries make.
    """
    patches: dict[Key, dict[str, Any]] = {}
    for carried in spec.carried:
        kind, _, name = carried.object.partition("/")
        patches[kind, name] = carried.patch
    made = [patch.merge(object_, patches.pop(key, {})) for key, object_ in given]
    rest = [patch.merge(head(spec, *key), entry) for key, entry in patches.items()]
    return (*made, *rest)


def _running(spec: Running) -> Iterator[tuple[Key, Object]]:
    if getattr(spec, "platform", None) is not None:
        return
    if isinstance(spec, structure.Datastore):
        yield from found_operated.operated(spec)
    if spec.run is not None:
        yield from _workload_and_more(spec, spec.run)
    if isinstance(spec, structure.Service):
        yield from found_routes.ingresses(spec)


def _workload_and_more(spec: Running, run: running.Run) -> Iterator[tuple[Key, Object]]:
    kind = workload_kind(spec)
    if run.image is not None or run.workload is not None:
        name = named(spec, kind)
        yield (kind, name), head(spec, kind, name) | {"spec": _workload(spec, run, kind)}
    for endpoint in spec.endpoints:
        yield ("Service", endpoint.name), _endpoint(spec, run, endpoint)
    if isinstance(run.replicas, scaling.Replicas) and kind != "ScaledJob":
        yield from found_scaling.scalers(spec, run.replicas, kind)
    if run.disruption is not None:
        yield found_scaling.budget(spec, run.disruption, _selector(spec, run))
    yield from found_access.accounts(spec, run)
    yield from found_access.claims(spec, run)
    first = spec.endpoints[0].labels if spec.endpoints else None
    labels = spec.labels if first is None else first
    yield from found_access.monitors(spec, run, _selector(spec, run), labels)


def _workload(spec: Running, run: running.Run, kind: str) -> dict[str, Any]:
    container = run.container or spec.name
    template = found_pods.template(run, container, spec.labels)
    if kind == "Pod":
        return dict(template.get("spec", {}))
    if kind == "Job":
        return found_batch.job(run.batch) | {"template": template}
    if kind == "ScaledJob":
        return _scaled_job(run, template)
    if kind == "CronJob":
        cron = found_batch.cron(run.batch, run.schedule)
        return cron | {"jobTemplate": _job_template(spec, run, template)}
    replicas = run.replicas.initial if isinstance(run.replicas, scaling.Replicas) else run.replicas
    return some(
        replicas=replicas,
        revisionHistoryLimit=run.history,
        selector={"matchLabels": _selector(spec, run)},
        serviceName=_governing(spec) if kind == "StatefulSet" else None,
        **_rollout(run.rollout, kind),
        **progress(run),
        template=template,
        volumeClaimTemplates=found_pods.claims(run) if kind == "StatefulSet" else None,
    )


def _scaled_job(run: running.Run, template: dict[str, Any]) -> dict[str, Any]:
    """A job for each so many events."""
    scaled = run.replicas if isinstance(run.replicas, scaling.Replicas) else None
    kept = {"keep_succeeded": "successfulJobsHistoryLimit", "keep_failed": "failedJobsHistoryLimit"}
    return (
        {"jobTargetRef": found_batch.job(run.batch) | {"template": template}}
        | written(run.batch, kept)
        | (found_scaling.events(scaled) if scaled is not None else {})
    )


def progress(run: running.Run) -> dict[str, Any]:
    """How replacing replicas goes on; the same on both roads."""
    names = spellings.inverse(spellings.LONG_RUNNING)
    times = spellings.inverse(spellings.LONG_RUNNING_TIMES)
    return written(run, names) | written_times(run, times)


def _governing(spec: Running) -> str | None:
    """The endpoint that gives each replica of a StatefulSet a name: the headless one, or the first."""
    headless = [endpoint.name for endpoint in spec.endpoints if endpoint.type == "Headless"]
    return next(iter([*headless, *(endpoint.name for endpoint in spec.endpoints)]), None)


def _selector(spec: Running, run: running.Run) -> dict[str, str]:
    return dict(found_pods.pod_labels(run, spec.labels) if run.selector is None else run.selector)


def _rollout(rollout: running.Rollout, kind: str) -> dict[str, Any]:
    field = "strategy" if kind in ("Deployment", "Rollout") else "updateStrategy"
    names = {"surge": "maxSurge", "unavailable": "maxUnavailable", "partition": "partition"}
    rolling = written(rollout, names)
    return {field: some(type=rollout.strategy, rollingUpdate=rolling)}


def _job_template(spec: Running, run: running.Run, template: dict[str, Any]) -> dict[str, Any]:
    labels = spec.labels if run.job_labels is None else run.job_labels
    return some(
        metadata=some(name=run.job_name, labels=dict(labels)),
        spec=found_batch.job(run.batch) | {"template": template},
    )


def _endpoint(spec: Running, run: running.Run, endpoint: structure.Endpoint) -> Object:
    made = head(spec, "Service", endpoint.name)
    if endpoint.labels is not None:
        made["metadata"].pop("labels", None)
        made["metadata"] |= some(labels=dict(endpoint.labels))
    made["metadata"] |= some(annotations=dict(endpoint.annotations))
    selector = _selector(spec, run) if endpoint.selector is None else dict(endpoint.selector)
    made["spec"] = (
        _endpoint_type(endpoint)
        | traffic(endpoint)
        | some(selector=selector, ports=[_endpoint_port(port) for port in endpoint.ports])
    )
    return made


def traffic(endpoint: structure.Endpoint) -> dict[str, Any]:
    """How calls are spread and who may make them; the same on both roads."""
    more = written(endpoint, spellings.inverse(spellings.SERVICE))
    return more | written_lists(endpoint, spellings.inverse(spellings.SERVICE_LISTS))


def _endpoint_type(endpoint: structure.Endpoint) -> dict[str, Any]:
    if endpoint.type == "Headless":
        return {"clusterIP": "None"}
    return written(endpoint, {"type": "type"})


def _endpoint_port(port: structure.EndpointPort) -> dict[str, Any]:
    names = {
        "name": "name",
        "port": "port",
        "target": "targetPort",
        "protocol": "protocol",
        "node_port": "nodePort",
        "app_protocol": "appProtocol",
    }
    return written(port, names)


def _config(spec: structure.Config) -> tuple[Key, Object]:
    name = named(spec, "ConfigMap")
    data = some(data=dict(spec.values)) | written(spec, {"immutable": "immutable"})
    return ("ConfigMap", name), head(spec, "ConfigMap", name) | data
