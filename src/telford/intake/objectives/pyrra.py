"""Pyrra -> Objectives: ServiceLevelObjective of ``pyrra.dev/v1alpha1``.

https://github.com/pyrra-dev/pyrra. Its metrics are plain selectors already. It names no service: a label does (``service``, ``app``,
``job``), of the object or in a selector, and that is marked as concluded. Listed in
`telford.intake.formats`.
"""

import re

from telford.basics.diagnostics import Position, Severity
from telford.intake import descriptor as descriptors
from telford.intake import names
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options
from telford.intake.objectives import promises, selectors
from telford.road import conventions

_VERSION = re.compile(r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?pyrra\.dev/""", re.MULTILINE)
_REASON = "its indicator, target or service is none that an Objective says"
_SERVICE_LABELS = ("pyrra.dev/service", "app.kubernetes.io/name", "service", "app", "job")
_SELECTOR_LABELS = ("service", "app", "job", "handler", "destination_service_name")
_NATIVE = "Telford derives windows, names and texts of alerts from the objective"
# Indicator -> our way, and its metrics: their field -> ours.
_WAYS = {
    "ratio": ("ratio", {"errors": "bad", "total": "total"}),
    "latency": ("ratio", {"success": "good", "total": "total"}),
    "bool_gauge": ("probe", {"": "success"}),
}


def claims(path: str, text: str) -> bool:
    """Whether a document is an object of Pyrra."""
    del path
    # The word first: it is found much faster than an expression, and most documents have none.
    return "pyrra.dev/" in text and _VERSION.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The objectives of all texts. Never raises for anything that a text can say."""
    return promises.read(sources, options, "objective of Pyrra", _subject, _meaning)


def _subject(one: Descriptor) -> str:
    return f"{one.text('kind') or 'document'}/{one.text('metadata', 'name') or '?'}"


def _meaning(one: Descriptor, options: Options) -> promises.Found:
    draft = _objective(one, options)
    if draft is None:
        return _whole(one, options)
    return promises.Found([draft.document(promises.FILE, "x-pyrra")], draft.address, [draft])


def _objective(one: Descriptor, options: Options) -> Draft | None:
    name = one.text("metadata", "name")
    service, origin = _service(one)
    if not name or not service or one.text("kind") != "ServiceLevelObjective":
        return None
    draft = promises.begun(one, name, service, options)
    draft.put(("service",), names.slug(service), origin)
    draft.put(
        ("annotations", conventions.ANNOTATION_INFERRED_FROM), f"service from {origin}", origin
    )
    one.took(draft.address, "metadata", "name")
    one.drop(descriptors.FORMAT, "apiVersion")
    one.drop(descriptors.FORMAT, "kind")
    draft.say(("target",), promises.percentage(one.text("spec", "target")), "spec", "target")
    draft.say(("period",), promises.period(one.text("spec", "window")), "spec", "window")
    draft.copy(("description",), "spec", "description")
    draft.texts(("labels",), "metadata", "labels")
    draft.texts(("annotations",), "metadata", "annotations")
    said = _indicator(draft) and {"target", "period"} <= draft.value.keys()
    if not said:
        return None
    _alerting(draft)
    return draft


def _service(one: Descriptor) -> tuple[str, Position]:
    """The service that is meant, and the text that says so."""
    for key in _SERVICE_LABELS:
        if one.text("metadata", "labels", key):
            return one.text("metadata", "labels", key), one.where("metadata", "labels", key)
    for way in _WAYS:
        for path in ((way, "total", "metric"), (way, "metric")):
            found = selectors.label(one.text("spec", "indicator", *path), _SELECTOR_LABELS)
            if found:
                return found, one.where("spec", "indicator", *path)
    return "", one.position


def _indicator(draft: Draft) -> bool:
    one = draft.origin
    for way, (ours, metrics) in _WAYS.items():
        here: Path = ("spec", "indicator", way)
        if one.at(*here) is None:
            continue
        for theirs, field in metrics.items():
            path = (*here, *([theirs] if theirs else []), "metric")
            draft.say(("sli", ours, field), selectors.counters(one.text(*path)), *path)
        return len(draft.value.get("sli", {}).get(ours, {})) == len(metrics)
    return False


def _alerting(draft: Draft) -> None:
    one = draft.origin
    if one.text("spec", "alerting", "disabled") == "true":
        draft.say(("alerting", "page"), False, "spec", "alerting", "disabled")
    for key in one.keys("spec", "alerting"):
        if ("spec", "alerting", key) not in one.taken:
            one.drop(_NATIVE, "spec", "alerting", key)


def _whole(one: Descriptor, options: Options) -> promises.Found:
    one.taken.clear()
    one.dropped.clear()
    name = one.text("metadata", "name") or "unnamed"
    document = promises.carried(one, f"pyrra-{name}", options, _REASON)
    one.problem(
        "TEL693",
        f"`{name}` is carried as it is: {_REASON}",
        "give it a label `service`, and an indicator of plain counters",
        severity=Severity.INFO,
    )
    carrier = f"manifest/{document.value['system']}.{document.value['name']}"
    return promises.Found([document], carrier)


FORMAT = Format(name="pyrra", title="Pyrra", suffixes=(".yaml", ".yml"), claims=claims, read=read)
