"""The pod of a workload: containers, identity, placement. Called by `workloads`."""

from typing import Any

from telford.basics import units
from telford.estate.kinds import running
from telford.render.kubernetes import containers, volumes
from telford.road import conventions, defaults, found_placing
from telford.road.found_values import some, written
from telford.road.subject import Subject


def template(subject: Subject, config_digest: str) -> dict[str, Any]:
    """The pod template. `config_digest` changes with the Configs it reads, so it restarts; the
    owner is not among its annotations, so a new owner restarts nothing.
    """
    annotations = {
        conventions.ANNOTATION_ADDRESS: subject.address,
        **subject.injection,
        **subject.run.pod_annotations,
    }
    if config_digest:
        annotations[conventions.ANNOTATION_CONFIG] = config_digest
    return {
        "metadata": {"labels": subject.pod_labels, "annotations": annotations},
        "spec": pod(subject),
    }


def pod(subject: Subject) -> dict[str, Any]:
    """The pod's specification, restricted Pod Security unless the estate says otherwise."""
    run = subject.run
    found: dict[str, Any] = {
        "serviceAccountName": subject.account,
        "automountServiceAccountToken": run.mount_token is True,
        "enableServiceLinks": run.service_links is True,
        "restartPolicy": _restart(subject),
        "terminationGracePeriodSeconds": _stop(run),
        "nodeSelector": dict(run.node_selector),
        "tolerations": [_toleration(toleration) for toleration in run.tolerations],
        "securityContext": _security(run.security, subject.road.security),
        "topologySpreadConstraints": spread(subject) if subject.least > 1 else [],
        "initContainers": containers.beside(subject, run.initialise),
        "containers": [containers.main(subject), *containers.beside(subject, run.sidecars)],
        "volumes": volumes.volumes(subject),
        **found_placing.placed(run),
    }
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def _restart(subject: Subject) -> str | None:
    """A finite workload must say; the others always restart."""
    finite = subject.kind in ("Job", "CronJob")
    return subject.run.restart or ("Never" if finite else None)


def _stop(run: running.Run) -> int | None:
    return None if run.stop is None else round(units.seconds(run.stop))


def _toleration(given: running.Toleration) -> dict[str, Any]:
    found = {
        "key": given.key,
        "operator": given.operator,
        "value": given.value,
        "effect": given.effect,
        "tolerationSeconds": given.seconds,
    }
    return {key: value for key, value in found.items() if value is not None}


def restricted(road: defaults.Security) -> dict[str, Any]:
    """What the road asks of a whole pod: restricted Pod Security, unless a recipe loosens it."""
    return {"runAsNonRoot": road.run_as_non_root, **containers.seccomp(road.seccomp)} | (
        {} if road.run_as_user is None else {"runAsUser": road.run_as_user}
    )


def _security(given: running.Security, road: defaults.Security) -> dict[str, Any]:
    files = {"fs_group": "fsGroup", "fs_group_change": "fsGroupChangePolicy"}
    groups = some(supplementalGroups=list(given.groups))
    return restricted(road) | containers.identity(given) | written(given, files) | groups


def spread(subject: Subject) -> list[dict[str, Any]]:
    """Replicas away from one another, over zones and machines, as far as there are any."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": subject.selector},
        }
        for key in subject.road.spread_keys
    ]
