"""Rules about what runs: series that say what the estate knows, and a few alerts joined with them.

An alert is written once for a place, not once for each service; its owner, tier and runbook come
from `workload:info`, which has one series a workload. So a place of a thousand services has
eleven alerts to read. The alerts are `health.toml`. Called by the targets `prometheus` and
`prometheus-operator`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.road import conventions
from telford.road.monitored import Watched

INTERVAL = "1m"
_REPLICATED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_FINITE = frozenset({"Job", "CronJob"})

# Labels that a join brings along, beside what it is found by.
_BROUGHT = (
    "about",
    "address",
    "environment",
    "region",
    "cluster",
    "system",
    "service",
    "owner",
    "tier",
    "runbook",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is watched in a place: workloads, streams by engine, certificates; which `kinds` of
    workloads there are, whether any keeps storage, whether any has metrics of its own.
    """

    workloads: tuple[Watched, ...]
    streams: tuple[tuple[str, Watched], ...]
    certificates: tuple[Watched, ...]
    kinds: frozenset[str]
    storage: bool
    scraped: bool

    @property
    def engines(self) -> tuple[str, ...]:
        """Engines of streams whose backlog can be read, by name."""
        readable = table()["backlog"]
        return tuple(sorted({engine for engine, _ in self.streams if engine in readable}))

    @property
    def needs(self) -> frozenset[str]:
        """What is there to be watched, in the words of `health.toml` and `scraping.toml`."""
        every = {
            "workload": bool(self.workloads),
            "replicas": bool(self.kinds & _REPLICATED),
            "job": bool(self.kinds & _FINITE),
            "storage": self.storage,
            "certificate": bool(self.certificates),
            "scraped": self.scraped,
            "backlog": bool(self.engines),
            **dict.fromkeys(self.engines, True),
        }
        return frozenset(need for need, there in every.items() if there)


@cache
def table() -> Mapping[str, Any]:
    """`health.toml`."""
    return resources.toml("telford.road", "health.toml")


def groups(place: str, facts: Facts) -> dict[str, Any] | None:
    """The rule groups of a place; None where nothing is watched."""
    needs = facts.needs
    alerts = [_alert(row) for row in table()["alert"] if row["needs"] in needs]
    if not alerts:
        return None
    info = [*_information(facts), *_belonging(facts)]
    return {
        "groups": [
            {"name": f"what runs in {place}", "interval": INTERVAL, "rules": info},
            {"name": f"health of {place}", "interval": INTERVAL, "rules": alerts},
        ]
    }


def _information(facts: Facts) -> Iterable[dict[str, Any]]:
    """One series for each thing that the estate knows here."""
    readable = table()["backlog"]
    known = [(conventions.SERIES_WORKLOAD, one) for one in facts.workloads]
    known += [(conventions.SERIES_STREAM, one) for e, one in facts.streams if e in readable]
    known += [(conventions.SERIES_CERTIFICATE, one) for one in facts.certificates]
    for series, one in known:
        yield {"record": series, "expr": "vector(1)", "labels": {**one.keys, **one.labels}}


# A pod's owner is named after the workload: a Deployment's ReplicaSet is NAME-HASH, a CronJob's
# job is NAME-NUMBER, the others are the workload itself.
_OWNERS = (
    ("ReplicaSet", "(.+)-[a-z0-9]+"),
    ("StatefulSet|DaemonSet", "(.+)"),
    ("Job", "(.+?)(-[0-9]{8,})?"),
)


def _belonging(facts: Facts) -> Iterable[dict[str, Any]]:
    """Which workload a pod and a claim belong to, and how many messages wait."""
    needs = facts.needs
    if "workload" in needs:
        owners = "\n  or ".join(
            f'label_replace(kube_pod_owner{{owner_kind=~"{kind}"}},'
            f' "workload", "$1", "owner_name", "{pattern}")'
            for kind, pattern in _OWNERS
        )
        by_pod = f"max by (namespace, pod, workload) (\n  {owners}\n)"
        yield {"record": conventions.SERIES_POD, "expr": by_pod}
    if "storage" in needs:
        by_claim = (
            "max by (namespace, persistentvolumeclaim, workload) (\n"
            f"  kube_pod_spec_volumes_persistentvolumeclaims_info\n  {_join('pod')}\n)"
        )
        yield {"record": conventions.SERIES_CLAIM, "expr": by_claim}
    for engine in facts.engines:
        yield _backlog(engine, table()["backlog"][engine])


def _backlog(engine: str, row: Mapping[str, str]) -> dict[str, Any]:
    label, series = row["topic"], row["series"]
    counted = f"sum by ({label}) ({series})"
    if label != "topic":
        counted = f'sum by (topic) (label_replace({series}, "topic", "$1", "{label}", "(.+)"))'
    return {"record": conventions.SERIES_BACKLOG, "expr": counted, "labels": {"engine": engine}}


def _join(what: str) -> str:
    """One of the joins that `health.toml` names in braces."""
    brought = ", ".join(_BROUGHT)
    joins = {
        "pod": f"* on (namespace, pod) group_left (workload) {conventions.SERIES_POD}",
        "claim": "* on (namespace, persistentvolumeclaim) group_left (workload)"
        f" {conventions.SERIES_CLAIM}",
        "workload": f"* on (namespace, workload) group_left ({brought})"
        f" {conventions.SERIES_WORKLOAD}",
        "scraped": f"+ on (about) group_left ({brought.removeprefix('about, ')})"
        f" {conventions.SERIES_WORKLOAD}",
        "certificate": f"* on (namespace, name) group_left ({brought})"
        f" {conventions.SERIES_CERTIFICATE}",
        "stream": f"* on (engine, topic) group_left ({brought}) {conventions.SERIES_STREAM}",
    }
    return joins[what]


_JOINS = ("pod", "claim", "workload", "scraped", "certificate", "stream")
_RUNBOOK = (
    "{{ with $labels.runbook }}{{ . }}{{ else }}telford status {{ $labels.service }}{{ end }}"
)


def _alert(row: Mapping[str, str]) -> dict[str, Any]:
    expression = row["expr"].strip()
    for what in _JOINS:
        expression = expression.replace(f"{{{what}}}", _join(what))
    waits = {} if row["for"] == "0s" else {"for": row["for"]}
    return {
        "alert": row["name"],
        "expr": expression,
        **waits,
        "labels": {conventions.ALERT_LABEL_SEVERITY: row["severity"]},
        "annotations": {
            "summary": row["summary"],
            "description": row["description"],
            conventions.ALERT_LABEL_RUNBOOK: _RUNBOOK,
        },
    }
