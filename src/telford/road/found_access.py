"""What is around an as-found workload: its account, what that may do, its claims, its monitors.

Called by `telford.road.found`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.estate.kinds import running, surroundings
from telford.road import spellings
from telford.road.found_values import (
    Found,
    Key,
    Object,
    head,
    some,
    written,
    written_lists,
)

_RBAC = "rbac.authorization.k8s.io"


def accounts(spec: Found, run: running.Run) -> Iterator[tuple[Key, Object]]:
    """Its service account, where the document describes it, and what is granted to that."""
    if run.account is not None and run.service_account is not None:
        yield ("ServiceAccount", run.service_account), _account(spec, run)
    yield from granted(spec, run, run.service_account or "default", spec.namespace)


def granted(
    spec: Found, run: running.Run, account: str, namespace: str | None
) -> Iterator[tuple[Key, Object]]:
    """The roles that a workload brings along, and what grants them to its account."""
    for grant in run.grants:
        if grant.permissions:
            kind = "ClusterRole" if grant.cluster_role else "Role"
            made = head(spec, kind, grant.role, grant.role_labels)
            made["rules"] = [_permission(item) for item in grant.permissions]
            yield (kind, grant.role), made
        subject = {"kind": "ServiceAccount", "name": account} | some(namespace=namespace)
        yield _binding(spec, grant, subject)


def _account(spec: Found, run: running.Run) -> Object:
    account = run.account or surroundings.Account()
    made = head(spec, "ServiceAccount", run.service_account or spec.name, account.labels)
    made["metadata"] |= some(annotations=dict(account.annotations))
    pull = [{"name": name} for name in account.pull_secrets]
    token = written(account, {"mount_token": "automountServiceAccountToken"})
    return made | token | some(imagePullSecrets=pull)


def _permission(item: surroundings.Permission) -> dict[str, Any]:
    return written_lists(item, spellings.inverse(spellings.PERMISSION))


def _binding(spec: Found, grant: surroundings.Grant, subject: dict[str, Any]) -> tuple[Key, Object]:
    kind = "ClusterRoleBinding" if grant.everywhere else "RoleBinding"
    name = grant.binding or grant.role
    role = "ClusterRole" if grant.cluster_role else "Role"
    made = head(spec, kind, name, grant.labels)
    made["roleRef"] = {"apiGroup": _RBAC, "kind": role, "name": grant.role}
    made["subjects"] = [subject]
    return (kind, name), made


def claims(spec: Found, run: running.Run) -> Iterator[tuple[Key, Object]]:
    """Storage that the workload names and claims itself."""
    for volume in run.volumes:
        if volume.type == "storage" and volume.source is not None and volume.size is not None:
            made = head(spec, "PersistentVolumeClaim", volume.source, volume.claim_labels)
            made["spec"] = claim(volume)
            yield ("PersistentVolumeClaim", volume.source), made


def claim(volume: running.Volume) -> dict[str, Any]:
    """What is claimed of storage."""
    access = [volume.access] if "access" in volume.model_fields_set else []
    requests = some(storage=volume.size)
    return some(
        accessModes=access,
        storageClassName=volume.storage_class,
        resources=some(requests=requests),
    )


def monitors(
    spec: Found, run: running.Run, replicas: Mapping[str, str], endpoint: Mapping[str, str]
) -> Iterator[tuple[Key, Object]]:
    """How its metrics are found; `replicas` are the labels of its pods, `endpoint` of its Service."""
    for monitor in run.monitors:
        pods = monitor.by == "pod"
        kind = "PodMonitor" if pods else "ServiceMonitor"
        name = monitor.name or spec.name
        made = head(spec, kind, name, monitor.labels)
        default = replicas if pods else endpoint
        selector = dict(default if monitor.selector is None else monitor.selector)
        pages = [_scrape(scrape) for scrape in monitor.scrapes]
        made["spec"] = some(jobLabel=monitor.job_label, selector=some(matchLabels=selector))
        made["spec"] |= {"podMetricsEndpoints" if pods else "endpoints": pages}
        yield (kind, name), made


def _scrape(scrape: surroundings.Scrape) -> dict[str, Any]:
    port: dict[str, Any] = {"targetPort" if isinstance(scrape.port, int) else "port": scrape.port}
    given = written(scrape, spellings.inverse(spellings.SCRAPE))
    return (port if scrape.port is not None else {}) | given
