"""Volumes, their mounts, and the claims behind storage. Called by `containers`, `pods` and
`target`.
"""

from collections.abc import Iterable
from typing import Any

from telford.estate.kinds import running
from telford.render.kubernetes.environment import object_name
from telford.road import defaults
from telford.road.found_pods import projection
from telford.road.subject import Subject

SCRATCH_NAME = "scratch"


def main_mounts(subject: Subject) -> list[dict[str, Any]]:
    """Where the main container sees the workload's volumes, and the road's scratch space."""
    given = [_own_mount(volume, volume.path) for volume in subject.run.volumes if volume.path]
    return given + scratch_mount(subject)


def more_mounts(
    mounts: Iterable[running.Mount], before: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A container's further mounts, after `before`; a path that they take is theirs."""
    given = [_mount(m.volume, m.path, m.sub_path, read_only=m.read_only) for m in mounts]
    taken = {mount["mountPath"] for mount in given}
    return [mount for mount in before if mount["mountPath"] not in taken] + given


def _own_mount(volume: running.Volume, path: str) -> dict[str, Any]:
    fixed = volume.read_only or volume.type in ("config", "secret")
    return _mount(volume.name, path, volume.sub_path, read_only=fixed)


def _mount(name: str, path: str, sub_path: str | None, *, read_only: bool) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": name, "mountPath": path}
    if sub_path is not None:
        mount["subPath"] = sub_path
    if read_only:
        mount["readOnly"] = True
    return mount


def scratch_mount(subject: Subject) -> list[dict[str, Any]]:
    """The road's scratch space, where there is one."""
    path = subject.road.scratch_path
    return [{"name": SCRATCH_NAME, "mountPath": path}] if needs_scratch(subject) else []


def needs_scratch(subject: Subject) -> bool:
    """A read-only root file system needs somewhere to write, unless the estate gives it."""
    run, said = subject.run, subject.run.security.read_only_root_filesystem
    if not (subject.road.security.read_only_root_filesystem if said is None else said):
        return False
    path = subject.road.scratch_path
    paths = {v.path.rstrip("/") for v in run.volumes if v.path} | {m.path for m in run.mounts}
    return path not in paths and all(v.name != SCRATCH_NAME for v in run.volumes)


def volumes(subject: Subject) -> list[dict[str, Any]]:
    """The pod's volumes; a StatefulSet's storage comes from its claim templates instead."""
    found = [_volume(subject, v) for v in subject.run.volumes if not templated(subject, v)]
    if needs_scratch(subject):
        found.append({"name": SCRATCH_NAME, "emptyDir": {"sizeLimit": subject.road.scratch_size}})
    return found


def templated(subject: Subject, volume: running.Volume) -> bool:
    """Whether each replica of a StatefulSet claims a volume of its own."""
    own = volume.type == "storage" and volume.source is None and not volume.ephemeral
    return subject.kind == "StatefulSet" and own


def _volume(subject: Subject, volume: running.Volume) -> dict[str, Any]:
    source = object_name(volume.source or volume.name)
    if volume.type == "config":
        return {"name": volume.name, "configMap": {"name": source, **_files(volume)}}
    if volume.type == "secret":
        return {"name": volume.name, "secret": {"secretName": source, **_files(volume)}}
    if volume.type == "host":
        kind = {"type": volume.host_type} if volume.host_type is not None else {}
        return {"name": volume.name, "hostPath": {"path": volume.source or "/", **kind}}
    if volume.type == "driver":
        told = {"volumeAttributes": dict(volume.attributes)} if volume.attributes else {}
        return {"name": volume.name, "csi": {"driver": volume.driver or "", **told}}
    if volume.type == "nfs":
        server, _, path = source.partition(":")
        return {"name": volume.name, "nfs": {"server": server, "path": path}}
    if volume.type == "projected":
        return {
            "name": volume.name,
            "projected": {"sources": list(map(projection, volume.sources))},
        }
    if volume.type == "storage" and volume.ephemeral:
        claimed = {"volumeClaimTemplate": {"spec": claim_spec(volume, subject.road)}}
        return {"name": volume.name, "ephemeral": claimed}
    if volume.type == "storage":
        claim = volume.source or claim_name(subject, volume)
        return {"name": volume.name, "persistentVolumeClaim": {"claimName": claim}}
    scratch: dict[str, Any] = {}
    if volume.medium:
        scratch["medium"] = volume.medium
    if volume.size is not None:
        scratch["sizeLimit"] = volume.size
    return {"name": volume.name, "emptyDir": scratch}


def _files(volume: running.Volume) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if volume.items:
        found["items"] = [{"key": key, "path": path} for key, path in volume.items.items()]
    if volume.mode is not None:
        found["defaultMode"] = volume.mode
    if volume.optional:
        found["optional"] = True
    return found


def claim_name(subject: Subject, volume: running.Volume) -> str:
    """The claim of a workload that is not a StatefulSet."""
    return f"{subject.name}-{volume.name}"


def claim_spec(volume: running.Volume, road: defaults.Defaults) -> dict[str, Any]:
    """How much storage, of which class, for how many at once."""
    spec: dict[str, Any] = {"accessModes": [volume.access]}
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    size = volume.size or road.storage_size
    spec["resources"] = {"requests": {"storage": size}}
    return spec


def claims(subject: Subject) -> list[dict[str, Any]]:
    """Claims of their own, for storage that no StatefulSet templates and nobody else provides, and
    for storage that the workload names and sizes itself.
    """
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": subject.metadata(volume.source or claim_name(subject, volume)),
            "spec": claim_spec(volume, subject.road),
        }
        for volume in subject.run.volumes
        if volume.type == "storage" and not volume.ephemeral and _is_its_own(subject, volume)
    ]


def _is_its_own(subject: Subject, volume: running.Volume) -> bool:
    if volume.source is None:
        return subject.kind != "StatefulSet"
    return volume.size is not None
