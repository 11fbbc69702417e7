"""Deployment, StatefulSet, DaemonSet, Job, CronJob. Called by `target`."""

from typing import Any

from telford.basics import units
from telford.estate.kinds import running
from telford.render.kubernetes import pods, volumes
from telford.road import conventions, defaults, found, found_batch
from telford.road.subject import Subject


def workload(subject: Subject, digest: str, config_digest: str) -> dict[str, Any]:
    """The workload object. `digest` names the entity's resolved fields."""
    template = pods.template(subject, config_digest)
    kind, version, spec = _BUILDERS[subject.kind](subject, template)
    metadata = subject.metadata()
    metadata["annotations"] = {**subject.annotations, conventions.ANNOTATION_DIGEST: digest}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _replicas(subject: Subject) -> dict[str, int]:
    """A number, unless a scaler owns it."""
    return {"replicas": subject.replicas} if isinstance(subject.replicas, int) else {}


def _deployment(subject: Subject, template: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    return (
        "Deployment",
        "apps/v1",
        {
            **_replicas(subject),
            "revisionHistoryLimit": _history(subject),
            "strategy": strategy(subject.run.rollout, subject.road),
            **found.progress(subject.run),
            "selector": {"matchLabels": subject.selector},
            "template": template,
        },
    )


def _history(subject: Subject) -> int:
    given = subject.run.history
    return subject.road.revision_history if given is None else given


def strategy(given: running.Rollout, road: defaults.Defaults) -> dict[str, Any]:
    """Never fewer ready replicas than asked for, unless the estate says otherwise."""
    if given.strategy == "Recreate":
        return {"type": "Recreate"}
    unavailable = road.max_unavailable if given.unavailable is None else given.unavailable
    surge = road.max_surge if given.surge is None else given.surge
    rolling = {"maxUnavailable": unavailable, "maxSurge": surge}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def _update(given: running.Rollout) -> dict[str, Any]:
    """The update strategy of a StatefulSet or DaemonSet, as far as it is written."""
    rolling = {
        "partition": given.partition,
        "maxUnavailable": given.unavailable,
        "maxSurge": given.surge,
    }
    written = {key: value for key, value in rolling.items() if value is not None}
    if given.strategy is None and not written:
        return {}
    kind = given.strategy or "RollingUpdate"
    detail = {"rollingUpdate": written} if written and kind == "RollingUpdate" else {}
    return {"updateStrategy": {"type": kind, **detail}}


def _stateful_set(subject: Subject, template: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    spec = {
        **_replicas(subject),
        "revisionHistoryLimit": _history(subject),
        "serviceName": _governing(subject),
        **_update(subject.run.rollout),
        **found.progress(subject.run),
        "selector": {"matchLabels": subject.selector},
        "template": template,
    }
    claims = [_claim(subject, v) for v in subject.run.volumes if volumes.templated(subject, v)]
    return "StatefulSet", "apps/v1", spec | ({"volumeClaimTemplates": claims} if claims else {})


def _governing(subject: Subject) -> str:
    """The endpoint that gives its replicas their names: a headless one, else the first."""
    headless = [e.name for e in subject.endpoints if e.type == "Headless"]
    every = headless or [e.name for e in subject.endpoints]
    return every[0] if every else subject.name


def _claim(subject: Subject, volume: running.Volume) -> dict[str, Any]:
    spec = volumes.claim_spec(volume, subject.road)
    return {"metadata": {"name": volume.name}, "spec": spec}


def _daemon_set(subject: Subject, template: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    spec = {
        "revisionHistoryLimit": _history(subject),
        **_update(subject.run.rollout),
        "selector": {"matchLabels": subject.selector},
        "template": template,
    }
    return "DaemonSet", "apps/v1", spec


def _job_spec(subject: Subject, template: dict[str, Any]) -> dict[str, Any]:
    road = subject.road.jobs
    batch = subject.run.batch
    made = {
        "completions": batch.completions,
        "parallelism": batch.parallelism,
        "backoffLimit": road.backoff if batch.retries is None else batch.retries,
        "activeDeadlineSeconds": _seconds(batch.deadline),
        "ttlSecondsAfterFinished": road.ttl_seconds if batch.keep is None else _seconds(batch.keep),
        **found_batch.ending(batch),
        "template": template,
    }
    return {key: value for key, value in made.items() if value is not None}


def _seconds(text: str | None) -> int | None:
    return None if text is None else round(units.seconds(text))


def _job(subject: Subject, template: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    return "Job", "batch/v1", _job_spec(subject, template)


def _cron_job(subject: Subject, template: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    batch = subject.run.batch
    job: dict[str, Any] = {"spec": _job_spec(subject, template)}
    if subject.run.job_labels:
        job = {"metadata": {"labels": dict(subject.run.job_labels)}} | job
    spec = {
        "schedule": subject.run.schedule,
        "timeZone": batch.time_zone,
        "concurrencyPolicy": batch.concurrency or subject.road.jobs.concurrency,
        "suspend": batch.suspend,
        "startingDeadlineSeconds": _seconds(batch.start_deadline),
        "successfulJobsHistoryLimit": batch.keep_succeeded,
        "failedJobsHistoryLimit": batch.keep_failed,
        "jobTemplate": job,
    }
    return "CronJob", "batch/v1", {key: value for key, value in spec.items() if value is not None}


_BUILDERS = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
}
