"""A pod template -> `run`: the main container, sidecars, volumes, security. In document form; what
has no field is carried later. Called by `telford.intake.kubernetes.workloads`.
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access, containers, placing
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.objects import Object

# https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_TOLERATION = {
    **{name: name for name in ("key", "operator", "value", "effect")},
    "tolerationSeconds": "seconds",
}
_POD_SECURITY = {
    "fsGroup": "fsGroup",
    "fsGroupChangePolicy": "fsGroupChange",
    "supplementalGroups": "groups",
}
_MOUNT = {"name": "volume", "mountPath": "path", "subPath": "subPath", "readOnly": "readOnly"}


def main_container(template: Mapping[str, Any], workload: str) -> dict[str, Any]:
    """The container that the others accompany: the annotated one, the namesake, or the first."""
    found = access.mappings(access.mapping(template, "spec").get("containers"))
    annotations = access.mapping(template, "metadata", "annotations")
    for name in (annotations.get(_DEFAULT_CONTAINER), workload):
        for container in found:
            if name is not None and container.get("name") == name:
                return container
    return found[0]


def run(
    template: Mapping[str, Any],
    workload: str,
    configs: Mapping[str, str],
    claims: Mapping[str, Object],
) -> Fields:
    """The fields of `run` that the template says. `claims` are the PersistentVolumeClaims that the
    workload alone uses, by name.
    """
    spec = access.mapping(template, "spec")
    main = main_container(template, workload)
    volumes, mounts = _volumes(spec, main, configs)
    for volume in volumes:
        claim = claims.get(access.text(volume.get("source")))
        if volume.get("type") == "storage" and claim is not None:
            volume.update(_claimed(claim))
    context = access.mapping(spec, "securityContext")
    own = access.mapping(main, "securityContext")
    beside = [item for item in access.mappings(spec.get("containers")) if item is not main]
    return (
        containers.fields(main, configs)
        | placing.fields(spec)
        | some(
            container=main.get("name"),
            volumes=volumes,
            mounts=mounts,
            security=containers.identity(context)
            | renamed(context, _POD_SECURITY)
            | containers.security(own),
            containerSecurity=containers.identity(own),
            serviceAccount=spec.get("serviceAccountName"),
            mountToken=spec.get("automountServiceAccountToken"),
            serviceLinks=spec.get("enableServiceLinks"),
            restart=spec.get("restartPolicy"),
            stop=containers.duration(spec.get("terminationGracePeriodSeconds")),
            nodeSelector=access.texts(spec.get("nodeSelector")),
            tolerations=_tolerations(spec.get("tolerations")),
            sidecars=[_sidecar(item, configs) for item in beside],
            initialise=[
                _sidecar(item, configs) for item in access.mappings(spec.get("initContainers"))
            ],
        )
    )


def _sidecar(container: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    context = access.mapping(container, "securityContext")
    mounts = [renamed(mount, _MOUNT) for mount in access.mappings(container.get("volumeMounts"))]
    return (
        {"name": container.get("name")}
        | containers.fields(container, configs)
        | some(
            mounts=mounts,
            security=containers.security(context) | containers.identity(context),
            restart=container.get("restartPolicy"),
        )
    )


def _tolerations(value: Any) -> list[Fields]:
    return [renamed(item, _TOLERATION) for item in access.mappings(value)]


def _volumes(
    spec: Mapping[str, Any], main: Mapping[str, Any], configs: Mapping[str, str]
) -> tuple[list[Fields], list[Fields]]:
    """The volumes with the main container's first mount of each, and its other mounts."""
    volumes: dict[str, Fields] = {}
    for item in access.mappings(spec.get("volumes")):
        found = _volume(item, configs)
        if found:
            volumes[found["name"]] = found
    return list(volumes.values()), place(volumes, main)


def place(volumes: Mapping[str, Fields], main: Mapping[str, Any]) -> list[Fields]:
    """Write the main container's first mount of each volume into it; give the mounts that stay."""
    rest = []
    for mount in access.mappings(main.get("volumeMounts")):
        volume = volumes.get(access.text(mount.get("name")))
        if volume is None or "path" in volume:
            rest.append(renamed(mount, _MOUNT))
        else:
            found = renamed(mount, _MOUNT)
            found.pop("volume", None)
            volume.update(found)
    return rest


