"""The pod template of an as-found workload: exactly the fields that its document writes.

Called by `telford.road.found`. Every function gives a mapping to be merged into its surroundings;
what is not written gives nothing, for a default would be an addition.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from telford.estate.kinds import running
from telford.road import found_access, spellings
from telford.road.found_placing import placed
from telford.road.found_values import object_name, seconds, some, written

# Written field of `Security` -> where Kubernetes keeps it in a container's security context.
_CONTAINER_SECURITY = {
    "run_as_user": "runAsUser",
    "run_as_group": "runAsGroup",
    "run_as_non_root": "runAsNonRoot",
    "read_only_root_filesystem": "readOnlyRootFilesystem",
    "allow_privilege_escalation": "allowPrivilegeEscalation",
    "privileged": "privileged",
}
# The fields that a whole replica has, and a main container only through `containerSecurity`.
_POD_SECURITY = {
    "run_as_user": "runAsUser",
    "run_as_group": "runAsGroup",
    "run_as_non_root": "runAsNonRoot",
    "fs_group": "fsGroup",
    "fs_group_change": "fsGroupChangePolicy",
}
_BOTH = ("run_as_user", "run_as_group", "run_as_non_root", "seccomp")
_PROBE_TIMES = {
    "delay": "initialDelaySeconds",
    "every": "periodSeconds",
    "timeout": "timeoutSeconds",
    "grace": "terminationGracePeriodSeconds",
}


def template(run: running.Run, container: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """The pod template; `labels` are those of the document, for replicas without their own."""
    return some(
        metadata=some(
            name=run.pod_name,
            labels=pod_labels(run, labels),
            annotations=dict(run.pod_annotations),
        ),
        spec=_spec(run, container),
    )


def pod_labels(run: running.Run, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of the replicas."""
    return dict(labels if run.pod_labels is None else run.pod_labels)


def claims(run: running.Run) -> list[dict[str, Any]]:
    """The volume claim templates: storage that names no claim of its own."""
    return [_claim(volume) for volume in run.volumes if _is_claim(volume)]


def _spec(run: running.Run, container: str) -> dict[str, Any]:
    return some(
        serviceAccountName=run.service_account,
        automountServiceAccountToken=run.mount_token,
        enableServiceLinks=run.service_links,
        securityContext=_pod_security(run.security),
        terminationGracePeriodSeconds=seconds(run.stop),
        restartPolicy=run.restart,
        nodeSelector=dict(run.node_selector),
        **placed(run),
        tolerations=[_toleration(toleration) for toleration in run.tolerations],
        initContainers=[_sidecar(sidecar) for sidecar in run.initialise],
        containers=[_main(run, container), *map(_sidecar, run.sidecars)],
        volumes=[_volume(volume) for volume in run.volumes if not _is_claim(volume)],
    )


def _main(run: running.Run, name: str) -> dict[str, Any]:
    mounts = [_own_mount(volume) for volume in run.volumes if volume.path is not None]
    own = running.Security.model_validate(
        run.security.model_dump(exclude_unset=True, exclude={*_BOTH, "fs_group"})
    )
    security = _container_security(own)
    if run.container_security is not None:
        security |= _container_security(run.container_security)
    return _container(run, name, mounts, security)


def _sidecar(sidecar: running.Sidecar) -> dict[str, Any]:
    made = _container(sidecar, sidecar.name, [], _container_security(sidecar.security))
    return made | written(sidecar, {"restart": "restartPolicy"})


def _container(
    container: running.Container,
    name: str,
    mounts: list[dict[str, Any]],
    security: dict[str, Any],
) -> dict[str, Any]:
    return some(
        name=name,
        image=container.image,
        imagePullPolicy=container.pull,
        command=list(container.command),
        args=list(container.args),
        workingDir=container.working_directory,
        ports=[_port(port) for port in container.ports],
        env=[_variable(key, value) for key, value in container.env.items()],
        envFrom=[_source(source) for source in container.env_from],
        resources=_resources(container.resources),
        readinessProbe=_probe(container.health.ready),
        livenessProbe=_probe(container.health.live),
        startupProbe=_probe(container.health.startup),
        lifecycle=some(
            preStop=_hook(container.before_stop), postStart=_hook(container.after_start)
        ),
        **written(container, spellings.inverse(spellings.CONTAINER)),
        securityContext=security,
        volumeMounts=mounts + [_mount(mount) for mount in container.mounts],
    )


def _port(port: running.Port) -> dict[str, Any]:
    return written(
        port,
        {"name": "name", "port": "containerPort", "protocol": "protocol", "host_port": "hostPort"},
    )


def _variable(name: str, value: str | running.EnvironmentReference) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "value": value}
    optional = written(value, {"optional": "optional"})
    if value.field is not None:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": value.field}}}
    if value.resource is not None:
        names = {"container": "containerName", "divisor": "divisor"}
        found = {"resource": value.resource} | written(value, names)
        return {"name": name, "valueFrom": {"resourceFieldRef": found}}
    kind = "configMapKeyRef" if value.config is not None else "secretKeyRef"
    reference = some(name=object_name(value.config or value.secret or ""), key=value.key)
    return {"name": name, "valueFrom": {kind: reference | optional}}


def _source(source: running.EnvironmentSource) -> dict[str, Any]:
    kind = "configMapRef" if source.config is not None else "secretRef"
    optional = written(source, {"optional": "optional"})
    reference = {"name": object_name(source.config or source.secret or "")} | optional
    return written(source, {"prefix": "prefix"}) | {kind: reference}


