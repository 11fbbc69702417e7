"""What the published OpenSLO v1 schema and specification demand of a document, as data of our own.

No package carries the schema, so its facts are written down here, in our words, from
https://github.com/OpenSLO/OpenSLO/tree/main/schemas/v1 (names, durations, labels, annotations,
what each kind requires) and https://github.com/OpenSLO/OpenSLO#object-types (fields of each kind,
one time window, the two forms of an indicator). Fields that neither names are errors.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9.|/\\-]*")
DURATION = re.compile(r"[1-9][0-9]*[mhdwMQY]")
LABEL = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z._-]{0,62}")
MAX_DESCRIPTION = 1_050
MAX_NAME = 255
OPERATORS = {"lte", "gte", "lt", "gt"}

# Kind -> (fields that its spec must have, fields that it may have).
SPECS: dict[str, tuple[set[str], set[str]]] = {
    "DataSource": ({"type", "connectionDetails"}, {"description"}),
    "Service": (set(), {"description"}),
    "SLI": (set(), {"description", "thresholdMetric", "ratioMetric"}),
    "SLO": (
        {"service", "timeWindow", "budgetingMethod", "objectives"},
        {"description", "indicator", "indicatorRef", "alertPolicies"},
    ),
    "AlertCondition": ({"severity", "condition"}, {"description"}),
    "AlertPolicy": (
        {
            "alertWhenNoData",
            "alertWhenResolved",
            "alertWhenBreaching",
            "conditions",
            "notificationTargets",
        },
        {"description"},
    ),
    "AlertNotificationTarget": ({"target"}, {"description"}),
}


def errors(documents: list[Any]) -> list[str]:
    """What is wrong with documents that stand together: each by itself, and their references."""
    found = [f"{title(one)}: {said}" for one in documents for said in _document(one)]
    if found:
        return found
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    doubled = sorted({name for name in names if names.count(name) > 1})
    lost = [
        f"{title(one)}: there is no {kind} {name}"
        for one in documents
        for kind, name in _references(one)
        if (kind, name) not in names
    ]
    return [f"{kind}/{name}: there are two" for kind, name in doubled] + lost


def title(one: Any) -> str:
    return f"{one.get('kind')}/{(one.get('metadata') or {}).get('name')}"


def _document(one: Any) -> Iterator[str]:
    yield from _keys(one, {"apiVersion", "kind", "metadata", "spec"}, set(), "the document")
    if one.get("apiVersion") != "openslo/v1":
        yield "its apiVersion is not openslo/v1"
    if one.get("kind") not in SPECS:
        yield "it is no kind of OpenSLO v1"
        return
    yield from _metadata(one["metadata"])
    spec = one.get("spec")
    yield from _keys(spec, *SPECS[one["kind"]], "spec")
    description = spec.get("description", "")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION:
        yield "its description is no text, or too long"
    check = CHECKS.get(one["kind"])
    if check is not None:
        yield from check(spec)


def _keys(value: Any, required: set[str], allowed: set[str], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no mapping"
        return
    if required - value.keys():
        yield f"{where} lacks {sorted(required - value.keys())}"
    if value.keys() - required - allowed:
        yield f"{where} has {sorted(value.keys() - required - allowed)}"


def _metadata(value: Any) -> Iterator[str]:
    yield from _keys(value, {"name"}, {"displayName", "labels", "annotations"}, "metadata")
    yield from _name(value.get("name"))
    for key, text in {**value.get("labels", {}), **value.get("annotations", {})}.items():
        if not isinstance(text, str) or not LABEL.fullmatch(text):
            yield f"the value of {key} is none that the schema allows"


def _name(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or len(value) > MAX_NAME or not NAME.fullmatch(value):
        yield f"{value!r} is no name"


def _duration(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not DURATION.fullmatch(value):
        yield f"{value!r} is no duration"


def _metric(value: Any) -> Iterator[str]:
    yield from _keys(value, {"metricSource"}, set(), "a metric")
    yield from _keys(
        value.get("metricSource"), {"spec"}, {"metricSourceRef", "type"}, "metricSource"
    )


def _sli(spec: Any) -> Iterator[str]:
    if len(spec.keys() & {"thresholdMetric", "ratioMetric"}) != 1:
        yield "an indicator is a threshold or a ratio"
    elif "thresholdMetric" in spec:
        yield from _metric(spec["thresholdMetric"])
    else:
        ratio = spec["ratioMetric"]
        yield from _keys(ratio, {"counter", "total"}, {"good", "bad"}, "ratioMetric")
        if len(ratio.keys() & {"good", "bad"}) != 1:
            yield "a ratio has either good or bad events"
        for part in ratio.keys() & {"total", "good", "bad"}:
            yield from _metric(ratio[part])


def _slo(spec: Any) -> Iterator[str]:
    if len(spec.keys() & {"indicator", "indicatorRef"}) != 1:
        yield "an objective has one indicator, inline or by reference"
    if spec["budgetingMethod"] not in ("Occurrences", "Timeslices", "RatioTimeslices"):
        yield "its budgeting method is none"
    if len(spec["timeWindow"]) != 1:
        yield "there is one time window"
    for window in spec["timeWindow"]:
        yield from _keys(window, {"duration", "isRolling"}, {"calendar"}, "timeWindow")
        yield from _duration(window.get("duration"))
        if window.get("isRolling") is ("calendar" in window):
            yield "a window rolls, or has a calendar"
    for goal in spec["objectives"]:
        yield from _keys(goal, {"target"}, {"displayName", "op", "value"}, "an objective")
        if not isinstance(goal.get("target"), float) or not 0 < goal["target"] < 1:
            yield f"{goal.get('target')} is no share of good events"
        if not {"op", "value"} <= goal.keys() and goal.keys() & {"op", "value"}:
            yield "a threshold has an operator and a value"
        if "op" in goal and goal["op"] not in OPERATORS:
            yield f"{goal['op']} is no operator"


def _condition(spec: Any) -> Iterator[str]:
    condition = spec["condition"]
    required = {"kind", "op", "threshold", "lookbackWindow", "alertAfter"}
    yield from _keys(condition, required, set(), "condition")
    if condition.get("kind") != "burnrate" or condition.get("op") not in OPERATORS:
        yield "a condition is a burn rate with an operator"
    for field in ("lookbackWindow", "alertAfter"):
        yield from _duration(condition.get(field))
    if not isinstance(condition.get("threshold"), int | float):
        yield "a threshold is a number"


def _policy(spec: Any) -> Iterator[str]:
    if len(spec["conditions"]) != 1 or not spec["notificationTargets"]:
        yield "a policy has one condition and somebody to tell"
    for field in ("alertWhenNoData", "alertWhenResolved", "alertWhenBreaching"):
        if not isinstance(spec[field], bool):
            yield f"{field} is yes or no"


def _references(one: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of whatever a document refers to."""
    spec = one["spec"]
    if one["kind"] == "SLO":
        yield "Service", spec["service"]
        if "indicatorRef" in spec:
            yield "SLI", spec["indicatorRef"]
        yield from (("AlertPolicy", p["alertPolicyRef"]) for p in spec.get("alertPolicies", ()))
    elif one["kind"] == "SLI":
        parts = [spec.get("thresholdMetric"), *spec.get("ratioMetric", {}).values()]
        for part in parts:
            if isinstance(part, dict) and "metricSourceRef" in part["metricSource"]:
                yield "DataSource", part["metricSource"]["metricSourceRef"]
    elif one["kind"] == "AlertPolicy":
        yield from (("AlertCondition", c["conditionRef"]) for c in spec["conditions"])
        targets = spec["notificationTargets"]
        yield from (("AlertNotificationTarget", t["targetRef"]) for t in targets)


CHECKS: dict[str, Callable[[Any], Iterator[str]]] = {
    "SLI": _sli,
    "SLO": _slo,
    "AlertCondition": _condition,
    "AlertPolicy": _policy,
}