def _volume(volume: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    """A volume of a kind that the model has; nothing for others, such as a host's folder."""
    name = access.text(volume.get("name"))
    if not name:
        return {}
    if isinstance(volume.get("emptyDir"), dict):
        scratch = volume["emptyDir"]
        found = {"name": name} | renamed(scratch, {"medium": "medium", "sizeLimit": "size"})
        if "size" in found:
            found["size"] = containers.quantity(found["size"])
        return found
    config, secret = access.mapping(volume, "configMap"), access.mapping(volume, "secret")
    if "name" in config:
        source = configs.get(access.text(config["name"]), config["name"])
        return {"name": name, "type": "config", "source": source} | _files(config)
    if "secretName" in secret:
        return {"name": name, "type": "secret", "source": secret["secretName"]} | _files(secret)
    claim = access.mapping(volume, "persistentVolumeClaim")
    if "claimName" in claim:
        return {"name": name, "type": "storage", "source": claim["claimName"]}
    return _outside(name, volume, configs)


def _outside(name: str, volume: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    """What comes from elsewhere: a machine, a server, a driver, or several sources at once."""
    host, driver = access.mapping(volume, "hostPath"), access.mapping(volume, "csi")
    server = access.mapping(volume, "nfs")
    if server:
        return {
            "name": name,
            "type": "nfs",
            "source": f"{server.get('server')}:{server.get('path')}",
        }
    own = access.mapping(volume, "ephemeral", "volumeClaimTemplate", "spec")
    if own:
        return {"name": name, "type": "storage", "ephemeral": True} | claimed(own)
    if "path" in host:
        kind = renamed(host, {"type": "hostType"})
        return {"name": name, "type": "host", "source": host["path"]} | kind
    if "driver" in driver:
        attributes = access.texts(driver.get("volumeAttributes"))
        found = {"name": name, "type": "driver", "driver": driver["driver"]}
        return found | some(attributes=attributes)
    projected = access.mapping(volume, "projected")
    sources = [_projection(item, configs) for item in access.mappings(projected.get("sources"))]
    if projected and all(sources):
        mode = renamed(projected, {"defaultMode": "mode"})
        return {"name": name, "type": "projected", "sources": sources} | mode
    return {}


def _projection(item: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    """One source of a projected volume; nothing for a kind that the model has not."""
    token, fields = access.mapping(item, "serviceAccountToken"), access.mapping(item, "downwardAPI")
    if token:
        found = renamed(token, {"path": "token", "audience": "audience"})
        return found | some(expires=containers.duration(token.get("expirationSeconds")))
    if fields:
        pairs = access.mappings(fields.get("items"))
        known = {
            access.text(pair.get("path")): access.mapping(pair, "fieldRef").get("fieldPath")
            for pair in pairs
        }
        return {"fields": known} if len(known) == len(pairs) and all(known.values()) else {}
    config, secret = access.mapping(item, "configMap"), access.mapping(item, "secret")
    source = config or secret
    if "name" not in source:
        return {}
    name = source["name"]
    named = {"config": configs.get(access.text(name), name)} if config else {"secret": name}
    files = {key: value for key, value in _files(source).items() if key != "mode"}
    return named | files


def claimed(spec: Mapping[str, Any]) -> Fields:
    """What a claim says of storage."""
    modes = access.items(spec.get("accessModes"))
    requests = access.mapping(spec, "resources", "requests")
    return renamed(spec, {"storageClassName": "storageClass"}) | some(
        size=containers.quantity(requests.get("storage")),
        access=modes[0] if len(modes) == 1 else None,
    )


def _claimed(item: Object) -> Fields:
    labels = access.texts(access.mapping(item.body, "metadata").get("labels", {}))
    return claimed(access.mapping(item.body, "spec")) | {"claimLabels": labels or {}}


def _files(source: Mapping[str, Any]) -> Fields:
    pairs = access.mappings(source.get("items"))
    items = {
        access.text(pair.get("key")): access.text(pair.get("path"))
        for pair in pairs
        if pair.keys() == {"key", "path"}
    }
    complete = len(items) == len(pairs) and all(items) and all(items.values())
    found = renamed(source, {"defaultMode": "mode", "optional": "optional"})
    return found | some(items=items if complete else None)
