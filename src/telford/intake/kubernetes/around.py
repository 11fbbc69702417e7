"""What is around a workload -> `run.account`, `grants` and `monitors`, in document form.

Called by `telford.intake.kubernetes.workloads`; the other way is `telford.road.found_access`.
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access, placing
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.grouping import Granted, Group
from telford.intake.kubernetes.objects import Object
from telford.road import spellings


def fields(group: Group, name: str, labels: dict[str, str], replicas: Mapping[str, str]) -> Fields:
    """`name` and `labels` are those of the document, `replicas` are the labels by which its pods
    are known.
    """
    first = group.services[0] if group.services else None
    endpoint = _labels(first) if first is not None else labels
    found = {} if group.account is None else {"account": _account(group.account, labels)}
    return found | some(
        grants=[_grant(item, labels) for item in group.grants],
        monitors=[
            _monitor(item, name, labels, replicas if item.kind == "PodMonitor" else endpoint)
            for item in group.monitors
        ],
    )


def _labels(item: Object) -> dict[str, str] | None:
    return access.texts(access.mapping(item.body, "metadata").get("labels", {}))


def _own(field: str, item: Object, labels: dict[str, str]) -> Fields:
    """The object's labels where they are not those of the document."""
    own = _labels(item)
    return {} if own is None or own == labels else {field: own}


def _account(account: Object, labels: dict[str, str]) -> Fields:
    metadata = access.mapping(account.body, "metadata")
    token = renamed(account.body, {"automountServiceAccountToken": "mountToken"})
    return (
        _own("labels", account, labels)
        | token
        | some(
            annotations=access.texts(metadata.get("annotations")),
            pullSecrets=placing.pull_secrets(account.body),
        )
    )


def _grant(granted: Granted, labels: dict[str, str]) -> Fields:
    binding, role = granted.binding, granted.role
    reference = access.mapping(binding.body, "roleRef")
    found: Fields = {"role": reference.get("name")}
    if reference.get("kind") == "ClusterRole":
        found["clusterRole"] = True
    if binding.kind == "ClusterRoleBinding":
        found["everywhere"] = True
    if binding.name != reference.get("name"):
        found["binding"] = binding.name
    found |= _own("labels", binding, labels)
    if role is None:
        return found
    rules = access.mappings(role.body.get("rules"))
    permissions = [renamed(rule, spellings.documented(spellings.PERMISSION)) for rule in rules]
    return found | _own("roleLabels", role, labels) | some(permissions=permissions)


def _monitor(
    item: Object, name: str, labels: dict[str, str], selected: Mapping[str, str] | None
) -> Fields:
    spec = access.mapping(item.body, "spec")
    pods = item.kind == "PodMonitor"
    pages = access.mappings(spec.get("podMetricsEndpoints" if pods else "endpoints"))
    own = access.texts(access.mapping(spec, "selector").get("matchLabels"))
    found: Fields = {} if item.name == name else {"name": item.name}
    found |= {} if pods else {"by": "endpoint"}
    found |= some(scrapes=[_scrape(page) for page in pages], jobLabel=spec.get("jobLabel"))
    found |= _own("labels", item, labels)
    return found if own == selected or own is None else {**found, "selector": own}


def _scrape(page: Mapping[str, Any]) -> Fields:
    port = page.get("port", page.get("targetPort"))
    return some(port=port) | renamed(page, spellings.documented(spellings.SCRAPE))