def _resources(resources: running.Resources) -> dict[str, Any]:
    return some(requests=_amounts(resources.requests), limits=_amounts(resources.limits))


def _amounts(amounts: running.Amounts) -> dict[str, Any]:
    names = {"cpu": "cpu", "memory": "memory", "ephemeral_storage": "ephemeral-storage"}
    return written(amounts, names) | dict(amounts.devices)


def _probe(check: running.Check | None) -> dict[str, Any]:
    if check is None:
        return {}
    times = {key: seconds(value) for key, value in written(check, _PROBE_TIMES).items()}
    counts = written(check, {"failures": "failureThreshold", "successes": "successThreshold"})
    return _way(check) | times | counts


def _way(check: running.Check) -> dict[str, Any]:
    """How the check is made: HTTP, TCP, gRPC or a command."""
    port = written(check, {"port": "port"})
    if check.path is not None:
        headers = [{"name": header.name, "value": header.value} for header in check.headers]
        scheme = written(check, {"scheme": "scheme"})
        return {"httpGet": {"path": check.path} | port | scheme | some(httpHeaders=headers)}
    if check.tcp:
        return {"tcpSocket": port}
    if check.grpc:
        return {"grpc": port | written(check, {"grpc_service": "service"})}
    return {"exec": {"command": list(check.command)}}


def _hook(hook: running.BeforeStop | None) -> dict[str, Any]:
    if hook is None:
        return {}
    return some(sleep=some(seconds=seconds(hook.sleep)), exec=some(command=list(hook.command)))


def _pod_security(security: running.Security) -> dict[str, Any]:
    return (
        written(security, _POD_SECURITY)
        | _seccomp(security)
        | some(supplementalGroups=list(security.groups))
    )


def _container_security(security: running.Security) -> dict[str, Any]:
    capabilities = written(security, {"drop_capabilities": "drop", "add_capabilities": "add"})
    lists = {key: list(names) for key, names in capabilities.items()}
    return written(security, _CONTAINER_SECURITY) | some(capabilities=lists) | _seccomp(security)


def _seccomp(security: running.Security) -> dict[str, Any]:
    return some(seccompProfile=some(type=security.seccomp))


def _toleration(toleration: running.Toleration) -> dict[str, Any]:
    names = {name: name for name in ("key", "operator", "value", "effect")}
    return written(toleration, names | {"seconds": "tolerationSeconds"})


def _is_claim(volume: running.Volume) -> bool:
    return volume.type == "storage" and volume.source is None and not volume.ephemeral


def _volume(volume: running.Volume) -> dict[str, Any]:
    files = some(items=_items(volume.items.items())) | written(
        volume, {"mode": "defaultMode", "optional": "optional"}
    )
    name = object_name(volume.source or "")
    if volume.type == "config":
        return {"name": volume.name, "configMap": {"name": name} | files}
    if volume.type == "secret":
        return {"name": volume.name, "secret": {"secretName": name} | files}
    if volume.type == "nfs":
        server, _, path = (volume.source or "").partition(":")
        return {"name": volume.name, "nfs": {"server": server, "path": path}}
    if volume.type == "projected":
        mode = written(volume, {"mode": "defaultMode"})
        sources = [projection(source) for source in volume.sources]
        return {"name": volume.name, "projected": mode | {"sources": sources}}
    if volume.type == "storage" and volume.ephemeral:
        claimed = {"volumeClaimTemplate": {"spec": found_access.claim(volume)}}
        return {"name": volume.name, "ephemeral": claimed}
    if volume.type == "storage":
        return {"name": volume.name, "persistentVolumeClaim": {"claimName": name}}
    if volume.type == "host":
        kind = written(volume, {"host_type": "type"})
        return {"name": volume.name, "hostPath": {"path": volume.source or "/"} | kind}
    if volume.type == "driver":
        told = some(volumeAttributes=dict(volume.attributes))
        return {"name": volume.name, "csi": {"driver": volume.driver or ""} | told}
    scratch = written(volume, {"medium": "medium", "size": "sizeLimit"})
    return {"name": volume.name, "emptyDir": scratch}


def projection(source: running.Projection) -> dict[str, Any]:
    """Also called for what is paved."""
    if source.token is not None:
        times = some(expirationSeconds=seconds(source.expires), audience=source.audience)
        return {"serviceAccountToken": {"path": source.token} | times}
    if source.fields:
        fields = [
            {"path": path, "fieldRef": {"fieldPath": field}}
            for path, field in source.fields.items()
        ]
        return {"downwardAPI": {"items": fields}}
    kind = "configMap" if source.config is not None else "secret"
    name = object_name(source.config or source.secret or "")
    files = some(items=_items(source.items.items())) | written(source, {"optional": "optional"})
    return {kind: {"name": name} | files}


def _items(items: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"key": key, "path": path} for key, path in items]


def _own_mount(volume: running.Volume) -> dict[str, Any]:
    names = {"path": "mountPath", "sub_path": "subPath", "read_only": "readOnly"}
    return {"name": volume.name} | written(volume, names)


def _mount(mount: running.Mount) -> dict[str, Any]:
    names = {"path": "mountPath", "sub_path": "subPath", "read_only": "readOnly"}
    return {"name": mount.volume} | written(mount, names)


def _claim(volume: running.Volume) -> dict[str, Any]:
    return some(metadata={"name": volume.name}, spec=found_access.claim(volume))
