"""How jobs and crons run to their end, as Kubernetes says it. Called by `telford.road.found`, and by
the Kubernetes target for what is paved.
"""

from typing import Any

from telford.estate.kinds import running
from telford.road.found_values import some, written, written_times


def job(batch: running.Batch) -> dict[str, Any]:
    """The fields of a Job beside its template."""
    names = {"retries": "backoffLimit", "completions": "completions", "parallelism": "parallelism"}
    times = {"deadline": "activeDeadlineSeconds", "keep": "ttlSecondsAfterFinished"}
    return written(batch, names) | written_times(batch, times) | ending(batch)


def ending(batch: running.Batch) -> dict[str, Any]:
    """When a job is complete, and what it does about replicas that fail."""
    rules = [_failure(item) for item in batch.on_failure]
    policy = some(rules=rules)
    return written(batch, {"completion": "completionMode"}) | some(podFailurePolicy=policy)


def _failure(item: running.FailedPod) -> dict[str, Any]:
    conditions = [{"type": name, "status": status} for name, status in item.conditions.items()]
    codes = item.exit_codes or item.other_codes
    exits = some(containerName=item.container) | {
        "operator": "In" if item.exit_codes else "NotIn",
        "values": list(codes),
    }
    return {"action": item.action} | some(
        onPodConditions=conditions, onExitCodes=exits if codes else None
    )


def cron(batch: running.Batch, schedule: str | None) -> dict[str, Any]:
    """The fields of a CronJob beside its job."""
    names = {
        "time_zone": "timeZone",
        "concurrency": "concurrencyPolicy",
        "suspend": "suspend",
        "keep_succeeded": "successfulJobsHistoryLimit",
        "keep_failed": "failedJobsHistoryLimit",
    }
    start = written_times(batch, {"start_deadline": "startingDeadlineSeconds"})
    return some(schedule=schedule) | written(batch, names) | start
