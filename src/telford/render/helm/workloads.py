"""Deployment, StatefulSet, DaemonSet, Job and CronJob as values. Called by `entries`."""

from typing import Any

from telford.render.artifacts import Object
from telford.render.helm import pods
from telford.render.helm.taking import Taken, UnsaidError, Values

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")

# Field -> its name as a value. The chart has the same tables (`_workload.tpl`).
_LONG = {
    "replicas": "replicas",
    "revisionHistoryLimit": "history",
    "strategy": "rollout",
    "updateStrategy": "update",
    "minReadySeconds": "minReadySeconds",
    "progressDeadlineSeconds": "progressDeadlineSeconds",
    "paused": "paused",
    "podManagementPolicy": "order",
    "serviceName": "governedBy",
}
_FINITE = {
    "completions": "completions",
    "parallelism": "parallelism",
    "backoffLimit": "retries",
    "activeDeadlineSeconds": "deadlineSeconds",
    "ttlSecondsAfterFinished": "keepSeconds",
    "completionMode": "completion",
    "podFailurePolicy": "onFailure",
}
_CRON = {
    "schedule": "schedule",
    "timeZone": "timeZone",
    "concurrencyPolicy": "concurrency",
    "suspend": "suspend",
    "startingDeadlineSeconds": "startDeadlineSeconds",
    "successfulJobsHistoryLimit": "keepSucceeded",
    "failedJobsHistoryLimit": "keepFailed",
}


def workload(
    item: Object, labels: dict[str, str], selector: dict[str, str], address: str
) -> Values:
    """The values of the specification; see `pods.template`."""
    found, kind = Taken(item.get("spec"), item["kind"]), item["kind"]
    if kind == "CronJob":
        made = found.renamed(_CRON)
        template = found.inside("jobTemplate")
        metadata = template.inside("metadata")
        made |= metadata.renamed({"name": "jobName", "labels": "jobLabels"})
        made |= _finite(template.inside("spec"), labels, selector, address)
        metadata.done()
        template.done()
    elif kind == "Job":
        made = _finite(found, labels, selector, address)
    else:
        made = _long(found, labels, selector, address)
    found.done()
    return {"kind": kind, **made}


def _finite(found: Taken, labels: dict[str, str], selector: dict[str, str], address: str) -> Values:
    made = found.renamed(_FINITE)
    made |= pods.template(found.inside("template"), labels, selector, address)
    found.done()
    return made


def _long(found: Taken, labels: dict[str, str], selector: dict[str, str], address: str) -> Values:
    made = found.renamed(_LONG)
    selected = found.inside("selector")
    chosen = selected.take("matchLabels", {})
    selected.done()
    if not selector or chosen != selector:
        made["selector"] = chosen
    claims = [_claim_template(one) for one in found.take("volumeClaimTemplates", ())]
    made |= {"claimTemplates": claims} if claims else {}
    return made | pods.template(found.inside("template"), labels, chosen, address)


def _claim_template(item: Any) -> Values:
    found = Taken(item, "volumeClaimTemplates")
    metadata = found.inside("metadata")
    made = {"name": metadata.take("name"), **claim(found.inside("spec"))}
    metadata.done()
    found.done()
    return made


def claim(spec: Taken) -> Values:
    """What a volume claim asks for."""
    made = {"access": spec.take("accessModes"), **spec.renamed({"storageClassName": "class"})}
    resources = spec.inside("resources")
    requests = resources.inside("requests")
    made["size"] = requests.take("storage")
    for one in (requests, resources, spec):
        one.done()
    if not made["access"] or made["size"] is None or made.get("class") == "":
        raise UnsaidError("a claim without access or size")
    return made
